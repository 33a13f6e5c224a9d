// A random fork tree: address spaces that descend from one, on all harts at once, do what programs
// do to their memory, and are compared with a model of what each must see. Tables are shared as
// much as possible, so that every operation meets shared ones.

#include <core/selftest.h>
#include <lib/string.h>
#include <mm/buddy.h>
#include <mm/mapping.h>
#include <mm/mmap.h>
#include <mm/pagetable.h>
#include <mm/shrinker.h>
#include <mm/slab.h>
#include <mm/vmap.h>
#include <sched/completion.h>
#include <sched/sched.h>
#include <uapi/errno.h>
#include <uapi/mman.h>

#define AREA       0x10000000ul // crosses borders of leaf tables
#define AREA_PAGES 1500
#define ELSEWHERE  0x50000000ul // under another middle table
#define SPACES     4            // address spaces that a thread has at most
#define ROUNDS     3000
#define THREADS    4

// What an address space must show: the word at the start of each page; 0 = never written.
struct space {
	struct mm *mm;
	u32 word[AREA_PAGES];
};

struct tree {
	struct selftest_run *run;
	struct completion done;
	u64 seed;
	bool bad, huge;
	struct space space[SPACES];
};

static u64 next_random(struct tree *tree)
{
	tree->seed = tree->seed * 6364136223846793005ul + 1442695040888963407ul;
	return tree->seed >> 33;
}

static void expect(struct tree *tree, bool right, const char *what)
{
	if (right || tree->bad)
		return;
	tree->bad = true;
	CHECK(tree->run, !"fork tree");
	pr_err("fork tree: %s\n", what);
}

static u64 resident(const struct space *space)
{
	u64 count = 0;

	for (int i = 0; i < AREA_PAGES; i++)
		count += space->word[i] != 0;
	return count;
}

// What the tables say is resident.
static u64 mapped(struct mm *mm)
{
	u64 at = 0, count = 0, sharers;
	struct pte entry;

	spin_lock(&mm->table_lock);
	for (; table_next(mm, &at, MM_USER_TOP, &entry, &sharers); at += PAGE_SIZE)
		count += entry_page(entry) != zero_page;
	spin_unlock(&mm->table_lock);
	return count;
}

static void write_page(struct tree *tree, struct space *space, unsigned page)
{
	u32 value = next_random(tree) | 1;

	if (mm_copy_to(space->mm, AREA + page * PAGE_SIZE, &value, 4))
		expect(tree, false, "write");
	space->word[page] = value;
}

static void check_page(struct tree *tree, struct space *space, unsigned page)
{
	u32 value = 0xdead;

	expect(tree, !mm_copy_from(space->mm, AREA + page * PAGE_SIZE, &value, 4), "read");
	expect(tree, value == space->word[page], "contents");
}

static void check_all(struct tree *tree, struct space *space)
{
	for (unsigned i = 0; i < AREA_PAGES; i++)
		check_page(tree, space, i);
	u64 rss = mm_rss(space->mm), wanted = resident(space);
	expect(tree, tree->huge ? rss >= wanted : rss == wanted, "rss");
	expect(tree, rss == mapped(space->mm), "rss is what is mapped");
}

static void fork_space(struct tree *tree, struct space *parent)
{
	struct space *child = &tree->space[next_random(tree) % SPACES];

	if (child == parent)
		return;
	if (child->mm) {
		if (next_random(tree) % 4 == 0)
			check_all(tree, child);
		mm_put(child->mm);
	}
	*child = *parent;
	child->mm = NULL;
	expect(tree, !mm_dup(parent->mm, &child->mm), "fork");
}

static void forget_range(struct tree *tree, struct space *space, unsigned first, unsigned count)
{
	u64 at = AREA + first * PAGE_SIZE, result;
	int error;

	if (next_random(tree) % 2) {
		error = mm_madvise(space->mm, at, count * PAGE_SIZE, MADV_DONTNEED);
	} else {
		error = mm_munmap(space->mm, at, count * PAGE_SIZE);
		u32 byte;
		expect(tree, mm_copy_from(space->mm, at, &byte, 4), "reads what is unmapped");
		if (!error)
			error = mm_mmap(space->mm, at, count * PAGE_SIZE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0, &result);
	}
	expect(tree, !error, "forget");
	memset(&space->word[first], 0, count * sizeof(space->word[0]));
}

static void protect_range(struct tree *tree, struct space *space, unsigned first, unsigned count)
{
	u64 at = AREA + first * PAGE_SIZE;
	u32 value = 1;

	expect(tree, !mm_mprotect(space->mm, at, count * PAGE_SIZE, PROT_READ), "mprotect");
	expect(tree, mm_copy_to(space->mm, at, &value, 4), "writes what is read-only");
	check_page(tree, space, first);
	expect(tree, !mm_mprotect(space->mm, at, count * PAGE_SIZE, PROT_READ | PROT_WRITE),
	       "mprotect back");
}

// There and back again.
static void move_range(struct tree *tree, struct space *space, unsigned first, unsigned count)
{
	u64 at = AREA + first * PAGE_SIZE, size = count * PAGE_SIZE;
	u64 there = ELSEWHERE + (next_random(tree) % 2000) * PAGE_SIZE;
	u32 value;

	long result = mm_mremap(space->mm, at, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, there);
	expect(tree, result == (long)there, "mremap");
	expect(tree, !mm_copy_from(space->mm, there, &value, 4) && value == space->word[first],
	       "moved contents");
	result = mm_mremap(space->mm, there, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, at);
	expect(tree, result == (long)at, "mremap back");
}

// Huge pages are wanted or not, or made of what is there; contents stay what they are. Writes split
// them soon, so most of this makes new ones.
static void advise_range(struct tree *tree, struct space *space, unsigned first, unsigned count)
{
	bool collapse = next_random(tree) % 4;
	u64 at = AREA, size = AREA_PAGES * PAGE_SIZE;

	int error = mm_madvise(space->mm, at, size, MADV_HUGEPAGE);
	if (collapse) {
		error = mm_madvise(space->mm, at, size, MADV_COLLAPSE);
		error = error == -EINVAL || error == -ENOMEM ? 0 : error;
	} else if (count % 2) {
		error = mm_madvise(space->mm, at + first * PAGE_SIZE, count * PAGE_SIZE,
				   MADV_NOHUGEPAGE);
	}
	expect(tree, !error, "advice");
}

static void step(struct tree *tree)
{
	struct space *space = &tree->space[next_random(tree) % SPACES];
	unsigned page = next_random(tree) % AREA_PAGES;
	unsigned count = 1 + next_random(tree) % (next_random(tree) % 8 ? 20 : 1200);

	if (!space->mm)
		return;
	count = MIN(count, AREA_PAGES - page);
	if (tree->huge && next_random(tree) % 16 == 0)
		advise_range(tree, space, page, count);
	switch (next_random(tree) % 16) {
	case 0:
	case 1:
		fork_space(tree, space);
		break;
	case 2:
		forget_range(tree, space, page, count);
		break;
	case 3:
		protect_range(tree, space, page, count);
		break;
	case 4:
		move_range(tree, space, page, count);
		break;
	case 5:
	case 6:
	case 7:
	case 8:
	case 9:
		check_page(tree, space, page);
		break;
	default:
		write_page(tree, space, page);
	}
}

static int grow_tree(void *arg)
{
	struct tree *tree = arg;

	for (int i = 0; i < ROUNDS && !tree->bad; i++) {
		step(tree);
		cond_resched();
	}
	for (int i = 0; i < SPACES; i++) {
		if (!tree->space[i].mm)
			continue;
		check_all(tree, &tree->space[i]);
		mm_put(tree->space[i].mm);
	}
	complete(&tree->done);
	return 0;
}

static struct mm *ancestor(struct selftest_run *run, u32 *words, bool huge)
{
	struct mm *mm;
	u64 result;

	if (!CHECK(run, !mm_create(&mm)))
		return NULL;
	CHECK(run, !mm_mmap(mm, AREA, AREA_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0, &result));
	if (huge)
		CHECK(run, !mm_madvise(mm, AREA, AREA_PAGES * PAGE_SIZE, MADV_HUGEPAGE));
	for (u32 i = 0; i < AREA_PAGES; i += 2) {
		words[i] = i + 1;
		CHECK(run, !mm_copy_to(mm, AREA + i * PAGE_SIZE, &words[i], 4));
	}
	return mm;
}

static void run_trees(struct selftest_run *run, struct tree *trees, bool huge)
{
	struct mm *first = ancestor(run, trees[0].space[0].word, huge);
	struct task *task;

	if (!first)
		return;
	for (int i = 0; i < THREADS; i++) {
		struct tree *tree = &trees[i];

		tree->run = run;
		tree->huge = huge;
		tree->seed = 77 + i;
		completion_init(&tree->done);
		if (i)
			memcpy(tree->space[0].word, trees[0].space[0].word,
			       sizeof(tree->space[0].word));
		CHECK(run, !mm_dup(first, &tree->space[0].mm));
	}
	for (int i = 0; i < THREADS; i++) {
		CHECK(run, !kthread_run(grow_tree, &trees[i], &task, "forktree%d", i));
		task_put(task);
	}
	for (int i = 0; i < THREADS; i++)
		wait_for_completion(&trees[i].done);
	mm_put(first);
}

static u64 free_after_drain(void)
{
	memory_shrink();
	return free_pages_count();
}

static void test_forktree(struct selftest_run *run)
{
	unsigned leaf = share_copy_leaf, middle = share_copy_middle;
	struct tree *trees = vmap_alloc(THREADS * sizeof(*trees), GFP_KERNEL);

	if (!CHECK(run, trees))
		return;
	for (int round = 0; round < 4; round++) {
		memset(trees, 0, THREADS * sizeof(*trees));
		share_copy_leaf = round % 2 ? 0 : leaf;
		share_copy_middle = round % 2 ? 0 : middle;
		u64 before = free_after_drain();
		run_trees(run, trees, round >= 2);
		sleep_until(clock_monotonic_ns() + 50 * NSEC_PER_MSEC); // threads free their stacks
		u64 after = free_after_drain();
		if (!CHECK(run, after + 40 >= before))
			pr_err("fork tree: %lu pages of %lu lost\n", before - after, before);
	}
	share_copy_leaf = leaf;
	share_copy_middle = middle;
	vfree(trees);
}
SELFTEST(forktree, test_forktree);

// A huge page that was given up is taken as a whole, unless it was written since or has a sharer.
static void test_huge_lazy(struct selftest_run *run)
{
	u32 *words = vmap_alloc(AREA_PAGES * sizeof(*words), GFP_KERNEL), value;
	struct mm *mm, *child;
	u64 at = ALIGN_UP(AREA, HUGE_SIZE);

	if (!CHECK(run, words) || !(mm = ancestor(run, words, true))) {
		vfree(words);
		return;
	}
	u64 resident = mm_rss(mm);
	CHECK(run, !mm_madvise(mm, at, HUGE_SIZE, MADV_FREE));
	CHECK(run, !mm_copy_from(mm, at, &value, 4) && value);
	CHECK(run, !mm_copy_to(mm, at, &value, 4));
	memory_shrink();
	CHECK(run, mm_rss(mm) == resident);
	CHECK(run, !mm_madvise(mm, at, HUGE_SIZE, MADV_FREE));
	CHECK(run, !mm_dup(mm, &child));
	memory_shrink();
	CHECK(run, mm_rss(mm) == resident);
	mm_put(child);
	CHECK(run, !mm_copy_from(mm, at, &value, 4) && value); // the tables are its own again
	memory_shrink();
	CHECK(run, mm_rss(mm) == resident - PT_ENTRIES);
	CHECK(run, !mm_copy_from(mm, at, &value, 4) && !value);
	CHECK(run, !mm_copy_from(mm, at + HUGE_SIZE, &value, 4) && value);
	mm_put(mm);
	vfree(words);
}
SELFTEST(huge_lazy, test_huge_lazy);

// Truncation reaches what is mapped through tables that are shared.
static void test_truncate(struct selftest_run *run)
{
	struct mm *mm, *child;
	struct mapping *mapping;
	u64 result;
	u32 value = 7;

	CHECK(run, !mm_create(&mm));
	CHECK(run, !shmem_create(100 * PAGE_SIZE, false, &mapping));
	CHECK(run, !mm_mmap_object(mm, AREA, 100 * PAGE_SIZE, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_FIXED, NULL, mapping, VM_MAYREAD | VM_MAYWRITE,
				   0, &result));
	for (u64 i = 0; i < 100; i++)
		CHECK(run, !mm_copy_to(mm, AREA + i * PAGE_SIZE, &value, 4));
	CHECK(run, mm->counters[MM_SHMEM] == 100);
	CHECK(run, !mm_dup(mm, &child));
	CHECK(run, child->counters[MM_SHMEM] == 100);
	value = 8;
	CHECK(run, !mm_copy_to(mm, AREA, &value, 4));
	CHECK(run, !mm_copy_from(child, AREA, &value, 4) && value == 8);
	mapping_truncate(mapping, 10 * PAGE_SIZE);
	CHECK(run, mm->counters[MM_SHMEM] == 10 && child->counters[MM_SHMEM] == 10);
	CHECK(run, mm_copy_from(child, AREA + 10 * PAGE_SIZE, &value, 4) == -EFAULT);
	CHECK(run, mm_copy_from(mm, AREA + 99 * PAGE_SIZE, &value, 4) == -EFAULT);
	CHECK(run, !mm_copy_from(mm, AREA + 9 * PAGE_SIZE, &value, 4) && value == 7);
	mm_put(child);
	mm_put(mm);
	CHECK(run, list_empty(&mapping->vmas) && mapping->page_count == 10);
	mapping_put(mapping);
}
SELFTEST(truncate, test_truncate);
