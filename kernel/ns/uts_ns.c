// UTS namespaces: host name and domain name.

#include <lib/string.h>
#include <mm/slab.h>
#include <ns/ns_common.h>
#include <ns/user_ns.h>
#include <ns/uts_ns.h>
#include <uapi/errno.h>
#include <uapi/sched.h>

struct uts_ns init_uts_ns = {
	.common = {.refs = REFCOUNT_INIT(1),
		   .kind = &uts_ns_kind,
		   .number = 0xeffffffeu, // PROC_UTS_INIT_INO
		   .owner = &init_user_ns},
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
	refcount_get(&ns->common.refs);
	return ns;
}

static void uts_ns_free(struct ns_common *common)
{
	ns_common_end(common);
	kfree(common);
}

const struct ns_kind uts_ns_kind = {
	.type = NS_UTS,
	.name = "uts",
	.flag = CLONE_NEWUTS,
	.free = uts_ns_free,
};
_Static_assert(offsetof(struct uts_ns, common) == 0, "see ns_common.h");

int uts_ns_dup(struct uts_ns *old, struct user_ns *owner, struct uts_ns **copy)
{
	struct uts_ns *ns = kmalloc(sizeof(*ns), GFP_KERNEL);

	if (!ns)
		return -ENOMEM;
	int error = ns_common_init(&ns->common, &uts_ns_kind, owner);
	if (error) {
		kfree(ns);
		return error;
	}
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
