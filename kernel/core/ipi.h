// Interrupts between harts.
//
// Sending sets a bit in the target's ipi_pending and rings its bell (arch_ipi_send); the machine's
// handler calls ipi_handle(), which takes all bits at once. So IPIs coalesce and none is lost.
#pragma once

#include <core/hart.h>

enum ipi_kind {
	IPI_RESCHED = 1 << 0, // look at the run queue (its return to user mode or idle loop does)
	IPI_CALL = 1 << 1,    // run queued calls
	IPI_STOP = 1 << 2,    // park for ever
	IPI_TIMER = 1 << 3,   // look at the timer queue
};

// Sends to one hart. May be called from any context.
void ipi_send(u32 hart, enum ipi_kind kind);

// Runs fn(arg) on each online hart of the mask, with interrupts off, in interrupt context (directly
// if the mask has this hart). With `wait`, returns when all have finished; the caller must have
// interrupts on, or else two callers could wait for each other. Without, arg must stay valid.
// No memory is allocated: each hart has one call slot; senders wait for the slot.
void ipi_call(const struct hartmask *mask, void (*fn)(void *), void *arg, bool wait);

// Called by the machine's software-interrupt handler, interrupts off.
void ipi_handle(void);

// Parks all other harts, waiting at most some milliseconds. By panic and power-off.
void ipi_stop_others(void);

// Registered by the scheduler: what IPI_RESCHED does on arrival.
extern void (*ipi_resched_hook)(void);
