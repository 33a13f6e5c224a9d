// Locks, seals, timers as files, mounts.

#include "abi.h"
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

static long record_lock(int fd, int command, int type, long start, long length)
{
	struct flock lock = {.l_type = type, .l_start = start, .l_len = length};
	long result = fcntl(fd, command, &lock);

	if (command == F_GETLK && result == 0)
		printf("lock type %d %ld+%ld parent's %d\n", lock.l_type, (long)lock.l_start,
		       (long)lock.l_len, lock.l_pid == getppid());
	return result;
}

ABI_TEST(files, record_locks)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);

	R(record_lock(fd, F_SETLK, F_WRLCK, 10, 10));
	R(record_lock(fd, F_SETLK, F_UNLCK, 13, 2));
	R(record_lock(fd, F_SETLK, F_RDLCK, 30, 0));
	R(record_lock(fd, F_SETLK, 7, 30, 0));
	R(record_lock(fd, F_SETLK, F_RDLCK, -30, 0));
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		R(record_lock(fd, F_GETLK, F_WRLCK, 0, 12));
		R(record_lock(fd, F_SETLK, F_RDLCK, 13, 2));
		R(record_lock(fd, F_SETLK, F_RDLCK, 12, 1));
		R(record_lock(fd, F_SETLK, F_RDLCK, 40, 1));
		R(record_lock(fd, F_SETLK, F_WRLCK, 40, 1));
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	close(open("f", O_RDONLY)); // any close lets go
	fflush(stdout);
	pid = fork();
	if (!pid) {
		R(record_lock(fd, F_SETLK, F_WRLCK, 0, 0));
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	R(record_lock(fd, F_OFD_SETLK, F_WRLCK, 0, 0));
	R(record_lock(fd, F_SETLK, F_RDLCK, 0, 1));
	int other = open("f", O_RDONLY);
	R(flock(fd, LOCK_EX | LOCK_NB));
	R(flock(other, LOCK_SH | LOCK_NB));
	R(flock(fd, LOCK_SH | LOCK_NB));
	R(flock(other, LOCK_SH | LOCK_NB));
	R(flock(fd, LOCK_EX | LOCK_NB));
	R(flock(fd, 16));
	R(record_lock(other, F_SETLK, F_WRLCK, 0, 1));
}

ABI_TEST(files, memfd_and_seals)
{
	int fd = memfd_create("abc", MFD_ALLOW_SEALING);
	struct stat status;

	R(ftruncate(fd, 8192));
	R(fcntl(fd, F_GET_SEALS));
	char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	map[5000] = 'z';
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	munmap(map, 8192);
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK));
	R(write(fd, "x", 1));
	R(ftruncate(fd, 1));
	R(ftruncate(fd, 9000));
	R(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
	R(fstat(fd, &status));
	printf("%ld %d\n", (long)status.st_size, (int)status.st_nlink);
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	R(fcntl(memfd_create("x", 0), F_GET_SEALS));
	R(memfd_create("x", 0x1000));
}

ABI_TEST(files, pipe_sizes)
{
	char *block = calloc(1, 2 << 20), buffer[8];
	int pipes[2];

	pipe2(pipes, O_NONBLOCK);
	R(fcntl(pipes[0], F_GETPIPE_SZ));
	write(pipes[1], "abcdef", 6);
	read(pipes[0], buffer, 2);
	R(fcntl(pipes[0], F_SETPIPE_SZ, 5000));
	R(read(pipes[0], buffer, 8));
	R(fcntl(pipes[1], F_SETPIPE_SZ, 1 << 20));
	R(fcntl(pipes[1], F_SETPIPE_SZ, 0xf0000000u));
	R(fcntl(pipes[1], F_SETPIPE_SZ, -1));
	R(write(pipes[1], block, 2 << 20));
	R(fcntl(pipes[1], F_SETPIPE_SZ, 4096));
	R(fcntl(0, F_GETPIPE_SZ) < 0 ? 0 : 1);
	free(block);
}

ABI_TEST(files, epoll_nested)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = 9}, got;
	int inner = epoll_create1(0), outer = epoll_create1(0), e = eventfd(0, EFD_NONBLOCK);
	unsigned long value = 1;

	R(epoll_ctl(inner, EPOLL_CTL_ADD, e, &event));
	R(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event));
	R(epoll_ctl(inner, EPOLL_CTL_ADD, outer, &event));
	R(epoll_ctl(inner, EPOLL_CTL_ADD, inner, &event));
	R(epoll_wait(outer, &got, 1, 0));
	write(e, &value, 8);
	R(epoll_wait(outer, &got, 1, -1));
	R(epoll_wait(inner, &got, 1, 0));
	read(e, &value, 8);
	R(epoll_wait(outer, &got, 1, 0));
	event.events = EPOLLIN | EPOLLONESHOT;
	R(epoll_ctl(inner, EPOLL_CTL_MOD, e, &event));
	write(e, &value, 8);
	R(epoll_wait(inner, &got, 1, 0));
	R(epoll_wait(inner, &got, 1, 0));
	event.events = EPOLLIN | EPOLLET;
	R(epoll_ctl(inner, EPOLL_CTL_MOD, e, &event));
	R(epoll_wait(inner, &got, 1, 0));
	R(epoll_wait(inner, &got, 1, 0));
	write(e, &value, 8);
	R(epoll_wait(inner, &got, 1, 0));
	close(e);
	R(epoll_wait(inner, &got, 1, 0));
	R(epoll_ctl(inner, EPOLL_CTL_ADD, open("g", O_RDWR | O_CREAT, 0600), &event));
}

ABI_TEST(files, timerfd)
{
	struct itimerspec spec = {{0, 0}, {0, 1000000}}, old;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	unsigned long ticks = 0;

	R(timerfd_settime(fd, 0, &spec, &old));
	R(read(fd, &ticks, 8));
	printf("%lu\n", ticks);
	R(read(fd, &ticks, 4));
	R(timerfd_gettime(fd, &old));
	printf("%ld %ld\n", (long)old.it_value.tv_sec, old.it_value.tv_nsec);
	spec.it_value.tv_nsec = -1;
	R(timerfd_settime(fd, 0, &spec, NULL));
	R(timerfd_settime(fd, 8, &spec, NULL));
	R(timerfd_gettime(1000, &old));
	R(timerfd_create(77, 0));
	R(timerfd_create(CLOCK_REALTIME, 5));
}

ABI_TEST(files, copies)
{
	int a = open("a", O_RDWR | O_CREAT, 0600), b = open("b", O_RDWR | O_CREAT, 0600);
	char buffer[16] = "";
	off_t at = 3, zero = 0;

	R(pwrite(a, "hello world", 11, 0));
	R(sendfile(b, a, &at, 5));
	R(at);
	R(copy_file_range(a, &zero, b, NULL, 3, 0));
	R(pread(b, buffer, 15, 0));
	puts(buffer);
	R(fallocate(a, 0, 0, 10000));
	R(lseek(a, 0, SEEK_END));
	R(fallocate(a, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1, 3));
	R(fallocate(a, FALLOC_FL_PUNCH_HOLE, 1, 3));
	R(fallocate(a, 0, -1, 3));
	R(pread(a, buffer, 5, 0));
	R(buffer[1] + buffer[2] + buffer[3]);
}

ABI_TEST(files, mounts)
{
	struct statfs info;

	OK(unshare(CLONE_NEWNS));
	OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	mkdir("m", 0755);
	mkdir("n", 0755);
	R(mount("t", "m", "tmpfs", MS_NOSUID, "size=64k,mode=700"));
	R(mount("t", "m", "no such type", 0, NULL));
	R(mount("t", "none", "tmpfs", 0, NULL));
	R(statfs("m", &info));
	printf("%ld %ld\n", (long)info.f_blocks, (long)info.f_bsize);
	int fd = open("m/f", O_RDWR | O_CREAT, 0600);
	R(umount("m"));
	close(fd);
	R(mount("m", "n", NULL, MS_BIND, NULL));
	R(access("n/f", F_OK));
	R(mount(NULL, "n", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	R(open("n/f", O_WRONLY));
	R(open("m/f", O_WRONLY) < 0);
	R(rmdir("n"));
	R(mkdir("m/d", 0755));
	R(mount("m", "m/d", NULL, MS_MOVE, NULL));
	R(mount(NULL, "m", NULL, MS_UNBINDABLE, NULL));
	R(mount("m", "n", NULL, MS_BIND, NULL));
	R(umount2("n", MNT_EXPIRE));
	R(umount2("n", MNT_EXPIRE));
	R(umount("n"));
	R(umount2("m", MNT_DETACH));
	R(umount2("m", 0x100));
	R(access("m/f", F_OK));
}

// A periodic signal keeps nobody from preallocating: it would never come to an end.
static volatile int ticks;

static void tick(int sig)
{
	ticks++;
}

ABI_TEST(files, allocate_with_timer)
{
	struct itimerval every = {{0, 500}, {0, 500}};
	int fd = memfd_create("large", 0);

	signal(SIGALRM, tick);
	setitimer(ITIMER_REAL, &every, NULL);
	while (!ticks)
		pause();
	ticks = 0;
	for (int i = 0; i < 8; i++) {
		R(ftruncate(fd, 0));
		R(fallocate(fd, 0, 0, 16 << 20));
	}
	memset(&every, 0, sizeof(every));
	setitimer(ITIMER_REAL, &every, NULL);
	R(ticks > 0);
}
