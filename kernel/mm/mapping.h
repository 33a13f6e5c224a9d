// The pages of an object: of a file, or of shared memory.
#pragma once

#include <core/refcount.h>
#include <core/spinlock.h>
#include <lib/rbtree.h>
#include <mm/page.h>
#include <sched/mutex.h>

struct iov_iter;
struct mapping_node;
struct vma;

// Legend: [tree] tree_lock; [vmas] vmas_lock; [inode] the inode's lock.
struct mapping {
	struct spinlock tree_lock;
	struct mapping_node *root; // [tree] radix tree of pages by index
	unsigned height;           // [tree] levels; 0 = empty
	u64 page_count;            // [tree]
	u64 size;                  // [inode to write] bytes; beyond it faults are SIGBUS
	u64 page_limit_used;       // for the owner
	struct mutex vmas_lock;    // also keeps moves of entries (mremap) out of truncation
	struct list_head vmas;     // [vmas] areas that map it; a fork's child behind its parent
	struct atomic64 writers;   // [a] areas that may write it, and mmaps under way; -1: denied
	struct atomic64 identity;  // [a] see futex_key.c; 0: not asked for yet
	bool account;              // [I] its size is charged (shared anonymous memory)
	bool shmem;                // [I] counted as shared memory, not as a file
	void *host;                // [I] the inode
	struct refcount refs;      // [a] for objects without inode (shared anonymous memory)
	void (*destroy)(struct mapping *mapping); // [I] at the last mapping_put()
};

void mapping_init(struct mapping *mapping, void *host);
// Frees all pages. Nobody maps it.
void mapping_destroy(struct mapping *mapping);

// The page at an index with a reference; made, zeroed, if it is missing and `index` is below the
// size (or `create`). -EFAULT beyond the size, -ENOMEM.
int mapping_get_page(struct mapping *mapping, u64 index, bool create, struct page **page);
// Only if it is there.
struct page *mapping_find_page(struct mapping *mapping, u64 index);
// How many pages it has from `first` to `last`.
u64 mapping_count_pages(struct mapping *mapping, u64 first, u64 last);
// The same for `count` pages from an index on, at once; NULL for those that are not.
void mapping_find_pages(struct mapping *mapping, u64 index, unsigned count, struct page **found);
// Cuts or extends. Pages beyond are unmapped everywhere and freed, the rest of the last one is
// zeroed. The caller holds the inode's lock for writing; sleeps.
void mapping_truncate(struct mapping *mapping, u64 size);
// Unmaps the object's pages first..last everywhere; `copies`: private copies of them too.
void mapping_unmap(struct mapping *mapping, u64 first, u64 last, bool copies);
// Frees the pages first..last, which read as zeroes from then on. The inode's lock as above.
void mapping_punch(struct mapping *mapping, u64 first, u64 last);
// Notes that an area maps the object, or no longer does. `after`: the area that it was copied from.
void mapping_add_vma(struct mapping *mapping, struct vma *vma, struct vma *after);
void mapping_remove_vma(struct mapping *mapping, struct vma *vma);

// Before mapping an object shared so that it may be written; until the area is there. False: denied.
bool mapping_writer_get(struct mapping *mapping);
void mapping_writer_put(struct mapping *mapping);
// Denies that for ever, unless somebody maps it so.
bool mapping_deny_writers(struct mapping *mapping);

// read(2) and write(2). The caller holds the inode's lock for writing. Bytes done, or an error.
ssize_t mapping_read(struct mapping *mapping, struct iov_iter *iter, u64 *pos);
ssize_t mapping_write(struct mapping *mapping, struct iov_iter *iter, u64 *pos);

// Shared anonymous memory of a size; one reference. `account`: its pages are promised (commit.h).
// -ENOMEM.
int shmem_create(u64 size, bool account, struct mapping **out);
struct mapping *mapping_get(struct mapping *mapping);
void mapping_put(struct mapping *mapping);
u64 mapping_pages_count(void); // of all objects together
void mapping_module_init(void);
