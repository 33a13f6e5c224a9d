// The mqueue file system: one for each IPC namespace, with a file for each queue. mq_open(2) opens
// through a mount that is in no tree; where it is mounted for all to see, the same files can be
// listed, read (a line about the queue), polled and removed.

#include <core/init.h>
#include <fs/names.h>
#include <fs/open.h>
#include <fs/poll.h>
#include <fs/fs_context.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <sched/pid.h>
#include <sched/process.h>
#include <uapi/errno.h>
#include <uapi/magic.h>

#include "mqueue.h"

#define HARD_MESSAGES 65536
#define HARD_SIZE     (16 << 20)
// What Linux counts for each message and each priority against RLIMIT_MSGQUEUE.
#define COST_MESSAGE  48
#define COST_PRIORITY 56

struct mqueue_fs {
	struct ipc_ns *ns;      // [lock of the root's inode] not counted; NULL: gone
	struct atomic64 queues; // [a]
};

static const struct inode_ops mqueue_dir_ops, mqueue_inode_ops;
static const struct file_ops mqueue_dir_file_ops = {.iterate = dentry_tree_iterate};
static const struct file_ops mqueue_file_ops;

struct mqueue *mqueue_of(struct file *file)
{
	return file->ops == &mqueue_file_ops ? file->inode->private : NULL;
}

// --- Queues ---

// The memory is the machine's: root of a nested user namespace has no more of it than others.
static int check_attr(struct ipc_ns *ns, const struct mq_attr *attr)
{
	if (attr->mq_maxmsg <= 0 || attr->mq_msgsize <= 0)
		return -EINVAL;
	if (capable(CAP_SYS_RESOURCE))
		return attr->mq_maxmsg > HARD_MESSAGES || attr->mq_msgsize > HARD_SIZE ? -EINVAL
										       : 0;
	return attr->mq_maxmsg > ns->mqueue.msg_max || attr->mq_msgsize > ns->mqueue.msgsize_max
		       ? -EINVAL
		       : 0;
}

static int charge(struct mqueue *queue)
{
	u64 n = queue->max_messages;

	queue->user = user_counts_grab(current_cred()->counts);
	queue->charged = n * (COST_MESSAGE + queue->message_size) +
			 MIN(n, (u64)MQ_PRIO_MAX) * COST_PRIORITY;
	if ((u64)atomic64_add_return(&queue->user->mqueue_bytes, queue->charged) <=
	    rlimit(RLIMIT_MSGQUEUE))
		return 0;
	return -EMFILE;
}

static void queue_free(struct mqueue *queue)
{
	while (!list_empty(&queue->messages)) {
		struct mq_message *message = list_first_entry(&queue->messages, struct mq_message,
							      link);

		list_del(&message->link);
		kvfree(message);
	}
	atomic64_sub(&queue->user->mqueue_bytes, queue->charged);
	user_counts_put(queue->user);
	pid_put(queue->notify);
	kfree(queue);
}

static int queue_create(struct ipc_ns *ns, const struct mq_attr *attr, struct mqueue **out)
{
	struct mqueue *queue = kzalloc(sizeof(*queue), GFP_KERNEL);
	struct mqueue_limits *limits = &ns->mqueue;

	if (!queue)
		return -ENOMEM;
	spin_init(&queue->lock, LOCK_IPC_SPIN);
	wait_queue_init(&queue->senders);
	wait_queue_init(&queue->receivers);
	list_init(&queue->messages);
	queue->max_messages = attr ? attr->mq_maxmsg : MIN(limits->msg_max, limits->msg_default);
	queue->message_size = attr ? attr->mq_msgsize
				   : MIN(limits->msgsize_max, limits->msgsize_default);
	int error = charge(queue);
	if (error)
		queue_free(queue);
	else
		*out = queue;
	return error;
}

static int inode_create(struct superblock *sb, u32 mode, const struct mq_attr *attr,
			struct inode **out)
{
	struct mqueue_fs *fs = sb->private;
	struct mqueue *queue;

	if (!fs->ns)
		return -EACCES;
	if (atomic64_read(&fs->queues) >= fs->ns->mqueue.queues_max && !capable(CAP_SYS_RESOURCE))
		return -ENOSPC;
	int error = queue_create(fs->ns, attr, &queue);
	if (error)
		return error;
	struct inode *inode = inode_alloc(sb, mode);
	if (!inode) {
		queue_free(queue);
		return -ENOMEM;
	}
	atomic64_add(&fs->queues, 1);
	inode->ops = &mqueue_inode_ops;
	inode->file_ops = &mqueue_file_ops;
	inode->private = queue;
	inode->mapping.size = 80; // as Linux says, for those who look at it
	*out = inode;
	return 0;
}

static void inode_gone(struct inode *inode)
{
	struct mqueue_fs *fs = inode->sb->private;

	atomic64_sub(&fs->queues, 1);
	queue_free(inode->private);
}

static int dir_make(struct inode *dir, u32 mode, u64 rdev, struct inode **out)
{
	(void)rdev;
	return S_ISREG(mode) ? inode_create(dir->sb, mode, NULL, out) : -EPERM;
}

static const struct inode_ops mqueue_dir_ops = {.make = dir_make, .fixed_names = true};
static const struct inode_ops mqueue_inode_ops = {.free = inode_gone};

// --- The file system ---

static void mqueue_kill(struct superblock *sb)
{
	if (sb->root)
		dentry_tree_kill(sb->root);
	superblock_free(sb);
}

static int superblock_create(struct ipc_ns *ns, struct superblock **out)
{
	static u32 next_minor;
	struct superblock *sb = kzalloc(sizeof(*sb), GFP_KERNEL);
	struct mqueue_fs *fs = sb ? kzalloc(sizeof(*fs), GFP_KERNEL) : NULL;
	struct inode *root;

	if (!fs) {
		kfree(sb);
		return -ENOMEM;
	}
	fs->ns = ns;
	sb->type = "mqueue";
	sb->magic = MQUEUE_MAGIC;
	sb->dev = 0x20000 + __atomic_add_fetch(&next_minor, 1, __ATOMIC_RELAXED);
	sb->private = fs;
	sb->kill = mqueue_kill;
	sb->owner = ns->common.owner ? user_ns_get(ns->common.owner) : NULL;
	root = inode_alloc(sb, S_IFDIR | S_ISVTX | 0777);
	if (root) {
		root->nlink = 2;
		root->uid = ns->maker_uid; // not of who happens to be the first to use it
		root->gid = ns->maker_gid;
		root->ops = &mqueue_dir_ops;
		root->file_ops = &mqueue_dir_file_ops;
		sb->root = dentry_root(sb, root);
		inode_put(root);
	}
	if (!sb->root) {
		mqueue_kill(sb);
		return -ENOMEM;
	}
	*out = sb;
	return 0;
}

int mqueue_of_ns(struct ipc_ns *ns, struct mount **out)
{
	struct superblock *sb;
	int error = 0;

	mutex_lock(&ns->ids[IPC_MSG].create);
	if (!ns->mqueue_mount)
		error = superblock_create(ns, &sb);
	if (!ns->mqueue_mount && !error) {
		ns->mqueue_mount = mount_internal(sb);
		if (!ns->mqueue_mount) {
			mqueue_kill(sb);
			error = -ENOMEM;
		}
	}
	*out = ns->mqueue_mount;
	mutex_unlock(&ns->ids[IPC_MSG].create);
	return error;
}

// A mount elsewhere keeps the files, which nobody can open any more as queues.
void mqueue_ns_destroy(struct ipc_ns *ns)
{
	if (!ns->mqueue_mount)
		return;
	struct inode *root = ns->mqueue_mount->root->inode;
	struct mqueue_fs *fs = root->sb->private;

	down_write(&root->lock);
	fs->ns = NULL;
	up_write(&root->lock);
	mount_put(ns->mqueue_mount);
}

static int mqueue_mount(const char *source, const char *options, struct superblock **out)
{
	struct mount *mount;
	int error = mqueue_of_ns(ipc_ns_current(), &mount);

	(void)source, (void)options;
	if (!error)
		*out = mount->sb;
	return error;
}

static struct user_ns *mqueue_owner(void)
{
	return ipc_ns_current()->common.owner;
}

static struct fs_type mqueue_type = {
	.name = "mqueue", .mount = mqueue_mount, .owner = mqueue_owner, .nodev = true};

static int mqueue_init(void)
{
	fs_register(&mqueue_type);
	return 0;
}
INITCALL(FS, mqueue_init);

// --- Opening and removing ---

static int check_name(const char *name)
{
	if (!*name)
		return -ENOENT;
	if (strlen(name) > 255)
		return -ENAMETOOLONG;
	return strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..") ? -EACCES : 0;
}

// The directory's lock is written.
static int create_locked(struct ipc_ns *ns, struct path *root, const char *name, u32 mode,
			 const struct mq_attr *attr, struct dentry **out)
{
	struct inode *inode;
	int error = name_may_make(root);

	if (!error && attr)
		error = check_attr(ns, attr);
	if (!error)
		error = inode_create(root->mount->sb,
				     S_IFREG | (mode & 07777 & ~READ_ONCE(current->fs->umask)),
				     attr, &inode);
	if (error)
		return error;
	error = dentry_add(root->dentry, name, inode, out);
	inode_put(inode);
	return error;
}

static int may_open(struct inode *inode, int flags)
{
	static const int want[4] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, -1};
	int mask = want[flags & O_ACCMODE];

	return mask < 0 ? -EINVAL : inode_permission(inode, mask);
}

static int open_locked(struct ipc_ns *ns, struct path *root, const char *name, int flags, u32 mode,
		       const struct mq_attr *attr, struct dentry **out)
{
	struct dentry *dentry = dentry_lookup(root->dentry, name, strlen(name));
	int error;

	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	if (!dentry)
		return (flags & O_CREAT) ? create_locked(ns, root, name, mode, attr, out) : -ENOENT;
	error = (flags & O_CREAT) && (flags & O_EXCL) ? -EEXIST : may_open(dentry->inode, flags);
	if (error)
		dentry_put(dentry);
	else
		*out = dentry;
	return error;
}

int mqueue_open(struct ipc_ns *ns, const char *name, int flags, u32 mode,
		const struct mq_attr *attr, struct file **out)
{
	struct mount *mount;
	int error = check_name(name);

	if (!error)
		error = mqueue_of_ns(ns, &mount);
	if (error)
		return error;
	struct path root = {mount, mount->root}, path = {mount, NULL};
	down_write(&path_inode(&root)->lock);
	error = open_locked(ns, &root, name, flags, mode, attr, &path.dentry);
	up_write(&path_inode(&root)->lock);
	if (error)
		return error;
	error = file_open_path(&path, flags & (O_ACCMODE | O_NONBLOCK), out);
	dentry_put(path.dentry);
	return error;
}

int mqueue_unlink(struct ipc_ns *ns, const char *name)
{
	struct mount *mount;
	int error = check_name(name);

	if (!error)
		error = mqueue_of_ns(ns, &mount);
	if (error)
		return error;
	struct path root = {mount, mount->root};
	struct inode *dir = path_inode(&root);
	down_write(&dir->lock);
	struct dentry *dentry = dentry_lookup(root.dentry, name, strlen(name));
	error = IS_ERR(dentry) ? PTR_ERR(dentry)
		: !dentry      ? -ENOENT
			       : name_may_remove(&root, dentry, false);
	if (!error)
		name_forget(dir, dentry);
	up_write(&dir->lock);
	if (dentry && !IS_ERR(dentry))
		dentry_put(dentry);
	return error;
}

// --- As a file ---

static ssize_t mqueue_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct mqueue *queue = file->inode->private;
	char text[80];

	spin_lock(&queue->lock);
	int pid = queue->notify ? pid_vnr(queue->notify) : 0;
	size_t n = scnprintf(text, sizeof(text),
			     "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", queue->bytes,
			     pid ? queue->notify_event.sigev_notify : 0,
			     pid && queue->notify_event.sigev_notify == SIGEV_SIGNAL
				     ? queue->notify_event.sigev_signo
				     : 0,
			     pid);
	spin_unlock(&queue->lock);
	if (*pos >= n)
		return 0;
	size_t done = iter_copy_to(iter, text + *pos, MIN(n - *pos, iter_count(iter)));
	*pos += done;
	return done ?: -EFAULT;
}

static u32 mqueue_poll(struct file *file, struct poll_table *table)
{
	struct mqueue *queue = file->inode->private;

	poll_wait(file, &queue->receivers, table);
	poll_wait(file, &queue->senders, table);
	s64 count = READ_ONCE(queue->count);
	return (count ? POLLIN | POLLRDNORM : 0) |
	       (count < queue->max_messages ? POLLOUT | POLLWRNORM : 0);
}

// Who asked to be told and closes the queue is told no more.
static int mqueue_release(struct file *file)
{
	struct mqueue *queue = file->inode->private;

	if (READ_ONCE(queue->notify))
		mqueue_notify(queue, NULL);
	return 0;
}

static const struct file_ops mqueue_file_ops = {
	.read = mqueue_read,
	.poll = mqueue_poll,
	.release = mqueue_release,
};
