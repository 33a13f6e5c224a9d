// Faults while page tables are shared with a child of fork, and what changes of rights cost in
// flushes of the translation caches.

#include "fault.h"

#define PAGE   4096ul
#define TABLE  (512 * PAGE) // what a leaf table maps
#define TABLES 12ul         // so many that fork shares the table above as well
#define AREA   ((char *)0x3800000000ul)
#define AWAY   ((char *)0x3a00000000ul)
#define DENSE  100ul // pages in the first table: more than fork copies

static pid_t child;

// --- A child that has everything in common with its parent, until tidy ends it ---

static void start_child(void)
{
	int ends[2];
	char byte = 0;

	if (pipe(ends))
		fault_wrong("pipe: %s", strerror(errno));
	child = fork();
	if (child == 0) {
		write(ends[1], &byte, 1);
		for (;;)
			pause();
	}
	if (child < 0 || read(ends[0], &byte, 1) != 1)
		fault_wrong("no child: %s", strerror(errno));
	close(ends[0]);
	close(ends[1]);
}

static void end_child(void)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void fill_area(void)
{
	for (size_t page = 0; page < DENSE; page++)
		AREA[page * PAGE] = 1;
	for (size_t table = 1; table < TABLES; table++)
		AREA[table * TABLE] = 1;
}

// The area as it was at first, shared with a new child.
static void share_again(void *unused)
{
	(void)unused;
	end_child();
	munmap(AREA, TABLES * TABLE);
	mmap(AREA, TABLES * TABLE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	     -1, 0);
	fill_area();
	start_child();
}

static void replay_shared(const char *what, long (*call)(void *))
{
	struct fault_call replayed = {
		.call = call, .tidy = share_again, .errors = FAULT_ERRORS(ENOMEM)};

	mmap(AREA, TABLES * TABLE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	     -1, 0);
	fill_area();
	start_child();
	fault_replay(what, &replayed, NULL);
	end_child();
}

static long protect_shared(void *unused)
{
	(void)unused;
	return mprotect(AREA + 16 * PAGE, 2 * TABLE, PROT_READ);
}

static long unmap_shared(void *unused)
{
	(void)unused;
	return munmap(AREA + 16 * PAGE, 16 * PAGE);
}

static long forget_shared(void *unused)
{
	(void)unused;
	return madvise(AREA + 16 * PAGE, TABLE, MADV_DONTNEED);
}

static long move_shared(void *unused)
{
	(void)unused;
	if (mremap(AREA + 16 * PAGE, TABLE, TABLE, MREMAP_MAYMOVE | MREMAP_FIXED, AWAY) ==
	    MAP_FAILED)
		return -1;
	munmap(AWAY, TABLE);
	return 0;
}

FAULT_TEST(tables, shared_mprotect)
{
	replay_shared("mprotect of shared tables", protect_shared);
}

FAULT_TEST(tables, shared_munmap)
{
	replay_shared("munmap of shared tables", unmap_shared);
}

FAULT_TEST(tables, shared_dontneed)
{
	replay_shared("DONTNEED of shared tables", forget_shared);
}

FAULT_TEST(tables, shared_mremap)
{
	replay_shared("mremap of shared tables", move_shared);
}

// A page fault that finds no memory is tried again.
static long read_shared(void *unused)
{
	(void)unused;
	return ((volatile char *)AREA)[20 * PAGE] == 1 ? 0 : -1;
}

static long write_shared(void *unused)
{
	(void)unused;
	((volatile char *)AREA)[20 * PAGE] = 2;
	((volatile char *)AREA)[2 * TABLE] = 2;
	return ((volatile char *)AREA)[21 * PAGE] == 1 ? 0 : -1;
}

FAULT_TEST(tables, shared_faults)
{
	replay_shared("read through shared tables", read_shared);
	replay_shared("write through shared tables", write_shared);
}

static long fork_call(void *unused)
{
	(void)unused;
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	return pid;
}

static void fork_undo(void *unused, long pid)
{
	(void)unused;
	waitpid(pid, NULL, 0);
}

FAULT_TEST(tables, fork)
{
	struct fault_call call = {
		.call = fork_call, .undo = fork_undo, .errors = FAULT_ERRORS(ENOMEM, EAGAIN)};

	mmap(AREA, TABLES * TABLE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	     -1, 0);
	fill_area();
	fault_replay("fork with many tables", &call, NULL);
}

// --- Flushes, as /proc/vmstat counts them ---

static long flushes(void)
{
	static char text[4096];
	static const char *const names[] = {"nr_tlb_remote_flush ", "nr_tlb_local_flush "};
	long sum = 0;
	int file = open("/proc/vmstat", O_RDONLY);
	ssize_t got = read(file, text, sizeof(text) - 1);

	close(file);
	text[got > 0 ? got : 0] = '\0';
	for (int i = 0; i < 2; i++) {
		char *at = strstr(text, names[i]);

		if (!at)
			fault_wrong("no %sin /proc/vmstat", names[i]);
		else
			sum += atol(at + strlen(names[i]));
	}
	return sum;
}

static void flushes_are(const char *what, long before, long expected)
{
	long now = flushes();

	if (now - before != expected)
		fault_wrong("%s flushed %ld times, not %ld", what, now - before, expected);
}

FAULT_TEST(tables, flushes)
{
	size_t size = 200 * PAGE;
	char *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	flushes(); // its buffer has a page
	long before = flushes();
	memset(area, 1, size);
	flushes_are("a first touch of 200 pages", before, 0);
	before = flushes();
	mprotect(area, size, PROT_READ);
	flushes_are("mprotect of 200 pages to read-only", before, 1);
	before = flushes();
	mprotect(area, size, PROT_READ | PROT_WRITE);
	memset(area, 2, size);
	flushes_are("mprotect of 200 pages to writable", before, 0);
	before = flushes();
	mprotect(area, size, PROT_NONE);
	flushes_are("mprotect of 200 pages to no access", before, 1);
	before = flushes();
	mprotect(area, size, PROT_READ | PROT_WRITE);
	memset(area, 3, size);
	flushes_are("mprotect of 200 pages from no access", before, 0);
	munmap(area, size);
}
