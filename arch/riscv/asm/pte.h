#pragma once

#include <asm/layout.h>
#include <lib/base.h>

struct pte {
	u64 v;
};

#define PTE_V   (1ul << 0)
#define PTE_R   (1ul << 1)
#define PTE_W   (1ul << 2)
#define PTE_X   (1ul << 3)
#define PTE_U   (1ul << 4)
#define PTE_G   (1ul << 5)
#define PTE_A   (1ul << 6)
#define PTE_D   (1ul << 7)
#define PTE_SW0 (1ul << 8) // for software
#define PTE_SW1 (1ul << 9)

#define PT_LEVELS       3
#define PT_ENTRIES      512
#define PT_SHIFT(level) (PAGE_SHIFT + 9 * (level)) // level 0 is the leaf

#define PTE_PFN_SHIFT 10
#define PTE_PFN_MASK  (((1ul << 44) - 1) << PTE_PFN_SHIFT)

static inline struct pte pte_make(u64 pfn, u64 bits)
{
	return (struct pte){(pfn << PTE_PFN_SHIFT) | bits | PTE_V};
}

static inline u64 pte_pfn(struct pte pte)
{
	return (pte.v & PTE_PFN_MASK) >> PTE_PFN_SHIFT;
}

static inline u64 pte_bits(struct pte pte)
{
	return pte.v & ~PTE_PFN_MASK;
}

static inline bool pte_none(struct pte pte)
{
	return pte.v == 0;
}

static inline bool pte_present(struct pte pte)
{
	return pte.v & PTE_V;
}

// A leaf maps a page; otherwise a present entry points to the next table.
static inline bool pte_leaf(struct pte pte)
{
	return pte.v & (PTE_R | PTE_W | PTE_X);
}

static inline bool pte_write(struct pte pte)
{
	return pte.v & PTE_W;
}

static inline struct pte pte_read(const struct pte *p)
{
	return (struct pte){READ_ONCE(p->v)};
}

static inline void pte_set(struct pte *p, struct pte pte)
{
	WRITE_ONCE(p->v, pte.v);
}

static inline struct pte pte_xchg(struct pte *p, struct pte pte)
{
	return (struct pte){__atomic_exchange_n(&p->v, pte.v, __ATOMIC_ACQ_REL)};
}

// For entries in which the hardware may be setting A or D: nothing is lost. Gives what was there.
static inline struct pte pte_clear_bits(struct pte *p, u64 bits)
{
	return (struct pte){__atomic_fetch_and(&p->v, ~bits, __ATOMIC_RELAXED)};
}

static inline struct pte pte_set_bits(struct pte *p, u64 bits)
{
	return (struct pte){__atomic_fetch_or(&p->v, bits, __ATOMIC_RELAXED)};
}

static inline bool pte_cmpxchg(struct pte *p, struct pte old, struct pte new)
{
	return __atomic_compare_exchange_n(&p->v, &old.v, new.v, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

static inline unsigned pt_index(u64 va, int level)
{
	return (va >> PT_SHIFT(level)) & (PT_ENTRIES - 1);
}
