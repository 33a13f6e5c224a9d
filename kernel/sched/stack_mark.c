// The high-water mark of kernel stacks.
//
// A stack that has just been mapped is filled with a pattern. What lies below the deepest use so far is
// still full of it on all stacks, those that are kept for the next task too, so a task that ends has
// only to be looked at there: if it has left the kilobyte below the mark alone it is no deeper.

#include <arch/context.h>
#include <arch/mmu.h>
#include <core/printk.h>
#include <core/spinlock.h>
#include <lib/string.h>
#include <sched/stack_mark.h>
#include <sched/task.h>

#if CONFIG_DEBUG
#define PATTERN     0x57acc57acc57acc5ul
#define WINDOW      1024
#define ROOM_WANTED (KSTACK_SIZE / 8)

static struct spinlock mark_lock = SPINLOCK_INIT(LOCK_RUN_QUEUE);
static u32 deepest = KSTACK_SIZE / 16; // [mark_lock to write] bytes
static char deepest_name[16];          // [mark_lock]

void stack_mark_prepare(struct task *task)
{
	u64 *stack = task->kstack;

	if (*stack == KSTACK_END)
		return; // had a task before
	for (u32 i = 1; i < KSTACK_SIZE / 8; i++)
		stack[i] = PATTERN;
	*stack = KSTACK_END;
}

static bool touched(const u64 *from, const u64 *to)
{
	while (from < to && *from == PATTERN)
		from++;
	return from < to;
}

static u32 bytes_used(const u64 *stack)
{
	u32 i = 1;

	while (i < KSTACK_SIZE / 8 && stack[i] == PATTERN)
		i++;
	return KSTACK_SIZE - i * 8;
}

void stack_mark_check(const struct task *task)
{
	const u64 *stack = task->kstack;
	const u64 *mark = stack + (KSTACK_SIZE - READ_ONCE(deepest)) / 8;

	if (likely(!touched(MAX(mark - WINDOW / 8, stack + 1), mark)))
		return;
	u32 used = bytes_used(stack);
	unsigned long flags = spin_lock_irqsave(&mark_lock);
	bool news = used > deepest;
	if (news) {
		WRITE_ONCE(deepest, used);
		memcpy(deepest_name, task->name, sizeof(deepest_name));
	}
	spin_unlock_irqrestore(&mark_lock, flags);
	if (news)
		printk(used > KSTACK_SIZE - ROOM_WANTED ? LOG_WARNING : LOG_DEBUG,
		       "kernel stack: %s used %u of %u bytes, the most so far\n", task->name, used,
		       KSTACK_SIZE);
}

u32 stack_mark_deepest(char name[16])
{
	unsigned long flags = spin_lock_irqsave(&mark_lock);
	u32 used = deepest;

	memcpy(name, deepest_name, sizeof(deepest_name));
	spin_unlock_irqrestore(&mark_lock, flags);
	return used;
}
#endif
