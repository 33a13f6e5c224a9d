// Who a new program runs as: set-id bits and capabilities of the file, the privilege of root, and
// what takes them away again (capabilities(7), execve(2)).

#include <core/rcu.h>
#include <fs/file.h>
#include <fs/file_caps.h>
#include <fs/fs_context.h>
#include <fs/inode.h>
#include <fs/path.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <process/exec.h>
#include <sched/process.h>
#include <sched/sched.h>
#include <uapi/errno.h>
#include <uapi/prctl.h>

// What the file gives, on the way to the new credentials.
struct gain {
	bool has_caps;  // the file has capabilities that count here
	bool effective; // the effective set is to be filled
};

// Set-id bits of the program count unless the mount or no_new_privs forbids, or the ids of the
// file mean nothing in our user namespace.
static void apply_set_id(struct exec *exec, struct file *file)
{
	struct cred *cred = exec->cred;
	const struct inode *inode = file->inode;
	u32 mode = READ_ONCE(inode->mode);

	if (!(mode & (S_ISUID | S_ISGID)) || path_mount_nosuid(&file->path) ||
	    current->no_new_privs)
		return;
	if (uid_to_user(cred->user_ns, inode->uid) == INVALID_ID ||
	    gid_to_user(cred->user_ns, inode->gid) == INVALID_ID)
		return;
	if (mode & S_ISUID) {
		cred->euid = inode->uid;
		exec->clears_personality = true;
	}
	// Without group execution the bit means mandatory locking.
	if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP)) {
		cred->egid = inode->gid;
		exec->clears_personality = true;
	}
}

// Ids or capabilities that somebody else could use with us are not gained: who shares our root and
// working directory without being a thread of ours could choose what the program sees.
static bool unsafe_to_gain(void)
{
	struct task *thread;
	unsigned sharing = 0;

	if (current->no_new_privs)
		return true;
	rcu_read_lock();
	thread_group_for_each (thread, current->process)
		sharing += READ_ONCE(thread->fs) == current->fs;
	rcu_read_unlock();
	return fs_context_users(current->fs) > sharing;
}

// The permitted set that the file's own capabilities give. A program that counts on them (its
// effective bit is set) does not start without all of them.
static int gain_file_capabilities(struct cred *cred, struct file *file, struct gain *gain)
{
	struct file_caps caps;

	cred->cap_permitted = 0;
	if (path_mount_nosuid(&file->path))
		return 0;
	int error = file_caps_read(file->inode, &caps);
	if (error)
		return error == -ENODATA ? 0 : error;
	gain->has_caps = true;
	gain->effective = caps.effective;
	cred->cap_permitted = (cred->cap_bounding & caps.permitted) |
			      (cred->cap_inheritable & caps.inheritable);
	return caps.effective && (caps.permitted & ~cred->cap_permitted) ? -EPERM : 0;
}

// Root gets all that the bounding set allows, unless it is a user made root by a file that has
// capabilities of its own: then these are what the program is to have.
static void gain_root_capabilities(struct cred *cred, struct gain *gain, u32 root)
{
	bool real = cred->uid == root, effective = cred->euid == root;

	if ((cred->securebits & SECBIT_NOROOT) || (gain->has_caps && effective && !real))
		return;
	if (real || effective)
		cred->cap_permitted = cred->cap_bounding | cred->cap_inheritable;
	if (effective)
		gain->effective = true;
}

int exec_prepare_cred(struct exec *exec)
{
	const struct cred *old = current_cred();
	struct cred *cred = cred_prepare();
	struct gain gain = {false, false};

	if (!cred)
		return -ENOMEM;
	exec->cred = cred;
	apply_set_id(exec, exec->executable);
	int error = gain_file_capabilities(cred, exec->executable, &gain);
	if (error)
		return error;
	u32 root = uid_from_user(cred->user_ns, 0);
	gain_root_capabilities(cred, &gain, root);
	bool more = cred->cap_permitted & ~old->cap_permitted;
	bool new_id = cred->euid != old->euid || !cred_in_egroup(old, cred->egid);
	if (more)
		exec->clears_personality = true;
	if ((new_id || more) && unsafe_to_gain()) {
		if (!ns_capable(cred->user_ns, CAP_SETUID) || current->no_new_privs) {
			cred->euid = cred->uid;
			cred->egid = cred->gid;
		}
		cred->cap_permitted &= old->cap_permitted;
	}
	cred->suid = cred->fsuid = cred->euid;
	cred->sgid = cred->fsgid = cred->egid;
	if (gain.has_caps || new_id)
		cred->cap_ambient = 0;
	cred->cap_permitted |= cred->cap_ambient;
	cred->cap_effective = gain.effective ? cred->cap_permitted : cred->cap_ambient;
	cred->securebits &= ~SECBIT_KEEP_CAPS;
	exec->secure = new_id || cred->euid != old->uid || cred->egid != old->gid ||
		       (cred->uid != root &&
			(gain.effective || (cred->cap_permitted & ~cred->cap_ambient)));
	exec->clears_dumpable = cred->euid != cred->uid || cred->egid != cred->gid ||
				!file_readable_by_current(exec->executable);
	return 0;
}
