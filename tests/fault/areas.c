// Faults in what else shapes an address space: locking, sealing, advice, objects of memory, faults on
// files, forks of many areas, and the files of /proc that look at pages.

#include "fault.h"

#define PAGE 4096ul
#define SIZE (64 * PAGE)
#define AREA ((char *)0x3c00000000ul)
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static void make_area(void *unused)
{
	(void)unused;
	munmap(AREA, SIZE);
	mmap(AREA, SIZE, RW, ANON | MAP_FIXED, -1, 0);
	memset(AREA, 1, SIZE);
}

// --- Locking ---

static long mlock_call(void *unused)
{
	(void)unused;
	return mlock(AREA + 16 * PAGE, 16 * PAGE);
}

static long mlock_untouched(void *unused)
{
	(void)unused;
	mmap(AREA, SIZE, RW, ANON | MAP_FIXED, -1, 0);
	return mlock(AREA, SIZE);
}

FAULT_TEST(areas, mlock)
{
	struct fault_call call = {
		.call = mlock_call, .tidy = make_area, .errors = FAULT_ERRORS(ENOMEM, EAGAIN)};

	make_area(NULL);
	fault_replay("mlock", &call, NULL);
	call.call = mlock_untouched;
	fault_replay("mlock of what was not touched", &call, NULL);
	munmap(AREA, SIZE);
}

// --- Sealing: areas cannot be given back, so a child does it ---

static long mseal_call(void *unused)
{
	(void)unused;
	return syscall(462, AREA + 16 * PAGE, 16 * PAGE, 0);
}

FAULT_TEST(areas, mseal)
{
	pid_t pid = fork();

	if (pid == 0) {
		make_area(NULL);
		// The first time splits the area; with its memory failing nothing is sealed.
		int nth = open("/proc/self/fail-nth", O_RDWR), failures = 0;
		for (int n = 1; n < 50; n++) {
			char text[16];

			pwrite(nth, text, snprintf(text, sizeof(text), "%d", n), 0);
			long result = mseal_call(NULL);
			int error = errno;
			pwrite(nth, "0", 1, 0);
			if (result == 0)
				_exit(failures ? 0 : 2);
			if (error != ENOMEM || mprotect(AREA + 16 * PAGE, PAGE, RW))
				_exit(3);
			failures++;
		}
		_exit(4);
	}
	int status;
	waitpid(pid, &status, 0);
	if (status)
		fault_wrong("mseal in a child: status %x", status);
}

// --- Advice ---

static long advise_call(void *advice)
{
	return madvise(AREA + 16 * PAGE, 16 * PAGE, *(int *)advice);
}

FAULT_TEST(areas, advice)
{
	static int advices[] = {MADV_FREE, MADV_DONTNEED, MADV_DONTFORK, MADV_WIPEONFORK, 102};
	struct fault_call call = {
		.call = advise_call, .tidy = make_area, .errors = FAULT_ERRORS(ENOMEM, EAGAIN)};

	make_area(NULL);
	for (int i = 0; i < 5; i++)
		fault_replay("madvise", &call, &advices[i]);
	munmap(AREA, SIZE);
}

// --- Objects of memory ---

static long memfd_call(void *unused)
{
	(void)unused;
	int fd = memfd_create("fault", MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	if (ftruncate(fd, SIZE) || pwrite(fd, "x", 1, 5 * PAGE) != 1 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static void close_undo(void *unused, long fd)
{
	(void)unused;
	close(fd);
}

FAULT_TEST(areas, memfd)
{
	struct fault_call call = {.call = memfd_call,
				  .undo = close_undo,
				  .errors = FAULT_ERRORS(ENOMEM, ENFILE, ENOSPC)};

	fault_replay("memfd", &call, NULL);
}

// --- Faults on a file: a fault that finds no memory is tried again ---

static long touch_file(void *arg)
{
	int fd = *(int *)arg;

	if (mmap(AREA, SIZE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED)
		return -1;
	for (size_t at = 0; at < SIZE; at += 2 * PAGE) {
		(void)((volatile char *)AREA)[at];
		AREA[at + PAGE] = 1;
	}
	if (mmap(AREA, SIZE, RW, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
		return -1;
	for (size_t at = 0; at < SIZE; at += PAGE)
		AREA[at] = 2;
	return 0;
}

static void forget_file(void *arg)
{
	munmap(AREA, SIZE);
	ftruncate(*(int *)arg, 0);
	ftruncate(*(int *)arg, SIZE);
}

FAULT_TEST(areas, file_faults)
{
	static int fd;
	struct fault_call call = {
		.call = touch_file, .tidy = forget_file, .errors = FAULT_ERRORS(ENOMEM)};

	fd = memfd_create("file", 0);
	ftruncate(fd, SIZE);
	fault_replay("faults on a file", &call, &fd);
	close(fd);
}

// --- A fork of many areas of all kinds ---

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

FAULT_TEST(areas, fork_many)
{
	struct fault_call call = {
		.call = fork_call, .undo = fork_undo, .errors = FAULT_ERRORS(ENOMEM, EAGAIN)};
	int fd = memfd_create("file", 0);

	ftruncate(fd, SIZE);
	for (size_t i = 0; i < 40; i++) {
		char *at = AREA + 4 * i * PAGE;
		int kind = i % 4, anonymous = kind != 1 && kind != 2 ? MAP_ANONYMOUS : 0;
		int flags = kind == 2 || kind == 3 ? MAP_SHARED : MAP_PRIVATE;

		mmap(at, 2 * PAGE, RW, flags | anonymous | MAP_FIXED, anonymous ? -1 : fd, 0);
		at[0] = 1;
		if (i % 8 == 0)
			madvise(at, 2 * PAGE, MADV_WIPEONFORK);
		if (i % 8 == 4)
			madvise(at, 2 * PAGE, MADV_DONTFORK);
	}
	fault_replay("fork of forty areas", &call, NULL);
	munmap(AREA, 4 * 40 * PAGE);
	close(fd);
}

// --- Looking at pages ---

static char words[16 * 8];

static long pagemap_call(void *unused)
{
	(void)unused;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (fd < 0)
		return -1;
	ssize_t n = pread(fd, words, sizeof(words), (size_t)AREA / PAGE * 8);
	int error = errno;
	close(fd);
	errno = error;
	return n == sizeof(words) ? 0 : -1;
}

static long clear_call(void *unused)
{
	(void)unused;
	int fd = open("/proc/self/clear_refs", O_WRONLY);

	if (fd < 0)
		return -1;
	ssize_t n = write(fd, "1", 1);
	int error = errno;
	close(fd);
	errno = error;
	return n == 1 ? 0 : -1;
}

FAULT_TEST(areas, looking)
{
	struct fault_call call = {.call = pagemap_call, .errors = FAULT_ERRORS(ENOMEM, ENFILE)};

	make_area(NULL);
	fault_replay("pagemap", &call, NULL);
	call.call = clear_call;
	fault_replay("clear_refs", &call, NULL);
	munmap(AREA, SIZE);
}
