// Extended attributes on a tmpfs: the rules of names, sizes, prefixes and kinds of files, who may see
// and set which, and the calls by path, link, descriptor and directory.

#include "abi.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <linux/capability.h>

#define DIR "/tmp/xattr"

struct xattr_arguments {
	unsigned long value;
	unsigned size, flags;
	unsigned long more;
};

static void fresh(const char *options)
{
	mkdir("/tmp", 0777);
	mkdir(DIR, 0777);
	if (mount("x", DIR, "tmpfs", 0, options))
		printf("no tmpfs: %s\n", strerror(errno));
	chdir(DIR);
	umask(0);
	close(open("file", O_CREAT | O_RDWR, 0644));
	mkdir("dir", 0755);
	symlink("file", "link");
}

static void done(void)
{
	chdir("/");
	umount2(DIR, MNT_DETACH);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

// Names come in no order that is promised.
static void show_list(const char *path)
{
	char list[4096];
	char *names[64];
	int count = 0;
	ssize_t n = R(llistxattr(path, list, sizeof(list)));

	for (char *at = list; n > 0 && at < list + n; at += strlen(at) + 1)
		names[count++] = at;
	qsort(names, count, sizeof(*names), by_name);
	for (int i = 0; i < count; i++)
		printf("  %s\n", names[i]);
}

static void become(uid_t uid)
{
	setgid(uid);
	setuid(uid);
}

ABI_TEST(xattr, values)
{
	char buffer[64] = "";

	fresh(NULL);
	R(setxattr("file", "user.one", "value", 5, 0));
	R(getxattr("file", "user.one", buffer, sizeof(buffer)));
	printf("%.5s\n", buffer);
	R(getxattr("file", "user.one", NULL, 0));
	R(getxattr("file", "user.one", buffer, 5));
	R(getxattr("file", "user.one", buffer, 4));
	R(getxattr("file", "user.none", buffer, 4));
	R(getxattr("file", "user.one", BAD, 64));
	R(setxattr("file", "user.one", "longer value", 12, XATTR_CREATE));
	R(setxattr("file", "user.one", "longer value", 12, XATTR_REPLACE));
	R(setxattr("file", "user.two", "x", 1, XATTR_REPLACE));
	R(setxattr("file", "user.two", "x", 1, XATTR_REPLACE | XATTR_CREATE));
	R(setxattr("file", "user.one", "x", 1, XATTR_REPLACE | XATTR_CREATE));
	R(setxattr("file", "user.two", "x", 1, 4));
	R(setxattr("file", "user.empty", NULL, 0, 0));
	R(setxattr("file", "user.empty", "", 0, XATTR_CREATE));
	R(getxattr("file", "user.empty", buffer, 9));
	R(setxattr("file", "user.bad", BAD, 9, 0));
	R(setxattr("file", BAD, "x", 1, 0));
	R(setxattr(BAD, "user.x", "x", 1, 0));
	show_list("file");
	R(listxattr("file", NULL, 0));
	R(listxattr("file", buffer, 5));
	R(listxattr("file", BAD, 60));
	R(removexattr("file", "user.one"));
	R(removexattr("file", "user.one"));
	R(removexattr("file", BAD));
	show_list("file");
	done();
}

ABI_TEST(xattr, sizes)
{
	static char value[65537], name[300];

	fresh(NULL);
	memset(name, 'n', sizeof(name));
	memcpy(name, "user.", 5);
	name[256] = 0;
	R(setxattr("file", name, "x", 1, 0));
	R(getxattr("file", name, value, 1));
	R(removexattr("file", name));
	name[255] = 0;
	R(setxattr("file", name, "x", 1, 0));
	R(getxattr("file", name, value, 1));
	R(setxattr("file", "", "x", 1, 0));
	R(setxattr("file", "user.big", value, 65537, 0));
	R(setxattr("file", "user.big", value, -1, 0));
	R(setxattr("file", "user.big", value, 65536, 0));
	R(getxattr("file", "user.big", value, 65537));
	R(getxattr("file", "user.big", value, 65535));
	R(getxattr("file", "user.big", value, (size_t)-1));
	// A list that is longer than any that can be read.
	for (int i = 0; i < 300; i++) {
		sprintf(name, "user.%0240d", i);
		if (setxattr("dir", name, NULL, 0, 0))
			break;
	}
	static char list[1 << 17];
	R(listxattr("dir", list, sizeof(list)));
	R(listxattr("dir", list, 65536));
	R(listxattr("dir", list, 60000));
	done();
}

ABI_TEST(xattr, names)
{
	static const char *const names[] = {"user.",
					    "user",
					    "trusted.",
					    "trusted.t",
					    "security.",
					    "security.s",
					    "security.capability",
					    "system.s",
					    "other.o",
					    "x",
					    ".",
					    "user.a.b",
					    "usera.x",
					    "USER.x"};
	char buffer[64];

	fresh(NULL);
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		printf("%s\n", names[i]);
		R(getxattr("file", names[i], buffer, sizeof(buffer)));
		R(setxattr("file", names[i], "v", 1, 0));
		R(getxattr("file", names[i], buffer, sizeof(buffer)));
	}
	show_list("file");
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		printf("%s\n", names[i]);
		R(removexattr("file", names[i]));
	}
	done();
}

static void try_kinds(const char *path)
{
	char buffer[8];

	printf("%s\n", path);
	R(lsetxattr(path, "user.u", "v", 1, 0));
	R(lgetxattr(path, "user.u", buffer, 8));
	R(lremovexattr(path, "user.u"));
	R(lsetxattr(path, "trusted.t", "v", 1, 0));
	R(lgetxattr(path, "trusted.t", buffer, 8));
	R(lsetxattr(path, "security.s", "v", 1, 0));
	show_list(path);
	R(lremovexattr(path, "trusted.t"));
}

ABI_TEST(xattr, kinds)
{
	fresh(NULL);
	mknod("fifo", S_IFIFO | 0666, 0);
	mknod("null", S_IFCHR | 0666, makedev(1, 3));
	try_kinds("file");
	try_kinds("dir");
	try_kinds("link");
	try_kinds("fifo");
	try_kinds("null");
	R(setxattr("link", "user.followed", "v", 1, 0));
	show_list("file");
	show_list("link");
	done();
}

ABI_TEST(xattr, descriptors)
{
	char buffer[16];
	int fd, pipes[2];

	fresh(NULL);
	fd = open("file", O_RDONLY);
	R(fsetxattr(fd, "user.f", "abc", 3, 0));
	R(fgetxattr(fd, "user.f", buffer, 16));
	R(flistxattr(fd, buffer, 16));
	R(fremovexattr(fd, "user.f"));
	unlink("file");
	R(fsetxattr(fd, "user.gone", "abc", 3, 0));
	R(fgetxattr(fd, "user.gone", buffer, 16));
	close(fd);
	fd = open("dir", O_PATH);
	R(fsetxattr(fd, "user.f", "abc", 3, 0));
	R(fgetxattr(fd, "user.f", buffer, 16));
	R(flistxattr(fd, buffer, 16));
	R(fremovexattr(fd, "user.f"));
	R(fsetxattr(-1, "user.f", "abc", 3, 0));
	R(fgetxattr(99, "user.f", buffer, 16));
	pipe(pipes);
	R(fsetxattr(pipes[0], "user.f", "abc", 3, 0));
	R(fgetxattr(pipes[0], "user.f", buffer, 16));
	R(fsetxattr(pipes[0], "trusted.f", "abc", 3, 0));
	R(flistxattr(pipes[0], buffer, 16));
	fd = memfd_create("m", 0);
	R(fsetxattr(fd, "user.f", "abc", 3, 0));
	R(fgetxattr(fd, "user.f", buffer, 16));
	R(fsetxattr(fd, "trusted.f", "abc", 3, 0));
	mkdir("/proc", 0555);
	mount("proc", "/proc", "proc", 0, NULL);
	R(setxattr("/proc/version", "user.x", "v", 1, 0));
	R(getxattr("/proc/version", "user.x", buffer, 1));
	R(setxattr("/proc/version", "trusted.x", "v", 1, 0));
	R(getxattr("/proc/version", "security.x", buffer, 1));
	R(listxattr("/proc/version", buffer, 1));
	R(removexattr("/proc/version", "trusted.x"));
	umount("/proc");
	done();
}

ABI_TEST(xattr, at)
{
	char buffer[16];
	struct xattr_arguments args = {(unsigned long)"value", 5, 0, 0};
	int dir, fd, place;

	fresh(NULL);
	close(open("dir/in", O_CREAT | O_RDWR, 0644));
	symlink("in", "dir/sym");
	dir = open("dir", O_RDONLY);
	fd = open("dir/in", O_RDONLY);
	place = open("dir/in", O_PATH);
	R(syscall(463, dir, "in", 0, "user.a", &args, 16));
	R(syscall(463, dir, "in", 0, "user.b", &args, 15));
	R(syscall(463, dir, "in", 0, "user.b", &args, 24));
	args.more = 1;
	R(syscall(463, dir, "in", 0, "user.c", &args, 24));
	R(syscall(463, dir, "in", 0, "user.c", &args, 5000));
	R(syscall(463, dir, "in", 0, "user.c", BAD, 16));
	R(syscall(463, dir, "in", 0x400, "user.c", &args, 16));
	args.flags = XATTR_CREATE;
	R(syscall(463, dir, "in", 0, "user.a", &args, 16));
	R(syscall(463, dir, "sym", 0x100, "user.a", &args, 16));
	R(syscall(463, fd, "", 0x1000, "user.fd", &args, 16));
	R(syscall(463, fd, NULL, 0x1000, "user.fd2", &args, 16));
	R(syscall(463, fd, "", 0, "user.fd3", &args, 16));
	R(syscall(463, place, "", 0x1000, "user.place", &args, 16));
	R(syscall(463, AT_FDCWD, "", 0x1000, "user.here", &args, 16));
	R(syscall(463, AT_FDCWD, NULL, 0x1000, "user.here2", &args, 16));
	args.value = (unsigned long)buffer, args.size = 16;
	R(syscall(464, dir, "in", 0, "user.a", &args, 16));
	args.flags = 0;
	R(syscall(464, dir, "in", 0, "user.a", &args, 16));
	R(syscall(464, dir, "in", 0x8000, "user.a", &args, 16));
	R(syscall(464, dir, "in", 0, "user.a", &args, 8));
	R(syscall(464, fd, "", 0x1000, "user.fd", &args, 16));
	R(syscall(464, place, "", 0x1000, "user.fd", &args, 16));
	R(syscall(465, dir, "in", 0, NULL, 0));
	R(syscall(465, dir, "sym", 0x100, NULL, 0));
	R(syscall(465, dir, "sym", 0x200, NULL, 0));
	R(syscall(465, place, "", 0x1000, NULL, 0));
	R(syscall(466, dir, "in", 0, "user.a"));
	R(syscall(466, fd, "", 0x1000, "user.fd"));
	R(syscall(466, fd, "", 0x4000, "user.fd"));
	R(fgetxattr(AT_FDCWD, "user.here", buffer, 16));
	show_list("dir/in");
	show_list(".");
	done();
}

ABI_TEST(xattr, owners)
{
	char buffer[16];

	fresh(NULL);
	mkdir("sticky", 01777);
	mkdir("open", 0777);
	close(open("closed", O_CREAT, 0600));
	close(open("readable", O_CREAT, 0644));
	close(open("writable", O_CREAT, 0222));
	chmod("writable", 0222);
	R(setxattr("closed", "user.u", "v", 1, 0));
	R(setxattr("readable", "user.u", "v", 1, 0));
	R(setxattr("readable", "trusted.t", "v", 1, 0));
	R(setxattr("readable", "security.s", "v", 1, 0));
	pid_t pid = fork();
	if (pid == 0) {
		become(1000);
		R(getxattr("closed", "user.u", buffer, 16));
		R(setxattr("closed", "user.u", "w", 1, 0));
		R(listxattr("closed", buffer, 16));
		R(getxattr("readable", "user.u", buffer, 16));
		R(setxattr("readable", "user.u", "w", 1, 0));
		R(removexattr("readable", "user.u"));
		R(getxattr("readable", "trusted.t", buffer, 16));
		R(setxattr("readable", "trusted.t", "w", 1, 0));
		R(removexattr("readable", "trusted.t"));
		R(getxattr("readable", "security.s", buffer, 16));
		R(setxattr("readable", "security.s", "w", 1, 0));
		R(removexattr("readable", "security.s"));
		R(setxattr("readable", "security.capability", "w", 1, 0));
		R(removexattr("readable", "security.capability"));
		R(setxattr("writable", "user.u", "w", 1, 0));
		R(getxattr("writable", "user.u", buffer, 16));
		R(setxattr("sticky", "user.u", "w", 1, 0));
		R(setxattr("open", "user.u", "w", 1, 0));
		R(getxattr("sticky", "user.u", buffer, 16));
		show_list("readable");
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	mount(NULL, DIR, NULL, MS_REMOUNT | MS_RDONLY | MS_BIND, NULL);
	R(setxattr("closed", "user.u", "v", 1, 0));
	R(setxattr("closed", "other.u", "v", 1, 0));
	R(removexattr("closed", "user.u"));
	R(getxattr("closed", "user.u", buffer, 16));
	done();
}

ABI_TEST(xattr, nested)
{
	char buffer[16];

	fresh(NULL);
	mkdir("/proc", 0555);
	mount("proc", "/proc", "proc", 0, NULL);
	R(setxattr("file", "trusted.t", "v", 1, 0));
	pid_t pid = fork();
	if (pid == 0) {
		unshare(CLONE_NEWUSER | CLONE_NEWNS);
		int fd = open("/proc/self/uid_map", O_WRONLY);
		write(fd, "0 0 1", 5);
		R(getxattr("file", "trusted.t", buffer, 16));
		R(setxattr("file", "trusted.t", "v", 1, 0));
		R(setxattr("file", "security.s", "v", 1, 0));
		R(setxattr("file", "user.u", "v", 1, 0));
		show_list("file");
		mount("y", "dir", "tmpfs", 0, NULL);
		R(setxattr("dir", "trusted.t", "v", 1, 0));
		R(setxattr("dir", "security.s", "v", 1, 0));
		R(setxattr("dir", "user.u", "v", 1, 0));
		show_list("dir");
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	done();
	umount("/proc");
}

// Attributes and inodes share one limit.
ABI_TEST(xattr, limit)
{
	static char value[4096];
	struct statfs fs;
	int made = 0;

	fresh("nr_inodes=16");
	statfs(DIR, &fs);
	printf("%lu of %lu\n", (long)fs.f_ffree, (long)fs.f_files);
	R(setxattr("file", "user.1", value, 4096, 0));
	statfs(DIR, &fs);
	printf("%lu of %lu\n", (long)fs.f_ffree, (long)fs.f_files);
	R(setxattr("file", "user.1", value, 4096, 0));
	R(setxattr("file", "user.2", value, 4096, 0));
	R(setxattr("file", "user.3", value, 4096, 0));
	R(setxattr("file", "user.3", value, 1000, 0));
	R(setxattr("file", "trusted.4", value, 4096, 0));
	R(setxattr("file", "user.2", value, 10, XATTR_REPLACE));
	statfs(DIR, &fs);
	printf("%lu of %lu\n", (long)fs.f_ffree, (long)fs.f_files);
	for (; made < 20; made++) {
		char name[8];
		sprintf(name, "f%d", made);
		if (mknod(name, S_IFREG | 0600, 0))
			break;
	}
	printf("%d made\n", made);
	unlink("file");
	statfs(DIR, &fs);
	printf("%lu of %lu\n", (long)fs.f_ffree, (long)fs.f_files);
	done();
}

ABI_TEST(xattr, times)
{
	struct stat before, after;

	fresh(NULL);
	stat("file", &before);
	usleep(20000);
	R(setxattr("file", "user.1", "v", 1, 0));
	stat("file", &after);
	printf("ctime %d mtime %d\n", !!memcmp(&before.st_ctim, &after.st_ctim, 16),
	       !!memcmp(&before.st_mtim, &after.st_mtim, 16));
	before = after;
	usleep(20000);
	R(removexattr("file", "user.2"));
	stat("file", &after);
	printf("ctime %d\n", !!memcmp(&before.st_ctim, &after.st_ctim, 16));
	usleep(20000);
	R(removexattr("file", "user.1"));
	stat("file", &after);
	printf("ctime %d\n", !!memcmp(&before.st_ctim, &after.st_ctim, 16));
	done();
}
