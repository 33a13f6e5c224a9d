// Every capability check with and without: mounts, and making and entering namespaces.

#include "caps.h"
#include <linux/mount.h>
#include <sys/prctl.h>

#define DO(name, call)               \
	static long name(void)       \
	{                            \
		return (long)(call); \
	}

static int kept = -1;

// --- Mounts ---

static void two_folders(void)
{
	mkdir("a", 0755);
	mkdir("b", 0755);
}

static void mounted(void)
{
	two_folders();
	if (mount("m", "a", "tmpfs", 0, NULL))
		printf("tmpfs: %s\n", strerrorname_np(errno));
	mkdir("a/old", 0755);
}

static void mounted_open(void)
{
	mounted();
	kept = syscall(SYS_open_tree, AT_FDCWD, "a", OPEN_TREE_CLONE);
}

// A root that is a mount like others, with another in it.
static void rooted(void)
{
	mounted();
	mkdir("a/proc", 0755);
	mount("/proc", "a/proc", NULL, MS_BIND | MS_REC, NULL);
	chroot("a");
	chdir("/");
	mounted();
}

static void configured(void)
{
	two_folders();
	kept = syscall(SYS_fsopen, "tmpfs", 0);
}

static void created(void)
{
	configured();
	syscall(SYS_fsconfig, kept, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

static void picked(void)
{
	mounted();
	kept = syscall(SYS_fspick, AT_FDCWD, "a", 0);
}

static long set_attributes(const char *path, int fd)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOEXEC};

	return syscall(SYS_mount_setattr, fd, path, fd < 0 ? 0 : AT_EMPTY_PATH, &attr,
		       sizeof(attr));
}

static long descriptor(long fd)
{
	return fd < 0 ? -1 : 0;
}

DO(mount_tmpfs, mount("m", "a", "tmpfs", 0, NULL))
DO(mount_proc, mount("m", "a", "proc", 0, NULL))
DO(mount_mqueue, mount("m", "a", "mqueue", 0, NULL))
DO(mount_devtmpfs, mount("m", "a", "devtmpfs", 0, NULL))
DO(mount_devpts, mount("m", "a", "devpts", 0, "newinstance"))
DO(mount_cgroup, mount("m", "a", "cgroup2", 0, NULL))
DO(mount_bind, mount("a", "b", NULL, MS_BIND, NULL))
DO(mount_rbind, mount("/", "b", NULL, MS_BIND | MS_REC, NULL))
DO(remount_bind, mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL))
DO(remount_super, mount(NULL, "a", NULL, MS_REMOUNT, "size=1m"))
DO(remount_read_only, mount(NULL, "a", NULL, MS_REMOUNT | MS_RDONLY, NULL))
DO(make_shared, mount(NULL, "a", NULL, MS_SHARED, NULL))
DO(make_private, mount(NULL, "a", NULL, MS_PRIVATE, NULL))
DO(move_it, mount("a", "b", NULL, MS_MOVE, NULL))
DO(unmount, umount2("a", 0))
DO(unmount_lazily, umount2("a", MNT_DETACH))
DO(unmount_by_force, umount2("a", MNT_FORCE))
DO(unmount_root, umount2("/", 0))
DO(unmount_nothing, umount2("b", 0))
DO(pivot, syscall(SYS_pivot_root, "a", "a/old"))
DO(open_config, descriptor(syscall(SYS_fsopen, "tmpfs", 0)))
DO(create_config, syscall(SYS_fsconfig, kept, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
DO(set_config, syscall(SYS_fsconfig, kept, FSCONFIG_SET_STRING, "size", "1m", 0))
DO(mount_config, descriptor(syscall(SYS_fsmount, kept, 0, 0)))
DO(pick, descriptor(syscall(SYS_fspick, AT_FDCWD, "a", 0)))
DO(reconfigure, syscall(SYS_fsconfig, kept, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0))
DO(open_copy, descriptor(syscall(SYS_open_tree, AT_FDCWD, "a", OPEN_TREE_CLONE)))
DO(open_place, descriptor(syscall(SYS_open_tree, AT_FDCWD, "a", 0)))
DO(move_open, syscall(SYS_move_mount, kept, "", AT_FDCWD, "b", MOVE_MOUNT_F_EMPTY_PATH))
DO(move_path, syscall(SYS_move_mount, AT_FDCWD, "a", AT_FDCWD, "b", 0))
DO(set_attr, set_attributes("a", AT_FDCWD))
DO(set_attr_open, set_attributes("", kept))

static const struct cap_case mount_cases[] = {
	{"mount tmpfs", "mount", CAP_SYS_ADMIN, 0, 0, two_folders, mount_tmpfs},
	{"mount proc", "mount", CAP_SYS_ADMIN, 0, 0, two_folders, mount_proc},
	{"mount mqueue", "may_mount", CAP_SYS_ADMIN, 0, 0, two_folders, mount_mqueue},
	{"mount devtmpfs", "may_mount", CAP_SYS_ADMIN, 0, 0, two_folders, mount_devtmpfs},
	{"mount devpts", "may_mount", CAP_SYS_ADMIN, 0, 0, two_folders, mount_devpts},
	{"mount cgroup2", "may_mount", CAP_SYS_ADMIN, 0, 0, two_folders, mount_cgroup},
	{"bind", "mount", CAP_SYS_ADMIN, 0, 0, two_folders, mount_bind},
	{"rbind", "mount", CAP_SYS_ADMIN, 0, 0, two_folders, mount_rbind},
	{"remount bind", "mount", CAP_SYS_ADMIN, 0, 0, mounted, remount_bind},
	{"remount", "superblock_reconfigure", CAP_SYS_ADMIN, 0, 0, mounted, remount_super},
	{"remount ro", "superblock_reconfigure", CAP_SYS_ADMIN, 0, 0, mounted, remount_read_only},
	{"make shared", "mount", CAP_SYS_ADMIN, 0, 0, mounted, make_shared},
	{"make private", "mount", CAP_SYS_ADMIN, 0, 0, mounted, make_private},
	{"move", "mount", CAP_SYS_ADMIN, 0, 0, mounted, move_it},
	{"umount", "umount2", CAP_SYS_ADMIN, 0, 0, mounted, unmount},
	{"umount detach", "umount2", CAP_SYS_ADMIN, 0, 0, mounted, unmount_lazily},
	{"umount force", "detach_locked", CAP_SYS_ADMIN, 0, 0, mounted, unmount_by_force},
	{"umount of the root", "umount_root", CAP_SYS_ADMIN, 0, 0, rooted, unmount_root},
	{"umount of no mount", "umount2", CAP_SYS_ADMIN, 0, 0, mounted, unmount_nothing},
	{"pivot_root", "pivot_root", CAP_SYS_ADMIN, 0, 0, rooted, pivot},
	{"fsopen", "fsopen", CAP_SYS_ADMIN, 0, 0, NULL, open_config},
	{"fsconfig set", "may_mount", CAP_SYS_ADMIN, 0, 0, configured, set_config},
	{"fsconfig create", "create", CAP_SYS_ADMIN, 0, 0, configured, create_config},
	{"fsmount", "fsmount", CAP_SYS_ADMIN, 0, 0, created, mount_config},
	{"fspick", "fspick", CAP_SYS_ADMIN, 0, 0, mounted, pick},
	{"fsconfig reconfigure", "superblock_reconfigure", CAP_SYS_ADMIN, 0, 0, picked,
	 reconfigure},
	{"open_tree", "open_tree_at", CAP_SYS_ADMIN, 0, 0, mounted, open_place},
	{"open_tree clone", "open_tree_at", CAP_SYS_ADMIN, 0, 0, mounted, open_copy},
	{"move_mount of a copy", "move_mount", CAP_SYS_ADMIN, 0, 0, mounted_open, move_open},
	{"move_mount", "move_mount", CAP_SYS_ADMIN, 0, 0, mounted, move_path},
	{"mount_setattr", "change_from_user", CAP_SYS_ADMIN, 0, 0, mounted, set_attr},
	{"mount_setattr of a copy", "change_from_user", CAP_SYS_ADMIN, 0, 0, mounted_open,
	 set_attr_open},
};

ABI_TEST(capable, mounts)
{
	CAPS_TRY(mount_cases);
}

// The child is root of a namespace that owns its mounts, but not what is mounted.
static void own_mounts(void)
{
	mounted();
	caps_enter_user_ns(CLONE_NEWNS);
}

static void own_mounts_picked(void)
{
	own_mounts();
	kept = syscall(SYS_fspick, AT_FDCWD, "a", 0);
}

static const struct cap_case inherited_cases[] = {
	{"remount bind", "mount", CAP_SYS_ADMIN, 0, 0, own_mounts, remount_bind},
	{"remount", "superblock_reconfigure", CAP_SYS_ADMIN, 0, 0, own_mounts, remount_super},
	{"fsconfig reconfigure", "superblock_reconfigure", CAP_SYS_ADMIN, 0, 0, own_mounts_picked,
	 reconfigure},
	{"umount", "umount2", CAP_SYS_ADMIN, 0, 0, own_mounts, unmount},
	{"umount force", "detach_locked", CAP_SYS_ADMIN, 0, 0, own_mounts, unmount_by_force},
	{"move", "mount", CAP_SYS_ADMIN, 0, 0, own_mounts, move_it},
	{"mount_setattr", "change_from_user", CAP_SYS_ADMIN, 0, 0, own_mounts, set_attr},
	{"bind", "mount", CAP_SYS_ADMIN, 0, 0, own_mounts, mount_bind},
	{"rbind", "mount", CAP_SYS_ADMIN, 0, 0, own_mounts, mount_rbind},
	{"mount devtmpfs", "may_mount", CAP_SYS_ADMIN, 0, 0, own_mounts, mount_devtmpfs},
};

ABI_TEST(capable, mounts_inherited)
{
	CAPS_TRY(inherited_cases);
}

// --- Making namespaces ---

static long clone_kind(unsigned long kind)
{
	pid_t pid = syscall(SYS_clone, kind | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid < 0 ? -1 : 0;
}

DO(unshare_uts, unshare(CLONE_NEWUTS))
DO(unshare_ipc, unshare(CLONE_NEWIPC))
DO(unshare_mnt, unshare(CLONE_NEWNS))
DO(unshare_pid, unshare(CLONE_NEWPID))
DO(unshare_cgroup, unshare(CLONE_NEWCGROUP))
DO(unshare_time, unshare(CLONE_NEWTIME))
DO(unshare_user, unshare(CLONE_NEWUSER))
DO(unshare_user_uts, unshare(CLONE_NEWUSER | CLONE_NEWUTS))
DO(clone_uts, clone_kind(CLONE_NEWUTS))
DO(clone_ipc, clone_kind(CLONE_NEWIPC))
DO(clone_mnt, clone_kind(CLONE_NEWNS))
DO(clone_pid, clone_kind(CLONE_NEWPID))
DO(clone_cgroup, clone_kind(CLONE_NEWCGROUP))
DO(clone_user, clone_kind(CLONE_NEWUSER))
DO(clone_user_all, clone_kind(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC))

static const struct cap_case unshare_cases[] = {
	{"unshare uts", "nsproxy_resource_dup", CAP_SYS_ADMIN, 0, 0, NULL, unshare_uts},
	{"unshare ipc", "nsproxy_resource_dup", CAP_SYS_ADMIN, 0, 0, NULL, unshare_ipc},
	{"unshare mnt", "nsproxy_resource_dup", CAP_SYS_ADMIN, 0, 0, NULL, unshare_mnt},
	{"unshare pid", "nsproxy_resource_dup", CAP_SYS_ADMIN, 0, 0, NULL, unshare_pid},
	{"unshare cgroup", "nsproxy_resource_dup", CAP_SYS_ADMIN, 0, 0, NULL, unshare_cgroup},
	{"unshare time", "nsproxy_resource_dup", CAP_SYS_ADMIN, 0, 0, NULL, unshare_time},
	{"unshare user", "nsproxy_resource_dup", CAP_SYS_ADMIN, 0, 0, NULL, unshare_user},
	{"unshare user|uts", "nsproxy_resource_dup", CAP_SYS_ADMIN, 0, 0, NULL, unshare_user_uts},
	{"clone uts", "nsproxy_resource_dup", CAP_SYS_ADMIN, 0, 0, NULL, clone_uts},
	{"clone ipc", "nsproxy_resource_dup", CAP_SYS_ADMIN, 0, 0, NULL, clone_ipc},
	{"clone mnt", "nsproxy_resource_dup", CAP_SYS_ADMIN, 0, 0, NULL, clone_mnt},
	{"clone pid", "nsproxy_resource_dup", CAP_SYS_ADMIN, 0, 0, NULL, clone_pid},
	{"clone cgroup", "nsproxy_resource_dup", CAP_SYS_ADMIN, 0, 0, NULL, clone_cgroup},
	{"clone user", "nsproxy_resource_dup", CAP_SYS_ADMIN, 0, 0, NULL, clone_user},
	{"clone user|pid|mnt|ipc", "nsproxy_resource_dup", CAP_SYS_ADMIN, 0, 0, NULL,
	 clone_user_all},
};

ABI_TEST(capable, unshare_kinds)
{
	CAPS_TRY(unshare_cases);
}

// --- Entering them ---

// Keeps a namespace of this kind that a child has made and does not need any more.
static void keep_ns(int kind, const char *name)
{
	char path[64], c;
	int ready[2], hold[2];

	pipe(ready);
	pipe(hold);
	pid_t pid = fork();
	if (pid == 0) {
		close(hold[1]);
		if (unshare(kind))
			printf("unshare: %s\n", strerrorname_np(errno));
		pid_t sitter = 0; // who lives in the new pid namespace
		if (kind & CLONE_NEWPID)
			sitter = fork();
		close(ready[1]);
		if (sitter || !(kind & CLONE_NEWPID))
			close(ready[0]);
		read(hold[0], &c, 1);
		_exit(0);
	}
	close(ready[1]);
	read(ready[0], &c, 1);
	close(ready[0]);
	sprintf(path, "/proc/%d/ns/%s", pid, name);
	kept = open(path, O_RDONLY);
	if (kept < 0)
		printf("%s: %s\n", name, strerrorname_np(errno));
	fcntl(hold[1], F_SETFD, 0);
}

static void keep_uts(void)
{
	keep_ns(CLONE_NEWUTS, "uts");
}

static void keep_ipc(void)
{
	keep_ns(CLONE_NEWIPC, "ipc");
}

static void keep_mnt(void)
{
	keep_ns(CLONE_NEWNS, "mnt");
}

static void keep_pid(void)
{
	keep_ns(CLONE_NEWPID, "pid_for_children");
}

static void keep_cgroup(void)
{
	keep_ns(CLONE_NEWCGROUP, "cgroup");
}

static void keep_time(void)
{
	keep_ns(CLONE_NEWTIME, "time_for_children");
}

static void keep_user(void)
{
	keep_ns(CLONE_NEWUSER, "user");
}

static void keep_own_uts(void)
{
	kept = open("/proc/self/ns/uts", O_RDONLY);
}

static void keep_victim(void)
{
	caps_make_victim();
	kept = syscall(SYS_pidfd_open, caps_victim, 0);
}

static void keep_root_victim(void)
{
	caps_make_root_victim();
	kept = syscall(SYS_pidfd_open, caps_victim, 0);
}

DO(enter, setns(kept, 0))
DO(enter_uts_of, setns(kept, CLONE_NEWUTS))
DO(enter_mnt_of, setns(kept, CLONE_NEWNS))
DO(enter_several_of, setns(kept, CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC))

static const struct cap_case setns_cases[] = {
	{"setns uts", "enter", CAP_SYS_ADMIN, 0, 0, keep_uts, enter},
	{"setns own uts", "enter", CAP_SYS_ADMIN, 0, 0, keep_own_uts, enter},
	{"setns ipc", "enter", CAP_SYS_ADMIN, 0, 0, keep_ipc, enter},
	{"setns mnt", "enter_mnt", CAP_SYS_ADMIN, CAP(CAP_SYS_CHROOT), 0, keep_mnt, enter},
	{"setns mnt", "enter_mnt", CAP_SYS_CHROOT, CAP(CAP_SYS_ADMIN), 0, keep_mnt, enter},
	{"setns pid", "enter_pid", CAP_SYS_ADMIN, 0, 0, keep_pid, enter},
	{"setns cgroup", "enter", CAP_SYS_ADMIN, 0, 0, keep_cgroup, enter},
	{"setns time", "enter_time", CAP_SYS_ADMIN, 0, 0, keep_time, enter},
	{"setns user", "enter_user", CAP_SYS_ADMIN, 0, 0, keep_user, enter},
	{"setns uts of a process", "enter", CAP_SYS_ADMIN, 0, 0, keep_victim, enter_uts_of},
	{"setns uts of a process", "enter_task", CAP_SYS_PTRACE, CAP(CAP_SYS_ADMIN), 0, keep_victim,
	 enter_uts_of},
	{"setns uts of root", "enter_task", CAP_SYS_PTRACE, CAP(CAP_SYS_ADMIN), 0, keep_root_victim,
	 enter_uts_of},
	{"setns mnt of root", "enter_task", CAP_SYS_PTRACE,
	 CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_CHROOT), 0, keep_root_victim, enter_mnt_of},
	{"setns several of root", "enter_task", CAP_SYS_PTRACE,
	 CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_CHROOT), 0, keep_root_victim, enter_several_of},
};

ABI_TEST(capable, setns_kinds)
{
	CAPS_TRY(setns_cases);
}
