// Questions to namespace files (Linux; linux/nsfs.h).
#pragma once

#include <uapi/types.h>

#define NS_GET_USERNS          0xb701u
#define NS_GET_PARENT          0xb702u
#define NS_GET_NSTYPE          0xb703u
#define NS_GET_OWNER_UID       0xb704u
#define NS_GET_MNTNS_ID        0x8008b705u
#define NS_GET_PID_FROM_PIDNS  0x8004b706u
#define NS_GET_TGID_FROM_PIDNS 0x8004b707u
#define NS_GET_PID_IN_PIDNS    0x8004b708u
#define NS_GET_TGID_IN_PIDNS   0x8004b709u
// The size within may be larger: it is that of the caller's struct mnt_ns_info.
#define NS_MNT_GET_INFO        0x8010b70au
#define NS_MNT_GET_NEXT        0x8010b70bu
#define NS_MNT_GET_PREV        0x8010b70cu
#define NS_GET_ID              0x8008b70du

struct mnt_ns_info {
	u32 size, nr_mounts;
	u64 mnt_ns_id;
};
