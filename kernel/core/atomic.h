// Atomic integers. Read-modify-write operations that return a value order everything before and
// after them (sequentially consistent); those that return nothing, and plain reads and stores,
// order nothing; the _acquire, _release and _relaxed variants say what they do.
#pragma once

#include <lib/base.h>

struct atomic {
	int v;
};

struct atomic64 {
	long v;
};

// clang-format off
#define ATOMIC_INIT(n) { (n) }

#define ATOMIC_DEFINE(P, S, T)                                                                     \
	static inline T P##_read(const struct S *a)                                                \
	{ return __atomic_load_n(&a->v, __ATOMIC_RELAXED); }                                       \
	static inline T P##_read_acquire(const struct S *a)                                        \
	{ return __atomic_load_n(&a->v, __ATOMIC_ACQUIRE); }                                       \
	static inline void P##_set(struct S *a, T n)                                               \
	{ __atomic_store_n(&a->v, n, __ATOMIC_RELAXED); }                                          \
	static inline void P##_set_release(struct S *a, T n)                                       \
	{ __atomic_store_n(&a->v, n, __ATOMIC_RELEASE); }                                          \
	static inline void P##_add(struct S *a, T n)                                               \
	{ __atomic_fetch_add(&a->v, n, __ATOMIC_RELAXED); }                                        \
	static inline void P##_sub(struct S *a, T n)                                               \
	{ __atomic_fetch_sub(&a->v, n, __ATOMIC_RELAXED); }                                        \
	static inline void P##_inc(struct S *a) { P##_add(a, 1); }                                 \
	static inline void P##_dec(struct S *a) { P##_sub(a, 1); }                                 \
	static inline void P##_or(struct S *a, T n)                                                \
	{ __atomic_fetch_or(&a->v, n, __ATOMIC_RELAXED); }                                         \
	static inline void P##_and(struct S *a, T n)                                               \
	{ __atomic_fetch_and(&a->v, n, __ATOMIC_RELAXED); }                                        \
	static inline T P##_add_return(struct S *a, T n)                                           \
	{ return __atomic_add_fetch(&a->v, n, __ATOMIC_SEQ_CST); }                                 \
	static inline T P##_sub_return(struct S *a, T n)                                           \
	{ return __atomic_sub_fetch(&a->v, n, __ATOMIC_SEQ_CST); }                                 \
	static inline T P##_inc_return(struct S *a) { return P##_add_return(a, 1); }               \
	static inline T P##_dec_return(struct S *a) { return P##_sub_return(a, 1); }               \
	static inline T P##_fetch_add(struct S *a, T n)                                            \
	{ return __atomic_fetch_add(&a->v, n, __ATOMIC_SEQ_CST); }                                 \
	static inline T P##_fetch_sub(struct S *a, T n)                                            \
	{ return __atomic_fetch_sub(&a->v, n, __ATOMIC_SEQ_CST); }                                 \
	static inline T P##_fetch_or(struct S *a, T n)                                             \
	{ return __atomic_fetch_or(&a->v, n, __ATOMIC_SEQ_CST); }                                  \
	static inline T P##_fetch_and(struct S *a, T n)                                            \
	{ return __atomic_fetch_and(&a->v, n, __ATOMIC_SEQ_CST); }                                 \
	static inline T P##_xchg(struct S *a, T n)                                                 \
	{ return __atomic_exchange_n(&a->v, n, __ATOMIC_SEQ_CST); }                                \
	/* Stores `new` if the value is `old`; returns the value that was there. */                \
	static inline T P##_cmpxchg(struct S *a, T old, T new)                                     \
	{                                                                                          \
		__atomic_compare_exchange_n(&a->v, &old, new, false, __ATOMIC_SEQ_CST,             \
					    __ATOMIC_SEQ_CST);                                     \
		return old;                                                                        \
	}                                                                                          \
	/* As cmpxchg, but returns whether it stored, and puts the value seen into *old. */        \
	static inline bool P##_try_cmpxchg(struct S *a, T *old, T new)                             \
	{                                                                                          \
		return __atomic_compare_exchange_n(&a->v, old, new, false, __ATOMIC_SEQ_CST,       \
						   __ATOMIC_RELAXED);                              \
	}                                                                                          \
	static inline bool P##_dec_and_test(struct S *a) { return P##_sub_return(a, 1) == 0; }     \
	/* Orders what came before; and, if the result is 0, what comes after. */                  \
	static inline bool P##_dec_and_test_release(struct S *a)                                   \
	{                                                                                          \
		if (__atomic_fetch_sub(&a->v, 1, __ATOMIC_RELEASE) != 1)                           \
			return false;                                                              \
		__atomic_thread_fence(__ATOMIC_ACQUIRE);                                           \
		return true;                                                                       \
	}                                                                                          \
	static inline bool P##_sub_and_test(struct S *a, T n)                                      \
	{ return P##_sub_return(a, n) == 0; }                                                      \
	/* Adds n unless the value is u; returns whether it did. */                                \
	static inline bool P##_add_unless(struct S *a, T n, T u)                                   \
	{                                                                                          \
		T old = P##_read(a);                                                               \
		do {                                                                               \
			if (old == u)                                                              \
				return false;                                                      \
		} while (!P##_try_cmpxchg(a, &old, old + n));                                      \
		return true;                                                                       \
	}                                                                                          \
	static inline bool P##_inc_not_zero(struct S *a) { return P##_add_unless(a, 1, 0); }       \
	/* Decrements unless that would make it 0; returns whether it did. */                      \
	static inline bool P##_dec_not_one(struct S *a) { return P##_add_unless(a, -1, 1); }

ATOMIC_DEFINE(atomic, atomic, int)
ATOMIC_DEFINE(atomic64, atomic64, long)
#undef ATOMIC_DEFINE
// clang-format on
