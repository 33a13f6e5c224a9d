// The life of an address space: made by exec or fork, loaded by the scheduler's switches, emptied
// when the last task leaves it, freed when the last hart has let go of its root table.

#include <arch/irq.h>
#include <arch/string.h>
#include <core/init.h>
#include <core/ipi.h>
#include <lib/string.h>
#include <mm/fault.h>
#include <mm/mapping.h>
#include <mm/mmap.h>
#include <mm/oom.h>
#include <mm/pagetable.h>
#include <mm/shrinker.h>
#include <mm/slab.h>
#include <mm/tlb.h>
#include <ns/cred.h>
#include <sched/sched.h>
#include <uapi/errno.h>
#include <uapi/prctl.h>
#include "internal.h"

// The kernel alone: what idle tasks begin with, one reference for each hart and one for ever.
struct mm init_mm = {.users = REFCOUNT_INIT(1), .refs = REFCOUNT_INIT(MAX_HARTS + 1)};
static struct slab_cache *mm_cache;

int mm_create(struct mm **out)
{
	struct mm *mm = slab_alloc(mm_cache, GFP_KERNEL | GFP_ZERO);
	struct page *root = mm ? page_alloc(GFP_KERNEL | GFP_ZERO, 0) : NULL;

	if (!root) {
		if (mm)
			slab_free(mm_cache, mm);
		return -ENOMEM;
	}
	mm->root = page_to_virt(root);
	mm->id = tlb_new_id();
	root->root_groups = 0;
	arch_root_init(mm->root);
	refcount_init(&mm->users, 1);
	refcount_init(&mm->refs, 1);
	rwsem_init(&mm->map_lock, LOCK_MM_MAP);
	spin_init(&mm->table_lock, LOCK_PAGE_TABLE);
	mm->mmap_base = MM_USER_TOP / 3 * 2;
	mm->dumpable = DUMPABLE_USER;
	mm->core_filter = current->mm ? READ_ONCE(current->mm->core_filter) : CORE_FILTER_DEFAULT;
	mm->thp_disable = current->mm ? READ_ONCE(current->mm->thp_disable) : 0;
	*out = mm;
	return 0;
}

struct mm *mm_get(struct mm *mm)
{
	refcount_get(&mm->users);
	return mm;
}

bool mm_get_not_empty(struct mm *mm)
{
	return refcount_get_not_zero(&mm->users);
}

void mm_grab(struct mm *mm)
{
	refcount_get(&mm->refs);
}

void mm_drop(struct mm *mm)
{
	if (!refcount_put(&mm->refs))
		return;
	page_free_virt(mm->root);
	slab_free(mm_cache, mm);
}

// Nobody runs in it any more; harts may still have the root loaded, whose lower half gets empty.
static void mm_empty(struct mm *mm)
{
	table_lazy_end(mm);
	vmas_release_all(mm); // before the tables: truncation must not come to them any more
	tables_free(mm);
	if (mm->exe_file)
		file_map_ops->put(mm->exe_file);
}

void mm_put(struct mm *mm)
{
	if (refcount_put(&mm->users)) {
		mm_empty(mm);
		oom_mm_emptied(mm);
		mm_drop(mm);
	}
}

static void copy_values(struct mm *copy, const struct mm *old)
{
	copy->mmap_base = old->mmap_base;
	copy->personality = old->personality;
	copy->randomized = old->randomized;
	copy->start_brk = old->start_brk;
	copy->brk = old->brk;
	copy->layout = old->layout;
	copy->vdso = old->vdso;
	copy->auxv_count = old->auxv_count;
	memcpy(copy->auxv, old->auxv, sizeof(copy->auxv));
	copy->dumpable = old->dumpable;
	copy->sealed = old->sealed;
	copy->membarriers = READ_ONCE(old->membarriers);
	copy->thp_disable = READ_ONCE(old->thp_disable);
	if (!(READ_ONCE(old->deny_write_exec) & PR_MDWE_NO_INHERIT))
		copy->deny_write_exec = READ_ONCE(old->deny_write_exec);
	copy->exe_file = old->exe_file;
	if (copy->exe_file)
		file_map_ops->get(copy->exe_file);
}

int mm_dup(struct mm *old, struct mm **out)
{
	struct mm *copy;
	int error = mm_create(&copy);

	if (error)
		return error;
	down_write(&old->map_lock);
	copy_values(copy, old);
	error = vmas_dup(old, copy);
	copy->peak_rss = mm_rss(copy);
	up_write(&old->map_lock);
	if (error) {
		mm_put(copy);
		return error;
	}
	*out = copy;
	return 0;
}

// --- Loading ---

// The scheduler's hook, run-queue lock held: see struct sched_hooks.
static struct mm *mm_switch(struct task *prev, struct task *next)
{
	struct mm *old = prev->active_mm, *drop = NULL;

	if (!next->mm) { // a kernel thread borrows what is loaded
		next->active_mm = old;
		if (prev->mm)
			mm_grab(old);
		else
			prev->active_mm = NULL;
		return NULL;
	}
	if (next->mm != old) {
		tlb_load(next->mm);
		hartmask_clear_atomic(&old->harts, hart_index());
	}
	next->active_mm = next->mm;
	if (!prev->mm) {
		drop = old;
		prev->active_mm = NULL;
	}
	return drop;
}

void mm_exit_current(void)
{
	struct mm *mm = current->mm;

	if (!mm)
		return;
	mm_grab(mm); // stays loaded until the switch
	spin_lock(&current->alloc_lock);
	current->mm = NULL;
	spin_unlock(&current->alloc_lock);
	mm_put(mm);
}

void mm_exec_replace(struct mm *mm)
{
	struct mm *old = current->mm;

	spin_lock(&current->alloc_lock);
	arch_irq_disable();
	struct mm *old_active = current->active_mm; // let_go_here() may change what is borrowed
	current->mm = current->active_mm = mm;
	tlb_load(mm);
	hartmask_clear_atomic(&old_active->harts, hart_index());
	arch_irq_enable();
	spin_unlock(&current->alloc_lock);
	if (old)
		mm_put(old);
	else
		mm_drop(old_active); // it was borrowed
}

// --- Letting go of what is borrowed ---

// In an interrupt: if this hart's task only borrows an address space, it goes on with the kernel's
// own. Which one it left is noted, with the reference, in the sender's list (by hart).
static void let_go_here(void *arg)
{
	struct mm **let_go = arg, *old = current->active_mm;

	if (current->mm || old == &init_mm)
		return;
	mm_grab(&init_mm);
	tlb_load(&init_mm);
	current->active_mm = &init_mm;
	hartmask_clear_atomic(&old->harts, hart_index());
	let_go[hart_index()] = old;
}

// An idle hart keeps what ran there last, even when that has come to its end.
static u64 lazy_mms_shrink(void)
{
	struct mm *let_go[MAX_HARTS] = {NULL};
	u64 count = 0;

	ipi_call(&harts_online, let_go_here, let_go, true);
	for (u32 i = 0; i < MAX_HARTS; i++) {
		if (!let_go[i])
			continue;
		mm_drop(let_go[i]);
		count++;
	}
	return count;
}
SHRINKER(lazy_mms, lazy_mms_shrink);

// --- Small things ---

void mm_set_exe_file(struct mm *mm, struct file *file)
{
	file_map_ops->get(file);
	mm->exe_file = file;
}

void mm_set_layout(struct mm *mm, const struct mm_layout *layout)
{
	mm->layout = *layout;
	mm->start_brk = mm->brk = mm_brk_base(mm, layout->brk);
}

void mm_set_auxv(struct mm *mm, u64 entry[][2], int count)
{
	mm->auxv_count = MIN(count, AUXV_ENTRIES_MAX);
	memcpy(mm->auxv, entry, mm->auxv_count * sizeof(mm->auxv[0]));
}

void mm_set_dumpable(struct mm *mm, u32 dumpable)
{
	WRITE_ONCE(mm->dumpable, dumpable);
}

// Who has changed identity is not looked into by others, and leaves no core.
static void reset_dumpable(struct task *task)
{
	if (task->mm)
		mm_set_dumpable(task->mm, DUMPABLE_DISABLED);
}

static int mm_module_init(void)
{
	cred_dumpable_reset = reset_dumpable;
	mm_cache = slab_cache_create("mm", sizeof(struct mm), 0, SLAB_HWALIGN | SLAB_PANIC, NULL);
	vma_init();
	mapping_module_init();
	init_mm.root = arch_kernel_root();
	init_task.active_mm = &init_mm;
	sched_hooks.mm_switch = mm_switch;
	sched_hooks.mm_drop_lazy = mm_drop;
	return 0;
}
INITCALL(EARLY, mm_module_init);
