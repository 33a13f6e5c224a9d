// Questions to process descriptors (Linux; linux/pidfd.h).
#pragma once

#include <uapi/types.h>

#define PIDFD_IOCTL_TYPE 0xffu
#define PIDFD_GET_INFO   11u // the size of the caller's structure is in the command

enum pidfd_info_mask {
	PIDFD_INFO_PID = 1 << 0,
	PIDFD_INFO_CREDS = 1 << 1,
	PIDFD_INFO_CGROUPID = 1 << 2,
	PIDFD_INFO_EXIT = 1 << 3,
	PIDFD_INFO_COREDUMP = 1 << 4,
	PIDFD_INFO_SUPPORTED_MASK = 1 << 5,
	PIDFD_INFO_COREDUMP_SIGNAL = 1 << 6,
	PIDFD_INFO_COREDUMP_CODE = 1 << 7,
};

#define PIDFD_COREDUMPED    (1u << 0)
#define PIDFD_COREDUMP_SKIP (1u << 1)
#define PIDFD_COREDUMP_USER (1u << 2)
#define PIDFD_COREDUMP_ROOT (1u << 3)

#define PIDFD_INFO_SIZE_VER0 64

struct pidfd_info {
	u64 mask, cgroupid;
	u32 pid, tgid, ppid;
	u32 ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	s32 exit_code;
	u32 coredump_mask, coredump_signal, coredump_code, pad;
	u64 supported_mask;
};
