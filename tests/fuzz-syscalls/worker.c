// One process of the fuzzer: threads that make random calls. Its numbers come from its seed alone,
// so that the same seed makes the same calls (their order among threads is the machine's).

#include "worker.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned total_weight;
struct tally *tallies;

static const struct call *pick_call(struct random *r)
{
	uint64_t at = random_below(r, total_weight);

	for (size_t i = 0; i < call_count; i++) {
		if (at < calls[i].weight)
			return &calls[i];
		at -= calls[i].weight;
	}
	return &calls[0];
}

static void on_signal(int signo)
{
	(void)signo;
}

// Calls that wait are cut short by a timer; handlers and mask are set again, as calls change them.
static void keep_going(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct itimerval timer = {{0, 3000}, {0, 3000}};
	sigset_t none;

	sigemptyset(&none);
	// What comes from a fault is left to kill: it would come again at once.
	for (int signo = 1; signo < 64; signo++) {
		if (signo != SIGSEGV && signo != SIGBUS && signo != SIGILL && signo != SIGTRAP)
			sigaction(signo, &action, NULL);
	}
	sigprocmask(SIG_SETMASK, &none, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void some_calls(struct random *r, unsigned n);

// clone by hand: a child that shares our memory must not touch the stack, so it exits at once.
static long clone_child(uint64_t flags, uint64_t ptid, uint64_t ctid)
{
#ifdef __riscv
	register long a7 __asm__("a7") = SYS_clone;
	register long a0 __asm__("a0") = (long)flags;
	register long a1 __asm__("a1") = 0;
	register long a2 __asm__("a2") = (long)ptid;
	register long a3 __asm__("a3") = 0;
	register long a4 __asm__("a4") = (long)ctid;

	__asm__ volatile("ecall\n"
			 "bnez a0, 1f\n"
			 "li a7, 93\n"
			 "ecall\n"
			 "1:"
			 : "+r"(a0), "+r"(a7)
			 : "r"(a1), "r"(a2), "r"(a3), "r"(a4)
			 : "memory");
	return a0;
#else
	(void)flags, (void)ptid, (void)ctid;
	return -1;
#endif
}

static long make_call(struct random *r, const struct call *call)
{
	uint64_t v[6];

	if (call->run)
		return call->run(r);
	for (int k = 0; k < 6; k++)
		v[k] = argument_make(r, &call->argument[k]);
	return syscall(call->number, v[0], v[1], v[2], v[3], v[4], v[5]);
}

// clone3 with all its fields. There is no stack of the child's own, so it does as after fork, or
// exits at once where it shares our memory: then it must not return to C code.
static void clone_all_fields(struct random *r)
{
	static const uint64_t known = 0x3ffff7ff00 & ~(CLONE_VM | CLONE_SETTLS | CLONE_THREAD |
						       (uint64_t)CLONE_VFORK);
	struct argument word = {WORD, 0}, in = {IN, 0};
	uint64_t *args = (uint64_t *)argument_room(r, 88), flags;

	if (!argument_in_arena(args, 88))
		return;
	memset(args, 0, 88);
	flags = random_next(r) & random_next(r) & random_next(r) & known;
	if (random_below(r, 2))
		flags &= ~(CLONE_SIGHAND | 0x200000000ull);
	args[0] = flags;
	for (int i = 1; i <= 3; i++)
		args[i] = argument_make(r, &word);
	args[4] = random_below(r, 4) ? SIGCHLD : random_below(r, 66);
	if (random_below(r, 8) == 0) {
		args[8] = argument_make(r, &in); // pids that the child would like
		args[9] = random_below(r, 3);
	}
	args[10] = random_below(r, 24);
	if (random_below(r, 10) == 0)
		args[random_below(r, 11)] = argument_odd(r) & ~(uint64_t)CLONE_VM;
	if (syscall(SYS_clone3, args, random_below(r, 8) ? 88 : 64 + 8 * random_below(r, 8)) == 0) {
		some_calls(r, 10);
		_exit(0);
	}
}

static void some_calls(struct random *r, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct call *call = pick_call(r);

		if (i % 16 == 0)
			keep_going();
		struct tally *tally = &tallies[call - calls];
		__atomic_fetch_add(&tally->made, 1, __ATOMIC_RELAXED);
		if (make_call(r, call) >= 0)
			__atomic_fetch_add(&tally->worked, 1, __ATOMIC_RELAXED);
	}
}

static void make_task(struct random *r)
{
	// SETTLS is left out: the child of a shared memory would take our thread pointer's place.
	static const uint64_t known = 0xfff7ff00 & ~0x80000ull & ~0x20000ull;
	struct argument word = {WORD, 0}, strings = {STRINGS, 0};
	pid_t pid;

	switch (random_below(r, 8)) {
	case 6:
	case 7:
		clone_all_fields(r);
		break;
	case 0:
		pid = fork();
		if (pid == 0) {
			some_calls(r, 20);
			_exit(0);
		}
		break;
	case 1:
		pid = vfork();
		if (pid == 0) {
			if (random_below(r, 3) == 0)
				syscall(SYS_execveat, random_below(r, 24), "",
					argument_make(r, &strings), argument_make(r, &strings),
					0x1000);
			if (random_below(r, 2))
				syscall(SYS_execve, "/proc/self/exe", argument_make(r, &strings),
					argument_make(r, &strings));
			_exit(1);
		}
		break;
	case 2: {
		uint64_t args[11] = {random_next(r) & random_next(r) & known};

		args[4] = SIGCHLD;
		if (random_below(r, 4) == 0)
			args[random_below(r, 11)] = random_next(r);
		// A bad stack harms only the child: it runs into nothing.
		syscall(SYS_clone3, args, random_below(r, 4) ? 88 : random_below(r, 200));
		break;
	}
	default:
		clone_child((random_next(r) & random_next(r) & known) |
				    (random_below(r, 4) ? SIGCHLD : random_below(r, 70)),
			    argument_make(r, &word), argument_make(r, &word));
	}
}

struct thread {
	pthread_t handle;
	struct random random;
	unsigned calls;
};

static void *thread_main(void *argument)
{
	struct thread *thread = argument;

	for (unsigned done = 0; done < thread->calls; done += 10) {
		if (random_below(&thread->random, 6) == 0)
			make_task(&thread->random);
		some_calls(&thread->random, 10);
	}
	return NULL;
}

static void set_limits(void)
{
	setrlimit(RLIMIT_NPROC, &(struct rlimit){100, 100});
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){4 << 20, 4 << 20});
	setrlimit(RLIMIT_AS, &(struct rlimit){256 << 20, 256 << 20});
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){64, 64});
}

void worker_main(uint64_t seed, unsigned call_total)
{
	struct random random = {seed * 0x9e3779b97f4a7c15ull | 1};
	struct thread threads[3];

	for (size_t i = 0; i < call_count; i++)
		total_weight += calls[i].weight;
	for (int i = 0; i < 8; i++)
		random_next(&random);
	unsigned count = random_below(&random, 4);
	set_limits();
	int null = open("/dev/null", O_RDWR);
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	arguments_prepare();
	if (random_below(&random, 3) == 0) {
		if (setgroups_none() || setresgid_all(1000) || setresuid_all(1000))
			_exit(1);
	}
	keep_going();
	for (unsigned i = 0; i < count; i++) {
		threads[i].random.state = random_next(&random) | 1;
		threads[i].calls = call_total / (count + 1);
		if (pthread_create(&threads[i].handle, NULL, thread_main, &threads[i]))
			count = i;
	}
	struct thread self = {.random = random, .calls = call_total / (count + 1)};
	thread_main(&self);
	_exit(0);
}
