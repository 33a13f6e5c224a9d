// /proc/PID/cgroup and /proc/cgroups.

#include <cgroup/cgroup.h>
#include <cgroup/cgroup_ns.h>
#include <fs/procfs/procfs.h>
#include <mm/slab.h>
#include <ns/nsproxy.h>
#include <uapi/errno.h>
#include <uapi/limits.h>

// As the reader's namespace sees it.
int proc_show_cgroup(struct seq *seq, struct task *task)
{
	char *text = kmalloc(PATH_MAX, GFP_KERNEL);

	if (!text)
		return -ENOMEM;
	struct cgroup *cgroup = task_cgroup_get(task);
	int length = cgroup_path(cgroup, current->nsproxy->cgroup->root, text, PATH_MAX);
	if (length >= 0)
		seq_printf(seq, "0::%s%s\n", text, cgroup->dead ? " (deleted)" : "");
	cgroup_put(cgroup);
	kfree(text);
	return length < 0 ? length : 0;
}

int proc_show_cgroups(struct seq *seq, struct task *task)
{
	(void)task;
	seq_puts(seq, "#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
	seq_printf(seq, "pids\t0\t%u\t1\n", cgroup_count());
	return 0;
}
