// Restartable sequences, rseq(2). A thread registers an area in its memory; the kernel keeps in it
// the number of the hart and the concurrency id (below), and a section of code that the thread says
// it is in is never resumed in its middle: after a switch, a signal or a membarrier it goes on at
// the section's abort address.
//
// What a system call costs does not depend on all this. The switch to a task (rseq_switch) asks for
// a fix-up on the way to user mode, WORK_RSEQ, in two cases only: a number has changed, or the task
// was interrupted in user mode. A section has no system call in it, so that a task that was switched
// out in one needs no look at its section.
//
// The concurrency id, mm_cid, is a small number that no other running thread of the same memory has;
// per-thread data indexed by it stays as dense as there are threads that run at once. It is a bit of
// mm->rseq_cids, taken when the thread is switched to and given back when it is switched from;
// who has a memory alone keeps it.

#include <arch/irq.h>
#include <arch/trapframe.h>
#include <core/init.h>
#include <core/ipi.h>
#include <core/printk.h>
#include <mm/mm.h>
#include <mm/uaccess.h>
#include <process/rseq.h>
#include <sched/pid.h>
#include <sched/sched.h>
#include <signal/signal.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/rseq.h>

#define FIELD(task, name) ((task)->rseq_addr + offsetof(struct rseq_area, name))

// --- Concurrency ids ---

// No more ids are held than tasks run in the memory, so there is one for each hart. Irqs off.
static void cid_take(struct task *task)
{
	u64 *cids = &task->mm->rseq_cids, seen = READ_ONCE(*cids);

	do {
		task->rseq_cid = bits_first(~seen);
	} while (!__atomic_compare_exchange_n(cids, &seen, seen | 1ul << task->rseq_cid, false,
					      __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
}

static void cid_give(struct task *task)
{
	if (task->rseq_cid < 0)
		return;
	__atomic_fetch_and(&task->mm->rseq_cids, ~(1ul << task->rseq_cid), __ATOMIC_RELEASE);
	task->rseq_cid = -1;
}

// The scheduler's hook, for each switch from or to a task with an area. Run-queue lock, irqs off.
static void rseq_switch(struct task *prev, struct task *next)
{
	if (prev->rseq_addr && mm_is_shared(prev->mm))
		cid_give(prev);
	if (!next->rseq_addr)
		return;
	if (next->rseq_cid < 0)
		cid_take(next);
	if (next->rseq_hart_written != (s32)hart_index() ||
	    next->rseq_cid_written != next->rseq_cid || !arch_in_syscall(task_trapframe(next)))
		atomic_fetch_or(&next->work, WORK_RSEQ);
}

static int rseq_init(void)
{
	sched_hooks.rseq_switch = rseq_switch;
	return 0;
}
INITCALL(CORE, rseq_init);

// --- The way to user mode ---

static int write_numbers(struct task *task)
{
	arch_irq_disable();
	s32 hart = hart_index(), cid = task->rseq_cid;
	bool same = hart == task->rseq_hart_written && cid == task->rseq_cid_written;
	task->rseq_hart_written = hart;
	task->rseq_cid_written = cid;
	arch_irq_enable();
	// A switch from here on finds that the numbers have changed, and sets the bit again.
	if (same)
		return 0;
	if (put_user_u32(FIELD(task, cpu_id_start), hart) ||
	    put_user_u32(FIELD(task, cpu_id), hart) || put_user_u32(FIELD(task, node_id), 0) ||
	    put_user_u32(FIELD(task, mm_cid), cid))
		return -EFAULT;
	return 0;
}

// Whether the section may be aborted: the signature before the abort address says that it was meant
// as one. Linux checks nothing else of it.
static int section_check(const struct rseq_section *section, u32 signature)
{
	u32 found;

	if (get_user_u32(section->abort_ip - sizeof(u32), &found))
		return -EFAULT;
	if (found == signature)
		return 0;
	printk_ratelimited(LOG_INFO,
			   "%s[%d]: rseq: signature %x before the abort address, not %x\n",
			   current->name, task_pid_nr(current), found, signature);
	return -EINVAL;
}

static int abort_section(struct trapframe *tf)
{
	struct rseq_section section;
	u64 address;

	if (get_user_u64(FIELD(current, rseq_cs), &address))
		return -EFAULT;
	if (!address)
		return 0;
	if (address >= MM_USER_TOP || copy_from_user(&section, address, sizeof(section)))
		return -EFAULT;
	// Whoever left a section need not say so at once: we do.
	if (tf->pc - section.start_ip >= section.post_commit_offset)
		return put_user_u64(FIELD(current, rseq_cs), 0);
	int error = section_check(&section, current->rseq_signature);
	if (!error)
		error = put_user_u64(FIELD(current, rseq_cs), 0);
	if (!error)
		tf->pc = section.abort_ip;
	return error;
}

static void kill_current(void)
{
	spin_lock_irq(&current->sighand->lock);
	current->sighand->action[SIGSEGV - 1].handler = SIG_DFL_ADDRESS;
	spin_unlock_irq(&current->sighand->lock);
	signal_force(SIGSEGV);
}

void rseq_fix_up(struct trapframe *tf, bool signal)
{
	atomic_fetch_and(&current->work, ~WORK_RSEQ);
	if (!current->rseq_addr)
		return;
	if (write_numbers(current) || ((signal || !arch_in_syscall(tf)) && abort_section(tf)))
		kill_current();
}

static void interrupt_one(void *mm)
{
	if (current->rseq_addr && current->mm == mm)
		atomic_fetch_or(&current->work, WORK_RSEQ);
}

void rseq_interrupt_others(struct mm *mm, const struct hartmask *harts)
{
	ipi_call(harts, interrupt_one, mm, true);
}

// --- Registration ---

static void forget(struct task *task)
{
	arch_irq_disable();
	task->rseq_addr = 0;
	cid_give(task);
	arch_irq_enable();
	task->rseq_len = task->rseq_signature = 0;
}

void rseq_leave(struct task *task)
{
	if (task->rseq_addr)
		forget(task);
}

static int unregister(u64 address, u32 length, u32 signature)
{
	if (!address || current->rseq_addr != address || current->rseq_len != length)
		return -EINVAL;
	if (current->rseq_signature != signature)
		return -EPERM;
	if (put_user_u32(FIELD(current, cpu_id_start), 0) ||
	    put_user_u32(FIELD(current, cpu_id), RSEQ_CPU_ID_UNINITIALIZED) ||
	    put_user_u32(FIELD(current, node_id), 0) || put_user_u32(FIELD(current, mm_cid), 0))
		return -EFAULT;
	forget(current);
	return 0;
}

static int check_again(u64 address, u32 length, u32 signature)
{
	if (current->rseq_addr != address || current->rseq_len != length)
		return -EINVAL;
	return current->rseq_signature == signature ? -EBUSY : -EPERM;
}

SYSCALL4(rseq, u64, address, u32, length, int, flags, u32, signature)
{
	if (flags & RSEQ_FLAG_UNREGISTER)
		return flags == RSEQ_FLAG_UNREGISTER ? unregister(address, length, signature)
						     : -EINVAL;
	if (flags)
		return -EINVAL;
	if (current->rseq_addr)
		return check_again(address, length, signature);
	if (length < RSEQ_ORIG_SIZE || address % RSEQ_ALIGN)
		return -EINVAL;
	if (!user_range_ok(address, length) ||
	    put_user_u64(address + offsetof(struct rseq_area, rseq_cs), 0))
		return -EFAULT;
	current->rseq_len = length;
	current->rseq_signature = signature;
	current->rseq_hart_written = current->rseq_cid_written = -1;
	arch_irq_disable();
	current->rseq_addr = address;
	cid_take(current);
	arch_irq_enable();
	atomic_fetch_or(&current->work, WORK_RSEQ);
	return 0;
}
