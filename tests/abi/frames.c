// Signal frames that a program spoils, and stacks that do not hold them. It harms only itself.

#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>

#include "abi.h"

#define PAGE 4096

static void no_core(void)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
}

static const char *ended(int status)
{
	static char text[40];

	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "SIG%s", sigabbrev_np(WTERMSIG(status)));
	else
		snprintf(text, sizeof(text), "exit %d", WEXITSTATUS(status));
	return text;
}

// --- Words of the frame that are not registers ---

static int word_index;
static unsigned long word_value;

static void spoil(int sig, siginfo_t *info, void *context)
{
	((unsigned long *)context)[word_index] = word_value;
}

static int spoil_word(int index, unsigned long value)
{
	int status;

	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		struct sigaction action = {.sa_sigaction = spoil, .sa_flags = SA_SIGINFO};
		sigset_t mask;
		stack_t stack;

		no_core();
		word_index = index;
		word_value = value;
		sigaction(SIGUSR1, &action, NULL);
		raise(SIGUSR1);
		sigprocmask(SIG_BLOCK, NULL, &mask);
		sigaltstack(NULL, &stack);
		_exit(sigismember(&mask, SIGINT) + 2 * sigismember(&mask, SIGKILL) +
		      4 * !(stack.ss_flags & SS_DISABLE) + 8 * (stack.ss_size != 0));
	}
	waitpid(pid, &status, 0);
	return status;
}

ABI_TEST(frames, words)
{
	static const unsigned long values[] = {
		0, 1, 2, 4, 0x10000, 0xffff, 0x100000, 0x80000000, 0x7fffffff00000000, ~0ul};

	// Head (flags, link, stack, mask and what is left free), then what stands behind the registers.
	for (int i = 0; i < 120; i++) {
		if (i >= 22 && i < 54)
			continue;
		for (unsigned v = 0; v < sizeof(values) / sizeof(*values); v++) {
			int status = spoil_word(i, values[v]);
			if (status)
				printf("word %d = %lx: %s\n", i, values[v], ended(status));
		}
	}
}

// --- Anything ---

static unsigned long seed;

static unsigned long chance(void)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return seed >> 20;
}

static void spoil_anything(int sig, siginfo_t *info, void *context)
{
	static const unsigned long values[] = {0,
					       ~0ul,
					       1,
					       0x8000000000000000,
					       0xffffffc000000000,
					       0xffffffff80000000,
					       0x4000000000,
					       0x3ffffff000,
					       0x7fff};
	unsigned long *words = (unsigned long *)info;
	int n = 1 + chance() % 12;

	while (n--)
		words[chance() % 136] = chance() % 3 ? chance() << 20 | chance()
						     : values[chance() % 9];
}

ABI_TEST(frames, anything)
{
	int ends = 0;

	for (int i = 0; i < 400; i++) {
		fflush(stdout);
		pid_t pid = fork();
		if (!pid) {
			struct sigaction action = {.sa_sigaction = spoil_anything,
						   .sa_flags = SA_SIGINFO};

			no_core();
			alarm(5);
			freopen("/dev/null", "w", stdout);
			seed = i * 7919 + 1;
			sigaction(SIGUSR1, &action, NULL);
			for (int n = 0; n < 4; n++)
				raise(SIGUSR1);
			_exit(0);
		}
		ends += waitpid(pid, NULL, 0) == pid;
	}
	printf("%d ended\n", ends);
}

// --- A frame anywhere ---

static unsigned char *frame_copy;
#define FRAME_SIZE 1088

static void copy_frame(int sig, siginfo_t *info, void *context)
{
	memcpy(frame_copy, info, FRAME_SIZE);
}

static int return_from(unsigned long sp)
{
	int status;

	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		no_core();
		__asm__ volatile("mv sp, %0\n	li a7, 139\n	ecall\n	li a0, 9\n	li a7, "
				 "94\n	ecall"
				 :
				 : "r"(sp)
				 : "memory");
	}
	waitpid(pid, &status, 0);
	return status;
}

static void returned(void)
{
	_exit(77);
}

ABI_TEST(frames, places)
{
	struct sigaction action = {.sa_sigaction = copy_frame, .sa_flags = SA_SIGINFO};
	unsigned char *area = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static const long at[] = {0,
				  8,
				  16,
				  1,
				  4,
				  3,
				  PAGE - 16,
				  PAGE - 200,
				  PAGE - 600,
				  PAGE - 8,
				  2 * PAGE - FRAME_SIZE,
				  2 * PAGE - FRAME_SIZE + 16,
				  2 * PAGE - 16};
	static const unsigned long wild[] = {0,
					     8,
					     0x1000,
					     0x3ffffffff0,
					     0x3fffffffff,
					     0x4000000000,
					     0xffffffc000000000,
					     0xffffffff80000000,
					     ~0ul,
					     ~0ul - 15};

	frame_copy = malloc(FRAME_SIZE);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	((unsigned long *)frame_copy)[16 + 22] = (unsigned long)returned; // pc
	// What is behind two pages cannot be read.
	mprotect(area + 2 * PAGE, PAGE, PROT_NONE);
	for (unsigned i = 0; i < sizeof(at) / sizeof(*at); i++) {
		size_t n = 2 * PAGE - at[i] < FRAME_SIZE ? 2 * PAGE - at[i] : FRAME_SIZE;
		memcpy(area + at[i], frame_copy, n);
		printf("at %ld: %s\n", at[i], ended(return_from((unsigned long)area + at[i])));
	}
	for (unsigned i = 0; i < sizeof(wild) / sizeof(*wild); i++)
		printf("wild %d: %s\n", i, ended(return_from(wild[i])));
	memcpy(area, frame_copy, FRAME_SIZE);
	mprotect(area, PAGE, PROT_READ);
	printf("read-only: %s\n", ended(return_from((unsigned long)area)));
}

// --- Alternate stacks ---

static int depth, depth_max;
static char *stack_low, *stack_high;

static void nested(int sig, siginfo_t *info, void *context)
{
	char here;

	depth++;
	if (&here < stack_low || &here >= stack_high)
		_exit(50 + depth);
	if (depth < depth_max)
		raise(sig);
}

static void on_segv(int sig)
{
	_exit(60);
}

static void overflow(size_t size, int max, int segv)
{
	int status;

	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		char *area = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		stack_t stack = {.ss_sp = area + 8 * PAGE - size, .ss_size = size};
		struct sigaction action = {.sa_sigaction = nested,
					   .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

		no_core();
		mprotect(area, 2 * PAGE, PROT_NONE);
		stack_low = stack.ss_sp;
		stack_high = stack_low + size;
		depth_max = max;
		sigaltstack(&stack, NULL);
		sigaction(SIGUSR1, &action, NULL);
		action.sa_handler = on_segv;
		action.sa_flags = segv == 2 ? SA_ONSTACK : 0;
		if (segv)
			sigaction(SIGSEGV, &action, NULL);
		raise(SIGUSR1);
		_exit(depth);
	}
	waitpid(pid, &status, 0);
	printf("stack of %zu, %d deep, SIGSEGV %d: %s\n", size, max, segv, ended(status));
}

ABI_TEST(frames, stack_overflow)
{
	for (int segv = 0; segv < 3; segv++) {
		overflow(2048, 1, segv);
		overflow(8192, 2, segv);
		overflow(8192, 40, segv);
		overflow(5 * PAGE, 3, segv);
	}
}

// SA_ONSTACK without a stack, on memory that is not there, and that cannot be written.
ABI_TEST(frames, no_room)
{
	for (int how = 0; how < 8; how++) {
		int status;

		fflush(stdout);
		pid_t pid = fork();
		if (!pid) {
			char *area = mmap(NULL, 4 * PAGE, how & 1 ? PROT_READ : PROT_NONE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			stack_t stack = {.ss_sp = area, .ss_size = 4 * PAGE};
			struct sigaction action = {.sa_handler = on_segv, .sa_flags = SA_ONSTACK};

			no_core();
			if (how & 4)
				munmap(area, 4 * PAGE);
			sigaltstack(&stack, NULL);
			sigaction(SIGUSR1, &action, NULL);
			action.sa_flags = 0;
			if (how & 2)
				sigaction(SIGSEGV, &action, NULL);
			raise(SIGUSR1);
			_exit(1);
		}
		waitpid(pid, &status, 0);
		printf("case %d: %s\n", how, ended(status));
	}
}

static void show_stack(const char *what)
{
	stack_t stack;

	sigaltstack(NULL, &stack);
	printf("%s: flags %x size %zu\n", what, (unsigned)stack.ss_flags, stack.ss_size);
}

static char other_stack[32768];

static void disarmed(int sig, siginfo_t *info, void *context)
{
	stack_t other = {.ss_sp = other_stack, .ss_size = sizeof(other_stack)};
	stack_t *saved = &((ucontext_t *)context)->uc_stack;

	printf("saved: flags %x size %zu\n", (unsigned)saved->ss_flags, saved->ss_size);
	show_stack("in the handler");
	R(sigaltstack(&other, NULL));
	show_stack("after a change");
	if (depth++ == 0)
		raise(sig);
	show_stack("after another");
}

ABI_TEST(frames, autodisarm)
{
	static const unsigned flags[] = {0, SS_ONSTACK, 1u << 31, 1u << 31 | SS_ONSTACK};
	struct sigaction action = {.sa_sigaction = disarmed,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < 4; i++) {
		stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536, .ss_flags = flags[i]};

		depth = 0;
		R(sigaltstack(&stack, NULL));
		show_stack("set");
		raise(SIGUSR1);
		show_stack("afterwards");
	}
	stack_t off = {.ss_flags = SS_DISABLE | 1u << 31};
	R(sigaltstack(&off, NULL));
	show_stack("off");
	off.ss_flags = 1u << 30;
	R(sigaltstack(&off, NULL));
	off.ss_flags = 3;
	R(sigaltstack(&off, NULL));
}
