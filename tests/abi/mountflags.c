// Flags of mounts, what is locked for less privileged namespaces, umount2(2), pivot_root(2), the
// texts of /proc/PID/mounts and mountstats, and poll(2) on them.

#include "mounts.h"
#include <poll.h>
#include <sys/mman.h>
#include <sys/statfs.h>

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	errno = 0;
	abi_show(path, write(fd, text, strlen(text)));
	close(fd);
}

static void map_self(int uid, int gid)
{
	char text[32];

	put("/proc/self/setgroups", "deny");
	sprintf(text, "0 %d 1", uid);
	put("/proc/self/uid_map", text);
	sprintf(text, "0 %d 1", gid);
	put("/proc/self/gid_map", text);
}

// The lines of a text of /proc/self that mention the arena.
static void show_lines(const char *path)
{
	char *save, *arena;

	printf("%s\n", path);
	for (char *line = strtok_r(read_whole(path), "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!(arena = strstr(line, "/arena")))
			continue;
		char *cut = strstr(line, "/tmp/");
		printf("%.*s%s\n", (int)((cut ?: arena) - line), line, arena);
	}
}

static void show_statfs(const char *path)
{
	struct statfs fs;

	if (R(statfs(path, &fs)) == 0)
		printf("flags %lx\n", (long)fs.f_flags);
}

ABI_TEST(mountflags, of_new_mounts)
{
	static const int flags[] = {0,
				    MS_RDONLY,
				    MS_NOSUID | MS_NODEV | MS_NOEXEC,
				    MS_NOATIME,
				    MS_NODIRATIME,
				    MS_NOATIME | MS_NODIRATIME,
				    MS_STRICTATIME,
				    MS_STRICTATIME | MS_NOATIME,
				    MS_RELATIME | MS_NOATIME,
				    256,
				    MS_SILENT,
				    MS_NOATIME | MS_RELATIME | MS_STRICTATIME,
				    (int)0xc0ed0000 | MS_RDONLY};

	arena();
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		R(mount("a", "a", "tmpfs", (unsigned)flags[i], NULL));
		show();
		show_statfs("a");
		show_lines("/proc/self/mounts");
		R(umount2("a", 0));
	}
	R(mount("a", "a", "tmpfs", 1u << 31, NULL));
	R(mount("a", "a", NULL, 0, NULL));
	R(mount("a", "a", "nonesuch", 0, NULL));
	R(mount("a", "none", "tmpfs", 0, NULL));
	R(mount("a", BAD, "tmpfs", 0, NULL));
	R(mount(BAD, "a", "tmpfs", 0, NULL));
	R(mount("a", "a", BAD, 0, NULL));
	R(mount("a", "a", "tmpfs", 0, "size=nonsense"));
	R(mount("a", "a", "tmpfs", 0, "nonesuch"));
	R(mount(NULL, "a", "tmpfs", 0, "size=64k,mode=700,uid=3,gid=4,nr_inodes=50"));
	show();
	show_lines("/proc/self/mounts");
	show_lines("/proc/self/mountstats");
	close(open("file", O_CREAT | O_RDWR, 0600));
	R(mount("f", "file", "tmpfs", 0, NULL));
	R(mount("a", "file", NULL, MS_BIND, NULL));
	R(mount("file", "a", NULL, MS_BIND, NULL));
	R(mount("", "a", NULL, MS_BIND, NULL));
	R(mount(NULL, "a", NULL, MS_BIND, NULL));
	R(mount("none", "a", NULL, MS_BIND, NULL));
}

ABI_TEST(mountflags, odd_names)
{
	arena();
	mkdir("sp ace", 0755);
	mkdir("ta\tb", 0755);
	mkdir("new\nline", 0755);
	mkdir("back\\slash", 0755);
	mkdir("ha#sh", 0755);
	R(mount("a b#c\\d", "sp ace", "tmpfs", 0, NULL));
	R(mount("#", "ta\tb", "tmpfs", 0, NULL));
	R(mount("", "new\nline", "tmpfs", 0, NULL));
	R(mount("x", "back\\slash", "tmpfs", 0, NULL));
	R(mount("x", "ha#sh", "tmpfs", 0, NULL));
	R(mount("ha#sh", "a", NULL, MS_BIND, NULL));
	mkdir("a/in ner#", 0755);
	R(mount("a/in ner#", "b", NULL, MS_BIND, NULL));
	show();
	show_lines("/proc/self/mounts");
	show_lines("/proc/self/mountstats");
	R(rmdir("a/in ner#"));
	show();
}

ABI_TEST(mountflags, remount)
{
	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	R(mount("a", "b", NULL, MS_BIND, NULL));
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID, NULL));
	show();
	R(open("b/file", O_CREAT | O_RDWR, 0600));
	int file = open("a/file", O_CREAT | O_RDWR, 0600), other = open("b", O_RDONLY);
	R(mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL)); // it is written
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	close(file);
	close(other);
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_NOATIME, NULL));
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND, NULL));
	show();
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_STRICTATIME, NULL));
	show();
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RELATIME, NULL));
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_RDONLY | MS_NOEXEC, "size=128k"));
	show();
	R(open("a/file2", O_CREAT | O_RDWR, 0600));
	R(mount(NULL, "a", NULL, MS_REMOUNT, NULL));
	R(mount(NULL, "a", NULL, MS_REMOUNT, "size=4k"));
	R(mount(NULL, "a", NULL, MS_REMOUNT, "nonesuch=1"));
	R(mount(NULL, "a", NULL, MS_REMOUNT, "mode=711"));
	show();
	R(mount(NULL, "c", NULL, MS_REMOUNT, NULL));
	R(mount(NULL, "c", NULL, MS_REMOUNT | MS_BIND, NULL));
	// A bind takes over the flags of the original and hears none.
	R(mount("b", "d", NULL, MS_BIND | MS_NODEV, NULL));
	show();
}

ABI_TEST(mountflags, nosymfollow_noexec_nodev)
{
	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	close(open("a/file", O_CREAT | O_RDWR, 0755));
	symlink("file", "a/link");
	R(mknod("a/null", S_IFCHR | 0666, 0x103));
	R(mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | 256, NULL));
	R(open("a/link", O_RDONLY));
	char text[16];
	R(readlink("a/link", text, 16));
	R(access("a/link", F_OK));
	R(open("a/link", O_RDONLY | O_NOFOLLOW));
	R(open("a/link", O_RDONLY | O_CREAT, 0600));
	R(symlink("a/file", "outer"));
	OK(open("outer", O_RDONLY));
	R(mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | MS_NODEV | MS_NOEXEC, NULL));
	OK(open("a/link", O_RDONLY));
	R(open("a/null", O_RDONLY));
	OK(open("a/null", O_PATH));
	char *args[] = {"file", NULL};
	R(execv("a/file", args));
	int fd = open("a/file", O_RDWR);
	write(fd, "x", 1);
	R(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
	R(access("a/file", X_OK));
}

// Whether the access time of a file moves when it is read now.
static void show_access(const char *path, int flags, const char *when)
{
	struct stat before, after;
	char text[256];

	usleep(30000);
	stat(path, &before);
	int fd = open(path, O_RDONLY | flags);
	if (S_ISDIR(before.st_mode))
		syscall(SYS_getdents64, fd, text, sizeof(text));
	else
		read(fd, text, 4);
	close(fd);
	stat(path, &after);
	printf("%s, %s: %d\n", path, when,
	       before.st_atim.tv_sec != after.st_atim.tv_sec ||
		       before.st_atim.tv_nsec != after.st_atim.tv_nsec);
}

ABI_TEST(mountflags, access_times)
{
	struct timespec old[2] = {{.tv_nsec = 2}, {.tv_nsec = 1}};
	static const int kinds[] = {MS_RELATIME, MS_STRICTATIME, MS_NOATIME, MS_NODIRATIME,
				    MS_RDONLY};

	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	mkdir("a/dir", 0755);
	int fd = open("a/file", O_CREAT | O_RDWR, 0600);
	write(fd, "text", 4);
	close(fd);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		fd = open("a/file", O_WRONLY);
		usleep(30000);
		write(fd, "t", 1);
		utimensat(AT_FDCWD, "a/dir", NULL, 0);
		close(fd);
		R(mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | kinds[i], NULL) ? -1 : kinds[i]);
		show_access("a/file", O_NOATIME, "as none");
		show_access("a/file", 0, "first");
		show_access("a/file", 0, "second");
		show_access("a/dir", 0, "first");
		show_access("a/dir", 0, "second");
		R(mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | MS_RELATIME, NULL));
		R(utimensat(AT_FDCWD, "a/file", old, 0));
		R(utimensat(AT_FDCWD, "a/dir", old, 0));
		show_access("a/file", 0, "old");
	}
}

static void nested_flags(void)
{
	R(unshare(CLONE_NEWUSER | CLONE_NEWNS));
	map_self(0, 0);
	show();
	R(mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND, NULL));
	R(mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	R(mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NOEXEC, NULL));
	R(mount(NULL, "a", NULL,
		MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL));
	R(mount(NULL, "a", NULL,
		MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOATIME, NULL));
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND, NULL));
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_NOATIME, NULL));
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_STRICTATIME, NULL));
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_NODIRATIME, NULL));
	R(mount(NULL, "b", NULL, MS_REMOUNT, "size=1M"));
	R(umount2("b", 0));
	R(umount2("b", MNT_DETACH));
	R(mount("b", "c", NULL, MS_MOVE, NULL));
	R(mount("b", "c", NULL, MS_BIND, NULL));
	R(mount(NULL, "c", NULL, MS_REMOUNT | MS_BIND, NULL));
	R(umount2("c", 0));
	R(mount(".", "c", NULL, MS_BIND, NULL));
	R(mount(".", "c", NULL, MS_BIND | MS_REC, NULL));
	show();
	int fd = open("c", O_RDONLY | O_DIRECTORY);
	R(umount2("c", 0));
	R(umount2("c/a", MNT_DETACH));
	R(umount2("c", MNT_DETACH));
	R(faccessat(fd, "a/hidden", F_OK, 0)); // what is locked on it stays on it
	R(faccessat(fd, "a", F_OK, 0));
	R(mount("n", "d", "tmpfs", 0, NULL));
	R(mount(NULL, "d", NULL, MS_REMOUNT, "size=1M"));
	R(mknod("d/dev", S_IFCHR | 0666, 0x103));
	R(mknod("d/fifo", S_IFIFO | 0666, 0));
	show();
	R(umount2("d", MNT_FORCE));
	R(umount2("d", 0));
	R(mount("dev", "d", "devtmpfs", 0, NULL));
	R(mount("proc", "d", "proc", 0, NULL));
	R(mount("none", "d", "mqueue", 0, NULL));
}

ABI_TEST(mountflags, locked)
{
	arena();
	close(open("a/hidden", O_CREAT | O_RDWR, 0600));
	R(mount("a", "a", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV, NULL));
	R(mount("b", "b", "tmpfs", 0, NULL));
	nested_flags();
}

ABI_TEST(mountflags, of_an_ordinary_user)
{
	arena();
	R(mount("a", "a", "tmpfs", 0, "mode=777"));
	chmod(".", 0777);
	setresgid(1000, 1000, 1000);
	setresuid(1000, 1000, 1000);
	R(mount("b", "b", "tmpfs", 0, NULL));
	R(mount("a", "b", NULL, MS_BIND, NULL));
	R(mount("a", "b", NULL, MS_MOVE, NULL));
	R(mount(NULL, "a", NULL, MS_PRIVATE, NULL));
	R(mount(NULL, "a", NULL, MS_REMOUNT, NULL));
	R(mount("b", "none", "tmpfs", 0, NULL));
	R(mount("b", "b", "nonesuch", 0, NULL));
	R(umount2("a", 0));
	R(umount2("none", 0));
	R(umount2("b", 0));
	R(umount2("a", 64));
	R(syscall(SYS_pivot_root, "a", "a"));
	R(syscall(SYS_pivot_root, "none", "a"));
	R(chroot("a"));
	R(chroot("none"));
	R(unshare(CLONE_NEWNS));
}

ABI_TEST(mountflags, mknod_in_nested)
{
	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	int pid = fork();
	if (pid == 0) {
		R(unshare(CLONE_NEWUSER | CLONE_NEWNS));
		R(mount("n", "b", "tmpfs", 0, "mode=777")); // ids are not mapped yet
		R(mkdir("b/unmapped", 0755));
		R(mknod("b/fifo", S_IFIFO | 0600, 0));
		R(mknod("b/dev", S_IFCHR | 0600, 0x103));
		R(open("b/file", O_CREAT | O_RDWR, 0600));
		R(symlink("x", "b/link"));
		R(mknod("a/dev", S_IFCHR | 0600, 0x103));
		R(mknod("a/none/dev", S_IFCHR | 0600, 0x103));
		R(mkdir("a/unmapped", 0755));
		map_self(0, 0);
		R(mount("n", "c", "tmpfs", 0, NULL));
		R(mkdir("c/mapped", 0755));
		R(mknod("c/fifo", S_IFIFO | 0600, 0));
		R(mknod("c/dev", S_IFCHR | 0600, 0x103));
		R(mknod("c/dev", S_IFBLK | 0600, 0x103));
		R(mknod("c/fifo", S_IFCHR | 0600, 0x103));
		R(mknod("c/whiteout", S_IFCHR | 0600, 0));
		R(mknod("a/whiteout", S_IFCHR | 0600, 0));
		R(mknod("c/none/dev", S_IFCHR | 0600, 0x103));
		R(mkdir("b/now", 0755));
		show();
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	R(mknod("a/dev2", S_IFDIR | 0600, 0));
	R(mknod("a/dev2", S_IFLNK | 0600, 0));
	R(mknod("a/dev2", 0170000, 0));
	R(mknod("a/regular", 0600, 0));
}

ABI_TEST(mountflags, umount_options)
{
	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	mkdir("a/in", 0755);
	symlink("a", "link");
	R(umount2("link", UMOUNT_NOFOLLOW));
	R(umount2("a/in", 0));
	R(umount2("b", 0));
	R(umount2("a", 64));
	R(umount2("a", MNT_EXPIRE | MNT_DETACH));
	R(umount2("a", MNT_EXPIRE | MNT_FORCE));
	R(umount2("none", MNT_EXPIRE | MNT_FORCE));
	R(umount2("a", MNT_EXPIRE));
	R(access("a/in", F_OK)); // used again
	R(umount2("a", MNT_EXPIRE));
	int fd = open("a", O_RDONLY);
	R(umount2("a", MNT_EXPIRE));
	R(umount2("a", 0));
	R(umount2("a", MNT_FORCE));
	close(fd);
	R(umount2("a", MNT_EXPIRE));
	R(umount2("a", MNT_EXPIRE));
	R(umount2("a", MNT_EXPIRE));
	R(mount("a", "a", "tmpfs", 0, NULL));
	R(umount2("link", 0));
	R(mount("a", "a", "tmpfs", 0, NULL));
	R(mount("b", "a", "tmpfs", 0, NULL));
	R(umount2("a", 0));
	show();
	int below = open("a", O_RDONLY | O_DIRECTORY);
	mkdirat(below, "in", 0755);
	R(mount("c", "a/in", "tmpfs", 0, NULL));
	R(umount2("a", 0));
	R(umount2("a", MNT_DETACH));
	R(faccessat(below, "in", F_OK, 0));
	R(mkdirat(below, "in/more", 0755));
	show();
	R(umount2("/", MNT_EXPIRE));
	int pid = fork();
	if (pid == 0) {
		R(chroot("."));
		R(umount2("/", 0)); // only made read-only
		R(mkdir("made", 0755));
		show();
		R(umount2("/", MNT_DETACH));
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
}

// A root that can be left: a tmpfs, with the arena's folders in it, that is the root.
static void enter_arena(void)
{
	arena();
	mkdir("proc", 0755);
	mount("proc", "proc", "proc", 0, NULL);
	mount(".", ".", NULL, MS_BIND, NULL);
}

ABI_TEST(mountflags, pivot_root_errors)
{
	arena();
	R(mount("new", "a", "tmpfs", 0, NULL));
	mkdir("a/old", 0755);
	mkdir("a/in", 0755);
	close(open("file", O_CREAT | O_RDWR, 0600));
	close(open("a/file", O_CREAT | O_RDWR, 0600));
	R(syscall(SYS_pivot_root, "none", "a/old"));
	R(syscall(SYS_pivot_root, "a", "a/none"));
	R(syscall(SYS_pivot_root, BAD, "a"));
	R(syscall(SYS_pivot_root, "a", BAD));
	R(syscall(SYS_pivot_root, "file", "a/old"));
	R(syscall(SYS_pivot_root, "a", "a/file"));
	// As seen from a root that is a mount of its own.
	R(chroot("."));
	R(syscall(SYS_pivot_root, "a/in", "a/old")); // no mount
	R(syscall(SYS_pivot_root, "b", "a/old"));
	R(syscall(SYS_pivot_root, ".", "a/old")); // the root itself
	R(syscall(SYS_pivot_root, "a", "b"));
	R(mount("other", "b", "tmpfs", 0, NULL));
	R(syscall(SYS_pivot_root, "a", "b"));
	R(mount(NULL, "a", NULL, MS_SHARED, NULL));
	R(syscall(SYS_pivot_root, "a", "a/old")); // put_old on a shared mount
	R(mount(NULL, "a", NULL, MS_PRIVATE, NULL));
	R(mount(NULL, ".", NULL, MS_SHARED, NULL));
	R(syscall(SYS_pivot_root, "a", "a/old")); // new root on a shared mount
	R(mount(NULL, ".", NULL, MS_PRIVATE, NULL));
	R(chdir("c"));
	R(chroot("."));
	R(syscall(SYS_pivot_root, "/", "/"));
}

// The root that the kernel booted with lies on a mount, too: a container needs no chroot first.
ABI_TEST(mountflags, pivot_root_from_the_first_root)
{
	int id, parent;

	arena();
	R(mount("new", "a", "tmpfs", 0, NULL));
	mkdir("a/old", 0755);
	mkdir("a/proc", 0755);
	R(syscall(SYS_pivot_root, "a", "a/old"));
	R(chdir("/"));
	R(access("/old/proc", F_OK));
	R(access("/../old/proc/self", F_OK));
	R(mount("proc", "proc", "proc", 0, NULL));
	char *line = read_whole("/proc/self/mountinfo");
	R(sscanf(line, "%d %d", &id, &parent));
	abi_show("hangs on another", id != parent);
	R(umount2("/old", MNT_DETACH));
	R(access("/old/proc", F_OK));
	R(umount2("/", MNT_DETACH));
	R(access("/proc", F_OK));
}

ABI_TEST(mountflags, pivot_root_works)
{
	enter_arena();
	R(chroot("."));
	R(mount("new", "a", "tmpfs", 0, NULL));
	mkdir("a/old", 0755);
	mkdir("a/proc", 0755);
	R(mount("proc", "a/proc", "proc", 0, NULL));
	int outside = open("/b", O_RDONLY | O_DIRECTORY);
	close(open("b/witness", O_CREAT | O_RDWR, 0600));
	R(chdir("a"));
	R(syscall(SYS_pivot_root, ".", "old"));
	R(access("/old/b/witness", F_OK));
	char text[64];
	R(syscall(SYS_getcwd, text, sizeof(text)));
	printf("%s\n", text);
	R(umount2("/old", 0));
	R(faccessat(outside, "witness", F_OK, 0));
	R(umount2("/old", MNT_DETACH));
	R(faccessat(outside, "witness", F_OK, 0));
	R(faccessat(outside, "../../../../b/witness", F_OK, 0));
	R(access("/old/b/witness", F_OK));
	R(fchdir(outside));
	R(syscall(SYS_getcwd, text, sizeof(text)));
	printf("%s\n", text);
	R(access("/proc/self/status", F_OK));
}

ABI_TEST(mountflags, pivot_root_dots)
{
	enter_arena();
	R(chroot("."));
	R(mount("new", "a", "tmpfs", 0, NULL));
	close(open("a/inner", O_CREAT | O_RDWR, 0600));
	close(open("outer", O_CREAT | O_RDWR, 0600));
	R(chdir("a"));
	int new = open(".", O_RDONLY | O_DIRECTORY), old = open("/", O_RDONLY | O_DIRECTORY);
	R(syscall(SYS_pivot_root, ".", "."));
	R(access("inner", F_OK));
	R(access("/inner", F_OK));
	R(access("../outer", F_OK));
	R(fchdir(old));
	R(access("outer", F_OK));
	R(umount2(".", MNT_DETACH));
	R(access("outer", F_OK));
	R(fchdir(new));
	R(access("inner", F_OK));
	R(access("../inner", F_OK));
	R(chdir("/"));
	R(access("inner", F_OK));
}

ABI_TEST(mountflags, chroot_and_dots)
{
	arena();
	mkdir("a/jail", 0755);
	mkdir("a/jail/sub", 0755);
	close(open("a/secret", O_CREAT | O_RDWR, 0600));
	int outside = open("a", O_RDONLY | O_DIRECTORY);
	R(chdir("a/jail"));
	R(chroot("."));
	R(access("../secret", F_OK));
	R(access("/../../secret", F_OK));
	R(chdir("sub"));
	R(access("../../secret", F_OK));
	R(faccessat(outside, "secret", F_OK, 0));
	R(fchdir(outside));
	R(access("secret", F_OK)); // that is why namespaces are there
	R(unshare(CLONE_NEWUSER));
}

ABI_TEST(mountflags, limit)
{
	arena();
	char *text = read_whole("/proc/sys/fs/mount-max");
	printf("max %s", text);
	R(mount("a", "a", "tmpfs", 0, NULL));
	for (char name[8] = "a/a"; name[2] <= 'd'; name[2]++)
		mkdir(name, 0755);
	char number[16];
	// How many there are already is not the same everywhere: the least that lets one more in.
	put("/proc/sys/fs/mount-max", "1");
	for (int max = 1; mount("probe", "f", "tmpfs", 0, NULL); max++) {
		sprintf(number, "%d", max);
		int fd = open("/proc/sys/fs/mount-max", O_WRONLY);
		write(fd, number, strlen(number));
		close(fd);
	}
	umount2("f", 0);
	sprintf(number, "%d", atoi(number) + 2);
	put("/proc/sys/fs/mount-max", "0");
	int fd = open("/proc/sys/fs/mount-max", O_WRONLY);
	write(fd, number, strlen(number));
	close(fd);
	R(mount(NULL, "a", NULL, MS_SHARED, NULL));
	R(mount("a", "b", NULL, MS_BIND, NULL));
	R(mount("x", "a/a", "tmpfs", 0, NULL)); // two more, by propagation
	R(mount("x", "a/b", "tmpfs", 0, NULL));
	R(mount("x", "c", "tmpfs", 0, NULL));
	show();
	R(umount2("a/a", 0));
	R(mount("a", "c", NULL, MS_BIND, NULL));
	R(mount("x", "a/b", "tmpfs", 0, NULL));
	R(mount("x", "d", "tmpfs", 0, NULL));
	R(mount("x", "e", "tmpfs", 0, NULL));
	R(unshare(CLONE_NEWNS));
	put("/proc/sys/fs/mount-max", "100000");
	show();
}

static void show_poll(int fd)
{
	struct pollfd poll_for = {.fd = fd, .events = POLLIN | POLLPRI};

	errno = 0;
	int n = poll(&poll_for, 1, 0);
	printf("poll %d: %x\n", n, poll_for.revents);
}

ABI_TEST(mountflags, polling)
{
	arena();
	int fd = open("/proc/self/mountinfo", O_RDONLY);
	int mounts = open("/proc/self/mounts", O_RDONLY);
	show_poll(fd);
	R(mount("a", "a", "tmpfs", 0, NULL));
	show_poll(fd);
	show_poll(fd);
	R(mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	show_poll(fd);
	R(mount(NULL, "a", NULL, MS_SHARED, NULL));
	show_poll(fd);
	R(umount2("b", 0));
	show_poll(fd);
	R(mount("a", "b", NULL, MS_MOVE, NULL));
	show_poll(fd);
	R(umount2("b", 0));
	show_poll(fd);
	show_poll(mounts);
	int pid = fork();
	if (pid == 0) {
		usleep(20000);
		mount("a", "a", "tmpfs", 0, NULL);
		_exit(0);
	}
	struct pollfd poll_for = {.fd = fd, .events = POLLPRI};
	R(poll(&poll_for, 1, 5000));
	printf("%x\n", poll_for.revents);
	abi_reap(pid);
	// The file goes on telling about the namespace that it was opened in.
	R(unshare(CLONE_NEWNS));
	R(mount("in", "c", "tmpfs", 0, NULL));
	show_poll(fd);
	static char text[1 << 14];
	lseek(fd, 0, SEEK_SET);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = 0;
	printf("new one shown %d\n", strstr(text, "/arena/c") != NULL);
}
