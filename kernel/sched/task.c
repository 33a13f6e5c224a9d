// Making and freeing struct task, kernel threads, and the idle tasks.

#include <arch/context.h>
#include <arch/string.h>
#include <core/panic.h>
#include <core/random.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/vmap.h>
#include <sched/completion.h>
#include <sched/run_queue.h>
#include <sched/stack_mark.h>
#include <uapi/errno.h>

struct rwlock tasklist_lock = RWLOCK_INIT(LOCK_TASKLIST);
static struct slab_cache *task_cache;
struct task init_task = {.refs = REFCOUNT_INIT(2), .name = "swapper/0"};

struct task *task_get(struct task *task)
{
	refcount_get(&task->refs);
	return task;
}

static struct kthread *kthread_of(struct task *task);

static void task_free_rcu(struct rcu_head *head)
{
	struct task *task = container_of(head, struct task, rcu);

	if (task->flags & TF_KTHREAD)
		kfree(kthread_of(task));
	fault_set(&task->fault, 0);
	if (sched_hooks.task_free)
		sched_hooks.task_free(task);
	slab_free(task_cache, task);
}

void task_put(struct task *task)
{
	if (refcount_put(&task->refs))
		call_rcu(&task->rcu, task_free_rcu);
}

struct task *task_alloc(void)
{
	struct task *task = slab_alloc(task_cache, GFP_KERNEL | GFP_ZERO);

	if (!task)
		return NULL;
	task->kstack = kstack_alloc();
	if (!task->kstack) {
		slab_free(task_cache, task);
		return NULL;
	}
	stack_mark_prepare(task);
	refcount_init(&task->refs, 1);
	if (CONFIG_STACK_CANARY)                                  // random words are dear
		task->arch.stack_canary = random_u64() & ~0xfful; // the zero ends a stray string
	task->state = TASK_NEW;
	arch_task_init(task, task->kstack);
	memcpy(task->name, current->name, sizeof(task->name));
	return task;
}

void task_discard(struct task *task)
{
	kstack_free(task->kstack);
	slab_free(task_cache, task);
}

void task_set_name(struct task *task, const char *name)
{
	spin_lock(&task->alloc_lock);
	memset(task->name, 0, sizeof(task->name));
	strscpy(task->name, name, sizeof(task->name));
	spin_unlock(&task->alloc_lock);
}

// --- Kernel threads ---

// Freed with the task.
struct kthread {
	int (*fn)(void *);
	void *arg;
	bool should_stop;
	int result;
	struct completion done;
};

// A kernel thread's own data hangs on the field that user tasks have for restarted calls.
static struct kthread *kthread_of(struct task *task)
{
	return (struct kthread *)task->restart.arg[0];
}

static void kthread_main(void *data)
{
	struct kthread *kthread = data;

	int result = kthread->fn(kthread->arg);
	if (current->mm) { // it has become a user process: to user mode
		current->restart.arg[0] = 0;
		kfree(kthread);
		return;
	}
	kthread->result = result;
	complete(&kthread->done);
	if (sched_hooks.kthread_exit)
		sched_hooks.kthread_exit(result);
	sched_exit();
}

static int kthread_make(int (*fn)(void *), void *arg, struct task **out, const char *fmt,
			va_list args)
{
	struct kthread *kthread = kzalloc(sizeof(*kthread), GFP_KERNEL);
	struct task *task = kthread ? task_alloc() : NULL;

	if (!task) {
		kfree(kthread);
		return -ENOMEM;
	}
	kthread->fn = fn;
	kthread->arg = arg;
	completion_init(&kthread->done);
	task->restart.arg[0] = (u64)kthread;
	vsnprintf(task->name, sizeof(task->name), fmt, args);
	sched_fork(task);
	task->flags = TF_KTHREAD;
	task->affinity = hartmask_all(64);
	task->se.policy = SCHED_OTHER;
	task->se.nice = 0;
	task->se.weight = weight_of_nice(0);
	int error = sched_hooks.kthread_adopt ? sched_hooks.kthread_adopt(task) : 0;
	if (error) {
		task_discard(task);
		kfree(kthread);
		return error;
	}
	arch_task_init_kernel(task, kthread_main, kthread);
	*out = task;
	return 0;
}

int kthread_create(int (*fn)(void *), void *arg, struct task **out, const char *name, ...)
{
	va_list args;

	va_start(args, name);
	int error = kthread_make(fn, arg, out, name, args);
	va_end(args);
	return error;
}

int kthread_run(int (*fn)(void *), void *arg, struct task **out, const char *name, ...)
{
	va_list args;

	va_start(args, name);
	int error = kthread_make(fn, arg, out, name, args);
	va_end(args);
	if (!error)
		sched_start(*out);
	return error;
}

bool kthread_should_stop(void)
{
	return READ_ONCE(kthread_of(current)->should_stop);
}

int kthread_stop(struct task *task)
{
	struct kthread *kthread = kthread_of(task);

	WRITE_ONCE(kthread->should_stop, true);
	task_wake(task, TASK_NORMAL);
	wait_for_completion(&kthread->done);
	int result = kthread->result;
	task_put(task);
	return result;
}

// --- Idle tasks ---

void sched_idle_setup(struct task *idle, u32 index);

struct task *sched_idle_create(u32 index)
{
	struct task *idle = task_alloc();

	if (!idle)
		return NULL;
	snprintf(idle->name, sizeof(idle->name), "swapper/%u", index);
	spin_init(&idle->alloc_lock, LOCK_TASK_ALLOC);
	idle->cred = init_task.cred;
	idle->real_cred = init_task.real_cred;
	idle->process = init_task.process;
	idle->active_mm = init_task.active_mm;
	idle->state = TASK_RUNNING;
	sched_idle_setup(idle, index);
	return idle;
}

static struct fault_plan *current_fault_plan(void)
{
	return &current->fault;
}

void task_init(void)
{
	fault_plan_of_current = current_fault_plan;
	task_cache = slab_cache_create("task", sizeof(struct task), 0,
				       SLAB_HWALIGN | SLAB_PANIC | SLAB_ACCOUNT, NULL);
}
