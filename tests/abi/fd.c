// File descriptors, pipes, and what can be done with them.

#include "abi.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

ABI_TEST(fd, open_modes)
{
	char buffer[8];

	R(open("none", O_RDONLY));
	int fd = R(open("file", O_CREAT | O_EXCL | O_WRONLY, 0644));
	R(open("file", O_CREAT | O_EXCL | O_WRONLY, 0644));
	R(write(fd, "hello", 5));
	R(read(fd, buffer, 5));
	R(close(fd));
	R(close(fd));
	R(close(-1));
	fd = R(open("file", O_RDONLY));
	R(write(fd, "x", 1));
	R(read(fd, buffer, 8));
	R(read(fd, buffer, 8));
	R(open("file/x", O_RDONLY));
	R(open("file", O_RDONLY | O_DIRECTORY));
	R(open(".", O_WRONLY));
	R(open("", O_RDONLY));
	R(open(BAD, O_RDONLY));
	R(read(fd, BAD, 4));
	R(lseek(fd, 0, SEEK_SET));
	R(read(fd, BAD, 4));
	R(write(1000, "x", 1));
	R(fcntl(fd, F_GETFL) & O_ACCMODE);
	R(fcntl(fd, F_GETFD));
	R(fcntl(fd, F_SETFD, FD_CLOEXEC));
	R(fcntl(fd, F_GETFD));
	R(fcntl(fd, 12345));
}

// Bits that open() does not know are ignored, and do not become the kernel's own marks.
ABI_TEST(fd, open_unknown_flags)
{
	const int unknown[] = {4, 010, 040, 1 << 23, 1 << 27, 1 << 28, 1 << 29, 1 << 30, 1 << 31};

	close(open("file", O_CREAT | O_WRONLY, 0755));
	for (unsigned i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		int fd = R(open("file", O_RDONLY | unknown[i]));

		R(fcntl(fd, F_GETFL));
		R(write(fd, "x", 1));
		R(close(fd));
		R(open("file/x", O_CREAT | O_RDWR | unknown[i], 0644));
		R(open("none/x", O_CREAT | O_RDWR | unknown[i], 0644));
		fd = R(open("file", O_WRONLY));
		R(close(fd));
	}
}

// A file of /proc has nothing to cut off, which is no error, and lets go of what it holds either way.
ABI_TEST(fd, truncate_proc)
{
	int fd = R(open("/proc/self/comm", O_WRONLY | O_TRUNC));

	R(write(fd, "other", 5));
	R(ftruncate(fd, 0));
	R(close(fd));
	fd = R(open("/proc/self/stat", O_RDONLY | O_TRUNC));
	R(close(fd));
	R(truncate("/proc/self/comm", 5));
}

ABI_TEST(fd, seek_and_append)
{
	char buffer[32] = "";
	int fd = open("file", O_CREAT | O_RDWR, 0644);

	R(write(fd, "0123456789", 10));
	R(lseek(fd, -3, SEEK_END));
	R(read(fd, buffer, 8));
	R(lseek(fd, -1, SEEK_SET));
	R(lseek(fd, 20, SEEK_SET));
	R(write(fd, "x", 1));
	R(lseek(fd, 0, SEEK_END));
	R(lseek(fd, 0, 99));
	R(lseek(fd, 5, SEEK_DATA));
	R(pread(fd, buffer, 4, 2));
	R(pwrite(fd, "ab", 2, -1));
	R(pread(fd, buffer, 4, 1000));
	R(ftruncate(fd, 4));
	R(ftruncate(fd, -1));
	R(lseek(fd, 0, SEEK_END));
	int more = open("file", O_WRONLY | O_APPEND);
	R(lseek(more, 0, SEEK_SET));
	R(write(more, "end", 3));
	R(lseek(more, 0, SEEK_CUR));
	R(pread(fd, buffer, 31, 0));
	buffer[7] = 0;
	puts(buffer);
}

ABI_TEST(fd, dup_rules)
{
	int fd = open("/dev/null", O_RDWR);

	R(dup(fd));
	R(dup2(fd, 10));
	R(dup2(fd, fd));
	R(dup3(fd, fd, 0));
	R(dup3(fd, 11, O_CLOEXEC));
	R(fcntl(11, F_GETFD));
	R(dup3(fd, 12, 5));
	R(dup2(999, 5));
	R(dup2(fd, -1));
	R(dup2(fd, 1 << 30));
	R(fcntl(fd, F_DUPFD, 50));
	R(fcntl(fd, F_DUPFD_CLOEXEC, 50));
	R(fcntl(51, F_GETFD));
	R(fcntl(fd, F_DUPFD, -1));
	R(syscall(SYS_close_range, 40, 60, 0));
	R(fcntl(50, F_GETFD));
	R(syscall(SYS_close_range, 60, 40, 0));
}

ABI_TEST(fd, pipe_rules)
{
	int pipes[2], status;
	char buffer[16];

	R(pipe2(pipes, 0x12345));
	R(syscall(SYS_pipe2, BAD, 0));
	R(pipe2(pipes, O_NONBLOCK | O_CLOEXEC));
	R(fcntl(pipes[0], F_GETFD));
	R(fcntl(pipes[1], F_GETFL));
	R(read(pipes[0], buffer, 1));
	R(write(pipes[1], "abc", 3));
	R(ioctl(pipes[0], FIONREAD, &status));
	printf("%d\n", status);
	R(read(pipes[0], buffer, 16));
	R(write(pipes[0], "x", 1));
	R(read(pipes[1], buffer, 1));
	R(lseek(pipes[0], 0, SEEK_SET));
	R(fcntl(pipes[0], F_GETPIPE_SZ));
	long total = 0, got;
	static char block[4096];
	while ((got = write(pipes[1], block, sizeof(block))) > 0)
		total += got;
	printf("full at %ld\n", total);
	close(pipes[1]);
	while (read(pipes[0], block, sizeof(block)) > 0)
		;
	R(read(pipes[0], buffer, 1));
	pipe(pipes);
	close(pipes[0]);
	signal(SIGPIPE, SIG_IGN);
	R(write(pipes[1], "x", 1));
	R(write(pipes[1], "x", 0));
}

ABI_TEST(fd, vectors)
{
	int fd = open("file", O_CREAT | O_RDWR, 0644);
	char a[4] = "", b[8] = "";
	struct iovec parts[2] = {{"one", 3}, {"twotwo", 6}};
	struct iovec into[2] = {{a, 3}, {b, 7}};

	R(writev(fd, parts, 2));
	R(writev(fd, parts, 0));
	R(writev(fd, parts, -1));
	R(writev(fd, parts, 1025));
	R(writev(fd, BAD, 1));
	R(lseek(fd, 0, SEEK_SET));
	R(readv(fd, into, 2));
	printf("%s %s\n", a, b);
	into[1].iov_base = BAD;
	R(preadv(fd, into, 2, 0));
	into[0].iov_len = -1;
	R(preadv(fd, into, 2, 0));
}

ABI_TEST(fd, poll_and_epoll)
{
	int pipes[2], ep = R(epoll_create1(0) > 0);
	struct pollfd polls[3];
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = 7};

	pipe(pipes);
	ep = epoll_create1(EPOLL_CLOEXEC);
	polls[0] = (struct pollfd){pipes[0], POLLIN, 0};
	polls[1] = (struct pollfd){pipes[1], POLLOUT, 0};
	polls[2] = (struct pollfd){777, POLLIN, 0};
	R(poll(polls, 3, 0));
	printf("%x %x %x\n", polls[0].revents, polls[1].revents, polls[2].revents);
	R(epoll_ctl(ep, EPOLL_CTL_ADD, pipes[0], &event));
	R(epoll_ctl(ep, EPOLL_CTL_ADD, pipes[0], &event));
	R(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &event));
	R(epoll_ctl(ep, EPOLL_CTL_DEL, pipes[1], &event));
	R(epoll_ctl(ep, 9, pipes[0], &event));
	R(epoll_wait(ep, &event, 1, 0));
	write(pipes[1], "x", 1);
	R(epoll_wait(ep, &event, 1, 100));
	printf("%x %ld\n", event.events, (long)event.data.u64);
	R(epoll_wait(ep, &event, 0, 0));
	close(pipes[1]);
	R(poll(polls, 1, 0));
	printf("%x\n", polls[0].revents);
	R(epoll_create1(5));
	R(epoll_wait(pipes[0], &event, 1, 0));
}

ABI_TEST(fd, eventfd_counts)
{
	unsigned long value = 5;
	int fd = eventfd(3, EFD_NONBLOCK);

	R(write(fd, &value, 8));
	R(read(fd, &value, 8));
	printf("%lu\n", value);
	R(read(fd, &value, 8));
	R(read(fd, &value, 4));
	value = -1ul;
	R(write(fd, &value, 8));
	R(eventfd(0, 0x12345));
	fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	R(read(fd, &value, 8));
	R(read(fd, &value, 8));
	R(read(fd, &value, 8));
}
