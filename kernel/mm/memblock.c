// Memory before there is an allocator. Two short sorted tables: what memory the machine has, and
// what of it is taken (image, device tree, initrd, firmware, boot allocations). One hart, no locks.

#include <core/panic.h>
#include <lib/string.h>
#include <mm/memblock.h>

#define RANGES_MAX 64

struct range_table {
	struct memory_range range[RANGES_MAX];
	int count;
};

static struct range_table memory, reserved;
static u64 preferred;

// Inserts in order, merging with what it touches.
static void table_add(struct range_table *table, u64 start, u64 end)
{
	int i = 0, last;

	while (i < table->count && table->range[i].end < start)
		i++;
	last = i;
	while (last < table->count && table->range[last].start <= end) {
		start = MIN(start, table->range[last].start);
		end = MAX(end, table->range[last].end);
		last++;
	}
	if (last == i && table->count == RANGES_MAX)
		panic("memory: too many ranges");
	memmove(&table->range[i + 1], &table->range[last],
		(table->count - last) * sizeof(struct memory_range));
	table->range[i] = (struct memory_range){start, end};
	table->count += 1 - (last - i);
}

void memblock_add(u64 start, u64 size)
{
	u64 end = ALIGN_DOWN(start + size, PAGE_SIZE);

	start = ALIGN_UP(start, PAGE_SIZE);
	if (start < end)
		table_add(&memory, start, end);
}

void memblock_reserve(u64 start, u64 size)
{
	if (size && start + size > start)
		table_add(&reserved, ALIGN_DOWN(start, PAGE_SIZE),
			  ALIGN_UP(start + size, PAGE_SIZE));
}

u64 memblock_total(void)
{
	u64 total = 0;

	for (int i = 0; i < memory.count; i++)
		total += memory.range[i].end - memory.range[i].start;
	return total;
}

bool memblock_contains(u64 start, u64 size)
{
	for (int i = 0; i < memory.count; i++) {
		if (start >= memory.range[i].start && start < memory.range[i].end)
			return size <= memory.range[i].end - start;
	}
	return false;
}

void memblock_set_preferred(u64 start)
{
	preferred = start;
}

bool memblock_memory_range(int i, struct memory_range *range)
{
	if (i >= memory.count)
		return false;
	*range = memory.range[i];
	return true;
}

bool memblock_free_range(int i, u64 from, struct memory_range *range)
{
	u64 end = memory.range[i].end;

	from = MAX(from, memory.range[i].start);
	for (int r = 0; r < reserved.count; r++) {
		if (reserved.range[r].end <= from)
			continue;
		if (reserved.range[r].start > from) {
			end = MIN(end, reserved.range[r].start);
			break;
		}
		from = reserved.range[r].end;
	}
	*range = (struct memory_range){from, end};
	return from < end;
}

// The first free place at or above `from`; 0 if there is none.
static u64 find_place(u64 from, u64 size, u64 align)
{
	struct memory_range free;

	for (int i = 0; i < memory.count; i++) {
		u64 at = from;

		while (memblock_free_range(i, at, &free)) {
			u64 start = ALIGN_UP(free.start, align);

			if (start < free.end && free.end - start >= size)
				return start;
			at = free.end;
		}
	}
	return 0;
}

u64 memblock_alloc(u64 size, u64 align)
{
	u64 start;

	size = ALIGN_UP(size, PAGE_SIZE);
	align = MAX(align, PAGE_SIZE);
	start = find_place(preferred, size, align);
	if (!start)
		start = find_place(0, size, align);
	if (!start)
		panic("memory: too little: %lu KiB more are needed to boot, there are %lu KiB in "
		      "all",
		      size / KIB, memblock_total() / KIB);
	memblock_reserve(start, size);
	return start;
}
