// /proc/PID/io: what read(2), write(2) and their kin have moved, of a thread, of a process with those
// that are gone and with the children that it waited for. And which kind of memory a page counts as.

#include "abi.h"
#include <dirent.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

struct io {
	long rchar, wchar, syscr, syscw, other;
	long length; // of the text, in one read
};

static struct io io_of(const char *path)
{
	static char text[512];
	struct io io = {0};
	long read_bytes = 0, write_bytes = 0, cancelled = 0;
	int fd = open(path, O_RDONLY);

	io.length = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[io.length > 0 ? io.length : 0] = '\0';
	if (sscanf(text,
		   "rchar: %ld\nwchar: %ld\nsyscr: %ld\nsyscw: %ld\nread_bytes: %ld\n"
		   "write_bytes: %ld\ncancelled_write_bytes: %ld\n",
		   &io.rchar, &io.wchar, &io.syscr, &io.syscw, &read_bytes, &write_bytes,
		   &cancelled) != 7)
		printf("not understood: %s\n", text);
	io.other = read_bytes + write_bytes + cancelled;
	return io;
}

static struct io before;

static void begin(void)
{
	before = io_of("/proc/self/io");
}

// What was counted since, without the reading of the file itself.
static void tell(const char *what)
{
	struct io now = io_of("/proc/self/io");

	printf("%s: rchar %ld wchar %ld syscr %ld syscw %ld other %ld\n", what,
	       now.rchar - before.rchar - before.length, now.wchar - before.wchar,
	       now.syscr - before.syscr - 1, now.syscw - before.syscw, now.other);
	fflush(stdout);
}

#define COUNT(call)          \
	do {                 \
		begin();     \
		call;        \
		tell(#call); \
	} while (0)

ABI_TEST(proc_io, calls)
{
	static char buffer[70000];
	int file = open("file", O_RDWR | O_CREAT, 0600), out = open("out", O_RDWR | O_CREAT, 0600);
	int dir = open(".", O_RDONLY | O_DIRECTORY), write_only = open("file", O_WRONLY);
	struct iovec parts[2] = {{buffer, 10}, {buffer + 10, 20}};
	loff_t at = 0;
	int fds[2];

	pipe2(fds, O_NONBLOCK);
	COUNT(write(file, buffer, 1000));
	COUNT(read(file, buffer, 10));
	COUNT(pread(file, buffer, 100, 0));
	COUNT(pread(file, buffer, 100, 950));
	COUNT(pread(file, buffer, 0, 0));
	COUNT(pwrite(file, buffer, 7, 10));
	COUNT(lseek(file, 0, SEEK_SET));
	COUNT(readv(file, parts, 2));
	COUNT(writev(out, parts, 2));
	COUNT(preadv(file, parts, 2, 5));
	COUNT(read(-1, buffer, 10));
	COUNT(read(dir, buffer, 10));
	COUNT(read(write_only, buffer, 10));
	COUNT(write(dir, buffer, 10));
	COUNT(read(fds[0], buffer, 10));
	COUNT(write(fds[1], buffer, 10));
	COUNT(read(fds[0], buffer, 100));
	COUNT(pread(fds[0], buffer, 100, 0));
	COUNT(write(file, BAD, 10));
	COUNT(pread(file, BAD, 10, 0));
	COUNT(ftruncate(file, 70000));
	COUNT(sendfile(out, file, &at, 70000));
	COUNT(getdents64(dir, buffer, sizeof(buffer)));
	close(file), close(out), close(dir), close(write_only), close(fds[0]), close(fds[1]);
}

static void *writes(void *unused)
{
	int fd = open("file", O_WRONLY | O_CREAT, 0600);

	write(fd, "abc", 3);
	write(fd, "abc", 3);
	close(fd);
	struct io io = io_of("/proc/thread-self/io");

	return (void *)(io.wchar * 1000 + io.syscw * 100 + io.rchar * 10 + io.syscr);
}

ABI_TEST(proc_io, threads_and_children)
{
	pthread_t thread;
	void *result;

	begin();
	pthread_create(&thread, NULL, writes, NULL);
	pthread_join(thread, &result);
	for (int i = 0; i < 100 && io_of("/proc/self/io").wchar == before.wchar; i++)
		usleep(1000);
	R(result);
	struct io now = io_of("/proc/self/io");

	R(now.wchar - before.wchar);
	R(now.syscw - before.syscw);
	fflush(stdout);
	begin();
	pid_t pid = fork();
	if (!pid) {
		writes(NULL);
		_exit(0);
	}
	siginfo_t info;

	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	now = io_of("/proc/self/io");
	long unwaited = now.wchar - before.wchar;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/io", pid);
	struct io of_child = io_of(path);

	waitpid(pid, NULL, 0);
	now = io_of("/proc/self/io");
	long waited = now.wchar - before.wchar;

	R(unwaited);
	R(waited);
	R(of_child.wchar);
	R(of_child.syscw);
	now = io_of("/proc/thread-self/io");
	R(now.wchar - before.wchar < 6000);
}

static long status(const char *name)
{
	static char text[8192];
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	char *line = strstr(text, name);

	return line ? atol(line + strlen(name)) : -1;
}

static int quiet;

static void tell_kinds(const char *what, const long *then)
{
	static const char *const names[] = {"RssAnon:", "RssFile:", "RssShmem:"};
	char line[128];
	long now[3];

	for (int i = 0; i < 3; i++)
		now[i] = status(names[i]);
	snprintf(line, sizeof(line), "%s: %ld %ld %ld", what, now[0] - then[0], now[1] - then[1],
		 now[2] - then[2]);
	if (!quiet)
		puts(line);
}

static void map_files(int file, int memfd)
{
	size_t size = 64 << 12;
	volatile char sum = 0;
	long then[3];

	then[0] = status("RssAnon:"), then[1] = status("RssFile:"), then[2] = status("RssShmem:");
	tell_kinds("nothing", then);
	char *private = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);

	madvise(private, size, MADV_RANDOM);
	for (int i = 0; i < 64; i++)
		sum += private[i << 12];
	tell_kinds("private, read", then);
	for (int i = 0; i < 16; i++)
	private[i << 12] = 1;
	tell_kinds("private, 16 written", then);
	char *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	for (int i = 0; i < 64; i++)
		shared[i << 12] = 1;
	tell_kinds("shared, written", then);
	char *fd = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);

	for (int i = 0; i < 64; i++)
		fd[i << 12] = 1;
	tell_kinds("memfd", then);
	munmap(private, size);
	munmap(shared, size);
	munmap(fd, size);
	tell_kinds("nothing again", then);
}

// Pages of a file in memory are shared memory, however they are mapped; a private copy is not. The
// first pass is there so that the program has all that it needs itself.
ABI_TEST(proc_io, kinds_of_pages)
{
	int file = open("file", O_RDWR | O_CREAT, 0600), memfd = memfd_create("m", 0);

	for (int i = 0; i < 64; i++)
		pwrite(file, "x", 1, (off_t)i << 12);
	ftruncate(memfd, 64 << 12);
	quiet = 1;
	map_files(file, memfd);
	quiet = 0;
	puts("warm");
	map_files(file, memfd);
	close(file), close(memfd);
}
