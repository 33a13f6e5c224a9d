// Spinlocks, reader-writer spinlocks and sequence locks.
//
// A spinlock is a word that is swapped to 1 (test-and-test-and-set). Not a ticket lock: under an
// emulator or hypervisor with more harts than host processors, a queue of waiters stands still
// whenever the next in line is not scheduled, and here hold times are short.
//
// The kernel is not preempted in itself, so holding a spinlock needs no preemption count; it only
// must not sleep. A lock that an interrupt handler also takes must be held with interrupts off.
#pragma once

#include <arch/barrier.h>
#include <arch/irq.h>
#include <core/lock_check.h>
#include <lib/base.h>

struct spinlock {
	u32 locked;
	struct lock_info info;
};

// Readers count up from 0; a writer holds it at RWLOCK_WRITER, and announces itself with
// RWLOCK_WAITING, which keeps new readers out, except those in interrupts (which may have
// interrupted a reader, and would wait for it for ever).
struct rwlock {
	struct {
		u32 v;
	} word;
	struct lock_info info;
};
#define RWLOCK_WRITER  0x80000000u
#define RWLOCK_WAITING 0x40000000u

// clang-format off
#define SPINLOCK_INIT(rank) { .locked = 0, LOCK_INFO_INIT(rank) }
#define RWLOCK_INIT(rank) { .word = {0}, LOCK_INFO_INIT(rank) }
#define SEQLOCK_INIT(rank) { .count = {0}, .lock = SPINLOCK_INIT(rank) }
// clang-format on

static inline void spin_init(struct spinlock *l, enum lock_rank rank)
{
	*l = (struct spinlock)SPINLOCK_INIT(rank);
}

static inline void rwlock_init(struct rwlock *l, enum lock_rank rank)
{
	*l = (struct rwlock)RWLOCK_INIT(rank);
}

// Waits until the lock looks free: the slow half.
void spin_wait(struct spinlock *l);
void read_lock_wait(struct rwlock *l);
void write_lock_wait(struct rwlock *l);

static inline void spin_lock_raw(struct spinlock *l)
{
	while (unlikely(__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE)))
		spin_wait(l);
}

// Takes the lock. Interrupt handlers must not take it, or interrupts must be off.
static inline void spin_lock(struct spinlock *l)
{
	lock_check_acquire(&l->info, l, false, false);
	spin_lock_raw(l);
	lock_check_acquired(&l->info, l, false);
}

// As spin_lock, while holding another of the same rank (the caller states the order of the two).
static inline void spin_lock_nested(struct spinlock *l)
{
	lock_check_acquire(&l->info, l, true, false);
	spin_lock_raw(l);
	lock_check_acquired(&l->info, l, false);
}

// Takes the lock if it is free; returns whether it did. Order is not checked: it cannot deadlock.
static inline bool spin_trylock(struct spinlock *l)
{
	if (__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE))
		return false;
	lock_check_acquired(&l->info, l, false);
	return true;
}

static inline void spin_unlock(struct spinlock *l)
{
	lock_check_release(&l->info, l, false);
	__atomic_store_n(&l->locked, 0, __ATOMIC_RELEASE);
}

static inline bool spin_is_locked(const struct spinlock *l)
{
	return READ_ONCE(l->locked);
}

// The _irq variants: interrupts are known to be on before. irqsave: whatever they are.
static inline void spin_lock_irq(struct spinlock *l)
{
	arch_irq_disable();
	spin_lock(l);
}

static inline void spin_unlock_irq(struct spinlock *l)
{
	spin_unlock(l);
	arch_irq_enable();
}

static inline unsigned long spin_lock_irqsave(struct spinlock *l)
{
	unsigned long flags = arch_irq_save();

	spin_lock(l);
	return flags;
}

static inline void spin_unlock_irqrestore(struct spinlock *l, unsigned long flags)
{
	spin_unlock(l);
	arch_irq_restore(flags);
}

static inline bool spin_trylock_irqsave(struct spinlock *l, unsigned long *flags)
{
	*flags = arch_irq_save();
	if (spin_trylock(l))
		return true;
	arch_irq_restore(*flags);
	return false;
}

// Debug: reports if this hart does not hold the lock.
#if CONFIG_DEBUG
#define assert_spin_held(l)                                                 \
	do {                                                                \
		if (unlikely(!lock_check_held(&(l)->info, (l))))            \
			lock_report("not held", &(l)->info, (l), __func__); \
	} while (0)
#else
#define assert_spin_held(l) ((void)(l))
#endif
#define assert_rwlock_held(l) assert_spin_held(l)

// Reader-writer lock. Readers may nest and may be in interrupts; hence writers whose lock is read
// in interrupts use the _irq variants.
static inline void read_lock(struct rwlock *l)
{
	lock_check_acquire(&l->info, l, false, true);
	if (unlikely(__atomic_fetch_add(&l->word.v, 1, __ATOMIC_ACQUIRE) &
		     (RWLOCK_WRITER | RWLOCK_WAITING)))
		read_lock_wait(l);
	lock_check_acquired(&l->info, l, true);
}

static inline void read_unlock(struct rwlock *l)
{
	lock_check_release(&l->info, l, true);
	__atomic_fetch_sub(&l->word.v, 1, __ATOMIC_RELEASE);
}

static inline void write_lock(struct rwlock *l)
{
	u32 free = 0;

	lock_check_acquire(&l->info, l, false, false);
	if (unlikely(!__atomic_compare_exchange_n(&l->word.v, &free, RWLOCK_WRITER, false,
						  __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)))
		write_lock_wait(l);
	lock_check_acquired(&l->info, l, false);
}

static inline void write_unlock(struct rwlock *l)
{
	lock_check_release(&l->info, l, false);
	__atomic_fetch_and(&l->word.v, ~RWLOCK_WRITER, __ATOMIC_RELEASE);
}

static inline void read_lock_irq(struct rwlock *l)
{
	arch_irq_disable();
	read_lock(l);
}

static inline void read_unlock_irq(struct rwlock *l)
{
	read_unlock(l);
	arch_irq_enable();
}

static inline unsigned long read_lock_irqsave(struct rwlock *l)
{
	unsigned long flags = arch_irq_save();

	read_lock(l);
	return flags;
}

static inline void read_unlock_irqrestore(struct rwlock *l, unsigned long flags)
{
	read_unlock(l);
	arch_irq_restore(flags);
}

static inline void write_lock_irq(struct rwlock *l)
{
	arch_irq_disable();
	write_lock(l);
}

static inline void write_unlock_irq(struct rwlock *l)
{
	write_unlock(l);
	arch_irq_enable();
}

static inline unsigned long write_lock_irqsave(struct rwlock *l)
{
	unsigned long flags = arch_irq_save();

	write_lock(l);
	return flags;
}

static inline void write_unlock_irqrestore(struct rwlock *l, unsigned long flags)
{
	write_unlock(l);
	arch_irq_restore(flags);
}

// Sequence count: one writer at a time (guarded by somebody else's lock), readers who repeat:
//	do { n = seqcount_begin(&s); copy; } while (seqcount_retry(&s, n));
struct seqcount {
	u32 v;
};

static inline u32 seqcount_begin(const struct seqcount *s)
{
	u32 v;

	while (unlikely((v = __atomic_load_n(&s->v, __ATOMIC_ACQUIRE)) & 1))
		arch_cpu_relax();
	return v;
}

static inline bool seqcount_retry(const struct seqcount *s, u32 begin)
{
	smp_rmb();
	return unlikely(READ_ONCE(s->v) != begin);
}

static inline void seqcount_write_begin(struct seqcount *s)
{
	WRITE_ONCE(s->v, s->v + 1);
	smp_wmb();
}

static inline void seqcount_write_end(struct seqcount *s)
{
	smp_wmb();
	WRITE_ONCE(s->v, s->v + 1);
}

// Sequence lock: the count with its writers' lock. Readers in interrupts: use the irq variants.
struct seqlock {
	struct seqcount count;
	struct spinlock lock;
};

static inline void seqlock_init(struct seqlock *l, enum lock_rank rank)
{
	*l = (struct seqlock)SEQLOCK_INIT(rank);
}

static inline u32 seqlock_read_begin(const struct seqlock *l)
{
	return seqcount_begin(&l->count);
}

static inline bool seqlock_read_retry(const struct seqlock *l, u32 begin)
{
	return seqcount_retry(&l->count, begin);
}

static inline void seqlock_write_lock(struct seqlock *l)
{
	spin_lock(&l->lock);
	seqcount_write_begin(&l->count);
}

static inline void seqlock_write_unlock(struct seqlock *l)
{
	seqcount_write_end(&l->count);
	spin_unlock(&l->lock);
}

static inline unsigned long seqlock_write_lock_irqsave(struct seqlock *l)
{
	unsigned long flags = arch_irq_save();

	seqlock_write_lock(l);
	return flags;
}

static inline void seqlock_write_unlock_irqrestore(struct seqlock *l, unsigned long flags)
{
	seqlock_write_unlock(l);
	arch_irq_restore(flags);
}
