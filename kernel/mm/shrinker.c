// Emptying every cache of free things; see shrinker.h. The page allocator does so when it has no
// page left.

#include <arch/irq.h>
#include <core/init.h>
#include <core/rcu.h>
#include <mm/buddy.h>
#include <mm/shrinker.h>
#include <mm/slab.h>

extern const struct shrinker shrinker_start[], shrinker_end[];

u64 memory_shrink(void)
{
	u64 freed = 0;

	// A task that died on another hart leaves it with the first grace period; by the second, what
	// ran right after its last switch has been done.
	synchronize_rcu();
	synchronize_rcu();
	rcu_barrier();
	for (const struct shrinker *s = shrinker_start; s < shrinker_end; s++)
		freed += s->shrink();
	rcu_barrier();
	slab_shrink_all();
	rcu_barrier(); // slabs of types that RCU readers look at
	page_drain_all();
	return freed;
}

// --- When memory has run out ---

#define ENOUGH 32 // pages; with less, what waits for a grace period is worth waiting for

// Two harts may do this at once: each cache has a lock of its own.
static u64 memory_reclaim(void)
{
	u64 before = free_pages_count();

	if (!arch_irqs_enabled())
		return 0;
	for (const struct shrinker *s = shrinker_start; s < shrinker_end; s++)
		s->shrink();
	slab_shrink_all();
	page_drain_all();
	if (free_pages_count() < before + ENOUGH) {
		rcu_barrier();
		slab_shrink_all();
		page_drain_all();
	}
	u64 after = free_pages_count();
	return after > before ? after - before : 0;
}

static int reclaim_init(void)
{
	reclaim_hook = memory_reclaim;
	return 0;
}
INITCALL(CORE, reclaim_init);
