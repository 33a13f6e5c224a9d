// The harts of the machine, and the per-hart areas.

#include <core/hart.h>
#include <core/panic.h>
#include <core/perhart.h>
#include <lib/string.h>

struct hart harts[MAX_HARTS];
u32 hart_count = 1;
struct hartmask harts_online;
struct hartmask harts_idle;

u32 hartmask_weight(const struct hartmask *m)
{
	u32 n = 0;

	for (u64 b = READ_ONCE(m->bits); b; b &= b - 1)
		n++;
	return n;
}

size_t perhart_size(void)
{
	return perhart_end - perhart_start;
}

void perhart_set_area(struct hart *hart, void *area)
{
	BUG_ON(hart->index == 0);
	memset(area, 0, perhart_size());
	hart->perhart_offset = (char *)area - perhart_start;
}
