// One process changes its areas at random, and a model says what each page must be: after every
// change the call's result, now and then all contents and rights, and what /proc/self/maps tells.
// All is drawn from a seed. And promised memory (overcommit) in its three modes, with forks.

#include "abi.h"
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>

#define PAGE       4096ul
#define PAGES      1500
#define AREA       (0x1040000000ul - 700 * PAGE) // crosses tables of both levels
#define OPERATIONS 2500
#define RW         (PROT_READ | PROT_WRITE)
#define ANON       (MAP_PRIVATE | MAP_ANONYMOUS)

enum kind {
	UNMAPPED,
	PRIVATE,
	FILE_PRIVATE,
	FILE_SHARED
};

static struct model {
	unsigned char kind, prot, guard;
	unsigned short index; // of the file's page
	uint64_t value;       // of a private page
} model[PAGES];
static uint64_t shared_value[PAGES], seed;
static long differences, results[2], errors[200];
static int private_file, shared_file;

static uint64_t draw(uint64_t limit)
{
	seed = seed * 6364136223846793005ul + 1442695040888963407ul;
	return (seed >> 33) % limit;
}

static char *at(long page)
{
	return (char *)(AREA + page * PAGE);
}

static void differs(const char *what, long page)
{
	if (differences++ < 8)
		printf("%s: page %ld kind %d prot %d\n", what, page, model[page].kind,
		       model[page].prot);
}

static uint64_t file_value(long index)
{
	return 0xf0000000 + index;
}

// --- Looking ---

static sigjmp_buf fault_return;
static volatile int fault_code;

static void fault_handler(int signal, siginfo_t *info, void *context)
{
	fault_code = info->si_code;
	siglongjmp(fault_return, 1);
}

static int expected_code(const struct model *page, int wanted)
{
	if (page->kind == UNMAPPED)
		return SEGV_MAPERR;
	if ((page->prot & wanted) != wanted)
		return SEGV_ACCERR;
	return page->guard ? SEGV_MAPERR : 0;
}

static uint64_t *value_of(long page)
{
	return model[page].kind == FILE_SHARED ? &shared_value[model[page].index]
					       : &model[page].value;
}

static void check_page(long page)
{
	volatile uint64_t value = 0;

	fault_code = 0;
	if (sigsetjmp(fault_return, 0) == 0)
		value = *(volatile uint64_t *)at(page);
	if (fault_code != expected_code(&model[page], PROT_READ))
		differs("read", page);
	else if (!fault_code && value != *value_of(page))
		differs("contents", page);
}

static void write_page(long page)
{
	uint64_t value = draw(1ul << 31) + 1;

	fault_code = 0;
	if (sigsetjmp(fault_return, 0) == 0)
		*(volatile uint64_t *)at(page) = value;
	if (fault_code != expected_code(&model[page], RW))
		differs("write", page);
	if (!fault_code)
		*value_of(page) = value;
}

static void check_maps(void)
{
	static char seen[PAGES];
	unsigned long start, end, offset, inode;
	char line[512], rights[8];
	FILE *maps = fopen("/proc/self/maps", "r");

	memset(seen, 0, sizeof(seen));
	while (fgets(line, sizeof(line), maps)) {
		sscanf(line, "%lx-%lx %7s %lx %*s %lu", &start, &end, rights, &offset, &inode);
		for (; start < end; start += PAGE, offset += PAGE) {
			long page = ((long)start - (long)AREA) / (long)PAGE;
			if (start < AREA || page >= PAGES)
				continue;
			struct model *m = &model[page];
			seen[page] = 1;
			int prot = (rights[0] == 'r' ? PROT_READ : 0) |
				   (rights[1] == 'w' ? PROT_WRITE : 0);
			if (m->kind == UNMAPPED || prot != m->prot ||
			    (rights[3] == 's') != (m->kind == FILE_SHARED) ||
			    (m->kind != PRIVATE && offset != m->index * PAGE) ||
			    (m->kind != PRIVATE) != (inode != 0))
				differs("maps", page);
		}
	}
	fclose(maps);
	for (long page = 0; page < PAGES; page++) {
		if (!seen[page] && model[page].kind != UNMAPPED)
			differs("not in maps", page);
	}
}

static void check_all(void)
{
	for (long page = 0; page < PAGES; page++)
		check_page(page);
	check_maps();
}

// --- Changing ---

// Notes a result; a difference if it is not as expected (0 or an error).
static int result(long value, int expected, const char *what, long page)
{
	int error = value == -1 ? errno : 0;

	results[error != 0]++;
	errors[error]++;
	if (error != expected)
		differs(what, page);
	return error == 0;
}

static void map_range(long first, long count)
{
	static const int prots[] = {PROT_NONE, PROT_READ, RW, RW, RW};
	int kind = 1 + draw(3), prot = prots[draw(5)], replace = draw(3);
	long index = draw(PAGES - count + 1), free = 1;
	int flags = (kind == FILE_SHARED ? MAP_SHARED : MAP_PRIVATE) |
		    (kind == PRIVATE ? MAP_ANONYMOUS : 0) | (draw(5) ? 0 : MAP_POPULATE);

	for (long i = 0; i < count; i++)
		free &= model[first + i].kind == UNMAPPED;
	flags |= replace ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	long mapped = (long)mmap(at(first), count * PAGE, prot, flags,
				 kind == PRIVATE       ? -1
				 : kind == FILE_SHARED ? shared_file
						       : private_file,
				 index * PAGE);
	if (!result(mapped, replace || free ? 0 : EEXIST, "mmap", first))
		return;
	for (long i = 0; i < count; i++) {
		model[first + i] = (struct model){.kind = kind, .prot = prot, .index = index + i};
		if (kind == FILE_PRIVATE)
			model[first + i].value = file_value(index + i);
	}
}

static void unmap_range(long first, long count)
{
	if (result(munmap(at(first), count * PAGE), 0, "munmap", first))
		memset(&model[first], 0, count * sizeof(model[0]));
}

static long mapped_run(long first, long count)
{
	long n = 0;

	while (n < count && model[first + n].kind != UNMAPPED)
		n++;
	return n;
}

// Up to a hole the change is made, then the call fails.
static void protect_range(long first, long count)
{
	static const int prots[] = {PROT_NONE, PROT_READ, RW, RW};
	int prot = prots[draw(4)];
	long n = mapped_run(first, count);

	result(mprotect(at(first), count * PAGE, prot), n < count ? ENOMEM : 0, "mprotect", first);
	for (long i = 0; i < n; i++)
		model[first + i].prot = prot;
}

static void forget(long page)
{
	struct model *m = &model[page];

	if (m->kind == PRIVATE)
		m->value = 0;
	else if (m->kind == FILE_PRIVATE)
		m->value = file_value(m->index);
}

// Over holes advice goes on.
static void forget_range(long first, long count)
{
	long n = mapped_run(first, count);

	result(madvise(at(first), count * PAGE, MADV_DONTNEED), n < count ? ENOMEM : 0, "DONTNEED",
	       first);
	for (long i = 0; i < count; i++)
		forget(first + i);
}

static void advise_range(long first, long count)
{
	static const int advices[] = {MADV_DONTFORK, MADV_DOFORK,   MADV_DONTDUMP,
				      MADV_DODUMP,   MADV_RANDOM,   MADV_SEQUENTIAL,
				      MADV_NORMAL,   MADV_WILLNEED, MADV_COLD};
	long n = mapped_run(first, count);

	result(madvise(at(first), count * PAGE, advices[draw(9)]), n < count ? ENOMEM : 0, "advice",
	       first);
}

static void guard_range(long first, long count)
{
	int install = draw(3);

	if (mapped_run(first, count) < count)
		return;
	result(madvise(at(first), count * PAGE, install ? 102 : 103), 0, "guard", first);
	for (long i = 0; i < count; i++) {
		if (install && !model[first + i].guard)
			forget(first + i);
		model[first + i].guard = install != 0;
	}
}

// The last page before a hole grows into it, if it is large enough.
static void grow_page(long first, long count)
{
	long page = first, room = 0;

	while (page + 1 < PAGES && !(model[page].kind && !model[page + 1].kind))
		page++;
	if (page + 1 >= PAGES || model[page].guard)
		return;
	while (page + 1 + room < PAGES && !model[page + 1 + room].kind)
		room++;
	if (page + 1 + room >= PAGES || model[page].index + count >= PAGES)
		return;
	long where = (long)mremap(at(page), PAGE, (count + 1) * PAGE, 0);
	if (!result(where, count <= room ? 0 : ENOMEM, "mremap grows", page))
		return;
	for (long i = 1; i <= count; i++) {
		model[page + i] = model[page];
		model[page + i].index += model[page].kind == PRIVATE ? 0 : i;
		model[page + i].value = 0;
		forget(page + i);
	}
}

static void move_page(long first, long count)
{
	long target = draw(PAGES);

	if (model[first].kind == UNMAPPED || target == first)
		return;
	long where = (long)mremap(at(first), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(target));
	if (!result(where, 0, "mremap moves", first))
		return;
	model[target] = model[first];
	memset(&model[first], 0, sizeof(model[0]));
}

static void operate(void)
{
	long page = draw(PAGES), count = 1 + draw(draw(5) ? 30 : 900);

	if (count > PAGES - page)
		count = PAGES - page;
	switch (draw(14)) {
	case 0:
	case 1:
		map_range(page, count);
		break;
	case 2:
		unmap_range(page, count / 2 + 1);
		break;
	case 3:
	case 4:
		protect_range(page, count);
		break;
	case 5:
		forget_range(page, count);
		break;
	case 6:
		advise_range(page, count);
		break;
	case 7:
		guard_range(page, count / 4 + 1);
		break;
	case 8:
		grow_page(page, count / 8 + 1);
		break;
	case 9:
		move_page(page, count);
		break;
	default:
		for (int i = 0; i < 6; i++)
			write_page(draw(PAGES));
		for (int i = 0; i < 6; i++)
			check_page(draw(PAGES));
	}
}

static void run(uint64_t first_seed)
{
	struct sigaction action = {.sa_sigaction = fault_handler,
				   .sa_flags = SA_SIGINFO | SA_NODEFER};

	seed = first_seed;
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	private_file = memfd_create("private", 0);
	shared_file = memfd_create("shared", 0);
	ftruncate(shared_file, PAGES * PAGE);
	for (long i = 0; i < PAGES; i++) {
		uint64_t value = file_value(i);

		pwrite(private_file, &value, sizeof(value), i * PAGE);
	}
	for (long i = 0; i < OPERATIONS; i++) {
		operate();
		if (i % 250 == 249)
			check_all();
	}
	printf("%ld calls well, %ld failed, %ld differences\n", results[0], results[1],
	       differences);
	for (int i = 1; i < 200; i++) {
		if (errors[i])
			printf("%s %ld\n", strerrorname_np(i), errors[i]);
	}
}

ABI_TEST(areas, seed_1)
{
	run(1);
}

ABI_TEST(areas, seed_2)
{
	run(222);
}

ABI_TEST(areas, seed_3)
{
	run(34567);
}

// --- Promised memory ---

static long field(const char *path, const char *name)
{
	static char text[65536];
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	char *line = strstr(text, name);
	return line ? atol(line + strlen(name)) : -1;
}

static long promised(void)
{
	return field("/proc/meminfo", "Committed_AS:");
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	write(fd, text, strlen(text));
	close(fd);
}

#define MIB (1l << 20)

// What a call adds to the promises, in MiB.
static void show_promise(const char *what, long before)
{
	printf("%s: %+ld MiB\n", what,
	       (promised() - before + (promised() < before ? -512 : 512)) / 1024);
}

static void promises(void)
{
	char *p = (char *)AREA;
	int fixed = MAP_FIXED, fd = memfd_create("x", 0);
	long before = promised();

	ftruncate(fd, 64 * MIB);
	mmap(p, 64 * MIB, RW, ANON | fixed, -1, 0);
	show_promise("private", before);
	mmap(p, 64 * MIB, PROT_READ, ANON | fixed, -1, 0);
	show_promise("read-only", before);
	mprotect(p, 32 * MIB, RW);
	show_promise("half of it writable", before);
	mprotect(p, 32 * MIB, PROT_READ);
	show_promise("read-only again", before);
	mmap(p, 64 * MIB, RW, ANON | fixed | MAP_NORESERVE, -1, 0);
	show_promise("not reserved", before);
	mmap(p, 64 * MIB, RW, MAP_SHARED | MAP_ANONYMOUS | fixed, -1, 0);
	show_promise("shared", before);
	munmap(p, 32 * MIB);
	show_promise("half of it unmapped", before);
	munmap(p, 64 * MIB);
	show_promise("all of it", before);
	mmap(p, 64 * MIB, RW, MAP_SHARED | fixed, fd, 0);
	show_promise("shared file", before);
	mmap(p, 64 * MIB, RW, MAP_PRIVATE | fixed, fd, 0);
	show_promise("private file", before);
	mremap(p, 64 * MIB, 96 * MIB, 0);
	show_promise("grown", before);
	mremap(p, 96 * MIB, 96 * MIB, MREMAP_MAYMOVE | MREMAP_FIXED, p + 1024 * MIB);
	show_promise("moved", before);
	mremap(p + 1024 * MIB, 96 * MIB, 32 * MIB, 0);
	show_promise("shrunk", before);
	madvise(p + 1024 * MIB, 32 * MIB, MADV_DONTNEED);
	show_promise("forgotten", before);
	madvise(p + 1024 * MIB, 16 * MIB, MADV_DONTFORK);
	fflush(stdout);
	if (fork() == 0) {
		show_promise("forked, half not", before);
		munmap(p + 1024 * MIB, 32 * MIB);
		show_promise("unmapped in the child", before);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	show_promise("child gone", before);
	munmap(p + 1024 * MIB, 32 * MIB);
	show_promise("all unmapped", before);
}

ABI_TEST(areas, promises_guessed)
{
	promises();
}

ABI_TEST(areas, promises_always)
{
	write_file("/proc/sys/vm/overcommit_memory", "1");
	promises();
	R(mmap((void *)AREA, 1ul << 36, RW, ANON | MAP_FIXED, -1, 0) == (void *)AREA);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	abi_reap(pid);
	write_file("/proc/sys/vm/overcommit_memory", "0");
}

ABI_TEST(areas, promises_strict)
{
	write_file("/proc/sys/vm/overcommit_ratio", "200");
	write_file("/proc/sys/vm/overcommit_memory", "2");
	promises();
	write_file("/proc/sys/vm/overcommit_memory", "0");
	write_file("/proc/sys/vm/overcommit_ratio", "50");
}

static int fork_and_wait(void)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return -1;
	return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

// A fork promises all that its child might write, and is refused as a whole.
ABI_TEST(areas, fork_refused)
{
	write_file("/proc/sys/vm/overcommit_ratio", "80");
	write_file("/proc/sys/vm/overcommit_memory", "2");
	long room = field("/proc/meminfo", "CommitLimit:") - promised(), before = promised();
	size_t size = (room / 10 * 6) << 10 & -PAGE;

	R(mmap((void *)AREA, size, RW, ANON | MAP_FIXED, -1, 0) == (void *)AREA);
	for (int i = 0; i < 3; i++)
		R(fork_and_wait());
	printf("nothing is left %d\n", labs(promised() - before - (long)(size >> 10)) < 2048);
	R(madvise((void *)AREA, size, MADV_DONTFORK));
	R(fork_and_wait());
	R(madvise((void *)AREA, size, MADV_DOFORK));
	R(mprotect((void *)AREA, size, PROT_READ));
	R(fork_and_wait());
	R(mprotect((void *)AREA, size, RW));
	*(char *)AREA = 1;
	R(mprotect((void *)AREA, size, PROT_READ));
	R(fork_and_wait());
	R(munmap((void *)AREA, size));
	printf("nothing is left %d\n", labs(promised() - before) < 2048);
	write_file("/proc/sys/vm/overcommit_memory", "0");
}

// The guess refuses only what could never be: more than there is at once.
ABI_TEST(areas, guess)
{
	long total = field("/proc/meminfo", "MemTotal:");

	R(mmap((void *)AREA, (total / 10 * 9) << 10, RW, ANON | MAP_FIXED, -1, 0) == (void *)AREA);
	R(mmap((void *)(AREA + (1ul << 34)), (total / 10 * 9) << 10, RW, ANON | MAP_FIXED, -1, 0) ==
	  (void *)(AREA + (1ul << 34)));
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	abi_reap(pid);
	R(mmap((void *)AREA, 2 * total << 10, RW, ANON | MAP_FIXED, -1, 0) == (void *)AREA);
	R(mmap((void *)AREA, 2 * total << 10, PROT_READ, ANON | MAP_FIXED, -1, 0) == (void *)AREA);
	R(mprotect((void *)AREA, 2 * total << 10, RW));
	R(mmap((void *)AREA, 2 * total << 10, RW, ANON | MAP_FIXED | MAP_NORESERVE, -1, 0) ==
	  (void *)AREA);
}
