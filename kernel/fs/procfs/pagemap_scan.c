// The ioctl PAGEMAP_SCAN of /proc/PID/pagemap: the runs of pages of an address space that are of the
// kinds asked for.
//
// All pages of areas count, whether there is something at them or not, and all are "written": only
// pages that userfaultfd watches could be otherwise, and there is none. So no page can be
// write-protected in passing either (PM_SCAN_WP_MATCHING): as on Linux, pages that are not watched
// are passed over, or an error with PM_SCAN_CHECK_WPASYNC.
//
// Runs are gathered while map_lock is held, and copied to the caller when it is not: the copy may
// fault.

#include <mm/pagetable.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <sched/sched.h>
#include <uapi/errno.h>
#include <uapi/pagemap.h>
#include "memory.h"

#define CATEGORIES 0x1fful
#define RUNS_MAX   128u        // gathered before they are copied
#define STEP       512ul       // pages that are looked at while table_lock is held
#define USER_MAX   (~0ul >> 1) // Linux checks no more of addresses than their sign

struct scan {
	struct pm_scan_arg arg;
	struct mm *mm;
	u64 at;         // how far it has come
	u64 pages_left; // that may be told of
	u64 copied;     // runs
	u32 count;
	bool finished; // no more may be told of
	struct page_region run[RUNS_MAX];
};

static bool is_wanted(const struct pm_scan_arg *arg, u64 kinds)
{
	kinds ^= arg->category_inverted;
	return (kinds & arg->category_mask) == arg->category_mask &&
	       (!arg->category_anyof_mask || (kinds & arg->category_anyof_mask));
}

// Notes pages of one kind. False: at scan->at the scan is at its end, or runs must be copied first.
static bool add_pages(struct scan *scan, u64 start, u64 end, u64 kinds)
{
	struct page_region *last = scan->count ? &scan->run[scan->count - 1] : NULL;

	scan->at = start;
	if (!scan->arg.vec_len || !is_wanted(&scan->arg, kinds)) {
		scan->at = end;
		return true;
	}
	kinds &= scan->arg.return_mask;
	bool joins = last && last->end == start && last->categories == kinds;
	if (!scan->pages_left || (!joins && scan->copied + scan->count == scan->arg.vec_len)) {
		scan->finished = true;
		return false;
	}
	if (!joins && scan->count == RUNS_MAX)
		return false;
	if (!joins) {
		last = &scan->run[scan->count++];
		*last = (struct page_region){start, start, kinds};
	}
	u64 pages = MIN((end - start) / PAGE_SIZE, scan->pages_left);
	scan->pages_left -= pages;
	scan->at = last->end = start + pages * PAGE_SIZE;
	scan->finished = scan->at < end;
	return !scan->finished;
}

static u64 kinds_of(struct mm *mm, u64 address, struct pte entry)
{
	const struct page *page = entry_page(entry);

	if (entry.v & PTE_GUARD)
		return PAGE_IS_WRITTEN | PAGE_IS_SWAPPED | PAGE_IS_GUARD;
	return PAGE_IS_WRITTEN | PAGE_IS_PRESENT | (page == zero_page ? PAGE_IS_PFNZERO : 0) |
	       (page->flags & PG_CACHE ? PAGE_IS_FILE : 0) |
	       (pte_leaf(table_peek_middle(mm, address)) ? PAGE_IS_HUGE : 0);
}

// From scan->at to `end` in one area, or as far as it goes without a pause. False: as add_pages().
static bool scan_area(struct scan *scan, u64 end)
{
	struct mm *mm = scan->mm;
	struct pte entry;
	u64 sharers;
	bool more = true;

	spin_lock(&mm->table_lock);
	for (u64 n = 0; more && scan->at < end && n < STEP; n++) {
		u64 start = scan->at, next = start;
		bool found = table_next(mm, &next, end, &entry, &sharers);

		next = found ? next : end;
		if (start < next)
			more = add_pages(scan, start, next, PAGE_IS_WRITTEN);
		if (more && found)
			more = add_pages(scan, next, next + PAGE_SIZE, kinds_of(mm, next, entry));
	}
	spin_unlock(&mm->table_lock);
	return more;
}

// -EPERM: see above.
static int gather(struct scan *scan)
{
	struct mm *mm = scan->mm;
	bool more = true;
	int error = 0;

	down_read(&mm->map_lock);
	for (int n = 0; more && !error && n < 16 && scan->at < scan->arg.end; n++) {
		struct vma *vma = vma_find(mm, scan->at);

		if (!vma || vma->start >= scan->arg.end) {
			scan->at = scan->arg.end;
			break;
		}
		scan->at = MAX(scan->at, vma->start);
		if (scan->arg.flags & PM_SCAN_CHECK_WPASYNC)
			error = -EPERM;
		else if (scan->arg.flags & PM_SCAN_WP_MATCHING)
			scan->at = vma->end;
		else
			more = scan_area(scan, MIN(vma->end, scan->arg.end));
	}
	up_read(&mm->map_lock);
	return error;
}

// Copies the runs to the caller: all but the last, which may go on, unless the scan is over.
static int copy_runs(struct scan *scan, bool all)
{
	u32 n = all || !scan->count ? scan->count : scan->count - 1;
	u64 to = scan->arg.vec + scan->copied * sizeof(scan->run[0]);

	if (n && copy_to_user(to, scan->run, n * sizeof(scan->run[0])))
		return -EFAULT;
	if (n < scan->count)
		scan->run[0] = scan->run[n];
	scan->copied += n;
	scan->count -= n;
	return 0;
}

static int scan_all(struct scan *scan)
{
	int error = 0;

	while (!error && !scan->finished && scan->at < scan->arg.end) {
		error = gather(scan);
		if (!error && scan->count == RUNS_MAX)
			error = copy_runs(scan, false);
		if (!error && task_kill_pending(current))
			error = -EINTR;
		cond_resched();
	}
	return error ?: copy_runs(scan, true);
}

static bool is_user_range(u64 start, u64 size)
{
	return size <= USER_MAX && start <= USER_MAX - size;
}

static int check_argument(struct pm_scan_arg *arg)
{
	const u64 flags = PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC;
	u64 kinds = arg->category_inverted | arg->category_mask | arg->category_anyof_mask |
		    arg->return_mask;

	if (arg->size != sizeof(*arg) || (arg->flags & ~flags) || (kinds & ~CATEGORIES))
		return -EINVAL;
	if (arg->start % PAGE_SIZE)
		return -EINVAL;
	if (!is_user_range(arg->start, arg->end - arg->start))
		return -EFAULT;
	if (!arg->vec && arg->vec_len)
		return -EINVAL;
	if (arg->vec && (arg->vec_len > USER_MAX / sizeof(struct page_region) ||
			 !is_user_range(arg->vec, arg->vec_len * sizeof(struct page_region))))
		return -EFAULT;
	arg->end = ALIGN_UP(arg->end, PAGE_SIZE);
	return 0;
}

static long scan_mm(struct mm *mm, u64 argument, struct scan *scan)
{
	if (copy_from_user(&scan->arg, argument, sizeof(scan->arg)))
		return -EFAULT;
	int error = check_argument(&scan->arg);
	if (error)
		return error;
	scan->at = scan->arg.start;
	scan->pages_left = scan->arg.max_pages ?: ~0ul;
	scan->mm = mm;
	if (mm && mm_get_not_empty(mm)) {
		error = scan_all(scan);
		mm_put(mm);
	}
	u64 walk_end = scan->finished && !error ? scan->at : scan->arg.end;
	if (copy_to_user(argument + offsetof(struct pm_scan_arg, walk_end), &walk_end, 8))
		return -EFAULT;
	return error ?: (long)scan->copied;
}

long pagemap_scan(struct mm *mm, u64 argument)
{
	struct scan *scan = kzalloc(sizeof(*scan), GFP_KERNEL);

	if (!scan)
		return -ENOMEM;
	long result = scan_mm(mm, argument, scan);
	kfree(scan);
	return result;
}
