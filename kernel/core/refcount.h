// Reference counts: an atomic that cannot leave zero again, and that in debug builds reports
// a use after the last put, an overflow and an underflow, and then saturates (leaks) instead of
// freeing something in use.
#pragma once

#include <core/atomic.h>

struct refcount {
	struct atomic n;
};

// clang-format off
#define REFCOUNT_INIT(k) { ATOMIC_INIT(k) }
// clang-format on

// A count at or above this is broken, and stays.
#define REFCOUNT_SATURATED 0x40000000

// Reports a broken count (once a call site is not tracked: rate-limited) and saturates it.
void refcount_broken(struct refcount *r, int seen, const char *what);

static inline void refcount_init(struct refcount *r, int n)
{
	atomic_set(&r->n, n);
}

static inline int refcount_read(const struct refcount *r)
{
	return atomic_read(&r->n);
}

// Takes one more reference; the caller has one already (or holds the lock that guards the last).
static inline void refcount_get(struct refcount *r)
{
	int old = __atomic_fetch_add(&r->n.v, 1, __ATOMIC_RELAXED);

	if (CONFIG_DEBUG && unlikely(old <= 0 || old >= REFCOUNT_SATURATED))
		refcount_broken(r, old, "get");
}

// Takes a reference unless the object is already going; for lookups under RCU.
static inline bool refcount_get_not_zero(struct refcount *r)
{
	return atomic_inc_not_zero(&r->n);
}

// Drops a reference. Returns true when it was the last: the caller frees the object, and sees
// everything that other holders did to it.
static inline bool refcount_put(struct refcount *r)
{
	int old = __atomic_fetch_sub(&r->n.v, 1, __ATOMIC_RELEASE);

	if (CONFIG_DEBUG && unlikely(old <= 0 || old >= REFCOUNT_SATURATED)) {
		refcount_broken(r, old, "put");
		return false;
	}
	if (old != 1)
		return false;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return true;
}
