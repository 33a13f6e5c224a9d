// The ioctl PAGEMAP_SCAN: which pages of a range are of which kinds.

#include "abi.h"
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define PAGE 4096ul
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define ALL  0x1fful
#define MOST (ALL & ~0x80ul) // without soft-dirty, which not all machines know

static char *const at = (char *)0x1000000000;
static char *const end = (char *)0x1000000000 + 64 * PAGE;

struct scan {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t inverted, all, any, wanted;
};

struct region {
	uint64_t start, end, kinds;
};

#define SCAN _IOWR('f', 16, struct scan)

static int fd;
static struct region regions[64];

static long pages_from(uint64_t address)
{
	return (long)(address - (uintptr_t)at) / (long)PAGE;
}

static void show_scan(const char *what, struct scan *scan, long n)
{
	printf("%s: %ld%s%s, end %ld%s\n", what, n, n < 0 ? " " : "",
	       n < 0 ? strerrorname_np(errno) : "", pages_from(scan->walk_end),
	       scan->walk_end % PAGE ? " askew" : "");
	for (long i = 0; i < n; i++) {
		printf("  %ld-%ld", pages_from(regions[i].start), pages_from(regions[i].end));
		printf(" %lx\n", (unsigned long)regions[i].kinds);
	}
}

static struct scan whole(void)
{
	return (struct scan){.size = sizeof(struct scan),
			     .start = (uintptr_t)at,
			     .end = (uintptr_t)end,
			     .walk_end = (uintptr_t)at - PAGE,
			     .vec = (uintptr_t)regions,
			     .vec_len = 64,
			     .wanted = MOST};
}

// An area of 64 pages of all kinds.
static void fill(void)
{
	int file = memfd_create("x", 0), other = memfd_create("y", 0);

	fd = open("/proc/self/pagemap", O_RDONLY);
	ftruncate(file, 8 * PAGE);
	ftruncate(other, 8 * PAGE);
	mmap(at, 16 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	at[0] = at[PAGE] = at[4 * PAGE] = at[8 * PAGE] = 1;
	(void)*(volatile char *)(at + 2 * PAGE);
	madvise(at + 6 * PAGE, 2 * PAGE, 102); // guards
	mprotect(at + 8 * PAGE, PAGE, PROT_NONE);
	mmap(at + 20 * PAGE, 8 * PAGE, RW, MAP_SHARED | MAP_FIXED, file, 0);
	at[20 * PAGE] = 1;
	(void)*(volatile char *)(at + 22 * PAGE);
	mmap(at + 28 * PAGE, 8 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, other, 0);
	(void)*(volatile char *)(at + 28 * PAGE);
	at[29 * PAGE] = 1;
	mmap(at + 40 * PAGE, 4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	at[41 * PAGE] = 1;
	mmap(at + 50 * PAGE, 4 * PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0);
}

#define SHOW(what, ...)                                         \
	do {                                                    \
		struct scan scan = whole();                     \
		memset(regions, 0, sizeof(regions));            \
		__VA_ARGS__;                                    \
		show_scan(what, &scan, ioctl(fd, SCAN, &scan)); \
	} while (0)

ABI_TEST(pagemap_scan, kinds)
{
	fill();
	SHOW("all", (void)0);
	for (int bit = 0; bit < 9; bit++) {
		if (bit == 7)
			continue;
		printf("kind %x\n", 1 << bit);
		SHOW("with", scan.all = 1ul << bit);
		SHOW("without", scan.all = scan.inverted = 1ul << bit);
		SHOW("told", scan.wanted = 1ul << bit);
	}
	SHOW("present, not of a file", scan.all = 0xc; scan.inverted = 4);
	SHOW("of a file, or zero", scan.any = 0x24);
	SHOW("not of a file, or zero", scan.any = 0x24; scan.inverted = 4);
	SHOW("present, and file or zero", scan.all = 8; scan.any = 0x24; scan.wanted = 8);
	SHOW("inverted only", scan.inverted = 8);
	SHOW("inverted, told", scan.inverted = 8; scan.any = 8);
}

ABI_TEST(pagemap_scan, limits)
{
	fill();
	for (int n = 0; n <= 5; n++) {
		printf("limit %d\n", n);
		SHOW("regions", scan.vec_len = n; scan.all = 8);
		SHOW("pages", scan.max_pages = n; scan.all = 8);
		SHOW("both", scan.max_pages = n; scan.vec_len = 2);
	}
	SHOW("count only", scan.vec = 0; scan.vec_len = 0; scan.all = 8);
	SHOW("count only, told nothing", scan.vec = 0; scan.vec_len = 0; scan.wanted = 0);
	SHOW("pages only", scan.vec = 0; scan.vec_len = 0; scan.max_pages = 3);
	SHOW("told nothing", scan.wanted = 0);
	SHOW("told nothing, some", scan.wanted = 0; scan.all = 8);
	SHOW("empty", scan.end = scan.start);
	SHOW("one page", scan.end = scan.start + PAGE);
	SHOW("part of a page", scan.end = scan.start + PAGE + 1);
	SHOW("unmapped", scan.start += 60 * PAGE);
	SHOW("begins unmapped", scan.start += 17 * PAGE);
	SHOW("middle", scan.start += 7 * PAGE; scan.end -= 42 * PAGE);
	SHOW("large", scan.start = 0; scan.end = 1ul << 38; scan.max_pages = 1; scan.all = 0x100);
}

ABI_TEST(pagemap_scan, refused)
{
	fill();
	R(ioctl(fd, SCAN, 0));
	R(ioctl(fd, SCAN, BAD));
	R(ioctl(fd, _IOWR('f', 16, char), regions));
	R(ioctl(fd, _IO('f', 16), regions));
	SHOW("size 0", scan.size = 0);
	SHOW("small", scan.size -= 8);
	SHOW("large", scan.size += 8);
	for (int bit = 0; bit < 4; bit++) {
		SHOW("flags", scan.flags = 3);
		printf("flag %x\n", 1 << bit);
		SHOW("flag", scan.flags = 1 << bit);
		SHOW("flag, no vector", scan.flags = 1 << bit; scan.vec = scan.vec_len = 0);
		SHOW("flag, unmapped", scan.flags = 1 << bit; scan.start = scan.end - PAGE);
		SHOW("flag, written", scan.flags = 1 << bit; scan.all = scan.wanted = 2);
		SHOW("flag, none", scan.flags = 1 << bit; scan.all = 1);
	}
	SHOW("askew", scan.start += 8);
	SHOW("backwards", scan.start = scan.end; scan.end -= PAGE);
	SHOW("kernel's", scan.start = 1ul << 63; scan.end = scan.start + PAGE);
	SHOW("to the kernel's", scan.end = 1ul << 63);
	SHOW("behind the end", scan.start = 1ul << 38; scan.end = scan.start + PAGE);
	SHOW("over the end", scan.start = (1ul << 38) - PAGE; scan.end = scan.start + 2 * PAGE);
	SHOW("over the top", scan.end = ~0ul);
	SHOW("no vector", scan.vec = 0);
	SHOW("no length", scan.vec_len = 0);
	SHOW("bad vector", scan.vec = (uintptr_t)BAD);
	SHOW("kernel's vector", scan.vec = 1ul << 63);
	SHOW("askew vector", scan.vec += 4; scan.all = 0x100);
	SHOW("long vector", scan.vec_len = 1ul << 61);
	SHOW("bad vector, nothing found", scan.vec = 8; scan.all = 0x10; scan.inverted = 0x100;
	     scan.any = 1);
	SHOW("kinds", scan.all = 0x200);
	SHOW("kinds", scan.any = 1ul << 40);
	SHOW("kinds", scan.inverted = 1ul << 63);
	SHOW("kinds", scan.wanted = 0x200);
	SHOW("soft-dirty", scan.all = 0x80);
}

ABI_TEST(pagemap_scan, another)
{
	char path[64];
	int ends[2];

	fill();
	pipe(ends);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		char byte;

		close(ends[1]);
		read(ends[0], &byte, 1);
		_exit(0);
	}
	close(ends[0]);
	at[3 * PAGE] = 1;
	sprintf(path, "/proc/%d/pagemap", pid);
	fd = open(path, O_RDONLY);
	SHOW("child", scan.end = scan.start + 16 * PAGE);
	close(ends[1]);
	abi_reap(pid);
	SHOW("dead", (void)0);
}

ABI_TEST(pagemap_scan, huge)
{
	fill();
	char *big = (char *)(((uintptr_t)mmap((void *)0x1100000000, 8ul << 20, RW, ANON, -1, 0) +
			      (2ul << 20) - 1) &
			     ~((2ul << 20) - 1));

	madvise(big, 6ul << 20, MADV_HUGEPAGE);
	madvise(big + (4ul << 20), 2ul << 20, MADV_NOHUGEPAGE);
	memset(big, 1, 1);
	madvise(big, 2ul << 20, 25); // MADV_COLLAPSE
	for (size_t i = 0; i < 6ul << 20; i += PAGE)
		big[i] = 1;
	madvise(big + (2ul << 20), 2ul << 20, 25);
	SHOW("huge", scan.start = (uintptr_t)big; scan.end = scan.start + (6ul << 20));
	SHOW("a part", scan.start = (uintptr_t)big + PAGE; scan.end = scan.start + 9 * PAGE);
	SHOW("limited", scan.start = (uintptr_t)big; scan.end = scan.start + (6ul << 20);
	     scan.max_pages = 600);
	SHOW("limited, huge", scan.start = (uintptr_t)big; scan.end = scan.start + (6ul << 20);
	     scan.max_pages = 600; scan.all = 0x40);
	mprotect(big + PAGE, PAGE, PROT_READ);
	SHOW("split", scan.start = (uintptr_t)big; scan.end = scan.start + (6ul << 20));
}

// More runs than are gathered at once, and runs that go over what is looked at at once.
ABI_TEST(pagemap_scan, many)
{
	static struct region many[1000];
	char *p = mmap((void *)0x1200000000, 4000 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	unsigned long sum = 0;

	fill();
	madvise(p, 4000 * PAGE, MADV_NOHUGEPAGE);
	for (int i = 0; i < 700; i += 2)
		p[i * PAGE] = 1;
	for (int i = 800; i < 3000; i++)
		p[i * PAGE] = 1;
	for (int present = 0; present < 2; present++) {
		struct scan scan = whole();

		scan.start = (uintptr_t)p;
		scan.end = scan.start +
			   3000 * PAGE; // holes of whole tables are runs of their own on Linux
		scan.vec = (uintptr_t)many;
		scan.vec_len = 1000;
		scan.all = present ? 8 : 0;
		long n = ioctl(fd, SCAN, &scan);
		for (long i = 0; i < n; i++) {
			sum = sum * 31 + pages_from(many[i].start) * 7 + many[i].kinds;
			sum = sum * 31 + pages_from(many[i].end);
		}
		printf("%ld runs, sum %lu, last %ld-%ld\n", n, sum, pages_from(many[n - 1].start),
		       pages_from(many[n - 1].end));
		scan.vec_len = 300;
		R(ioctl(fd, SCAN, &scan));
		printf("end %ld\n", pages_from(scan.walk_end));
	}
}
