// /proc/PID/pagemap, a word for each page of an address space, and clear_refs, which forgets what was
// accessed and the peak of what was resident.
//
// An open pagemap keeps the address space that the process had when it was opened, but does not keep
// it alive. Soft-dirty bits need a bit in the entries that this hardware does not leave to us;
// as on Linux without them, asking to clear them does nothing.

#include <core/printk.h>
#include <fs/file.h>
#include <fs/procfs/procfs.h>
#include <lib/parse.h>
#include <lib/string.h>
#include <mm/pagetable.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <process/ptrace_access.h>
#include <uapi/capability.h>
#include <uapi/errno.h>
#include <uapi/pagemap.h>
#include "memory.h"

#define WORD         sizeof(u64)
#define PM_FRAME     ((1ul << 55) - 1)
#define PM_EXCLUSIVE (1ul << 56)
#define PM_GUARD     (1ul << 58)
#define PM_FILE      (1ul << 61)
#define PM_SWAP      (1ul << 62)
#define PM_PRESENT   (1ul << 63)

// What stands in the place of a frame for a guard: a swap entry of the kind that marks something.
#define GUARD_MARKER 30ul

static u64 word_of(struct pte entry, u64 sharers)
{
	struct page *page = entry_page(entry);

	if (entry.v & PTE_GUARD)
		return PM_SWAP | PM_GUARD | GUARD_MARKER;
	u64 word = PM_PRESENT | pte_pfn(entry);
	if (page == zero_page)
		return word;
	if (page->flags & PG_CACHE)
		word |= PM_FILE;
	// Each reference is a table, or the cache of the object.
	if (atomic_read(&page->refs) - (page->flags & PG_CACHE ? 1 : 0) == 1 && sharers == 1)
		word |= PM_EXCLUSIVE;
	return word;
}

static void fill_words(struct mm *mm, u64 start, u64 end, u64 *words, bool frames)
{
	struct pte entry;
	u64 sharers, at = start;

	memset(words, 0, (end - start) / PAGE_SIZE * WORD);
	spin_lock(&mm->table_lock);
	while (table_next(mm, &at, end, &entry, &sharers)) {
		u64 word = word_of(entry, sharers);

		words[(at - start) / PAGE_SIZE] = frames ? word : word & ~PM_FRAME;
		at += PAGE_SIZE;
	}
	spin_unlock(&mm->table_lock);
}

// Words from *pos on, a page of them at a time.
static ssize_t read_words(struct mm *mm, struct iov_iter *iter, u64 *pos, bool frames)
{
	u64 *words = kmalloc(PAGE_SIZE, GFP_KERNEL);
	u64 end = MM_USER_TOP / PAGE_SIZE * WORD;
	ssize_t done = 0;

	if (!words)
		return -ENOMEM;
	while (iter_count(iter) && *pos < end) {
		size_t n = MIN(MIN(iter_count(iter), end - *pos), PAGE_SIZE);
		u64 first = *pos / WORD * PAGE_SIZE;

		fill_words(mm, first, first + n / WORD * PAGE_SIZE, words, frames);
		if (iter_copy_to(iter, words, n) < n) {
			done = -EFAULT;
			break;
		}
		done += n;
		*pos += n;
	}
	kfree(words);
	return done;
}

static ssize_t pagemap_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct mm *mm = file->private;

	if (*pos % WORD || iter_count(iter) % WORD)
		return -EINVAL;
	if (!mm || !mm_get_not_empty(mm))
		return 0;
	ssize_t done = read_words(mm, iter, pos,
				  cred_capable(file->cred, &init_user_ns, CAP_SYS_ADMIN));
	mm_put(mm);
	return done;
}

static int pagemap_open(struct inode *inode, struct file *file)
{
	struct task *task;
	int error = proc_inode_task(inode, &task);

	if (error)
		return error;
	struct mm *mm = proc_mm_get(task);
	if (!mm)
		error = -ESRCH;
	else if (mm != current->mm && !ptrace_may_see_memory(task))
		error = -EACCES;
	if (mm && !error) {
		mm_grab(mm);
		file->private = mm;
	}
	if (mm)
		mm_put(mm);
	task_put(task);
	return error;
}

static int pagemap_release(struct file *file)
{
	if (file->private)
		mm_drop(file->private);
	return 0;
}

static s64 pagemap_llseek(struct file *file, s64 offset, int whence)
{
	if (whence > 1)
		return -EINVAL;
	file->pos = whence ? file->pos + offset : (u64)offset;
	return file->pos;
}

static long pagemap_ioctl(struct file *file, u32 command, u64 argument)
{
	if (command == PAGEMAP_SCAN)
		return pagemap_scan(file->private, argument);
	printk_ratelimited(LOG_INFO, "pagemap: ioctl %x is not implemented\n", command);
	return -EINVAL;
}

const struct file_ops proc_pagemap_ops = {
	.open = pagemap_open,
	.release = pagemap_release,
	.read = pagemap_read,
	.llseek = pagemap_llseek,
	.ioctl = pagemap_ioctl,
};

// --- clear_refs ---

#define TEXT_MAX 12

enum {
	CLEAR_ALL = 1,
	CLEAR_ANONYMOUS,
	CLEAR_MAPPED,
	CLEAR_SOFT_DIRTY,
	CLEAR_PEAK,
};

static void reset_peak(struct mm *mm)
{
	spin_lock(&mm->table_lock);
	mm->peak_rss = mm_rss(mm);
	spin_unlock(&mm->table_lock);
}

static int forget_accesses(struct mm *mm, s64 what)
{
	struct vma *vma;
	int error = 0;

	down_read(&mm->map_lock);
	for_each_vma (vma, mm) {
		if (what == (vma->mapping ? CLEAR_ANONYMOUS : CLEAR_MAPPED))
			continue;
		error = table_forget_accesses(mm, vma->start, vma->end);
		if (error)
			break;
	}
	up_read(&mm->map_lock);
	return error;
}

ssize_t proc_write_clear_refs(struct task *task, char *text, size_t n)
{
	s64 what;
	int error;

	n = MIN(n, (size_t)TEXT_MAX);
	text[n] = '\0';
	text += strspn(text, " \t\n");
	for (size_t length = strlen(text); length && strchr(" \t\n", text[length - 1]);)
		text[--length] = '\0';
	error = parse_s64(text, NULL, 10, &what);
	if (error || what != (int)what)
		return error ?: -ERANGE;
	if (what < CLEAR_ALL || what > CLEAR_PEAK)
		return -EINVAL;
	struct mm *mm = proc_mm_get(task);
	if (!mm)
		return n;
	if (what == CLEAR_PEAK)
		reset_peak(mm);
	else if (what != CLEAR_SOFT_DIRTY)
		error = forget_accesses(mm, what);
	mm_put(mm);
	return error ?: (ssize_t)n;
}
