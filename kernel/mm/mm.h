// An address space, and the areas it is made of.
#pragma once

#include <arch/mmu.h>
#include <core/hart.h>
#include <core/refcount.h>
#include <core/spinlock.h>
#include <lib/rbtree.h>
#include <mm/page.h>
#include <sched/rwsem.h>

struct file;
struct mapping;
struct mm;
struct vma;

#define MM_USER_TOP      USER_TOP
#define MM_MMAP_MIN_ADDR mmap_min_addr // below only with CAP_SYS_RAWIO
#define MM_STACK_GUARD   (256 * PAGE_SIZE)
#define AUXV_ENTRIES_MAX 32

enum vma_flags {
	VM_READ = 1 << 0,
	VM_WRITE = 1 << 1,
	VM_EXEC = 1 << 2,
	VM_SHARED = 1 << 3,
	VM_MAYREAD = 1 << 4,
	VM_MAYWRITE = 1 << 5,
	VM_MAYEXEC = 1 << 6,
	VM_GROWSDOWN = 1 << 7,
	VM_LOCKED = 1 << 8,
	VM_DONTFORK = 1 << 9,
	VM_WIPEONFORK = 1 << 10,
	VM_NORESERVE = 1 << 11,
	VM_STACK = 1 << 12,
	VM_VDSO = 1 << 13,        // data of the vDSO, which may be exchanged
	VM_LOCKONFAULT = 1 << 14, // locked, but not filled at once
	VM_ACCOUNT = 1 << 15,     // its pages are promised: see commit.h
	VM_DONTDUMP = 1 << 16,
	VM_HUGEPAGE = 1 << 17,
	VM_NOHUGEPAGE = 1 << 18,
	VM_MERGEABLE = 1 << 19,
	VM_RAND_READ = 1 << 20,
	VM_SEQ_READ = 1 << 21,
	VM_SEALED = 1 << 23,
	VM_ACCESS = VM_READ | VM_WRITE | VM_EXEC,
	VM_LOCK_BITS = VM_LOCKED | VM_LOCKONFAULT,
};

// Legend: [map] mm->map_lock, written to change, read to look.
struct vma {
	struct rb_node node;     // [map]
	u64 start, end;          // [map] page-aligned, end exclusive
	u32 flags;               // [map] enum vma_flags
	struct mm *mm;           // [I]
	struct mapping *mapping; // [I] of a file or of shared memory; NULL = private anonymous
	struct list_head mapping_link; // [mapping->vmas_lock]
	struct file *file;             // [I] counted; NULL for anonymous memory
	u64 offset;                    // [map] of start in the mapping, bytes
	struct anon_name *name;        // [map] counted; NULL: none
};

// The name that a program gave an anonymous area (PR_SET_VMA).
struct anon_name {
	struct refcount refs;
	char text[];
};

// What upper floors do for files that are mapped; registered once by fs.
struct file_map_ops {
	void (*get)(struct file *file);
	void (*put)(struct file *file);
	// Frees a range of the file's pages, which then read as zeroes. Errors as fallocate(2).
	int (*punch)(struct file *file, u64 offset, u64 length);
};
extern const struct file_map_ops *file_map_ops;

// Where parts of a program are; for /proc and brk.
struct mm_layout {
	u64 start_code, end_code, start_data, end_data, start_stack;
	u64 arg_start, arg_end, env_start, env_end, brk;
};

enum mm_counter {
	MM_ANON,
	MM_FILE,
	MM_SHMEM,
	MM_COUNTERS
};

// Legend: [map] map_lock, [table] table_lock, [a] atomic, [I].
struct mm {
	struct refcount users; // [a] tasks; the last drop empties it
	struct refcount refs;  // [a] of the struct: users together hold one; lazy borrowers
	struct pte *root;      // [I]
	struct rw_semaphore map_lock;
	struct spinlock table_lock; // page tables and what they map
	struct rb_root vmas;        // [map]
	u32 vma_count;              // [map]
	u32 personality;            // [I] of the program: how its places are drawn
	bool randomized;            // [I] they are drawn at random
	u64 mmap_base;              // [I] mappings go below
	u64 free_top, free_skipped; // [map] see mm_find_free()
	u64 start_brk, brk;         // [map]
	u64 total_pages, locked_pages, stack_pages, data_pages, exec_pages; // [map]
	u64 account_pages;                                                  // [map] with VM_ACCOUNT
	bool sealed;               // [map] some area is sealed
	u32 new_flags;             // [map] mlockall(MCL_FUTURE)
	s64 counters[MM_COUNTERS]; // [table] pages mapped
	u64 peak_rss, peak_total;  // [table], [map]
	u64 table_pages;           // [table]
	struct mm_layout layout;   // [map]
	u64 vdso;                  // [I] after exec
	u64 auxv[AUXV_ENTRIES_MAX][2];
	int auxv_count;
	struct file *exe_file;   // [map]
	struct hartmask harts;   // [a] harts that have it loaded
	u64 id;                  // [I] told apart by tlb.c from all others that ever were
	struct atomic64 flushes; // [a] mm_flush() was called so often
	u32 dumpable;            // [a]
	u32 core_filter;         // [a] /proc/PID/coredump_filter
	u32 membarriers;         // [a] what membarrier(2) has registered
	u32 deny_write_exec;     // [a] PR_SET_MDWE
	u32 thp_disable;         // [a] PR_SET_THP_DISABLE: 0, 1, or 3 (but for advised areas)
	u64 rseq_cids;           // [a] process/rseq.c
	bool lazy;               // [table_bits.c] in the list of those that have pages to take away
	struct list_head lazy_link;
};

enum {
	DUMPABLE_DISABLED,
	DUMPABLE_USER,
	DUMPABLE_SUID
};

// What of the memory goes into a core file. New programs have their parent's.
enum core_filter {
	CORE_ANON_PRIVATE = 1 << 0,
	CORE_ANON_SHARED = 1 << 1,
	CORE_FILE_PRIVATE = 1 << 2,
	CORE_FILE_SHARED = 1 << 3,
	CORE_ELF_HEADERS = 1 << 4,
	CORE_HUGE_PRIVATE = 1 << 5, // there are none of these two and of the next two kinds
	CORE_FILTER_DEFAULT = CORE_ANON_PRIVATE | CORE_ANON_SHARED | CORE_ELF_HEADERS |
			      CORE_HUGE_PRIVATE,
	CORE_FILTER_ALL = (1 << 9) - 1,
};

// mm.thp_disable.
enum {
	THP_DISABLED = 1,
	THP_ONLY_ADVISED = 3, // others get none anyway
};

extern u64 mmap_min_addr; // [a] /proc/sys/vm/mmap_min_addr
extern struct mm init_mm;

// --- Life ---

int mm_create(struct mm **out); // -ENOMEM
// fork: a copy of current's areas; private pages become copy-on-write. -ENOMEM, -EAGAIN.
int mm_dup(struct mm *old, struct mm **out);
struct mm *mm_get(struct mm *mm);
bool mm_get_not_empty(
	struct mm *mm); // false: its last user has left; the caller has mm_grab()bed it
void mm_put(struct mm *mm);
void mm_grab(struct mm *mm); // only the struct and the root table
void mm_drop(struct mm *mm);
static inline bool mm_is_shared(struct mm *mm)
{
	return refcount_read(&mm->users) > 1;
}
// Current lets go of its memory for good (exit).
void mm_exit_current(void);
// Current takes `mm` (and its reference) instead of what it had (exec).
void mm_exec_replace(struct mm *mm);
void mm_set_exe_file(struct mm *mm, struct file *file);
void mm_set_layout(struct mm *mm, const struct mm_layout *layout);
void mm_set_auxv(struct mm *mm, u64 entry[][2], int count);
void mm_set_dumpable(struct mm *mm, u32 dumpable);
static inline u64 mm_vdso_base(const struct mm *mm)
{
	return mm->vdso;
}

// --- Accounting, pages ---

static inline u64 mm_rss(const struct mm *mm)
{
	s64 sum = mm->counters[MM_ANON] + mm->counters[MM_FILE] + mm->counters[MM_SHMEM];

	return sum > 0 ? sum : 0;
}

static inline u64 mm_peak_rss(const struct mm *mm)
{
	return MAX(READ_ONCE(mm->peak_rss), mm_rss(mm));
}

// --- Areas (map_lock held) ---

// The first area that ends above `address`; it may begin above it too.
struct vma *vma_find(struct mm *mm, u64 address);
struct vma *vma_next(struct vma *vma);
struct vma *vma_first(struct mm *mm);
#define for_each_vma(vma, mm) for ((vma) = vma_first(mm); (vma); (vma) = vma_next(vma))

// The area of an address, or NULL.
static inline struct vma *vma_at(struct mm *mm, u64 address)
{
	struct vma *vma = vma_find(mm, address);

	return vma && vma->start <= address ? vma : NULL;
}

// --- Access from the kernel to an address space that need not be current's ---

int mm_copy_to(struct mm *mm, u64 to, const void *from, size_t n); // 0 or -EFAULT
int mm_copy_from(struct mm *mm, u64 from, void *to, size_t n);
int mm_clear(struct mm *mm, u64 start, size_t n);
size_t mm_copy_to_partial(struct mm *mm, u64 to, const void *from, size_t n); // bytes done
size_t mm_copy_from_partial(struct mm *mm, u64 from, void *to, size_t n);
long mm_strnlen(struct mm *mm, u64 string, size_t max);

void mm_init(void);
