// Making user namespaces, for clone and unshare. See user_namespaces(7).

#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/ns_inode.h>
#include <ns/user_ns.h>
#include <uapi/errno.h>
#include <uapi/prctl.h>

// The creator's ids must mean something in its own namespace, or nobody would own the new one.
static bool creator_is_mapped(const struct cred *cred)
{
	return uid_to_user(cred->user_ns, cred->euid) != INVALID_ID &&
	       gid_to_user(cred->user_ns, cred->egid) != INVALID_ID;
}

int user_ns_create(struct cred *cred)
{
	struct user_ns *parent = cred->user_ns;

	if (parent->level + 1 > USER_NS_MAX_LEVEL)
		return -ENOSPC;
	if (!creator_is_mapped(cred))
		return -EPERM;
	struct user_ns *ns = kzalloc(sizeof(*ns), GFP_KERNEL);
	if (!ns)
		return -ENOMEM;
	struct user_counts *counts = user_counts_get(ns, cred->uid);
	if (!counts) {
		kfree(ns);
		return -ENOMEM;
	}
	refcount_init(&ns->refs, 1);
	ns->level = parent->level + 1;
	ns->parent = parent; // its reference moves over from the credentials
	ns->owner = cred->euid;
	ns->group = cred->egid;
	ns->setgroups_allowed = parent->setgroups_allowed;
	ns->parent_could_setfcap = cred->cap_effective & (1ul << CAP_SETFCAP);
	ns->inode_nr = ns_inode_next();
	ns->counts = cred->counts; // likewise
	cred->counts = counts;
	cred->user_ns = ns;
	cred->securebits = 0;
	cred->cap_inheritable = 0;
	cred->cap_permitted = CAP_FULL_SET;
	cred->cap_effective = CAP_FULL_SET;
	cred->cap_bounding = CAP_FULL_SET;
	cred->cap_ambient = 0;
	return 0;
}
