// Promised memory: see commit.h.

#include <core/atomic.h>
#include <mm/buddy.h>
#include <mm/commit.h>
#include <ns/cred.h>
#include <uapi/capability.h>
#include <uapi/errno.h>
#include <uapi/mman.h>

#define KBYTES_PER_PAGE (PAGE_SIZE / KIB)

u64 overcommit_mode = OVERCOMMIT_GUESS, overcommit_ratio = 50, overcommit_kbytes;
u64 admin_reserve_kbytes = 8192, user_reserve_kbytes = 131072;
static struct atomic64 committed;

u64 commit_pages(void)
{
	s64 pages = atomic64_read(&committed);

	return pages > 0 ? pages : 0;
}

u64 commit_limit_pages(void)
{
	u64 kbytes = READ_ONCE(overcommit_kbytes);

	return kbytes ? kbytes / KBYTES_PER_PAGE
		      : total_pages_count() * READ_ONCE(overcommit_ratio) / 100;
}

// OVERCOMMIT_NEVER keeps some back: for the administrator, and for others than the one who asks.
static bool strictly_allowed(const struct mm *mm)
{
	u64 allowed = commit_limit_pages(), keep = 0;

	if (!capable(CAP_SYS_ADMIN))
		keep += READ_ONCE(admin_reserve_kbytes) / KBYTES_PER_PAGE;
	if (mm)
		keep += MIN(mm->total_pages / 32, READ_ONCE(user_reserve_kbytes) / KBYTES_PER_PAGE);
	return commit_pages() + keep < allowed;
}

int commit_charge(struct mm *mm, u64 pages)
{
	u64 mode = READ_ONCE(overcommit_mode);

	atomic64_add(&committed, pages);
	if (likely(mode == OVERCOMMIT_GUESS ? pages <= total_pages_count()
					    : mode == OVERCOMMIT_ALWAYS || strictly_allowed(mm)))
		return 0;
	atomic64_sub(&committed, pages);
	return -ENOMEM;
}

void commit_uncharge(u64 pages)
{
	atomic64_sub(&committed, pages);
}
