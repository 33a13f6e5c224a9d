// /proc: directories that are made when they are looked at. A process's directory stands for its
// struct pid: once the process is gone, everything in it says ESRCH. Texts are made whole at the
// first read of a file and kept until it is closed.

#include <core/init.h>
#include <fs/path.h>
#include <fs/procfs/procfs.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <sched/pid_namespace.h>
#include <sched/process.h>
#include <uapi/errno.h>
#include <uapi/magic.h>

#define TEXT_MAX (4 * MIB)

// What an inode of /proc stands for.
struct proc_node {
	const struct proc_entry *entry; // NULL: a directory
	struct pid *pid;                // counted; NULL: not of a process
};

static struct superblock *proc_sb;
static const struct inode_ops proc_ops;
static const struct file_ops proc_file_ops, proc_dir_ops;

static struct proc_node *node_of(const struct inode *inode)
{
	return inode->private;
}

static int node_task(const struct proc_node *node, struct task **out)
{
	*out = node->pid ? pid_task_get(node->pid, PIDTYPE_PID) : NULL;
	return node->pid && !*out ? -ESRCH : 0;
}

static int node_make(const struct proc_entry *entry, struct pid *pid, u32 mode, struct inode **out)
{
	struct proc_node *node = kzalloc(sizeof(*node), GFP_KERNEL);
	struct inode *inode = node ? inode_alloc(proc_sb, mode) : NULL;

	if (!inode) {
		kfree(node);
		return -ENOMEM;
	}
	node->entry = entry;
	node->pid = pid_get(pid);
	inode->private = node;
	inode->ops = &proc_ops;
	inode->file_ops = S_ISDIR(mode) ? &proc_dir_ops : &proc_file_ops;
	inode->uid = inode->gid = 0;
	struct task *task = pid ? pid_task_get(pid, PIDTYPE_PID) : NULL;
	if (task) {
		const struct cred *cred = task_cred_get(task);

		inode->uid = cred->euid;
		inode->gid = cred->egid;
		cred_put(cred);
		task_put(task);
	}
	if (S_ISDIR(mode))
		inode->nlink = 2;
	*out = inode;
	return 0;
}

static void node_free(struct inode *inode)
{
	pid_put(node_of(inode)->pid);
	kfree(inode->private);
}

// --- Lookup ---

static const struct proc_entry *find_entry(const struct proc_entry *entries, unsigned count,
					   const char *name, size_t length)
{
	for (unsigned i = 0; i < count; i++) {
		if (strlen(entries[i].name) == length && !memcmp(entries[i].name, name, length))
			return &entries[i];
	}
	return NULL;
}

static int lookup_pid(const char *name, size_t length, struct inode **out)
{
	char number[12];
	u64 nr;

	if (length >= sizeof(number))
		return -ENOENT;
	memcpy(number, name, length);
	number[length] = '\0';
	if (number[0] == '0' || parse_u64(number, NULL, 10, &nr))
		return -ENOENT;
	struct pid *pid = pid_find_get(nr);
	if (!pid)
		return -ENOENT;
	int error = pid_task(pid, PIDTYPE_PID) ? node_make(NULL, pid, S_IFDIR | 0555, out)
					       : -ENOENT;
	pid_put(pid);
	return error;
}

static int proc_lookup(struct inode *dir, const char *name, size_t length, struct inode **out)
{
	struct proc_node *node = node_of(dir);
	const struct proc_entry *entry;

	if (node->entry)
		return -ENOTDIR;
	entry = node->pid ? find_entry(proc_task_entries, proc_task_count, name, length)
			  : find_entry(proc_root_entries, proc_root_count, name, length);
	if (entry && entry->directory)
		return entry->directory(proc_sb, node->pid, out);
	if (entry)
		return node_make(entry, node->pid, entry->mode, out);
	return node->pid ? -ENOENT : lookup_pid(name, length, out);
}

static int proc_readlink(struct inode *inode, char *buffer, size_t size)
{
	struct proc_node *node = node_of(inode);
	struct task *task;
	int error = node_task(node, &task);

	if (!error)
		error = node->entry->readlink(task, buffer, size);
	if (task)
		task_put(task);
	return error;
}

static const struct inode_ops proc_ops = {
	.lookup = proc_lookup,
	.readlink = proc_readlink,
	.free = node_free,
};

// --- Files ---

// Makes the text; a buffer that was too small is doubled and the text made again.
static int make_text(struct proc_node *node, struct seq *seq)
{
	struct task *task;
	int error = node_task(node, &task);

	for (size_t size = PAGE_SIZE; !error; size *= 2) {
		*seq = (struct seq){.buffer = kvmalloc(size, GFP_KERNEL), .size = size};
		if (!seq->buffer || size > TEXT_MAX) {
			error = -ENOMEM;
			break;
		}
		error = node->entry->show(seq, task);
		if (!seq->full || error)
			break;
		kvfree(seq->buffer);
		seq->buffer = NULL;
	}
	if (error && seq->buffer) {
		kvfree(seq->buffer);
		seq->buffer = NULL;
	}
	if (task)
		task_put(task);
	return error;
}

static ssize_t proc_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct proc_node *node = node_of(file->inode);
	struct seq *seq = file->private;

	if (!node->entry->show)
		return -EINVAL;
	if (!seq || *pos == 0) { // from the start: how it is now
		struct seq fresh = {0};
		int error = make_text(node, &fresh);

		if (error)
			return error;
		if (seq)
			kvfree(seq->buffer);
		else
			seq = kmalloc(sizeof(*seq), GFP_KERNEL);
		if (!seq) {
			kvfree(fresh.buffer);
			return -ENOMEM;
		}
		*seq = fresh;
		file->private = seq;
	}
	if (*pos >= seq->count)
		return 0;
	size_t n = MIN(seq->count - *pos, iter_count(iter));
	size_t done = iter_copy_to(iter, seq->buffer + *pos, n);
	*pos += done;
	return done || !n ? (ssize_t)done : -EFAULT;
}

static ssize_t proc_write(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct proc_node *node = node_of(file->inode);
	size_t n = iter_count(iter);
	char text[256];
	struct task *task;

	(void)pos;
	if (!node->entry->write)
		return -EIO;
	if (n >= sizeof(text))
		return -EINVAL;
	if (iter_copy_from(iter, text, n) < n)
		return -EFAULT;
	text[n] = '\0';
	ssize_t error = node_task(node, &task);
	if (!error)
		error = node->entry->write(task, text, n);
	if (task)
		task_put(task);
	return error;
}

static int proc_release(struct file *file)
{
	struct seq *seq = file->private;

	if (seq)
		kvfree(seq->buffer);
	kfree(seq);
	return 0;
}

static const struct file_ops proc_file_ops = {
	.read = proc_read,
	.write = proc_write,
	.release = proc_release,
};

// --- Directories: first the table, then, in the root, the processes by number ---

#define COOKIE_PIDS 1000

static bool emit_pids(struct file *file, struct dir_context *ctx)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	int nr = file->pos - COOKIE_PIDS;
	char name[12];

	for (;;) {
		rcu_read_lock();
		struct pid *pid = pid_find_from(MAX(nr, 1), ns);
		bool leader = pid && pid_task(pid, PIDTYPE_TGID);
		nr = pid ? pid_nr_ns(pid, ns) : 0;
		rcu_read_unlock();
		if (!nr)
			return true;
		if (leader) {
			int length = snprintf(name, sizeof(name), "%d", nr);
			if (!ctx->emit(ctx, name, length, COOKIE_PIDS + nr + 1, 100000 + nr, 4))
				return false;
		}
		nr++;
		file->pos = COOKIE_PIDS + nr;
	}
}

static int proc_iterate(struct file *file, struct dir_context *ctx)
{
	struct proc_node *node = node_of(file->inode);
	const struct proc_entry *entries = node->pid ? proc_task_entries : proc_root_entries;
	unsigned count = node->pid ? proc_task_count : proc_root_count;

	for (; file->pos < 2; file->pos++) {
		if (!ctx->emit(ctx, "..", file->pos + 1, file->pos + 1, file->inode->number, 4))
			return 0;
	}
	for (; file->pos < 2 + count; file->pos++) {
		const struct proc_entry *entry = &entries[file->pos - 2];

		if (!ctx->emit(ctx, entry->name, strlen(entry->name), file->pos + 1,
			       file->inode->number + file->pos, (entry->mode & S_IFMT) >> 12))
			return 0;
	}
	if (node->pid)
		return 0;
	if (file->pos < COOKIE_PIDS)
		file->pos = COOKIE_PIDS;
	emit_pids(file, ctx);
	return 0;
}

static const struct file_ops proc_dir_ops = {.iterate = proc_iterate};

// --- Mounting ---

static int proc_mount(const char *source, const char *options, struct superblock **out)
{
	(void)source, (void)options;
	*out = proc_sb;
	return 0;
}

static struct fs_type proc_type = {.name = "proc", .mount = proc_mount, .nodev = true};

static int procfs_init(void)
{
	struct inode *root;

	proc_sb = kzalloc(sizeof(*proc_sb), GFP_KERNEL);
	if (!proc_sb)
		return -ENOMEM;
	proc_sb->type = "proc";
	proc_sb->dev = 4;
	proc_sb->magic = PROC_SUPER_MAGIC;
	proc_sb->block_size = 1024;
	int error = node_make(NULL, NULL, S_IFDIR | 0555, &root);
	if (error)
		return error;
	proc_sb->root = dentry_root(proc_sb, root);
	inode_put(root);
	if (!proc_sb->root)
		return -ENOMEM;
	fs_register(&proc_type);
	return 0;
}
INITCALL(FS, procfs_init);
