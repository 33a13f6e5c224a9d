// The first tasks: what the boot task and kernel threads own, and how the first process is made.
// Kernel threads share one process, one set of handlers (all ignored) and the first credentials
// and namespaces; they have no pid, and /proc does not show them.

#include <arch/context.h>
#include <cgroup/cgroup.h>
#include <core/init.h>
#include <core/panic.h>
#include <fs/files.h>
#include <fs/fs_context.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <ns/nsproxy.h>
#include <ns/user_ns.h>
#include <ns/uts_ns.h>
#include <process/clone.h>
#include <process/process.h>
#include <process/resources.h>
#include <sched/completion.h>
#include <sched/pid_namespace.h>
#include <sched/sched.h>
#include <signal/signal.h>
#include <uapi/resource.h>
#include <uapi/sched.h>

#include "internal.h"

static struct process *kernel_process;
static struct sighand *kernel_sighand;

// What Linux gives its first process.
static void default_limits(struct rlimit *limits)
{
	for (int i = 0; i < RLIM_NLIMITS; i++)
		limits[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
	limits[RLIMIT_STACK].rlim_cur = 8 * MIB;
	limits[RLIMIT_CORE].rlim_cur = 0;
	limits[RLIMIT_NPROC] = (struct rlimit){tasks_max() / 2, tasks_max() / 2};
	limits[RLIMIT_NOFILE] = (struct rlimit){1024, 4096};
	limits[RLIMIT_MEMLOCK] = (struct rlimit){8 * MIB, 8 * MIB};
	limits[RLIMIT_SIGPENDING] = limits[RLIMIT_NPROC];
	limits[RLIMIT_MSGQUEUE] = (struct rlimit){819200, 819200};
	limits[RLIMIT_NICE] = (struct rlimit){0, 0};
	limits[RLIMIT_RTPRIO] = (struct rlimit){0, 0};
}

// Gives the boot task, and through kthread_adopt() each kernel thread, what code may rely on.
static void adopt(struct task *task)
{
	spin_init(&task->alloc_lock, LOCK_TASK_ALLOC);
	list_init(&task->children);
	list_init(&task->sibling);
	list_init(&task->ptraced);
	list_init(&task->ptrace_entry);
	list_init(&task->thread_node);
	list_init(&task->all_node);
	list_init(&task->pending.queue);
	list_init(&task->cgroup_link);
	task->cgroup = &cgroup_root; // not as a member
	task->process = process_get(kernel_process);
	task->sighand = kernel_sighand;
	task->nsproxy = &init_nsproxy;
	task->cred = cred_get(&init_cred);
	task->real_cred = cred_get(&init_cred);
	task->group_leader = task;
	task->real_parent = task->parent = &init_task;
	task->exit_signal = -1;
	task->blocked = ~0ul;
	task->timer_slack_ns = task->default_timer_slack_ns = 50000;
}

static int kthread_adopt(struct task *task)
{
	adopt(task);
	return 0;
}

static NORETURN void kthread_exit(int code)
{
	current->exit_code = code;
	current->flags |= TF_EXITING;
	sched_exit();
}

// --- A new process's first code ---

static void child_start(struct task *task)
{
	if (task->set_child_tid)
		(void)put_user_u32(task->set_child_tid, task_pid_vnr(task));
}

static int process_init(void)
{
	process_objects_init();
	kernel_process = process_alloc();
	kernel_sighand = sighand_alloc();
	if (!kernel_process || !kernel_sighand)
		panic("process: no memory at boot");
	signal_actions_reset(kernel_sighand, true);
	clone_init();
	default_limits(kernel_process->rlimits);
	kernel_process->thread_count = 1;
	adopt(&init_task);
	sched_hooks.child_start = child_start;
	sched_hooks.task_free = task_free_resources;
	sched_hooks.kthread_adopt = kthread_adopt;
	sched_hooks.kthread_exit = kthread_exit;
	return 0;
}
INITCALL(CORE, process_init);

// --- The first process ---

struct first_process {
	int (*fn)(void *);
	void *arg;
	struct completion started;
};

// Group and session of the first process have the number 0, as on Linux, so that it may call
// setsid(). The boot task bears this pid for ever, so it is never given back.
static struct pid *pid_zero(void)
{
	struct pid *pid = kzalloc(sizeof(*pid) + sizeof(struct pid_number), GFP_NOFAIL_PANIC);

	refcount_init(&pid->refs, 1);
	wait_queue_init(&pid->wait_pidfd);
	pid->numbers[0].ns = &init_pid_ns;
	hlist_add_head_rcu(&init_task.pid_links[PIDTYPE_PGID], &pid->tasks[PIDTYPE_PGID]);
	hlist_add_head_rcu(&init_task.pid_links[PIDTYPE_SID], &pid->tasks[PIDTYPE_SID]);
	return pid;
}

// Turns the kernel thread that runs this into process 1: from here on it is a task as all others.
static void become_process(void)
{
	struct task *task = current;
	struct process *process = process_alloc();
	struct sighand *sighand = sighand_alloc();
	struct pid *zero = pid_zero();
	struct pid *pid;

	if (!process || !sighand || pid_alloc(&init_pid_ns, NULL, 0, &pid) ||
	    files_create(&task->files) || fs_context_create(&task->fs))
		panic("process: cannot make the first process: no memory");
	memcpy(process->rlimits, kernel_process->rlimits, sizeof(process->rlimits));
	process->flags = PROCESS_UNKILLABLE;
	process->leader = process->next_target = task;
	process->thread_count = 1;
	signal_actions_reset(sighand, true);

	write_lock_irq(&tasklist_lock);
	process_put(task->process);
	task->process = process;
	task->sighand = sighand;
	task->flags &= ~TF_KTHREAD;
	task->exit_signal = SIGCHLD;
	task->blocked = 0;
	task->nsproxy = nsproxy_get(&init_nsproxy);
	init_pid_ns.reaper = task;
	list_add_tail_rcu(&task->thread_node, &process->threads);
	list_add_tail_rcu(&task->all_node, &all_processes);
	list_add_tail(&task->sibling, &init_task.children);
	pid_attach(task, PIDTYPE_PID, pid);
	pid_attach(task, PIDTYPE_TGID, pid);
	pid_attach(task, PIDTYPE_PGID, zero);
	pid_attach(task, PIDTYPE_SID, zero);
	write_unlock_irq(&tasklist_lock);
	cgroup_first_task(task);
	task_set_name(task, "init");
}

static int first_process_main(void *data)
{
	struct first_process *first = data;
	int (*fn)(void *) = first->fn;
	void *arg = first->arg;

	become_process();
	complete(&first->started);
	int error = fn(arg);
	if (error)
		panic("init: the first process could not be started: error %d", error);
	return 0; // to user mode: fn has exec'd
}

void process_start_init(int (*fn)(void *), void *arg)
{
	struct first_process first = {.fn = fn, .arg = arg};
	struct task *task;

	completion_init(&first.started);
	int error = kthread_run(first_process_main, &first, &task, "init");
	if (error)
		panic("init: cannot make the first task: error %d", error);
	wait_for_completion(&first.started);
	task_put(task);
}
