// membarrier(2): makes every hart that runs the caller's threads pass a full memory barrier.
//
// An interrupt is such a barrier, so each command calls on all harts that are online and waits. Those
// that run something else are disturbed too; in return nothing depends on which memory a hart is
// said to have loaded at the moment that it switches. That of the RSEQ
// commands also makes the caller's threads leave their restartable sequences.

#include <arch/mmu.h>
#include <core/hart.h>
#include <core/ipi.h>
#include <mm/mm.h>
#include <process/rseq.h>
#include <sched/task.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/membarrier.h>

#define REGISTRATIONS                                                                           \
	(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | \
	 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE |                                  \
	 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ)
#define COMMANDS                                                                         \
	(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ | REGISTRATIONS | MEMBARRIER_CMD_GLOBAL | \
	 MEMBARRIER_CMD_GLOBAL_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED |            \
	 MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE | MEMBARRIER_CMD_GET_REGISTRATIONS)

static void pass_barrier(void *unused)
{
	(void)unused;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static long barrier_everywhere(void)
{
	pass_barrier(NULL);
	ipi_call(&harts_online, pass_barrier, NULL, true);
	pass_barrier(NULL);
	return 0;
}

// cpu: the only hart to be interrupted; one that is not online has nothing to restart. -1: all.
static long restart_sequences(int cpu)
{
	struct hartmask harts = {READ_ONCE(harts_online.bits)};

	if (cpu >= 0)
		harts.bits &= cpu < MAX_HARTS ? 1ul << cpu : 0;
	pass_barrier(NULL);
	rseq_interrupt_others(current->mm, &harts);
	pass_barrier(NULL);
	return 0;
}

static bool registered(u32 command)
{
	return __atomic_load_n(&current->mm->membarriers, __ATOMIC_RELAXED) & command;
}

// Linux reports the plain private command as registered with each of its variants, though it is
// refused all the same.
static long registrations(void)
{
	u32 all = __atomic_load_n(&current->mm->membarriers, __ATOMIC_RELAXED);
	u32 variants = MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE |
		       MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ;

	return all & variants ? all | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED : all;
}

SYSCALL3(membarrier, int, command, unsigned, flags, int, cpu)
{
	if (flags &&
	    (command != MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ || flags != MEMBARRIER_CMD_FLAG_CPU))
		return -EINVAL;
	switch (command) {
	case MEMBARRIER_CMD_QUERY:
		return COMMANDS;
	case MEMBARRIER_CMD_GLOBAL:
	case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
		return barrier_everywhere();
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
		if (!registered(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED))
			return -EPERM;
		return barrier_everywhere();
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
		if (!registered(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE))
			return -EPERM;
		barrier_everywhere();
		arch_icache_flush_remote(&harts_online);
		return 0;
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ:
		if (!registered(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ))
			return -EPERM;
		return restart_sequences(flags ? cpu : -1);
	case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ:
		__atomic_fetch_or(&current->mm->membarriers, (u32)command, __ATOMIC_RELAXED);
		return barrier_everywhere();
	case MEMBARRIER_CMD_GET_REGISTRATIONS:
		return registrations();
	default:
		return -EINVAL;
	}
}
