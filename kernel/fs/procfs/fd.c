// /proc/PID/fd: a link for each open descriptor, which leads to the very file: opening it works
// even if the name it once had is gone. /proc/PID/fdinfo: a text for each.

#include <fs/files.h>
#include <fs/procfs/procfs.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <process/ptrace_access.h>
#include <sched/pid.h>
#include <uapi/errno.h>

#define DIRECTORY (-1)

#define INFO_MAX MIB

struct fd_node {
	struct pid *pid; // counted
	int fd;          // DIRECTORY: all of them
	bool info;       // of fdinfo, not of fd
};

static const struct inode_ops fd_dir_ops, info_dir_ops, fd_link_ops, info_ops;
static const struct file_ops fd_dir_file_ops, info_file_ops;

static int fd_inode(struct superblock *sb, const struct fd_node *kind, u32 mode, struct inode **out)
{
	struct fd_node *node = kmalloc(sizeof(*node), GFP_KERNEL);
	struct inode *inode = node ? inode_alloc(sb, mode) : NULL;

	if (!inode) {
		kfree(node);
		return -ENOMEM;
	}
	*node = *kind;
	pid_get(node->pid);
	inode->private = node;
	if (node->fd == DIRECTORY)
		inode->ops = node->info ? &info_dir_ops : &fd_dir_ops;
	else
		inode->ops = node->info ? &info_ops : &fd_link_ops;
	inode->file_ops = S_ISREG(mode) ? &info_file_ops : &fd_dir_file_ops;
	proc_set_owner(inode, node->pid);
	if (node->fd == DIRECTORY)
		inode->nlink = 2;
	*out = inode;
	return 0;
}

int proc_fd_directory(struct superblock *sb, struct pid *pid, struct inode **out)
{
	return fd_inode(sb, &(struct fd_node){pid, DIRECTORY, false}, S_IFDIR | 0500, out);
}

int proc_fdinfo_directory(struct superblock *sb, struct pid *pid, struct inode **out)
{
	return fd_inode(sb, &(struct fd_node){pid, DIRECTORY, true}, S_IFDIR | 0555, out);
}

static void fd_free(struct inode *inode)
{
	struct fd_node *node = inode->private;

	pid_put(node->pid);
	kfree(node);
}

// The file of a descriptor, with a reference. -ENOENT, -EACCES.
static int fd_file(struct pid *pid, int fd, struct file **out)
{
	struct task *task = pid_task_get(pid, PIDTYPE_PID);
	int error;

	if (!task)
		return -ENOENT;
	error = ptrace_may_access(task, PTRACE_MODE_READ_FSCREDS) ? 0 : -EACCES;
	if (!error && file_get_of_task(task, fd, out))
		error = -ENOENT;
	task_put(task);
	return error;
}

static int fd_lookup(struct inode *dir, const char *name, size_t length, struct inode **out)
{
	struct fd_node *node = dir->private;
	struct file *file;
	char number[12];
	u64 fd;

	if (length >= sizeof(number))
		return -ENOENT;
	memcpy(number, name, length);
	number[length] = '\0';
	if ((number[0] == '0' && length > 1) || parse_u64(number, NULL, 10, &fd) || fd > INT32_MAX)
		return -ENOENT;
	int error = fd_file(node->pid, fd, &file);
	if (error)
		return error;
	u32 mode = S_IFLNK | ((file->flags & FILE_READ) ? 0500 : 0) |
		   ((file->flags & FILE_WRITE) ? 0300 : 0);
	file_put(file);
	if (node->info)
		mode = S_IFREG | 0444;
	return fd_inode(dir->sb, &(struct fd_node){node->pid, fd, node->info}, mode, out);
}

static int fd_readlink(struct inode *inode, char *buffer, size_t size)
{
	struct fd_node *node = inode->private;
	struct file *file;
	int length = fd_file(node->pid, node->fd, &file);

	if (length)
		return length;
	if (file->path.dentry)
		length = proc_path_link(&file->path, buffer, size);
	else if (file->anon_name && file->anon_name[0] == '[')
		length = snprintf(buffer, size, "anon_inode:%s", file->anon_name);
	else
		length = snprintf(buffer, size, "%s", file->anon_name ?: "anon_inode");
	file_put(file);
	return length;
}

static int fd_follow(struct inode *inode, struct path *out)
{
	struct fd_node *node = inode->private;
	struct file *file;
	int error = fd_file(node->pid, node->fd, &file);

	if (error)
		return error;
	if (file->path.dentry) {
		*out = file->path;
		path_get(out);
	} else {
		error = -ENXIO; // it has no place to lead to
	}
	file_put(file);
	return error;
}

static const struct inode_ops fd_link_ops = {
	.readlink = fd_readlink,
	.follow = fd_follow,
	.free = fd_free,
};
static const struct inode_ops fd_dir_ops = {.lookup = fd_lookup, .free = fd_free};

// Which descriptors another has is not for all to see: fdinfo's mode is, but not its rule.
static int info_permission(struct inode *inode, int mask)
{
	struct fd_node *node = inode->private;
	struct task *task = pid_task_get(node->pid, PIDTYPE_PID);
	int error = -EACCES;

	if (!task)
		return -ESRCH;
	if (ptrace_may_access(task, PTRACE_MODE_READ_FSCREDS) && !(mask & MAY_WRITE))
		error = 0;
	task_put(task);
	return error;
}

static const struct inode_ops info_dir_ops = {
	.lookup = fd_lookup,
	.permission = info_permission,
	.free = fd_free,
};

static u32 table_size(struct pid *pid)
{
	struct task *task = pid_task_get(pid, PIDTYPE_PID);
	u32 size = 0;

	if (!task)
		return 0;
	spin_lock(&task->alloc_lock);
	if (task->files) {
		rcu_read_lock();
		size = rcu_dereference(task->files->table)->size;
		rcu_read_unlock();
	}
	spin_unlock(&task->alloc_lock);
	task_put(task);
	return size;
}

static int fd_iterate(struct file *dir, struct dir_context *ctx)
{
	struct fd_node *node = dir->inode->private;
	u32 size = table_size(node->pid);

	for (; dir->pos < 2; dir->pos++) {
		if (!ctx->emit(ctx, "..", dir->pos + 1, dir->pos + 1, dir->inode->number, 4))
			return 0;
	}
	for (; dir->pos - 2 < size; dir->pos++) {
		struct file *file;
		char name[12];
		int error = fd_file(node->pid, dir->pos - 2, &file);

		if (error == -EACCES)
			return error;
		if (error)
			continue;
		file_put(file);
		int length = snprintf(name, sizeof(name), "%lu", dir->pos - 2);
		if (!ctx->emit(ctx, name, length, dir->pos + 1, dir->inode->number + dir->pos,
			       node->info ? 8 : 10))
			return 0;
	}
	return 0;
}

static const struct file_ops fd_dir_file_ops = {.iterate = fd_iterate};

// --- fdinfo ---

static void show_info(struct seq *seq, struct task *task, int fd, struct file *file)
{
	u32 flags = READ_ONCE(file->flags) & ~(FILE_READ | FILE_WRITE);

	seq_printf(seq, "pos:\t%lu\nflags:\t0%o\nmnt_id:\t%d\nino:\t%lu\n", file->pos,
		   flags | (fd_is_cloexec(task, fd) ? O_CLOEXEC : 0),
		   file->path.mount ? file->path.mount->id : 0,
		   file->inode ? file->inode->number : 0);
	if (file->ops->show_fdinfo)
		file->ops->show_fdinfo(file, seq);
}

// The text, made anew; *seq has a buffer to free when there is no error.
static int make_info(const struct inode *inode, struct seq *seq)
{
	const struct fd_node *node = inode->private;
	struct task *task = pid_task_get(node->pid, PIDTYPE_PID);
	struct file *file;
	int error;

	if (!task)
		return -ENOENT;
	error = fd_file(node->pid, node->fd, &file);
	for (size_t size = PAGE_SIZE; !error; size *= 2) {
		*seq = (struct seq){.buffer = size > INFO_MAX ? NULL : kvmalloc(size, GFP_KERNEL),
				    .size = size,
				    .pid_ns = proc_pid_ns(inode->sb)};
		if (!seq->buffer) {
			error = -ENOMEM;
			file_put(file);
			break;
		}
		show_info(seq, task, node->fd, file);
		if (!seq->full) {
			file_put(file);
			break;
		}
		kvfree(seq->buffer);
	}
	task_put(task);
	return error;
}

static int info_open(struct inode *inode, struct file *file)
{
	struct seq seq;
	int error = make_info(inode, &seq);

	(void)file;
	if (!error)
		kvfree(seq.buffer);
	return error;
}

static ssize_t info_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct seq seq;
	ssize_t done = make_info(file->inode, &seq);

	if (done)
		return done;
	size_t n = *pos < seq.count ? MIN(seq.count - *pos, iter_count(iter)) : 0;

	done = (ssize_t)iter_copy_to(iter, seq.buffer + *pos, n);
	kvfree(seq.buffer);
	*pos += done;
	return done || !n ? done : -EFAULT;
}

static const struct inode_ops info_ops = {.free = fd_free};
static const struct file_ops info_file_ops = {.open = info_open, .read = info_read};
