// For tests: making a task's allocations fail, and counting what exists.
//
// /proc/PID/fail-nth is Linux's: the n-th fallible step of the task from now fails; it reads 0 once
// that has happened. /proc/PID/fail-kinds is ours: a list of the kinds that count, "all" at first.
// /proc/census empties all caches and says how much of everything is in use, so that a test that
// has given everything back finds the same text again.

#include <core/fault_inject.h>
#include <core/symbols.h>
#include <fs/procfs/procfs.h>
#include <lib/parse.h>
#include <lib/string.h>
#include <mm/buddy.h>
#include <mm/shrinker.h>
#include <mm/leak.h>
#include <mm/slab.h>
#include <mm/vmap.h>
#include <process/accounting.h>
#include <uapi/errno.h>

#define NTH_MAX 0x7fffffff

int proc_show_fail_nth(struct seq *seq, struct task *task)
{
	int nth = READ_ONCE(task->fault.nth);

	seq_printf(seq, "%d\n", nth < 0 ? -nth : nth);
	return 0;
}

ssize_t proc_write_fail_nth(struct task *task, char *text, size_t n)
{
	s64 nth;
	int error = parse_s64(text, NULL, 0, &nth);

	if (error)
		return error;
	if (nth < 0 || nth > NTH_MAX)
		return -EINVAL;
	fault_set(&task->fault, nth);
	return n;
}

int proc_show_fail_kinds(struct seq *seq, struct task *task)
{
	const char *blank = "";

	for (int kind = 0; kind < FAULT_KINDS; kind++) {
		if (READ_ONCE(task->fault.spared_kinds) & (1u << kind))
			continue;
		seq_printf(seq, "%s%s", blank, fault_kind_names[kind]);
		blank = ",";
	}
	seq_putc(seq, '\n');
	return 0;
}

// The bit of a kind's name, or of "all".
static u32 kind_bits(const char *name)
{
	for (int kind = 0; kind < FAULT_KINDS; kind++) {
		if (!strcmp(name, fault_kind_names[kind]))
			return 1u << kind;
	}
	return strcmp(name, "all") ? 0 : ~0u;
}

ssize_t proc_write_fail_kinds(struct task *task, char *text, size_t n)
{
	u32 wanted = 0;
	char *end = strchr(text, '\n');

	if (end)
		*end = '\0';
	for (char *key, *value; parse_next_mount_option(&text, &key, &value);) {
		u32 bits = value ? 0 : kind_bits(key);

		if (!bits)
			return -EINVAL;
		wanted |= bits;
	}
	WRITE_ONCE(task->fault.spared_kinds, ~wanted);
	return n;
}

// --- What exists ---

struct census {
	struct seq *seq;
	u64 slab_pages;
};

static void count_cache(const struct slab_info *info, void *ctx)
{
	struct census *census = ctx;

	census->slab_pages += info->slabs * info->pages_per_slab;
	if (info->active)
		seq_printf(census->seq, "%s %lu\n", info->name, info->active);
}

// Slabs are not counted as pages: how many of them the same objects fill depends on chance.
int proc_show_census(struct seq *seq, struct task *task)
{
	struct census census = {.seq = seq};

	(void)task;
	memory_shrink();
	slab_for_each(count_cache, &census);
	seq_printf(seq, "pages %lu\n",
		   total_pages_count() - free_pages_count() - census.slab_pages);
	return 0;
}

// --- Where faults were injected ---

static void show_site(u64 pc, void *ctx)
{
	seq_printf(ctx, "%lx\n", pc);
}

int proc_show_fault_sites(struct seq *seq, struct task *task)
{
	(void)task;
	fault_sites_for_each(show_site, seq);
	return 0;
}

// --- Leaks ---

int proc_show_leaks(struct seq *seq, struct task *task)
{
	static struct leak leaks[32];
	unsigned count = leak_scan(leaks, ARRAY_SIZE(leaks));

	(void)task;
	for (unsigned i = 0; i < MIN(count, ARRAY_SIZE(leaks)); i++) {
		char where[80];

		symbol_format(where, sizeof(where), (u64)leaks[i].allocated_at - 1);
		seq_printf(seq, "leak: %p %s %lu bytes, allocated at %s\n",
			   (void *)~leaks[i].hidden, leaks[i].cache, leaks[i].size, where);
	}
	return 0;
}
