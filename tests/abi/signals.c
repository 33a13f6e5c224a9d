// Actions, alternate stacks, frames, faults, queues: signal(7).

#include "abi.h"
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <ucontext.h>

static volatile int count;
static siginfo_t seen;
static volatile long stack_flags, frame_words;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	count++;
	seen = *info;
	stack_flags = uc->uc_stack.ss_flags;
	unsigned *end = (unsigned *)((char *)&uc->uc_mcontext + 256 + 516);
	frame_words = end[0] | end[1] | end[2];
}

static void catch (int sig, int flags)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | flags};

	sigaction(sig, &action, NULL);
}

ABI_TEST(signals, actions)
{
	struct {
		void *handler;
		unsigned long flags, mask;
	} action = {SIG_IGN, ~0ul, ~0ul}, old;

	R(syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 8));
	R(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &old, 8));
	printf("flags %lx mask %lx\n", old.flags, old.mask);
	R(syscall(SYS_rt_sigaction, SIGKILL, &action, NULL, 8));
	R(syscall(SYS_rt_sigaction, SIGSTOP, NULL, &old, 8));
	R(syscall(SYS_rt_sigaction, 0, NULL, &old, 8));
	R(syscall(SYS_rt_sigaction, 65, NULL, &old, 8));
	R(syscall(SYS_rt_sigaction, 10, NULL, &old, 4));
	R(syscall(SYS_rt_sigaction, 10, BAD, &old, 8));
	R(syscall(SYS_rt_sigaction, 10, NULL, BAD, 8));
	catch (SIGUSR1, SA_RESETHAND);
	kill(getpid(), SIGUSR1);
	R(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &old, 8));
	printf("count %d handler %d flags %lx\n", count, old.handler != SIG_DFL, old.flags);
	printf("minsigstksz %ld\n", getauxval(AT_MINSIGSTKSZ));
}

ABI_TEST(signals, stack)
{
	static char memory[65536];
	stack_t stack = {memory, 0, sizeof(memory)}, old;

	R(sigaltstack(NULL, &old));
	printf("flags %x size %zu\n", old.ss_flags, old.ss_size);
	catch (SIGUSR1, 0);
	kill(getpid(), SIGUSR1);
	printf("in frame %lx, extensions %lx\n", stack_flags, frame_words);
	stack.ss_size = 2047;
	R(sigaltstack(&stack, NULL));
	stack.ss_size = sizeof(memory);
	stack.ss_flags = 4;
	R(sigaltstack(&stack, NULL));
	stack.ss_flags = 1 << 31;
	R(sigaltstack(&stack, &old));
	R(sigaltstack(NULL, &old));
	printf("flags %x size %zu\n", old.ss_flags, old.ss_size);
	catch (SIGUSR1, SA_ONSTACK);
	kill(getpid(), SIGUSR1);
	printf("in frame %lx\n", stack_flags);
	R(sigaltstack(NULL, &old));
	printf("flags %x size %zu\n", old.ss_flags, old.ss_size);
	stack.ss_flags = SS_DISABLE;
	R(sigaltstack(&stack, NULL));
	R(sigaltstack(NULL, &old));
	printf("flags %x size %zu\n", old.ss_flags, old.ss_size);
	R(sigaltstack(BAD, NULL));
	R(sigaltstack(NULL, BAD));
}

ABI_TEST(signals, queueinfo)
{
	siginfo_t info;
	int stranger = getppid();

	memset(&info, 0, sizeof(info));
	catch (SIGUSR1, 0);
	catch (44, 0);
	for (int code = -9; code <= 1; code++) {
		info.si_code = code;
		info.si_int = 9;
		printf("code %d: ", code);
		R(syscall(SYS_rt_sigqueueinfo, getpid(), 44, &info));
		R(syscall(SYS_rt_sigqueueinfo, stranger, 0, &info));
		R(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), 44, &info));
	}
	printf("count %d code %d\n", count, seen.si_code);
	((char *)&info)[100] = 1;
	info.si_code = -100;
	R(syscall(SYS_rt_sigqueueinfo, getpid(), 44, &info));
	info.si_code = SI_QUEUE;
	R(syscall(SYS_rt_sigqueueinfo, getpid(), 44, &info));
	printf("beyond: %d\n", ((char *)&seen)[100]);
	R(syscall(SYS_rt_sigqueueinfo, getpid(), 65, &info));
	R(syscall(SYS_rt_sigqueueinfo, -1, 44, &info));
	R(syscall(SYS_rt_tgsigqueueinfo, -1, 1, 44, &info));
	R(syscall(SYS_rt_sigqueueinfo, getpid(), 44, BAD));
	R(syscall(SYS_tkill, 0, 0));
	R(syscall(SYS_tgkill, 1, getpid(), 0));
	R(kill(-99999, 0));
}

ABI_TEST(signals, limit)
{
	struct rlimit limit = {3, 3};
	union sigval value = {.sival_int = 1};
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	R(setresuid(1234, 1234, 1234));
	R(setrlimit(RLIMIT_SIGPENDING, &limit));
	for (int i = 0; i < 5; i++)
		R(sigqueue(getpid(), 50, value));
	R(kill(getpid(), 50));
	R(kill(getpid(), SIGUSR1));
	siginfo_t info;
	struct timespec none = {0, 0};
	for (int sig; (sig = sigtimedwait(&set, &info, &none)) > 0;)
		printf("%d code %d int %d\n", sig, info.si_code, info.si_code ? info.si_int : 0);
}

ABI_TEST(signals, wait_fatal)
{
	sigset_t set;
	struct timespec time = {5, 0}, bad = {0, -1};
	pid_t parent = getpid();

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (!fork()) {
		usleep(30000);
		kill(parent, SIGTERM);
		_exit(0);
	}
	R(sigtimedwait(&set, NULL, &time));
	R(sigtimedwait(&set, NULL, &bad));
	R(syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 4));
	R(syscall(SYS_rt_sigtimedwait, BAD, NULL, NULL, 8));
}

static void fault(int which)
{
	char *page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	signal(SIGSEGV, SIG_DFL);
	volatile unsigned long low = 16, high = 0xffffffff80000000;

	if (which == 0)
		*(volatile int *)low = 1;
	else if (which == 1)
		*(volatile int *)page = 1;
	else if (which == 2)
		__asm__ volatile("ebreak");
	else if (which == 3)
		__asm__ volatile(".word 0");
	else if (which == 5)
		((void (*)(void))page)();
	else if (which == 6)
		*(volatile long *)high = 1;
	int fd = open("short", O_CREAT | O_RDWR, 0600);
	*(volatile int *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) = 1;
	_exit(0);
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	printf("signal %d code %d at pc %d\n", sig, info->si_code,
	       (long)info->si_addr == uc->uc_mcontext.__gregs[0]);
	fflush(stdout);
	_exit(7);
}

ABI_TEST(signals, faults)
{
	for (int i = 0; i < 14; i++) {
		fflush(stdout);
		pid_t pid = fork();
		if (!pid) {
			struct sigaction action = {.sa_sigaction = on_fault,
						   .sa_flags = SA_SIGINFO};
			sigset_t set;

			setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
			for (int sig = 1; sig < 32 && i < 7; sig++)
				sigaction(sig, &action, NULL);
			sigfillset(&set);
			if (i >= 7)
				sigprocmask(SIG_BLOCK, &set, NULL);
			signal(SIGSEGV, SIG_DFL);
			if (i < 7)
				sigaction(SIGSEGV, &action, NULL);
			fault(i % 7 == 0 ? 0 : i % 7);
		}
		abi_reap(pid);
	}
}

static void corrupt(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	unsigned *end = (unsigned *)((char *)&uc->uc_mcontext + 256 + 516);

	if (info->si_value.sival_int < 3)
		end[info->si_value.sival_int] = 1;
	else
		uc->uc_mcontext.__gregs[0] = -2;
}

ABI_TEST(signals, corrupt_frame)
{
	for (int i = 0; i < 4; i++) {
		fflush(stdout);
		pid_t pid = fork();
		if (!pid) {
			struct sigaction action = {.sa_sigaction = corrupt, .sa_flags = SA_SIGINFO};

			setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
			sigaction(SIGUSR1, &action, NULL);
			sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = i});
			_exit(0);
		}
		abi_reap(pid);
	}
}

ABI_TEST(signals, clocks)
{
	static const int clocks[] = {0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, -1, -2, -6, -8, -5};
	struct timespec time, short_sleep = {0, 1000};

	for (unsigned i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
		printf("clock %d\n", clocks[i]);
		R(syscall(SYS_clock_gettime, clocks[i], &time));
		if (!R(syscall(SYS_clock_getres, clocks[i], &time)))
			printf("%ld ns\n", time.tv_nsec);
		if (clocks[i] >= 0 && clocks[i] != 2)
			R(syscall(SYS_clock_nanosleep, clocks[i], 0, &short_sleep, NULL));
		R(syscall(SYS_clock_settime, clocks[i], BAD));
	}
	time = (struct timespec){1, 0};
	R(clock_settime(CLOCK_REALTIME, &(struct timespec){0, 0}));
	R(clock_settime(CLOCK_REALTIME, &(struct timespec){5, -1}));
	struct timespec past = {0, 5};
	R(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &past, NULL));
	unsigned cpu = 77, node = 77;
	R(syscall(SYS_getcpu, &cpu, &node, NULL));
	printf("%d %u\n", cpu < 8, node);
	R(syscall(SYS_getcpu, BAD, NULL, NULL));
	R(syscall(SYS_settimeofday, BAD, NULL));
	R(syscall(SYS_riscv_flush_icache, 0, 0, 0));
	R(syscall(SYS_riscv_flush_icache, 0, 0, 2));
}

// What /proc/PID/status says of signals. The limit behind SigQ is the machine's.
ABI_TEST(signals, proc_status)
{
	char line[200];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, (void (*)(int))1000);
	kill(getpid(), SIGUSR1);
	sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 1});
	sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 2});
	syscall(SYS_tkill, syscall(SYS_gettid), SIGUSR2);
	FILE *file = fopen("/proc/self/status", "r");
	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "SigQ:", 5))
			line[strcspn(line, "/")] = '\0', strcat(line, "\n");
		if (!strncmp(line, "Sig", 3) || !strncmp(line, "ShdPnd", 6))
			printf("%s", line);
	}
	if (file)
		fclose(file);
}
