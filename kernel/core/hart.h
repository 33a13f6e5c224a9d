// The harts (hardware threads) of the machine: one struct each, masks of them, and where each
// finds its own data. Harts are numbered 0..n-1 in the order of the device tree with the boot hart
// first; hwid is the number that the firmware knows.
#pragma once

#include <arch/current.h>
#include <core/atomic.h>
#include <lib/base.h>

#define MAX_HARTS 64

struct run_queue;
struct task;

enum hart_state {
	HART_ABSENT = 0,
	HART_PRESENT, // in the device tree, not started
	HART_STARTING,
	HART_ONLINE,
	HART_STOPPED, // parked for ever by panic or power-off
	HART_FAILED,  // firmware refused, or it never came up
};

// [I] set before the hart starts; [own] written by the hart itself, read by anybody
struct hart {
	u32 index;            // [I]
	u32 irq_depth;        // [own] interrupt handlers that are running
	u64 interrupts;       // [own] ever taken
	long perhart_offset;  // [I] see core/perhart.h
	struct task *current; // [own] what runs; READ_ONCE from elsewhere
	struct run_queue *rq; // [I] sched/
	struct task *idle;    // [I]
	u64 hwid;             // [I]
	u32 state;            // [own] enum hart_state
	u32 ipi_pending;      // [a] enum ipi_kind bits, see core/ipi.h
	void *boot_stack;     // [I] lowest address of the idle task's stack
	bool rcu_urgent;      // [a] a grace period waits for this hart
	bool rcu_ready;       // [a] callbacks can be run
	u32 rcu_callbacks;    // [own hart, irqs off] that wait or can be run
} ALIGNED(64);

extern struct hart harts[MAX_HARTS];
extern u32 hart_count; // [I] after boot: harts found in the device tree (online or not)

// A set of harts.
struct hartmask {
	u64 bits;
};

extern struct hartmask harts_online; // [a] run tasks
extern struct hartmask harts_idle;   // [a] sit in the idle loop

// The hart that executes this. Stable only while interrupts are off or the task does not sleep
// (there is no preemption in the kernel).
static inline struct hart *this_hart(void)
{
	return arch_this_hart();
}

static inline u32 hart_index(void)
{
	return this_hart()->index;
}

// True inside an interrupt handler (timer, device or IPI).
static inline bool in_irq(void)
{
	return this_hart()->irq_depth != 0;
}

static inline bool hartmask_test(const struct hartmask *m, u32 index)
{
	return (READ_ONCE(m->bits) >> index) & 1;
}

static inline void hartmask_set(struct hartmask *m, u32 index)
{
	m->bits |= 1ul << index;
}

static inline void hartmask_clear(struct hartmask *m, u32 index)
{
	m->bits &= ~(1ul << index);
}

// Atomic; ordered as a full barrier. They return whether the bit was set before.
static inline bool hartmask_set_atomic(struct hartmask *m, u32 index)
{
	return (__atomic_fetch_or(&m->bits, 1ul << index, __ATOMIC_SEQ_CST) >> index) & 1;
}

static inline bool hartmask_clear_atomic(struct hartmask *m, u32 index)
{
	return (__atomic_fetch_and(&m->bits, ~(1ul << index), __ATOMIC_SEQ_CST) >> index) & 1;
}

static inline bool hartmask_empty(const struct hartmask *m)
{
	return READ_ONCE(m->bits) == 0;
}

// Number of the lowest hart in the mask; MAX_HARTS if it is empty. The kernel is built without
// libgcc and without Zbb, hence the search by halves.
static inline u32 bits_first(u64 b)
{
	u32 n = 0;

	if (!b)
		return 64;
	for (u32 step = 32; step; step >>= 1) {
		if (!(b & ((1ul << step) - 1))) {
			b >>= step;
			n += step;
		}
	}
	return n;
}

static inline u32 hartmask_first(const struct hartmask *m)
{
	return bits_first(READ_ONCE(m->bits));
}

u32 hartmask_weight(const struct hartmask *m);

// The first n harts.
static inline struct hartmask hartmask_all(u32 n)
{
	return (struct hartmask){n >= 64 ? ~0ul : (1ul << n) - 1};
}

// Iterates `struct hart *h` over all harts of the machine, over those online, over a mask.
#define for_each_hart(h) for (struct hart *h = harts; h < harts + hart_count; h++)
#define for_each_online_hart(h)                              \
	for_each_hart (h)                                    \
		if (!hartmask_test(&harts_online, h->index)) \
			continue;                            \
		else

// Iterates `u32 i` over the bits of a snapshot of the mask.
#define for_each_hart_in(i, mask)                                                        \
	for (u64 i##_bits = READ_ONCE((mask)->bits), i = bits_first(i##_bits); i##_bits; \
	     i##_bits &= i##_bits - 1, i = bits_first(i##_bits))
