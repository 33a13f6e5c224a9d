// System calls that tell or change who a task is: ids, names, personality.

#include <core/printk.h>
#include <core/random.h>
#include <lib/string.h>
#include <mm/buddy.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <ns/nsproxy.h>
#include <ns/time_ns.h>
#include <ns/user_ns.h>
#include <ns/uts_ns.h>
#include <process/clone.h>
#include <sched/pid.h>
#include <sched/process.h>
#include <sched/sched.h>
#include <syscall/define.h>
#include <syscall/identity.h>
#include <uapi/errno.h>
#include <uapi/limits.h>
#include <uapi/prctl.h>
#include <uapi/random.h>
#include <uapi/sysinfo.h>

SYSCALL0(getpid)
{
	return task_tgid_vnr(current);
}

SYSCALL0(gettid)
{
	return task_pid_vnr(current);
}

SYSCALL0(getppid)
{
	rcu_read_lock();
	int nr = task_tgid_vnr(READ_ONCE(current->real_parent));
	rcu_read_unlock();
	return nr;
}

// --- Ids ---

SYSCALL0(getuid)
{
	return uid_to_user_munged(current_cred()->user_ns, current_cred()->uid);
}

SYSCALL0(geteuid)
{
	return uid_to_user_munged(current_cred()->user_ns, current_cred()->euid);
}

SYSCALL0(getgid)
{
	return gid_to_user_munged(current_cred()->user_ns, current_cred()->gid);
}

SYSCALL0(getegid)
{
	return gid_to_user_munged(current_cred()->user_ns, current_cred()->egid);
}

static long put_three(u64 a, u64 b, u64 c, u32 x, u32 y, u32 z)
{
	return put_user_u32(a, x) || put_user_u32(b, y) || put_user_u32(c, z) ? -EFAULT : 0;
}

SYSCALL3(getresuid, u64, ruid, u64, euid, u64, suid)
{
	const struct cred *cred = current_cred();
	struct user_ns *ns = cred->user_ns;

	return put_three(ruid, euid, suid, uid_to_user_munged(ns, cred->uid),
			 uid_to_user_munged(ns, cred->euid), uid_to_user_munged(ns, cred->suid));
}

SYSCALL3(getresgid, u64, rgid, u64, egid, u64, sgid)
{
	const struct cred *cred = current_cred();
	struct user_ns *ns = cred->user_ns;

	return put_three(rgid, egid, sgid, gid_to_user_munged(ns, cred->gid),
			 gid_to_user_munged(ns, cred->egid), gid_to_user_munged(ns, cred->sgid));
}

// What a change of user ids does to capabilities: capabilities(7).
static void fix_capabilities(struct cred *cred, const struct cred *old)
{
	u32 root = uid_from_user(cred->user_ns, 0);
	bool was_root = old->uid == root || old->euid == root || old->suid == root;
	bool is_root = cred->uid == root || cred->euid == root || cred->suid == root;

	if (cred->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (was_root && !is_root) {
		if (!(cred->securebits & SECBIT_KEEP_CAPS)) {
			cred->cap_permitted = 0;
			cred->cap_effective = 0;
		}
		cred->cap_ambient = 0;
	}
	if (old->euid == root && cred->euid != root)
		cred->cap_effective = 0;
	if (old->euid != root && cred->euid == root)
		cred->cap_effective = cred->cap_permitted;
}

static bool one_of(u32 id, u32 a, u32 b, u32 c)
{
	return id == a || id == b || id == c;
}

// Sets the ids that are not INVALID_ID; each must be one of the present ones, or capable.
static long set_user_ids(u32 ruid, u32 euid, u32 suid)
{
	const struct cred *old = current_cred();
	u32 wanted[3] = {ruid, euid, suid};

	for (int i = 0; i < 3; i++) {
		if (wanted[i] != INVALID_ID && !one_of(wanted[i], old->uid, old->euid, old->suid) &&
		    !ns_capable(old->user_ns, CAP_SETUID))
			return -EPERM;
	}
	return identity_set_user(ruid, euid, suid);
}

long identity_set_user(u32 ruid, u32 euid, u32 suid)
{
	const struct cred *old = current_cred();
	struct cred *cred = cred_prepare();
	if (!cred)
		return -ENOMEM;
	if (ruid != INVALID_ID && cred_set_user(cred, ruid)) {
		cred_discard(cred);
		return -EAGAIN;
	}
	if (euid != INVALID_ID)
		cred->euid = euid;
	if (suid != INVALID_ID)
		cred->suid = suid;
	cred->fsuid = cred->euid;
	fix_capabilities(cred, old);
	// Too many processes of that user: the next exec fails, not this call, whose result too
	// many programs ignore. Root may have any number.
	if (cred->counts != old->counts)
		current->nproc_exceeded = (u64)atomic64_read(&cred->counts->processes) >
						  rlimit(RLIMIT_NPROC) &&
					  cred->uid != 0;
	cred_commit(cred);
	return 0;
}

static long set_group_ids(u32 rgid, u32 egid, u32 sgid)
{
	const struct cred *old = current_cred();
	u32 wanted[3] = {rgid, egid, sgid};

	for (int i = 0; i < 3; i++) {
		if (wanted[i] != INVALID_ID && !one_of(wanted[i], old->gid, old->egid, old->sgid) &&
		    !ns_capable(old->user_ns, CAP_SETGID))
			return -EPERM;
	}
	return identity_set_group(rgid, egid, sgid);
}

long identity_set_group(u32 rgid, u32 egid, u32 sgid)
{
	struct cred *cred = cred_prepare();
	if (!cred)
		return -ENOMEM;
	if (rgid != INVALID_ID)
		cred->gid = rgid;
	if (egid != INVALID_ID)
		cred->egid = egid;
	if (sgid != INVALID_ID)
		cred->sgid = sgid;
	cred->fsgid = cred->egid;
	cred_commit(cred);
	return 0;
}

// -1 means "as it is"; any other id must exist in our namespace.
static bool map_uid(u32 id, u32 *out)
{
	*out = id == ~0u ? INVALID_ID : uid_from_user(current_cred()->user_ns, id);
	return id == ~0u || *out != INVALID_ID;
}

static bool map_gid(u32 id, u32 *out)
{
	*out = id == ~0u ? INVALID_ID : gid_from_user(current_cred()->user_ns, id);
	return id == ~0u || *out != INVALID_ID;
}

SYSCALL3(setresuid, u32, ruid, u32, euid, u32, suid)
{
	if (!map_uid(ruid, &ruid) || !map_uid(euid, &euid) || !map_uid(suid, &suid))
		return -EINVAL;
	return set_user_ids(ruid, euid, suid);
}

SYSCALL3(setresgid, u32, rgid, u32, egid, u32, sgid)
{
	if (!map_gid(rgid, &rgid) || !map_gid(egid, &egid) || !map_gid(sgid, &sgid))
		return -EINVAL;
	return set_group_ids(rgid, egid, sgid);
}

SYSCALL1(setuid, u32, id)
{
	if (id == ~0u || !map_uid(id, &id))
		return -EINVAL;
	if (ns_capable(current_cred()->user_ns, CAP_SETUID))
		return set_user_ids(id, id, id);
	if (!one_of(id, current_cred()->uid, current_cred()->suid, current_cred()->suid))
		return -EPERM;
	return set_user_ids(INVALID_ID, id, INVALID_ID);
}

SYSCALL1(setgid, u32, id)
{
	if (id == ~0u || !map_gid(id, &id))
		return -EINVAL;
	if (ns_capable(current_cred()->user_ns, CAP_SETGID))
		return set_group_ids(id, id, id);
	if (!one_of(id, current_cred()->gid, current_cred()->sgid, current_cred()->sgid))
		return -EPERM;
	return set_group_ids(INVALID_ID, id, INVALID_ID);
}

SYSCALL2(getgroups, int, size, u64, list_at)
{
	const struct groups *groups = current_cred()->groups;

	if (size < 0 || (size && (u32)size < groups->count))
		return -EINVAL;
	for (u32 i = 0; size && i < groups->count; i++) {
		u32 gid = gid_to_user_munged(current_cred()->user_ns, groups->gid[i]);
		if (put_user_u32(list_at + 4ul * i, gid))
			return -EFAULT;
	}
	return groups->count;
}

SYSCALL2(setgroups, int, size, u64, list_at)
{
	struct user_ns *ns = current_cred()->user_ns;

	if (!ns_capable(ns, CAP_SETGID) || !user_ns_may_setgroups(ns))
		return -EPERM;
	if (size < 0 || size > NGROUPS_MAX)
		return -EINVAL;
	struct groups *groups = groups_alloc(size);
	struct cred *cred = groups ? cred_prepare() : NULL;
	long error = cred ? 0 : -ENOMEM;
	for (int i = 0; !error && i < size; i++) {
		u32 id;

		error = get_user_u32(list_at + 4ul * i, &id);
		if (!error && (id = gid_from_user(ns, id)) == INVALID_ID)
			error = -EINVAL;
		int at = i;
		for (; !error && at > 0 && groups->gid[at - 1] > id; at--)
			groups->gid[at] = groups->gid[at - 1];
		groups->gid[at] = id;
	}
	if (error) {
		groups_put(groups);
		if (cred)
			cred_discard(cred);
		return error;
	}
	groups_put(cred->groups);
	cred->groups = groups;
	cred_commit(cred);
	return 0;
}

// --- Names ---

SYSCALL1(uname, u64, address)
{
	struct uts_ns *ns = current->nsproxy->uts;
	struct new_utsname name;

	spin_lock(&ns->lock);
	name = ns->name;
	spin_unlock(&ns->lock);
	return copy_to_user(address, &name, sizeof(name));
}

static long set_uts_name(u64 text_at, int length,
			 void (*set)(struct uts_ns *, const char *, size_t))
{
	struct uts_ns *ns = current->nsproxy->uts;
	char text[UTS_NAME_SIZE];

	if (!ns_capable(ns->common.owner, CAP_SYS_ADMIN))
		return -EPERM;
	if (length < 0 || length > UTS_NAME_SIZE - 1)
		return -EINVAL;
	if (copy_from_user(text, text_at, length))
		return -EFAULT;
	set(ns, text, length);
	return 0;
}

SYSCALL2(sethostname, u64, text, int, length)
{
	return set_uts_name(text, length, uts_set_nodename);
}

SYSCALL2(setdomainname, u64, text, int, length)
{
	return set_uts_name(text, length, uts_set_domainname);
}

SYSCALL1(personality, u32, personality)
{
	u32 old = current->personality;

	if (personality != 0xffffffff)
		current->personality = personality;
	return old;
}

// --- The machine ---

SYSCALL3(getrandom, u64, buffer, size_t, n, unsigned, flags)
{
	size_t done = 0;
	u8 piece[256];

	if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	while (done < n) {
		size_t now = MIN(n - done, sizeof(piece));

		random_bytes(piece, now);
		size_t copied = copy_to_user_partial(buffer + done, piece, now);
		done += copied;
		if (copied < now)
			break;
	}
	return done || !n ? (long)done : -EFAULT;
}

SYSCALL1(sysinfo, u64, address)
{
	struct sysinfo info = {
		.uptime = (clock_boottime_ns() + time_ns_offset(CLOCK_BOOTTIME)) / NSEC_PER_SEC,
		.totalram = total_pages_count() * PAGE_SIZE,
		.freeram = free_pages_count() * PAGE_SIZE,
		.procs = tasks_count(),
		.mem_unit = 1,
	};

	u64 loads[3];

	sched_loadavg(loads);
	for (int i = 0; i < 3; i++)
		info.loads[i] = loads[i] << (SI_LOAD_SHIFT - LOADAVG_SHIFT);
	return copy_to_user(address, &info, sizeof(info));
}
