// How an allocation may behave.
#pragma once

#include <core/fault_inject.h>
#include <core/lock_check.h>

// GFP_KERNEL may sleep, shrink caches, call the OOM killer, and use a little of the reserve.
#define GFP_KERNEL       0u
#define GFP_ATOMIC       (1u << 0) // must not sleep; may use a part of the reserve
#define GFP_ZERO         (1u << 1)
#define GFP_USER         (1u << 2)    // a page for user space: may not use the reserve at all
#define GFP_NOFAIL_PANIC (1u << 3)    // boot: panic instead of failing
#define GFP_NORECLAIM    (1u << 4)    // fail rather than shrink or kill
#define GFP_RESERVE      (1u << 5)    // may use the whole reserve (reclaim itself, OOM victims)
#define GFP_NOINJECT     FAULT_EXEMPT // not subject to fault injection

// Debug builds report who allocates where it must not sleep, but allows it.
static inline void gfp_check(u32 gfp)
{
	if (!(gfp & (GFP_ATOMIC | GFP_NORECLAIM)))
		might_sleep();
}
