// Advice with an effect: pages given up lazily, advice to other processes, what a file has cached.

#include "abi.h"
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#define PAGE 4096ul
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static char *const at = (char *)0x1000000000;

static char *map(size_t pages)
{
	char *p = mmap(at, pages * PAGE, RW, ANON | MAP_FIXED, -1, 0);

	madvise(p, pages * PAGE, MADV_NOHUGEPAGE);
	memset(p, 1, pages * PAGE);
	return p;
}

static long smaps(const char *name)
{
	static char text[1 << 18];
	int fd = open("/proc/self/smaps", O_RDONLY);
	size_t length = 0;
	ssize_t n;

	while ((n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += n;
	close(fd);
	text[length] = '\0';
	char *line = strstr(text, "1000000000-");
	line = line ? strstr(line, name) : NULL;
	return line ? atol(line + strlen(name)) : -1;
}

static void show(const char *what)
{
	static const char *const names[] = {"Rss:",           "Shared_Clean:",  "Shared_Dirty:",
					    "Private_Clean:", "Private_Dirty:", "Anonymous:"};

	printf("%s:", what);
	for (int i = 0; i < 6; i++)
		printf(" %s%ld", names[i], smaps(names[i]));
	// Linux notes them in batches.
	printf(" lazily %ld\n", (smaps("LazyFree:") + 15) / 16);
}

static void forget_translations(void)
{
	munmap(mmap(NULL, PAGE, RW, ANON | MAP_POPULATE, -1, 0), PAGE);
}

ABI_TEST(advise, free_lazily)
{
	map(64);
	show("dirty");
	R(madvise(at, 32 * PAGE, MADV_FREE));
	show("given up");
	for (int i = 0; i < 32; i++) {
		if (at[i * PAGE] != 1)
			printf("page %d is lost\n", i);
	}
	for (int i = 0; i < 8; i++)
		at[i * PAGE] = 2;
	forget_translations();
	show("some written again");
	mprotect(at, 64 * PAGE, PROT_READ);
	mprotect(at, 64 * PAGE, RW);
	for (int i = 0; i < 64; i++) {
		if (at[i * PAGE] != (i < 8 ? 2 : 1))
			printf("page %d is wrong\n", i);
	}
	read(open("/dev/zero", O_RDONLY), at + 20 * PAGE, 10);
	printf("%d %d\n", at[20 * PAGE], at[20 * PAGE + 10]);
}

ABI_TEST(advise, free_lazily_after_fork)
{
	int ends[2];
	char byte;

	map(64);
	pipe(ends);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		read(ends[0], &byte, 1);
		for (int i = 0; i < 64; i++) {
			if (at[i * PAGE] != 1)
				printf("child: page %d is %d\n", i, at[i * PAGE]);
		}
		fflush(stdout);
		_exit(0);
	}
	at[3 * PAGE] = 2;
	R(madvise(at, 64 * PAGE, MADV_FREE));
	printf("given up %d\n", smaps("LazyFree:") > 200);
	for (int i = 0; i < 64; i++) {
		if (at[i * PAGE] != (i == 3 ? 2 : 1))
			printf("page %d is %d\n", i, at[i * PAGE]);
	}
	at[5 * PAGE] = 4;
	write(ends[1], "", 1);
	abi_reap(pid);
	printf("%d %d %d\n", at[3 * PAGE], at[4 * PAGE], at[5 * PAGE]);
	show("after");
}

// Nothing can be paged out here, and nothing is lost.
ABI_TEST(advise, pageout_and_cold)
{
	map(16);
	R(madvise(at, 8 * PAGE, MADV_COLD));
	R(madvise(at, 8 * PAGE, MADV_PAGEOUT));
	for (int i = 0; i < 16; i++) {
		if (at[i * PAGE] != 1)
			printf("page %d is lost\n", i);
	}
	int fd = memfd_create("x", 0);
	ftruncate(fd, 16 * PAGE);
	mmap(at, 16 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	memset(at, 3, 16 * PAGE);
	R(madvise(at, 8 * PAGE, MADV_COLD));
	R(madvise(at, 8 * PAGE, MADV_PAGEOUT));
	R(madvise(at, 8 * PAGE, MADV_WILLNEED));
	printf("%d %d\n", at[0], at[15 * PAGE]);
}

// --- process_madvise ---

static long advise_process(int pidfd, const struct iovec *vec, size_t count, int advice,
			   unsigned flags)
{
	return syscall(440, pidfd, vec, count, advice, flags);
}

static int pidfd_of(pid_t pid)
{
	return syscall(SYS_pidfd_open, pid, 0);
}

ABI_TEST(advise, process_arguments)
{
	struct iovec vec[2] = {{at, 4 * PAGE}, {at + 8 * PAGE, 4 * PAGE}};
	int self = pidfd_of(getpid()), null = open("/dev/null", O_RDONLY);

	map(16);
	R(advise_process(self, vec, 2, MADV_COLD, 0));
	R(advise_process(self, vec, 2, MADV_COLD, 1));
	R(advise_process(self, vec, 0, MADV_COLD, 0));
	R(advise_process(self, vec, 1025, MADV_COLD, 0));
	R(advise_process(self, vec, -1, MADV_COLD, 0));
	R(advise_process(self, BAD, 1, MADV_COLD, 0));
	R(advise_process(-1, vec, 2, MADV_COLD, 0));
	R(advise_process(null, vec, 2, MADV_COLD, 0));
	R(advise_process(999, BAD, 2, 99, 7));
	R(advise_process(self, vec, 2, 99, 0));
	static const int advices[] = {0,  1,  2,  3,  4,  8,  9,  10, 11, 12,  13,
				      16, 17, 18, 19, 20, 21, 22, 23, 24, 102, 103};
	for (unsigned i = 0; i < sizeof(advices) / sizeof(*advices); i++) {
		printf("advice %d\n", advices[i]);
		R(advise_process(self, vec, 2, advices[i], 0));
	}
	map(16);
	vec[0] = (struct iovec){at, 0};
	R(advise_process(self, vec, 2, MADV_COLD, 0));
	vec[0] = (struct iovec){at + 1, PAGE};
	R(advise_process(self, vec, 2, MADV_COLD, 0));
	vec[0] = (struct iovec){at, PAGE};
	vec[1] = (struct iovec){at + 100 * PAGE, PAGE};
	R(advise_process(self, vec, 2, MADV_COLD, 0));
	vec[1] = (struct iovec){at + 2 * PAGE, 100};
	R(advise_process(self, vec, 2, MADV_COLD, 0));
	vec[0] = (struct iovec){at + 12 * PAGE, 8 * PAGE};
	R(advise_process(self, vec, 2, MADV_COLD, 0));
	R(advise_process(-10000, vec, 1, MADV_COLD, 0));
	R(advise_process(-10001, vec, 1, MADV_COLD, 0));
	R(advise_process(-10002, vec, 1, MADV_COLD, 0));
}

ABI_TEST(advise, process_other)
{
	struct iovec vec[2] = {{at, 4 * PAGE}, {at + 8 * PAGE, 4 * PAGE}};
	static const int advices[] = {0, 3, 4, 8, 10, 18, 20, 21, 23, 24, 102};
	int ends[2];
	char byte;

	map(16);
	pipe(ends);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[1]);
		read(ends[0], &byte, 1);
		_exit(at[0] == 1 && at[9 * PAGE] == 1 ? 0 : 1);
	}
	close(ends[0]);
	int other = pidfd_of(pid);
	for (unsigned i = 0; i < sizeof(advices) / sizeof(*advices); i++) {
		printf("advice %d\n", advices[i]);
		R(advise_process(other, vec, 2, advices[i], 0));
	}
	setresuid(1000, 1000, 1000);
	R(advise_process(other, vec, 2, MADV_COLD, 0));
	R(advise_process(pidfd_of(getpid()), vec, 2, MADV_COLD, 0));
	R(advise_process(pidfd_of(getpid()), vec, 2, MADV_DONTNEED, 0));
	close(ends[1]);
	abi_reap(pid);
	R(advise_process(other, vec, 2, MADV_COLD, 0));
}

// --- cachestat ---

struct range {
	unsigned long offset, length;
};

static long cachestat_of(int fd, struct range range, unsigned flags)
{
	struct {
		unsigned long cached, dirty, writeback, evicted, recently;
	} out = {9, 9, 9, 9, 9};
	long result = syscall(451, fd, &range, &out, flags);

	if (result == 0)
		printf("cached %lu dirty %lu writeback %lu\n", out.cached, out.dirty,
		       out.writeback);
	return result;
}

ABI_TEST(advise, cachestat)
{
	int fd = open("f", O_CREAT | O_RDWR | O_TRUNC, 0644), ends[2],
	    memory = memfd_create("m", 0);
	struct range range = {0, 0};

	pipe(ends);
	pwrite(fd, "x", 1, 0);
	pwrite(fd, "x", 1, 3 * PAGE);
	pwrite(fd, "x", 1, 10 * PAGE);
	R(cachestat_of(fd, (struct range){0, 0}, 0));
	R(cachestat_of(fd, (struct range){0, PAGE}, 0));
	R(cachestat_of(fd, (struct range){1, 1}, 0));
	R(cachestat_of(fd, (struct range){PAGE, 3 * PAGE}, 0));
	R(cachestat_of(fd, (struct range){PAGE, 2 * PAGE}, 0));
	R(cachestat_of(fd, (struct range){3 * PAGE + 5, 7 * PAGE}, 0));
	R(cachestat_of(fd, (struct range){5 * PAGE, 0}, 0));
	R(cachestat_of(fd, (struct range){100 * PAGE, 0}, 0));
	R(cachestat_of(fd, (struct range){100 * PAGE, PAGE}, 0));
	R(cachestat_of(fd, (struct range){PAGE, -1ul}, 0));
	R(cachestat_of(fd, (struct range){-1ul, 10}, 0));
	R(cachestat_of(fd, (struct range){0, 0}, 1));
	R(cachestat_of(-1, (struct range){0, 0}, 1));
	R(cachestat_of(ends[0], (struct range){0, 0}, 0));
	R(cachestat_of(open("/", O_RDONLY), (struct range){0, 0}, 0));
	R(cachestat_of(open("/dev/null", O_RDONLY), (struct range){0, 0}, 0));
	R(cachestat_of(open(".", O_PATH), (struct range){0, 0}, 0));
	R(syscall(451, fd, BAD, &range, 0));
	R(syscall(451, fd, &range, BAD, 0));
	R(syscall(451, fd, BAD, BAD, 1));
	ftruncate(memory, 8 * PAGE);
	pwrite(memory, "x", 1, 4 * PAGE);
	R(cachestat_of(memory, (struct range){0, 0}, 0));
	char *p = mmap(NULL, 8 * PAGE, RW, MAP_SHARED, memory, 0);
	p[7 * PAGE] = 1;
	R(cachestat_of(memory, (struct range){0, 8 * PAGE}, 0));
	int ro = open("f", O_RDONLY);
	R(cachestat_of(ro, (struct range){0, 0}, 0));
	setresuid(1000, 1000, 1000);
	R(cachestat_of(ro, (struct range){0, 0}, 0));
	R(cachestat_of(fd, (struct range){0, 0}, 0));
}

ABI_TEST(advise, shadow_stack)
{
	R(syscall(453, 0, PAGE, 0));
	R(syscall(453, 0, PAGE, 1));
	R(syscall(453, 0, PAGE, 8));
	R(syscall(453, 0, 0, 0));
	R(syscall(453, 1, PAGE, 0));
}
