// Address spaces: mmap and its kin, arguments good and bad.

#include "abi.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>

#define PAGE 4096ul
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static char *const at = (char *)0x1000000000;

static char *map(size_t pages)
{
	return mmap(at, pages * PAGE, RW, ANON | MAP_FIXED, -1, 0);
}

static int map_error(void *address, size_t length, int prot, int flags, int fd, off_t offset)
{
	char *p = mmap(address, length, prot, flags, fd, offset);

	if (p == MAP_FAILED)
		return -1;
	munmap(p, length);
	return p == address;
}

static sigjmp_buf back;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	printf("SIG%s code %d at page %ld\n", sigabbrev_np(signal), info->si_code,
	       ((char *)info->si_addr - at) / (long)PAGE);
	siglongjmp(back, 1);
}

static void touch(char *p, int write)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	if (sigsetjmp(back, 1))
		return;
	if (write)
		*(volatile char *)p = 1;
	printf("%s %d\n", write ? "written" : "read", *(volatile char *)p);
}

ABI_TEST(memory, mmap_arguments)
{
	int fd = memfd_create("x", 0), dir = open(".", O_RDONLY);
	int ro = open("f", O_CREAT | O_RDONLY, 0644), wo = open("f", O_WRONLY);

	ftruncate(fd, 4 * PAGE);
	R(map_error(at, 0, RW, ANON, -1, 0));
	R(map_error(at, PAGE, RW, MAP_ANONYMOUS, -1, 0));
	R(map_error(at, PAGE, RW, MAP_ANONYMOUS | MAP_SHARED_VALIDATE, -1, 0));
	R(map_error(at, -1ul, RW, ANON, -1, 0));
	R(map_error(at, 1ul << 60, RW, ANON, -1, 0));
	R(map_error(at + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	R(map_error(at, PAGE, RW, MAP_PRIVATE, -1, 0));
	R(map_error(at, PAGE, RW, MAP_PRIVATE, 99, 0));
	R(map_error(at, PAGE, RW, MAP_PRIVATE, fd, 1));
	R(map_error(at, PAGE, RW, MAP_PRIVATE, fd, -PAGE));
	R(map_error(at, PAGE, RW, MAP_PRIVATE, dir, 0));
	R(map_error(at, PAGE, RW, MAP_SHARED, ro, 0));
	R(map_error(at, PAGE, PROT_READ, MAP_SHARED, ro, 0));
	R(map_error(at, PAGE, PROT_READ, MAP_PRIVATE, wo, 0));
	R(map_error(at, PAGE, RW, MAP_PRIVATE, ro, 0));
	R(map_error(at, PAGE, RW, MAP_PRIVATE | MAP_GROWSDOWN, fd, 0));
	R(map_error(at, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0));
	R(map_error(at, PAGE, RW, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0));
	R(map_error(at, PAGE, RW, MAP_SHARED_VALIDATE | 0x40000000, fd, 0));
	R(map_error((void *)(1ul << 60), PAGE, RW, ANON | MAP_FIXED, -1, 0));
	R(map_error((void *)-PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	R(map_error(at, PAGE, 0xff00, ANON | MAP_FIXED, -1, 0));
	R(map_error((void *)PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	R(map_error(NULL, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	map(1);
	R(map_error(at, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
	R(map_error(at - PAGE, 2 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
	R(map_error(at + PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
	R(map_error(at + 4 * PAGE + 5, PAGE, RW, ANON, -1, 0));
	R(map_error(at, PAGE, RW, ANON, -1, 0));
	R(map_error(at, PAGE, RW, ANON | MAP_POPULATE | MAP_STACK | MAP_NORESERVE, -1, 0));
	setuid(1000);
	R(map_error((void *)PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	R(map_error(NULL, PAGE, RW, ANON | MAP_FIXED, -1, 0));
}

ABI_TEST(memory, munmap_arguments)
{
	map(8);
	R(munmap(at + 1, PAGE));
	R(munmap(at, 0));
	R(munmap(at, -1ul));
	R(munmap((void *)(1ul << 60), PAGE));
	R(munmap(at + PAGE, PAGE + 1));
	touch(at, 1);
	touch(at + PAGE, 0);
	touch(at + 2 * PAGE, 1);
	touch(at + 3 * PAGE, 1);
	R(munmap(at, 8 * PAGE));
	R(munmap(at, 8 * PAGE));
	touch(at, 0);
}

ABI_TEST(memory, mprotect_rules)
{
	int ro = open("f", O_CREAT | O_RDONLY, 0644);

	map(8);
	R(mprotect(at + 1, PAGE, PROT_READ));
	R(mprotect(at, 0, PROT_READ));
	R(mprotect(at, -1ul, PROT_READ));
	R(mprotect(at, PAGE, 0x100));
	R(mprotect(at, PAGE, PROT_GROWSDOWN | PROT_READ));
	R(mprotect(at, PAGE, PROT_GROWSUP | PROT_READ));
	R(mprotect(at, PAGE, PROT_GROWSUP | PROT_GROWSDOWN));
	R(mprotect(at, PAGE, PROT_READ | 8));
	touch(at, 1);
	touch(at, 0);
	R(mprotect(at + PAGE, PAGE, PROT_NONE));
	touch(at + PAGE, 0);
	R(mprotect(at + PAGE, PAGE, PROT_EXEC));
	R(mprotect(at + PAGE, PAGE, PROT_WRITE));
	touch(at + PAGE, 1);
	munmap(at + 4 * PAGE, PAGE);
	R(mprotect(at + 2 * PAGE, 4 * PAGE, PROT_READ));
	touch(at + 3 * PAGE, 1);
	touch(at + 5 * PAGE, 1);
	R(mprotect(at + 4 * PAGE, PAGE, PROT_READ));
	R(mprotect(at + 7 * PAGE, 2 * PAGE, PROT_NONE));
	touch(at + 7 * PAGE, 0);
	ftruncate(ro, PAGE);
	mmap(at, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, ro, 0);
	R(mprotect(at, PAGE, RW));
	mmap(at, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, ro, 0);
	R(mprotect(at, PAGE, RW));
}

static long remap(size_t page, size_t old, size_t new, int flags, void *target)
{
	char *p = mremap(at + page * PAGE, old * PAGE, new *PAGE, flags, target);

	return p == MAP_FAILED ? -1 : p >= at && p < at + 1000 * PAGE ? (p - at) / PAGE : 9999;
}

ABI_TEST(memory, mremap_rules)
{
	map(8);
	for (int i = 0; i < 8; i++)
		at[i * PAGE] = i + 1;
	R(mremap(at + 1, PAGE, PAGE, 0));
	R(mremap(at, PAGE, 0, 0));
	R(mremap(at, PAGE, PAGE, 8));
	R(mremap(at, PAGE, PAGE, MREMAP_FIXED, at + 100 * PAGE));
	R(mremap(at, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0));
	R(mremap(at, PAGE, PAGE, MREMAP_DONTUNMAP, 0));
	R(mremap(at, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at + PAGE));
	R(mremap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at + 100 * PAGE + 1));
	R(mremap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)(1ul << 50)));
	R(mremap(at, PAGE, 1ul << 60, MREMAP_MAYMOVE));
	R(mremap(at + 100 * PAGE, PAGE, PAGE, 0));
	R(remap(0, 9, 10, MREMAP_MAYMOVE, 0));
	R(remap(0, 8, 8, 0, 0));
	R(remap(0, 8, 6, 0, 0));
	touch(at + 6 * PAGE, 0);
	R(remap(0, 6, 8, 0, 0));
	touch(at + 6 * PAGE, 0);
	R(remap(0, 4, 5, 0, 0));
	R(remap(0, 2, 3, MREMAP_MAYMOVE | MREMAP_FIXED, at + 100 * PAGE));
	touch(at + 101 * PAGE, 0);
	touch(at + 102 * PAGE, 0);
	touch(at, 0);
	R(remap(2, 4, 4, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, at + 200 * PAGE));
	touch(at + 203 * PAGE, 0);
	touch(at + 5 * PAGE, 0);
	R(remap(100, 0, 1, MREMAP_MAYMOVE, 0));
	R(remap(5, 3, 1, MREMAP_MAYMOVE | MREMAP_FIXED, at + 300 * PAGE));
	touch(at + 300 * PAGE, 0);
	touch(at + 301 * PAGE, 0);
	touch(at + 7 * PAGE, 0);
}

ABI_TEST(memory, mremap_several)
{
	map(8);
	at[0] = 1, at[3 * PAGE] = 4, at[5 * PAGE] = 6;
	mprotect(at + 2 * PAGE, PAGE, PROT_READ);
	munmap(at + 4 * PAGE, PAGE);
	mmap(at + 104 * PAGE, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0);
	R(remap(0, 8, 8, MREMAP_MAYMOVE, 0));
	R(remap(0, 8, 9, MREMAP_MAYMOVE | MREMAP_FIXED, at + 100 * PAGE));
	R(remap(4, 4, 4, MREMAP_MAYMOVE | MREMAP_FIXED, at + 100 * PAGE));
	R(remap(0, 8, 8, MREMAP_MAYMOVE | MREMAP_FIXED, at + 100 * PAGE));
	touch(at, 0);
	touch(at + 100 * PAGE, 0);
	touch(at + 102 * PAGE, 1);
	touch(at + 103 * PAGE, 0);
	touch(at + 104 * PAGE, 0);
	touch(at + 105 * PAGE, 0);
}

ABI_TEST(memory, mremap_shared)
{
	char *p = mmap(at, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	p[0] = 7;
	R(remap(0, 0, 1, MREMAP_MAYMOVE | MREMAP_FIXED, at + 50 * PAGE));
	touch(at + 50 * PAGE, 0);
	at[50 * PAGE] = 8;
	touch(at, 0);
	R(remap(0, 2, 4, MREMAP_MAYMOVE, 0));
	touch(at + 3 * PAGE, 0);
}

// A shared mapping of /dev/zero is memory of its own, which the file has nothing to do with.
ABI_TEST(memory, shared_zero)
{
	const size_t page = 4096;
	int fd = R(open("/dev/zero", O_RDWR));
	char *one = mmap(NULL, 8 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *two = mmap(NULL, 8 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	R(one != MAP_FAILED && two != MAP_FAILED);
	R(close(fd));
	one[page] = 5;
	R(two[page]);
	R(munmap(one + 3 * page, page));
	R(mprotect(one + 5 * page, page, PROT_READ));
	pid_t child = fork();
	if (!child) {
		one[page] = 6;
		one[7 * page] = 7;
		munmap(one, page);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	R(one[page]);
	R(one[7 * page]);
	R(munmap(one, 8 * page));
	R(munmap(two, 8 * page));
}

ABI_TEST(memory, madvise_rules)
{
	static const int advices[] = {0,  1,  2,  3,  4,  5,  8,  9,  10, 11, 12, 13,  15,
				      16, 17, 18, 19, 20, 21, 22, 23, 24, 26, 99, 104, -1};
	int fd = memfd_create("x", 0);

	ftruncate(fd, 4 * PAGE);
	for (unsigned i = 0; i < sizeof(advices) / sizeof(*advices); i++) {
		printf("advice %d\n", advices[i]);
		map(8);
		R(madvise(at, PAGE, advices[i]));
		R(madvise(at + 1, PAGE, advices[i]));
		R(madvise(at, 0, advices[i]));
		R(madvise(at, -1ul, advices[i]));
		R(madvise(at + 2 * PAGE, -PAGE, advices[i]));
		munmap(at + 4 * PAGE, PAGE);
		R(madvise(at, 8 * PAGE, advices[i]));
		R(madvise(at + 4 * PAGE, PAGE, advices[i]));
		mmap(at, 4 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
		R(madvise(at, PAGE, advices[i]));
		mmap(at, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0);
		R(madvise(at, PAGE, advices[i]));
		map(2);
		mlock(at, PAGE);
		R(madvise(at, PAGE, advices[i]));
		munmap(at, 8 * PAGE);
	}
}

ABI_TEST(memory, madvise_effects)
{
	int fd = memfd_create("x", 0);

	pwrite(fd, "\5", 1, 0);
	map(8);
	at[0] = 3, at[PAGE] = 4;
	R(madvise(at, PAGE, MADV_DONTNEED));
	touch(at, 0);
	touch(at + PAGE, 0);
	mmap(at, PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0);
	at[0] = 6;
	R(madvise(at, PAGE, MADV_DONTNEED));
	touch(at, 0);
	mmap(at, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	R(madvise(at, PAGE, MADV_REMOVE));
	touch(at, 0);
	map(8);
	mprotect(at, PAGE, PROT_READ);
	mprotect(at + PAGE, PAGE, PROT_NONE);
	R(madvise(at, PAGE, 22));
	R(madvise(at, PAGE, 23));
	R(madvise(at + PAGE, PAGE, 22));
	R(madvise(at + 2 * PAGE, 2 * PAGE, 23));
	mmap(at, 4 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0);
	R(madvise(at + 2 * PAGE, PAGE, 22));
}

ABI_TEST(memory, madvise_guards)
{
	map(8);
	at[0] = 1, at[PAGE] = 2, at[2 * PAGE] = 3;
	R(madvise(at + PAGE, 2 * PAGE, 102));
	touch(at, 0);
	touch(at + PAGE, 0);
	touch(at + 2 * PAGE, 1);
	R(write(1, at + PAGE, 1));
	R(madvise(at, 8 * PAGE, MADV_DONTNEED));
	touch(at + PAGE, 0);
	R(mprotect(at, 8 * PAGE, PROT_READ));
	touch(at + PAGE, 0);
	R(mprotect(at, 8 * PAGE, RW));
	if (fork() == 0) {
		touch(at + PAGE, 1);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	R(madvise(at + PAGE, PAGE, 103));
	touch(at + PAGE, 1);
	touch(at + 2 * PAGE, 1);
	map(8);
	touch(at + 2 * PAGE, 1);
}

ABI_TEST(memory, fork_areas)
{
	char *shared = mmap(at + 100 * PAGE, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1,
			    0);

	map(8);
	for (int i = 0; i < 8; i++)
		at[i * PAGE] = i + 1;
	R(madvise(at + PAGE, PAGE, MADV_DONTFORK));
	R(madvise(at + 2 * PAGE, PAGE, MADV_WIPEONFORK));
	shared[0] = 1;
	fflush(stdout);
	if (fork() == 0) {
		touch(at, 0);
		touch(at + PAGE, 0);
		touch(at + 2 * PAGE, 0);
		touch(at + 3 * PAGE, 1);
		shared[0] = 9;
		if (fork() == 0) {
			touch(at + 2 * PAGE, 0);
			fflush(stdout);
			_exit(0);
		}
		wait(NULL);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	touch(at + 2 * PAGE, 0);
	touch(at + 3 * PAGE, 0);
	touch(shared, 0);
}

ABI_TEST(memory, truncation)
{
	int fd = memfd_create("x", 0);

	ftruncate(fd, 3 * PAGE + 10);
	mmap(at, 8 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	touch(at + 3 * PAGE, 1);
	touch(at + 4 * PAGE, 0);
	touch(at + 2 * PAGE, 1);
	at[PAGE + 500] = 5;
	R(ftruncate(fd, PAGE + 100));
	touch(at + 2 * PAGE, 0);
	touch(at + PAGE + 500, 0);
	R(ftruncate(fd, 4 * PAGE));
	touch(at + 2 * PAGE, 0);
	R(pread(fd, at + 6 * PAGE, 1, 0));
	mmap(at, 8 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0);
	touch(at + PAGE, 1);
	R(ftruncate(fd, 0));
	touch(at + PAGE, 0);
	touch(at, 0);
}

ABI_TEST(memory, mlock_rules)
{
	struct rlimit limit = {16 * PAGE, 16 * PAGE};

	map(64);
	R(mlock(at, PAGE));
	R(mlock(at + 5, PAGE));
	R(mlock(at + 100 * PAGE, PAGE));
	R(mlock(at + 60 * PAGE, 8 * PAGE));
	R(mlock(at, -PAGE));
	R(mlock(at, 0));
	R(munlock(at, PAGE));
	R(munlock(at + 60 * PAGE, 8 * PAGE));
	R(syscall(SYS_mlock2, at, PAGE, 2));
	R(syscall(SYS_mlock2, at, PAGE, MLOCK_ONFAULT));
	mprotect(at + 8 * PAGE, PAGE, PROT_NONE);
	R(mlock(at + 7 * PAGE, 3 * PAGE));
	R(mlockall(0));
	R(mlockall(8));
	R(mlockall(4));
	R(munlockall());
	R(setrlimit(RLIMIT_MEMLOCK, &limit));
	setuid(1000);
	R(mlock(at + 16 * PAGE, 16 * PAGE));
	R(mlock(at + 16 * PAGE, 16 * PAGE));
	R(mlock(at + 32 * PAGE, PAGE));
	R(map_error(at + 100 * PAGE, PAGE, RW, ANON | MAP_LOCKED, -1, 0));
	R(remap(16, 16, 17, MREMAP_MAYMOVE, 0));
	R(munlock(at + 16 * PAGE, PAGE));
	R(map_error(at + 100 * PAGE, PAGE, RW, ANON | MAP_LOCKED, -1, 0));
	R(mlockall(MCL_CURRENT));
	R(mlockall(MCL_FUTURE));
	R(map_error(at + 100 * PAGE, 64 * PAGE, RW, ANON, -1, 0));
	R(munlockall());
	limit.rlim_cur = 0;
	R(setrlimit(RLIMIT_MEMLOCK, &limit));
	R(mlock(at, PAGE));
	R(mlockall(MCL_CURRENT));
	R(map_error(at + 100 * PAGE, PAGE, RW, ANON | MAP_LOCKED, -1, 0));
}

ABI_TEST(memory, mincore_msync)
{
	unsigned char vec[8] = "";
	int fd = memfd_create("x", 0);

	map(8);
	madvise(at, 8 * PAGE, MADV_NOHUGEPAGE);
	at[0] = 1, at[3 * PAGE] = 1;
	R(mincore(at, 8 * PAGE, vec));
	for (int i = 0; i < 8; i++)
		printf("%d", vec[i] & 1);
	printf("\n");
	R(mincore(at + 1, PAGE, vec));
	R(mincore(at, 9 * PAGE, vec));
	R(mincore(at, PAGE, BAD));
	R(mincore(at, PAGE, (void *)-1ul));
	R(mincore(at, 0, vec));
	R(mincore((void *)-PAGE, PAGE, vec));
	ftruncate(fd, 8 * PAGE);
	mmap(at, 8 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	pwrite(fd, "x", 1, 2 * PAGE);
	R(mincore(at, 8 * PAGE, vec));
	for (int i = 0; i < 8; i++)
		printf("%d", vec[i] & 1);
	printf("\n");
	R(msync(at, PAGE, MS_SYNC));
	R(msync(at, PAGE, MS_ASYNC | MS_SYNC));
	R(msync(at + 1, PAGE, MS_SYNC));
	R(msync(at, PAGE, 8));
	R(msync(at, 9 * PAGE, MS_SYNC));
	R(msync(at, -1ul, MS_ASYNC));
	R(msync(at, 0, 0));
	R(msync(at, -2 * PAGE, 0));
	mlock(at, PAGE);
	R(msync(at, PAGE, MS_INVALIDATE));
	R(msync(at + 100 * PAGE, PAGE, MS_SYNC));
}

ABI_TEST(memory, limits)
{
	struct rlimit limit = {1 << 20, RLIM_INFINITY};
	long brk0 = syscall(SYS_brk, 0);

	R(setrlimit(RLIMIT_DATA, &limit));
	R(map_error(at, 2 << 20, RW, ANON, -1, 0));
	R(map_error(at, 2 << 20, PROT_READ, ANON, -1, 0));
	R(map_error(at, 2 << 20, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	R(syscall(SYS_brk, brk0 + (2 << 20)) - brk0);
	mmap(at, 2 << 20, PROT_READ, ANON | MAP_FIXED, -1, 0);
	R(mprotect(at, 2 << 20, RW));
	limit.rlim_cur = RLIM_INFINITY;
	R(setrlimit(RLIMIT_DATA, &limit));
	R(mprotect(at, 2 << 20, RW));
	R(syscall(SYS_brk, brk0 + (2 << 20)) - brk0);
	R(syscall(SYS_brk, brk0 + 100) - brk0);
	R(syscall(SYS_brk, 1) - brk0);
	limit.rlim_cur = 64 << 20;
	R(setrlimit(RLIMIT_AS, &limit));
	R(map_error(at + (8 << 20), 100 << 20, PROT_READ, ANON, -1, 0));
	R(map_error(at + (8 << 20), 10 << 20, PROT_READ, ANON, -1, 0));
	R(remap(0, 512, 40000, MREMAP_MAYMOVE, 0));
}

ABI_TEST(memory, grows_down)
{
	mmap(at + 600 * PAGE, PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
	touch(at + 599 * PAGE, 1);
	touch(at + 500 * PAGE, 1);
	touch(at + 550 * PAGE, 0);
	mmap(at + 100 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	touch(at + 400 * PAGE, 1);
	touch(at + 300 * PAGE, 1);
	touch(at + 357 * PAGE, 1);
	touch(at + 356 * PAGE, 1);
	R(mprotect(at + 600 * PAGE, PAGE, PROT_READ | PROT_GROWSDOWN));
	touch(at + 400 * PAGE, 1);
}

ABI_TEST(memory, other_process)
{
	char buffer[32] = "0123456789abcdef";
	struct iovec local[2] = {{buffer, 8}, {buffer + 8, 8}};
	struct iovec remote[2] = {{at, 4}, {at + PAGE - 4, 12}};
	int ready[2], done[2];

	pipe(ready), pipe(done);
	map(2);
	munmap(at + PAGE, PAGE);
	strcpy(at, "parent");
	pid_t pid = fork();
	if (pid == 0) {
		strcpy(at, "child");
		memcpy(at + PAGE - 4, "tail", 4);
		write(ready[1], "", 1);
		read(done[0], buffer, 1);
		printf("child has %.8s\n", at);
		fflush(stdout);
		_exit(0);
	}
	read(ready[0], buffer, 1);
	R(process_vm_readv(pid, local, 2, remote, 2, 0));
	printf("%.16s\n", buffer);
	R(process_vm_readv(pid, local, 1, remote, 1, 1));
	R(process_vm_readv(pid, local, 0, remote, 1, 0));
	R(process_vm_readv(pid, local, 1, remote, 0, 0));
	R(process_vm_readv(pid, local, 2000, remote, 1, 0));
	R(process_vm_readv(pid, local, 1, remote, 2000, 0));
	R(process_vm_readv(pid, BAD, 1, remote, 1, 0));
	R(process_vm_readv(pid, local, 1, BAD, 1, 0));
	R(process_vm_readv(999999, local, 1, remote, 1, 0));
	remote[0].iov_base = at + 10 * PAGE;
	R(process_vm_readv(pid, local, 1, remote, 1, 0));
	remote[0].iov_base = at;
	memcpy(buffer, "WRIT", 4);
	R(process_vm_writev(pid, local, 1, remote, 1, 0));
	R(process_vm_writev(getpid(), local, 1, remote, 1, 0));
	printf("%s\n", at);
	setuid(1000);
	R(process_vm_readv(pid, local, 1, remote, 1, 0));
	write(done[1], "", 1);
	abi_reap(pid);
}

ABI_TEST(memory, protection_none_forks)
{
	map(4);
	strcpy(at, "secret");
	R(mprotect(at, PAGE, PROT_NONE));
	fflush(stdout);
	if (fork() == 0) {
		touch(at, 0);
		R(mprotect(at, PAGE, RW));
		printf("%s\n", at);
		strcpy(at, "other");
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	R(mprotect(at, PAGE, PROT_READ));
	printf("%s\n", at);
}
