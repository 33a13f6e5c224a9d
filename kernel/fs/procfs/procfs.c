// /proc: directories that are made when they are looked at. A process's directory stands for its
// struct pid: once the process is gone, everything in it says ESRCH. Texts are made whole at the
// first read of a file and kept until it is closed.

#include <core/fault_inject.h>
#include <core/init.h>
#include <fs/path.h>
#include <fs/poll.h>
#include <fs/procfs/procfs.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <sched/pid_namespace.h>
#include <sched/process.h>
#include <uapi/errno.h>
#include <uapi/magic.h>
#include <uapi/poll.h>

#define TEXT_MAX (4 * MIB)

// What an inode of /proc stands for.
struct proc_node {
	const struct proc_entry *entry; // NULL: a directory
	struct pid *pid;                // counted; NULL: not of a process
	bool thread;                    // below /proc/PID/task: tells of one thread only
};

static const struct inode_ops proc_ops, proc_jump_ops, proc_guarded_ops, proc_process_ops;
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

int proc_inode_task(const struct inode *inode, struct task **out)
{
	return node_task(node_of(inode), out);
}

void proc_set_owner(struct inode *inode, struct pid *pid)
{
	struct task *task = pid ? pid_task_get(pid, PIDTYPE_PID) : NULL;

	inode->uid = inode->gid = 0;
	if (!task)
		return;
	spin_lock(&task->alloc_lock);
	bool hidden = task->mm && task->mm->dumpable != DUMPABLE_USER;
	spin_unlock(&task->alloc_lock);
	// What cannot be looked into belongs to root, but for the directory itself.
	if (!hidden || inode->mode == (S_IFDIR | 0555)) {
		const struct cred *cred = task_cred_get(task);

		inode->uid = cred->euid;
		inode->gid = cred->egid;
		cred_put(cred);
	}
	task_put(task);
}

static int node_make(struct superblock *sb, const struct proc_entry *entry, struct pid *pid,
		     u32 mode, struct inode **out)
{
	struct proc_node *node = kzalloc(sizeof(*node), GFP_KERNEL);
	struct inode *inode = node ? inode_alloc(sb, mode) : NULL;

	if (!inode) {
		kfree(node);
		return -ENOMEM;
	}
	node->entry = entry;
	node->pid = pid_get(pid);
	inode->private = node;
	inode->ops = pid && !entry                ? &proc_process_ops
		     : entry && entry->follow     ? &proc_jump_ops
		     : entry && entry->permission ? &proc_guarded_ops
						  : &proc_ops;
	inode->file_ops = S_ISDIR(mode)              ? &proc_dir_ops
			  : entry && entry->file_ops ? entry->file_ops
						     : &proc_file_ops;
	proc_set_owner(inode, pid);
	if (S_ISDIR(mode))
		inode->nlink = 2;
	*out = inode;
	return 0;
}

int proc_entry_inode(struct superblock *sb, const struct proc_entry *entry, struct pid *pid,
		     struct inode **out)
{
	return node_make(sb, entry, pid, entry->mode, out);
}

int proc_root_inode(struct superblock *sb, struct inode **out)
{
	return node_make(sb, NULL, NULL, S_IFDIR | 0555, out);
}

int proc_thread_inode(struct superblock *sb, struct pid *pid, struct inode **out)
{
	int error = node_make(sb, NULL, pid, S_IFDIR | 0555, out);

	if (!error) {
		node_of(*out)->thread = true;
		(*out)->ops = &proc_ops;
	}
	return error;
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

struct pid *proc_pid_of_name(struct superblock *sb, const char *name, size_t length)
{
	char number[12];
	u64 nr;

	if (length >= sizeof(number))
		return NULL;
	memcpy(number, name, length);
	number[length] = '\0';
	if (number[0] == '0' || parse_u64(number, NULL, 10, &nr))
		return NULL;
	return pid_find_get_ns(nr, proc_pid_ns(sb));
}

static int lookup_pid(struct superblock *sb, const char *name, size_t length, struct inode **out)
{
	struct pid *pid = proc_pid_of_name(sb, name, length);

	if (!pid)
		return -ENOENT;
	bool seen = pid_task(pid, PIDTYPE_PID) && proc_may_see(sb, pid);
	int error = seen ? node_make(sb, NULL, pid, S_IFDIR | 0555, out) : -ENOENT;
	pid_put(pid);
	return error;
}

// The table of a directory.
static const struct proc_entry *entries_of(const struct proc_node *node, unsigned *count)
{
	if (node->entry) {
		*count = node->entry->count;
		return node->entry->entries;
	}
	*count = node->pid ? proc_task_count : proc_root_count;
	return node->pid ? proc_task_entries : proc_root_entries;
}

// Of a /proc of processes only, the root has the links to oneself and nothing more.
static bool is_left_out(const struct superblock *sb, const struct proc_node *node,
			const struct proc_entry *entry)
{
	bool self = entry->directory == proc_self_link || entry->directory == proc_thread_self_link;

	return !node->pid && !self && proc_pids_only(sb);
}

// Whether a directory of processes, or of threads, has the entry.
static bool entry_is_for(const struct proc_entry *entry, const struct proc_node *node)
{
	return node->thread ? !entry->process_only : !entry->thread_only;
}

static int proc_lookup(struct inode *dir, const char *name, size_t length, struct inode **out)
{
	struct proc_node *node = node_of(dir);
	const struct proc_entry *entry;
	unsigned count;

	if (node->pid && !pid_task(node->pid, PIDTYPE_PID))
		return -ENOENT;
	entry = entries_of(node, &count);
	entry = find_entry(entry, count, name, length);
	if (entry && is_left_out(dir->sb, node, entry))
		entry = NULL;
	if (entry && !entry_is_for(entry, node))
		return -ENOENT;
	if (entry && entry->directory)
		return entry->directory(dir->sb, node->pid, out);
	if (entry) {
		int error = node_make(dir->sb, entry, node->pid, entry->mode, out);

		if (!error)
			node_of(*out)->thread = node->thread;
		return error;
	}
	return node->pid || node->entry ? -ENOENT : lookup_pid(dir->sb, name, length, out);
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

static int proc_follow(struct inode *inode, struct path *out)
{
	struct proc_node *node = node_of(inode);
	struct task *task;
	int error = node_task(node, &task);

	if (error)
		return error;
	error = node->entry->follow(task, out);
	if (task)
		task_put(task);
	return error;
}

static int proc_permission(struct inode *inode, int mask)
{
	return node_of(inode)->entry->permission(inode, mask);
}

// The directory of a process is for those from whom the mount does not hide it.
static int process_permission(struct inode *inode, int mask)
{
	int error = proc_may_enter(inode->sb, node_of(inode)->pid);

	return error ?: inode_mode_permission(inode, mask);
}

static int proc_truncate(struct inode *inode, u64 size)
{
	(void)inode, (void)size; // there is nothing to cut off
	return 0;
}

static const struct inode_ops proc_ops = {
	.truncate = proc_truncate,
	.lookup = proc_lookup,
	.readlink = proc_readlink,
	.free = node_free,
};
static const struct inode_ops proc_jump_ops = {
	.readlink = proc_readlink,
	.follow = proc_follow,
	.free = node_free,
};
static const struct inode_ops proc_guarded_ops = {
	.truncate = proc_truncate,
	.lookup = proc_lookup,
	.permission = proc_permission,
	.free = node_free,
};
static const struct inode_ops proc_process_ops = {
	.lookup = proc_lookup,
	.permission = process_permission,
	.free = node_free,
};

// --- Files ---

int proc_parse_number(char *text, u64 min, u64 max, u64 *out)
{
	char *start = text + strspn(text, " \t\n");

	start[strcspn(start, " \t\n")] = '\0';
	return parse_u64(start, NULL, 0, out) || *out < min || *out > max ? -EINVAL : 0;
}

static int show_number(struct seq *seq, const struct proc_entry *entry)
{
	seq_printf(seq, "%lu\n", READ_ONCE(*entry->number));
	return 0;
}

static ssize_t write_number(const struct proc_entry *entry, char *text, size_t n)
{
	u64 value;
	int error = proc_parse_number(text, entry->number_min, entry->number_max, &value);

	if (!error)
		WRITE_ONCE(*entry->number, value);
	return error ?: (ssize_t)n;
}

// Makes the text; a buffer that was too small is doubled and the text made again.
static int make_text(struct inode *inode, void *bound, struct seq *seq)
{
	struct proc_node *node = node_of(inode);
	struct task *task;
	int error = node_task(node, &task);

	for (size_t size = PAGE_SIZE; !error; size *= 2) {
		*seq = (struct seq){.buffer = kvmalloc(size, GFP_KERNEL),
				    .size = size,
				    .pid_ns = proc_pid_ns(inode->sb),
				    .thread = node->thread,
				    .bound = bound};
		if (!seq->buffer || size > TEXT_MAX) {
			error = -ENOMEM;
			break;
		}
		error = node->entry->number ? show_number(seq, node->entry)
					    : node->entry->show(seq, task);
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

// What a file that is bound to something at its opening tells from then on.
static int bind_to_task(const struct proc_node *node, struct proc_text *text)
{
	struct task *task;
	int error = node_task(node, &task);

	if (error)
		return error;
	error = node->entry->bind(text, task);
	if (task)
		task_put(task);
	return error;
}

static int proc_open(struct inode *inode, struct file *file)
{
	struct proc_text *text = kzalloc(sizeof(*text), GFP_KERNEL);
	int error = text ? 0 : -ENOMEM;

	if (!error && node_of(inode)->entry->bind)
		error = bind_to_task(node_of(inode), text);
	if (error)
		kfree(text);
	else
		file->private = text;
	return error;
}

static ssize_t read_text(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct proc_node *node = node_of(file->inode);
	struct proc_text *text = file->private;
	struct seq *seq = &text->seq;

	if (!node->entry->show && !node->entry->number)
		return -EINVAL;
	if (!seq->buffer || *pos == 0) { // from the start: how it is now
		struct seq fresh = {0};
		int error = make_text(file->inode, text->bound, &fresh);

		if (error)
			return error;
		kvfree(seq->buffer);
		*seq = fresh;
	}
	if (*pos >= seq->count)
		return 0;
	size_t n = MIN(seq->count - *pos, iter_count(iter));
	size_t done = iter_copy_to(iter, seq->buffer + *pos, n);
	*pos += done;
	return done || !n ? (ssize_t)done : -EFAULT;
}

static ssize_t write_text(struct file *file, char *text, size_t n)
{
	struct proc_node *node = node_of(file->inode);
	struct task *task;

	ssize_t error = node_task(node, &task);
	if (error)
		return error;
	text[n] = '\0';
	if (node->entry->write_file)
		error = node->entry->write_file(file, task, text, n);
	else
		error = node->entry->number ? write_number(node->entry, text, n)
					    : node->entry->write(task, text, n);
	if (task)
		task_put(task);
	return error;
}

static ssize_t write_from(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct proc_node *node = node_of(file->inode);
	size_t n = iter_count(iter);

	if (!node->entry->write && !node->entry->write_file && !node->entry->number)
		return -EIO;
	size_t looked_at = node->entry->write_max ? MIN(n, node->entry->write_max) : n;

	if (looked_at >= PAGE_SIZE)
		return -EINVAL;
	char *text = kmalloc(looked_at + 1, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	((struct proc_text *)file->private)->write_at = *pos;
	ssize_t error = iter_copy_from(iter, text, looked_at) < looked_at
				? -EFAULT
				: write_text(file, text, looked_at);
	kfree(text);
	if (error == (ssize_t)looked_at)
		error = n;
	if (error > 0)
		*pos += error;
	return error;
}

// Whether counting down to an injected fault was stopped for this file.
static bool hold_faults(struct file *file)
{
	const struct proc_entry *entry = node_of(file->inode)->entry;

	if (likely(!fault_armed) || !entry->unfailing)
		return false;
	fault_hold();
	return true;
}

static ssize_t proc_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	bool held = hold_faults(file);
	ssize_t result = read_text(file, iter, pos);

	if (held)
		fault_resume();
	return result;
}

static ssize_t proc_write(struct file *file, struct iov_iter *iter, u64 *pos)
{
	bool held = hold_faults(file);
	ssize_t result = write_from(file, iter, pos);

	if (held)
		fault_resume();
	return result;
}

static u32 proc_poll(struct file *file, struct poll_table *table)
{
	struct proc_node *node = node_of(file->inode);
	struct task *task;

	if (!node->entry->poll || node_task(node, &task))
		return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
	u32 events = node->entry->poll(file, task, table);
	if (task)
		task_put(task);
	return events;
}

static int proc_release(struct file *file)
{
	struct proc_text *text = file->private;

	if (text->bound)
		node_of(file->inode)->entry->unbind(text);
	kvfree(text->seq.buffer);
	kfree(text);
	return 0;
}

static const struct file_ops proc_file_ops = {
	.open = proc_open,
	.read = proc_read,
	.write = proc_write,
	.poll = proc_poll,
	.release = proc_release,
};

// --- Directories: first the table, then, in the root, the processes by number ---

#define COOKIE_PIDS 1000

// The number of the next process that may be seen, from `nr` on; 0 without one.
static int next_process(const struct superblock *sb, int nr)
{
	struct pid_namespace *ns = proc_pid_ns(sb);

	for (;; nr++) {
		rcu_read_lock();
		struct pid *pid = pid_find_from(MAX(nr, 1), ns);
		bool leader = pid && pid_task(pid, PIDTYPE_TGID);

		nr = pid ? pid_nr_ns(pid, ns) : 0;
		pid = leader ? pid_get(pid) : NULL;
		rcu_read_unlock();
		bool seen = pid && proc_may_see(sb, pid);
		pid_put(pid);
		if (seen || !nr)
			return nr;
	}
}

static void emit_pids(struct file *file, struct dir_context *ctx)
{
	int nr = file->pos - COOKIE_PIDS;
	char name[12];

	while ((nr = next_process(file->inode->sb, nr))) {
		int length = snprintf(name, sizeof(name), "%d", nr);

		if (!ctx->emit(ctx, name, length, COOKIE_PIDS + nr + 1, 100000 + nr, 4))
			return;
		file->pos = COOKIE_PIDS + ++nr;
	}
}

static int proc_iterate(struct file *file, struct dir_context *ctx)
{
	struct proc_node *node = node_of(file->inode);
	const struct proc_entry *entries;
	unsigned count;

	entries = entries_of(node, &count);

	for (; file->pos < 2; file->pos++) {
		if (!ctx->emit(ctx, "..", file->pos + 1, file->pos + 1, file->inode->number, 4))
			return 0;
	}
	for (; file->pos < 2 + count; file->pos++) {
		const struct proc_entry *entry = &entries[file->pos - 2];

		if (!entry_is_for(entry, node) || is_left_out(file->inode->sb, node, entry))
			continue;
		if (!ctx->emit(ctx, entry->name, strlen(entry->name), file->pos + 1,
			       file->inode->number + file->pos, (entry->mode & S_IFMT) >> 12))
			return 0;
	}
	if (node->pid || node->entry)
		return 0;
	if (file->pos < COOKIE_PIDS)
		file->pos = COOKIE_PIDS;
	emit_pids(file, ctx);
	return 0;
}

static const struct file_ops proc_dir_ops = {.iterate = proc_iterate};

struct pid *proc_folder_pid(const struct file *file)
{
	if (file->ops != &proc_dir_ops)
		return NULL; // nor has every file an inode
	const struct proc_node *node = node_of(file->inode);

	return !node->entry && !node->thread ? node->pid : NULL;
}

// --- /proc/self and /proc/thread-self: whoever looks, by the numbers of this /proc ---

static int self_readlink(struct inode *inode, char *buffer, size_t size)
{
	int nr = task_nr_ns(current, PIDTYPE_TGID, proc_pid_ns(inode->sb));

	return nr ? snprintf(buffer, size, "%d", nr) : -ENOENT;
}

static int thread_self_readlink(struct inode *inode, char *buffer, size_t size)
{
	struct pid_namespace *ns = proc_pid_ns(inode->sb);
	int process = task_nr_ns(current, PIDTYPE_TGID, ns);
	int thread = task_nr_ns(current, PIDTYPE_PID, ns);

	return thread ? snprintf(buffer, size, "%d/task/%d", process, thread) : -ENOENT;
}

static int link_inode(struct superblock *sb, const struct inode_ops *ops, struct inode **out)
{
	struct inode *inode = inode_alloc(sb, S_IFLNK | 0777);

	if (!inode)
		return -ENOMEM;
	inode->ops = ops;
	inode->uid = inode->gid = 0;
	*out = inode;
	return 0;
}

int proc_self_link(struct superblock *sb, struct pid *pid, struct inode **out)
{
	static const struct inode_ops ops = {.readlink = self_readlink};

	(void)pid;
	return link_inode(sb, &ops, out);
}

int proc_thread_self_link(struct superblock *sb, struct pid *pid, struct inode **out)
{
	static const struct inode_ops ops = {.readlink = thread_self_readlink};

	(void)pid;
	return link_inode(sb, &ops, out);
}

int proc_sys_permission(struct inode *inode, int mask)
{
	u32 mode = inode->mode;

	if (current_cred()->euid == 0)
		mode >>= 6;
	else if (cred_in_egroup(current_cred(), 0))
		mode >>= 3;
	return mask & ~mode & 7 ? -EACCES : 0;
}
