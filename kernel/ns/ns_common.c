// What all kinds of namespaces have in common: numbers, owners, and the limits on how many there
// may be. A new namespace counts on its maker in the user namespace that owns it, and on the maker
// of that user namespace one level up, and so on: none can be made without end by nesting.

#include <core/atomic.h>
#include <ns/cred.h>
#include <ns/ns_common.h>
#include <ns/user_ns.h>
#include <uapi/errno.h>

#define NUMBERS_BEGIN 0xf0000000l

static struct atomic64 last_number = {NUMBERS_BEGIN};

u64 ns_number_next(void)
{
	return (u64)atomic64_add_return(&last_number, 1);
}

// Takes the counts off again, from `first` up to but without `end`.
static void uncharge_until(struct user_counts *first, const struct user_counts *end,
			   enum ns_type type)
{
	for (struct user_counts *at = first; at != end; at = at->ns->counts)
		atomic64_sub(&at->namespaces[type], 1);
}

int ns_charge(struct user_ns *owner, enum ns_type type, struct user_counts **charged)
{
	const struct cred *cred = current_cred();
	struct user_counts *counts;

	if (cred->counts->ns == owner && cred->counts->uid == cred->euid)
		counts = user_counts_grab(cred->counts);
	else
		counts = user_counts_get(owner, cred->euid);
	if (!counts)
		return -ENOMEM;
	for (struct user_counts *at = counts; at; at = at->ns->counts) {
		if (atomic64_add_return(&at->namespaces[type], 1) <=
		    READ_ONCE(at->ns->ns_max[type]))
			continue;
		atomic64_sub(&at->namespaces[type], 1);
		uncharge_until(counts, at, type);
		user_counts_put(counts);
		return -ENOSPC;
	}
	*charged = counts;
	return 0;
}

void ns_uncharge(struct user_counts *charged, enum ns_type type)
{
	if (!charged)
		return;
	uncharge_until(charged, NULL, type);
	user_counts_put(charged);
}

u64 ns_id(const struct ns_common *ns)
{
	static const u8 of_first[NS_TYPES] = {
		[NS_IPC] = 1,    [NS_UTS] = 2,  [NS_USER] = 3, [NS_PID] = 4,
		[NS_CGROUP] = 5, [NS_TIME] = 6, [NS_MNT] = 8};

	// Numbers given away are never used again; those of the first namespaces lie below them.
	return ns->number > NUMBERS_BEGIN ? ns->number : of_first[ns->kind->type];
}

int ns_common_init(struct ns_common *ns, const struct ns_kind *kind, struct user_ns *owner)
{
	int error = ns_charge(owner, kind->type, &ns->charged);

	if (error)
		return error;
	refcount_init(&ns->refs, 1);
	ns->kind = kind;
	ns->number = ns_number_next();
	ns->owner = user_ns_get(owner);
	return 0;
}

void ns_common_end(struct ns_common *ns)
{
	ns_uncharge(ns->charged, ns->kind->type);
	user_ns_put(ns->owner);
}
