// Init of a machine for the test of /proc/meminfo, buddyinfo and slabinfo: takes memory and objects
// whose number it knows, and compares with what the files say. A line "wrong" is a failure.

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAGES     4096
#define FILES     500
#define HARTS     2
// Page tables of what is touched, and what a hart keeps for itself.
#define SLACK     24
#define PER_HART  128
#define HUNDREDTH 10000000

static char text[32768];

static const char *contents(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n, length = 0;

	while ((n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += n;
	close(fd);
	text[length] = '\0';
	return text;
}

// In pages.
static long memory_free(void)
{
	const char *at = strstr(contents("/proc/meminfo"), "MemFree:");

	return at ? atol(at + 8) / 4 : -1;
}

static long buddy_free(void)
{
	const char *at = strstr(contents("/proc/buddyinfo"), "Normal");
	long sum = 0, count;
	int order = 0, used;

	for (at = at ? at + 6 : ""; sscanf(at, "%ld%n", &count, &used) == 1; at += used)
		sum += count << order++;
	return order == 11 ? sum : -1;
}

// Objects in use of a cache; also checks the rest of the line for sense.
static long active(const char *cache)
{
	long in_use = -1, all = 0, size = 0, per_slab = 0, pages = 0, slabs = 0;
	char start[64];

	snprintf(start, sizeof(start), "\n%s ", cache);
	const char *at = strstr(contents("/proc/slabinfo"), start);
	if (at)
		sscanf(at + strlen(start),
		       "%ld %ld %ld %ld %ld : tunables %*d %*d %*d : slabdata %*d %ld", &in_use,
		       &all, &size, &per_slab, &pages, &slabs);
	if (in_use > all || all != slabs * per_slab || size * per_slab > pages * 4096)
		printf("wrong: the line of %s\n", cache);
	return in_use;
}

static void between(const char *what, long value, long low, long high)
{
	printf("%s: %s is %ld, of %ld to %ld\n", value >= low && value <= high ? "right" : "wrong",
	       what, value, low, high);
}

static void check_pages(const char *when)
{
	long before = memory_free(), buddy_before = buddy_free();
	char *area = mmap(NULL, PAGES * 4096ul, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	printf("%s\n", when);
	madvise(area, PAGES * 4096ul, MADV_NOHUGEPAGE);
	for (long i = 0; i < PAGES; i++)
		area[i * 4096] = 1;
	long during = memory_free(), buddy_during = buddy_free();
	munmap(area, PAGES * 4096ul);
	long after = memory_free(), buddy_after = buddy_free();
	between("MemFree, what was touched", before - during, PAGES, PAGES + SLACK);
	between("MemFree, what came back", after - during, PAGES, PAGES + SLACK);
	between("what harts keep, before", before - buddy_before, 0, HARTS * PER_HART);
	between("what harts keep, during", during - buddy_during, 0, HARTS * PER_HART);
	between("what harts keep, after", after - buddy_after, 0, HARTS * PER_HART);
}

// Waits for the grace periods after which objects are free.
static long settled(const char *cache, long wanted)
{
	for (int i = 0; i < 200 && active(cache) > wanted; i++)
		nanosleep(&(struct timespec){0, HUNDREDTH}, NULL);
	return active(cache);
}

static void check_objects(void)
{
	static int fd[FILES];
	char name[32];
	long files = active("file"), dentries = active("dentry");

	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "/tmp/f%d", i);
		fd[i] = open(name, O_CREAT | O_RDWR, 0600);
	}
	between("files that were opened", active("file") - files, FILES, FILES);
	between("names that were made", active("dentry") - dentries, FILES, FILES);
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "/tmp/f%d", i);
		close(fd[i]);
		unlink(name);
	}
	between("files that are left", settled("file", files) - files, 0, 0);
	between("names that are left", settled("dentry", dentries) - dentries, 0, 0);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	mkdir("/proc", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mkdir("/tmp", 0777);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
	memory_free(), buddy_free(), active("file"); // their names and pages are there from now on
	check_pages("first");
	check_pages("again");
	check_objects();
	printf("boot-test: init runs as memory_files\n");
	reboot(RB_POWER_OFF);
}
