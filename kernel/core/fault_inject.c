// Failing on purpose; see fault_inject.h.

#include <core/fault_inject.h>
#include <core/hart.h>
#include <core/printk.h>

int fault_armed;
struct fault_plan *(*fault_plan_of_current)(void);

const char *const fault_kind_names[FAULT_KINDS] = {"slab", "page", "vmap", "usercopy"};

// Replaces the count if nobody else has changed it meanwhile.
static bool count_replace(struct fault_plan *plan, int old, int new)
{
	return __atomic_compare_exchange_n(&plan->nth, &old, new, false, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED);
}

bool fault_count_down(enum fault_kind kind)
{
	if (!fault_plan_of_current || in_irq())
		return false;
	struct fault_plan *plan = fault_plan_of_current();
	int nth = READ_ONCE(plan->nth);
	if (nth <= 0 || (plan->spared_kinds & (1u << kind)) || !count_replace(plan, nth, nth - 1))
		return false;
	if (nth > 1)
		return false;
	__atomic_fetch_sub(&fault_armed, 1, __ATOMIC_RELAXED);
	fault_site_note();
	printk_ratelimited(LOG_DEBUG, "fault injection: failing %s\n", fault_kind_names[kind]);
	return true;
}

void fault_set(struct fault_plan *plan, int nth)
{
	int old = __atomic_exchange_n(&plan->nth, nth, __ATOMIC_RELAXED);

	__atomic_fetch_add(&fault_armed, (nth != 0) - (old != 0), __ATOMIC_RELAXED);
}

void fault_hold(void)
{
	struct fault_plan *plan = fault_plan_of_current();
	int nth = READ_ONCE(plan->nth);

	if (nth > 0)
		count_replace(plan, nth, -nth);
}

void fault_resume(void)
{
	struct fault_plan *plan = fault_plan_of_current();
	int nth = READ_ONCE(plan->nth);

	if (nth < 0)
		count_replace(plan, nth, -nth);
}
