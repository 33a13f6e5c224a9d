// Faults in what makes, splits and copies pages of 2 MiB.

#include "fault.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define PAGE 4096ul
#define HUGE (512 * PAGE)
#define AREA ((char *)0x3c00000000ul)
#define AWAY ((char *)0x3d00000000ul)
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define PART (AREA + 16 * PAGE)
#define SOME (16 * PAGE)

static char value_at(size_t at)
{
	return (char)(1 + at / PAGE % 113);
}

static void fill(char *p, size_t step)
{
	for (size_t at = 0; at < HUGE; at += step)
		p[at] = value_at(at);
}

// What lies outside the part, which calls may change, must never be touched by a failure.
static void check_rest(const char *what)
{
	for (size_t at = 0; at < HUGE; at += PAGE) {
		if ((AREA + at < PART || AREA + at >= PART + SOME) && AREA[at] != value_at(at)) {
			fault_wrong("%s: page %zu is %d", what, at / PAGE, AREA[at]);
			return;
		}
	}
}

static void make_empty(void *unused)
{
	(void)unused;
	munmap(AREA, HUGE);
	mmap(AREA, HUGE, RW, ANON, -1, 0);
	// A leaf table that had several areas is still there, empty; this takes it away.
	madvise(AREA, HUGE, MADV_DONTNEED);
	madvise(AREA, HUGE, MADV_HUGEPAGE);
}

static void make_block(void *unused)
{
	make_empty(unused);
	fill(AREA, PAGE);
}

// How much of the area is mapped by a page of 2 MiB.
static unsigned long huge_kilobytes(void)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long from, to, kilobytes, in = 0, sum = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2 &&
		    strchr(line, '-') < strchr(line, ' '))
			in = from >= (unsigned long)AREA && to <= (unsigned long)AREA + HUGE;
		else if (in && sscanf(line, "AnonHugePages: %lu", &kilobytes) == 1)
			sum += kilobytes;
	}
	if (file)
		fclose(file);
	return sum;
}

// Otherwise these tests would test something else.
static void require_block(void)
{
	if (huge_kilobytes() != HUGE / 1024)
		fault_wrong("the area is not a page of 2 MiB");
}

// --- The first touch: small pages will do, so that no failure is seen ---

static long touch_call(void *unused)
{
	(void)unused;
	fill(AREA, PAGE);
	return 0;
}

static long read_call(void *unused)
{
	long sum = 0;

	(void)unused;
	for (size_t at = 0; at < HUGE; at += 64 * PAGE)
		sum += ((volatile char *)AREA)[at];
	AREA[3 * PAGE] = value_at(3 * PAGE);
	return sum;
}

static void touch_tidy(void *unused)
{
	check_rest("first touch");
	make_empty(unused);
}

FAULT_TEST(hugepage, first_touch)
{
	struct fault_call call = {
		.call = touch_call, .tidy = touch_tidy, .errors = FAULT_ERRORS(0)};

	make_block(NULL);
	require_block();
	make_empty(NULL);
	fault_replay("first touch", &call, NULL);
	call.call = read_call;
	call.tidy = make_empty;
	fault_replay("a read and a write", &call, NULL);
	munmap(AREA, HUGE);
}

// So that it is known that small pages took its place, and not a second try of the block.
FAULT_TEST(hugepage, fallback)
{
	int nth = open("/proc/self/fail-nth", O_RDWR), small = 0;

	for (int n = 1; n <= 6; n++) {
		char text[16];
		int length = snprintf(text, sizeof(text), "%d", n);

		make_empty(NULL);
		pwrite(nth, text, length, 0);
		AREA[0] = value_at(0);
		pwrite(nth, "0", 1, 0);
		small += huge_kilobytes() == 0;
		fill(AREA, PAGE);
		check_rest("fallback");
	}
	munmap(AREA, HUGE);
	close(nth);
	if (!small)
		fault_wrong("no failure led to small pages");
}

// --- Splits: a call changes a part ---

static long munmap_part(void *unused)
{
	(void)unused;
	return munmap(PART, SOME);
}

static long protect_part(void *unused)
{
	(void)unused;
	return mprotect(PART, SOME, PROT_READ);
}

static long move_part(void *unused)
{
	(void)unused;
	return mremap(PART, SOME, SOME, MREMAP_MAYMOVE | MREMAP_FIXED, AWAY) == AWAY ? 0 : -1;
}

static long forget_part(void *unused)
{
	(void)unused;
	return madvise(PART, SOME, MADV_DONTNEED);
}

static long free_part(void *unused)
{
	(void)unused;
	return madvise(PART, SOME, MADV_FREE);
}

static long wipe_part(void *unused)
{
	(void)unused;
	return madvise(PART, SOME, MADV_WIPEONFORK);
}

static void part_tidy(void *unused)
{
	check_rest("after a change of a part");
	munmap(AWAY, SOME);
	make_block(unused);
}

FAULT_TEST(hugepage, split)
{
	static const struct {
		const char *name;
		long (*call)(void *);
	} calls[] = {
		{"munmap of a part", munmap_part},  {"mprotect of a part", protect_part},
		{"mremap of a part", move_part},    {"MADV_DONTNEED of a part", forget_part},
		{"MADV_FREE of a part", free_part}, {"MADV_WIPEONFORK of a part", wipe_part},
	};
	struct fault_call call = {.tidy = part_tidy, .errors = FAULT_ERRORS(ENOMEM, EAGAIN)};

	make_block(NULL);
	require_block();
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		call.call = calls[i].call;
		fault_replay(calls[i].name, &call, NULL);
	}
	munmap(AREA, HUGE);
}

// --- A split needs no page: its table came with the huge page ---

// Whether a call needs a page, when it has all small objects that it wants.
static int needs_page(long (*call)(void *))
{
	int nth = open("/proc/self/fail-nth", O_RDWR),
	    kinds = open("/proc/self/fail-kinds", O_RDWR);
	char left[16] = "";

	pwrite(kinds, "page", 4, 0);
	pwrite(nth, "1", 1, 0);
	long result = call(NULL);
	pread(nth, left, sizeof(left) - 1, 0);
	pwrite(nth, "0", 1, 0);
	pwrite(kinds, "all", 3, 0);
	close(nth), close(kinds);
	return result < 0 || atoi(left) != 1;
}

FAULT_TEST(hugepage, split_needs_no_page)
{
	static long (*const calls[])(void *) = {munmap_part, protect_part, forget_part, free_part,
						wipe_part};
	static const char *const names[] = {"munmap", "mprotect", "MADV_DONTNEED", "MADV_FREE",
					    "MADV_WIPEONFORK"};

	for (int i = 0; i < 10; i++) {
		pid_t pid = 0;

		make_block(NULL);
		require_block();
		if (i < 5)
			calls[i % 5](NULL); // the objects that it takes are at hand then
		make_block(NULL);
		if (i >= 5 && (pid = fork()) == 0) {
			pause();
			_exit(0);
		}
		if (needs_page(calls[i % 5]))
			fault_wrong("%s of a part needs a page%s", names[i % 5],
				    pid ? " after fork" : "");
		if (huge_kilobytes())
			fault_wrong("%s split nothing", names[i % 5]);
		check_rest("after a split");
		if (pid) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
	}
	munmap(AREA, HUGE);
}

// --- A write after a fork, on either side. What a fault cannot have it tries again ---

static int go[2];

static void start_child(void)
{
	pipe(go);
	if (fork() == 0) {
		char byte;

		read(go[0], &byte, 1);
		for (size_t at = 0; at < HUGE; at += PAGE) {
			if (AREA[at] != value_at(at))
				_exit(1);
		}
		_exit(0);
	}
}

static void end_child(void)
{
	int status = -1;

	write(go[1], "", 1);
	wait(&status);
	if (status)
		fault_wrong("the child saw the writes: status %x", status);
	close(go[0]), close(go[1]);
}

static long write_call(void *unused)
{
	(void)unused;
	for (size_t at = 0; at < SOME; at += PAGE)
		PART[at] = 120;
	return 0;
}

static void write_tidy(void *unused)
{
	for (size_t at = 0; at < SOME; at += PAGE) {
		if (PART[at] != 120)
			fault_wrong("what was written is not there");
	}
	check_rest("after writes");
	end_child();
	make_block(unused);
	start_child();
}

FAULT_TEST(hugepage, write_after_fork)
{
	struct fault_call call = {
		.call = write_call, .tidy = write_tidy, .errors = FAULT_ERRORS(0)};

	make_block(NULL);
	require_block();
	start_child();
	fault_replay("a write after fork", &call, NULL);
	end_child();
	munmap(AREA, HUGE);
}

// --- A fork of a block, whole and in parts ---

static long fork_call(void *unused)
{
	(void)unused;
	pid_t pid = fork();
	if (pid == 0)
		_exit(AREA[5 * PAGE] != value_at(5 * PAGE));
	return pid;
}

static void fork_undo(void *unused, long pid)
{
	int status = -1;

	(void)unused;
	waitpid(pid, &status, 0);
	if (status)
		fault_wrong("the child: status %x", status);
}

static void fork_tidy(void *unused)
{
	check_rest("after fork");
	make_block(unused);
	madvise(PART, SOME, MADV_DONTFORK);
}

FAULT_TEST(hugepage, fork)
{
	struct fault_call call = {.call = fork_call,
				  .undo = fork_undo,
				  .tidy = make_block,
				  .errors = FAULT_ERRORS(ENOMEM, EAGAIN)};

	make_block(NULL);
	require_block();
	fault_replay("fork of a block", &call, NULL);
	call.tidy = fork_tidy;
	fork_tidy(NULL);
	fault_replay("fork of a split block", &call, NULL);
	munmap(AREA, HUGE);
}

// --- MADV_COLLAPSE: of small pages, of some, of shared ones, of a split block ---

static long collapse_call(void *unused)
{
	(void)unused;
	return madvise(AREA, HUGE, MADV_COLLAPSE);
}

static void make_small(void *step)
{
	munmap(AREA, HUGE);
	mmap(AREA, HUGE, RW, ANON, -1, 0);
	madvise(AREA, HUGE, MADV_NOHUGEPAGE);
	fill(AREA, *(size_t *)step);
	madvise(AREA, HUGE, MADV_HUGEPAGE);
}

static void collapse_tidy(void *step)
{
	for (size_t at = 0; at < HUGE; at += PAGE) {
		if (AREA[at] != (at % *(size_t *)step ? 0 : value_at(at))) {
			fault_wrong("collapsed: page %zu is %d", at / PAGE, AREA[at]);
			break;
		}
	}
	make_small(step);
}

static void make_parts(void *unused)
{
	make_block(unused);
	mprotect(PART, PAGE, PROT_READ);
	mprotect(PART, PAGE, RW);
}

static void parts_tidy(void *unused)
{
	check_rest("a split block, collapsed");
	make_parts(unused);
}

static void shared_tidy(void *unused)
{
	check_rest("a shared block, collapsed");
	end_child();
	make_parts(unused);
	start_child();
}

FAULT_TEST(hugepage, collapse)
{
	static size_t every = PAGE, some = 3 * PAGE;
	struct fault_call call = {.call = collapse_call,
				  .tidy = collapse_tidy,
				  .errors = FAULT_ERRORS(ENOMEM, EAGAIN)};

	make_small(&every);
	if (huge_kilobytes() || collapse_call(NULL) || !huge_kilobytes())
		fault_wrong("nothing is collapsed");
	make_small(&every);
	fault_replay("MADV_COLLAPSE of small pages", &call, &every);
	make_small(&some);
	fault_replay("MADV_COLLAPSE of some", &call, &some);
	call.tidy = parts_tidy;
	make_parts(NULL);
	fault_replay("MADV_COLLAPSE of a split block", &call, NULL);
	call.tidy = shared_tidy;
	make_parts(NULL);
	start_child();
	fault_replay("MADV_COLLAPSE of what is shared", &call, NULL);
	end_child();
	munmap(AREA, HUGE);
}
