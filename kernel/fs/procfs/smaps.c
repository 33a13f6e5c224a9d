// /proc/PID/maps, smaps and smaps_rollup: the areas of a process, and what is mapped in each.

#include <fs/file.h>
#include <fs/procfs/procfs.h>
#include <lib/string.h>
#include <mm/pagetable.h>
#include <mm/slab.h>
#include <process/ptrace_access.h>
#include <uapi/errno.h>
#include <uapi/limits.h>
#include "memory.h"

#define PSS_SHIFT 12

// --- The line of an area ---

static const char *name_of(const struct mm *mm, const struct vma *vma, char *buffer)
{
	if (vma->file)
		return path_text(&vma->file->path, buffer, PATH_MAX);
	if (vma->start == mm->vdso)
		return "[vdso]";
	if (mm->vdso && vma->end == mm->vdso)
		return "[vvar]";
	if (vma->start <= mm->brk && vma->end > mm->start_brk)
		return "[heap]";
	if (vma->start <= mm->layout.start_stack && vma->end >= mm->layout.start_stack)
		return "[stack]";
	return "";
}

static void show_line(struct seq *seq, u64 start, u64 end, u32 flags, u64 offset,
		      const struct inode *inode, const char *name, const char *given)
{
	u64 dev = inode ? inode->sb->dev : 0;
	size_t before = seq->count;

	seq_printf(seq, "%08lx-%08lx %c%c%c%c %08lx %02lx:%02lx %lu ", start, end,
		   flags & VM_READ ? 'r' : '-', flags & VM_WRITE ? 'w' : '-',
		   flags & VM_EXEC ? 'x' : '-', flags & VM_SHARED ? 's' : 'p', offset, dev >> 20,
		   dev & 0xfffff, inode ? inode->number : 0);
	// Names stand in one column, as on Linux.
	while ((*name || given) && seq->count - before < 73 && !seq->full)
		seq_putc(seq, ' ');
	if (given)
		seq_printf(seq, "[anon%s:%s]\n", flags & VM_SHARED ? "_shmem" : "", given);
	else
		seq_printf(seq, "%s\n", name);
}

static void show_area(struct seq *seq, struct vma *vma, char *buffer)
{
	show_line(seq, vma->start, vma->end, vma->flags, vma->mapping ? vma->offset : 0,
		  vma->file ? vma->file->inode : NULL, name_of(vma->mm, vma, buffer),
		  vma->name ? vma->name->text : NULL);
}

// --- What is mapped ---

struct resident {
	u64 rss, pss, pss_dirty, shared_clean, shared_dirty, private_clean, private_dirty;
	u64 anonymous, locked, referenced, lazy, huge; // bytes, but pss in parts of one
	u64 pss_of[MM_COUNTERS];
};

static void count_page(struct resident *sum, struct pte entry, u64 sharers, bool locked)
{
	struct page *page = entry_page(entry);
	// Each reference is a table, or the cache of the object.
	u64 others = atomic_read(&page->refs) - (page->flags & PG_CACHE ? 1 : 0);
	u64 mappers = MAX(others, 1ul) - 1 + sharers;
	u64 pss = (PAGE_SIZE << PSS_SHIFT) / mappers;
	bool dirty = page->flags & PG_CACHE ? page->flags & PG_SHMEM : entry.v & PTE_D;

	sum->rss += PAGE_SIZE;
	sum->pss += pss;
	sum->pss_of[page_counter(page)] += pss;
	if (dirty)
		sum->pss_dirty += pss;
	if (mappers > 1)
		*(dirty ? &sum->shared_dirty : &sum->shared_clean) += PAGE_SIZE;
	else
		*(dirty ? &sum->private_dirty : &sum->private_clean) += PAGE_SIZE;
	if (page->flags & PG_ANON)
		sum->anonymous += PAGE_SIZE;
	if ((page->flags & PG_ANON) && !dirty)
		sum->lazy += PAGE_SIZE;
	if (entry.v & PTE_A)
		sum->referenced += PAGE_SIZE;
	if (locked)
		sum->locked += pss;
}

static void count_area(struct resident *sum, struct vma *vma)
{
	struct mm *mm = vma->mm;
	struct pte entry;
	u64 sharers, at = vma->start;

	spin_lock(&mm->table_lock);
	while (table_next(mm, &at, vma->end, &entry, &sharers)) {
		if (entry_page(entry) != zero_page) {
			count_page(sum, entry, sharers, vma->flags & VM_LOCKED);
			if (at % HUGE_SIZE == 0 && pte_leaf(table_peek_middle(mm, at)))
				sum->huge += HUGE_SIZE;
		}
		at += PAGE_SIZE;
	}
	spin_unlock(&mm->table_lock);
}

static void size_line(struct seq *seq, const char *name, u64 bytes)
{
	seq_put_kib(seq, name, bytes / KIB);
}

static void show_resident(struct seq *seq, const struct resident *sum, bool rollup)
{
	size_line(seq, "Rss:", sum->rss);
	size_line(seq, "Pss:", sum->pss >> PSS_SHIFT);
	size_line(seq, "Pss_Dirty:", sum->pss_dirty >> PSS_SHIFT);
	if (rollup) {
		size_line(seq, "Pss_Anon:", sum->pss_of[MM_ANON] >> PSS_SHIFT);
		size_line(seq, "Pss_File:", sum->pss_of[MM_FILE] >> PSS_SHIFT);
		size_line(seq, "Pss_Shmem:", sum->pss_of[MM_SHMEM] >> PSS_SHIFT);
	}
	size_line(seq, "Shared_Clean:", sum->shared_clean);
	size_line(seq, "Shared_Dirty:", sum->shared_dirty);
	size_line(seq, "Private_Clean:", sum->private_clean);
	size_line(seq, "Private_Dirty:", sum->private_dirty);
	size_line(seq, "Referenced:", sum->referenced);
	size_line(seq, "Anonymous:", sum->anonymous);
	size_line(seq, "KSM:", 0);
	size_line(seq, "LazyFree:", sum->lazy);
	size_line(seq, "AnonHugePages:", sum->huge);
	static const char *const never[] = {"ShmemPmdMapped:",  "FilePmdMapped:", "Shared_Hugetlb:",
					    "Private_Hugetlb:", "Swap:",          "SwapPss:"};
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		size_line(seq, never[i], 0);
	size_line(seq, "Locked:", sum->locked >> PSS_SHIFT);
}

static void show_flags(struct seq *seq, u32 flags)
{
	static const struct {
		u32 flag;
		char text[4];
	} names[] = {{VM_READ, "rd"},       {VM_WRITE, "wr"},       {VM_EXEC, "ex"},
		     {VM_SHARED, "sh"},     {VM_MAYREAD, "mr"},     {VM_MAYWRITE, "mw"},
		     {VM_MAYEXEC, "me"},    {VM_SHARED, "ms"},      {VM_GROWSDOWN, "gd"},
		     {VM_LOCKED, "lo"},     {VM_SEQ_READ, "sr"},    {VM_RAND_READ, "rr"},
		     {VM_DONTFORK, "dc"},   {VM_LOCKONFAULT, "lf"}, {VM_ACCOUNT, "ac"},
		     {VM_NORESERVE, "nr"},  {VM_DONTDUMP, "dd"},    {VM_HUGEPAGE, "hg"},
		     {VM_NOHUGEPAGE, "nh"}, {VM_MERGEABLE, "mg"},   {VM_WIPEONFORK, "wf"},
		     {VM_SEALED, "sl"}};

	seq_puts(seq, "VmFlags: ");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (flags & names[i].flag) {
			seq_puts(seq, names[i].text);
			seq_putc(seq, ' ');
		}
	}
	seq_putc(seq, '\n');
}

static void show_area_whole(struct seq *seq, struct vma *vma, char *buffer)
{
	struct resident sum = {0};

	show_area(seq, vma, buffer);
	count_area(&sum, vma);
	size_line(seq, "Size:", vma->end - vma->start);
	size_line(seq, "KernelPageSize:", PAGE_SIZE);
	size_line(seq, "MMUPageSize:", PAGE_SIZE);
	show_resident(seq, &sum, false);
	seq_printf(seq, "THPeligible:           %d\n", huge_eligible(vma));
	show_flags(seq, vma->flags);
}

// --- The files ---

static int show_areas(struct seq *seq, struct task *task,
		      void (*show)(struct seq *, struct vma *, char *))
{
	char *buffer = kmalloc(PATH_MAX, GFP_KERNEL);
	struct vma *vma;

	if (!buffer)
		return -ENOMEM;
	struct mm *mm = ptrace_may_see_memory(task) ? proc_mm_get(task) : NULL;
	if (mm) {
		down_read(&mm->map_lock);
		for_each_vma (vma, mm) {
			if (seq->full)
				break; // it will be made again
			show(seq, vma, buffer);
		}
		up_read(&mm->map_lock);
		mm_put(mm);
	}
	kfree(buffer);
	return 0;
}

int proc_show_maps(struct seq *seq, struct task *task)
{
	return show_areas(seq, task, show_area);
}

int proc_show_smaps(struct seq *seq, struct task *task)
{
	return show_areas(seq, task, show_area_whole);
}

int proc_show_smaps_rollup(struct seq *seq, struct task *task)
{
	struct mm *mm = ptrace_may_see_memory(task) ? proc_mm_get(task) : NULL;
	struct resident sum = {0};
	u64 start = 0, end = 0;
	struct vma *vma;

	if (!mm)
		return -ESRCH;
	down_read(&mm->map_lock);
	for_each_vma (vma, mm) {
		start = start ?: vma->start;
		end = vma->end;
		count_area(&sum, vma);
	}
	up_read(&mm->map_lock);
	mm_put(mm);
	show_line(seq, start, end, 0, 0, NULL, "[rollup]", NULL);
	show_resident(seq, &sum, true);
	return 0;
}
