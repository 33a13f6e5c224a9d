// Keeps call stacks: an array that only grows, and a hash table into it. Readers of the table need no
// lock, for entries are complete before they are linked, and stay. See stack_store.h.

#include <arch/backtrace.h>
#include <arch/barrier.h>
#include <arch/irq.h>
#include <core/printk.h>
#include <core/stack_store.h>

#define STORE_WORDS (512u << 10)
#define BUCKETS     4096

// In the store: next of the bucket, hash and depth, then the return addresses' lower halves.
struct kept_stack {
	u32 next, hash, depth;
	u32 pc[];
};

static u32 store[STORE_WORDS];
static u32 store_used = 1; // [store_busy]; 0 means no stack
static u32 buckets[BUCKETS];
static u32 store_busy; // a bare lock: allocators call from anywhere

struct capture {
	u32 depth;
	u32 pc[STACK_DEPTH];
};

static bool take_frame(void *ctx, u64 pc)
{
	struct capture *capture = ctx;

	capture->pc[capture->depth++] = (u32)pc;
	return capture->depth < STACK_DEPTH;
}

static struct kept_stack *at(u32 stack)
{
	return (struct kept_stack *)&store[stack];
}

static u32 find(const struct capture *capture, u32 hash)
{
	u32 stack = __atomic_load_n(&buckets[hash % BUCKETS], __ATOMIC_ACQUIRE);

	for (; stack; stack = at(stack)->next) {
		u32 i = 0;

		if (at(stack)->hash != hash || at(stack)->depth != capture->depth)
			continue;
		while (i < capture->depth && at(stack)->pc[i] == capture->pc[i])
			i++;
		if (i == capture->depth)
			return stack;
	}
	return 0;
}

static u32 add(const struct capture *capture, u32 hash)
{
	u32 words = sizeof(struct kept_stack) / 4 + capture->depth, stack = 0;
	unsigned long flags = arch_irq_save();

	while (__atomic_exchange_n(&store_busy, 1, __ATOMIC_ACQUIRE))
		arch_cpu_relax();
	if (store_used + words <= STORE_WORDS) {
		stack = store_used;
		store_used += words;
		struct kept_stack *kept = at(stack);
		kept->next = buckets[hash % BUCKETS];
		kept->hash = hash;
		kept->depth = capture->depth;
		for (u32 i = 0; i < capture->depth; i++)
			kept->pc[i] = capture->pc[i];
		__atomic_store_n(&buckets[hash % BUCKETS], stack, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&store_busy, 0, __ATOMIC_RELEASE);
	arch_irq_restore(flags);
	return stack;
}

u32 stack_save(void)
{
	struct capture capture = {};
	u32 hash = 2166136261u;

	arch_backtrace(NULL, take_frame, &capture);
	for (u32 i = 0; i < capture.depth; i++)
		hash = (hash ^ capture.pc[i]) * 16777619u;
	return find(&capture, hash) ?: add(&capture, hash);
}

void stack_print(u32 stack)
{
	for (u32 i = 0; stack && i < at(stack)->depth; i++)
		pr_emerg("  %pS\n", (void *)(0xffffffff00000000ul + at(stack)->pc[i] - 1));
}
