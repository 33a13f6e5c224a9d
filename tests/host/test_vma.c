// The areas of an address space, as the kernel builds them (mm/vma.c, mmap.c, mprotect.c, mseal.c),
// on the host: random changes, some of them without memory for a split, and after each the whole
// tree against a plain model, an attribute for each page. Page tables and files are stand-ins.
#include "check.h"
#include <mm/commit.h>
#include <mm/mapping.h>
#include <mm/mmap.h>
#include <mm/pagetable.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <sched/task.h>
#include <uapi/errno.h>
#include <uapi/mman.h>
#include "../../kernel/mm/internal.h"

#define PAGES   300 // of the window, from address 0 on; the first is not used
#define OBJECTS 3
#define ROUNDS  60000

// --- What the files need from elsewhere ---

static struct task one_task;
struct task *host_task = &one_task;
u64 overcommit_mode;
struct page *pages, *zero_page;
u64 pages_first, pages_end;
static s64 promised;
static long areas_made, chance; // 1 in `chance` allocations fails

void *slab_alloc(struct slab_cache *cache, u32 gfp)
{
	(void)cache, (void)gfp;
	if (chance && !random_below(chance))
		return NULL;
	areas_made++;
	return calloc(1, sizeof(struct vma));
}

void slab_free(struct slab_cache *cache, void *object)
{
	(void)cache;
	areas_made--;
	free(object);
}

struct slab_cache *slab_cache_create(const char *name, size_t size, size_t align, u32 flags,
				     void (*ctor)(void *))
{
	(void)name, (void)size, (void)align, (void)flags, (void)ctor;
	return NULL;
}

int commit_charge(struct mm *mm, u64 count)
{
	(void)mm;
	promised += count;
	return 0;
}

void commit_uncharge(u64 count)
{
	promised -= count;
}

struct mapping *mapping_get(struct mapping *mapping)
{
	mapping->refs.n.v++;
	return mapping;
}

void mapping_put(struct mapping *mapping)
{
	mapping->refs.n.v--;
}

void mapping_add_vma(struct mapping *mapping, struct vma *vma, struct vma *after)
{
	(void)vma, (void)after;
	mapping->page_count++; // of areas, here
}

void mapping_remove_vma(struct mapping *mapping, struct vma *vma)
{
	(void)vma;
	mapping->page_count--;
}

bool mapping_writer_get(struct mapping *mapping)
{
	(void)mapping;
	return true;
}

// clang-format off
void mapping_writer_put(struct mapping *mapping) { (void)mapping; }
int shmem_create(u64 size, bool account, struct mapping **out) { (void)size, (void)account, (void)out; return -ENOMEM; }
void kfree(void *object) { free(object); }
void down_write(struct rw_semaphore *s) { (void)s; }
void up_write(struct rw_semaphore *s) { (void)s; }
void spin_wait(struct spinlock *lock) { (void)lock; }
bool capable(int cap) { (void)cap; return true; }
bool may_mlock(void) { return true; }
int mlock_check_more(struct mm *mm, u64 n, u32 flags) { (void)mm, (void)n, (void)flags; return 0; }
int mm_populate(struct mm *mm, u64 start, u64 end) { (void)mm, (void)start, (void)end; return 0; }
int table_zap(struct mm *mm, u64 start, u64 end) { (void)mm, (void)start, (void)end; return 0; }
int table_split_at(struct mm *mm, u64 address) { (void)mm, (void)address; return 0; }
int table_protect(struct mm *mm, struct vma *vma, u64 start, u64 end) { (void)mm, (void)vma, (void)start, (void)end; return 0; }
int tables_share(struct mm *from, struct mm *to) { (void)from, (void)to; return 0; }
// No page was ever written, so that promises depend on rights alone.
bool table_next(struct mm *mm, u64 *address, u64 end, struct pte *entry, u64 *sharers) { (void)mm, (void)address, (void)end, (void)entry, (void)sharers; return false; }
// clang-format on

// --- The model ---

struct attribute {
	u32 flags;
	struct mapping *mapping;
	u64 offset;
	bool mapped;
};

static struct attribute model[PAGES];
static struct mapping objects[OBJECTS];
static struct mm mm;

static bool alike(const struct attribute *a, const struct attribute *b)
{
	return a->mapped == b->mapped && a->flags == b->flags && a->mapping == b->mapping &&
	       (!a->mapping || a->offset == b->offset);
}

static struct attribute attribute_of(const struct vma *vma, u64 page)
{
	return (struct attribute){.mapped = true,
				  .flags = vma->flags,
				  .mapping = vma->mapping,
				  .offset = vma->offset + page * PAGE_SIZE - vma->start};
}

// What the tree says of each page of the window.
static void read_tree(struct attribute *out)
{
	struct vma *vma;

	memset(out, 0, PAGES * sizeof(*out));
	for_each_vma (vma, &mm) {
		for (u64 page = vma->start / PAGE_SIZE; page < vma->end / PAGE_SIZE; page++) {
			if (page < PAGES)
				out[page] = attribute_of(vma, page);
		}
	}
}

// --- The rules that always hold ---

static bool mergeable_with_next(const struct vma *low, const struct vma *high)
{
	return low->end == high->start && low->flags == high->flags &&
	       low->mapping == high->mapping &&
	       (!low->mapping || low->offset + low->end - low->start == high->offset);
}

static int check_colours(const struct rb_node *node, const struct rb_node *parent)
{
	if (!node)
		return 1;
	bool black = node->parent_color & 1;
	int left = check_colours(node->left, node), right = check_colours(node->right, node);

	if (rb_parent(node) != parent || left < 0 || left != right)
		return -1;
	return !black && (!parent || !(parent->parent_color & 1)) ? -1 : left + black;
}

static void check_tree(bool all_merged)
{
	struct vma *vma, *before = NULL;
	u64 total = 0, data = 0, stack = 0, exec = 0, account = 0, count = 0, mapped = 0;

	for_each_vma (vma, &mm) {
		u64 n = (vma->end - vma->start) / PAGE_SIZE;

		CHECK(vma->start < vma->end && vma->start % PAGE_SIZE == 0 && vma->mm == &mm);
		CHECK(!before || before->end <= vma->start);
		CHECK(!all_merged || !before || !mergeable_with_next(before, vma));
		total += n;
		count++;
		mapped += vma->mapping != NULL;
		account += vma->flags & VM_ACCOUNT ? n : 0;
		if ((vma->flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) == VM_EXEC)
			exec += n;
		else if (vma->flags & VM_GROWSDOWN)
			stack += n;
		else if ((vma->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
			data += n;
		before = vma;
	}
	CHECK(check_colours(mm.vmas.node, NULL) > 0);
	CHECK_EQ(count, mm.vma_count);
	CHECK_EQ(count, areas_made);
	CHECK_EQ(total, mm.total_pages);
	CHECK(data == mm.data_pages && stack == mm.stack_pages && exec == mm.exec_pages);
	CHECK(account == mm.account_pages && (s64)account == promised);
	u64 links = 0, references = 0;
	for (int i = 0; i < OBJECTS; i++) {
		links += objects[i].page_count;
		references += objects[i].refs.n.v - 1;
	}
	CHECK(links == mapped && references == mapped);
}

static void check_find(void)
{
	for (int i = 0; i < 8; i++) {
		u64 address = random_below(PAGES * PAGE_SIZE), page = address / PAGE_SIZE;
		struct vma *vma = vma_at(&mm, address), *next = vma_find(&mm, address);

		CHECK_EQ(vma != NULL, model[page].mapped);
		while (page < PAGES && !model[page].mapped)
			page++;
		if (page < PAGES) {
			struct attribute found;

			if (!CHECK(next && next->start <= page * PAGE_SIZE &&
				   next->end > page * PAGE_SIZE))
				continue;
			found = attribute_of(next, page);
			CHECK(alike(&found, &model[page]));
		} else {
			CHECK(!next || next->start >= PAGES * PAGE_SIZE);
		}
	}
}

static void check_model(void)
{
	static struct attribute seen[PAGES];

	read_tree(seen);
	for (int page = 0; page < PAGES; page++) {
		if (!alike(&seen[page], &model[page])) {
			CHECK(!"a page is not what the model says");
			break;
		}
	}
	check_find();
}

// --- Changes ---

// After a change of a range to `wanted` that may have failed: outside nothing has happened, inside
// each page is as it was, as wanted, or (if something else had to go first) not mapped.
static void settle(u64 first, u64 count, const struct attribute *wanted, int error, bool may_unmap)
{
	static struct attribute seen[PAGES];

	read_tree(seen);
	for (u64 page = 0; page < PAGES; page++) {
		struct attribute want = *wanted;
		bool inside = page >= first && page < first + count;

		want.offset += (page - first) * PAGE_SIZE;
		bool right = inside && !error ? alike(&seen[page], &want)
					      : alike(&seen[page], &model[page]);
		if (inside && error)
			right = right || alike(&seen[page], &want) ||
				(may_unmap && !seen[page].mapped);
		if (!CHECK(right))
			printf("\tpage %lu of %lu+%lu, error %d\n", page, first, count, error);
	}
	memcpy(model, seen, sizeof(model));
}

static void map_some(u64 first, u64 count)
{
	static const int prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
				    PROT_READ | PROT_EXEC};
	int prot = prots[random_below(4)], flags = MAP_FIXED | MAP_ANONYMOUS;
	struct attribute want = {.mapped = true, .offset = random_below(4) * PAGE_SIZE};
	u64 result;

	if (random_below(2))
		want.mapping = &objects[random_below(OBJECTS)];
	bool shared = want.mapping && random_below(2), grows = !want.mapping && !random_below(6);
	flags |= shared ? MAP_SHARED : MAP_PRIVATE;
	flags |= grows ? MAP_GROWSDOWN : 0;
	want.flags = vma_flags_of_prot(&mm, prot) | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC |
		     (shared ? VM_SHARED : 0) | (grows ? VM_GROWSDOWN : 0);
	int error = mm_mmap_object(&mm, first * PAGE_SIZE, count * PAGE_SIZE, prot, flags, NULL,
				   want.mapping, VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC, want.offset,
				   &result);
	if (!shared && (prot & PROT_WRITE))
		want.flags |= VM_ACCOUNT;
	CHECK(error == 0 || error == -ENOMEM);
	CHECK(error || result == first * PAGE_SIZE);
	settle(first, count, &want, error, true);
}

static void unmap_some(u64 first, u64 count)
{
	struct attribute nothing = {.mapped = false};
	int error = mm_munmap(&mm, first * PAGE_SIZE, count * PAGE_SIZE);

	CHECK(error == 0 || error == -ENOMEM);
	settle(first, count, &nothing, error, false);
}

// Rights differ from page to page in what stays, so each page is looked at for itself.
static void protect_some(u64 first, u64 count)
{
	static struct attribute seen[PAGES];
	static const int prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};
	int prot = prots[random_below(3)];
	bool hole = false;

	int error = mm_mprotect(&mm, first * PAGE_SIZE, count * PAGE_SIZE, prot);
	read_tree(seen);
	for (u64 page = 0; page < PAGES; page++) {
		struct attribute want = model[page];

		if (page >= first && page < first + count) {
			hole |= !want.mapped;
			want.flags = (want.flags & ~VM_ACCESS) | vma_flags_of_prot(&mm, prot);
		}
		// What a change of rights does to promises is told by the sums.
		want.flags |= VM_ACCOUNT;
		seen[page].flags |= VM_ACCOUNT;
		model[page].flags |= VM_ACCOUNT;
		bool changed = seen[page].mapped && alike(&seen[page], &want);
		CHECK(changed || ((hole || error) && alike(&seen[page], &model[page])) ||
		      (!seen[page].mapped && !model[page].mapped));
	}
	CHECK(error == 0 || error == -ENOMEM);
	CHECK(!hole || error);
	read_tree(model);
}

// --- Room ---

static u64 gap_top(const struct vma *vma)
{
	return (vma->flags & VM_GROWSDOWN) && vma->start > MM_STACK_GUARD
		       ? vma->start - MM_STACK_GUARD
		       : vma->start;
}

// Free, and far enough from the next area if that grows.
static bool has_room(u64 at, u64 length)
{
	struct vma *vma;

	for_each_vma (vma, &mm) {
		if (at < vma->end)
			return at + length <= gap_top(vma);
	}
	return true;
}

// The highest place of all, page by page.
static u64 search(u64 top, u64 length, u64 align)
{
	for (u64 at = ALIGN_DOWN(top - length, align); at >= PAGE_SIZE && at < top; at -= align) {
		if (has_room(at, length))
			return at;
		if (at < align)
			break;
	}
	return 0;
}

// The search remembers where it was, for the next one; who is not bound to pages gets a place that
// need not be the highest.
static void find_room(void)
{
	u64 length = (1 + random_below(24)) * PAGE_SIZE, align = PAGE_SIZE << random_below(4), at;
	struct mm remembered = mm;

	u64 highest = search(mm.mmap_base, length, align);
	int error = mm_find_free(&mm, length, align, &at);
	if (!CHECK(!error))
		return;
	CHECK(at % align == 0 && has_room(at, length));
	if (align > PAGE_SIZE || !highest) {
		CHECK(highest || at + length > mm.mmap_base);
		mm.free_top = remembered.free_top;
		mm.free_skipped = remembered.free_skipped;
		return;
	}
	if (!CHECK_EQ(at, highest))
		return;
	u32 may = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
	struct attribute want = {.mapped = true, .flags = may | VM_READ};
	error = mm_mmap_object(&mm, at, length, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS,
			       NULL, NULL, may, 0, &at);
	settle(at / PAGE_SIZE, length / PAGE_SIZE, &want, error, false);
	if (error)
		mm.free_top = 0; // it was found, but not taken
}

static void change(void)
{
	u64 first = 1 + random_below(PAGES - 1);
	u64 count = 1 + random_below(random_below(4) ? 12 : 120);

	count = MIN(count, PAGES - first);
	switch (random_below(6)) {
	case 0:
	case 1:
		map_some(first, count);
		break;
	case 2:
		unmap_some(first, count);
		break;
	case 3:
	case 4:
		protect_some(first, count);
		break;
	default:
		find_room();
	}
}

static void empty(void)
{
	chance = 0;
	CHECK(!mm_munmap(&mm, PAGE_SIZE, PAGES * PAGE_SIZE));
	CHECK(mm.vma_count == 0 && areas_made == 0 && promised == 0 && mm.total_pages == 0);
	memset(&mm, 0, sizeof(mm));
	memset(model, 0, sizeof(model));
	mm.mmap_base = PAGES * PAGE_SIZE;
	for (int i = 0; i < OBJECTS; i++)
		objects[i].refs.n.v = 1;
}

static void run(long one_in)
{
	empty();
	chance = one_in;
	for (int i = 0; i < ROUNDS && !check_failures; i++) {
		change();
		check_model();
		check_tree(!one_in);
	}
	empty();
}

static void test_changes(void)
{
	run(0);
}

static void test_without_memory(void)
{
	run(12);
}

// --- Sealing ---

static void test_sealed(void)
{
	u64 result;

	empty();
	CHECK(!mm_mmap_object(&mm, PAGE_SIZE, 20 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, NULL, NULL,
			      VM_MAYREAD | VM_MAYWRITE, 0, &result));
	CHECK_EQ(mm_seal(&mm, 5 * PAGE_SIZE, 4 * PAGE_SIZE), 0);
	CHECK_EQ(mm.vma_count, 3);
	CHECK_EQ(mm_seal(&mm, 7 * PAGE_SIZE, 4 * PAGE_SIZE), 0);
	CHECK_EQ(mm.vma_count, 3);
	CHECK_EQ(mm_seal(&mm, 15 * PAGE_SIZE, 10 * PAGE_SIZE), -ENOMEM);
	CHECK_EQ(mm_munmap(&mm, 10 * PAGE_SIZE, PAGE_SIZE), -EPERM);
	CHECK_EQ(mm_mprotect(&mm, PAGE_SIZE, 20 * PAGE_SIZE, PROT_READ), -EPERM);
	CHECK_EQ(mm_munmap(&mm, 11 * PAGE_SIZE, 10 * PAGE_SIZE), 0);
	for (u64 page = 5; page < 11; page++)
		CHECK(vma_at(&mm, page * PAGE_SIZE)->flags & VM_SEALED);
	mm.sealed = false; // only so that the test can give it back
	empty();
}

static const struct test tests[] = {
	{"areas against a model", test_changes},
	{"areas against a model, without memory", test_without_memory},
	{"sealed areas", test_sealed},
};

int main(void)
{
	overcommit_mode = OVERCOMMIT_GUESS;
	mm.mmap_base = PAGES * PAGE_SIZE;
	return run_tests(tests, ARRAY_SIZE(tests));
}
