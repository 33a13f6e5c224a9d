// What a process has in memory, told in five places: status, statm, smaps, smaps_rollup and getrusage
// must agree to the page, by kind, before and after forks and whatever the two sides do then.

#include "abi.h"
#include <sys/mman.h>
#include <sys/resource.h>

#define PAGE 4096ul
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static char *const at = (char *)0x1000000000;
static char text[1 << 19];

static void contents(const char *path)
{
	int fd = open(path, O_RDONLY);
	size_t length = 0;
	ssize_t n;

	while ((n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += n;
	close(fd);
	text[length] = '\0';
}

// The sum of all lines that begin with a name, in kB.
static long sum(const char *name)
{
	long total = 0;
	char *line = text;

	while (line && *line) {
		if (strncmp(line, name, strlen(name)) == 0)
			total += atol(line + strlen(name));
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return total;
}

static int quiet;

static void same(const char *what, const char *which, long a, long b)
{
	if (a != b && !quiet)
		printf("%s: %s: %ld and %ld\n", what, which, a, b);
}

static void look(const char *what)
{
	long rss, anon, file, shmem, resident, shared, size, lines, anonymous, pss;

	contents("/proc/self/smaps"); // takes what reading takes
	contents("/proc/self/status");
	rss = sum("VmRSS:");
	anon = sum("RssAnon:");
	file = sum("RssFile:");
	shmem = sum("RssShmem:");
	lines = sum("VmSize:");
	same(what, "kinds", rss, anon + file + shmem);
	same(what, "peak", 1, sum("VmHWM:") >= rss);
	contents("/proc/self/statm");
	sscanf(text, "%ld %ld %ld", &size, &resident, &shared);
	same(what, "statm size", lines, size * 4);
	same(what, "statm resident", rss, resident * 4);
	same(what, "statm shared", file + shmem, shared * 4);
	contents("/proc/self/smaps");
	same(what, "smaps", rss, sum("Rss:"));
	same(what, "smaps anonymous", anon, sum("Anonymous:"));
	same(what, "smaps size", lines, sum("Size:"));
	same(what, "smaps parts", sum("Rss:"),
	     sum("Shared_Clean:") + sum("Shared_Dirty:") + sum("Private_Clean:") +
		     sum("Private_Dirty:"));
	anonymous = sum("Anonymous:");
	pss = sum("Pss:");
	contents("/proc/self/smaps_rollup");
	same(what, "rollup", rss, sum("Rss:"));
	same(what, "rollup anonymous", anonymous, sum("Anonymous:"));
	same(what, "proportional share", 1, labs(sum("Pss:") - pss) < 200 && sum("Pss:") <= rss);
	same(what, "rollup kinds", 1,
	     labs(sum("Pss:") - sum("Pss_Anon:") - sum("Pss_File:") - sum("Pss_Shmem:")) <= 3);
}

static void agree(const char *what)
{
	quiet = 1;
	look(what); // a process has not touched yet what looking takes
	quiet = 0;
	look(what);
	printf("%s: checked\n", what);
}

static void touch(size_t first, size_t pages)
{
	for (size_t i = first; i < first + pages; i++)
		at[i * PAGE] = 1;
}

static void map_all(void)
{
	int fd = memfd_create("x", 0);

	ftruncate(fd, 2000 * PAGE);
	mmap(at, 3000 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	madvise(at, 3000 * PAGE, MADV_NOHUGEPAGE);
	touch(0, 2000);
	mmap(at + 4000 * PAGE, 2000 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	touch(4000, 1500);
	mmap(at + 7000 * PAGE, 2000 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0);
	touch(7000, 100);
	for (int i = 100; i < 300; i++)
		(void)*(volatile char *)(at + (7000 + i) * PAGE);
	for (int i = 2000; i < 2100; i++) // the page of zeroes does not count
		(void)*(volatile char *)(at + i * PAGE);
}

ABI_TEST(rss, alone)
{
	agree("at first");
	map_all();
	agree("touched");
	munmap(at + 500 * PAGE, 600 * PAGE);
	munmap(at + 4100 * PAGE, 20 * PAGE);
	agree("unmapped");
	madvise(at + 1200 * PAGE, 100 * PAGE, MADV_DONTNEED);
	madvise(at + 1300 * PAGE, 100 * PAGE, MADV_FREE);
	madvise(at + 7050 * PAGE, 100 * PAGE, MADV_DONTNEED);
	agree("advised");
	mremap(at + 1500 * PAGE, 300 * PAGE, 300 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	       at + 20000 * PAGE);
	mprotect(at, 100 * PAGE, PROT_NONE);
	agree("moved");
}

static void change(void)
{
	touch(100, 700);
	touch(2500, 100);
	agree("child: written");
	munmap(at + 1000 * PAGE, 300 * PAGE);
	madvise(at + 1400 * PAGE, 100 * PAGE, MADV_DONTNEED);
	agree("child: given back");
	mremap(at + 1500 * PAGE, 300 * PAGE, 300 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	       at + 20000 * PAGE);
	touch(4200, 1800);
	touch(7100, 100);
	mprotect(at + 7000 * PAGE, 100 * PAGE, PROT_READ);
	agree("child: moved");
}

static void in_child(int depth)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		printf("depth %d\n", depth);
		agree("child: as it was");
		if (depth < 2)
			in_child(depth + 1);
		change();
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
}

ABI_TEST(rss, forks)
{
	map_all();
	agree("parent: before");
	in_child(0);
	agree("parent: after");
	change();
	in_child(1);
	agree("parent: at last");
}

// The other side goes on while this one reads.
ABI_TEST(rss, both_sides)
{
	int ends[2], back[2];
	char byte;

	map_all();
	pipe(ends);
	pipe(back);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 4; i++) {
			read(ends[0], &byte, 1);
			touch(400 * i, 300);
			munmap(at + (4000 + 200 * i) * PAGE, 100 * PAGE);
			write(back[1], "", 1);
		}
		read(ends[0], &byte, 1); // the parent has read
		agree("child: at last");
		fflush(stdout);
		_exit(0);
	}
	for (int i = 0; i < 4; i++) {
		touch(300 * i, 50);
		write(ends[1], "", 1);
		read(back[0], &byte, 1);
		agree("parent");
	}
	fflush(stdout);
	write(ends[1], "", 1);
	abi_reap(pid);
	agree("parent: at last");
}

ABI_TEST(rss, peak)
{
	map_all();
	munmap(at, 1900 * PAGE);
	munmap(at + 4000 * PAGE, 1400 * PAGE);
	contents("/proc/self/status");
	printf("parent has had more %d\n", sum("VmHWM:") - sum("VmRSS:") >= 3200 * 4);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		contents("/proc/self/status");
		printf("child has not %d\n", sum("VmHWM:") - sum("VmRSS:") <= 256);
		long before = sum("VmHWM:");
		munmap(at + 7000 * PAGE, 2000 * PAGE);
		contents("/proc/self/status");
		printf("and keeps its own %d\n",
		       sum("VmHWM:") >= before && sum("VmHWM:") - sum("VmRSS:") >= 250 * 4);
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	contents("/proc/self/status");
	printf("getrusage agrees %d\n", usage.ru_maxrss == sum("VmHWM:"));
}
