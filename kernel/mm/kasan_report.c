// What a bad access was: the words for kasan.c. Like it, not instrumented itself.
//
// A report names the access, its stack, the memory's kind and its owner: for a slab object and for a
// page who allocated it and who freed it, for a stack frame its variables, for a global its name; and
// shows the shadow around. The kernel then goes on; `kasan=panic` on the command line ends it there.
// The power-off of a machine that has reported fails.

#include <arch/mmu.h>
#include <arch/shadow.h>
#include <core/cmdline.h>
#include <core/panic.h>
#include <core/printk.h>
#include <core/stack_store.h>
#include <lib/string.h>
#include <mm/buddy.h>
#include <mm/kasan.h>
#include <mm/page.h>
#include <mm/slab.h>

#define REPORTS_MAX 16
#define FRAME_MAGIC 0x41b58ab3 // the compiler's, at the start of an instrumented frame

struct kasan_capture *kasan_capture;
static unsigned reports;
static u32 reporting; // one at a time; and the report itself must not report

// --- Who had a page ---

struct page_stacks {
	u32 allocated, freed;
};

static struct page_stacks *page_stacks; // of frame pages_first; [own] as the page

void kasan_pages_init(void)
{
	size_t size = (pages_end - pages_first) * sizeof(struct page_stacks);
	unsigned order = 0;

	while (PAGE_SIZE << order < size)
		order++;
	struct page *block = page_alloc(GFP_KERNEL | GFP_ZERO | GFP_NOINJECT, order);
	page_stacks = block ? page_to_virt(block) : NULL;
}

void kasan_page_allocated(struct page *page, unsigned order)
{
	kasan_unpoison(page_to_virt(page), PAGE_SIZE << order);
	if (page_stacks)
		page_stacks[page_to_pfn(page) - pages_first].allocated = stack_save();
}

void kasan_page_freed(struct page *page, unsigned order)
{
	kasan_poison(page_to_virt(page), PAGE_SIZE << order, KASAN_PAGE_FREE);
	if (page_stacks)
		page_stacks[page_to_pfn(page) - pages_first].freed = stack_save();
}

// --- Words ---

static const char *kind_of(u8 shadow)
{
	switch (shadow) {
	case KASAN_STACK_LEFT:
	case KASAN_STACK_MID:
	case KASAN_STACK_RIGHT:
		return "stack-out-of-bounds";
	case KASAN_SCOPE:
		return "stack-use-after-scope";
	case KASAN_GLOBAL:
		return "global-out-of-bounds";
	case KASAN_VMAP:
		return "vmap-out-of-bounds";
	case KASAN_SLAB_FREE:
		return "slab-use-after-free";
	case KASAN_REDZONE:
		return "slab-out-of-bounds";
	case KASAN_PAGE_FREE:
		return "page-use-after-free";
	default:
		return "bad-access";
	}
}

// The byte that says why: where only the first bytes of a granule are allowed, the next one's.
static u8 reason(u64 address)
{
	u8 *shadow = (u8 *)((address >> 3) + SHADOW_OFFSET);

	return *shadow < 8 ? shadow[1] : *shadow;
}

static void print_stacks(u32 allocated, u32 freed)
{
	if (allocated) {
		pr_emerg("Allocated by:\n");
		stack_print(allocated);
	}
	if (freed) {
		pr_emerg("Freed by:\n");
		stack_print(freed);
	}
}

static void describe_memory(u64 address, struct kasan_capture *found)
{
	struct page *page = virt_to_page((void *)address);
	struct slab_object object;

	if (slab_describe((void *)address, &object)) {
		found->allocated = object.allocated;
		found->freed = object.freed;
		if (!kasan_capture)
			pr_emerg("%ld bytes into an object of %lu bytes at %p, cache %s\n",
				 (long)(address - (u64)object.start), object.size, object.start,
				 object.cache);
	} else if (page_stacks) {
		struct page_stacks *stacks = &page_stacks[page_to_pfn(page) - pages_first];

		found->allocated = stacks->allocated;
		found->freed = stacks->freed;
		if (!kasan_capture)
			pr_emerg("in the page of frame %lx, flags %x\n", page_to_pfn(page),
				 page->flags);
	}
	if (!kasan_capture)
		print_stacks(found->allocated, found->freed);
}

// A frame begins with a magic number, the text that names its variables ("1 32 16 3 a:1": how many,
// then offset, size, length of the name, name), and its function.
static void describe_stack(u64 address)
{
	u64 low = ALIGN_DOWN(address, (u64)KSTACK_SIZE);

	for (u64 at = ALIGN_DOWN(address, 32ul); at >= low && at < address + 1; at -= 32) {
		u64 *frame = (u64 *)at;

		if (frame[0] != FRAME_MAGIC)
			continue;
		pr_emerg("%lu bytes into the frame of %pS, with the variables \"%s\"\n",
			 address - at, (void *)frame[2], (const char *)frame[1]);
		return;
	}
}

static void describe_global(u64 address)
{
	const struct kasan_global *global = kasan_find_global(address);

	if (global)
		pr_emerg("%lu bytes into the global %s of %lu bytes, %s\n",
			 address - (u64)global->start, global->name, global->size, global->file);
}

static void dump_shadow(u64 address)
{
	u64 row = ALIGN_DOWN((address >> 3) + SHADOW_OFFSET, 16ul);

	pr_emerg("Shadow around:\n");
	for (u64 at = row - 32; at <= row + 32; at += 16) {
		u8 *b = (u8 *)at;

		pr_emerg("%s%016lx: %02x %02x %02x %02x %02x %02x %02x %02x "
			 "%02x %02x %02x %02x %02x %02x %02x %02x\n",
			 at == row ? ">" : " ", (at - SHADOW_OFFSET) << 3, b[0], b[1], b[2], b[3],
			 b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
			 b[15]);
	}
}

static void describe(u64 address, struct kasan_capture *found)
{
	if (address < VMAP_BASE && pfn_valid(virt_to_phys((void *)address) >> PAGE_SHIFT))
		describe_memory(address, found);
	else if (!kasan_capture && address >= VMAP_BASE && reason(address) < KASAN_GLOBAL)
		describe_stack(address);
	else if (!kasan_capture && address >= KERNEL_BASE)
		describe_global(address);
}

static void print_report(u64 address, size_t size, bool write, u64 pc, struct kasan_capture *found)
{
	pr_emerg("KASAN: %s in %pS\n", found->kind, (void *)(pc - 1));
	pr_emerg("%s of %lu bytes at %016lx, hart %u\n", write ? "write" : "read", size, address,
		 hart_index());
	dump_stack();
	describe(address, found);
	dump_shadow(address);
	const char *policy = cmdline_get("kasan");
	if (policy && *policy == 'p')
		panic("KASAN: %s", found->kind);
}

void kasan_report(u64 address, size_t size, bool write, u64 pc)
{
	struct kasan_capture found = {
		.kind = kind_of(reason(address)), .address = address, .write = write};

	if (__atomic_exchange_n(&reporting, 1, __ATOMIC_ACQUIRE))
		return;
	if (kasan_capture) {
		found.count = kasan_capture->count + 1;
		describe(address, &found);
		*kasan_capture = found;
	} else if (++reports <= REPORTS_MAX) {
		kernel_fault_noted();
		print_report(address, size, write, pc, &found);
	}
	__atomic_store_n(&reporting, 0, __ATOMIC_RELEASE);
}

unsigned kasan_report_count(void)
{
	return reports;
}
