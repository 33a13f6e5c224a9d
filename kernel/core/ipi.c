// Interrupts between harts: kinds as bits of a pending word, and calls of functions over there.

#include <arch/barrier.h>
#include <arch/irq.h>
#include <arch/power.h>
#include <arch/smp.h>
#include <core/ipi.h>
#include <core/panic.h>
#include <core/perhart.h>
#include <core/spinlock.h>
#include <core/timer.h>

// A sender fills its own slot once for all targets; each target counts it down when done.
struct call {
	void (*fn)(void *);
	void *arg;
	u32 waiting; // [a] harts that have not finished
};

// One call slot per target: the sender swaps a pointer to its call in when it is empty.
static PER_HART(struct call *, call_slot);
static PER_HART(struct call, own_call);

void (*ipi_resched_hook)(void);

void ipi_send(u32 hart, enum ipi_kind kind)
{
	u32 old = __atomic_fetch_or(&harts[hart].ipi_pending, kind, __ATOMIC_SEQ_CST);

	// If a bit was set already its bell has been rung, and the handler has not yet looked.
	if (!old)
		arch_ipi_send(hart);
}

static void run_own_calls(void)
{
	struct call *call = __atomic_exchange_n(&this_hart_var(call_slot), NULL, __ATOMIC_ACQ_REL);

	if (!call)
		return;
	call->fn(call->arg);
	__atomic_fetch_sub(&call->waiting, 1, __ATOMIC_RELEASE);
}

// Waits until the target's slot is free and fills it. Our own slot is served meanwhile, or two
// harts that call each other with interrupts off would wait for ever.
static void place_call(u32 target, struct call *call)
{
	for (;;) {
		struct call *empty = NULL;

		if (__atomic_compare_exchange_n(&hart_var(call_slot, target), &empty, call, false,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			break;
		run_own_calls();
		arch_cpu_relax();
	}
	ipi_send(target, IPI_CALL);
}

static void wait_call(struct call *call)
{
	while (__atomic_load_n(&call->waiting, __ATOMIC_ACQUIRE)) {
		run_own_calls();
		arch_cpu_relax();
	}
}

void ipi_call(const struct hartmask *mask, void (*fn)(void *), void *arg, bool wait)
{
	unsigned long flags = arch_irq_save();
	struct hart *self = this_hart();
	struct hartmask targets = {READ_ONCE(mask->bits) & READ_ONCE(harts_online.bits)};
	bool here = hartmask_test(&targets, self->index);
	struct call *call = &this_hart_var(own_call);

	hartmask_clear(&targets, self->index);
	if (targets.bits) {
		wait_call(call); // the previous one that nobody waited for
		call->fn = fn;
		call->arg = arg;
		__atomic_store_n(&call->waiting, hartmask_weight(&targets), __ATOMIC_RELEASE);
		for_each_hart_in(i, &targets) place_call(i, call);
	}
	if (here)
		fn(arg);
	if (wait && targets.bits)
		wait_call(call);
	arch_irq_restore(flags);
}

static NORETURN void park(void)
{
	WRITE_ONCE(this_hart()->state, HART_STOPPED);
	hartmask_clear_atomic(&harts_online, hart_index());
	arch_irq_disable();
	for (;;)
		arch_idle_wait();
}

void ipi_handle(void)
{
	u32 kinds = __atomic_exchange_n(&this_hart()->ipi_pending, 0, __ATOMIC_SEQ_CST);

	if (kinds & IPI_STOP)
		park();
	if (kinds & IPI_CALL)
		run_own_calls();
	if (kinds & IPI_TIMER)
		timer_interrupt(false);
	if ((kinds & IPI_RESCHED) && ipi_resched_hook)
		ipi_resched_hook();
}

void ipi_stop_others(void)
{
	struct hartmask others = {READ_ONCE(harts_online.bits)};
	u64 limit = clock_monotonic_ns() + 200 * NSEC_PER_MSEC;

	hartmask_clear(&others, hart_index());
	for_each_hart_in(i, &others) ipi_send(i, IPI_STOP);
	for_each_hart_in(j, &others) while (READ_ONCE(harts[j].state) != HART_STOPPED &&
					    clock_monotonic_ns() < limit) arch_cpu_relax();
}
