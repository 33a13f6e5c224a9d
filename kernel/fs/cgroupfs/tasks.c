// The files that name tasks: cgroup.procs and cgroup.threads, and who may move whom.

#include <cgroup/cgroup_ns.h>
#include <lib/parse.h>
#include <lib/string.h>
#include <ns/cred.h>
#include <sched/pid_namespace.h>
#include <sched/process.h>
#include <uapi/errno.h>

#include "internal.h"

// --- Who is there, by the numbers of the reader's namespace ---

static void show_members(struct seq *seq, struct cgroup *cgroup, bool processes)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	struct task *task;

	rcu_read_lock();
	spin_lock_irq(&cgroup_members_lock);
	list_for_each_entry (task, &cgroup->tasks, cgroup_link) {
		if (processes ? thread_group_leader(task) : !task->cgroup_exited)
			seq_printf(seq, "%d\n", task_nr_ns(task, PIDTYPE_PID, ns));
	}
	spin_unlock_irq(&cgroup_members_lock);
	rcu_read_unlock();
}

// Processes are told by the domain, for their threads may be in any group of its threaded subtree.
static void show_procs(struct seq *seq, struct cgroup *cgroup)
{
	struct cgroup *at;

	cgroup_for_each(at, cgroup)
	{
		if (at->domain == cgroup)
			show_members(seq, at, true);
	}
}

static int procs_check(struct cgroup *cgroup)
{
	return cgroup_is_threaded(cgroup) ? -EOPNOTSUPP : 0;
}

static void show_threads(struct seq *seq, struct cgroup *cgroup)
{
	show_members(seq, cgroup, false);
}

// --- Migration ---

int cgroup_may_write(struct cgroup *cgroup)
{
	struct inode *inode;
	int error = cgroup_file_inode(cgroup, 0, &inode); // cgroup.procs is the first

	return error ?: inode_permission(inode, MAY_WRITE);
}

int cgroup_may_migrate(struct cgroup *from, struct cgroup *to, struct cgroup_ns *ns, bool whole)
{
	struct cgroup *common = from;

	while (!cgroup_within(to, common))
		common = common->parent;
	int error = cgroup_may_write(common);
	if (error)
		return error;
	if ((READ_ONCE(cgroup_options) & CGROUP_NS_DELEGATE) &&
	    (!cgroup_within(from, ns->root) || !cgroup_within(to, ns->root)))
		return -ENOENT;
	error = cgroup_may_hold(to);
	if (!error && !whole && from->domain != to->domain)
		error = -EOPNOTSUPP;
	return error;
}

// The task of a number, with a reference; 0 is current.
static int find_task(const char *text, bool whole, struct task **out)
{
	s64 nr;

	if (parse_s64(text, NULL, 0, &nr) || nr < 0 || nr > INT32_MAX)
		return -EINVAL;
	struct pid *pid = nr ? pid_find_get(nr) : pid_get(current->pid);
	if (!pid)
		return -ESRCH;
	rcu_read_lock();
	struct task *task = pid_task(pid, PIDTYPE_PID);
	if (task && whole)
		task = READ_ONCE(task->group_leader);
	if (task)
		task_get(task);
	rcu_read_unlock();
	pid_put(pid);
	*out = task;
	return task ? 0 : -ESRCH;
}

static int migrate(struct file *file, struct cgroup *to, const char *text, bool whole)
{
	struct cgroup_open *open = file->private;
	struct task *task;
	int error = find_task(text, whole, &task);

	if (error)
		return error;
	struct cgroup *from = task_cgroup_get(task);
	const struct cred *old = cred_override(file->cred);
	error = cgroup_may_migrate(from, to, open->ns, whole);
	cred_revert(old);
	if (!error)
		cgroup_migrate(to, task, whole);
	cgroup_put(from);
	task_put(task);
	return error;
}

static int write_procs(struct file *file, struct cgroup *cgroup, char *text)
{
	return migrate(file, cgroup, text, true);
}

static int write_threads(struct file *file, struct cgroup *cgroup, char *text)
{
	return migrate(file, cgroup, text, false);
}

const struct cgroup_file cgroup_task_files[] = {
	{.name = "cgroup.procs",
	 .mode = 0644,
	 .flags = CGROUP_DELEGATED,
	 .show = show_procs,
	 .show_check = procs_check,
	 .write = write_procs},
	{.name = "cgroup.threads",
	 .mode = 0644,
	 .flags = CGROUP_DELEGATED,
	 .show = show_threads,
	 .write = write_threads},
};
const unsigned cgroup_task_count = ARRAY_SIZE(cgroup_task_files);
