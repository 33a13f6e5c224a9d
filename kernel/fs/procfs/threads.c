// /proc/PID/task: a directory for each thread of a process, with what is told of it alone. See
// proc(5).

#include <fs/procfs/procfs.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <sched/pid.h>
#include <sched/pid_namespace.h>
#include <sched/process.h>
#include <uapi/errno.h>

static const struct inode_ops threads_ops;
static const struct file_ops threads_file_ops;

static void threads_free(struct inode *inode)
{
	pid_put(inode->private);
}

int proc_threads_directory(struct superblock *sb, struct pid *pid, struct inode **out)
{
	struct inode *inode = inode_alloc(sb, S_IFDIR | 0555);

	if (!inode)
		return -ENOMEM;
	inode->private = pid_get(pid);
	inode->ops = &threads_ops;
	inode->file_ops = &threads_file_ops;
	proc_set_owner(inode, pid);
	struct task *task = pid_task_get(pid, PIDTYPE_PID);

	inode->nlink = 2 + (task ? task->process->thread_count : 0);
	if (task)
		task_put(task);
	*out = inode;
	return 0;
}

// Whether both name threads of one process. Under RCU.
static bool same_process(struct pid *a, struct pid *b)
{
	struct task *x = pid_task(a, PIDTYPE_PID), *y = pid_task(b, PIDTYPE_PID);

	return x && y && x->process == y->process;
}

static int threads_lookup(struct inode *dir, const char *name, size_t length, struct inode **out)
{
	struct pid *pid = proc_pid_of_name(dir->sb, name, length);

	if (!pid)
		return -ENOENT;
	rcu_read_lock();
	bool ours = same_process(pid, dir->private);
	rcu_read_unlock();
	int error = ours ? proc_thread_inode(dir->sb, pid, out) : -ENOENT;
	pid_put(pid);
	return error;
}

// The first thread whose number is `from` or more; 0 without one.
static int next_thread(struct pid *process, struct pid_namespace *ns, int from)
{
	struct pid *pid;

	rcu_read_lock();
	for (pid = pid_find_from(from, ns); pid && !same_process(pid, process);)
		pid = pid_find_from(pid_nr_ns(pid, ns) + 1, ns);
	int nr = pid ? pid_nr_ns(pid, ns) : 0;
	rcu_read_unlock();
	return nr;
}

static int threads_iterate(struct file *dir, struct dir_context *ctx)
{
	struct pid_namespace *ns = proc_pid_ns(dir->inode->sb);
	struct pid *process = dir->inode->private;
	char name[12];
	int nr;

	if (!pid_task(process, PIDTYPE_PID))
		return -ENOENT;
	for (; dir->pos < 2; dir->pos++) {
		if (!ctx->emit(ctx, "..", dir->pos + 1, dir->pos + 1, dir->inode->number, 4))
			return 0;
	}
	// The position of a thread is two more than its number is.
	while ((nr = next_thread(process, ns, MAX((int)dir->pos - 2, 1)))) {
		int length = snprintf(name, sizeof(name), "%d", nr);

		if (!ctx->emit(ctx, name, length, nr + 3, dir->inode->number + nr, 4))
			return 0;
		dir->pos = nr + 3;
	}
	return 0;
}

// The children that this very thread has made, or was given.
int proc_show_children(struct seq *seq, struct task *task)
{
	struct task *child;

	read_lock(&tasklist_lock);
	list_for_each_entry (child, &task->children, sibling)
		seq_printf(seq, "%d ", task_nr_ns(child, PIDTYPE_PID, seq->pid_ns));
	read_unlock(&tasklist_lock);
	return 0;
}

static const struct inode_ops threads_ops = {.lookup = threads_lookup, .free = threads_free};
static const struct file_ops threads_file_ops = {.iterate = threads_iterate};
