// Where faults were injected (debug builds): the return addresses on the stack of each, in a set, so
// that scripts/fault-sites can tell which calls of the allocators no test has ever made fail.

#include <arch/backtrace.h>
#include <core/fault_inject.h>

#define SITES_MAX  8192 // a power of two
#define SITE_DEPTH 12

#if CONFIG_DEBUG
static u32 sites[SITES_MAX]; // [a] lower halves of addresses, hashed; 0 = empty

static void add(u32 pc)
{
	u32 at = pc * 2654435761u;

	for (u32 tries = 0; tries < SITES_MAX; tries++, at++) {
		u32 *slot = &sites[at % SITES_MAX], empty = 0;

		if (__atomic_compare_exchange_n(slot, &empty, pc, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED) ||
		    empty == pc)
			return;
	}
}

static bool add_frame(void *ctx, u64 pc)
{
	u32 *depth = ctx;

	add((u32)pc);
	return ++*depth < SITE_DEPTH;
}

void fault_site_note(void)
{
	u32 depth = 0;

	arch_backtrace(NULL, add_frame, &depth);
}

void fault_sites_for_each(void (*fn)(u64 pc, void *ctx), void *ctx)
{
	for (u32 i = 0; i < SITES_MAX; i++) {
		u32 pc = READ_ONCE(sites[i]);

		if (pc)
			fn(0xffffffff00000000ul | pc, ctx);
	}
}
#endif
