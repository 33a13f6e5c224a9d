// Failing on purpose; see fault_inject.h.

#include <core/fault_inject.h>
#include <core/printk.h>

int fault_armed;
int *(*fault_counter)(void);
static u32 kinds = ~0u;

bool fault_count_down(enum fault_kind kind)
{
	static const char *const names[] = {"slab", "page", "vmap", "usercopy"};
	int *counter = fault_counter ? fault_counter() : NULL;

	if (!counter || *counter <= 0 || !(kinds & (1u << kind)))
		return false;
	if (--*counter)
		return false;
	__atomic_fetch_sub(&fault_armed, 1, __ATOMIC_RELAXED);
	printk_ratelimited(LOG_DEBUG, "fault injection: failing %s\n", names[kind]);
	return true;
}

void fault_set(int *counter, int nth)
{
	int change = (nth > 0) - (*counter > 0);

	*counter = nth;
	__atomic_fetch_add(&fault_armed, change, __ATOMIC_RELAXED);
}

void fault_set_kinds(u32 mask)
{
	kinds = mask;
}
