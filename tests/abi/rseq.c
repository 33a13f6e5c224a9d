// Restartable sequences: registration, the numbers in the area, and where a thread goes on that was
// interrupted in a section. The C library registers an area for each thread; the tests take it away
// and use one of their own.

#include "abi.h"
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/ucontext.h>

#ifndef AT_RSEQ_FEATURE_SIZE
#define AT_RSEQ_FEATURE_SIZE 27
#define AT_RSEQ_ALIGN        28
#endif
#define SIGNATURE 0xf1401073
#define LENGTH    32

struct area {
	unsigned cpu_id_start, cpu_id;
	unsigned long section;
	unsigned flags, node_id, mm_cid, end;
} __attribute__((aligned(32)));

struct section {
	unsigned version, flags;
	unsigned long start, length, abort;
} __attribute__((aligned(32)));

static struct area area;

static long do_rseq(void *where, unsigned length, int flags, unsigned signature)
{
	return syscall(SYS_rseq, where, length, flags, signature);
}

// An area that the C library may have registered is given up.
static void leave_library(void)
{
	if (__rseq_size)
		do_rseq((char *)__builtin_thread_pointer() + __rseq_offset, LENGTH,
			RSEQ_FLAG_UNREGISTER, SIGNATURE);
}

static void begin(void)
{
	leave_library();
	memset(&area, 0, sizeof(area));
	R(do_rseq(&area, LENGTH, 0, SIGNATURE));
}

// The calling thread's own area, registered.
static struct area *own_area(void)
{
	static __thread struct area own;

	leave_library();
	if (do_rseq(&own, LENGTH, 0, SIGNATURE))
		printf("no area: %s\n", strerrorname_np(errno));
	return &own;
}

ABI_TEST(rseq, auxiliary_vector)
{
	printf("features %d align %d\n", getauxval(AT_RSEQ_FEATURE_SIZE) >= 28,
	       getauxval(AT_RSEQ_ALIGN) >= 32);
}

ABI_TEST(rseq, registration)
{
	static char room[128] __attribute__((aligned(64)));

	leave_library();
	R(do_rseq(&area, LENGTH, RSEQ_FLAG_UNREGISTER, SIGNATURE));
	R(do_rseq(NULL, LENGTH, RSEQ_FLAG_UNREGISTER, SIGNATURE));
	R(do_rseq(&area, LENGTH, 4, SIGNATURE));
	R(do_rseq(&area, LENGTH, RSEQ_FLAG_UNREGISTER | 4, SIGNATURE));
	R(do_rseq(&area, 31, 0, SIGNATURE));
	R(do_rseq(&area, 0, 0, SIGNATURE));
	R(do_rseq(room + 16, LENGTH, 0, SIGNATURE));
	R(do_rseq(room + 1, 64, 0, SIGNATURE));
	R(do_rseq((void *)0x7000, LENGTH, 0, SIGNATURE));
	R(do_rseq((void *)-64, LENGTH, 0, SIGNATURE));
	area.section = 77;
	area.flags = 0;
	area.mm_cid = area.node_id = 77;
	R(do_rseq(&area, LENGTH, 0, SIGNATURE));
	printf("cpu %d %d, section %lu flags %u node %u cid %u\n",
	       (int)area.cpu_id == sched_getcpu(), area.cpu_id == area.cpu_id_start, area.section,
	       area.flags, area.node_id, area.mm_cid);
	R(do_rseq(&area, LENGTH, 0, SIGNATURE));
	R(do_rseq(&area, LENGTH, 0, 1));
	R(do_rseq(&area, 64, 0, SIGNATURE));
	R(do_rseq(room, LENGTH, 0, SIGNATURE));
	R(do_rseq(&area, LENGTH, RSEQ_FLAG_UNREGISTER, 1));
	R(do_rseq(&area, 64, RSEQ_FLAG_UNREGISTER, SIGNATURE));
	R(do_rseq(room, LENGTH, RSEQ_FLAG_UNREGISTER, SIGNATURE));
	R(do_rseq(&area, LENGTH, RSEQ_FLAG_UNREGISTER, SIGNATURE));
	printf("cpu %d %d, node %u cid %u\n", area.cpu_id, area.cpu_id_start, area.node_id,
	       area.mm_cid);
	R(do_rseq(&area, LENGTH, RSEQ_FLAG_UNREGISTER, SIGNATURE));
}

static int vm_child(void *unused)
{
	static struct area other;

	// Not registered: it has the memory of its parent.
	return do_rseq(&other, LENGTH, 0, SIGNATURE) ? errno : 0;
}

static void *thread_main(void *unused)
{
	struct area *own = own_area();

	R(do_rseq(own, LENGTH, 0, SIGNATURE));
	printf("thread: %d\n", (int)own->cpu_id == sched_getcpu());
	return NULL;
}

ABI_TEST(rseq, children)
{
	static char stack[16384] __attribute__((aligned(16)));
	pthread_t thread;
	int status;

	begin();
	pid_t pid = fork();
	if (!pid) {
		R(do_rseq(&area, LENGTH, 0, SIGNATURE));
		printf("fork: cpu %d\n", (int)area.cpu_id == sched_getcpu());
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	pid = clone(vm_child, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	waitpid(pid, &status, 0);
	printf("CLONE_VM: %x\n", status);
	pthread_create(&thread, NULL, thread_main, NULL);
	pthread_join(thread, NULL);
}

// --- Sections ---

extern char section_start[], section_trap[], section_end[], section_abort[], section_unsigned[];
long section_run(struct area *where, struct section *section);
// A section that traps in its middle; returns 1 if it was aborted. A second abort address has no
// signature before it.
asm(".option push\n.option norvc\n"
    ".globl section_run\n"
    "section_run:\n"
    "	sd a1, 8(a0)\n"
    "section_start:\n"
    "	nop\n"
    "section_trap:\n"
    "	ebreak\n"
    "	nop\n"
    "section_end:\n"
    "	li a0, 0\n"
    "	ret\n"
    "	.word 0xf1401073\n"
    "section_abort:\n"
    "	li a0, 1\n"
    "	ret\n"
    "	nop\n"
    "section_unsigned:\n"
    "	li a0, 2\n"
    "	ret\n"
    ".option pop\n");

static void on_trap(int sig, siginfo_t *info, void *context)
{
	unsigned long *pc = &((ucontext_t *)context)->uc_mcontext.__gregs[REG_PC];

	printf("SIGTRAP at %ld, section %s\n", (long)(*pc - (unsigned long)section_start),
	       area.section ? "kept" : "cleared");
	if (*pc == (unsigned long)section_trap)
		*pc += 4;
}

static void try_section(const char *name, struct section *section)
{
	printf("%s: ", name);
	fflush(stdout);
	pid_t pid = fork();

	if (!pid) {
		struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};

		sigaction(SIGTRAP, &action, NULL);
		long result = section_run(&area, section);
		printf("returned %ld\n", result);
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
}

static struct section good(void)
{
	return (struct section){0, 0, (unsigned long)section_start, section_end - section_start,
				(unsigned long)section_abort};
}

#define TRY(name, ...)                   \
	do {                             \
		static struct section s; \
		s = good();              \
		__VA_ARGS__;             \
		try_section(name, &s);   \
	} while (0)

ABI_TEST(rseq, sections)
{
	begin();
	try_section("none", NULL);
	TRY("good", );
	TRY("elsewhere", s.start += 4096);
	TRY("ends before", s.length = 4);
	TRY("ends behind", s.length = 8);
	TRY("starts behind", s.start += 8, s.length -= 8);
	TRY("empty", s.length = 0);
	TRY("signature elsewhere", s.abort = (unsigned long)section_unsigned);
	TRY("abort inside", s.abort = (unsigned long)section_trap);
	TRY("abort in the kernel", s.abort = -4096ul);
	TRY("abort unmapped", s.abort = 0x8000);
	TRY("version", s.version = 1);
	TRY("flag", s.flags = 1);
	TRY("flags", s.flags = 7);
	TRY("unknown flag", s.flags = 8);
	TRY("abort at 0", s.abort = 0);
	TRY("start in the kernel", s.start = -4096ul);
	TRY("start and length wrap", s.start = 4096, s.length = -1ul);
	try_section("unmapped", (void *)0x8000);
	try_section("in the kernel", (void *)-4096ul);
}

ABI_TEST(rseq, area_unmapped)
{
	struct area *where = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				  -1, 0);

	leave_library();
	OK(do_rseq(where, LENGTH, 0, SIGNATURE));
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		munmap(where, 4096);
		signal(SIGUSR1, SIG_IGN);
		signal(SIGUSR2, exit);
		raise(SIGUSR1);
		raise(SIGUSR2);
		_exit(1);
	}
	abi_reap(pid);
}

// --- Preemption ---

long section_spin(struct area *where, volatile int *in);
// Stays in a section until it is aborted.
asm(".globl section_spin\n"
    "	.section .rodata\n"
    "	.balign 32\n"
    "1:	.word 0, 0\n"
    "	.dword 2f, 3f - 2f, 4f\n"
    "	.text\n"
    "section_spin:\n"
    "	la t0, 1b\n"
    "	sd t0, 8(a0)\n"
    "2:	li t0, 1\n"
    "	sw t0, (a1)\n"
    "5:	j 5b\n"
    "3:	nop\n"
    "	.balign 4\n"
    "	.word 0xf1401073\n"
    "4:	li a0, 1\n"
    "	ret\n");

static void on_hart_0(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

ABI_TEST(rseq, preempted)
{
	volatile int in;

	on_hart_0();
	begin();
	pid_t pid = fork();
	if (!pid) {
		for (;;)
			;
	}
	for (int i = 0; i < 5; i++)
		printf("aborted %ld\n", section_spin(&area, &in));
	kill(pid, SIGKILL);
	abi_reap(pid);
}

static volatile int spinning, rounds;

static void *spinner(void *unused)
{
	struct area *own = own_area();

	for (int i = 0; i < 5; i++) {
		section_spin(own, &spinning);
		__atomic_add_fetch(&rounds, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

ABI_TEST(rseq, membarrier)
{
	pthread_t thread;

	R(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0));
	R(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0));
	R(syscall(SYS_membarrier, 1 << 9, 0, 0));
	R(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0));
	R(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 1, 0));
	R(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 1, -1));
	R(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 1, 1000000));
	R(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 2, 0));
	R(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 1, 0));
	pthread_create(&thread, NULL, spinner, NULL);
	while (rounds < 5) {
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0);
		sched_yield();
	}
	pthread_join(thread, NULL);
	printf("%d rounds\n", rounds);
}

// --- Counters of harts and of concurrency ids ---

#define THREADS 8
#define TURNS   100000

static struct {
	long count, room[7];
} by_cpu[64] __attribute__((aligned(64))), by_cid[64] __attribute__((aligned(64)));

long section_count(struct area *where, void *counters);
long section_count_cid(struct area *where, void *counters);
// Adds one to the counter of a number in the area; returns 1 if it was aborted.
#define COUNT(name, offset)              \
	asm(".globl " name "\n"          \
	    "	.section .rodata\n"        \
	    "	.balign 32\n"              \
	    "1:	.word 0, 0\n"            \
	    "	.dword 2f, 3f - 2f, 4f\n"  \
	    "	.text\n" name ":\n"      \
	    "	la t0, 1b\n"               \
	    "	sd t0, 8(a0)\n"            \
	    "2:	lw t1, " offset "(a0)\n" \
	    "	slli t1, t1, 6\n"          \
	    "	add t1, t1, a1\n"          \
	    "	ld t2, (t1)\n"             \
	    "	addi t2, t2, 1\n"          \
	    "	sd t2, (t1)\n"             \
	    "3:	li a0, 0\n"              \
	    "	ret\n"                     \
	    "	.balign 4\n"               \
	    "	.word 0xf1401073\n"        \
	    "4:	li a0, 1\n"              \
	    "	ret\n")
COUNT("section_count", "4");
COUNT("section_count_cid", "24");

static void *counter(void *unused)
{
	struct area *own = own_area();

	for (int i = 0; i < TURNS; i++) {
		while (section_count(own, by_cpu))
			;
		while (section_count_cid(own, by_cid))
			;
		if (i % 1000 == 0)
			sched_yield();
	}
	return NULL;
}

ABI_TEST(rseq, counters)
{
	pthread_t threads[THREADS];
	long cpus = 0, cids = 0, highest = 0;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, counter, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 64; i++) {
		cpus += by_cpu[i].count;
		cids += by_cid[i].count;
		highest = by_cid[i].count ? i : highest;
	}
	printf("%ld %ld, ids dense %d\n", cpus, cids, highest < sysconf(_SC_NPROCESSORS_ONLN));
}
