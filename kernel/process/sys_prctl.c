// prctl(2), for what a task may set of itself.

#include <core/printk.h>
#include <lib/string.h>
#include <mm/mmap.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <sched/pid.h>
#include <sched/process.h>
#include <sched/sched.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/prctl.h>

#include "prctl.h"

static long set_name(u64 address)
{
	char name[16];

	long length = strncpy_from_user(name, address, sizeof(name) - 1);
	if (length < 0)
		return length;
	name[length] = '\0';
	task_set_name(current, name);
	return 0;
}

static long change_securebits(u64 bits)
{
	const struct cred *old = current_cred();

	if (!ns_capable(old->user_ns, CAP_SETPCAP) || (bits & ~0xfful) ||
	    ((old->securebits & 0xaa) >> 1 & (bits ^ old->securebits)))
		return -EPERM;
	struct cred *cred = cred_prepare();
	if (!cred)
		return -ENOMEM;
	cred->securebits = bits;
	cred_commit(cred);
	return 0;
}

static long set_keepcaps(u64 on)
{
	if (on > 1)
		return -EINVAL;
	if (current_cred()->securebits & 0x20) // SECBIT_KEEP_CAPS_LOCKED
		return -EPERM;
	struct cred *cred = cred_prepare();
	if (!cred)
		return -ENOMEM;
	cred->securebits = on ? cred->securebits | SECBIT_KEEP_CAPS
			      : cred->securebits & ~SECBIT_KEEP_CAPS;
	cred_commit(cred);
	return 0;
}

static long drop_bounding(u64 cap)
{
	if (cap > CAP_LAST_CAP)
		return -EINVAL;
	if (!ns_capable(current_cred()->user_ns, CAP_SETPCAP))
		return -EPERM;
	struct cred *cred = cred_prepare();
	if (!cred)
		return -ENOMEM;
	cred->cap_bounding &= ~(1ul << cap);
	cred_commit(cred);
	return 0;
}

// The next task in a walk over all that descend from current's process, depth first, without those
// of a process that is marked already: its descendants are marked too. tasklist_lock held.
static struct task *descendant_next(struct task *at, bool descend)
{
	struct task *thread;

	if (descend) {
		thread_group_for_each (thread, at->process) {
			if (!list_empty(&thread->children))
				return list_first_entry(&thread->children, struct task, sibling);
		}
	}
	while (at->process != current->process) {
		struct task *parent = at->real_parent;

		if (!list_is_last(&at->sibling, &parent->children))
			return list_next_entry(at, sibling);
		// Other threads of the parent have children of their own.
		for (thread = parent;
		     !list_is_last(&thread->thread_node, &parent->process->threads);) {
			thread = list_next_entry(thread, thread_node);
			if (!list_empty(&thread->children))
				return list_first_entry(&thread->children, struct task, sibling);
		}
		at = parent->group_leader;
	}
	return NULL;
}

// Each process knows whether an ancestor may adopt its orphans.
static void set_subreaper(bool on)
{
	struct task *at = current;
	bool descend = true;

	write_lock_irq(&tasklist_lock);
	current->process->is_child_subreaper = on;
	while (on && (at = descendant_next(at, descend))) {
		descend = !at->process->has_child_subreaper;
		at->process->has_child_subreaper = true;
	}
	write_unlock_irq(&tasklist_lock);
}

// What a memory failure would do to the caller; no machine that runs us reports any.
static long set_mce_kill(u64 what, u64 policy)
{
	if (what == PR_MCE_KILL_CLEAR) {
		if (policy)
			return -EINVAL;
		current->mce_kill = MCE_KILL_DEFAULT;
		return 0;
	}
	if (what != PR_MCE_KILL_SET || policy > PR_MCE_KILL_DEFAULT)
		return -EINVAL;
	current->mce_kill = policy == PR_MCE_KILL_EARLY  ? MCE_KILL_EARLY
			    : policy == PR_MCE_KILL_LATE ? MCE_KILL_LATE
							 : MCE_KILL_DEFAULT;
	return 0;
}

static long get_mce_kill(void)
{
	if (current->mce_kill == MCE_KILL_DEFAULT)
		return PR_MCE_KILL_DEFAULT;
	return current->mce_kill == MCE_KILL_EARLY ? PR_MCE_KILL_EARLY : PR_MCE_KILL_LATE;
}

static long set_io_flusher(u64 on)
{
	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;
	if (on > 1)
		return -EINVAL;
	current->io_flusher = on;
	return 0;
}

static long get_io_flusher(u64 a2)
{
	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;
	return a2 ? -EINVAL : current->io_flusher;
}

// PR_CAP_AMBIENT: see capabilities(7).
static long change_ambient(u64 what, u64 cap)
{
	const struct cred *old = current_cred();
	u64 bit = 1ul << (cap & 63);

	if (what == PR_CAP_AMBIENT_CLEAR_ALL ? cap != 0 : cap > CAP_LAST_CAP)
		return -EINVAL;
	if (what == PR_CAP_AMBIENT_IS_SET)
		return !!(old->cap_ambient & bit);
	if (what < PR_CAP_AMBIENT_RAISE || what > PR_CAP_AMBIENT_CLEAR_ALL)
		return -EINVAL;
	if (what == PR_CAP_AMBIENT_RAISE && (!(old->cap_permitted & old->cap_inheritable & bit) ||
					     (old->securebits & SECBIT_NO_CAP_AMBIENT_RAISE)))
		return -EPERM;
	struct cred *cred = cred_prepare();
	if (!cred)
		return -ENOMEM;
	if (what == PR_CAP_AMBIENT_RAISE)
		cred->cap_ambient |= bit;
	else
		cred->cap_ambient &= what == PR_CAP_AMBIENT_LOWER ? ~bit : 0;
	cred_commit(cred);
	return 0;
}

SYSCALL5(prctl, int, option, u64, a2, u64, a3, u64, a4, u64, a5)
{
	switch (option) {
	case PR_SET_NAME:
		return set_name(a2);
	case PR_GET_NAME:
		return copy_to_user(a2, current->name, sizeof(current->name));
	case PR_SET_VMA:
		return prctl_set_vma(a2, a3, a4, a5);
	case PR_SET_MM:
		return prctl_set_mm(a2, a3, a4, a5);
	case PR_GET_AUXV:
		return a4 || a5 ? -EINVAL : prctl_get_auxv(a2, a3);
	case PR_SET_MDWE:
		return a3 || a4 || a5 ? -EINVAL : prctl_set_mdwe(a2);
	case PR_GET_MDWE:
		return a2 || a3 || a4 || a5 ? -EINVAL : (long)current->mm->deny_write_exec;
	case PR_SET_THP_DISABLE:
		return a4 || a5 ? -EINVAL : prctl_set_thp_disable(a2, a3);
	case PR_GET_THP_DISABLE:
		return a2 || a3 || a4 || a5 ? -EINVAL : (long)current->mm->thp_disable;
	case PR_SET_IO_FLUSHER:
		return a3 || a4 || a5 ? -EINVAL : set_io_flusher(a2);
	case PR_GET_IO_FLUSHER:
		return a3 || a4 || a5 ? -EINVAL : get_io_flusher(a2);
	case PR_MCE_KILL:
		return a4 || a5 ? -EINVAL : set_mce_kill(a2, a3);
	case PR_MCE_KILL_GET:
		return a2 || a3 || a4 || a5 ? -EINVAL : get_mce_kill();
	case PR_GET_TIMING:
		return PR_TIMING_STATISTICAL;
	case PR_SET_TIMING:
		return a2 == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
	case PR_GET_SECCOMP:
		return 0; // there is none
	case PR_TASK_PERF_EVENTS_DISABLE:
	case PR_TASK_PERF_EVENTS_ENABLE:
		return 0; // of the events that the caller has, which are none
	case PR_SET_PDEATHSIG:
		if (a2 > 64)
			return -EINVAL;
		current->pdeath_signal = a2;
		return 0;
	case PR_GET_PDEATHSIG:
		return put_user_u32(a2, current->pdeath_signal);
	case PR_GET_DUMPABLE:
		return current->mm->dumpable;
	case PR_SET_DUMPABLE:
		if (a2 > DUMPABLE_USER)
			return -EINVAL;
		mm_set_dumpable(current->mm, a2);
		return 0;
	case PR_SET_CHILD_SUBREAPER:
		set_subreaper(a2);
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_user_u32(a2, current->process->is_child_subreaper);
	case PR_SET_NO_NEW_PRIVS:
		if (a2 != 1 || a3 || a4 || a5)
			return -EINVAL;
		current->no_new_privs = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		if (a2 || a3 || a4 || a5)
			return -EINVAL;
		return current->no_new_privs;
	case PR_GET_KEEPCAPS:
		return !!(current_cred()->securebits & SECBIT_KEEP_CAPS);
	case PR_SET_KEEPCAPS:
		return set_keepcaps(a2);
	case PR_GET_SECUREBITS:
		return current_cred()->securebits;
	case PR_SET_SECUREBITS:
		return change_securebits(a2);
	case PR_CAPBSET_READ:
		if (a2 > CAP_LAST_CAP)
			return -EINVAL;
		return current_cred()->cap_bounding >> a2 & 1;
	case PR_CAPBSET_DROP:
		return drop_bounding(a2);
	case PR_CAP_AMBIENT:
		return a4 || a5 ? -EINVAL : change_ambient(a2, a3);
	case PR_SET_TIMERSLACK:
		if (!policy_is_rt(current->se.policy))
			current->timer_slack_ns = (s64)a2 <= 0 ? current->default_timer_slack_ns
							       : a2;
		return 0;
	case PR_GET_TIMERSLACK:
		return current->timer_slack_ns;
	case PR_GET_TID_ADDRESS:
		return put_user_u64(a2, current->clear_child_tid);
	}
	printk_ratelimited(LOG_INFO, "%s[%d]: prctl option %d is not implemented\n", current->name,
			   task_pid_nr(current), option);
	return -EINVAL;
}
