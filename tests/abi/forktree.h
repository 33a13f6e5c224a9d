// A tree of processes that fork at random and do at random what programs do to their memory, each
// compared with a model of what it must see: page by page, contents, rights and kind. Another thread
// of each process keeps changing memory of its own meanwhile. All is drawn from a seed, so a run
// does the same on every kernel; only the order in which processes run is left to chance.
//
// Each topic has its seeds: forktree.c for four harts, forktree_2.c, forktree_1.c. For a long run by
// hand, of seeds 1000 to 1199 on both kernels:
//
//	words='FORKTREE=1000,200 ABI_LIMIT=3000 -- forktree/by_hand'
//	scripts/compare --smp 4 --limit 4000 --append "$words" build/tests/abi/abi-forktree
//
// With FORKTREE_SHRINK=1 too, somebody reads /proc/census of Cloven all the time meanwhile, so that
// what was given up (MADV_FREE) is taken away at once.

#pragma once

#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "abi.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

#define PAGE           4096ul
#define PAGES          2600
#define AREA           (0x1040000000ul - 1200 * PAGE) // crosses tables of both levels
#define ELSEWHERE      0x1830000000ul
#define OWN            0x1200000000ul // of the second thread
#define OWN_PAGES      700
#define FILE_AT        0x1300000000ul // of the file that is truncated
#define FILE_PAGES     12
#define BUS            100 // added to the si_code of a SIGBUS
#define OWN_OPERATIONS 800
#define DEPTH_MAX      3
#define CHILDREN       6
#define SLOTS          512

enum kind {
	UNMAPPED,
	ANON,
	FILE_PRIVATE,
	FILE_SHARED
};

// What a page must be.
struct model {
	unsigned char kind, prot, dontfork, wipe;
	unsigned char lazy;   // it may have got lost (MADV_FREE)
	unsigned short index; // of the file's page
	uint64_t value;       // of a private page
};

static struct model model[PAGES];
static uint64_t shared_value[PAGES]; // by the file's page: what this process has written last
static uint64_t seed;
static int depth, slot, private_file, shared_file, word_file;
static struct totals {
	long operations, processes, differences, slots;
} * totals;

static uint64_t draw(uint64_t limit)
{
	seed = seed * 6364136223846793005ul + 1442695040888963407ul;
	return (seed >> 33) % limit;
}

static void differs(const char *what, long page)
{
	if (__atomic_fetch_add(&totals->differences, 1, __ATOMIC_RELAXED) < 5)
		printf("%s: page %ld kind %d prot %d depth %d\n", what, page, model[page].kind,
		       model[page].prot, depth);
	fflush(stdout);
}

// --- Accesses that may fail ---

static __thread sigjmp_buf fault_return;
static __thread volatile int fault_code;

static void fault_handler(int signal, siginfo_t *info, void *context)
{
	(void)context;
	fault_code = info->si_code + (signal == SIGBUS ? BUS : 0);
	siglongjmp(fault_return, 1);
}

// 0, or the si_code of the signal.
static int try_read(volatile uint64_t *at, uint64_t *value)
{
	fault_code = 0;
	if (sigsetjmp(fault_return, 0) == 0)
		*value = *at;
	return fault_code;
}

static int try_write(volatile uint64_t *at, uint64_t value)
{
	fault_code = 0;
	if (sigsetjmp(fault_return, 0) == 0)
		*at = value;
	return fault_code;
}

static int expected_code(const struct model *page, int wanted)
{
	if (page->kind == UNMAPPED)
		return SEGV_MAPERR;
	return (page->prot & wanted) == wanted ? 0 : SEGV_ACCERR;
}

static uint64_t *word_of(long page)
{
	uint64_t *at = (uint64_t *)(AREA + page * PAGE);

	return model[page].kind == FILE_SHARED ? at + slot : at + 1;
}

static uint64_t *value_of(long page)
{
	return model[page].kind == FILE_SHARED ? &shared_value[model[page].index]
					       : &model[page].value;
}

static void check_page(long page)
{
	uint64_t value = 0;
	int code = try_read(word_of(page), &value);

	if (code != expected_code(&model[page], PROT_READ))
		differs("read fault", page);
	else if (!code && model[page].lazy && value == 0)
		model[page].value = model[page].lazy = 0;
	else if (!code && value != *value_of(page))
		differs("contents", page);
}

// The kernel writes a word of ours: read(2) into it, or process_vm_writev(2).
static long write_by_kernel(uint64_t *word, uint64_t value)
{
	struct iovec from = {&value, sizeof(value)}, to = {word, sizeof(value)};

	if (draw(2))
		return process_vm_writev(getpid(), &from, 1, &to, 1, 0);
	pwrite(word_file, &value, sizeof(value), slot * 8);
	return pread(word_file, word, sizeof(value), slot * 8);
}

static void write_page(long page)
{
	uint64_t value = draw(1ul << 31) + 1;
	int expected = expected_code(&model[page], PROT_READ | PROT_WRITE);
	int code;

	if (draw(4) == 0) {
		long n = write_by_kernel(word_of(page), value);
		if ((n == sizeof(value)) != !expected || (n < 0 && errno != EFAULT))
			differs("write by the kernel", page);
		code = expected;
	} else {
		code = try_write(word_of(page), value);
		if (code != expected)
			differs("write fault", page);
	}
	if (!code) {
		*value_of(page) = value;
		model[page].lazy = 0;
	}
}

static void check_all(void)
{
	for (long page = 0; page < PAGES; page++)
		check_page(page);
}

// --- Changes of a range ---

static uint64_t file_value(long index)
{
	return 0xf0000000 + index;
}

static void map_range(long first, long count)
{
	int kind = 1 + draw(3), prot = draw(4) ? PROT_READ | PROT_WRITE : PROT_READ;
	long index = draw(PAGES - count + 1);
	int flags = kind == FILE_SHARED ? MAP_SHARED : MAP_PRIVATE;
	void *at = (void *)(AREA + first * PAGE);

	if (kind == ANON)
		flags |= MAP_ANONYMOUS;
	if (draw(6) == 0)
		flags |= MAP_POPULATE;
	int fd = kind == ANON ? -1 : kind == FILE_PRIVATE ? private_file : shared_file;
	if (mmap(at, count * PAGE, prot, flags | MAP_FIXED, fd, kind == ANON ? 0 : index * PAGE) !=
	    at)
		differs("mmap", first);
	for (long i = 0; i < count; i++) {
		model[first + i] = (struct model){.kind = kind, .prot = prot, .index = index + i};
		if (kind == FILE_PRIVATE)
			model[first + i].value = file_value(index + i);
	}
}

static void unmap_range(long first, long count)
{
	if (munmap((void *)(AREA + first * PAGE), count * PAGE))
		differs("munmap", first);
	memset(&model[first], 0, count * sizeof(model[0]));
}

static int all_mapped(long first, long count)
{
	for (long i = 0; i < count; i++) {
		if (model[first + i].kind == UNMAPPED)
			return 0;
	}
	return 1;
}

static void protect_range(long first, long count)
{
	static const int prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
				    PROT_READ | PROT_WRITE};
	int prot = prots[draw(4)];

	if (!all_mapped(first, count))
		return;
	if (mprotect((void *)(AREA + first * PAGE), count * PAGE, prot))
		differs("mprotect", first);
	for (long i = 0; i < count; i++)
		model[first + i].prot = prot;
}

static void forget_range(long first, long count)
{
	if (!all_mapped(first, count))
		return;
	if (madvise((void *)(AREA + first * PAGE), count * PAGE, MADV_DONTNEED))
		differs("madvise", first);
	for (long i = 0; i < count; i++) {
		struct model *page = &model[first + i];

		if (page->kind != FILE_SHARED)
			page->value = page->kind == ANON ? 0 : file_value(page->index);
		page->lazy = 0;
	}
}

static int all_anonymous(long first, long count)
{
	for (long i = 0; i < count; i++) {
		if (model[first + i].kind != ANON)
			return 0;
	}
	return 1;
}

// From then on the page is as it was, or empty.
static void give_up_range(long first, long count)
{
	while (count > 1 && !all_anonymous(first, count))
		count /= 2;
	if (!all_anonymous(first, count))
		return;
	if (madvise((void *)(AREA + first * PAGE), count * PAGE, MADV_FREE))
		differs("MADV_FREE", first);
	for (long i = 0; i < count; i++)
		model[first + i].lazy = 1;
}

// What changes nothing that can be seen. Results depend on what is there.
static void hint_range(long first, long count)
{
	static const int advices[] = {MADV_HUGEPAGE, MADV_HUGEPAGE,      MADV_NOHUGEPAGE,
				      MADV_COLLAPSE, MADV_POPULATE_READ, MADV_COLD};

	madvise((void *)(AREA + first * PAGE), count * PAGE, advices[draw(6)]);
}

static void lock_range(long first, long count)
{
	char *at = (char *)(AREA + first * PAGE);

	if (!all_mapped(first, count))
		return;
	mlock(at, count * PAGE); // fails at what cannot be read, but locks
	for (int i = 0; i < 3; i++)
		check_page(first + draw(count));
	if (munlock(at, count * PAGE))
		differs("munlock", first);
}

static void check_file(long from, long to, int code, uint64_t wanted)
{
	for (long i = from; i < to; i++) {
		uint64_t value = wanted;

		if (try_read((uint64_t *)(FILE_AT + i * PAGE), &value) != code)
			differs("truncated: fault", 0);
		if (!code && value != wanted)
			differs("truncated: contents", 0);
	}
}

// A file of its own shrinks and grows under a mapping, and under its child's too.
static void truncate_file(void)
{
	int fd = memfd_create("truncated", 0), forked = draw(2);
	long left = 1 + draw(FILE_PAGES - 1);
	pid_t pid = 0;

	ftruncate(fd, FILE_PAGES * PAGE);
	mmap((void *)FILE_AT, FILE_PAGES * PAGE, PROT_READ | PROT_WRITE,
	     (draw(2) ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED, fd, 0);
	for (long i = 0; i < FILE_PAGES; i++)
		try_write((uint64_t *)(FILE_AT + i * PAGE), 7);
	if (forked) {
		fflush(stdout);
		pid = fork();
	}
	if (pid == 0) {
		ftruncate(fd, left * PAGE);
		check_file(0, left, 0, 7);
		check_file(left, FILE_PAGES, BUS + BUS_ADRERR, 0);
		ftruncate(fd, FILE_PAGES * PAGE);
		check_file(left, FILE_PAGES, 0, 0);
	}
	if (forked && pid == 0)
		_exit(0);
	int status = 0;
	if (pid && (waitpid(pid, &status, 0) != pid || status))
		differs("truncated: child", 0);
	check_file(0, left, 0, 7);
	check_file(left, FILE_PAGES, 0, 0);
	munmap((void *)FILE_AT, FILE_PAGES * PAGE);
	close(fd);
}

static void advise_fork(long first, long count)
{
	int on = draw(2), wipe = draw(2);

	if (!all_mapped(first, count))
		return;
	for (long i = 0; i < count; i++)
		wipe &= model[first + i].kind == ANON;
	int advice = wipe ? (on ? MADV_WIPEONFORK : MADV_KEEPONFORK)
			  : (on ? MADV_DONTFORK : MADV_DOFORK);
	if (madvise((void *)(AREA + first * PAGE), count * PAGE, advice))
		differs("madvise for fork", first);
	for (long i = 0; i < count; i++)
		*(wipe ? &model[first + i].wipe : &model[first + i].dontfork) = on;
}

static int alike(const struct model *a, const struct model *b, long distance)
{
	return a->kind == b->kind && a->prot == b->prot && a->dontfork == b->dontfork &&
	       a->wipe == b->wipe && (a->kind == ANON || a->index + distance == b->index);
}

// Moves a run of like pages elsewhere and back, or onto another part of the area.
static void move_range(long first, long count)
{
	char *at = (char *)(AREA + first * PAGE), *to;
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
	long n = 1;

	if (model[first].kind == UNMAPPED)
		return;
	while (n < count && alike(&model[first], &model[first + n], n))
		n++;
	if (draw(2)) {
		to = (char *)(ELSEWHERE + draw(2000) * PAGE);
		if (mremap(at, n * PAGE, n * PAGE, flags, to) != to)
			differs("mremap away", first);
		if (mremap(to, n * PAGE, n * PAGE, flags, at) != at)
			differs("mremap back", first);
		return;
	}
	long target = draw(PAGES - n + 1);
	if (target < first + n && first < target + n)
		return;
	to = (char *)(AREA + target * PAGE);
	if (mremap(at, n * PAGE, n * PAGE, flags, to) != to)
		differs("mremap", first);
	memcpy(&model[target], &model[first], n * sizeof(model[0]));
	memset(&model[first], 0, n * sizeof(model[0]));
}

// --- The second thread ---

static uint64_t own_seed;

static void *own_thread(void *unused)
{
	static uint64_t own[OWN_PAGES];
	uint64_t state = own_seed, value;
	char *base = (char *)OWN;
	size_t size = OWN_PAGES * PAGE;

	memset(own, 0, sizeof(own));
	mmap(base, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	for (long i = 0; i < OWN_OPERATIONS; i++) {
		state = state * 6364136223846793005ul + 1442695040888963407ul;
		unsigned page = (state >> 33) % OWN_PAGES, what = (state >> 55) % 16;
		unsigned count = 1 + (state >> 45) % 30;
		uint64_t *word = (uint64_t *)(base + page * PAGE);
		int code;

		if (page + count > OWN_PAGES)
			count = OWN_PAGES - page;
		if (what == 0) {
			madvise(word, count * PAGE, MADV_DONTNEED);
			memset(&own[page], 0, count * sizeof(own[0]));
		} else if (what == 1) {
			mprotect(word, count * PAGE, PROT_READ);
			if (try_write(word, 1) != SEGV_ACCERR)
				differs("own: writes what is read-only", 0);
			mprotect(word, count * PAGE, PROT_READ | PROT_WRITE);
		} else if (what < 9) {
			code = try_write(word, state);
			own[page] = state;
			if (code)
				differs("own: write", 0);
		} else {
			code = try_read(word, &value);
			if (code || value != own[page])
				differs("own: contents", 0);
		}
	}
	munmap(base, size);
	return unused;
}

// --- The tree ---

static void grow(long operations);

static void become_child(uint64_t own)
{
	seed = own_seed = own;
	depth++;
	slot = __atomic_add_fetch(&totals->slots, 1, __ATOMIC_RELAXED);
	memset(shared_value, 0, sizeof(shared_value));
	for (long i = 0; i < PAGES; i++) {
		if (model[i].dontfork)
			memset(&model[i], 0, sizeof(model[i]));
		else if (model[i].wipe)
			model[i].value = model[i].lazy = 0;
	}
}

static pid_t branch(void)
{
	uint64_t child_seed = draw(1ul << 31);
	long operations = 20 + draw(40);

	fflush(stdout);
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	become_child(child_seed);
	if (slot >= SLOTS)
		_exit(2);
	if (draw(3) == 0)
		check_all();
	grow(operations);
	_exit(0);
}

static void wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		differs("child", 0);
}

static void operate(void)
{
	long page = draw(PAGES), count = 1 + draw(draw(6) ? 24 : 1400);

	if (count > PAGES - page)
		count = PAGES - page;
	switch (draw(21)) {
	case 0:
		map_range(page, count);
		break;
	case 1:
		unmap_range(page, count / 4 + 1);
		break;
	case 2:
		protect_range(page, count);
		break;
	case 3:
		forget_range(page, count);
		break;
	case 4:
	case 5:
		move_range(page, count);
		break;
	case 6:
		advise_fork(page, count);
		break;
	case 16:
	case 17:
		give_up_range(page, count);
		break;
	case 18:
		hint_range(page, count);
		break;
	case 19:
		lock_range(page, count / 8 + 1);
		break;
	case 20:
		truncate_file();
		break;
	case 7:
	case 8:
	case 9:
	case 10:
		for (int i = 0; i < 8; i++)
			check_page(draw(PAGES));
		break;
	default:
		for (int i = 0; i < 6; i++)
			write_page(draw(PAGES));
	}
}

static void grow(long operations)
{
	pid_t child[CHILDREN];
	int children = 0;
	pthread_t thread;

	int threaded = draw(2) && pthread_create(&thread, NULL, own_thread, NULL) == 0;
	for (long i = 0; i < operations; i++) {
		if (depth < DEPTH_MAX && draw(16 << depth) == 0) {
			if (children == CHILDREN)
				wait_for(child[--children]);
			child[children++] = branch();
		}
		if (children && draw(24) == 0)
			wait_for(child[--children]);
		operate();
	}
	check_all();
	while (children)
		wait_for(child[--children]);
	if (threaded)
		pthread_join(thread, NULL);
	__atomic_fetch_add(&totals->operations, operations, __ATOMIC_RELAXED);
	__atomic_fetch_add(&totals->processes, 1, __ATOMIC_RELAXED);
}

static void __attribute__((unused)) run_tree(uint64_t first_seed)
{
	struct sigaction action = {.sa_sigaction = fault_handler,
				   .sa_flags = SA_SIGINFO | SA_NODEFER};

	seed = own_seed = first_seed;
	totals = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	private_file = memfd_create("private", 0);
	shared_file = memfd_create("shared", 0);
	word_file = memfd_create("word", 0);
	ftruncate(private_file, PAGES * PAGE);
	ftruncate(shared_file, PAGES * PAGE);
	for (long i = 0; i < PAGES; i++) {
		uint64_t value = file_value(i);

		pwrite(private_file, &value, sizeof(value), i * PAGE + 8);
	}
	for (long i = 0; i < PAGES; i += 650)
		map_range(i, 650);
	grow(200);
	printf("%ld processes, %ld operations, %ld differences\n", totals->processes,
	       totals->operations, totals->differences);
}
