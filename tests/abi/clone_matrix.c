// Every combination of thirteen flags of clone: which of them are refused, and for each that is
// not, what parent and child then share, as user space can see it.
//
// The task that calls is a child of the test, so that a sibling made by CLONE_PARENT has a parent
// that reaps it. The new task starts on a stack of its own, and because its memory and thread
// pointer may be the caller's, it runs only code that makes raw calls and touches no C library. It
// changes one thing of each kind and notes what it sees in a page that is shared whatever the flags
// are; the caller then looks at which changes reached it, and puts them back.
//
// Sixteen combinations a line, four hexadecimal digits each (enum seen), or ---- for EINVAL. Linux's
// output is kept in clone_matrix.linux; `scripts/compare --record` makes it anew.

#include "raw.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/sem.h>

enum seen {
	MEMORY_SHARED = 1 << 0,
	UMASK_SHARED = 1 << 1,
	CWD_SHARED = 1 << 2,
	FILES_SHARED = 1 << 3,
	HANDLERS_SHARED = 1 << 4,
	SAME_TGID = 1 << 5,
	UNDO_SHARED = 1 << 6, // the semaphore keeps its value when the child ends
	SIBLING = 1 << 7,     // the child's parent is the caller's
	TLS_GIVEN = 1 << 8,
	PTID_IN_PARENT = 1 << 9,
	PTID_IN_CHILD = 1 << 10,
	CTID_IN_CHILD = 1 << 11,
	CTID_CLEARED = 1 << 12,   // after the child's end
	PARENT_WENT_ON = 1 << 13, // before the child's end
	REAPED_BY_CALLER = 1 << 14,
	REAPED_BY_PARENT = 1 << 15,
};

static const unsigned long matrix_flags[] = {
	CLONE_PARENT_SETTID,
	CLONE_CHILD_SETTID,
	CLONE_CHILD_CLEARTID,
	CLONE_SETTLS,
	CLONE_IO,
	CLONE_SYSVSEM,
	CLONE_FS,
	CLONE_FILES,
	CLONE_PARENT,
	CLONE_VFORK,
	CLONE_VM,
	CLONE_SIGHAND,
	CLONE_THREAD,
};

#define FLAGS    13
#define A_LINE   16
#define UNSET    7777
#define SPARE_FD 100
#define EXITED   42

// What the tasks tell each other; in a shared mapping.
struct notes {
	volatile int went_on; // the caller is back from clone
	volatile int vforked; // the child is not to wait for that
	volatile int ctid;    // the word of CHILD_SETTID and CHILD_CLEARTID
	volatile int reaped;  // by the caller's parent: the pid
	volatile int status;  // of that child
	volatile int saw_went_on, saw_ptid, saw_ctid, tid, tgid, ppid;
	volatile unsigned long tp;
	int semaphores;
};

static struct notes *notes;
static volatile int word, ptid;
static char child_stack[16384] __attribute__((aligned(16)));
static char child_tls[4096] __attribute__((aligned(16)));

// The new task. No C library, no thread-local words: both may be the caller's.
__attribute__((used, noinline, no_stack_protector)) static void child_body(void)
{
	struct notes *n = notes;
	struct sembuf up = {0, 1, SEM_UNDO};
	struct raw_action ignore = {SIG_IGN, 0, 0};
	unsigned long tp;

	asm volatile("mv %0, tp" : "=r"(tp));
	n->tp = tp;
	n->tid = raw(SYS_gettid, 0, 0, 0, 0);
	n->tgid = raw(SYS_getpid, 0, 0, 0, 0);
	n->ppid = raw(SYS_getppid, 0, 0, 0, 0);
	n->saw_ptid = ptid;
	n->saw_ctid = n->ctid;
	word = 1;
	raw(SYS_umask, 0171, 0, 0, 0);
	raw(SYS_chdir, (long)"/", 0, 0, 0);
	raw(SYS_dup3, 1, SPARE_FD, 0, 0);
	raw(SYS_rt_sigaction, SIGUSR2, (long)&ignore, 0, 8);
	raw(SYS_semop, n->semaphores, (long)&up, 1, 0);
	// A caller that ought to wait is given the time to go wrong.
	for (int turns = 0; !n->went_on && (!n->vforked || turns < 10); turns++)
		raw(SYS_sched_yield, 0, 0, 0, 0);
	n->saw_went_on = n->went_on;
}

// clone with a stack for child_body, which ends in exit.
__attribute__((noinline)) static long start(unsigned long flags)
{
	register long a0 asm("a0") = (long)flags;
	register long a1 asm("a1") = (long)(child_stack + sizeof(child_stack));
	register long a2 asm("a2") = (long)&ptid;
	register long a3 asm("a3") = (long)child_tls;
	register long a4 asm("a4") = (long)&notes->ctid;
	register long a7 asm("a7") = SYS_clone;

	asm volatile("ecall\n"
		     "bnez a0, 1f\n"
		     "call child_body\n"
		     "li a0, %[exited]\n"
		     "li a7, %[exit]\n"
		     "ecall\n"
		     "ebreak\n"
		     "1:"
		     : "+r"(a0)
		     : "r"(a1), "r"(a2), "r"(a3), "r"(a4),
		       "r"(a7), [exited] "i"(EXITED), [exit] "i"(SYS_exit)
		     : "memory");
	return a0;
}

// Waits for the end of a child in the way that its flags ask for; who reaped it.
static unsigned wait_end(long pid, unsigned long flags)
{
	int status = 0, reaped;

	if (flags & CLONE_THREAD) {
		while (!syscall(SYS_tgkill, getpid(), pid, 0))
			sched_yield();
		return 0;
	}
	if (!(flags & CLONE_PARENT)) {
		if (waitpid(pid, &status, __WALL) != pid || status != EXITED << 8)
			return 0;
		return REAPED_BY_CALLER;
	}
	while ((reaped = notes->reaped) != pid)
		syscall(SYS_futex, &notes->reaped, FUTEX_WAIT, reaped, NULL);
	return notes->status == EXITED << 8 ? REAPED_BY_PARENT : 0;
}

// What the child's changes did to the caller; they are put back.
static unsigned look_and_restore(int home)
{
	struct raw_action old, again = {SIG_DFL, 0, 0};
	char cwd[256] = "";
	unsigned seen = 0;

	if (word)
		seen |= MEMORY_SHARED;
	word = 0;
	if (umask(022) != 022)
		seen |= UMASK_SHARED;
	syscall(SYS_getcwd, cwd, sizeof(cwd));
	if (!cwd[1]) {
		seen |= CWD_SHARED;
		fchdir(home);
	}
	if (!close(SPARE_FD))
		seen |= FILES_SHARED;
	syscall(SYS_rt_sigaction, SIGUSR2, &again, &old, 8);
	if (old.handler == SIG_IGN)
		seen |= HANDLERS_SHARED;
	if (semctl(notes->semaphores, 0, GETVAL) == 1) {
		struct sembuf down = {0, -1, SEM_UNDO};

		seen |= UNDO_SHARED;
		semop(notes->semaphores, &down, 1);
	}
	return seen;
}

// One combination: its `enum seen`, or a negative errno.
static long try(unsigned long flags, int home)
{
	struct notes fresh = {.ctid = UNSET, .semaphores = notes->semaphores};
	unsigned seen;
	long pid;

	*notes = fresh;
	notes->vforked = !!(flags & CLONE_VFORK);
	word = 0;
	ptid = UNSET;
	pid = start(flags | SIGCHLD);
	if (pid < 0)
		return pid;
	notes->went_on = 1;
	seen = wait_end(pid, flags);
	seen |= look_and_restore(home);
	if (notes->tid != pid)
		printf("%lx: the child is not what clone returned\n", flags);
	if (notes->tgid == getpid())
		seen |= SAME_TGID;
	if (notes->ppid == getppid())
		seen |= SIBLING;
	if (notes->tp == (unsigned long)child_tls)
		seen |= TLS_GIVEN;
	if (ptid == pid)
		seen |= PTID_IN_PARENT;
	if (notes->saw_ptid == pid)
		seen |= PTID_IN_CHILD;
	if (notes->saw_ctid == pid)
		seen |= CTID_IN_CHILD;
	if (!notes->ctid)
		seen |= CTID_CLEARED;
	if (notes->saw_went_on)
		seen |= PARENT_WENT_ON;
	return seen;
}

// The caller's part: combinations first..first + count - 1.
static void try_all(unsigned first, unsigned count)
{
	int home = open(".", O_RDONLY | O_DIRECTORY);

	umask(022);
	for (unsigned i = first; i < first + count; i++) {
		unsigned long flags = 0;
		long seen;

		for (int bit = 0; bit < FLAGS; bit++)
			flags |= i & 1u << bit ? matrix_flags[bit] : 0;
		seen = try(flags, home);
		if (i % A_LINE == 0)
			printf("%04x", i);
		if (seen >= 0)
			printf(" %04lx", seen);
		else
			printf(" %s", seen == -EINVAL ? "----" : strerrorname_np(-seen));
		if (i % A_LINE == A_LINE - 1)
			puts("");
	}
	fflush(stdout);
}

// The caller, and its parent, which reaps the siblings that the caller makes.
static void part(unsigned first, unsigned count)
{
	pid_t caller, pid;
	int status;

	notes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	notes->semaphores = semget(IPC_PRIVATE, 1, 0600);
	fflush(stdout);
	caller = fork();
	if (!caller) {
		try_all(first, count);
		_exit(0);
	}
	while ((pid = waitpid(-1, &status, __WALL)) != caller && pid > 0) {
		notes->status = status;
		notes->reaped = pid;
		syscall(SYS_futex, &notes->reaped, FUTEX_WAKE, 1);
	}
	printf("the caller's status: %x\n", status);
	semctl(notes->semaphores, 0, IPC_RMID);
}

// The last three flags, VM, SIGHAND and THREAD, choose the part; four of the eight are refused.
ABI_TEST(clone_matrix, copies)
{
	part(0x0000, 0x400);
}
ABI_TEST(clone_matrix, vm)
{
	part(0x0400, 0x400);
}
ABI_TEST(clone_matrix, sighand_without_vm)
{
	part(0x0800, 0x400);
}
ABI_TEST(clone_matrix, sighand)
{
	part(0x0c00, 0x400);
}
ABI_TEST(clone_matrix, thread_alone)
{
	part(0x1000, 0x400);
}
ABI_TEST(clone_matrix, thread_without_sighand)
{
	part(0x1400, 0x400);
}
ABI_TEST(clone_matrix, thread_without_vm)
{
	part(0x1800, 0x400);
}
ABI_TEST(clone_matrix, thread)
{
	part(0x1c00, 0x400);
}
