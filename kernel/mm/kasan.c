// The shadow, and what the compiler calls before each access; see kasan.h. Nothing here is itself
// instrumented. What was wrong is put into words by kasan_report.c.

#include <arch/mmu.h>
#include <arch/shadow.h>
#include <core/panic.h>
#include <mm/kasan.h>
#include <mm/page.h>

#define GRANULE 8

static bool ready;

static inline s8 *shadow_of(u64 address)
{
	return (s8 *)((address >> 3) + SHADOW_OFFSET);
}

void kasan_start(void)
{
	ready = true;
}

// --- Poisoning ---

static void fill(const void *at, size_t size, s8 value)
{
	s8 *shadow = shadow_of((u64)at), *end = shadow + DIV_ROUND_UP(size, GRANULE);
	u64 word = (u8)value * 0x0101010101010101ul;

	if (!ready)
		return;
	while (shadow < end && (u64)shadow % 8)
		*shadow++ = value;
	for (; shadow + 8 <= end; shadow += 8)
		*(u64 *)shadow = word;
	while (shadow < end)
		*shadow++ = value;
}

void kasan_poison(const void *at, size_t size, enum kasan_poison kind)
{
	fill(at, size, (s8)kind);
}

void kasan_unpoison(const void *at, size_t size)
{
	fill(at, ALIGN_DOWN(size, (size_t)GRANULE), 0);
	if (ready && size % GRANULE)
		*shadow_of((u64)at + size) = size % GRANULE;
}

void kasan_unpoison_object(const void *at, size_t size, size_t room)
{
	size_t whole = ALIGN_UP(size, (size_t)GRANULE);

	kasan_unpoison(at, size);
	if (whole < room)
		kasan_poison((const char *)at + whole, room - whole, KASAN_REDZONE);
}

int kasan_vmap(const void *at, size_t size)
{
	u64 start = ALIGN_DOWN((u64)shadow_of((u64)at), PAGE_SIZE);
	u64 end = ALIGN_UP((u64)shadow_of((u64)at + size), PAGE_SIZE);
	int error = arch_shadow_populate(start, end);

	if (!error)
		kasan_unpoison(at, size);
	return error;
}

// --- Checking ---

static ALWAYS_INLINE bool granule_bad(u64 address, u64 last)
{
	s8 shadow = *shadow_of(address);

	return unlikely(shadow) && (s8)(last % GRANULE) >= shadow;
}

static bool range_bad(u64 address, size_t size, u64 *where)
{
	u64 last = address + size - 1;

	for (u64 at = address; at <= last; at = ALIGN_DOWN(at, (u64)GRANULE) + GRANULE) {
		if (granule_bad(at, MIN(last, at | (GRANULE - 1)))) {
			*where = at;
			return true;
		}
	}
	return false;
}

// User addresses have no shadow; touching them faults by itself. The same for the vmap area's holes.
static ALWAYS_INLINE void check(u64 address, size_t size, bool write, u64 pc)
{
	u64 where;

	if (unlikely(!ready || panicking) || address < DIRECT_MAP_BASE || !size)
		return;
	if (size <= GRANULE && address % GRANULE + size <= GRANULE) {
		if (granule_bad(address, address + size - 1))
			kasan_report(address, size, write, pc);
	} else if (range_bad(address, size, &where)) {
		kasan_report(where, size, write, pc);
	}
}

#define CALLER ((u64)__builtin_return_address(0))

#define ACCESS(size)                               \
	void __asan_load##size##_noabort(u64 at);  \
	void __asan_load##size##_noabort(u64 at)   \
	{                                          \
		check(at, size, false, CALLER);    \
	}                                          \
	void __asan_store##size##_noabort(u64 at); \
	void __asan_store##size##_noabort(u64 at)  \
	{                                          \
		check(at, size, true, CALLER);     \
	}

ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void __asan_loadN_noabort(u64 at, size_t size);
void __asan_storeN_noabort(u64 at, size_t size);
void __asan_handle_no_return(void);
void memory_check(const void *at, size_t size, bool write);

void __asan_loadN_noabort(u64 at, size_t size)
{
	check(at, size, false, CALLER);
}

void __asan_storeN_noabort(u64 at, size_t size)
{
	check(at, size, true, CALLER);
}

// For lib/string.c, whose loops are not instrumented. The caller's caller is who is to blame.
void memory_check(const void *at, size_t size, bool write)
{
	check((u64)at, size, write, CALLER);
}

// Frames above are left for good: their red zones go with the stack, see kstack_alloc().
void __asan_handle_no_return(void)
{
}

// --- Variables ---

#define GLOBAL_TABLES_MAX 1024

static struct {
	const struct kasan_global *first;
	size_t count;
} global_tables[GLOBAL_TABLES_MAX]; // one of each source file
static unsigned global_table_count;

void __asan_register_globals(struct kasan_global *globals, size_t count);
void __asan_alloca_poison(u64 at, size_t size);
void __asan_allocas_unpoison(u64 top, u64 bottom);

void __asan_register_globals(struct kasan_global *globals, size_t count)
{
	if (global_table_count < GLOBAL_TABLES_MAX) {
		global_tables[global_table_count].first = globals;
		global_tables[global_table_count++].count = count;
	}
	for (size_t i = 0; i < count; i++) {
		struct kasan_global *g = &globals[i];
		size_t whole = ALIGN_UP(g->size, (size_t)GRANULE);

		kasan_unpoison(g->start, g->size);
		kasan_poison((const char *)g->start + whole, g->size_with_redzone - whole,
			     KASAN_GLOBAL);
	}
}

const struct kasan_global *kasan_find_global(u64 address)
{
	for (unsigned t = 0; t < global_table_count; t++) {
		for (size_t i = 0; i < global_tables[t].count; i++) {
			const struct kasan_global *g = &global_tables[t].first[i];

			if (address - (u64)g->start < g->size_with_redzone)
				return g;
		}
	}
	return NULL;
}

void __asan_alloca_poison(u64 at, size_t size)
{
	size_t whole = ALIGN_UP(size, 32ul);

	kasan_poison((void *)(at - 32), 32, KASAN_STACK_LEFT);
	kasan_unpoison((void *)at, size);
	kasan_poison((void *)(at + whole), 32, KASAN_STACK_RIGHT);
}

void __asan_allocas_unpoison(u64 top, u64 bottom)
{
	if (top && top < bottom)
		kasan_unpoison((void *)top, bottom - top);
}

#define SET_SHADOW(value, name)                                 \
	void __asan_set_shadow_##name(s8 *shadow, size_t size); \
	void __asan_set_shadow_##name(s8 *shadow, size_t size)  \
	{                                                       \
		while (size--)                                  \
			*shadow++ = (s8)(value);                \
	}

SET_SHADOW(0, 00)
SET_SHADOW(0xf1, f1)
SET_SHADOW(0xf2, f2)
SET_SHADOW(0xf3, f3)
SET_SHADOW(0xf5, f5)
SET_SHADOW(0xf8, f8)
