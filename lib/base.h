// The vocabulary of every file: types, attributes, and small macros. No code.
//
// u64 and s64 are `long` types on each machine that we build for: print them with %lu, %ld, %lx.
// Times and durations are u64 nanoseconds, in variables whose names end in _ns.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long s64;
typedef long ssize_t;

#ifndef static_assert
#define static_assert _Static_assert
#endif

static_assert(sizeof(u64) == 8 && sizeof(void *) == 8, "Cloven is for 64-bit machines");

// Attributes
#define NORETURN          __attribute__((noreturn))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define MUST_CHECK        __attribute__((warn_unused_result))
#define ALWAYS_INLINE     inline __attribute__((always_inline))
#define NOINLINE          __attribute__((noinline))
#define PACKED            __attribute__((packed))
#define ALIGNED(n)        __attribute__((aligned(n)))
#define SECTION(s)        __attribute__((section(s)))
#define WEAK              __attribute__((weak))
#define UNUSED            __attribute__((unused))
#define USED              __attribute__((used))
#define COLD              __attribute__((cold))
#define FALLTHROUGH       __attribute__((fallthrough))

#define likely(c)   __builtin_expect(!!(c), 1)
#define unlikely(c) __builtin_expect(!!(c), 0)

// Access exactly once, in one instruction, neither cached nor split by the compiler; no ordering
// against other memory.
#define READ_ONCE(x)     (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))

// The compiler moves no memory access across.
#define barrier() __asm__ volatile("" ::: "memory")

// clang-format off
#define is_not_array(a) __builtin_types_compatible_p(typeof(a), typeof(&(a)[0]))
#define ARRAY_SIZE(a) \
	(sizeof(a) / sizeof((a)[0]) + 0 * sizeof(struct { int : -is_not_array(a); }))
// clang-format on

// The structure of which `ptr` points to the member.
#define container_of(ptr, type, member)                                                    \
	({                                                                                 \
		static_assert(__builtin_types_compatible_p(typeof(*(ptr)),                 \
							   typeof(((type *)0)->member)) || \
				      __builtin_types_compatible_p(typeof(*(ptr)), void),  \
			      "container_of: pointer of another type than the member");    \
		(type *)((char *)(uintptr_t)(ptr)-offsetof(type, member));                 \
	})

// Each evaluates its arguments once. The compiler's warning about mixed signs stays alive.
#define MIN(a, b)                                  \
	({                                         \
		typeof(a) min_a_ = (a);            \
		typeof(b) min_b_ = (b);            \
		min_a_ < min_b_ ? min_a_ : min_b_; \
	})
#define MAX(a, b)                                  \
	({                                         \
		typeof(a) max_a_ = (a);            \
		typeof(b) max_b_ = (b);            \
		max_a_ > max_b_ ? max_a_ : max_b_; \
	})
#define CLAMP(x, low, high) MIN(MAX(x, low), high)

#define SWAP(a, b)                     \
	do {                           \
		typeof(a) swap_ = (a); \
		(a) = (b);             \
		(b) = swap_;           \
	} while (0)

// `a` is a power of two. The result has the type of x.
#define ALIGN_UP(x, a)   ((((x) + ((typeof(x))(a)-1))) & ~((typeof(x))(a)-1))
#define ALIGN_DOWN(x, a) ((x) & ~((typeof(x))(a)-1))
#define IS_ALIGNED(x, a) (((x) & ((typeof(x))(a)-1)) == 0)
#define IS_POW2(x)       ((x) != 0 && ((x) & ((x)-1)) == 0)

#define PTR_ALIGN_UP(p, a) ((typeof(p))ALIGN_UP((uintptr_t)(p), a))

#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))

#define BIT(n)                (1ul << (n))
// Bits hi down to lo, both included: GENMASK_RANGE(7, 4) is 0xf0.
#define GENMASK_RANGE(hi, lo) ((~0ul << (lo)) & (~0ul >> (63 - (hi))))

#define KIB (1ul << 10)
#define MIB (1ul << 20)
#define GIB (1ul << 30)

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1ul << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1)) // keeps the page's address, drops the offset

#define STRINGIFY_(x) #x
#define STRINGIFY(x)  STRINGIFY_(x)

// An error code in a pointer, for the few functions that return an object or one of several errors.
#define MAX_ERRNO    4095
#define ERR_PTR(err) ((void *)(long)(err))
#define PTR_ERR(p)   ((long)(p))
#define IS_ERR(p)    unlikely((unsigned long)(p) >= (unsigned long)-MAX_ERRNO)
