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
	seq_printf(seq, "%-15s %8lu kB\n", name, KIB_PAGES(pages));
}

int proc_show_meminfo(struct seq *seq, struct task *task)
{
	u64 free = free_pages_count(), slab = slab_pages_count(), cached = mapping_pages_count();

	(void)task;
	line(seq, "MemTotal:", total_pages_count());
	line(seq, "MemFree:", free);
	line(seq, "MemAvailable:", free > reserve_pages_count() ? free - reserve_pages_count() : 0);
	line(seq, "Buffers:", 0);
	line(seq, "Cached:", cached);
	line(seq, "SwapCached:", 0);
	line(seq, "SwapTotal:", 0);
	line(seq, "SwapFree:", 0);
	line(seq, "Dirty:", 0);
	line(seq, "Writeback:", 0);
	line(seq, "AnonHugePages:", atomic64_read(&huge_counts.mapped) * PT_ENTRIES);
	line(seq, "Shmem:", cached); // every file lives in memory
	line(seq, "Slab:", slab);
	line(seq, "SReclaimable:", 0);
	line(seq, "SUnreclaim:", slab);
	line(seq, "KernelStack:", kstack_pages_count());
	line(seq, "CommitLimit:", commit_limit_pages());
	line(seq, "Committed_AS:", commit_pages());
	return 0;
}

int proc_show_vmstat(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "nr_free_pages %lu\n", free_pages_count());
	seq_printf(seq, "nr_file_pages %lu\nnr_shmem %lu\n", mapping_pages_count(),
		   mapping_pages_count());
	seq_printf(seq, "nr_kernel_stack %lu\n", KIB_PAGES(kstack_pages_count()));
	seq_printf(seq, "oom_kill %lu\n", oom_kill_count());
	seq_printf(seq, "nr_anon_transparent_hugepages %lu\nthp_fault_alloc %lu\n",
		   (u64)atomic64_read(&huge_counts.mapped),
		   (u64)atomic64_read(&huge_counts.fault_alloc));
	seq_printf(seq, "thp_fault_fallback %lu\nthp_collapse_alloc %lu\nthp_split_pmd %lu\n",
		   (u64)atomic64_read(&huge_counts.fault_fallback),
		   (u64)atomic64_read(&huge_counts.collapse_alloc),
		   (u64)atomic64_read(&huge_counts.split_entries));
	seq_printf(seq, "nr_tlb_remote_flush %lu\nnr_tlb_local_flush %lu\n",
		   (u64)atomic64_read(&flushes_remote), (u64)atomic64_read(&flushes_local));
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
