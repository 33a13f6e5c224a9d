// Pages of 2 MiB in parts: the table that comes with each, what is left when all parts went, and what
// is given up.
#include <signal.h>
#include <sys/wait.h>

#include "abi.h"
#include "hugepage.h"

// An area that came and went in parts leaves nothing behind that would keep huge pages away.
ABI_TEST(hugeparts, again_after_parts)
{
	char *p = area(4);
	pid_t pid;

	for (int forked = 0; forked < 2; forked++) {
		R(mprotect(p, 4 * MIB, PROT_READ | PROT_WRITE));
		R(madvise(p, 4 * MIB, MADV_NOHUGEPAGE));
		write_all(p, 4 * MIB, PAGE, 1);
		fflush(stdout);
		pid = forked ? fork() : 0;
		if (forked && !pid) {
			pause();
			_exit(0);
		}
		for (size_t at = 0; at < 4 * MIB; at += 64 * PAGE)
			munmap(p + at, 64 * PAGE);
		show("gone", p, 4 * MIB);
		OK(mmap(p, 4 * MIB, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == p
			   ? 0
			   : -1);
		R(madvise(p, 4 * MIB, MADV_HUGEPAGE));
		p[0] = p[HUGE + PAGE] = 1;
		show("again", p, 4 * MIB);
		if (forked) {
			kill(pid, SIGKILL);
			abi_reap(pid);
		}
	}
	R(munmap(p, 4 * MIB));
}

// What is given up as a whole stays whole; a part of it splits it.
ABI_TEST(hugeparts, free_lazily)
{
	char *p = huge_area(8);
	pid_t pid;

	write_all(p, 8 * MIB, PAGE, 1);
	write_all(p + 1, 8 * MIB, PAGE, 2); // Linux drops pages of zeroes when it splits
	R(madvise(p, HUGE, MADV_FREE));
	show("given up", p, 8 * MIB);
	printf("lazily %d\n", smaps("LazyFree", p, HUGE) == 2048);
	check_all("given up", p, 8 * MIB, PAGE, 1);
	p[5 * PAGE] = 99;
	printf("written: lazily %d, %d\n", smaps("LazyFree", p, HUGE) == 2048, p[5 * PAGE]);
	R(madvise(p + HUGE + 3 * PAGE, 20 * PAGE, MADV_FREE));
	show("a part", p, 8 * MIB);
	R(madvise(p + 2 * HUGE, HUGE, MADV_FREE));
	R(mprotect(p + 2 * HUGE, PAGE, PROT_READ));
	show("split when it was given up", p, 8 * MIB);
	p[2 * HUGE + PAGE] = 98;
	check_all("split when it was given up", p + 2 * HUGE + 2 * PAGE, HUGE - 2 * PAGE, PAGE, 3);
	fflush(stdout);
	if (!(pid = fork())) {
		R(madvise(p + 3 * HUGE, HUGE, MADV_FREE));
		show("shared", p, 8 * MIB);
		check_all("shared", p + 3 * HUGE, HUGE, PAGE, 1);
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	check_all("parent", p + 3 * HUGE, HUGE, PAGE, 1);
	R(munmap(p, 8 * MIB));
	p = huge_area(2);
	printf("%d\n", p[PAGE]);
	R(madvise(p, HUGE, MADV_FREE));
	show("zeroes", p, HUGE);
	R(munmap(p, HUGE));
}

// A table comes with each huge page, and is counted from then on.
ABI_TEST(hugeparts, tables_counted)
{
	char *p = huge_area(8), *q = area(4);
	long before;

	p[0] = 1;
	before = stat_of("/proc/self/status", "VmPTE");
#define TABLES(what) \
	printf("%s: VmPTE %+ld\n", what, stat_of("/proc/self/status", "VmPTE") - before)
	p[HUGE] = p[2 * HUGE] = 1;
	TABLES("two more");
	p[3 * HUGE + p[3 * HUGE]] = 1;
	TABLES("one of zeroes, written");
	R(mprotect(p + 5 * PAGE, PAGE, PROT_READ));
	TABLES("split");
	R(munmap(p + HUGE, HUGE));
	TABLES("one unmapped");
	R(munmap(p, HUGE));
	TABLES("a split one unmapped");
	OK(mremap(p + 2 * HUGE, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, q) == q ? 0 : -1);
	R(munmap(q, HUGE));
	R(madvise(p + 3 * HUGE, HUGE, MADV_DONTNEED));
	TABLES("the rest");
	memset(p + 3 * HUGE, 1, PAGE);
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		TABLES("child");
		R(munmap(p + 3 * HUGE + PAGE, PAGE));
		TABLES("child has split");
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	R(madvise(p + 3 * HUGE, HUGE, MADV_NOHUGEPAGE));
	R(munmap(p + 3 * HUGE + PAGE, PAGE));
	TABLES("parent has split");
	R(munmap(p, 8 * MIB));
	TABLES("end");
}
