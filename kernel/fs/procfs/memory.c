// /proc about memory, as counts: meminfo, vmstat, statm, the memory lines of status, oom_score.

#include <fs/procfs/procfs.h>
#include <lib/parse.h>
#include <lib/string.h>
#include <mm/buddy.h>
#include <mm/commit.h>
#include <mm/mapping.h>
#include <mm/oom.h>
#include <mm/pagetable.h>
#include <mm/slab.h>
#include <mm/vmap.h>
#include <ns/cred.h>
#include <process/ptrace_access.h>
#include <sched/process.h>
#include <uapi/capability.h>
#include <uapi/errno.h>
#include "memory.h"

#define KIB_PAGES(pages) ((pages) * (PAGE_SIZE / KIB))

struct mm *proc_mm_get(struct task *task)
{
	spin_lock(&task->alloc_lock);
	struct mm *mm = task->mm ? mm_get(task->mm) : NULL;
	spin_unlock(&task->alloc_lock);
	return mm;
}

// --- The machine ---

static void line(struct seq *seq, const char *name, u64 pages)
{
	seq_put_kib(seq, name, KIB_PAGES(pages));
}

// What the two files about the machine tell, in pages.
struct machine {
	u64 total, free, available, slab, stacks, objects, anon, anon_huge, mapped, tables;
};

static void count_machine(struct machine *machine)
{
	struct page_kinds kinds;
	u64 reserve = reserve_pages_count();

	page_kinds_count(&kinds);
	machine->total = total_pages_count();
	machine->free = free_pages_count();
	machine->available = machine->free > reserve ? machine->free - reserve : 0;
	machine->slab = slab_pages_count();
	machine->stacks = kstack_pages_count();
	machine->objects = mapping_pages_count();
	machine->anon = kinds.anon - MIN(kinds.anon, huge_zero_pages_count());
	machine->anon_huge = atomic64_read(&huge_counts.mapped) * PT_ENTRIES;
	machine->mapped = kinds.object_mapped;
	machine->tables = kinds.tables;
}

// Linux's lines in its order, without those of what is not there or not counted: lists by age of file
// pages (every file lives in memory), locked pages, compressed swap, memory set apart for devices.
// No list by age is kept at all, so that all pages are shown as active, as they are on Linux until
// memory is short.
int proc_show_meminfo(struct seq *seq, struct task *task)
{
	struct machine m;

	(void)task;
	count_machine(&m);
	const struct {
		const char *name;
		u64 pages;
	} lines[] = {{"MemTotal:", m.total},
		     {"MemFree:", m.free},
		     {"MemAvailable:", m.available},
		     {"Buffers:", 0},
		     {"Cached:", m.objects},
		     {"SwapCached:", 0},
		     {"Active:", m.anon + m.objects},
		     {"Inactive:", 0},
		     {"Active(anon):", m.anon + m.objects},
		     {"Inactive(anon):", 0},
		     {"Active(file):", 0},
		     {"Inactive(file):", 0},
		     {"SwapTotal:", 0},
		     {"SwapFree:", 0},
		     {"Dirty:", 0},
		     {"Writeback:", 0},
		     {"AnonPages:", m.anon},
		     {"Mapped:", m.mapped},
		     {"Shmem:", m.objects},
		     {"KReclaimable:", 0},
		     {"Slab:", m.slab},
		     {"SReclaimable:", 0},
		     {"SUnreclaim:", m.slab},
		     {"KernelStack:", m.stacks},
		     {"PageTables:", m.tables},
		     {"SecPageTables:", 0},
		     {"NFS_Unstable:", 0},
		     {"Bounce:", 0},
		     {"WritebackTmp:", 0},
		     {"CommitLimit:", commit_limit_pages()},
		     {"Committed_AS:", commit_pages()},
		     {"AnonHugePages:", m.anon_huge},
		     {"ShmemHugePages:", 0},
		     {"ShmemPmdMapped:", 0},
		     {"FileHugePages:", 0},
		     {"FilePmdMapped:", 0}};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		line(seq, lines[i].name, lines[i].pages);
	seq_puts(seq, "HugePages_Total:       0\nHugePages_Free:        0\n"
		      "HugePages_Rsvd:        0\nHugePages_Surp:        0\n");
	line(seq, "Hugepagesize:", PT_ENTRIES);
	line(seq, "Hugetlb:", 0);
	return 0;
}

// Names that are missing are of what is not counted.
int proc_show_vmstat(struct seq *seq, struct task *task)
{
	struct machine m;

	(void)task;
	count_machine(&m);
	const struct {
		const char *name;
		u64 value;
	} lines[] = {{"nr_free_pages", m.free},
		     {"nr_zone_inactive_anon", 0},
		     {"nr_zone_active_anon", m.anon + m.objects},
		     {"nr_zone_inactive_file", 0},
		     {"nr_zone_active_file", 0},
		     {"nr_inactive_anon", 0},
		     {"nr_active_anon", m.anon + m.objects},
		     {"nr_inactive_file", 0},
		     {"nr_active_file", 0},
		     {"nr_slab_reclaimable", 0},
		     {"nr_slab_unreclaimable", m.slab},
		     {"nr_anon_pages", m.anon},
		     {"nr_mapped", m.mapped},
		     {"nr_file_pages", m.objects},
		     {"nr_dirty", 0},
		     {"nr_writeback", 0},
		     {"nr_shmem", m.objects},
		     {"nr_shmem_hugepages", 0},
		     {"nr_shmem_pmdmapped", 0},
		     {"nr_file_hugepages", 0},
		     {"nr_file_pmdmapped", 0},
		     {"nr_anon_transparent_hugepages", atomic64_read(&huge_counts.mapped)},
		     {"nr_kernel_stack", KIB_PAGES(m.stacks)},
		     {"nr_page_table_pages", m.tables},
		     {"pgpgin", 0},
		     {"pgpgout", 0},
		     {"pswpin", 0},
		     {"pswpout", 0},
		     {"oom_kill", oom_kill_count()},
		     {"nr_tlb_remote_flush", atomic64_read(&flushes_remote)},
		     {"nr_tlb_local_flush", atomic64_read(&flushes_local)},
		     {"thp_fault_alloc", atomic64_read(&huge_counts.fault_alloc)},
		     {"thp_fault_fallback", atomic64_read(&huge_counts.fault_fallback)},
		     {"thp_collapse_alloc", atomic64_read(&huge_counts.collapse_alloc)},
		     {"thp_split_pmd", atomic64_read(&huge_counts.split_entries)}};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		seq_printf(seq, "%s %lu\n", lines[i].name, lines[i].value);
	return 0;
}

// --- A process ---

static u64 text_pages(const struct mm *mm)
{
	return (ALIGN_UP(mm->layout.end_code, PAGE_SIZE) -
		ALIGN_DOWN(mm->layout.start_code, PAGE_SIZE)) >>
	       PAGE_SHIFT;
}

int proc_show_statm(struct seq *seq, struct task *task)
{
	struct mm *mm = proc_mm_get(task);

	if (!mm) {
		seq_puts(seq, "0 0 0 0 0 0 0\n");
		return 0;
	}
	u64 shared = mm->counters[MM_FILE] + mm->counters[MM_SHMEM];
	seq_printf(seq, "%lu %lu %lu %lu 0 %lu 0\n", mm->total_pages, mm_rss(mm), shared,
		   text_pages(mm), mm->data_pages + mm->stack_pages);
	mm_put(mm);
	return 0;
}

void proc_show_status_memory(struct seq *seq, struct mm *mm, bool dumping)
{
	u64 text = MIN(text_pages(mm), mm->exec_pages);

	seq_printf(seq, "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\n",
		   KIB_PAGES(MAX(mm->peak_total, mm->total_pages)), KIB_PAGES(mm->total_pages),
		   KIB_PAGES(mm->locked_pages));
	seq_printf(seq, "VmPin:\t%8lu kB\nVmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\n", 0ul,
		   KIB_PAGES(mm_peak_rss(mm)), KIB_PAGES(mm_rss(mm)));
	seq_printf(seq, "RssAnon:\t%8lu kB\nRssFile:\t%8lu kB\nRssShmem:\t%8lu kB\n",
		   KIB_PAGES(mm->counters[MM_ANON]), KIB_PAGES(mm->counters[MM_FILE]),
		   KIB_PAGES(mm->counters[MM_SHMEM]));
	seq_printf(seq, "VmData:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t%8lu kB\n",
		   KIB_PAGES(mm->data_pages), KIB_PAGES(mm->stack_pages), KIB_PAGES(text));
	seq_printf(seq, "VmLib:\t%8lu kB\nVmPTE:\t%8lu kB\nVmSwap:\t%8lu kB\n",
		   KIB_PAGES(mm->exec_pages - text), KIB_PAGES(mm->table_pages), 0ul);
	seq_printf(seq, "HugetlbPages:\t%8lu kB\nCoreDumping:\t%d\n", 0ul, dumping);
	seq_printf(seq, "THP_enabled:\t%d\nuntag_mask:\t0xffffffffffffffff\n",
		   READ_ONCE(mm->thp_disable) != THP_DISABLED);
}

// --- Who is killed when memory runs out ---

int proc_show_oom_score(struct seq *seq, struct task *task)
{
	s64 total = total_pages_count();

	rcu_read_lock();
	s64 points = oom_badness(task);
	rcu_read_unlock();
	// From -1000 to 1000 in thousandths of all memory, shown as 0 to 1333.
	seq_printf(seq, "%ld\n", points < 0 ? 0 : (1000 + points * 1000 / total) * 2 / 3);
	return 0;
}

int proc_show_oom_score_adj(struct seq *seq, struct task *task)
{
	seq_printf(seq, "%d\n", READ_ONCE(task->process->oom_score_adj));
	return 0;
}

// A number with nothing but blanks around it. -EINVAL, -ERANGE.
static int parse_alone(char *text, s64 *value)
{
	text += strspn(text, " \t\n");
	for (size_t length = strlen(text); length && strchr(" \t\n", text[length - 1]);)
		text[--length] = '\0';
	return parse_s64(text, NULL, 0, value);
}

// Going below what a privileged process has set takes a privilege.
ssize_t proc_write_oom_score_adj(struct task *task, char *text, size_t n)
{
	struct process *process = task->process;
	s64 value;

	if (parse_alone(text, &value) || value < -OOM_SCORE_ADJ_MAX || value > OOM_SCORE_ADJ_MAX)
		return -EINVAL;
	bool privileged = capable(CAP_SYS_RESOURCE);
	if (value < process->oom_score_adj_min && !privileged)
		return -EACCES;
	WRITE_ONCE(process->oom_score_adj, value);
	if (privileged)
		WRITE_ONCE(process->oom_score_adj_min, value);
	return n;
}

// The older scale of the same: -17 (never) to 15. Going down on it takes a privilege always.
#define OOM_ADJ_MAX   15
#define OOM_ADJ_NEVER (-17)

int proc_show_oom_adj(struct seq *seq, struct task *task)
{
	int adj = READ_ONCE(task->process->oom_score_adj);

	adj = adj == OOM_SCORE_ADJ_MAX ? OOM_ADJ_MAX : adj * -OOM_ADJ_NEVER / OOM_SCORE_ADJ_MAX;
	seq_printf(seq, "%d\n", MIN(adj, OOM_ADJ_MAX));
	return 0;
}

ssize_t proc_write_oom_adj(struct task *task, char *text, size_t n)
{
	struct process *process = task->process;
	s64 value;

	if (parse_alone(text, &value) || value < OOM_ADJ_NEVER || value > OOM_ADJ_MAX)
		return -EINVAL;
	value = value == OOM_ADJ_MAX ? OOM_SCORE_ADJ_MAX
				     : value * OOM_SCORE_ADJ_MAX / -OOM_ADJ_NEVER;
	if (value < process->oom_score_adj && !capable(CAP_SYS_RESOURCE))
		return -EACCES;
	WRITE_ONCE(process->oom_score_adj, value);
	return n;
}

// --- What of it goes into a core file ---

int proc_show_coredump_filter(struct seq *seq, struct task *task)
{
	struct mm *mm = proc_mm_get(task);

	if (mm) {
		seq_printf(seq, "%08x\n", READ_ONCE(mm->core_filter));
		mm_put(mm);
	}
	return 0;
}

ssize_t proc_write_coredump_filter(struct task *task, char *text, size_t n)
{
	char *start = text + strspn(text, " \t\n");
	u64 filter;

	start[strcspn(start, " \t\n")] = '\0';
	if (parse_u64(start, NULL, 0, &filter))
		return -EINVAL;
	if (filter > UINT32_MAX)
		return -ERANGE;
	struct mm *mm = proc_mm_get(task);
	if (!mm)
		return -ESRCH;
	WRITE_ONCE(mm->core_filter, filter & CORE_FILTER_ALL);
	mm_put(mm);
	return n;
}

int proc_bind_memory(struct proc_text *text, struct task *task)
{
	(void)text; // nothing is kept
	return ptrace_may_see_memory(task) ? 0 : -EACCES;
}
