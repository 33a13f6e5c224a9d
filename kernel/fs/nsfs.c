// Files that stand for namespaces. All files of one namespace have its number as their inode
// number, by which programs tell whether two tasks share it; each open makes an inode of its own.
// See ioctl_nsfs(2).

#include <core/init.h>
#include <fs/file.h>
#include <fs/files.h>
#include <fs/mnt_ns.h>
#include <fs/nsfs.h>
#include <fs/open.h>
#include <lib/printf.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <ns/ns_common.h>
#include <ns/user_ns.h>
#include <sched/pid_namespace.h>
#include <sched/process.h>
#include <uapi/errno.h>
#include <uapi/magic.h>
#include <uapi/nsfs.h>

static struct mount *nsfs_mount;

static void nsfs_free(struct inode *inode)
{
	ns_put(inode->private);
}

static const struct inode_ops nsfs_inode_ops = {.free = nsfs_free};

struct ns_common *nsfs_inode_ns(const struct inode *inode)
{
	return inode && inode->ops == &nsfs_inode_ops ? inode->private : NULL;
}

struct ns_common *nsfs_file_ns(const struct file *file)
{
	return nsfs_inode_ns(file->inode);
}

// --- Questions ---

long nsfs_open(struct ns_common *ns)
{
	struct path path;
	struct file *file;
	int error = nsfs_path(ns, &path);

	if (error)
		return error;
	int fd = fd_alloc(O_CLOEXEC);
	error = fd < 0 ? fd : file_open_path(&path, O_RDONLY, &file);
	path_put(&path);
	if (error) {
		if (fd >= 0)
			fd_release_unused(fd);
		return error;
	}
	fd_install(fd, file);
	return fd;
}

// Only what lies in or below our own user namespace is told.
static long open_owner(struct ns_common *ns)
{
	struct user_ns *owner = ns->owner;

	if (!owner || !user_ns_within(owner, current_cred()->user_ns))
		return -EPERM;
	return nsfs_open(ns_get(&owner->common));
}

static long open_parent(struct ns_common *ns)
{
	if (!ns->kind->parent)
		return -EINVAL;
	if (ns->kind->type == NS_USER)
		return open_owner(ns);
	struct ns_common *parent = ns->kind->parent(ns);
	if (!parent ||
	    !pid_namespace_within((struct pid_namespace *)parent, task_active_pid_ns(current)))
		return -EPERM;
	return nsfs_open(ns_get(parent));
}

static long owner_uid(struct ns_common *ns, u64 out_at)
{
	if (ns->kind->type != NS_USER)
		return -EINVAL;
	u32 uid = user_ns_owner((struct user_ns *)ns);
	return put_user_u32(out_at, uid_to_user_munged(current_cred()->user_ns, uid)) ? -EFAULT : 0;
}

// Numbers of processes from our namespace to that of the file, or back.
static long translate_pid(struct ns_common *common, u32 command, int nr)
{
	struct pid_namespace *ns = (struct pid_namespace *)common;
	struct pid_namespace *ours = task_active_pid_ns(current);
	bool from = command == NS_GET_PID_FROM_PIDNS || command == NS_GET_TGID_FROM_PIDNS;
	bool group = command == NS_GET_TGID_FROM_PIDNS || command == NS_GET_TGID_IN_PIDNS;
	long result = -ESRCH;

	if (common->kind->type != NS_PID)
		return -EINVAL;
	rcu_read_lock();
	struct task *task = pid_task(pid_find(nr, from ? ns : ours), PIDTYPE_PID);
	if (task)
		result = task_nr_ns(task, group ? PIDTYPE_TGID : PIDTYPE_PID, from ? ours : ns)
				 ?: -ESRCH;
	rcu_read_unlock();
	return result;
}

// --- Mount namespaces: what they have, and which others there are ---

static long give_id(struct ns_common *ns, u64 out_at)
{
	u64 id = ns_id(ns);

	return copy_to_user(out_at, &id, sizeof(id)) ? -EFAULT : 0;
}

static long give_info(struct mnt_ns *ns, u64 out_at)
{
	struct mnt_ns_info info = {.size = sizeof(info),
				   .nr_mounts = mnt_ns_count(ns),
				   .mnt_ns_id = ns_id((struct ns_common *)ns)};

	return copy_to_user(out_at, &info, sizeof(info)) ? -EFAULT : 0;
}

static long open_neighbour(struct mnt_ns *ns, bool next, u64 out_at)
{
	if (!capable(CAP_SYS_ADMIN) || task_active_pid_ns(current) != &init_pid_ns)
		return -EPERM;
	ns = mnt_ns_neighbour(ns, next);
	if (!ns)
		return -ENOENT;
	long error = give_info(ns, out_at);
	if (!error)
		return nsfs_open((struct ns_common *)ns);
	mnt_ns_put(ns);
	return error;
}

// The command says how long the caller's structure is.
static long mnt_ns_ioctl(struct ns_common *common, u32 command, u64 argument)
{
	struct mnt_ns *ns = (struct mnt_ns *)common;
	u32 size = command >> 16 & 0x3fff;

	command = (command & ~(0x3fffu << 16)) | (u32)sizeof(struct mnt_ns_info) << 16;
	bool known = command == NS_MNT_GET_INFO || command == NS_MNT_GET_NEXT ||
		     command == NS_MNT_GET_PREV;
	if (!known || size < sizeof(struct mnt_ns_info))
		return -ENOTTY;
	if (common->kind->type != NS_MNT || (command == NS_MNT_GET_INFO && !argument))
		return -EINVAL;
	if (command == NS_MNT_GET_INFO)
		return give_info(ns, argument);
	return open_neighbour(ns, command == NS_MNT_GET_NEXT, argument);
}

static long nsfs_ioctl(struct file *file, u32 command, u64 argument)
{
	struct ns_common *ns = nsfs_file_ns(file);

	switch (command) {
	case NS_GET_USERNS:
		return open_owner(ns);
	case NS_GET_PARENT:
		return open_parent(ns);
	case NS_GET_NSTYPE:
		return ns->kind->flag;
	case NS_GET_OWNER_UID:
		return owner_uid(ns, argument);
	case NS_GET_PID_FROM_PIDNS:
	case NS_GET_TGID_FROM_PIDNS:
	case NS_GET_PID_IN_PIDNS:
	case NS_GET_TGID_IN_PIDNS:
		return translate_pid(ns, command, argument);
	case NS_GET_MNTNS_ID:
		return ns->kind->type == NS_MNT ? give_id(ns, argument) : -EINVAL;
	case NS_GET_ID:
		return give_id(ns, argument);
	}
	return mnt_ns_ioctl(ns, command, argument);
}

static const struct file_ops nsfs_file_ops = {.ioctl = nsfs_ioctl};

// --- Places ---

int nsfs_path(struct ns_common *ns, struct path *out)
{
	struct inode *inode = inode_alloc(nsfs_mount->sb, S_IFREG | 0444);
	char name[32];

	if (!inode) {
		ns_put(ns);
		return -ENOMEM;
	}
	inode->number = ns->number;
	inode->uid = inode->gid = 0;
	inode->ops = &nsfs_inode_ops;
	inode->file_ops = &nsfs_file_ops;
	inode->private = ns;
	snprintf(name, sizeof(name), "%s:[%lu]", ns->kind->name, ns->number);
	out->dentry = dentry_make_loose(nsfs_mount->root, name, inode);
	inode_put(inode);
	if (!out->dentry)
		return -ENOMEM;
	out->mount = mount_get(nsfs_mount);
	return 0;
}

static int nsfs_init(void)
{
	nsfs_mount = nameless_mount("nsfs", NSFS_MAGIC);
	return 0;
}
INITCALL(FS, nsfs_init);
