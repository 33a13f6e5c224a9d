// Pages of 2 MiB: what asks for them, what /proc says of them, and that nothing is lost when a part of
// one is changed.
#include <elf.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>

#include "abi.h"
#include "hugepage.h"

ABI_TEST(hugepage, first_touch)
{
	char *p = huge_area(8);

	show("untouched", p, 8 * MIB);
	p[0] = 1;
	p[2 * HUGE + 12345] = 2;
	show("two touched", p, 8 * MIB);
	printf("%d %d %d\n", p[0], p[2 * HUGE + 12345], p[2 * HUGE]);
	printf("eligible %ld\n", smaps("THPeligible", p, 8 * MIB));
	write_all(p, 8 * MIB, PAGE, 3);
	show("all", p, 8 * MIB);
	check_all("all", p, 8 * MIB, PAGE, 3);
	R(munmap(p, 8 * MIB));
	show("unmapped", p, 8 * MIB);
}

ABI_TEST(hugepage, read_first)
{
	char *p = huge_area(4);
	long sum = 0;

	for (size_t at = 0; at < 4 * MIB; at += PAGE)
		sum += p[at];
	printf("sum %ld\n", sum);
	show("read", p, 4 * MIB);
	p[PAGE] = 1;
	show("one written", p, 4 * MIB);
	R(mprotect(p + HUGE, PAGE, PROT_READ));
	p[HUGE + 8 * PAGE] = 1;
	show("zeroes in two areas", p, 4 * MIB);
	printf("%d %d %d %d\n", p[0], p[PAGE], p[HUGE], p[HUGE + 8 * PAGE]);
	R(munmap(p, 4 * MIB));
}

ABI_TEST(hugepage, not_asked_for)
{
	char *p = area(4);

	R(madvise(p, 4 * MIB, MADV_HUGEPAGE));
	R(madvise(p, 2 * MIB, MADV_NOHUGEPAGE));
	write_all(p, 4 * MIB, HUGE, 1);
	show("first half", p, 2 * MIB);
	show("second half", p + 2 * MIB, 2 * MIB);
	printf("eligible %ld %ld\n", smaps("THPeligible", p, 2 * MIB),
	       smaps("THPeligible", p + HUGE, HUGE));
	R(munmap(p, 4 * MIB));
	p = huge_area(4);
	R(munmap(p, PAGE));
	write_all(p + PAGE, 4 * MIB - PAGE, HUGE, 1);
	show("not aligned", p, 4 * MIB);
	R(munmap(p, 4 * MIB));
	p = huge_area(4);
	R(munmap(p + 4 * MIB - PAGE, PAGE));
	p[HUGE] = 1;
	show("too short", p, 4 * MIB);
	R(munmap(p, 4 * MIB));
	R(madvise(p, 4 * MIB, MADV_HUGEPAGE));
}

ABI_TEST(hugepage, unmap_part)
{
	char *p = huge_area(4);

	write_all(p, 4 * MIB, PAGE, 1);
	R(munmap(p + 5 * PAGE, 3 * PAGE));
	show("three gone", p, 4 * MIB);
	check_all("before", p, 5 * PAGE, PAGE, 1);
	check_all("behind", p + 8 * PAGE, 4 * MIB - 8 * PAGE, PAGE, 9);
	R(madvise(p + HUGE, HUGE, MADV_DONTNEED));
	show("forgotten", p, 4 * MIB);
	printf("%d\n", p[HUGE]);
	p[HUGE] = 1;
	show("again", p, 4 * MIB);
	R(madvise(p + HUGE + PAGE, PAGE, MADV_DONTNEED));
	show("a page forgotten", p, 4 * MIB);
	R(munmap(p, 4 * MIB));
}

ABI_TEST(hugepage, rights)
{
	char *p = huge_area(4);

	write_all(p, 4 * MIB, PAGE, 7);
	R(mprotect(p, 4 * MIB, PROT_READ));
	show("read-only", p, 4 * MIB);
	check_all("read-only", p, 4 * MIB, PAGE, 7);
	R(mprotect(p, 4 * MIB, PROT_READ | PROT_WRITE));
	write_all(p, 4 * MIB, PAGE, 8);
	show("writable", p, 4 * MIB);
	R(mprotect(p + PAGE, PAGE, PROT_READ));
	show("a page read-only", p, 4 * MIB);
	check_all("a page read-only", p, 4 * MIB, PAGE, 8);
	R(mprotect(p, 4 * MIB, PROT_NONE));
	R(mprotect(p, 4 * MIB, PROT_READ | PROT_WRITE));
	check_all("none and back", p, 4 * MIB, PAGE, 8);
	R(munmap(p, 4 * MIB));
}

ABI_TEST(hugepage, fork_and_write)
{
	char *p = huge_area(4);
	pid_t pid;

	write_all(p, 4 * MIB, PAGE, 1);
	fflush(stdout);
	if (!(pid = fork())) {
		show("child", p, 4 * MIB);
		check_all("child", p, 4 * MIB, PAGE, 1);
		p[3 * PAGE] = 99;
		show("child wrote", p, 4 * MIB);
		printf("%d %d\n", p[3 * PAGE], p[4 * PAGE]);
		write_all(p + HUGE, HUGE, PAGE, 5);
		check_all("child wrote", p + HUGE, HUGE, PAGE, 5);
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	show("parent", p, 4 * MIB);
	check_all("parent", p, 4 * MIB, PAGE, 1);
	fflush(stdout);
	if (!(pid = fork())) {
		usleep(200000);
		check_all("child of a writer", p, 4 * MIB, PAGE, 1);
		fflush(stdout);
		_exit(0);
	}
	write_all(p, 4 * MIB, PAGE, 2);
	abi_reap(pid);
	check_all("writer", p, 4 * MIB, PAGE, 2);
	printf("Rss %ld\n", smaps("Rss", p, 4 * MIB));
	R(munmap(p, 4 * MIB));
	p = huge_area(4);
	write_all(p, 4 * MIB, PAGE, 1);
	R(madvise(p + PAGE, HUGE, MADV_DONTFORK));
	R(madvise(p + HUGE + 9 * PAGE, PAGE, MADV_WIPEONFORK));
	show("parts", p, 4 * MIB);
	fflush(stdout);
	if (!(pid = fork())) {
		show("child of parts", p, 4 * MIB);
		printf("%d %d %d\n", p[0], p[HUGE + 9 * PAGE], p[HUGE + 10 * PAGE]);
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	check_all("parts", p, 4 * MIB, PAGE, 1);
	R(munmap(p, 4 * MIB));
}

ABI_TEST(hugepage, write_after_child)
{
	char *p = huge_area(2);
	pid_t pid;

	write_all(p, HUGE, PAGE, 1);
	fflush(stdout);
	if (!(pid = fork()))
		_exit(p[PAGE]);
	abi_reap(pid);
	p[PAGE] = 5;
	show("written again", p, HUGE);
	R(munmap(p, HUGE));
}

ABI_TEST(hugepage, move)
{
	char *p = huge_area(4), *q = area(8);

	write_all(p, 4 * MIB, PAGE, 1);
	OK(mremap(p, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, q) == q ? 0 : -1);
	show("moved", q, HUGE);
	check_all("moved", q, HUGE, PAGE, 1);
	OK(mremap(p + HUGE, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, q + HUGE + PAGE) ==
			   q + HUGE + PAGE
		   ? 0
		   : -1);
	show("moved askew", q + HUGE, 2 * HUGE);
	check_all("moved askew", q + HUGE + PAGE, HUGE, PAGE, 1 + 512);
	R(munmap(q, 8 * MIB));
}

ABI_TEST(hugepage, collapse)
{
	char *p = area(6);

	R(madvise(p, 2 * MIB, MADV_COLLAPSE));
	write_all(p, 4 * MIB, 3 * PAGE, 1);
	R(madvise(p, 4 * MIB, MADV_COLLAPSE));
	show("collapsed", p, 4 * MIB);
	check_all("collapsed", p, 4 * MIB, 3 * PAGE, 1);
	R(madvise(p, 4 * MIB, MADV_COLLAPSE));
	R(madvise(p + PAGE, HUGE, MADV_COLLAPSE));
	R(madvise(p + PAGE, 2 * HUGE, MADV_COLLAPSE));
	R(madvise(p + PAGE, PAGE, MADV_COLLAPSE));
	R(madvise(p, 6 * MIB, MADV_COLLAPSE));
	R(madvise(p, 8 * MIB, MADV_COLLAPSE));
	R(madvise(p + 1, HUGE, MADV_COLLAPSE));
	R(madvise(p, 0, MADV_COLLAPSE));
	p[5 * PAGE] = 2;
	R(madvise(p, HUGE, MADV_NOHUGEPAGE));
	R(madvise(p, HUGE, MADV_COLLAPSE));
	show("not wanted", p, 2 * MIB);
	R(madvise(p, HUGE, MADV_HUGEPAGE));
	R(mprotect(p, PAGE, PROT_READ));
	R(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	show("split", p, 2 * MIB);
	R(madvise(p, HUGE, MADV_COLLAPSE));
	show("again", p, 2 * MIB);
	R(munmap(p + PAGE, PAGE));
	R(madvise(p, HUGE, MADV_COLLAPSE));
	R(madvise(p + 4 * MIB, PAGE, MADV_GUARD_INSTALL));
	p[4 * MIB + PAGE] = 1;
	OK(madvise(p + 4 * MIB, HUGE, MADV_COLLAPSE) ? 0 : -1);
	R(munmap(p, 6 * MIB));
	p = mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	p[0] = 1;
	R(madvise(p, PAGE, MADV_COLLAPSE));
	R(munmap(p + PAGE, 8 * MIB - PAGE));
	R(madvise(p, PAGE, MADV_COLLAPSE));
	R(munmap(p, PAGE));
}

ABI_TEST(hugepage, collapse_shared)
{
	char *p = area(2);
	pid_t pid;

	write_all(p, HUGE, PAGE, 1);
	fflush(stdout);
	if (!(pid = fork())) {
		usleep(300000);
		check_all("child", p, HUGE, PAGE, 1);
		fflush(stdout);
		_exit(0);
	}
	R(madvise(p, HUGE, MADV_COLLAPSE));
	write_all(p, HUGE, PAGE, 2);
	show("parent", p, HUGE);
	abi_reap(pid);
	check_all("parent", p, HUGE, PAGE, 2);
	R(munmap(p, HUGE));
}

ABI_TEST(hugepage, disabled)
{
	char *p;

	R(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	R(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0));
	R(prctl(PR_SET_THP_DISABLE, 1, 0, 1, 0));
	R(prctl(PR_SET_THP_DISABLE, 0, 1, 0, 0));
	R(prctl(PR_SET_THP_DISABLE, 1, 4, 0, 0));
	R(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	R(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	printf("status %ld\n", stat_of("/proc/self/status", "THP_enabled"));
	p = huge_area(2);
	p[0] = 1;
	show("disabled", p, HUGE);
	R(madvise(p, HUGE, MADV_COLLAPSE));
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		printf("child: %d\n", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	R(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
	R(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	printf("status %ld\n", stat_of("/proc/self/status", "THP_enabled"));
	R(munmap(p, HUGE));
	p = huge_area(2);
	p[0] = 1;
	show("enabled", p, HUGE);
	R(munmap(p, HUGE));
}

ABI_TEST(hugepage, alignment)
{
	static const size_t sizes[] = {2 * MIB, 4 * MIB, 6 * MIB};
	char *hint = area(8), *p;

	for (size_t i = 0; i < 3; i++) {
		p = mmap(NULL, sizes[i], PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0);
		printf("%zu MiB: askew %ld\n", sizes[i] / MIB, (unsigned long)p % HUGE);
		char *small = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		R(munmap(small, PAGE));
	}
	munmap(hint, 8 * MIB);
	p = mmap(hint + PAGE, 4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	printf("a hint is taken: %d\n", p == hint + PAGE);
}

ABI_TEST(hugepage, other_walks)
{
	static unsigned char resident[1024];
	char *p = huge_area(4), byte = 0;
	size_t count = 0;

	p[0] = 11;
	p[HUGE - 1] = 12;
	R(mincore(p, 4 * MIB, resident));
	for (size_t i = 0; i < 1024; i++)
		count += resident[i] & 1;
	printf("resident %zu\n", count);
	struct iovec here = {&byte, 1}, there = {p + HUGE - 1, 1};
	R(process_vm_readv(getpid(), &here, 1, &there, 1, 0));
	printf("%d\n", byte);
	byte = 13;
	there.iov_base = p + 100 * PAGE;
	R(process_vm_writev(getpid(), &here, 1, &there, 1, 0));
	printf("%d\n", p[100 * PAGE]);
	int fds[2];
	R(pipe(fds));
	R(write(fds[1], p + HUGE - 4, 4));
	R(read(fds[0], p + 7, 4));
	printf("%d %d\n", p[9], p[10]);
	show("before mlock", p, 4 * MIB);
	R(mlock(p, 4 * MIB));
	show("locked", p, 4 * MIB);
	R(munlock(p + PAGE, PAGE));
	show("a page unlocked", p, 4 * MIB);
	R(munmap(p, 4 * MIB));
}

ABI_TEST(hugepage, counters)
{
	long before = stat_of("/proc/vmstat", "thp_fault_alloc");
	long collapsed = stat_of("/proc/vmstat", "thp_collapse_alloc");
	long split = stat_of("/proc/vmstat", "thp_split_pmd");
	long mapped = stat_of("/proc/meminfo", "AnonHugePages");
	long resident = stat_of("/proc/self/status", "RssAnon");
	char *p = huge_area(6);

	p[0] = p[HUGE] = 1;
	printf("fault_alloc +%ld\n", stat_of("/proc/vmstat", "thp_fault_alloc") - before);
	printf("meminfo +%ld kB\n", stat_of("/proc/meminfo", "AnonHugePages") - mapped);
	printf("RssAnon at least +4 MiB: %d\n",
	       stat_of("/proc/self/status", "RssAnon") - resident >= 4096);
	madvise(p, PAGE, MADV_DONTNEED);
	printf("split_pmd +%ld\n", stat_of("/proc/vmstat", "thp_split_pmd") - split);
	printf("meminfo +%ld kB\n", stat_of("/proc/meminfo", "AnonHugePages") - mapped);
	R(madvise(p, HUGE, MADV_COLLAPSE));
	printf("collapse_alloc +%ld\n", stat_of("/proc/vmstat", "thp_collapse_alloc") - collapsed);
	munmap(p, 6 * MIB);
	printf("meminfo +%ld kB\n", stat_of("/proc/meminfo", "AnonHugePages") - mapped);
}

ABI_TEST(hugepage, flags)
{
	char *p = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long from = 0, to, at;
	char line[512];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &at, &to) == 2 &&
		    strchr(line, '-') < strchr(line, ' '))
			from = at;
		else if (from == (unsigned long)p && !strncmp(line, "VmFlags", 7))
			fputs(line, stdout);
	}
	if (file)
		fclose(file);
}

// --- A thread that sleeps on a word of a page of 2 MiB, while other parts of that are changed ---

static int *word;

static long futex(int *at, int op, int value)
{
	return syscall(SYS_futex, at, op, value, NULL, NULL, 0);
}

static void *wait_word(void *op)
{
	return (void *)futex(word, (long)op, 0);
}

static void sleep_and_split(const char *what, int flag, int (*split)(char *p))
{
	char *p = huge_area(2);
	pthread_t thread;
	void *result;

	printf("%s, %s key\n", what, flag ? "private" : "shared");
	write_all(p, HUGE, PAGE, 1);
	word = (int *)(p + 9 * PAGE + 64);
	pthread_create(&thread, NULL, wait_word, (void *)(long)(FUTEX_WAIT | flag));
	usleep(200000);
	show("asleep", p, HUGE);
	R(split(p));
	show("split", p, HUGE);
	R(futex(word, FUTEX_WAIT | flag, 5));
	R(futex(word + 1, FUTEX_WAKE | flag, 9));
	R(futex(word, FUTEX_WAKE | flag, 9));
	pthread_join(thread, &result);
	printf("woken: %ld\n", (long)result);
	R(munmap(p, HUGE));
	R(futex(word, FUTEX_WAKE, 9));
}

static int split_munmap(char *p)
{
	return munmap(p + 100 * PAGE, 50 * PAGE);
}

static int split_mprotect(char *p)
{
	return mprotect(p + 10 * PAGE, PAGE, PROT_READ);
}

static int split_own_page(char *p)
{
	return mprotect(p + 9 * PAGE, PAGE, PROT_READ)
		       ?: mprotect(p + 9 * PAGE, PAGE, PROT_READ | PROT_WRITE);
}

// The word's page is copied, as a child has it too.
static int split_write(char *p)
{
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		usleep(100000);
		_exit(p[9 * PAGE] != 10 || futex(word, FUTEX_WAKE, 9));
	}
	p[9 * PAGE] = 77;
	abi_reap(pid);
	return 0;
}

ABI_TEST(hugepage, futex_and_split)
{
	for (int i = 0; i < 2; i++) {
		int flag = i ? 0 : FUTEX_PRIVATE_FLAG;

		sleep_and_split("munmap", flag, split_munmap);
		sleep_and_split("mprotect", flag, split_mprotect);
		sleep_and_split("mprotect of the word", flag, split_own_page);
		sleep_and_split("write after fork", flag, split_write);
	}
}

// --- Reading another's ---

static void fill_words(char *p, size_t size)
{
	for (size_t at = 0; at < size; at += 8)
		*(unsigned long *)(p + at) = at * 0x9e3779b97f4a7c15ul;
}

static size_t wrong_words(const char *p, size_t from, size_t to)
{
	size_t wrong = 0;

	for (size_t at = from; at < to; at += 8)
		wrong += *(const unsigned long *)(p + at) != at * 0x9e3779b97f4a7c15ul;
	return wrong;
}

ABI_TEST(hugepage, read_others)
{
	char *p = huge_area(4), *copy = area(4), byte;
	int ready[2], go[2];
	pid_t pid;

	pipe(ready);
	pipe(go);
	if (!(pid = fork())) {
		fill_words(p, 4 * MIB);
		write(ready[1], "", 1);
		read(go[0], &byte, 1);
		munmap(p + 3 * MIB, 8 * PAGE);
		write(ready[1], "", 1);
		read(go[0], &byte, 1);
		_exit(p[8] != 9 || wrong_words(p, 16, 3 * MIB));
	}
	read(ready[0], &byte, 1);
	struct iovec here = {copy, 4 * MIB}, there = {p, 4 * MIB};
	R(process_vm_readv(pid, &here, 1, &there, 1, 0));
	printf("wrong %zu\n", wrong_words(copy, 0, 4 * MIB));
	memset(copy, 0, 4 * MIB);
	here = (struct iovec){copy + HUGE - 104, 2 * PAGE};
	there = (struct iovec){p + HUGE - 104, 2 * PAGE};
	R(process_vm_readv(pid, &here, 1, &there, 1, 0));
	printf("wrong %zu\n", wrong_words(copy, HUGE - 104, HUGE - 104 + 2 * PAGE));
	write(go[1], "", 1);
	read(ready[0], &byte, 1);
	here = (struct iovec){copy, 4 * MIB};
	there = (struct iovec){p, 4 * MIB};
	R(process_vm_readv(pid, &here, 1, &there, 1, 0));
	printf("wrong %zu\n", wrong_words(copy, 0, 3 * MIB));
	byte = 9;
	here = (struct iovec){&byte, 1};
	there = (struct iovec){p + 8, 1};
	R(process_vm_writev(pid, &here, 1, &there, 1, 0));
	write(go[1], "", 1);
	abi_reap(pid);
	R(munmap(p, 4 * MIB));
}

static volatile char byte_read;

// What a core file has of an area: each segment within it, and how much of that is wrong.
static void check_core(const char *file, const char *p, size_t size)
{
	int fd = open(file, O_RDONLY);
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	unsigned long start = (unsigned long)p;
	char *copy = malloc(size);

	if (fd < 0 || pread(fd, &header, sizeof(header), 0) != sizeof(header))
		printf("no core: %s\n", strerrorname_np(errno));
	for (unsigned i = 0; fd >= 0 && i < header.e_phnum; i++) {
		pread(fd, &segment, sizeof(segment), header.e_phoff + i * sizeof(segment));
		if (segment.p_type != PT_LOAD || segment.p_vaddr < start ||
		    segment.p_vaddr >= start + size)
			continue;
		size_t at = segment.p_vaddr - start;
		ssize_t got = pread(fd, copy + at, segment.p_filesz, segment.p_offset);
		printf("segment at %zu: flags %x, memory %zu, file %zu, got %zd, wrong %zu\n", at,
		       segment.p_flags, segment.p_memsz, segment.p_filesz, got,
		       wrong_words(copy, at, at + (got > 0 ? got : 0)));
	}
	free(copy);
	close(fd);
	unlink(file);
}

ABI_TEST(hugepage, core_file)
{
	char *p = huge_area(4);

	put_text("/proc/sys/kernel/core_pattern", "/tmp/core.huge");
	put_text("/proc/sys/kernel/core_uses_pid", "0");
	for (int i = 0; i < 3; i++) {
		fflush(stdout);
		pid_t pid = fork();
		if (!pid) {
			setrlimit(RLIMIT_CORE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
			fill_words(p, i == 2 ? HUGE : 4 * MIB);
			if (i == 1) {
				munmap(p + 5 * PAGE, PAGE);
				mprotect(p + 3 * MIB, PAGE, PROT_READ);
			}
			byte_read = p[3 * MIB]; // of zeroes, if nothing was written
			abort();
		}
		abi_reap(pid);
		check_core("/tmp/core.huge", p, 4 * MIB);
	}
	put_text("/proc/sys/kernel/core_pattern", "core");
	R(munmap(p, 4 * MIB));
}
