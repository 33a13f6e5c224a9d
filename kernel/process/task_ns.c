// The namespaces of a task, one by one, as /proc/PID/ns and process descriptors show them.

#include <ns/cred.h>
#include <ns/user_ns.h>
#include <process/task_ns.h>
#include <sched/pid_namespace.h>

static struct ns_common *user_ns_of(struct task *task)
{
	const struct cred *cred = task_cred_get(task);
	struct ns_common *ns = ns_get(&cred->user_ns->common);

	cred_put(cred);
	return ns;
}

struct ns_common *task_ns_get(struct task *task, int what)
{
	struct ns_common *ns = NULL;

	if (what == NS_USER)
		return user_ns_of(task);
	if (what == NS_PID) { // a zombie still has its number
		rcu_read_lock();
		struct pid *pid = READ_ONCE(task->pid);
		if (pid)
			ns = ns_get(&pid->numbers[pid->level].ns->common);
		rcu_read_unlock();
		return ns;
	}
	struct nsproxy *nsproxy = task_nsproxy_get(task);
	if (!nsproxy)
		return NULL;
	ns = nsproxy->slot[what == TASK_NS_PID_FOR_CHILDREN ? NS_PID : what];
	// A pid namespace without an init is not ready to be entered.
	if (what == TASK_NS_PID_FOR_CHILDREN && !READ_ONCE(nsproxy->pid_for_children->reaper))
		ns = NULL;
	if (ns)
		ns_get(ns);
	nsproxy_put(nsproxy);
	return ns;
}
