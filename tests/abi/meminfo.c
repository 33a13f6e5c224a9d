// What /proc/meminfo, /proc/vmstat and the flags of smaps tell, as differences made by what the test
// itself did, exact to the page but for what the system does beside it.

#include "abi.h"
#include <sys/mman.h>

#define PAGE  4096ul
#define PAGES 2048
#define RW    (PROT_READ | PROT_WRITE)

static char *const at = (char *)0x1000000000;
static char text[1 << 17];

static const char *contents(const char *path)
{
	int fd = open(path, O_RDONLY);
	size_t length = 0;
	ssize_t n;

	while (fd >= 0 && (n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += n;
	close(fd);
	text[length] = '\0';
	return text;
}

// The line that begins with this name, or NULL.
static const char *line_of(const char *all, const char *name)
{
	size_t length = strlen(name);

	for (; all && *all; all = strchr(all, '\n') ? strchr(all, '\n') + 1 : NULL) {
		if (strncmp(all, name, length) == 0 && strchr(": ", all[length]))
			return all;
	}
	return NULL;
}

// For each name whether it is there, behind the one before, and how its line is written.
static void show_order(const char *path, const char *const *names)
{
	const char *all = contents(path), *last = all;

	for (; *names; names++) {
		const char *line = line_of(all, *names);

		printf("%s %s:", *names,
		       !line         ? "missing"
		       : line < last ? "out of order"
				     : "there");
		// Numbers go; columns stay where there are any.
		for (const char *c = line; c && *c != '\n'; c++) {
			if (*c < '0' || *c > '9')
				putchar(*c);
			else if (strchr(all, ':'))
				putchar(' ');
		}
		putchar('\n');
		last = line ?: last;
	}
}

ABI_TEST(meminfo, lines)
{
	static const char *const names[] = {"MemTotal",
					    "MemFree",
					    "MemAvailable",
					    "Buffers",
					    "Cached",
					    "SwapCached",
					    "Active",
					    "Inactive",
					    "Active(anon)",
					    "Inactive(anon)",
					    "Active(file)",
					    "Inactive(file)",
					    "SwapTotal",
					    "SwapFree",
					    "Dirty",
					    "Writeback",
					    "AnonPages",
					    "Mapped",
					    "Shmem",
					    "KReclaimable",
					    "Slab",
					    "SReclaimable",
					    "SUnreclaim",
					    "KernelStack",
					    "PageTables",
					    "SecPageTables",
					    "NFS_Unstable",
					    "Bounce",
					    "WritebackTmp",
					    "CommitLimit",
					    "Committed_AS",
					    "AnonHugePages",
					    "ShmemHugePages",
					    "ShmemPmdMapped",
					    "FileHugePages",
					    "FilePmdMapped",
					    "HugePages_Total",
					    "HugePages_Free",
					    "HugePages_Rsvd",
					    "HugePages_Surp",
					    "Hugepagesize",
					    "Hugetlb",
					    NULL};

	show_order("/proc/meminfo", names);
}

ABI_TEST(meminfo, vmstat_lines)
{
	static const char *const names[] = {"nr_free_pages",
					    "nr_zone_active_anon",
					    "nr_active_anon",
					    "nr_slab_reclaimable",
					    "nr_slab_unreclaimable",
					    "nr_anon_pages",
					    "nr_mapped",
					    "nr_file_pages",
					    "nr_dirty",
					    "nr_writeback",
					    "nr_shmem",
					    "nr_shmem_hugepages",
					    "nr_anon_transparent_hugepages",
					    "nr_kernel_stack",
					    "nr_page_table_pages",
					    "pgpgin",
					    "pgpgout",
					    "pswpin",
					    "pswpout",
					    "oom_kill",
					    "thp_fault_alloc",
					    "thp_fault_fallback",
					    "thp_collapse_alloc",
					    "thp_split_pmd",
					    NULL};

	show_order("/proc/vmstat", names);
}

// --- Differences ---

static const char *const kinds[] = {"AnonPages", "Mapped", "Shmem", "Cached", "PageTables"};
static const char *const gauges[] = {"nr_anon_pages", "nr_mapped", "nr_shmem", "nr_file_pages",
				     "nr_page_table_pages"};
static long before[2][5];

static long value_of(const char *path, const char *name)
{
	const char *line = line_of(contents(path), name);

	return line ? atol(line + strlen(name) + 1) : -1;
}

// Linux counts in batches of a hart's: a difference within 64 pages is none.
static void show_change(const char *when, int pages)
{
	printf("%s:", when);
	for (int i = 0; i < 5; i++) {
		long change[2] = {value_of("/proc/meminfo", kinds[i]) / 4 - before[0][i],
				  value_of("/proc/vmstat", gauges[i]) - before[1][i]};

		for (int file = 0; file < 2; file++) {
			long near = labs(change[file] - pages) < 64 ? 1
				    : labs(change[file]) < 64       ? 0
								    : change[file];
			printf(" %s%s", file ? "" : kinds[i],
			       near == 1   ? " all"
			       : near == 0 ? " none"
					   : " wrong");
			if (near != 0 && near != 1)
				printf(" %ld of %d", near, pages);
		}
	}
	putchar('\n');
}

static void start(void)
{
	for (int i = 0; i < 5; i++) {
		before[0][i] = value_of("/proc/meminfo", kinds[i]) / 4;
		before[1][i] = value_of("/proc/vmstat", gauges[i]);
	}
}

static void touch(void)
{
	for (size_t i = 0; i < PAGES; i++)
		((volatile char *)at)[i * PAGE] = 1;
}

ABI_TEST(meminfo, anonymous)
{
	start();
	mmap(at, PAGES * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	madvise(at, PAGES * PAGE, MADV_NOHUGEPAGE);
	show_change("mapped", PAGES);
	touch();
	show_change("touched", PAGES);
	fflush(stdout);
	if (fork() == 0) {
		show_change("in a child", PAGES);
		touch();
		show_change("copied", 2 * PAGES);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	show_change("after the child", PAGES);
	madvise(at, PAGES * PAGE, MADV_DONTNEED);
	show_change("given back", PAGES);
}

// Zeroes that are only read are nobody's pages.
ABI_TEST(meminfo, zeroes)
{
	char *p = (char *)(((unsigned long)at | 0x1fffff) + 1);

	start();
	mmap(p, PAGES * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	for (size_t i = 0; i < PAGES; i++)
		(void)((volatile char *)p)[i * PAGE];
	show_change("read", PAGES);
	munmap(p, PAGES * PAGE);
}

ABI_TEST(meminfo, objects)
{
	int fd = memfd_create("object", 0);
	static char block[PAGE];

	start();
	for (size_t i = 0; i < PAGES; i++)
		write(fd, block, PAGE);
	show_change("written", PAGES);
	mmap(at, PAGES * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	touch();
	show_change("mapped", PAGES);
	mmap(at + PAGES * PAGE, PAGES * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd,
	     0);
	show_change("mapped twice", PAGES);
	munmap(at, 2 * PAGES * PAGE);
	show_change("unmapped", PAGES);
	mmap(at, PAGES * PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0);
	touch();
	show_change("copied", PAGES);
	munmap(at, PAGES * PAGE);
	ftruncate(fd, 0);
	show_change("cut", PAGES);
	close(fd);
}

ABI_TEST(meminfo, tables)
{
	size_t reach = 512 * PAGE;

	start();
	mmap(at, 512 * reach, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
	madvise(at, 512 * reach, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < 512; i++)
		at[i * reach] = 1;
	show_change("scattered", 512);
	munmap(at, 512 * reach);
	usleep(200000); // Linux frees them after a grace period
	show_change("unmapped", 512);
}
