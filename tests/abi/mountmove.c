// move_mount with MOVE_MOUNT_SET_GROUP and MOVE_MOUNT_BENEATH, open_tree_attr, and the edges of
// mounting: every refusal of pivot_root, marks for expiry, remounts, kinds of sharing, limits.

#include "mounts.h"
#include <linux/mount.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>

#define SET_GROUP 0x100
#define BENEATH   0x200
#define FROM_FD   MOVE_MOUNT_F_EMPTY_PATH
#define TREE_COPY 1
#define RECURSIVE 0x8000

static long move(int from, const char *from_path, int to, const char *to_path, unsigned flags)
{
	return syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}

static long set_group(const char *from, const char *to)
{
	return move(AT_FDCWD, from, AT_FDCWD, to, SET_GROUP);
}

static long beneath(const char *from, const char *to)
{
	return move(AT_FDCWD, from, AT_FDCWD, to, BENEATH);
}

static int tree_of(const char *path, unsigned flags)
{
	return syscall(SYS_open_tree, AT_FDCWD, path, flags | O_CLOEXEC);
}

static long new_tmpfs(const char *source)
{
	int fd = syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);

	syscall(SYS_fsconfig, fd, FSCONFIG_SET_STRING, "source", source, 0);
	syscall(SYS_fsconfig, fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	int mounted = syscall(SYS_fsmount, fd, FSMOUNT_CLOEXEC, 0);
	close(fd);
	return mounted;
}

static void mount_at(const char *place)
{
	mount(place, place, "tmpfs", 0, NULL);
}

static void bind(const char *from, const char *to)
{
	mount(from, to, NULL, MS_BIND, NULL);
}

static void sharing(const char *place, unsigned long kind)
{
	mount(NULL, place, NULL, kind, NULL);
}

ABI_TEST(mountmove, group_is_set)
{
	arena();
	mount_at("a");
	mkdir("a/in", 0755);
	bind("a", "b");
	mount_at("c");
	bind("a/in", "d");
	R(set_group("a", "b"));
	sharing("a", MS_SHARED);
	R(set_group("a", "a/in"));
	R(set_group("a/in", "b"));
	R(set_group("a", "c"));
	R(set_group("d", "b"));
	R(set_group("a", "none"));
	R(set_group("a", "b"));
	show();
	R(set_group("a", "b"));
	R(set_group("a", "d"));
	show();
	mkdir("a/x", 0755);
	mount_at("a/x");
	show();
	umount("a/x");
	bind("a", "e");
	sharing("e", MS_SLAVE);
	sharing("e", MS_SHARED);
	bind("a", "f");
	sharing("f", MS_PRIVATE);
	R(set_group("e", "f"));
	show();
	sharing("d", MS_PRIVATE);
	bind("d", "d");
	sharing("d", MS_SHARED);
	sharing("f", MS_PRIVATE);
	R(set_group("d", "f"));
	R(set_group("f", "d"));
	R(move(AT_FDCWD, "a", AT_FDCWD, "f", SET_GROUP | BENEATH));
	int tree = tree_of("f", TREE_COPY);
	R(move(AT_FDCWD, "a", tree, "", SET_GROUP | MOVE_MOUNT_T_EMPTY_PATH));
	R(move(tree, "", AT_FDCWD, "f", SET_GROUP | FROM_FD));
	close(tree);
	sharing("f", MS_PRIVATE);
	sharing("f", MS_UNBINDABLE);
	R(set_group("a", "f"));
	show();
}

ABI_TEST(mountmove, set_group_of_slave)
{
	arena();
	mount_at("a");
	sharing("a", MS_SHARED);
	bind("a", "b");
	sharing("b", MS_SLAVE);
	bind("b", "c");
	sharing("c", MS_PRIVATE);
	show();
	R(set_group("b", "c"));
	show();
	R(set_group("b", "c"));
	sharing("c", MS_PRIVATE);
	sharing("c", MS_SHARED);
	R(set_group("b", "c"));
	mkdir("a/x", 0755);
	mount_at("a/x");
	show();
}

ABI_TEST(mountmove, goes_beneath)
{
	arena();
	mount_at("a");
	mkdir("a/low", 0755);
	mount_at("b");
	mkdir("b/under", 0755);
	R(beneath("b", "c"));
	R(beneath("b", "a/low"));
	R(beneath("b", "none"));
	R(beneath("c", "a"));
	R(beneath("a", "a"));
	R(beneath("b", "a"));
	show();
	R(access("a/low", F_OK));
	R(umount("a"));
	R(access("a/under", F_OK));
	show();
	R(umount("a"));
	int fresh = new_tmpfs("fresh");
	mount_at("a");
	R(move(fresh, "", AT_FDCWD, "a", FROM_FD | BENEATH));
	show();
	R(move(fresh, "", AT_FDCWD, "a", FROM_FD | BENEATH));
	close(fresh);
	R(umount("a"));
	show();
	R(beneath("a", "/"));
	R(beneath("a", "/proc"));
	umount("a");
	R(umount("/proc"));
	show();
}

ABI_TEST(mountmove, beneath_sharing)
{
	arena();
	sharing(".", MS_SHARED);
	mount_at("a");
	int fresh = new_tmpfs("fresh");
	R(move(fresh, "", AT_FDCWD, "a", FROM_FD | BENEATH));
	show();
	close(fresh);
	umount("a");
	show();
	umount("a");
	bind(".", "f");
	sharing("f", MS_SLAVE);
	show();
	fresh = new_tmpfs("fresh");
	mount_at("b");
	show();
	R(move(fresh, "", AT_FDCWD, "b", FROM_FD | BENEATH));
	show();
	close(fresh);
	umount("b");
	show();
}

ABI_TEST(mountmove, beneath_loops)
{
	arena();
	mount_at("a");
	mkdir("a/in", 0755);
	mount_at("a/in");
	R(beneath("a", "a/in"));
	R(beneath("a/in", "a"));
	show();
	mount_at("b");
	mkdir("b/x", 0755);
	mount_at("b/x");
	R(beneath("b", "b/x"));
	sharing("b", MS_SHARED);
	R(beneath("b/x", "a"));
	close(open("c/file", O_CREAT, 0600));
	close(open("file", O_CREAT, 0600));
	bind("c/file", "file");
	mount_at("d");
	R(beneath("d", "file"));
	R(beneath("file", "d"));
	chdir("d");
	R(beneath("../d", "."));
	chdir("..");
	show();
}

static void as_nobody(void)
{
	setresgid(1000, 1000, 1000);
	setresuid(1000, 1000, 1000);
}

ABI_TEST(mountmove, not_without_privilege)
{
	arena();
	mount_at("a");
	mount_at("b");
	as_nobody();
	R(set_group("a", "b"));
	R(beneath("a", "b"));
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	R(syscall(467, AT_FDCWD, "a", TREE_COPY, &attr, sizeof(attr)));
	R(syscall(467, AT_FDCWD, "a", 0, &attr, sizeof(attr)));
	R(syscall(467, AT_FDCWD, "a", 0, NULL, 0) >= 0);
}

static long tree_attr(const char *path, unsigned flags, struct mount_attr *attr, size_t size)
{
	return syscall(467, AT_FDCWD, path, flags, attr, size);
}

ABI_TEST(mountmove, tree_with_attributes)
{
	struct {
		struct mount_attr attr;
		uint64_t more[600];
	} big = {0};
	struct mount_attr *attr = &big.attr;
	struct statvfs s;

	arena();
	mount_at("a");
	mkdir("a/in", 0755);
	mount_at("a/in");
	R(tree_attr("a", TREE_COPY, NULL, 0) >= 0);
	R(tree_attr("a", 0, NULL, 0) >= 0);
	R(tree_attr("a", TREE_COPY, NULL, sizeof(*attr)));
	R(tree_attr("a", TREE_COPY, attr, 0) >= 0);
	R(tree_attr("a", TREE_COPY, attr, 8));
	R(tree_attr("a", TREE_COPY, attr, sizeof(*attr)) >= 0);
	R(tree_attr("a", TREE_COPY, attr, 4097));
	big.more[0] = 1;
	R(tree_attr("a", TREE_COPY, attr, 40));
	attr->attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID;
	int fd = R(tree_attr("a", TREE_COPY | RECURSIVE, attr, sizeof(*attr)) >= 0)
			 ? tree_attr("a", TREE_COPY | RECURSIVE, attr, sizeof(*attr))
			 : -1;
	fstatvfs(fd, &s);
	printf("%#lx\n", s.f_flag & (ST_RDONLY | ST_NOSUID));
	R(move(fd, "", AT_FDCWD, "b", FROM_FD));
	close(fd);
	show();
	fd = tree_attr("a", TREE_COPY, attr, sizeof(*attr));
	R(move(fd, "", AT_FDCWD, "c", FROM_FD));
	show();
	R(tree_attr("a", 0, attr, sizeof(*attr)) >= 0);
	R(tree_attr("a", RECURSIVE, attr, sizeof(*attr)));
	R(tree_attr("a/none", TREE_COPY, attr, sizeof(*attr)));
	R(tree_attr("a", 0x40000000, attr, sizeof(*attr)));
	attr->attr_set = 1UL << 40;
	R(tree_attr("a", TREE_COPY, attr, sizeof(*attr)));
	*attr = (struct mount_attr){.propagation = MS_SHARED};
	fd = tree_attr("a", TREE_COPY | RECURSIVE, attr, sizeof(*attr));
	R(move(fd, "", AT_FDCWD, "d", FROM_FD));
	show();
}

static long pivot(const char *new_root, const char *put_old)
{
	return syscall(SYS_pivot_root, new_root, put_old);
}

ABI_TEST(mountmove, pivot_refusals)
{
	arena();
	mkdir("a/plain", 0755);
	close(open("file", O_CREAT, 0600));
	bind(".", "c"); // what the first root hangs on is the kernel's own affair
	chroot("c");
	chdir("/");
	R(pivot("none", "none"));
	R(pivot("file", "a"));
	R(pivot("a", "file"));
	R(pivot(BAD, "a"));
	R(pivot("a", BAD));
	R(pivot("", "a"));
	R(pivot("a", "a"));
	R(pivot("a", "a/plain"));
	mount_at("b");
	mkdir("b/old", 0755);
	R(pivot("/", "b/old"));
	R(pivot("b", "a"));
	R(pivot("b", "/"));
	R(pivot("b/old", "b/old"));
	sharing("b", MS_SHARED);
	R(pivot("b", "b/old"));
	sharing("b", MS_PRIVATE);
	sharing("/", MS_SHARED);
	R(pivot("b", "b/old"));
	sharing("/", MS_PRIVATE);
	pid_t pid = fork();
	if (!pid) {
		chroot("a"); // no root of a mount
		chdir("/");
		mount_at("plain");
		R(pivot("plain", "plain"));
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	R(pivot("b", "b/old"));
	R(access("/old/b", F_OK));
	R(pivot("/", "/old"));
	R(pivot("/old", "/"));
	as_nobody();
	R(pivot("/", "/old"));
}

ABI_TEST(mountmove, escape)
{
	struct stat s, t;

	arena();
	mkdir("a/jail", 0755);
	int out = open(".", O_RDONLY | O_DIRECTORY);
	R(chroot("a"));
	R(chdir("jail"));
	R(chdir("../../.."));
	stat(".", &s);
	stat("/", &t);
	printf("%d\n", s.st_ino == t.st_ino && s.st_dev == t.st_dev);
	R(fchdir(out));
	R(access("b", F_OK));
	for (int i = 0; i < 50; i++)
		chdir("..");
	R(access("arena", F_OK) == 0 || access("proc", F_OK) == 0);
	R(chroot("."));
	R(access("/proc", F_OK));
}

ABI_TEST(mountmove, going_away)
{
	arena();
	mount_at("a");
	R(umount2("a", MNT_EXPIRE | MNT_FORCE));
	R(umount2("a", MNT_EXPIRE | MNT_DETACH));
	R(umount2("a", 16));
	R(umount2("b", MNT_EXPIRE));
	R(umount2("/", MNT_EXPIRE));
	R(umount2("a", MNT_EXPIRE));
	close(open("a", O_RDONLY));
	R(umount2("a", MNT_EXPIRE));
	R(umount2("a", MNT_EXPIRE));
	mount_at("a");
	int fd = open("a", O_RDONLY);
	R(umount2("a", MNT_EXPIRE));
	R(umount2("a", 0));
	R(umount2("a", MNT_FORCE));
	close(fd);
	R(umount2("a", MNT_EXPIRE));
	mkdir("a/in", 0755);
	mount_at("a/in");
	R(umount2("a", MNT_EXPIRE));
	R(umount2("a", 0));
	fd = open("a/in", O_RDONLY);
	close(openat(fd, "f", O_CREAT, 0600));
	R(umount2("a", MNT_DETACH));
	R(faccessat(fd, "f", F_OK, 0));
	R(faccessat(fd, "../in", F_OK, 0));
	show();
	close(fd);
	symlink("b", "link");
	mount_at("b");
	R(umount2("link", UMOUNT_NOFOLLOW));
	R(umount2("link", UMOUNT_NOFOLLOW | MNT_DETACH));
	R(umount2("link", 0));
	R(umount2("b", UMOUNT_NOFOLLOW));
	R(umount2("", 0));
	R(umount2(BAD, 0));
	R(umount2("none", 0));
	as_nobody();
	R(umount2("b", 0));
	R(umount2("none", 0));
}

// Flags of one mount after each change.
static void flags(const char *what)
{
	struct statvfs s;

	statvfs("a", &s);
	printf("%s: %#lx\n", what, s.f_flag);
}

ABI_TEST(mountmove, remount_flags)
{
	static const struct {
		const char *name;
		unsigned long flags;
	} all[] = {
		{"none", 0},
		{"ro", MS_RDONLY},
		{"nosuid", MS_NOSUID},
		{"nodev", MS_NODEV},
		{"noexec", MS_NOEXEC},
		{"noatime", MS_NOATIME},
		{"nodiratime", MS_NODIRATIME},
		{"relatime", MS_RELATIME},
		{"strictatime", MS_STRICTATIME},
		{"lazytime", MS_LAZYTIME},
		{"sync", MS_SYNCHRONOUS},
		{"dirsync", MS_DIRSYNC},
		{"mand", MS_MANDLOCK},
		{"nosymfollow", 256},
		{"silent", MS_SILENT},
		{"noatime,strictatime", MS_NOATIME | MS_STRICTATIME},
		{"relatime,strictatime", MS_RELATIME | MS_STRICTATIME},
		{"noatime,relatime", MS_NOATIME | MS_RELATIME},
		{"nodiratime,strictatime", MS_NODIRATIME | MS_STRICTATIME},
	};

	arena();
	for (int bound = 0; bound < 2; bound++) {
		mount_at("a");
		for (unsigned i = 0; i < sizeof(all) / sizeof(*all); i++) {
			R(mount(NULL, "a", NULL, MS_REMOUNT | (bound ? MS_BIND : 0) | all[i].flags,
				NULL));
			flags(all[i].name);
			show();
			if (i & 1)
				mount(NULL, "a", NULL, MS_REMOUNT, NULL);
		}
		umount("a");
	}
	mount_at("a");
	int fd = open("a/f", O_CREAT | O_WRONLY, 0600);
	R(mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	R(mount(NULL, "a", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	R(mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | MS_NOEXEC, "nonesuch"));
	R(mount(NULL, "a/f", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	R(mount(NULL, "b", NULL, MS_REMOUNT, NULL));
	close(fd);
	show();
}

ABI_TEST(mountmove, kinds_of_sharing)
{
	static const unsigned long kinds[] = {
		MS_SHARED | MS_PRIVATE, MS_SHARED | MS_RDONLY,     MS_SHARED | MS_SILENT,
		MS_UNBINDABLE | MS_REC, MS_UNBINDABLE | MS_SHARED, MS_SLAVE | MS_REC,
		MS_SHARED | MS_NOSUID,  MS_PRIVATE | MS_MOVE,      MS_BIND | MS_REC | MS_UNBINDABLE,
		MS_BIND | MS_SHARED,    MS_MOVE | MS_SHARED,       MS_MOVE | MS_BIND,
		MS_MOVE | MS_REC,       MS_REMOUNT | MS_SHARED,    MS_REMOUNT | MS_MOVE,
		MS_REMOUNT | MS_REC,
	};

	arena();
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		mount_at("a");
		mkdir("a/in", 0755);
		mount_at("a/in");
		printf("%#lx: ", kinds[i]);
		R(mount("a", "b", NULL, kinds[i], NULL));
		printf("%#lx on itself: ", kinds[i]);
		R(mount("b", "a", NULL, kinds[i], NULL));
		show();
		while (!umount2("a", MNT_DETACH) || !umount2("b", MNT_DETACH))
			;
	}
	mount_at("a");
	sharing("a", MS_UNBINDABLE);
	R(mount("a", "b", NULL, MS_BIND, NULL));
	R(mount("a", "b", NULL, MS_BIND | MS_REC, NULL));
	R(mount(".", "b", NULL, MS_BIND | MS_REC, NULL));
	show();
	mount_at("c");
	sharing("c", MS_SHARED);
	mkdir("c/x", 0755);
	R(mount("a", "c/x", NULL, MS_MOVE, NULL));
	R(mount("a", "d", NULL, MS_MOVE, NULL));
	show();
}

ABI_TEST(mountmove, most)
{
	arena();
	uint32_t info[4]; // size, mounts, id
	int own = open("/proc/self/ns/mnt", O_RDONLY);
	ioctl(own, 0x8010b70a, info);
	int count = info[1];
	FILE *f = fopen("/proc/sys/fs/mount-max", "r+");
	char old[32] = "";
	fgets(old, sizeof(old), f);
	printf("%s", old);
	rewind(f);
	fprintf(f, "%d", count + 10);
	fflush(f);
	int made = 0; // a kernel may have one that it does not tell of
	while (made < 20 && !mount("x", "a", "tmpfs", 0, NULL))
		made++;
	printf("%s\n", made < 9 || made > 10 ? "not as many as allowed" : "as many as allowed");
	R(mount("x", "c", "tmpfs", 0, NULL));
	R(mount("a", "c", NULL, MS_BIND, NULL));
	R(tree_of("a", TREE_COPY) >= 0);
	R(unshare(CLONE_NEWNS));
	umount("a");
	int fresh = new_tmpfs("fresh");
	R(move(fresh, "", AT_FDCWD, "b", FROM_FD));
	fresh = new_tmpfs("fresh");
	R(move(fresh, "", AT_FDCWD, "c", FROM_FD));
	R(move(fresh, "", AT_FDCWD, "a", FROM_FD | BENEATH));
	static const char *const values[] = {"0", "1", "-1", "x", "4294967296", "100000"};
	for (int i = 0; i < 6; i++) {
		int fd = open("/proc/sys/fs/mount-max", O_RDWR);
		printf("%s: ", values[i]);
		R(write(fd, values[i], strlen(values[i])));
		if (i) {
			char now[32] = "";

			pread(fd, now, 31, 0);
			printf("%s", now);
		}
		close(fd);
	}
}
