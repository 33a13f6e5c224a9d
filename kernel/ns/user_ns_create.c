// Making and entering user namespaces, for clone, unshare and setns. See user_namespaces(7).

#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/ns_common.h>
#include <ns/user_ns.h>
#include <uapi/errno.h>
#include <uapi/prctl.h>

// The creator's ids must mean something in its own namespace, or nobody would own the new one.
static bool creator_is_mapped(const struct cred *cred)
{
	return uid_to_user(cred->user_ns, cred->euid) != INVALID_ID &&
	       gid_to_user(cred->user_ns, cred->egid) != INVALID_ID;
}

// Who comes into a namespace has all capabilities there, and none from elsewhere. Takes the
// references to `ns` and `counts`.
static void move_into(struct cred *cred, struct user_ns *ns, struct user_counts *counts)
{
	cred->counts = counts;
	cred->user_ns = ns;
	cred->securebits = 0;
	cred->cap_inheritable = 0;
	cred->cap_permitted = CAP_FULL_SET;
	cred->cap_effective = CAP_FULL_SET;
	cred->cap_bounding = CAP_FULL_SET;
	cred->cap_ambient = 0;
}

int user_ns_create(struct cred *cred)
{
	struct user_ns *parent = cred->user_ns;
	struct user_counts *charged;

	if (parent->level + 1 > USER_NS_MAX_LEVEL)
		return -ENOSPC;
	int error = ns_charge(parent, NS_USER, &charged);
	if (error)
		return error;
	struct user_ns *ns = NULL;
	struct user_counts *counts = NULL;
	error = -EPERM;
	if (creator_is_mapped(cred)) {
		ns = kzalloc(sizeof(*ns), GFP_KERNEL);
		counts = ns ? user_counts_get(ns, cred->uid) : NULL;
		error = -ENOMEM;
	}
	if (!counts) {
		kfree(ns);
		ns_uncharge(charged, NS_USER);
		return error;
	}
	refcount_init(&ns->common.refs, 1);
	ns->common.kind = &user_ns_kind;
	ns->common.number = ns_number_next();
	ns->common.owner = parent; // its reference moves over from the credentials
	ns->level = parent->level + 1;
	ns->owner = cred->euid;
	ns->group = cred->egid;
	ns->setgroups_allowed = READ_ONCE(parent->setgroups_allowed);
	ns->parent_could_setfcap = cred->cap_effective & (1ul << CAP_SETFCAP);
	ns->counts = charged;
	for (int type = 0; type < NS_TYPES; type++)
		ns->ns_max[type] = INT32_MAX;
	user_counts_put(cred->counts);
	move_into(cred, ns, counts);
	return 0;
}

int user_ns_enter(struct cred *cred, struct user_ns *ns)
{
	struct user_counts *counts = user_counts_get(ns, cred->uid);

	if (!counts)
		return -ENOMEM;
	user_counts_put(cred->counts);
	user_ns_put(cred->user_ns);
	move_into(cred, user_ns_get(ns), counts);
	return 0;
}
