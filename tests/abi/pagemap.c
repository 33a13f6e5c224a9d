// /proc/PID/pagemap and clear_refs: what is mapped, page by page, and what was touched since.

#include "abi.h"
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define PAGE 4096ul
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static char *const at = (char *)0x1000000000;

static char *map(size_t pages)
{
	char *p = mmap(at, pages * PAGE, RW, ANON | MAP_FIXED, -1, 0);

	madvise(p, pages * PAGE, MADV_NOHUGEPAGE);
	return p;
}

static void show_entry(const char *what, uint64_t entry)
{
	printf("%s:%s%s%s%s%s%s%s\n", what, entry >> 63 & 1 ? " present" : "",
	       entry >> 62 & 1 ? " swapped" : "", entry >> 61 & 1 ? " file" : "",
	       entry >> 58 & 1 ? " guard" : "", entry >> 56 & 1 ? " exclusive" : "",
	       entry >> 55 & 1 ? " soft-dirty" : "", entry & ((1ul << 55) - 1) ? " frame" : "");
}

static uint64_t entry_of(const char *path, void *address)
{
	int fd = open(path, O_RDONLY);
	uint64_t entry = 0;

	if (pread(fd, &entry, 8, (uintptr_t)address / PAGE * 8) != 8)
		printf("pread: %s\n", strerrorname_np(errno));
	close(fd);
	return entry;
}

static void show(const char *what, void *address)
{
	show_entry(what, entry_of("/proc/self/pagemap", address));
}

ABI_TEST(pagemap, kinds_of_pages)
{
	int fd = memfd_create("x", 0);

	ftruncate(fd, 8 * PAGE);
	map(8);
	at[0] = 1;
	(void)*(volatile char *)(at + PAGE);
	at[2 * PAGE] = at[4 * PAGE] = at[5 * PAGE] = 1;
	mprotect(at + 2 * PAGE, PAGE, PROT_NONE);
	madvise(at + 4 * PAGE, PAGE, 102);
	madvise(at + 5 * PAGE, PAGE, MADV_DONTNEED);
	mprotect(at + 6 * PAGE, PAGE, PROT_NONE);
	show("written", at);
	show("read", at + PAGE);
	show("PROT_NONE", at + 2 * PAGE);
	show("untouched", at + 3 * PAGE);
	show("guard", at + 4 * PAGE);
	show("forgotten", at + 5 * PAGE);
	show("PROT_NONE, untouched", at + 6 * PAGE);
	show("not mapped", at + 100 * PAGE);
	char *p = mmap(at + 10 * PAGE, 8 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	p[0] = 1;
	(void)*(volatile char *)(p + PAGE);
	show("shared, written", p);
	show("shared, read", p + PAGE);
	show("shared, untouched", p + 2 * PAGE);
	p = mmap(at + 20 * PAGE, 8 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0);
	(void)*(volatile char *)p;
	p[PAGE] = 2;
	show("private of a file, read", p);
	show("the same page elsewhere", at + 10 * PAGE);
	show("private of a file, written", p + PAGE);
	show("private of a file, untouched", p + 5 * PAGE);
	p = mmap(at + 30 * PAGE, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	p[0] = 1;
	show("shared anonymous", p);
	p = mremap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at + 40 * PAGE);
	show("moved", p);
	show("left", at);
}

// Both sides of a fork see the same frame until one writes.
ABI_TEST(pagemap, after_fork)
{
	int to_child[2], to_parent[2];
	char path[64], byte;

	map(2000);
	for (int i = 0; i < 1000; i++)
		at[i * PAGE] = 1;
	pipe(to_child);
	pipe(to_parent);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		read(to_child[0], &byte, 1);
		show("child, shared", at);
		show("child, shared, far", at + 999 * PAGE);
		at[PAGE] = 2;
		(void)*(volatile char *)(at + 1000 * PAGE);
		fflush(stdout);
		write(to_parent[1], "", 1);
		read(to_child[0], &byte, 1);
		_exit(0);
	}
	sprintf(path, "/proc/%d/pagemap", pid);
	uint64_t mine = entry_of("/proc/self/pagemap", at), its = entry_of(path, at);
	show_entry("parent", mine);
	show_entry("child", its);
	printf("same frame %d\n", mine << 9 == its << 9);
	write(to_child[1], "", 1);
	read(to_parent[0], &byte, 1);
	mine = entry_of("/proc/self/pagemap", at + PAGE);
	its = entry_of(path, at + PAGE);
	show_entry("parent, child wrote", mine);
	show_entry("child, which wrote", its);
	printf("same frame %d\n", mine << 9 == its << 9);
	mine = entry_of("/proc/self/pagemap", at + 2 * PAGE);
	its = entry_of(path, at + 2 * PAGE);
	printf("same frame of the next %d\n", mine << 9 == its << 9);
	show_entry("child, which read", entry_of(path, at + 1000 * PAGE));
	write(to_child[1], "", 1);
	abi_reap(pid);
	show("parent, alone", at);
}

ABI_TEST(pagemap, reading)
{
	static uint64_t buffer[4096];
	int fd = open("/proc/self/pagemap", O_RDONLY);

	map(600);
	at[0] = at[511 * PAGE] = at[512 * PAGE] = 1;
	R(pread(fd, buffer, 7, 0));
	R(pread(fd, buffer, 9, 0));
	R(pread(fd, buffer, 8, 4));
	R(pread(fd, buffer, 0, 0));
	R(pread(fd, buffer, 0, 4));
	R(pread(fd, buffer, 8, 1ul << 60));
	R(pread(fd, buffer, 8, 1ul << 40));
	R(pread(fd, BAD, 8, (uintptr_t)at / PAGE * 8));
	R(pread(fd, buffer, sizeof(buffer), (uintptr_t)at / PAGE * 8));
	for (int i = 0; i < 4096; i++) {
		if (buffer[i] >> 63)
			printf("present: %d\n", i);
	}
	R(lseek(fd, 8, SEEK_SET));
	R(lseek(fd, 8, SEEK_CUR));
	R(lseek(fd, 0, SEEK_END));
	R(lseek(fd, 0, 3));
	R(lseek(fd, 5, SEEK_SET));
	R(read(fd, buffer, 8));
	R(lseek(fd, 80, SEEK_SET));
	R(read(fd, buffer, 16));
	R(lseek(fd, 0, SEEK_CUR));
	R(write(fd, buffer, 8));
	R(open("/proc/self/pagemap", O_WRONLY) >= 0);
	R(open("/proc/self/pagemap", O_RDWR) >= 0);
	R(ioctl(fd, 0x1234, 0));
	struct stat status;
	stat("/proc/self/pagemap", &status);
	printf("mode %o\n", status.st_mode);
	stat("/proc/self/clear_refs", &status);
	printf("mode %o\n", status.st_mode);
	R(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
}

// Who may look, and who sees frames.
ABI_TEST(pagemap, rights)
{
	char path[64];
	uint64_t entry;
	int ends[2];

	map(2);
	at[0] = 1;
	pipe(ends);
	pid_t victim = fork();
	if (victim == 0) {
		char byte;
		close(ends[1]);
		read(ends[0], &byte, 1);
		_exit(0);
	}
	close(ends[0]);
	sprintf(path, "/proc/%d/pagemap", victim);
	int old = open(path, O_RDONLY), mine = open("/proc/self/pagemap", O_RDONLY);
	R(pread(old, &entry, 8, (uintptr_t)at / PAGE * 8));
	show_entry("root", entry);
	setresuid(1000, 1000, 1000);
	R(pread(old, &entry, 8, (uintptr_t)at / PAGE * 8));
	show_entry("opened by root", entry);
	R(pread(mine, &entry, 8, (uintptr_t)at / PAGE * 8));
	show_entry("own, opened by root", entry);
	R(open(path, O_RDONLY));
	R(open("/proc/1/pagemap", O_RDONLY));
	R(open("/proc/1/clear_refs", O_WRONLY));
	R(open("/proc/self/pagemap", O_RDONLY));
	prctl(PR_SET_DUMPABLE, 1);
	R(open("/proc/self/pagemap", O_RDONLY) >= 0);
	show("own, not privileged", at);
	show("own, not there", at + PAGE);
	close(ends[1]);
	abi_reap(victim);
	R(pread(old, &entry, 8, (uintptr_t)at / PAGE * 8));
	R(open(path, O_RDONLY));
}

// --- clear_refs ---

static long field(const char *path, const char *area, const char *name)
{
	static char text[1 << 18];
	int fd = open(path, O_RDONLY);
	size_t length = 0;
	ssize_t n;

	while (fd >= 0 && (n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += n;
	close(fd);
	text[length] = '\0';
	char *line = area ? strstr(text, area) : text;
	line = line ? strstr(line, name) : NULL;
	return line ? atol(line + strlen(name)) : -1;
}

static void clear(const char *text)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY);

	printf("clear_refs <- %s\n", text);
	R(write(fd, text, strlen(text)));
	close(fd);
	munmap(mmap(NULL, PAGE, RW, ANON | MAP_POPULATE, -1, 0), PAGE); // forgets translations
}

ABI_TEST(pagemap, clear_refs_arguments)
{
	static const char *const texts[] = {"0",  "1",   "2",  "3",   "5",
					    "6",  "-1",  "x",  "",    "1\n",
					    " 1", "1 x", "01", "0x1", "1000000000000"};
	char byte;

	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		clear(texts[i]);
	int fd = open("/proc/self/clear_refs", O_WRONLY);
	R(write(fd, BAD, 1));
	R(read(fd, &byte, 1));
	R(pwrite(fd, "1", 1, 5));
	R(open("/proc/self/clear_refs", O_RDWR) >= 0);
}

static long referenced(void)
{
	return field("/proc/self/smaps", "1000000000-", "Referenced:");
}

ABI_TEST(pagemap, clear_refs_referenced)
{
	map(64);
	for (int i = 0; i < 40; i++)
		at[i * PAGE] = 1;
	printf("all %ld\n", referenced());
	clear("1");
	printf("none %ld\n", referenced());
	for (int i = 0; i < 10; i++)
		at[i * PAGE] = 2;
	(void)*(volatile char *)(at + 20 * PAGE);
	printf("some %ld\n", referenced());
	clear("3");
	printf("some %ld\n", referenced());
	clear("2");
	printf("none %ld\n", referenced());
	write(open("/dev/null", O_WRONLY), at + 5 * PAGE, 10);
	read(open("/dev/zero", O_RDONLY), at + 7 * PAGE, 10);
	printf("by the kernel %d\n", referenced() > 0);
	for (int i = 0; i < 40; i++) {
		if (at[i * PAGE] != (i == 7 ? 0 : i < 10 ? 2 : 1))
			printf("page %d is wrong\n", i);
	}
	printf("all %ld\n", referenced());
	int fd = memfd_create("x", 0);
	ftruncate(fd, 64 * PAGE);
	mmap(at, 64 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	for (int i = 0; i < 10; i++)
		at[i * PAGE] = 1;
	clear("2");
	printf("all %ld\n", referenced());
	clear("3");
	printf("none %ld\n", referenced());
}

// Pages that a parent has in common with its child are touched by each for itself.
ABI_TEST(pagemap, clear_refs_and_fork)
{
	int ends[2], back[2];
	char byte;

	map(1024);
	for (int i = 0; i < 1000; i++)
		at[i * PAGE] = 1;
	pipe(ends);
	pipe(back);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		read(ends[0], &byte, 1);
		for (int i = 0; i < 100; i++)
			(void)*(volatile char *)(at + i * PAGE);
		write(back[1], "", 1);
		read(ends[0], &byte, 1);
		clear("1");
		printf("child %ld\n", referenced());
		at[3 * PAGE] = 5;
		printf("child %ld\n", referenced());
		fflush(stdout);
		_exit(at[4 * PAGE]);
	}
	clear("1");
	printf("parent %ld\n", referenced());
	write(ends[1], "", 1);
	read(back[0], &byte, 1);
	printf("parent %ld\n", referenced());
	at[999 * PAGE] = 3;
	printf("parent %ld\n", referenced());
	write(ends[1], "", 1);
	abi_reap(pid);
	printf("parent %ld\n", referenced());
	printf("%d %d\n", at[3 * PAGE], at[999 * PAGE]);
}

ABI_TEST(pagemap, clear_refs_peak)
{
	map(4096);
	for (int i = 0; i < 4096; i++)
		at[i * PAGE] = 1;
	munmap(at, 4000 * PAGE);
	long peak = field("/proc/self/status", NULL, "VmHWM:");
	long now = field("/proc/self/status", NULL, "VmRSS:");
	printf("peak above by 15 MiB %d\n", peak >= now + 15000);
	clear("5");
	peak = field("/proc/self/status", NULL, "VmHWM:");
	now = field("/proc/self/status", NULL, "VmRSS:");
	printf("peak above by 1 MiB %d\n", peak >= now + 1000);
	for (int i = 4000; i < 4096; i++)
		at[i * PAGE] = 1;
	clear("1");
	printf("peak as it was %d\n", peak == field("/proc/self/status", NULL, "VmHWM:"));
}

ABI_TEST(pagemap, soft_dirty)
{
	map(4);
	at[0] = at[PAGE] = 1;
	show("before", at);
	clear("4");
	show("cleared", at);
	at[0] = 2;
	show("written", at);
	show("not written", at + PAGE);
}
