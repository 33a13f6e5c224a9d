// The options of prctl(2) that concern the memory of the caller: called by sys_prctl.c, which says
// what is refused.

#include <core/printk.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/mmap.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <sched/pid.h>
#include <uapi/errno.h>
#include <uapi/prctl.h>

#include "prctl.h"

#define MM_MAP_SIZE 104 // of Linux's struct prctl_mm_map

long prctl_set_vma(u64 what, u64 start, u64 length, u64 address)
{
	char name[80];

	if (what != PR_SET_VMA_ANON_NAME)
		return -EINVAL;
	if (!address)
		return mm_set_anon_name(current->mm, start, length, NULL);
	long got = strncpy_from_user(name, address, sizeof(name));
	if (got < 0)
		return got;
	if (got == sizeof(name))
		return -EINVAL;
	for (long i = 0; i < got; i++) {
		if (name[i] < ' ' || name[i] > '~' || strchr("\\`$[]", name[i]))
			return -EINVAL;
	}
	return mm_set_anon_name(current->mm, start, length, name);
}

long prctl_get_auxv(u64 address, u64 size)
{
	const struct mm *mm = current->mm;

	if (copy_to_user(address, mm->auxv, MIN(size, sizeof(mm->auxv))))
		return -EFAULT;
	return sizeof(mm->auxv);
}

// --- Memory that is written is not executed ---

long prctl_set_mdwe(u64 bits)
{
	struct mm *mm = current->mm;
	u32 old = READ_ONCE(mm->deny_write_exec);

	if (bits & ~(u64)(PR_MDWE_REFUSE_EXEC_GAIN | PR_MDWE_NO_INHERIT))
		return -EINVAL;
	if ((bits & PR_MDWE_NO_INHERIT) && !(bits & PR_MDWE_REFUSE_EXEC_GAIN))
		return -EINVAL;
	if (old && old != bits)
		return -EPERM;
	WRITE_ONCE(mm->deny_write_exec, bits);
	return 0;
}

// --- Large pages ---

long prctl_set_thp_disable(u64 disable, u64 flags)
{
	if (flags & ~(u64)PR_THP_DISABLE_EXCEPT_ADVISED || (flags && !disable))
		return -EINVAL;
	WRITE_ONCE(current->mm->thp_disable, disable ? 1 | flags : 0);
	return 0;
}

// --- PR_SET_MM: where things are, for /proc ---

static u64 *layout_field(struct mm_layout *layout, u64 what)
{
	switch (what) {
	case PR_SET_MM_START_CODE:
		return &layout->start_code;
	case PR_SET_MM_END_CODE:
		return &layout->end_code;
	case PR_SET_MM_START_DATA:
		return &layout->start_data;
	case PR_SET_MM_END_DATA:
		return &layout->end_data;
	case PR_SET_MM_START_STACK:
		return &layout->start_stack;
	case PR_SET_MM_ARG_START:
		return &layout->arg_start;
	case PR_SET_MM_ARG_END:
		return &layout->arg_end;
	case PR_SET_MM_ENV_START:
		return &layout->env_start;
	case PR_SET_MM_ENV_END:
		return &layout->env_end;
	}
	return NULL;
}

static bool layout_ok(const struct mm_layout *l)
{
	return l->start_code < l->end_code && l->start_data <= l->end_data &&
	       l->arg_start <= l->arg_end && l->env_start <= l->env_end;
}

// An address must be in some area, but for the ends of code and data.
static int set_layout(struct mm *mm, u64 what, u64 address)
{
	struct mm_layout layout;
	int error = 0;

	down_write(&mm->map_lock);
	layout = mm->layout;
	*layout_field(&layout, what) = address;
	const struct vma *vma = vma_find(mm, address);
	if (!layout_ok(&layout))
		error = -EINVAL;
	else if (what >= PR_SET_MM_START_STACK && (!vma || vma->start > address))
		error = -EFAULT;
	else
		mm->layout = layout;
	up_write(&mm->map_lock);
	return error;
}

long prctl_set_mm(u64 what, u64 address, u64 a4, u64 a5)
{
	struct mm_layout none;

	if (a5 ||
	    (a4 && what != PR_SET_MM_AUXV && what != PR_SET_MM_MAP && what != PR_SET_MM_MAP_SIZE))
		return -EINVAL;
	if (what == PR_SET_MM_MAP_SIZE)
		return put_user_u32(address, MM_MAP_SIZE);
	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;
	if (!layout_field(&none, what)) {
		printk_ratelimited(LOG_INFO, "%s[%d]: prctl(PR_SET_MM, %lu) is not implemented\n",
				   current->name, task_pid_nr(current), what);
		return -EINVAL;
	}
	if (address >= MM_USER_TOP || address < READ_ONCE(mmap_min_addr))
		return -EINVAL;
	return set_layout(current->mm, what, address);
}
