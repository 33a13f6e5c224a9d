// From addresses to names. The first link of the kernel has an empty table; scripts/gen-symbols.py
// makes the real one out of it for the second.

#include <arch/mmu.h>
#include <core/symbols.h>
#include <lib/printf.h>
#include <lib/string.h>

// In a section behind all code, see scripts/gen-symbols.py.
extern const u32 symbol_count;
extern const u32 symbol_offsets[];
extern const u32 symbol_names_at[];
extern const char symbol_names[];

#define SYMBOL_NAMES_STEP 64 // as in scripts/gen-symbols.py

static u32 count(void)
{
	return *(const volatile u32 *)&symbol_count;
}

// Of every 64th name it is known where it begins; from there they follow each other.
static const char *name_of(u32 index)
{
	const char *name = symbol_names + symbol_names_at[index / SYMBOL_NAMES_STEP];

	for (u32 i = index % SYMBOL_NAMES_STEP; i; i--)
		name += strlen(name) + 1;
	return name;
}

// Index of the last symbol at or below addr.
static bool find(u64 addr, u32 *index)
{
	u32 low = 0, high = count();

	if (!high || addr < KERNEL_BASE + symbol_offsets[0] ||
	    addr > KERNEL_BASE + symbol_offsets[high - 1])
		return false;
	while (high - low > 1) {
		u32 middle = (low + high) / 2;

		if (KERNEL_BASE + symbol_offsets[middle] <= addr)
			low = middle;
		else
			high = middle;
	}
	*index = low;
	return true;
}

bool symbol_lookup(u64 addr, const char **name, u64 *offset, u64 *size)
{
	u32 i;

	if (!find(addr, &i))
		return false;
	u64 start = KERNEL_BASE + symbol_offsets[i];
	*name = name_of(i);
	*offset = addr - start;
	*size = i + 1 < count() ? symbol_offsets[i + 1] - symbol_offsets[i] : 0;
	return true;
}

u64 symbol_address(const char *name)
{
	const char *at = symbol_names;

	for (u32 i = 0; i < count(); i++, at += strlen(at) + 1) {
		if (!strcmp(at, name))
			return KERNEL_BASE + symbol_offsets[i];
	}
	return 0;
}

void symbol_for_each(void (*fn)(u64 addr, const char *name, void *ctx), void *ctx)
{
	const char *name = symbol_names;

	for (u32 i = 0; i < count(); i++, name += strlen(name) + 1)
		fn(KERNEL_BASE + symbol_offsets[i], name, ctx);
}

size_t symbol_format(char *buf, size_t size, u64 addr)
{
	const char *name;
	u64 offset, length;

	if (symbol_lookup(addr, &name, &offset, &length))
		return scnprintf(buf, size, "%s+0x%lx/0x%lx", name, offset, length);
	return scnprintf(buf, size, "0x%lx", addr);
}
