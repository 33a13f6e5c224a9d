// mseal(2): areas that can be changed no more, and every call that would.

#include "abi.h"
#include <sys/mman.h>

#define PAGE 4096ul
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static char *const at = (char *)0x1000000000;

static long seal(void *address, size_t length, unsigned long flags)
{
	return syscall(462, address, length, flags);
}

static char *map(size_t pages)
{
	return mmap(at, pages * PAGE, RW, ANON | MAP_FIXED, -1, 0);
}

// Where an area of maps ends and what it allows: those of ours, in order.
static void show_areas(void)
{
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "r");

	while (fgets(line, sizeof(line), maps)) {
		if (strncmp(line, "1000", 4) == 0)
			printf("%.26s\n", line);
	}
	fclose(maps);
}

static void show_flags(void)
{
	char line[512];
	int ours = 0;
	FILE *smaps = fopen("/proc/self/smaps", "r");

	while (fgets(line, sizeof(line), smaps)) {
		if (strncmp(line, "1000", 4) == 0)
			ours = 1;
		if (ours && strncmp(line, "VmFlags", 7) == 0) {
			printf("sealed %d\n", strstr(line, " sl") != NULL);
			ours = 0;
		}
	}
	fclose(smaps);
}

static int moved(void *address, size_t old, size_t new, int flags, void *to)
{
	return mremap(address, old, new, flags, to) == MAP_FAILED ? -1 : 0;
}

static int mapped(void *address, size_t length, int flags)
{
	return mmap(address, length, RW, ANON | flags, -1, 0) == MAP_FAILED ? -1 : 0;
}

ABI_TEST(mseal, arguments)
{
	map(8);
	R(seal(at, PAGE, 1));
	R(seal(at, PAGE, 1ul << 40));
	R(seal(at + 1, PAGE, 0));
	R(seal(at, 0, 0));
	R(seal(at + 100 * PAGE, 0, 0));
	R(seal(at, -1ul, 0));
	R(seal(at, -PAGE, 0));
	R(seal(at, -2 * PAGE, 0));
	R(seal(at + 100 * PAGE, PAGE, 0));
	R(seal((void *)(1ul << 60), PAGE, 0));
	R(seal((void *)-PAGE, PAGE, 0));
	R(seal(at + 6 * PAGE, 4 * PAGE, 0));
	R(seal(at - PAGE, 2 * PAGE, 0));
	munmap(at + 3 * PAGE, PAGE);
	R(seal(at + 2 * PAGE, 3 * PAGE, 0));
	show_flags();
	R(seal(at, 1, 0));
	R(seal(at, PAGE, 0));
	R(seal(at + PAGE, PAGE, 0));
	show_areas();
	show_flags();
}

ABI_TEST(mseal, what_is_refused)
{
	map(16);
	memset(at, 1, 16 * PAGE);
	R(seal(at + 4 * PAGE, 4 * PAGE, 0));
	show_areas();
	R(munmap(at + 4 * PAGE, PAGE));
	R(munmap(at + 3 * PAGE, 2 * PAGE));
	R(munmap(at, 16 * PAGE));
	R(mprotect(at + 5 * PAGE, PAGE, PROT_READ));
	R(mprotect(at + 5 * PAGE, PAGE, RW));
	R(mprotect(at + 2 * PAGE, 4 * PAGE, PROT_READ));
	show_areas();
	R(mprotect(at, 4 * PAGE, RW));
	R(mapped(at + 4 * PAGE, PAGE, MAP_FIXED));
	R(mapped(at, 16 * PAGE, MAP_FIXED));
	R(mapped(at + 4 * PAGE, PAGE, MAP_FIXED_NOREPLACE));
	R(moved(at + 4 * PAGE, PAGE, 2 * PAGE, 0, 0));
	R(moved(at + 4 * PAGE, 4 * PAGE, PAGE, 0, 0));
	R(moved(at + 4 * PAGE, 4 * PAGE, 4 * PAGE, 0, 0));
	R(moved(at + 4 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE, 0));
	R(moved(at + 4 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at + 64 * PAGE));
	R(moved(at + 4 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0));
	R(moved(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at + 5 * PAGE));
	R(moved(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at + 4 * PAGE));
	R(moved(at + 2 * PAGE, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at + 64 * PAGE));
	R(moved(at, 3 * PAGE, 8 * PAGE, 0, 0));
	show_areas();
	for (int i = 0; i < 16; i++) {
		if (at[i * PAGE] != 1)
			printf("page %d is %d\n", i, at[i * PAGE]);
	}
}

ABI_TEST(mseal, what_is_allowed)
{
	map(8);
	memset(at, 1, 8 * PAGE);
	R(seal(at, 8 * PAGE, 0));
	at[0] = 2;
	R(mlock(at, PAGE));
	R(munlock(at, PAGE));
	R(msync(at, PAGE, MS_SYNC));
	R(madvise(at, PAGE, MADV_DONTDUMP));
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		R(munmap(at, PAGE));
		at[PAGE] = 3;
		printf("%d\n", at[PAGE]);
		show_flags();
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	printf("%d\n", at[PAGE]);
	R(mapped(at + 8 * PAGE, PAGE, MAP_FIXED));
	show_areas();
}

// Advice that destroys is refused where writing is not allowed.
static void advise_all(char *where)
{
	static const int advices[] = {0,  1,  2,  3,  4,  8,  9,  10, 11,  16,
				      17, 18, 19, 20, 21, 22, 23, 24, 102, 103};

	for (unsigned i = 0; i < sizeof(advices) / sizeof(*advices); i++) {
		printf("advice %d\n", advices[i]);
		R(madvise(where, PAGE, advices[i]));
	}
}

ABI_TEST(mseal, advice_writable)
{
	map(4);
	memset(at, 1, 4 * PAGE);
	R(seal(at, 4 * PAGE, 0));
	advise_all(at);
	show_areas();
}

ABI_TEST(mseal, advice_read_only)
{
	map(4);
	memset(at, 1, 4 * PAGE);
	mprotect(at, 4 * PAGE, PROT_READ);
	R(seal(at, 4 * PAGE, 0));
	advise_all(at);
	show_areas();
}

ABI_TEST(mseal, advice_file)
{
	int fd = memfd_create("x", 0);

	ftruncate(fd, 4 * PAGE);
	mmap(at, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0);
	R(seal(at, 4 * PAGE, 0));
	advise_all(at);
	mmap(at + 8 * PAGE, 4 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
	R(seal(at + 8 * PAGE, 4 * PAGE, 0));
	advise_all(at + 8 * PAGE);
	mmap(at + 16 * PAGE, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	R(seal(at + 16 * PAGE, 4 * PAGE, 0));
	advise_all(at + 16 * PAGE);
}

ABI_TEST(mseal, heap)
{
	char *start = sbrk(0);

	start = (char *)(((unsigned long)start + PAGE - 1) & -PAGE);
	brk(start + 8 * PAGE);
	R(seal(start + 4 * PAGE, PAGE, 0));
	R(syscall(SYS_brk, start + 6 * PAGE) == (long)start + 6 * (long)PAGE);
	R(syscall(SYS_brk, start + 2 * PAGE) == (long)start + 6 * (long)PAGE);
	R(syscall(SYS_brk, start + 8 * PAGE) == (long)start + 8 * (long)PAGE);
}
