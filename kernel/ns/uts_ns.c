// UTS namespaces: host name and domain name.

#include <core/atomic.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/ns_inode.h>
#include <ns/user_ns.h>
#include <ns/uts_ns.h>
#include <uapi/errno.h>

struct uts_ns init_uts_ns = {
	.refs = REFCOUNT_INIT(1),
	.user_ns = &init_user_ns,
	.inode_nr = 0xeffffffeu, // PROC_UTS_INIT_INO
	.lock = SPINLOCK_INIT(LOCK_NS),
	// Programs (glibc among them) parse the release: it names the Linux whose ABI this is.
	.name = {.sysname = "Linux",
		 .nodename = "(none)",
		 .release = "6.12.0-cloven",
		 .version = "#1 SMP Cloven " CLOVEN_VERSION,
		 .machine = "riscv64",
		 .domainname = "(none)"},
};

struct uts_ns *uts_ns_get(struct uts_ns *ns)
{
	refcount_get(&ns->refs);
	return ns;
}

void uts_ns_put(struct uts_ns *ns)
{
	if (ns && refcount_put(&ns->refs)) {
		user_ns_put(ns->user_ns);
		kfree(ns);
	}
}

int uts_ns_dup(struct uts_ns *old, struct user_ns *owner, struct uts_ns **copy)
{
	struct uts_ns *ns = kmalloc(sizeof(*ns), GFP_KERNEL);

	if (!ns)
		return -ENOMEM;
	refcount_init(&ns->refs, 1);
	ns->user_ns = user_ns_get(owner);
	ns->inode_nr = ns_inode_next();
	spin_init(&ns->lock, LOCK_NS);
	spin_lock(&old->lock);
	ns->name = old->name;
	spin_unlock(&old->lock);
	*copy = ns;
	return 0;
}

static void set_name(struct uts_ns *ns, char *field, const char *text, size_t length)
{
	spin_lock(&ns->lock);
	memset(field, 0, UTS_NAME_SIZE);
	memcpy(field, text, length);
	spin_unlock(&ns->lock);
}

void uts_set_nodename(struct uts_ns *ns, const char *text, size_t length)
{
	set_name(ns, ns->name.nodename, text, length);
}

void uts_set_domainname(struct uts_ns *ns, const char *text, size_t length)
{
	set_name(ns, ns->name.domainname, text, length);
}
