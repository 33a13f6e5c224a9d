// Emptying every cache of free things; see shrinker.h.

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
