// mount(2) (Linux; linux/mount.h).
#pragma once

#include <uapi/types.h>

#define MS_RDONLY              1
#define MS_NOSUID              2
#define MS_NODEV               4
#define MS_NOEXEC              8
#define MS_SYNCHRONOUS         16
#define MS_REMOUNT             32
#define MS_MANDLOCK            64
#define MS_DIRSYNC             128
#define MS_NOSYMFOLLOW         0x100
#define MS_NOATIME             0x400
#define MS_NODIRATIME          0x800
#define MS_BIND                0x1000
#define MS_MOVE                0x2000
#define MS_REC                 0x4000
#define MS_VERBOSE             0x8000
#define MS_SILENT              0x8000
#define MS_POSIXACL            0x10000
#define MS_UNBINDABLE          0x20000
#define MS_PRIVATE             0x40000
#define MS_SLAVE               0x80000
#define MS_SHARED              0x100000
#define MS_RELATIME            0x200000
#define MS_KERNMOUNT           0x400000
#define MS_I_VERSION           0x800000
#define MS_STRICTATIME         0x1000000
#define MS_LAZYTIME            0x2000000
#define MS_SUBMOUNT            0x4000000
#define MS_NOREMOTELOCK        0x8000000
#define MS_NOSEC               0x10000000
#define MS_BORN                0x20000000
#define MS_ACTIVE              0x40000000
#define MS_NOUSER              (-2147483648)
#define MS_RMT_MASK            41943121
#define MS_MGC_VAL             0xc0ed0000u
#define MS_MGC_MSK             0xffff0000u
#define MOUNT_ATTR_RDONLY      1
#define MOUNT_ATTR_NOSUID      2
#define MOUNT_ATTR_NODEV       4
#define MOUNT_ATTR_NOEXEC      8
#define MOUNT_ATTR__ATIME      112
#define MOUNT_ATTR_RELATIME    0
#define MOUNT_ATTR_NOATIME     16
#define MOUNT_ATTR_STRICTATIME 32
#define MOUNT_ATTR_NODIRATIME  128
#define MOUNT_ATTR_IDMAP       0x100000
#define MOUNT_ATTR_NOSYMFOLLOW 0x200000
#define MOUNT_ATTR_SIZE_VER0   32

#define MNT_FORCE       1
#define MNT_DETACH      2
#define MNT_EXPIRE      4
#define UMOUNT_NOFOLLOW 8

// open_tree(2)
#define OPEN_TREE_CLONE 1

// move_mount(2)
#define MOVE_MOUNT_F_SYMLINKS   0x1
#define MOVE_MOUNT_F_AUTOMOUNTS 0x2
#define MOVE_MOUNT_F_EMPTY_PATH 0x4
#define MOVE_MOUNT_T_SYMLINKS   0x10
#define MOVE_MOUNT_T_AUTOMOUNTS 0x20
#define MOVE_MOUNT_T_EMPTY_PATH 0x40
#define MOVE_MOUNT_SET_GROUP    0x100
#define MOVE_MOUNT_BENEATH      0x200
#define MOVE_MOUNT__MASK        0x377

// fsopen(2), fspick(2), fsmount(2)
#define FSOPEN_CLOEXEC          1
#define FSPICK_CLOEXEC          1
#define FSPICK_SYMLINK_NOFOLLOW 2
#define FSPICK_NO_AUTOMOUNT     4
#define FSPICK_EMPTY_PATH       8
#define FSMOUNT_CLOEXEC         1

// fsconfig(2)
#define FSCONFIG_SET_FLAG        0
#define FSCONFIG_SET_STRING      1
#define FSCONFIG_SET_BINARY      2
#define FSCONFIG_SET_PATH        3
#define FSCONFIG_SET_PATH_EMPTY  4
#define FSCONFIG_SET_FD          5
#define FSCONFIG_CMD_CREATE      6
#define FSCONFIG_CMD_RECONFIGURE 7
#define FSCONFIG_CMD_CREATE_EXCL 8

struct mount_attr {
	u64 attr_set, attr_clr, propagation, userns_fd;
};

// statmount(2), listmount(2)
#define STATMOUNT_SB_BASIC       0x1
#define STATMOUNT_MNT_BASIC      0x2
#define STATMOUNT_PROPAGATE_FROM 0x4
#define STATMOUNT_MNT_ROOT       0x8
#define STATMOUNT_MNT_POINT      0x10
#define STATMOUNT_FS_TYPE        0x20
#define STATMOUNT_MNT_NS_ID      0x40
#define STATMOUNT_MNT_OPTS       0x80
#define STATMOUNT_FS_SUBTYPE     0x100
#define STATMOUNT_SB_SOURCE      0x200
#define STATMOUNT_OPT_ARRAY      0x400
#define STATMOUNT_OPT_SEC_ARRAY  0x800
#define STATMOUNT_SUPPORTED_MASK 0x1000
#define STATMOUNT_MNT_UIDMAP     0x2000
#define STATMOUNT_MNT_GIDMAP     0x4000
#define STATMOUNT_ALL_KNOWN      0x7fff
#define STATMOUNT_BY_FD          1
#define LSMT_ROOT                0xffffffffffffffff
#define LISTMOUNT_REVERSE        1
#define MNT_ID_REQ_SIZE_VER0     24
#define MNT_ID_REQ_SIZE_VER1     32

struct mnt_id_req {
	u32 size;
	u32 mnt_fd; // of a namespace; STATMOUNT_BY_FD: of a file on the mount
	u64 mnt_id, param, mnt_ns_id;
};

// Texts follow it; these fields are their offsets behind it.
struct statmount {
	u32 size, mnt_opts;
	u64 mask;
	u32 sb_dev_major, sb_dev_minor;
	u64 sb_magic;
	u32 sb_flags, fs_type;
	u64 mnt_id, mnt_parent_id;
	u32 mnt_id_old, mnt_parent_id_old;
	u64 mnt_attr, mnt_propagation, mnt_peer_group, mnt_master, propagate_from;
	u32 mnt_root, mnt_point;
	u64 mnt_ns_id;
	u32 fs_subtype, sb_source, opt_num, opt_array, opt_sec_num, opt_sec_array;
	u64 supported_mask;
	u32 mnt_uidmap_num, mnt_uidmap, mnt_gidmap_num, mnt_gidmap;
	u64 spare[43];
};
_Static_assert(sizeof(struct statmount) == 512, "as Linux has it");
