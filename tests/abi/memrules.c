// Rules of memory that no other topic asks about: seals of memfds, what a signal says of a bad access,
// what stays where memory was moved away, locks of each kind, all advice on each kind of area.
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/uio.h>

#include "abi.h"

#define PAGE 4096ul
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static char *const at = (char *)0x1000000000;

static char *map(size_t pages, int prot, int flags, int fd)
{
	return mmap(at, pages * PAGE, prot, flags | MAP_FIXED, fd, 0);
}

// --- Signals of bad accesses ---

static sigjmp_buf back;
static siginfo_t got;

static void note(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	got = *info;
	siglongjmp(back, 1);
}

static void access_at(const char *what, char *address, int how)
{
	struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	got.si_signo = 0;
	if (sigsetjmp(back, 1) == 0) {
		if (how == 'w')
			*(volatile char *)address = 1;
		else if (how == 'x')
			((void (*)(void))address)();
		else
			(void)*(volatile char *)address;
	}
	if (got.si_signo)
		printf("%s %c: SIG%s code %d, at %ld\n", what, how, sigabbrev_np(got.si_signo),
		       got.si_code, (long)((char *)got.si_addr - at));
	else
		printf("%s %c: fine\n", what, how);
}

static void all_accesses(const char *what, char *address)
{
	access_at(what, address, 'r');
	access_at(what, address, 'w');
}

ABI_TEST(memrules, signals)
{
	int fd = memfd_create("x", 0);

	map(8, RW, ANON, -1);
	all_accesses("there", at + 5);
	access_at("not to be executed", at, 'x');
	mprotect(at + PAGE, PAGE, PROT_READ);
	all_accesses("read-only", at + PAGE + 7);
	mprotect(at + 2 * PAGE, PAGE, PROT_NONE);
	all_accesses("nothing", at + 2 * PAGE + 9);
	munmap(at + 3 * PAGE, PAGE);
	all_accesses("unmapped", at + 3 * PAGE + 11);
	access_at("unmapped", at + 3 * PAGE, 'x');
	madvise(at + 4 * PAGE, PAGE, 102);
	all_accesses("guard", at + 4 * PAGE + 1);
	mprotect(at + 5 * PAGE, PAGE, PROT_WRITE);
	all_accesses("only writable", at + 5 * PAGE);
	access_at("kernel's", (char *)0xffffffc000000000ul, 'r');
	access_at("not canonical", (char *)0x4000000000000000ul, 'r');
	ftruncate(fd, PAGE + 100);
	for (int shared = 0; shared < 2; shared++) {
		map(4, RW, shared ? MAP_SHARED : MAP_PRIVATE, fd);
		all_accesses("file", at + 3);
		all_accesses("last page, behind the end", at + PAGE + 200);
		all_accesses("behind the file", at + 2 * PAGE + 3);
		ftruncate(fd, 0);
		all_accesses("truncated", at + 3);
		ftruncate(fd, PAGE + 100);
		access_at("longer again", at + 3, 'r');
		printf("%d\n", at[3]);
	}
}

// --- memfds ---

static void all_changes(int fd)
{
	R(write(fd, "x", 1));
	R(pwrite(fd, "x", 1, 8 * PAGE));
	R(ftruncate(fd, 2 * PAGE));
	R(ftruncate(fd, 4 * PAGE));
	R(fallocate(fd, 0, 0, 6 * PAGE));
	R(fallocate(fd, 3, 0, PAGE));
	R(fchmod(fd, 0700));
	R(fchmod(fd, 0600));
	for (int prot = 1; prot < 4; prot += 2) {
		void *p = mmap(NULL, PAGE, prot, MAP_SHARED, fd, 0);
		printf("map %d: %s\n", prot, p == MAP_FAILED ? strerrorname_np(errno) : "fine");
		if (p == MAP_FAILED)
			continue;
		R(mprotect(p, PAGE, RW));
		munmap(p, PAGE);
	}
	void *p = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	printf("private: %s\n", p == MAP_FAILED ? strerrorname_np(errno) : "fine");
	munmap(p, PAGE);
}

ABI_TEST(memrules, memfd_flags)
{
	static const unsigned flags[] = {0,    1,       2,       3,        4,           8,
					 0x10, 0x18,    0x20,    0x40,     0x8 | 2,     0x10 | 2,
					 6,    5 << 26, 1 << 31, 21 << 26, 4 | 21 << 26};
	char name[300];

	for (unsigned i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		struct stat status;
		if (flags[i] & MFD_HUGETLB)
			continue; // only Linux has such pages
		int fd = memfd_create("x", flags[i]);

		printf("flags %x: %s\n", flags[i], fd < 0 ? strerrorname_np(errno) : "fine");
		if (fd < 0)
			continue;
		fstat(fd, &status);
		printf("  mode %o, seals %x, cloexec %d\n", status.st_mode, fcntl(fd, F_GET_SEALS),
		       fcntl(fd, F_GETFD));
		R(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
		close(fd);
	}
	memset(name, 'n', sizeof(name));
	name[250] = 0;
	R(memfd_create(name, 0) >= 0);
	name[249] = 0;
	R(memfd_create(name, 0) >= 0);
	R(memfd_create(BAD, 0));
	R(memfd_create("", 0) >= 0);
}

ABI_TEST(memrules, seals)
{
	static const int seals[] = {F_SEAL_SEAL,  F_SEAL_SHRINK,       F_SEAL_GROW,
				    F_SEAL_WRITE, F_SEAL_FUTURE_WRITE, F_SEAL_EXEC};

	for (unsigned i = 0; i < sizeof(seals) / sizeof(*seals); i++) {
		int fd = memfd_create("x", MFD_ALLOW_SEALING);

		printf("seal %x\n", seals[i]);
		ftruncate(fd, 3 * PAGE);
		R(fcntl(fd, F_ADD_SEALS, seals[i]));
		printf("seals %x\n", fcntl(fd, F_GET_SEALS));
		all_changes(fd);
		R(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
		R(fcntl(fd, F_ADD_SEALS, 0));
		close(fd);
	}
	int fd = memfd_create("x", MFD_ALLOW_SEALING);
	ftruncate(fd, PAGE);
	char *p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC));
	printf("seals %x\n", fcntl(fd, F_GET_SEALS));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	p[0] = 1;
	printf("%d\n", p[0]);
	R(mprotect(p, PAGE, PROT_READ));
	R(mprotect(p, PAGE, RW));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	munmap(p, PAGE);
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	R(fcntl(fd, F_ADD_SEALS, 0x40));
	R(fcntl(fd, F_ADD_SEALS, -1));
	R(fcntl(0, F_GET_SEALS));
	R(fcntl(0, F_ADD_SEALS, 1));
	fd = open("/tmp/plain", O_RDWR | O_CREAT, 0600);
	R(fcntl(fd, F_GET_SEALS));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
}

// --- mremap that leaves the area ---

static void remap(const char *what, size_t old, size_t size, int flags, char *to)
{
	char *p = mremap(at, old * PAGE, size * PAGE, flags, to);

	printf("%s: %s\n", what, p == MAP_FAILED ? strerrorname_np(errno) : "fine");
	if (p == MAP_FAILED)
		return;
	printf("  %d, left %d\n", p[0], at[0]);
	munmap(p, size * PAGE);
}

ABI_TEST(memrules, dontunmap)
{
	const int both = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
	char *far = at + 1000 * PAGE;
	int fd = memfd_create("x", 0);

	ftruncate(fd, 8 * PAGE);
	for (int kind = 0; kind < 4; kind++) {
		printf("kind %d\n", kind);
		map(4, RW,
		    kind == 0   ? ANON
		    : kind == 1 ? MAP_SHARED | MAP_ANONYMOUS
		    : kind == 2 ? MAP_PRIVATE
				: MAP_SHARED,
		    kind < 2 ? -1 : fd);
		at[0] = 5;
		remap("anywhere", 4, 4, both, NULL);
		at[0] = 6;
		remap("fixed", 4, 4, both | MREMAP_FIXED, far);
		remap("without moving", 4, 4, MREMAP_DONTUNMAP, NULL);
		remap("longer", 4, 5, both, NULL);
		remap("shorter", 4, 3, both, NULL);
		remap("over itself", 4, 4, both | MREMAP_FIXED, at + PAGE);
		remap("nothing", 0, 4, both, NULL);
		remap("flags", 4, 4, 8, NULL);
	}
	map(4, RW, ANON, -1);
	at[0] = 7;
	R(mlock(at, 4 * PAGE));
	remap("locked", 4, 4, both | MREMAP_FIXED, far);
	R(mincore(at, PAGE, (unsigned char *)&fd));
}

// --- Locks ---

static long locked(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	long value = -1;

	while (fgets(line, sizeof(line), file))
		sscanf(line, "VmLck: %ld", &value);
	fclose(file);
	return value;
}

static int resident(char *p, size_t pages)
{
	unsigned char there[64] = {0};
	int sum = 0;

	if (mincore(p, pages * PAGE, there))
		return -errno;
	for (size_t i = 0; i < pages; i++)
		sum += there[i] & 1;
	return sum;
}

ABI_TEST(memrules, locks)
{
	map(16, RW, ANON, -1);
	R(mlock2(at, 4 * PAGE, 0));
	printf("%d %ld\n", resident(at, 16), locked());
	R(mlock2(at + 4 * PAGE, 4 * PAGE, MLOCK_ONFAULT));
	printf("%d %ld\n", resident(at, 16), locked());
	at[5 * PAGE] = 1;
	printf("%d %ld\n", resident(at, 16), locked());
	R(mlock2(at, PAGE, 2));
	R(mlock2(at + 14 * PAGE, 4 * PAGE, 0));
	printf("%d %ld\n", resident(at, 16), locked());
	R(madvise(at, PAGE, MADV_DONTNEED));
	R(munlock(at, 16 * PAGE));
	printf("%ld\n", locked());
	R(mlock(at, 3 * PAGE));
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		printf("child %ld\n", locked());
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	munmap(at + PAGE, PAGE);
	printf("%ld\n", locked());
	printf("over a hole %d\n", resident(at, 3));
	printf("beside it %d\n", resident(at + 2 * PAGE, 2));
	R(mincore(at + 1, PAGE, (unsigned char *)at));
	R(mincore(at, PAGE, BAD));
	R(mincore(at, 0, BAD));
	R(munlockall());
	R(mlockall(0));
	R(mlockall(8));
	R(mlockall(MCL_ONFAULT));
	R(mlockall(MCL_FUTURE));
	map(16, RW, ANON, -1);
	printf("%d %ld\n", resident(at, 16), locked());
	R(mlockall(MCL_FUTURE | MCL_ONFAULT));
	map(16, RW, ANON, -1);
	printf("%d %ld\n", resident(at, 16), locked());
	fflush(stdout);
	if (!(pid = fork())) {
		map(16, RW, ANON, -1);
		printf("child %d %ld\n", resident(at, 16), locked());
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	R(munlockall());
	map(16, RW, ANON | MAP_LOCKED, -1);
	printf("%d %ld\n", resident(at, 16), locked());
	map(16, PROT_NONE, ANON | MAP_LOCKED, -1);
	printf("%d %ld\n", resident(at, 16), locked());
}

ABI_TEST(memrules, writing_back)
{
	int fd = memfd_create("x", 0);

	ftruncate(fd, 4 * PAGE);
	map(4, RW, MAP_SHARED, fd);
	for (int flags = 0; flags < 9; flags++) {
		printf("flags %d\n", flags);
		R(msync(at, 4 * PAGE, flags));
	}
	R(msync(at + 1, PAGE, MS_SYNC));
	R(msync(at, 0, MS_SYNC));
	R(msync(at, ~0ul, MS_SYNC));
	R(msync(at, 8 * PAGE, MS_SYNC));
	mlock(at + PAGE, PAGE);
	R(msync(at, 4 * PAGE, MS_INVALIDATE));
	R(msync(at, 4 * PAGE, MS_SYNC));
	munmap(at + 2 * PAGE, PAGE);
	R(msync(at, 4 * PAGE, MS_ASYNC));
}

// --- Advice ---

ABI_TEST(memrules, advice)
{
	int fd = memfd_create("x", 0);

	ftruncate(fd, 4 * PAGE);
	for (int kind = 0; kind < 6; kind++) {
		for (int advice = -1; advice < 110; advice++) {
			if (kind < 2 || kind == 5)
				map(4, kind == 5 ? PROT_NONE : RW,
				    kind == 1 ? MAP_SHARED | MAP_ANONYMOUS : ANON, -1);
			else
				map(4, kind == 4 ? PROT_READ : RW,
				    kind == 2 ? MAP_PRIVATE : MAP_SHARED, fd);
			if (kind != 5)
				(void)*(volatile char *)at;
			if (advice == MADV_HWPOISON || advice == 101 || advice == 25)
				continue;
			errno = 0;
			int result = madvise(at, 4 * PAGE, advice);
			if (result == 0 || errno != EINVAL)
				printf("kind %d, advice %d: %s\n", kind, advice,
				       result ? strerrorname_np(errno) : "fine");
		}
	}
}

// --- Where things lie ---

ABI_TEST(memrules, not_randomised)
{
	unsigned long first[2] = {0}, second[2] = {0};

	for (int round = 0; round < 2; round++) {
		int ends[2];

		pipe(ends);
		fflush(stdout);
		pid_t pid = fork();
		if (!pid) {
			personality(ADDR_NO_RANDOMIZE);
			dup2(ends[1], 1);
			execl("/proc/self/exe", "x", "memrules/tell_places", NULL);
			_exit(1);
		}
		close(ends[1]);
		FILE *in = fdopen(ends[0], "r");
		unsigned long *to = round ? second : first;
		if (fscanf(in, "%lx %lx", &to[0], &to[1]) != 2)
			printf("nothing was told\n");
		fclose(in);
		waitpid(pid, NULL, 0);
	}
	printf("stack %d, mmap %d\n", first[0] == second[0], first[1] == second[1]);
}

// For the test above; prints nothing of its own otherwise.
ABI_TEST(memrules, tell_places)
{
	int local;

	if (personality(0xffffffff) & ADDR_NO_RANDOMIZE)
		printf("%lx %lx\n", (unsigned long)&local,
		       (unsigned long)mmap(NULL, PAGE, RW, ANON, -1, 0));
}

ABI_TEST(memrules, guard_gap)
{
	char *p = mmap(at, 2000 * PAGE, PROT_NONE, ANON | MAP_FIXED, -1, 0);

	munmap(p, 2000 * PAGE);
	mmap(at + 1000 * PAGE, PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
	access_at("just below", at + 1000 * PAGE - 1, 'w');
	access_at("far below", at + 900 * PAGE, 'w');
	mmap(at + 600 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	access_at("above the gap", at + 860 * PAGE, 'w');
	access_at("within the gap", at + 800 * PAGE, 'w');
	mprotect(at + 600 * PAGE, PAGE, PROT_NONE);
	access_at("a gap below what is not accessible", at + 700 * PAGE, 'w');
	R(mmap(at + 650 * PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED ? -1
											   : 0);
	char *hint = mmap(at + 500 * PAGE, PAGE, RW, ANON, -1, 0);
	printf("hint %ld\n", (long)(hint - at) / (long)PAGE);
	hint = mmap(at + 650 * PAGE, PAGE, RW, ANON, -1, 0);
	printf("hint in the gap taken %d\n", hint == at + 650 * PAGE);
	R(mprotect(at + 1000 * PAGE, PAGE, PROT_READ | PROT_GROWSDOWN));
	R(mprotect(at + 600 * PAGE, PAGE, PROT_READ | PROT_GROWSDOWN));
	R(mprotect(at + 600 * PAGE, PAGE, PROT_READ | PROT_GROWSUP));
}
