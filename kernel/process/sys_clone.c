// clone(2), clone3(2), unshare(2), set_tid_address(2): decoding of arguments.

#include <core/printk.h>
#include <lib/string.h>
#include <mm/uaccess.h>
#include <process/clone.h>
#include <process/clone_flags.h>
#include <process/resources.h>
#include <sched/pid.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/sched.h>
#include <uapi/signal.h>

// riscv64 has the order of CONFIG_CLONE_BACKWARDS: flags, stack, parent_tid, tls, child_tid.
SYSCALL5(clone, u64, flags, u64, stack, u64, parent_tid, u64, tls, u64, child_tid)
{
	struct clone_request request = {
		.flags = (u32)flags & ~(u64)CSIGNAL,
		.exit_signal = flags & CSIGNAL,
		.stack = stack,
		.parent_tid = parent_tid,
		.pidfd = parent_tid,
		.child_tid = child_tid,
		.tls = tls,
	};

	return task_clone(&request);
}

// --- clone3 ---

#define CLONE_ARGS_SIZE_VER0 64
#define CLONE_ARGS_SIZE_VER2 88

// Copies a structure whose size the caller states: shorter ones are filled with zeroes, longer
// ones must have zeroes where we know no fields (-E2BIG).
static int copy_clone_args(struct clone_args *args, u64 address, size_t size)
{
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	return copy_struct_from_user(args, sizeof(*args), address, size);
}

static int check_stack(const struct clone_args *args)
{
	if (!args->stack)
		return args->stack_size ? -EINVAL : 0;
	if (!args->stack_size)
		return -EINVAL;
	return user_range_ok(args->stack, args->stack_size) ? 0 : -EINVAL;
}

static int copy_set_tid(const struct clone_args *args, struct clone_request *request)
{
	if (args->set_tid_size > PID_NS_MAX_LEVEL)
		return -EINVAL;
	if (!args->set_tid != !args->set_tid_size)
		return -EINVAL;
	request->set_tid_count = args->set_tid_size;
	if (!args->set_tid_size)
		return 0;
	if (copy_from_user(request->set_tid, args->set_tid, args->set_tid_size * sizeof(int)))
		return -EFAULT;
	return 0;
}

static int decode_clone_args(const struct clone_args *args, size_t size,
			     struct clone_request *request)
{
	int error = copy_set_tid(args, request);

	if (error)
		return error;
	if ((args->exit_signal & ~(u64)CSIGNAL) || args->exit_signal > 64)
		return -EINVAL;
	if ((args->flags & CLONE_INTO_CGROUP) &&
	    (args->cgroup > 0x7fffffff || size < CLONE_ARGS_SIZE_VER2))
		return -EINVAL;
	error = check_stack(args);
	if (error)
		return error;
	request->flags = clone_flags_expand(args->flags);
	request->clone3 = true;
	request->exit_signal = args->exit_signal;
	request->pidfd = args->pidfd;
	request->child_tid = args->child_tid;
	request->parent_tid = args->parent_tid;
	request->stack = args->stack ? args->stack + args->stack_size : 0;
	request->tls = args->tls;
	request->cgroup = args->cgroup;
	return 0;
}

SYSCALL2(clone3, u64, address, size_t, size)
{
	struct clone_args args;
	struct clone_request request = {0};
	int error = copy_clone_args(&args, address, size);

	if (!error)
		error = decode_clone_args(&args, size, &request);
	return error ?: task_clone(&request);
}

// --- unshare ---

SYSCALL1(unshare, u64, flags)
{
	if (flags & ~(u64)UNSHARE_FLAGS)
		return -EINVAL;
	return resources_unshare(unshare_flags_expand(flags));
}

SYSCALL1(set_tid_address, u64, address)
{
	current->clear_child_tid = address;
	return task_pid_vnr(current);
}
