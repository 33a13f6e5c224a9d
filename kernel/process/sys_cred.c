// setreuid(2) and its kin, setfsuid(2), capget(2) and capset(2). The other calls that change ids
// are in syscall/sys_identity.c.

#include <mm/uaccess.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <sched/pid.h>
#include <sched/process.h>
#include <syscall/define.h>
#include <syscall/identity.h>
#include <uapi/errno.h>
#include <uapi/prctl.h>

// An id that the caller names; -1 means "as it is". False: it does not exist in its namespace.
static bool map(u32 (*from_user)(struct user_ns *, u32), u32 id, u32 *out)
{
	*out = id == ~0u ? INVALID_ID : from_user(current_cred()->user_ns, id);
	return id == ~0u || *out != INVALID_ID;
}

SYSCALL2(setreuid, u32, ruid, u32, euid)
{
	const struct cred *old = current_cred();
	bool mighty = ns_capable(old->user_ns, CAP_SETUID);

	if (!map(uid_from_user, ruid, &ruid) || !map(uid_from_user, euid, &euid))
		return -EINVAL;
	if (ruid != INVALID_ID && ruid != old->uid && ruid != old->euid && !mighty)
		return -EPERM;
	if (euid != INVALID_ID && euid != old->uid && euid != old->euid && euid != old->suid &&
	    !mighty)
		return -EPERM;
	bool moves = ruid != INVALID_ID || (euid != INVALID_ID && euid != old->uid);
	u32 suid = euid == INVALID_ID ? old->euid : euid;
	return identity_set_user(ruid, euid, moves ? suid : INVALID_ID);
}

SYSCALL2(setregid, u32, rgid, u32, egid)
{
	const struct cred *old = current_cred();
	bool mighty = ns_capable(old->user_ns, CAP_SETGID);

	if (!map(gid_from_user, rgid, &rgid) || !map(gid_from_user, egid, &egid))
		return -EINVAL;
	if (rgid != INVALID_ID && rgid != old->gid && rgid != old->egid && !mighty)
		return -EPERM;
	if (egid != INVALID_ID && egid != old->gid && egid != old->egid && egid != old->sgid &&
	    !mighty)
		return -EPERM;
	bool moves = rgid != INVALID_ID || (egid != INVALID_ID && egid != old->gid);
	u32 sgid = egid == INVALID_ID ? old->egid : egid;
	return identity_set_group(rgid, egid, moves ? sgid : INVALID_ID);
}

// --- Ids for access to files. Errors are not told: the result is always the id before ---

#define BIT64(n) (1ul << (n))
// Capabilities that are about files: they come and go with an fsuid of 0.
#define CAP_FILE_SET                                                          \
	(BIT64(CAP_CHOWN) | BIT64(CAP_MKNOD) | BIT64(CAP_DAC_OVERRIDE) |      \
	 BIT64(CAP_DAC_READ_SEARCH) | BIT64(CAP_FOWNER) | BIT64(CAP_FSETID) | \
	 BIT64(CAP_LINUX_IMMUTABLE) | BIT64(CAP_MAC_OVERRIDE))

SYSCALL1(setfsuid, u32, id)
{
	const struct cred *old = current_cred();
	long before = uid_to_user_munged(old->user_ns, old->fsuid);
	u32 uid, root = uid_from_user(old->user_ns, 0);

	if (id == ~0u || !map(uid_from_user, id, &uid) || uid == old->fsuid ||
	    (uid != old->uid && uid != old->euid && uid != old->suid &&
	     !ns_capable(old->user_ns, CAP_SETUID)))
		return before;
	struct cred *cred = cred_prepare();
	if (!cred)
		return before;
	cred->fsuid = uid;
	if (!(cred->securebits & SECBIT_NO_SETUID_FIXUP)) {
		if (old->fsuid == root)
			cred->cap_effective &= ~CAP_FILE_SET;
		else if (uid == root)
			cred->cap_effective |= cred->cap_permitted & CAP_FILE_SET;
	}
	cred_commit(cred);
	return before;
}

SYSCALL1(setfsgid, u32, id)
{
	const struct cred *old = current_cred();
	long before = gid_to_user_munged(old->user_ns, old->fsgid);
	u32 gid;

	if (id == ~0u || !map(gid_from_user, id, &gid) || gid == old->fsgid ||
	    (gid != old->gid && gid != old->egid && gid != old->sgid &&
	     !ns_capable(old->user_ns, CAP_SETGID)))
		return before;
	struct cred *cred = cred_prepare();
	if (!cred)
		return before;
	cred->fsgid = gid;
	cred_commit(cred);
	return before;
}

// --- Capabilities ---

struct cap_words {
	u32 effective, permitted, inheritable;
};

// How many words a set has in the caller's version. -EINVAL: unknown, and ours was stored.
static int header_words(u64 header_at)
{
	u32 version;

	if (get_user_u32(header_at, &version))
		return -EFAULT;
	if (version == _LINUX_CAPABILITY_VERSION_1)
		return _LINUX_CAPABILITY_U32S_1;
	if (version == _LINUX_CAPABILITY_VERSION_2 || version == _LINUX_CAPABILITY_VERSION_3)
		return _LINUX_CAPABILITY_U32S_3;
	return put_user_u32(header_at, _LINUX_CAPABILITY_VERSION_3) ? -EFAULT : -EINVAL;
}

SYSCALL2(capget, u64, header_at, u64, data_at)
{
	struct cap_words data[2];
	const struct cred *cred;
	int pid, words = header_words(header_at);

	if (words < 0 || !data_at)
		return words == -EINVAL && !data_at ? 0 : MIN(words, 0);
	if (get_user_u32(header_at + 4, (u32 *)&pid))
		return -EFAULT;
	if (pid < 0)
		return -EINVAL;
	rcu_read_lock();
	struct task *task = pid ? task_find(pid) : current;
	cred = task ? task_cred_get(task) : NULL;
	rcu_read_unlock();
	if (!cred)
		return -ESRCH;
	for (int i = 0; i < 2; i++)
		data[i] = (struct cap_words){cred->cap_effective >> 32 * i,
					     cred->cap_permitted >> 32 * i,
					     cred->cap_inheritable >> 32 * i};
	cred_put(cred);
	return copy_to_user(data_at, data, words * sizeof(data[0]));
}

static bool within(u64 set, u64 all)
{
	return !(set & ~all);
}

static long set_capabilities(u64 effective, u64 permitted, u64 inheritable)
{
	const struct cred *old = current_cred();

	if (!ns_capable(old->user_ns, CAP_SETPCAP) &&
	    !within(inheritable, old->cap_inheritable | old->cap_permitted))
		return -EPERM;
	if (!within(inheritable, old->cap_inheritable | old->cap_bounding) ||
	    !within(permitted, old->cap_permitted) || !within(effective, permitted))
		return -EPERM;
	struct cred *cred = cred_prepare();
	if (!cred)
		return -ENOMEM;
	cred->cap_effective = effective;
	cred->cap_permitted = permitted;
	cred->cap_inheritable = inheritable;
	cred->cap_ambient &= permitted & inheritable;
	cred_commit(cred);
	return 0;
}

SYSCALL2(capset, u64, header_at, u64, data_at)
{
	struct cap_words data[2] = {0};
	int pid, words = header_words(header_at);

	if (words < 0)
		return words;
	if (get_user_u32(header_at + 4, (u32 *)&pid))
		return -EFAULT;
	if (pid && pid != task_pid_vnr(current))
		return -EPERM;
	if (copy_from_user(data, data_at, words * sizeof(data[0])))
		return -EFAULT;
	return set_capabilities((data[0].effective | (u64)data[1].effective << 32) & CAP_FULL_SET,
				(data[0].permitted | (u64)data[1].permitted << 32) & CAP_FULL_SET,
				(data[0].inheritable | (u64)data[1].inheritable << 32) &
					CAP_FULL_SET);
}
