// User page tables: walking, filling, clearing.
#pragma once

#include <mm/mm.h>

// The leaf entry for an address, or NULL if there is no table. Within rcu or with table_lock.
struct pte *table_lookup(struct mm *mm, u64 address);
// The same, making the tables. NULL: no memory. No spinlock held.
struct pte *table_make(struct mm *mm, u64 address);

// Rights of an entry for an area.
u64 vma_pte_bits(const struct vma *vma);

// Unmaps [start, end), drops the pages, flushes. map_lock held.
void table_zap(struct mm *mm, u64 start, u64 end);
// Frees all tables but the root; nothing is mapped any more or ever again.
void tables_free(struct mm *mm);
// Applies new rights to what is mapped. map_lock written.
void table_protect(struct mm *mm, struct vma *vma, u64 start, u64 end);
// fork: copies the entries of an area, write-protecting private ones on both sides. -ENOMEM.
int table_copy(struct mm *to, struct mm *from, struct vma *vma);
// Moves the entries of a range elsewhere (mremap). -ENOMEM.
int table_move(struct mm *mm, u64 from, u64 to, u64 length);

enum mm_counter page_counter(const struct page *page);
void mm_count(struct mm *mm, enum mm_counter kind, s64 change); // table_lock held
