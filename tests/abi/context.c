// Registers: what a program has in them stays over system calls, faults, forks and signal handlers.

#include <sched.h>
#include <sys/mman.h>

#include "abi.h"

// Loads all registers but sp and tp from *in, executes one instruction, and stores them in *out.
struct registers {
	long x[32];
};
void do_ecall(const struct registers *in, struct registers *out);
void do_load(const struct registers *in, struct registers *out);
// The same with the floating-point registers and fcsr, around kill(pid, signal).
struct fp_registers {
	double f[32];
	unsigned long fcsr;
};
void do_kill_fp(const struct fp_registers *in, struct fp_registers *out, long pid, long signal);

// clang-format off
#define AROUND(name, instruction)               \
	__asm__(".text\n.globl " name "\n" name ":\n" \
	"	addi	sp, sp, -128\n"                \
	SAVED("sd")                             \
	"	sd	a1, 112(sp)\n"                 \
	LOADS                                   \
	"	ld	a0, 80(a0)\n"                  \
	"	" instruction "\n"                     \
	"	sd	t0, 120(sp)\n"                 \
	"	ld	t0, 112(sp)\n"                 \
	STORES                                  \
	"	ld	t1, 120(sp)\n"                 \
	"	sd	t1, 40(t0)\n"                  \
	SAVED("ld")                             \
	"	addi	sp, sp, 128\n"                 \
	"	ret\n")

#define SAVED(op) ONE(op, ra, 0) ONE(op, gp, 8) ONE(op, s0, 16) ONE(op, s1, 24) ONE(op, s2, 32) \
	ONE(op, s3, 40) ONE(op, s4, 48) ONE(op, s5, 56) ONE(op, s6, 64) ONE(op, s7, 72)          \
	ONE(op, s8, 80) ONE(op, s9, 88) ONE(op, s10, 96) ONE(op, s11, 104)
#define ONE(op, reg, at) "	" op "	" #reg ", " #at "(sp)\n"
#define LOADS ".irp n, 1,3,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n" \
	"	ld	x\\n, 8*\\n(a0)\n.endr\n"
#define STORES ".irp n, 1,3,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n" \
	"	sd	x\\n, 8*\\n(t0)\n.endr\n"

AROUND("do_ecall", "ecall");
AROUND("do_load", "ld a0, (a0)");

#define FLOATS "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"
__asm__(".text\n.globl do_kill_fp\ndo_kill_fp:\n"
	"	addi	sp, sp, -112\n"
	".irp n, 0,1,2,3,4,5,6,7,8,9,10,11\n	fsd	fs\\n, 8*\\n(sp)\n.endr\n"
	"	mv	t0, a1\n"
	".irp n, " FLOATS "\n	fld	f\\n, 8*\\n(a0)\n.endr\n"
	"	ld	t1, 256(a0)\n	fscsr	t1\n"
	"	mv	a0, a2\n	mv	a1, a3\n	li	a7, 129\n	ecall\n"
	".irp n, " FLOATS "\n	fsd	f\\n, 8*\\n(t0)\n.endr\n"
	"	frcsr	t1\n	sd	t1, 256(t0)\n"
	".irp n, 0,1,2,3,4,5,6,7,8,9,10,11\n	fld	fs\\n, 8*\\n(sp)\n.endr\n"
	"	addi	sp, sp, 112\n	ret\n");
// clang-format on

static void fill(struct registers *in, long call, long a0, long a1)
{
	long gp;

	for (int i = 0; i < 32; i++)
		in->x[i] = 0x1234567800000000 + i * 0x1010101;
	__asm__("mv %0, gp" : "=r"(gp));
	in->x[3] = gp; // handlers need it
	in->x[10] = a0;
	in->x[11] = a1;
	in->x[12] = in->x[13] = in->x[14] = 0;
	in->x[17] = call;
}

// How many differ, but for a0, which has the result.
static int wrong(const struct registers *in, const struct registers *out)
{
	int count = 0;

	for (int i = 1; i < 32; i++)
		count += i != 2 && i != 4 && i != 10 && in->x[i] != out->x[i];
	return count;
}

static volatile int handled;

static void on_signal(int signal)
{
	handled++;
	// Whatever the interrupted code has in these is lost, unless the kernel puts it back.
	__asm__ volatile(".irp n, " FLOATS "\n	fcvt.d.l f\\n, sp\n.endr\n	li t0, 3\n"
			 "	fscsr t0\n	li s2, 1\n	li s11, 2\n	li t6, 3\n"
			 :
			 :
			 : "memory", "s2", "s11", "t6", "t0");
}

static void keeps(const char *what, long call, long a0, long a1)
{
	struct registers in, out;

	fill(&in, call, a0, a1);
	do_ecall(&in, &out);
	printf("%s: %d wrong\n", what, wrong(&in, &out));
}

ABI_TEST(context, system_calls)
{
	signal(SIGUSR1, on_signal);
	keeps("getppid", SYS_getppid, 0, 0);
	keeps("sched_yield", SYS_sched_yield, 0, 0);
	keeps("a call that is not", 9999, 0, 0);
	keeps("kill to self", SYS_kill, getpid(), SIGUSR1);
	keeps("nanosleep", SYS_nanosleep, (long)&(struct timespec){0, 1000000}, 0);
	printf("handled %d\n", handled);
}

ABI_TEST(context, fork_both_sides)
{
	struct registers in, out;

	fill(&in, SYS_clone, SIGCHLD, 0);
	fflush(stdout);
	do_ecall(&in, &out);
	if (out.x[10] == 0)
		_exit(wrong(&in, &out));
	printf("parent: %d wrong\n", wrong(&in, &out));
	abi_reap(out.x[10]);
}

ABI_TEST(context, page_faults)
{
	struct registers in, out;
	char *p = mmap(NULL, 64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int count = 0;

	for (int i = 0; i < 64; i++) {
		fill(&in, 0, (long)(p + i * 4096), 0);
		do_load(&in, &out);
		count += wrong(&in, &out) + (out.x[10] != 0);
	}
	printf("wrong %d\n", count);
	munmap(p, 64 * 4096);
}

static void fp_over_handler(const char *where)
{
	struct fp_registers in = {.fcsr = 0x45}, out;
	int count = 0;

	for (int i = 0; i < 32; i++)
		in.f[i] = 1.5 + i;
	handled = 0;
	do_kill_fp(&in, &out, getpid(), SIGUSR1);
	for (int i = 0; i < 32; i++)
		count += in.f[i] != out.f[i];
	printf("%s: %d wrong, fcsr %lx, handled %d\n", where, count, out.fcsr, handled);
}

// A frame on one page, and frames that begin at each 16 bytes before the end of a page.
ABI_TEST(context, floating_point_over_handlers)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
	char *p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char where[32];

	sigaction(SIGUSR1, &action, NULL);
	fp_over_handler("own stack");
	for (int over = 0; over < 1200; over += 112) {
		stack_t stack = {.ss_sp = p, .ss_size = 3 * 4096 + over};
		if (sigaltstack(&stack, NULL))
			perror("sigaltstack");
		snprintf(where, sizeof(where), "%d over", over);
		fp_over_handler(where);
	}
	sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
	munmap(p, 4 * 4096);
}

ABI_TEST(context, no_room_for_the_frame)
{
	char *p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	// The frame reaches into a page that cannot be written.
	for (int over = 64; over < 1200; over += 512) {
		fflush(stdout);
		pid_t pid = fork();
		if (pid == 0) {
			struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
			stack_t stack = {.ss_sp = p, .ss_size = 3 * 4096 + over};

			sigaction(SIGUSR1, &action, NULL);
			mprotect(p + 2 * 4096, 4096, PROT_READ);
			sigaltstack(&stack, NULL);
			kill(getpid(), SIGUSR1);
			_exit(handled);
		}
		abi_reap(pid);
	}
	munmap(p, 4 * 4096);
}
