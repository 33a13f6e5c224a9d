// Checks of every memory access in builds with -Dkasan=true: GCC calls a function before each load and
// store, which looks into shadow memory whether the bytes may be touched.
//
// One shadow byte speaks for eight bytes: 0 = all may be touched; 1..7 = only the first so many; from
// 0x80 on none, and it says why. Whoever owns memory poisons what nobody may touch: slab objects that
// are free and what lies between objects, free pages, the rest of the last page of an allocation. The
// compiler does the same around variables on the stack, and registers globals with their red zones.
//
// The shadow of all that is not memory is one page of zeroes (asm/layout.h, arch/riscv/shadow.c).
#pragma once

#include <lib/base.h>

enum kasan_poison {
	KASAN_STACK_LEFT = 0xf1, // f1 to f8 are the compiler's
	KASAN_STACK_MID = 0xf2,
	KASAN_STACK_RIGHT = 0xf3,
	KASAN_SCOPE = 0xf8,
	KASAN_GLOBAL = 0xf9,
	KASAN_VMAP = 0xfa,
	KASAN_SLAB_FREE = 0xfb,
	KASAN_REDZONE = 0xfc,
	KASAN_PAGE_FREE = 0xff,
};

struct page;

#if CONFIG_KASAN
// The shadow is there: from here on accesses are checked. Once, at boot.
void kasan_start(void);

// Forbids, allows a range; `at` is a multiple of 8. Poisoning covers the last granule whole.
void kasan_poison(const void *at, size_t size, enum kasan_poison kind);
void kasan_unpoison(const void *at, size_t size);

// Allows the first `size` bytes of an object, and makes the rest up to `room` a red zone.
void kasan_unpoison_object(const void *at, size_t size, size_t room);

// Makes sure that a range of the vmap area has a shadow of its own, and allows it. -ENOMEM.
int kasan_vmap(const void *at, size_t size);

// Notes who allocated, who freed a block of pages.
void kasan_page_allocated(struct page *page, unsigned order);
void kasan_page_freed(struct page *page, unsigned order);
void kasan_pages_init(void); // after struct page exists

// What the compiler says of each global that has a red zone behind it.
struct kasan_global {
	const void *start;
	size_t size, size_with_redzone;
	const char *name, *file;
	unsigned long has_constructor;
	const void *place;
	unsigned long odr;
};
const struct kasan_global *kasan_find_global(u64 address); // NULL: there is none

// Reports an access by the function that returns to `pc`.
void kasan_report(u64 address, size_t size, bool write, u64 pc);
unsigned kasan_report_count(void);

// A self-test that commits a crime takes the report here: while it is non-NULL, none is printed.
struct kasan_capture {
	unsigned count;
	const char *kind;
	u64 address;
	bool write;
	u32 allocated, freed; // stacks, core/stack_store.h
};
extern struct kasan_capture *kasan_capture;
#else
// clang-format off
static inline void kasan_start(void) {}
static inline void kasan_poison(const void *at, size_t size, enum kasan_poison kind)
{ (void)at, (void)size, (void)kind; }
static inline void kasan_unpoison(const void *at, size_t size) { (void)at, (void)size; }
static inline void kasan_unpoison_object(const void *at, size_t size, size_t room)
{ (void)at, (void)size, (void)room; }
static inline int kasan_vmap(const void *at, size_t size) { (void)at, (void)size; return 0; }
static inline void kasan_page_allocated(struct page *page, unsigned order) { (void)page, (void)order; }
static inline void kasan_page_freed(struct page *page, unsigned order) { (void)page, (void)order; }
static inline void kasan_pages_init(void) {}
// clang-format on
#endif
