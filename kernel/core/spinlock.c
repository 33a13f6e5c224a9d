// The slow halves of the spinning locks: what happens when somebody else has it.

#include <core/hart.h>
#include <core/spinlock.h>

void spin_wait(struct spinlock *l)
{
	while (READ_ONCE(l->locked))
		arch_cpu_relax();
}

// The caller's count is in the word already. While it stays there no writer can get in, so a reader
// in an interrupt only waits for the present writer to leave: it must not yield to a waiting
// one, who may be waiting for the very reader that was interrupted.
void read_lock_wait(struct rwlock *l)
{
	u32 *word = &l->word.v;

	if (in_irq()) {
		while (__atomic_load_n(word, __ATOMIC_ACQUIRE) & RWLOCK_WRITER)
			arch_cpu_relax();
		return;
	}
	do {
		__atomic_fetch_sub(word, 1, __ATOMIC_RELAXED);
		while (READ_ONCE(*word) & (RWLOCK_WRITER | RWLOCK_WAITING))
			arch_cpu_relax();
	} while (__atomic_fetch_add(word, 1, __ATOMIC_ACQUIRE) & (RWLOCK_WRITER | RWLOCK_WAITING));
}

// Getting the lock takes the WAITING mark away; other waiting writers put it back.
void write_lock_wait(struct rwlock *l)
{
	u32 *word = &l->word.v;

	for (;;) {
		u32 seen = READ_ONCE(*word);

		if (!(seen & ~RWLOCK_WAITING)) {
			if (__atomic_compare_exchange_n(word, &seen, RWLOCK_WRITER, false,
							__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
				return;
			continue;
		}
		if (!(seen & RWLOCK_WAITING))
			__atomic_fetch_or(word, RWLOCK_WAITING, __ATOMIC_RELAXED);
		arch_cpu_relax();
	}
}
