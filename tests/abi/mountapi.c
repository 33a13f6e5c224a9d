// The calls that take mounting apart: fsopen, fsconfig, fsmount, fspick, open_tree, move_mount,
// mount_setattr.

#include "mounts.h"
#include <linux/mount.h>
#include <stdint.h>

#ifndef FSCONFIG_CMD_CREATE_EXCL
#define FSCONFIG_CMD_CREATE_EXCL 8
#endif
#ifndef MOVE_MOUNT_BENEATH
#define MOVE_MOUNT_BENEATH 0x200
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

static long fs_open(const char *name, unsigned flags)
{
	return syscall(SYS_fsopen, name, flags);
}

static long config(int fd, unsigned command, const void *key, const void *value, int aux)
{
	return syscall(SYS_fsconfig, fd, command, key, value, aux);
}

static long fs_mount(int fd, unsigned flags, unsigned attributes)
{
	return syscall(SYS_fsmount, fd, flags, attributes);
}

static long pick(int fd, const char *path, unsigned flags)
{
	return syscall(SYS_fspick, fd, path, flags);
}

static long tree(int fd, const char *path, unsigned flags)
{
	return syscall(SYS_open_tree, fd, path, flags);
}

static long move(int from, const char *from_path, int to, const char *to_path, unsigned flags)
{
	return syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}

static long attributes(int fd, const char *path, unsigned flags, uint64_t set, uint64_t clear,
		       uint64_t sharing)
{
	struct mount_attr attr = {set, clear, sharing, 0};

	return syscall(SYS_mount_setattr, fd, path, flags, &attr, sizeof(attr));
}

ABI_TEST(mountapi, new_file_system)
{
	char text[64];

	arena();
	R(fs_open("nonesuch", 0));
	R(fs_open("tmpfs", 2));
	R(fs_open(BAD, 0));
	int fd = R(fs_open("tmpfs", FSOPEN_CLOEXEC));
	R(fcntl(fd, F_GETFD));
	R(read(fd, text, sizeof(text)));
	R(fs_mount(fd, 0, 0));
	R(config(fd, FSCONFIG_SET_STRING, "source", "me", 0));
	R(config(fd, FSCONFIG_SET_STRING, "source", "again", 0));
	R(config(fd, FSCONFIG_SET_STRING, "size", "128k", 0));
	R(config(fd, FSCONFIG_SET_STRING, "size", "nonsense", 0));
	R(config(fd, FSCONFIG_SET_STRING, "mode", "0711", 0));
	R(config(fd, FSCONFIG_SET_STRING, "nonesuch", "1", 0));
	R(config(fd, FSCONFIG_SET_FLAG, "nonesuch", NULL, 0));
	R(config(fd, FSCONFIG_SET_FLAG, "ro", NULL, 0));
	R(config(fd, FSCONFIG_SET_FLAG, "rw", NULL, 0));
	R(config(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
	R(config(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	R(config(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	R(config(fd, FSCONFIG_SET_STRING, "size", "64k", 0));
	R(fs_mount(fd, 2 << 8, 0));
	R(fs_mount(fd, 0, 0x70));
	R(fs_mount(fd, 0, 0x30));
	R(fs_mount(fd, 0, 1 << 30));
	R(fs_mount(-1, 0, 0));
	int mount_fd = R(fs_mount(fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOATIME));
	R(fcntl(mount_fd, F_GETFD));
	R(fcntl(mount_fd, F_GETFL) & (O_PATH | O_ACCMODE));
	R(fs_mount(fd, 0, 0));
	show();
	R(mkdirat(mount_fd, "in", 0755));
	R(move(mount_fd, "", AT_FDCWD, "a", 0));
	R(move(mount_fd, "", AT_FDCWD, "none", MOVE_MOUNT_F_EMPTY_PATH));
	R(move(mount_fd, "", AT_FDCWD, "a", MOVE_MOUNT_F_EMPTY_PATH));
	show();
	R(access("a/in", F_OK));
	R(move(mount_fd, "", AT_FDCWD, "b", MOVE_MOUNT_F_EMPTY_PATH));
	close(mount_fd);
	show();
}

ABI_TEST(mountapi, config_arguments)
{
	arena();
	int fd = fs_open("tmpfs", 0);
	R(config(-1, FSCONFIG_SET_FLAG, "ro", NULL, 0));
	R(config(99, FSCONFIG_SET_FLAG, "ro", NULL, 0));
	R(config(0, FSCONFIG_SET_FLAG, "ro", NULL, 0));
	R(config(fd, FSCONFIG_SET_FLAG, NULL, NULL, 0));
	R(config(fd, FSCONFIG_SET_FLAG, "ro", "x", 0));
	R(config(fd, FSCONFIG_SET_FLAG, "ro", NULL, 1));
	R(config(fd, FSCONFIG_SET_FLAG, BAD, NULL, 0));
	R(config(fd, FSCONFIG_SET_STRING, "size", NULL, 0));
	R(config(fd, FSCONFIG_SET_STRING, "size", BAD, 0));
	R(config(fd, FSCONFIG_SET_BINARY, "size", "x", 0));
	R(config(fd, FSCONFIG_SET_PATH, "size", "x", -5));
	R(config(fd, FSCONFIG_SET_FD, "size", "x", 0));
	R(config(fd, FSCONFIG_SET_FD, "size", NULL, -1));
	R(config(fd, FSCONFIG_CMD_CREATE, "x", NULL, 0));
	R(config(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 1));
	R(config(fd, 77, NULL, NULL, 0));
	static char word[300];
	memset(word, 'x', 299);
	R(config(fd, FSCONFIG_SET_STRING, "size", word, 0));
	R(config(fd, FSCONFIG_SET_FLAG, word, NULL, 0));
}

ABI_TEST(mountapi, each_type)
{
	static const char *const types[] = {"tmpfs",  "proc",     "devpts",
					    "mqueue", "devtmpfs", "cgroup2"};

	arena();
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		int fd = fs_open(types[i], 0);
		printf("%s\n", types[i]);
		R(config(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
		int mount_fd = fs_mount(fd, 0, MOUNT_ATTR_NOEXEC);
		R(move(mount_fd, "", AT_FDCWD, "a", MOVE_MOUNT_F_EMPTY_PATH));
		close(mount_fd);
		close(fd);
		R(umount2("a", 0));
	}
	// Not mounted after all: gone with the descriptor.
	int fd = fs_open("tmpfs", 0);
	config(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	close(fd);
	fd = fs_open("tmpfs", 0);
	R(config(fd, FSCONFIG_CMD_CREATE_EXCL, NULL, NULL, 0));
	close(fs_mount(fd, 0, 0));
	show();
}

ABI_TEST(mountapi, picked)
{
	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	mkdir("a/in", 0755);
	R(pick(AT_FDCWD, "a/in", 0));
	R(pick(AT_FDCWD, "none", 0));
	R(pick(AT_FDCWD, "a", 64));
	R(pick(AT_FDCWD, "", 0));
	int fd = R(pick(AT_FDCWD, "a", FSPICK_CLOEXEC));
	R(config(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	R(config(fd, FSCONFIG_SET_STRING, "size", "256k", 0));
	R(config(fd, FSCONFIG_SET_FLAG, "ro", NULL, 0));
	R(config(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
	show();
	R(config(fd, FSCONFIG_SET_FLAG, "rw", NULL, 0));
	R(config(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
	show();
	R(fs_mount(fd, 0, 0));
}

ABI_TEST(mountapi, trees)
{
	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	mkdir("a/in", 0755);
	mkdir("a/2", 0755);
	R(mount("in", "a/in", "tmpfs", 0, NULL));
	R(tree(AT_FDCWD, "a", 0x10000000));
	R(tree(AT_FDCWD, "a", AT_RECURSIVE));
	R(tree(AT_FDCWD, "none", OPEN_TREE_CLONE));
	int place = R(tree(AT_FDCWD, "a", OPEN_TREE_CLOEXEC));
	R(fcntl(place, F_GETFD));
	int one = R(tree(AT_FDCWD, "a", OPEN_TREE_CLONE));
	int all = R(tree(AT_FDCWD, "a", OPEN_TREE_CLONE | AT_RECURSIVE));
	show();
	mkdirat(one, "made", 0755);
	R(access("a/made", F_OK));
	R(umount2("a/in", 0));
	R(umount2("a", 0));
	close(place);
	R(umount2("a", 0));
	R(move(all, "", AT_FDCWD, "b", MOVE_MOUNT_F_EMPTY_PATH));
	R(move(one, "in", AT_FDCWD, "c", 0));
	R(move(one, "", AT_FDCWD, "c", MOVE_MOUNT_F_EMPTY_PATH));
	show();
	R(mount(NULL, "b", NULL, MS_SHARED, NULL));
	R(mount("b", "d", NULL, MS_BIND, NULL));
	int shared = tree(AT_FDCWD, "c", OPEN_TREE_CLONE);
	R(move(shared, "", AT_FDCWD, "b/2", MOVE_MOUNT_F_EMPTY_PATH));
	show();
	R(move(AT_FDCWD, "b/2", AT_FDCWD, "e", 0));
	R(move(AT_FDCWD, "c", AT_FDCWD, "e", 0));
	R(move(AT_FDCWD, "c", AT_FDCWD, "e", 0));
	R(move(AT_FDCWD, "e", AT_FDCWD, "c", 0x8));
	R(move(AT_FDCWD, "e", AT_FDCWD, "c", MOVE_MOUNT_SET_GROUP | MOVE_MOUNT_BENEATH));
	symlink("e", "link");
	R(move(AT_FDCWD, "link", AT_FDCWD, "f", 0));
	R(move(AT_FDCWD, "link", AT_FDCWD, "f", MOVE_MOUNT_F_SYMLINKS));
	show();
	R(mount(NULL, "f", NULL, MS_UNBINDABLE, NULL));
	R(tree(AT_FDCWD, "f", OPEN_TREE_CLONE));
}

ABI_TEST(mountapi, attributes_of_mounts)
{
	struct mount_attr attr = {0};

	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	mkdir("a/in", 0755);
	R(mount("in", "a/in", "tmpfs", 0, NULL));
	R(attributes(AT_FDCWD, "a", 0, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, 0, 0));
	show();
	R(attributes(AT_FDCWD, "a", AT_RECURSIVE, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_RDONLY, MS_SHARED));
	show();
	R(attributes(AT_FDCWD, "a", 0, MOUNT_ATTR_NOATIME, 0, 0));
	R(attributes(AT_FDCWD, "a", 0, MOUNT_ATTR_NOATIME, MOUNT_ATTR_NOATIME, 0));
	R(attributes(AT_FDCWD, "a", 0, MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME, 0));
	R(attributes(AT_FDCWD, "a/in", 0, MOUNT_ATTR_STRICTATIME | MOUNT_ATTR_NODIRATIME,
		     MOUNT_ATTR__ATIME, MS_SLAVE));
	show();
	R(attributes(AT_FDCWD, "a", 0, MOUNT_ATTR__ATIME, MOUNT_ATTR__ATIME, 0));
	R(attributes(AT_FDCWD, "a", 0, MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME, MS_PRIVATE));
	show();
	R(attributes(AT_FDCWD, "a", 0, 0, 0, MS_PRIVATE | MS_SHARED));
	R(attributes(AT_FDCWD, "a", 0, 0, 0, MS_REC));
	R(attributes(AT_FDCWD, "a", 0, 1 << 30, 0, 0));
	R(attributes(AT_FDCWD, "a", 0, 0, 1 << 30, 0));
	R(attributes(AT_FDCWD, "b", 0, MOUNT_ATTR_RDONLY, 0, 0));
	R(attributes(AT_FDCWD, "none", 0, MOUNT_ATTR_RDONLY, 0, 0));
	R(attributes(AT_FDCWD, "none", 0, 0, 0, 0));
	R(attributes(AT_FDCWD, "a", 1, MOUNT_ATTR_RDONLY, 0, 0));
	R(syscall(SYS_mount_setattr, AT_FDCWD, "a", 0, &attr, 8));
	R(syscall(SYS_mount_setattr, AT_FDCWD, "a", 0, &attr, 5000));
	R(syscall(SYS_mount_setattr, AT_FDCWD, "a", 0, BAD, 32));
	// All or nothing: one of them is written.
	int fd = open("a/in/file", O_CREAT | O_RDWR, 0600);
	R(attributes(AT_FDCWD, "a", AT_RECURSIVE, MOUNT_ATTR_RDONLY, 0, 0));
	show();
	close(fd);
	int copy = tree(AT_FDCWD, "a", OPEN_TREE_CLONE);
	R(attributes(copy, "", AT_EMPTY_PATH, MOUNT_ATTR_NOSYMFOLLOW, 0, 0));
	R(move(copy, "", AT_FDCWD, "b", MOVE_MOUNT_F_EMPTY_PATH));
	show();
}

ABI_TEST(mountapi, without_privilege)
{
	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	setresgid(1000, 1000, 1000);
	setresuid(1000, 1000, 1000);
	R(fs_open("tmpfs", 0));
	R(fs_open("nonesuch", 99));
	R(pick(AT_FDCWD, "a", 0));
	R(fs_mount(0, 0, 0));
	R(tree(AT_FDCWD, "a", OPEN_TREE_CLONE));
	OK(tree(AT_FDCWD, "a", 0));
	R(move(AT_FDCWD, "a", AT_FDCWD, "b", 0));
	R(attributes(AT_FDCWD, "a", 0, MOUNT_ATTR_RDONLY, 0, 0));
	R(attributes(AT_FDCWD, "a", 1, MOUNT_ATTR_RDONLY, 0, 0));
	R(unshare(CLONE_NEWUSER | CLONE_NEWNS));
	int fd = OK(fs_open("devtmpfs", 0));
	R(config(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	close(fd);
	fd = OK(fs_open("tmpfs", 0));
	R(config(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	R(move(fs_mount(fd, 0, 0), "", AT_FDCWD, "b", MOVE_MOUNT_F_EMPTY_PATH));
	R(attributes(AT_FDCWD, "a", 0, MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME, 0));
	R(attributes(AT_FDCWD, "b", 0, MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME, 0));
	fd = OK(pick(AT_FDCWD, "a", 0));
	R(config(fd, FSCONFIG_SET_STRING, "size", "64k", 0));
	R(config(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
	show();
}
