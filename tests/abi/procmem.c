// What /proc tells about memory, exact to the page; promised memory; who is killed when it runs out.

#include "abi.h"
#include <sys/mman.h>
#include <sys/resource.h>

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

// A number of a file that stands behind a name, or -1.
static long field(const char *path, const char *name)
{
	static char text[65536];
	int fd = open(path, O_RDONLY);
	size_t length = 0;
	ssize_t n;

	while (fd >= 0 && (n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += n;
	close(fd);
	text[length] = '\0';
	for (char *line = text; line && *line;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : 0) {
		if (strncmp(line, name, strlen(name)) == 0)
			return atol(line + strlen(name));
	}
	return -1;
}

static long status(const char *name)
{
	return field("/proc/self/status", name);
}

static void touch(size_t first, size_t pages)
{
	for (size_t i = first; i < first + pages; i++)
		at[i * PAGE] = 1;
}

// The first pass is there so that the program's own pages, which count too, are there.
ABI_TEST(procmem, status_counts)
{
	static const char *const names[] = {
		"VmSize:", "RssAnon:", "RssShmem:", "VmData:", "VmLck:"};
	long before[5], counts[2][5];

	for (int pass = 0; pass < 2; pass++) {
		munmap(at, 220 * PAGE);
		for (int i = 0; i < 5; i++)
			before[i] = status(names[i]);
		map(100);
		touch(0, 40);
		mmap(at + 200 * PAGE, 20 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		touch(200, 10);
		mlock(at, 5 * PAGE);
		for (int i = 0; i < 5; i++)
			counts[0][i] = status(names[i]) - before[i];
		munmap(at + 10 * PAGE, 10 * PAGE);
		mprotect(at, 5 * PAGE, PROT_READ);
		for (int i = 0; i < 5; i++)
			counts[1][i] = status(names[i]) - before[i];
	}
	for (int half = 0; half < 2; half++) {
		for (int i = 0; i < 5; i++)
			printf("%s %ld\n", names[i], counts[half][i]);
	}
}

// The child has all that its parent has, exactly, and changes it for itself.
ABI_TEST(procmem, counts_after_fork)
{
	map(3000);
	touch(0, 2000);
	long before = status("RssAnon:");
	fflush(stdout);
	if (fork() == 0) {
		long mine = status("RssAnon:");
		printf("child has %s\n", mine >= 8000 ? "all" : "less");
		printf("locked %ld\n", status("VmLck:"));
		munmap(at, 1000 * PAGE);
		printf("munmap %ld\n", status("RssAnon:") - mine);
		mine = status("RssAnon:");
		touch(1000, 100);
		printf("write %ld\n", status("RssAnon:") - mine);
		touch(2000, 100);
		printf("first touch %ld\n", status("RssAnon:") - mine);
		madvise(at + 1000 * PAGE, 50 * PAGE, MADV_DONTNEED);
		printf("dontneed %ld\n", status("RssAnon:") - mine);
		mremap(at + 1500 * PAGE, 100 * PAGE, 100 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       at + 9000 * PAGE);
		printf("mremap %ld\n", status("RssAnon:") - mine);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	printf("parent %s\n", labs(status("RssAnon:") - before) <= 16 ? "as before" : "changed");
}

ABI_TEST(procmem, smaps_of_an_area)
{
	static const char *const names[] = {
		"Size:", "Rss:", "Pss:", "Private_Dirty:", "Anonymous:", "Swap:"};
	static char text[1 << 18];

	map(64);
	touch(8, 20);
	int fd = open("/proc/self/smaps", O_RDONLY);
	size_t length = 0;
	ssize_t n;
	while ((n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += n;
	char *area = strstr(text, "1000000000-1000040000 rw-p 00000000 00:00 0");
	printf("%s\n", area ? "found" : "not found");
	for (int i = 0; area && i < 6; i++) {
		char *line = strstr(area, names[i]);
		printf("%s %ld\n", names[i], line ? atol(line + strlen(names[i])) : -1);
	}
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	printf("%s <- %s\n", path, text);
	R(write(fd, text, strlen(text)));
	close(fd);
}

ABI_TEST(procmem, oom_score_adj)
{
	write_file("/proc/self/oom_score_adj", "500");
	printf("%ld\n", field("/proc/self/oom_score_adj", ""));
	write_file("/proc/self/oom_score_adj", "1001");
	write_file("/proc/self/oom_score_adj", "-1001");
	write_file("/proc/self/oom_score_adj", "x");
	write_file("/proc/self/oom_score_adj", " -20\n");
	printf("%ld\n", field("/proc/self/oom_score_adj", ""));
	fflush(stdout);
	if (fork() == 0) {
		printf("child %ld\n", field("/proc/self/oom_score_adj", ""));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	write_file("/proc/self/oom_score_adj", "-1000");
	printf("%ld\n", field("/proc/self/oom_score", ""));
}

ABI_TEST(procmem, killed_when_memory_runs_out)
{
	long before = field("/proc/vmstat", "oom_kill ");

	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		write_file("/proc/self/oom_score_adj", "1000");
		fflush(stdout);
		size_t size = 4ul << 30;
		mmap(at, size, RW, ANON | MAP_FIXED | MAP_NORESERVE, -1, 0);
		touch(0, size / PAGE);
		_exit(1);
	}
	abi_reap(pid);
	printf("%ld killed\n", field("/proc/vmstat", "oom_kill ") - before);
}

ABI_TEST(procmem, overcommit_never)
{
	write_file("/proc/sys/vm/overcommit_ratio", "80");
	write_file("/proc/sys/vm/overcommit_memory", "2");
	long limit = field("/proc/meminfo", "CommitLimit:"),
	     used = field("/proc/meminfo", "Committed_AS:");
	size_t half = (limit - used) / 2 << 10, most = half + half / 2;

	half -= half % PAGE, most -= most % PAGE;
	printf("%s\n", limit > 300000 ? "limit" : "no limit");
	R(mmap(at, 2 * half + (64 << 20), RW, ANON | MAP_FIXED, -1, 0) == at);
	R(mmap(at, 2 * half + (64 << 20), RW, ANON | MAP_FIXED | MAP_NORESERVE, -1, 0) == at);
	R(mmap(at, 2 * half + (64 << 20), PROT_READ, ANON | MAP_FIXED, -1, 0) == at);
	R(mprotect(at, 2 * half + (64 << 20), RW));
	R(munmap(at, 2 * half + (64 << 20)));
	R(mmap(at, most, RW, ANON | MAP_FIXED, -1, 0) == at);
	errno = 0;
	R(fork());
	R(mmap(at + most, half, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at + most);
	R(mremap(at, most, most + half, MREMAP_MAYMOVE) == at);
	R(munmap(at, most));
	R(mmap(at, half, RW, ANON | MAP_FIXED, -1, 0) == at);
	write_file("/proc/sys/vm/overcommit_memory", "0");
	R(munmap(at, half));
	R(mmap(at, 1ul << 36, RW, ANON | MAP_FIXED, -1, 0) == at);
	write_file("/proc/sys/vm/overcommit_memory", "1");
	R(mmap(at, 1ul << 36, RW, ANON | MAP_FIXED, -1, 0) == at);
	write_file("/proc/sys/vm/overcommit_memory", "0");
	write_file("/proc/sys/vm/overcommit_memory", "3");
}
