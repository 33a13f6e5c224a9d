// clone(2) and scheduling (Linux; linux/sched.h, sched/types.h).
#pragma once

#include <uapi/types.h>

#define CSIGNAL              0x000000fful
#define CLONE_NEWTIME        0x00000080ul
#define CLONE_VM             0x00000100ul
#define CLONE_FS             0x00000200ul
#define CLONE_FILES          0x00000400ul
#define CLONE_SIGHAND        0x00000800ul
#define CLONE_PIDFD          0x00001000ul
#define CLONE_PTRACE         0x00002000ul
#define CLONE_VFORK          0x00004000ul
#define CLONE_PARENT         0x00008000ul
#define CLONE_THREAD         0x00010000ul
#define CLONE_NEWNS          0x00020000ul
#define CLONE_SYSVSEM        0x00040000ul
#define CLONE_SETTLS         0x00080000ul
#define CLONE_PARENT_SETTID  0x00100000ul
#define CLONE_CHILD_CLEARTID 0x00200000ul
#define CLONE_DETACHED       0x00400000ul
#define CLONE_UNTRACED       0x00800000ul
#define CLONE_CHILD_SETTID   0x01000000ul
#define CLONE_NEWCGROUP      0x02000000ul
#define CLONE_NEWUTS         0x04000000ul
#define CLONE_NEWIPC         0x08000000ul
#define CLONE_NEWUSER        0x10000000ul
#define CLONE_NEWPID         0x20000000ul
#define CLONE_NEWNET         0x40000000ul
#define CLONE_IO             0x80000000ul
#define CLONE_CLEAR_SIGHAND  0x100000000ul
#define CLONE_INTO_CGROUP    0x200000000ul
#define CLONE_AUTOREAP       0x400000000ul
#define CLONE_NNP            0x800000000ul
#define CLONE_PIDFD_AUTOKILL 0x1000000000ul
#define CLONE_EMPTY_MNTNS    0x2000000000ul

// What unshare(2) has in the place of CLONE_PARENT_SETTID.
#define UNSHARE_EMPTY_MNTNS 0x00100000ul

struct clone_args {
	uint64_t flags;
	uint64_t pidfd;
	uint64_t child_tid;
	uint64_t parent_tid;
	uint64_t exit_signal;
	uint64_t stack;
	uint64_t stack_size;
	uint64_t tls;
	uint64_t set_tid;
	uint64_t set_tid_size;
	uint64_t cgroup;
};

#define SCHED_OTHER         0
#define SCHED_FIFO          1
#define SCHED_RR            2
#define SCHED_BATCH         3
#define SCHED_IDLE          5
#define SCHED_DEADLINE      6
#define SCHED_RESET_ON_FORK 0x40000000

struct sched_param {
	int sched_priority;
};

struct sched_attr {
	uint32_t size;
	uint32_t sched_policy;
	uint64_t sched_flags;
	int32_t sched_nice;
	uint32_t sched_priority;
	uint64_t sched_runtime;
	uint64_t sched_deadline;
	uint64_t sched_period;
	uint32_t sched_util_min;
	uint32_t sched_util_max;
};
