// ioctl(2) on /proc/PID/pagemap.
#pragma once

#include <uapi/types.h>

#define PAGEMAP_SCAN 0xc0606610u

#define PAGE_IS_WPALLOWED  (1 << 0)
#define PAGE_IS_WRITTEN    (1 << 1)
#define PAGE_IS_FILE       (1 << 2)
#define PAGE_IS_PRESENT    (1 << 3)
#define PAGE_IS_SWAPPED    (1 << 4)
#define PAGE_IS_PFNZERO    (1 << 5)
#define PAGE_IS_HUGE       (1 << 6)
#define PAGE_IS_SOFT_DIRTY (1 << 7)
#define PAGE_IS_GUARD      (1 << 8)

#define PM_SCAN_WP_MATCHING   (1 << 0)
#define PM_SCAN_CHECK_WPASYNC (1 << 1)

struct page_region {
	u64 start, end;
	u64 categories;
};

struct pm_scan_arg {
	u64 size;
	u64 flags;
	u64 start, end;
	u64 walk_end; // out: where the scan stopped
	u64 vec;      // of struct page_region
	u64 vec_len;
	u64 max_pages; // 0: any number
	u64 category_inverted;
	u64 category_mask, category_anyof_mask;
	u64 return_mask;
};
