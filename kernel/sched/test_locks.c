// Crimes with locks: each must be reported, by its own name, and the same done rightly must not be.

#include <arch/irq.h>
#include <core/rcu.h>
#include <core/selftest.h>
#include <core/spinlock.h>
#include <core/timer.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <sched/mutex.h>
#include <sched/rwsem.h>
#include <sched/sched.h>
#include <syscall/dispatch.h>

static struct lock_report seen;

// Whether something was reported since the last question, and it was this; NULL: nothing.
static bool reported(const char *what)
{
	bool match = what ? seen.count && !strcmp(seen.what, what) : !seen.count;

	if (!match)
		pr_err("# expected %s, saw %u reports, the last: %s\n", what ?: "none", seen.count,
		       seen.what ?: "none");
	seen = (struct lock_report){};
	return match;
}

static void crime_order(struct selftest_run *t)
{
	struct spinlock outer = SPINLOCK_INIT(LOCK_FILES), inner = SPINLOCK_INIT(LOCK_BUDDY);
	struct mutex m_outer, m_inner;

	spin_lock(&outer);
	spin_lock(&inner);
	CHECK(t, reported(NULL));
	spin_unlock(&inner);
	spin_unlock(&outer);
	spin_lock(&inner);
	spin_lock(&outer);
	CHECK(t, reported("order"));
	spin_unlock(&outer);
	spin_unlock(&inner);

	mutex_init(&m_outer, LOCK_PIPE);
	mutex_init(&m_inner, LOCK_MODULE);
	mutex_lock(&m_outer);
	mutex_lock(&m_inner);
	CHECK(t, reported(NULL));
	mutex_unlock(&m_inner);
	mutex_unlock(&m_outer);
	mutex_lock(&m_inner);
	mutex_lock(&m_outer);
	CHECK(t, reported("order"));
	mutex_unlock(&m_outer);
	mutex_unlock(&m_inner);
}

static void crime_same_class(struct selftest_run *t)
{
	struct spinlock one = SPINLOCK_INIT(LOCK_FILES), two = SPINLOCK_INIT(LOCK_FILES);
	struct rw_semaphore s_one, s_two;

	spin_lock(&one);
	spin_lock_nested(&two);
	CHECK(t, reported(NULL));
	spin_unlock(&two);
	spin_lock(&two);
	CHECK(t, reported("order"));
	spin_unlock(&two);
	lock_check_acquire(&one.info, &one, true, false); // itself: really, it would wait for ever
	CHECK(t, reported("recursion"));
	spin_unlock(&one);

	rwsem_init(&s_one, LOCK_INODE);
	rwsem_init(&s_two, LOCK_INODE);
	down_write(&s_one);
	down_write_nested(&s_two);
	CHECK(t, reported(NULL));
	up_write(&s_two);
	down_read(&s_two);
	CHECK(t, reported("order"));
	up_read(&s_two);
	sleeping_lock_acquire(&s_one.info, &s_one, true, false);
	CHECK(t, reported("recursion"));
	up_write(&s_one);
}

// --- Interrupts ---

static struct spinlock irq_lock = SPINLOCK_INIT(LOCK_UNRANKED);
static bool fired;

static void take_in_interrupt(struct timer *timer)
{
	(void)timer;
	spin_lock(&irq_lock);
	spin_unlock(&irq_lock);
	WRITE_ONCE(fired, true);
}

static void wait_fired(struct timer *timer)
{
	fired = false;
	timer_start(timer, clock_monotonic_ns() + NSEC_PER_MSEC);
	while (!READ_ONCE(fired))
		schedule();
}

static void crime_irq_unsafe(struct selftest_run *t)
{
	struct timer timer;

	spin_init(&irq_lock, LOCK_UNRANKED);
	timer_init(&timer, take_in_interrupt);
	wait_fired(&timer);
	spin_lock_irq(&irq_lock);
	spin_unlock_irq(&irq_lock);
	CHECK(t, reported(NULL));
	spin_lock(&irq_lock);
	CHECK(t, reported("irq-unsafe"));
	spin_unlock(&irq_lock);
	timer_cancel_sync(&timer);
}

// --- Sleeping ---

static void crime_sleep(struct selftest_run *t)
{
	struct spinlock lock = SPINLOCK_INIT(LOCK_FILES);
	struct mutex mutex;

	mutex_init(&mutex, LOCK_MODULE);
	might_sleep();
	CHECK(t, reported(NULL));
	spin_lock(&lock);
	might_sleep();
	CHECK(t, reported("sleep"));
	mutex_lock(&mutex);
	CHECK(t, reported("sleep"));
	mutex_unlock(&mutex);
	kfree(kmalloc(8, GFP_ATOMIC));
	CHECK(t, reported(NULL));
	kfree(kmalloc(8, GFP_KERNEL));
	CHECK(t, reported("sleep"));
	spin_unlock(&lock);
	rcu_read_lock();
	might_sleep();
	CHECK(t, reported("sleep"));
	rcu_read_unlock();
	arch_irq_disable();
	might_sleep();
	arch_irq_enable();
	CHECK(t, reported("sleep"));
}

// --- Leaving, and letting others release ---

static void crime_held_at_return(struct selftest_run *t)
{
	struct spinlock lock = SPINLOCK_INIT(LOCK_FILES);
	struct mutex mutex;

	syscall_check();
	CHECK(t, reported(NULL));
	spin_lock(&lock);
	syscall_check(); // forgets it
	CHECK(t, reported("leak"));
	spin_unlock(&lock);
	CHECK(t, reported("not owner"));
	rcu_read_lock();
	syscall_check();
	CHECK(t, reported("leak"));
	mutex_init(&mutex, LOCK_MODULE);
	mutex_lock(&mutex);
	syscall_check();
	CHECK(t, reported("leak"));
	mutex_unlock(&mutex);
	CHECK(t, reported(NULL));
}

static struct spinlock others_spin = SPINLOCK_INIT(LOCK_FILES);
static struct mutex others_mutex;

static int release_others(void *unused)
{
	(void)unused;
	spin_unlock(&others_spin);
	mutex_unlock(&others_mutex);
	return 0;
}

static void crime_not_owner(struct selftest_run *t)
{
	struct task *thread;

	mutex_init(&others_mutex, LOCK_MODULE);
	mutex_lock(&others_mutex);
	if (CHECK(t, kthread_run(release_others, NULL, &thread, "stranger") == 0))
		kthread_stop(thread);
	CHECK(t, seen.count == 2);
	CHECK(t, reported("not owner"));
	sleeping_lock_release(&others_mutex.info, &others_mutex, false); // our note of it
	CHECK(t, reported(NULL));
}

static void test_lock_crimes(struct selftest_run *t)
{
	if (!CONFIG_DEBUG) {
		SKIP(t, "only debug builds check");
		return;
	}
	seen = (struct lock_report){};
	lock_report_capture = &seen;
	crime_order(t);
	crime_same_class(t);
	crime_irq_unsafe(t);
	crime_sleep(t);
	crime_held_at_return(t);
	crime_not_owner(t);
	lock_report_capture = NULL;
}
SELFTEST(lock_crimes, test_lock_crimes);
