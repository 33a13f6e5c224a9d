// Read-copy-update: readers take no lock, and whoever unlinks an object frees it after a grace
// period, when every hart has been seen outside of read sections.
//
// The kernel is not preempted in itself, so a read section is just code that does not sleep; a hart
// is quiescent when it switches tasks, runs user code or idles. Read-side calls cost nothing in
// release builds, and count in debug builds, so that sleeping inside one is reported.
#pragma once

#include <arch/barrier.h>
#include <core/hart.h>
#include <lib/base.h>

struct rcu_head {
	struct rcu_head *next;
	void (*fn)(struct rcu_head *);
};

#if CONFIG_DEBUG
void rcu_read_lock(void);
void rcu_read_unlock(void);
bool rcu_read_lock_held(void);
#else
// clang-format off
static inline void rcu_read_lock(void) { barrier(); }
static inline void rcu_read_unlock(void) { barrier(); }
static inline bool rcu_read_lock_held(void) { return true; }
// clang-format on
#endif

// Reads a pointer that writers replace; publishes a pointer to initialised memory.
#define rcu_dereference(p)                                                                  \
	({                                                                                  \
		typeof(p) rcu_p = READ_ONCE(p); /* dependent loads are ordered on RISC-V */ \
		rcu_p;                                                                      \
	})
#define rcu_assign_pointer(p, v) smp_store_release(&(p), (v))

// Calls fn(head) after a grace period: interrupts on or off, not sleeping, no lock held. Any
// context.
void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *));

// Registered by the slab allocator: frees an object whose rcu_head has a small number for fn, its
// offset in the object.
extern void (*rcu_free_hook)(void *object);

// Waits for a grace period, or until all callbacks that were queued before have run. Sleeps.
void synchronize_rcu(void);
void rcu_barrier(void);

// Hooks. rcu_note_switch(): by schedule(), for each switch; irqs off. rcu_tick(): by the tick;
// `quiet` if it interrupted user mode or the idle loop. rcu_idle_enter/exit: around waiting for
// interrupts. rcu_poll(): runs ready callbacks; interrupts on, nothing held.
void rcu_note_quiet(void);
bool rcu_tick(bool quiet); // whether the interrupted task should pass schedule() soon
void rcu_idle_enter(void);
void rcu_idle_exit(void);
void rcu_poll(void);

// This hart has callbacks or is waited for: it keeps ticking, idle or not. Interrupts off.
static inline bool rcu_needs_tick(void)
{
	struct hart *self = this_hart();

	return self->rcu_callbacks || READ_ONCE(self->rcu_urgent);
}

static inline void rcu_note_switch(struct hart *hart)
{
	if (unlikely(READ_ONCE(hart->rcu_urgent)))
		rcu_note_quiet();
}

// Registered by the scheduler: sleeps until *count is 0, calling again() now and then; counts down
// and wakes; lets others run.
extern void (*rcu_waiter_sleep)(u32 *count, void (*again)(void));
extern void (*rcu_waiter_wake)(u32 *count);
extern void (*rcu_yield)(void);

// Before the scheduler runs there is one hart and no reader: callbacks wait until rcu_start().
void rcu_start(void);
