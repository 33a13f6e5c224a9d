// What stat and kin tell of each kind of file, how files are reached again through /proc, and
// limits of size.

#include "abi.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/statfs.h>
#include <sys/timerfd.h>
#include <sys/vfs.h>

static void show(const char *what, int fd)
{
	struct stat status;
	struct statfs fs;
	char path[64], target[128] = "";

	if (fstat(fd, &status)) {
		printf("%s: %s\n", what, strerrorname_np(errno));
		return;
	}
	fstatfs(fd, &fs);
	printf("%s: mode %o links %d size %ld block %ld fs %lx ino %s\n", what, status.st_mode,
	       (int)status.st_nlink, (long)status.st_size, (long)status.st_blksize, (long)fs.f_type,
	       status.st_ino ? "set" : "none");
	sprintf(path, "/proc/self/fd/%d", fd);
	readlink(path, target, sizeof(target) - 1);
	printf("  link ");
	for (char *c = target; *c; c++) {
		if (*c < '0' || *c > '9')
			putchar(*c);
		else if (c[1] < '0' || c[1] > '9')
			putchar('N'); // numbers differ from run to run
	}
	printf("\n");
}

ABI_TEST(stat, kinds)
{
	int pipes[2], fd = open("f", O_CREAT | O_RDWR, 0640);
	sigset_t set;

	sigemptyset(&set);
	pipe(pipes);
	write(fd, "hello", 5);
	show("file", fd);
	show("directory", open(".", O_RDONLY));
	mkdir("a", 0700);
	mkdir("a/b", 0700);
	show("directory", open("a", O_RDONLY));
	show("pipe", pipes[0]);
	show("pipe", pipes[1]);
	show("null", open("/dev/null", O_RDONLY));
	show("memfd", memfd_create("name", 0));
	show("eventfd", eventfd(0, 0));
	show("epoll", epoll_create1(0));
	show("timerfd", timerfd_create(CLOCK_MONOTONIC, 0));
	show("proc", open("/proc/self/stat", O_RDONLY));
	show("path", open("f", O_PATH));
	unlink("f");
	show("removed", fd);
	show("closed", 99);
}

ABI_TEST(stat, pipe_again)
{
	char path[64], text[8] = "";
	struct stat a, b;
	int pipes[2], more[2];

	pipe(pipes);
	pipe(more);
	fstat(pipes[0], &a);
	fstat(pipes[1], &b);
	printf("one pipe, one inode %d\n", a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	fstat(more[0], &b);
	printf("another has another %d\n", a.st_ino != b.st_ino);
	sprintf(path, "/proc/self/fd/%d", pipes[1]);
	int again = open(path, O_WRONLY);
	OK(again);
	R(write(again, "abc", 3));
	R(read(pipes[0], text, 8));
	close(pipes[1]);
	R(write(again, "d", 1));
	R(read(pipes[0], text, 8));
	close(again);
	R(read(pipes[0], text, 8));
	sprintf(path, "/proc/self/fd/%d", pipes[0]);
	R(open(path, O_WRONLY | O_NONBLOCK) >= 0 ? 0 : -1);
	R(stat(path, &a));
	printf("mode %o\n", a.st_mode);
	R(fchmod(pipes[0], 0644));
	R(fstat(pipes[0], &a));
	printf("mode %o\n", a.st_mode);
	sprintf(path, "/proc/self/fd/%d", eventfd(0, 0));
	R(open(path, O_RDONLY));
}

ABI_TEST(stat, directory_sizes)
{
	struct stat status;

	mkdir("d", 0755);
	for (int i = 0; i < 3; i++) {
		char name[16];

		stat("d", &status);
		printf("size %ld links %d\n", (long)status.st_size, (int)status.st_nlink);
		sprintf(name, "d/%d", i);
		i == 1 ? mkdir(name, 0755) : close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	rename("d/0", "d/zero");
	unlink("d/2");
	stat("d", &status);
	printf("size %ld links %d\n", (long)status.st_size, (int)status.st_nlink);
}

static volatile int got_signal;

static void on_signal(int signo)
{
	got_signal = signo;
}

ABI_TEST(stat, size_limit)
{
	struct rlimit limit = {1000, 1000};
	char block[600] = "";
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	signal(SIGXFSZ, on_signal);
	R(setrlimit(RLIMIT_FSIZE, &limit));
	R(write(fd, block, 600));
	R(write(fd, block, 600));
	printf("signal %d\n", got_signal);
	R(write(fd, block, 600));
	printf("signal %d\n", got_signal);
	got_signal = 0;
	R(ftruncate(fd, 1001));
	printf("signal %d\n", got_signal);
	got_signal = 0;
	R(ftruncate(fd, 500));
	R(truncate("f", 2000));
	R(pwrite(fd, block, 1, 5000));
	R(posix_fallocate(fd, 0, 3000));
	printf("signal %d\n", got_signal);
	R(truncate("f", 1000));
	R(truncate(".", 10));
	R(truncate("/dev/null", 10));
	R(truncate("f", -1));
}

ABI_TEST(stat, read_only_mount)
{
	struct timespec times[2] = {{1, 0}, {2, 0}};

	mkdir("m", 0755);
	R(mount("none", "m", "tmpfs", 0, NULL));
	close(open("m/f", O_CREAT | O_WRONLY, 0644));
	int fd = open("m/f", O_RDONLY);
	R(mount("none", "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	R(open("m/f", O_WRONLY));
	R(open("m/g", O_CREAT | O_WRONLY, 0600));
	R(open("m/f", O_RDONLY | O_TRUNC));
	R(chmod("m/f", 0600));
	R(fchmod(fd, 0600));
	R(chown("m/f", 1, 1));
	R(fchown(fd, 1, 1));
	R(utimensat(AT_FDCWD, "m/f", times, 0));
	R(futimens(fd, times));
	R(truncate("m/f", 10));
	R(mkdir("m/d", 0755));
	R(unlink("m/f"));
	R(unlink("m/none"));
	R(rename("m/f", "m/g"));
	R(rename("m/none", "m/g"));
	R(link("m/f", "m/g"));
	R(symlink("f", "m/g"));
	R(mkdir("m/f", 0755));
	R(access("m/f", W_OK));
	R(access("m/f", R_OK));
	close(fd);
	R(umount("m"));
}

ABI_TEST(stat, owners)
{
	fflush(stdout);
	close(open("root", O_CREAT | O_WRONLY, 0666));
	chmod("root", 06755);
	chmod(".", 0777);
	pid_t pid = fork();
	if (!pid) {
		struct stat status;

		setresgid(1000, 1000, 1000);
		setresuid(1000, 1000, 1000);
		R(chmod("root", 0777));
		R(chown("root", 1000, 1000));
		R(utimensat(AT_FDCWD, "root", NULL, 0));
		close(open("mine", O_CREAT | O_WRONLY, 0644));
		R(chown("mine", 1000, 1000));
		R(chown("mine", 0, -1));
		R(chown("mine", -1, 5));
		R(chown("mine", -1, -1));
		R(chmod("mine", 06755));
		stat("mine", &status);
		printf("%o\n", status.st_mode);
		R(chown("mine", -1, 1000));
		stat("mine", &status);
		printf("%o\n", status.st_mode);
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	struct stat status;
	chown("root", 0, 0);
	stat("root", &status);
	printf("%o\n", status.st_mode);
}
