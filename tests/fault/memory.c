// Faults in the calls that shape an address space, and in page faults.

#include <stdint.h>
#include <sys/ioctl.h>

#include "fault.h"

#define PAGE 4096ul
#define SIZE (64 * PAGE)

static char *area;

static void unmap(void *arg, long address)
{
	(void)arg;
	munmap((void *)address, SIZE);
}

static long mmap_call(void *arg)
{
	int flags = *(int *)arg;

	return (long)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
}

FAULT_TEST(memory, mmap)
{
	static int flags[] = {MAP_PRIVATE, MAP_SHARED, MAP_PRIVATE | MAP_POPULATE};
	struct fault_call call = {.call = mmap_call, .undo = unmap, .errors = FAULT_ERRORS(ENOMEM)};

	fault_replay("mmap(PRIVATE)", &call, &flags[0]);
	fault_replay("mmap(SHARED)", &call, &flags[1]);
	fault_replay("mmap(POPULATE)", &call, &flags[2]);
}

// --- A change in the middle of an area splits it in three; the undo joins it again ---

static long mprotect_call(void *arg)
{
	(void)arg;
	return mprotect(area + 16 * PAGE, 16 * PAGE, PROT_READ);
}

// A call that fails halfway may leave the area split, as on Linux: it is the same memory.
static void mprotect_tidy(void *arg)
{
	(void)arg;
	mprotect(area, SIZE, PROT_NONE); // a change is what joins the parts
	mprotect(area, SIZE, PROT_READ | PROT_WRITE);
}

static long munmap_call(void *arg)
{
	(void)arg;
	return munmap(area + 16 * PAGE, 16 * PAGE);
}

static void munmap_tidy(void *arg)
{
	(void)arg;
	mmap(area, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	memset(area, 1, SIZE);
}

static void make_area(void)
{
	area = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(area, 1, SIZE);
}

FAULT_TEST(memory, mprotect)
{
	struct fault_call call = {
		.call = mprotect_call, .tidy = mprotect_tidy, .errors = FAULT_ERRORS(ENOMEM)};

	make_area();
	fault_replay("mprotect", &call, NULL);
}

FAULT_TEST(memory, munmap)
{
	struct fault_call call = {
		.call = munmap_call, .tidy = munmap_tidy, .errors = FAULT_ERRORS(ENOMEM)};

	make_area();
	fault_replay("munmap", &call, NULL);
}

// --- mremap moves the area to a place of its own and back ---

static long mremap_call(void *arg)
{
	char *target = arg;
	void *moved = mremap(area, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, target);

	return moved == MAP_FAILED ? -1 : 0;
}

static void mremap_undo(void *arg, long result)
{
	(void)result;
	mremap(arg, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, area);
}

FAULT_TEST(memory, mremap)
{
	struct fault_call call = {
		.call = mremap_call, .undo = mremap_undo, .errors = FAULT_ERRORS(ENOMEM)};

	make_area();
	fault_replay("mremap", &call, (void *)0x2000000000ul);
}

// --- brk ---

static long brk_call(void *arg)
{
	long start = syscall(SYS_brk, 0);

	(void)arg;
	if (syscall(SYS_brk, start + SIZE) == start + (long)SIZE)
		return 0;
	errno = ENOMEM;
	return -1;
}

static void brk_undo(void *arg, long result)
{
	(void)arg, (void)result;
	syscall(SYS_brk, syscall(SYS_brk, 0) - SIZE);
}

FAULT_TEST(memory, brk)
{
	struct fault_call call = {
		.call = brk_call, .undo = brk_undo, .errors = FAULT_ERRORS(ENOMEM)};

	fault_replay("brk", &call, NULL);
}

// --- Page faults: a fault that found no memory is tried again, or kills with SIGBUS; here it must
// end well, for there is memory ---

static long touch_call(void *arg)
{
	(void)arg;
	char *place = mmap((void *)0x3000000000ul, SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (place == MAP_FAILED)
		return -1;
	// Every other page is read first: what is there then is the page of zeroes.
	for (size_t at = 0; at < SIZE; at += PAGE) {
		volatile char *page = place + at;

		*page = at / PAGE % 2 ? *page + 1 : 1;
	}
	return (long)place;
}

FAULT_TEST(memory, page_faults)
{
	struct fault_call call = {
		.call = touch_call, .undo = unmap, .errors = FAULT_ERRORS(ENOMEM)};

	fault_replay("first touch", &call, NULL);
}

// --- PAGEMAP_SCAN ---

static uint64_t scanned[12], found_runs[3 * 16];

static long scan_call(void *fd)
{
	scanned[0] = sizeof(scanned);
	scanned[2] = (uintptr_t)scanned & ~4095ul;
	scanned[3] = scanned[2] + 4096;
	scanned[5] = (uintptr_t)found_runs;
	scanned[6] = 16;
	scanned[11] = 8;
	return ioctl(*(int *)fd, _IOWR('f', 16, char[96]), scanned);
}

FAULT_TEST(memory, pagemap_scan)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	struct fault_call call = {.call = scan_call, .errors = FAULT_ERRORS(ENOMEM)};

	memset(found_runs, 1, sizeof(found_runs));
	fault_replay("PAGEMAP_SCAN", &call, &fd);
	if (found_runs[2] != 8)
		fault_wrong("it found %lx", found_runs[2]);
	close(fd);
}
