// membarrier(2): makes every hart that runs the caller's threads pass a full memory barrier.
//
// An interrupt is such a barrier, so each command calls on all harts that are online and waits. Those
// that run something else are disturbed too; in return nothing depends on which memory a hart is
// said to have loaded at the moment that it switches. The RSEQ commands are absent, as rseq is.

#include <arch/mmu.h>
#include <core/hart.h>
#include <core/ipi.h>
#include <mm/mm.h>
#include <sched/task.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/membarrier.h>

#define REGISTRATIONS                                                                           \
	(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | \
	 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)
#define COMMANDS                                                                         \
	(REGISTRATIONS | MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |       \
	 MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE | \
	 MEMBARRIER_CMD_GET_REGISTRATIONS)

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

static bool registered(u32 command)
{
	return __atomic_load_n(&current->mm->membarriers, __ATOMIC_RELAXED) & command;
}

SYSCALL3(membarrier, int, command, unsigned, flags, int, cpu)
{
	(void)cpu; // only for the RSEQ command
	if (flags)
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
	case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
		__atomic_fetch_or(&current->mm->membarriers, (u32)command, __ATOMIC_RELAXED);
		return barrier_everywhere();
	case MEMBARRIER_CMD_GET_REGISTRATIONS:
		return __atomic_load_n(&current->mm->membarriers, __ATOMIC_RELAXED);
	default:
		return -EINVAL;
	}
}
