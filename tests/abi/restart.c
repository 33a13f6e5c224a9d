// What becomes of a call that a signal interrupts: it ends with EINTR, is begun again, or goes on with
// the time that is left. Each call that can sleep, under a handler with SA_RESTART and one without, a
// stop and continuation, and a signal that is ignored. See signal(7).

#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <pty.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <termios.h>
#include <time.h>

#include "abi.h"

#define SHORT_MS 120

// What parent and child share.
static struct shared {
	volatile int handled, returned, error;
	volatile long result, ms;
	int word; // a futex
} * shared;

static int pipe_ends[2], full_pipe[2], pty_master, pty_slave, epoll, event, timer, queue, sets,
	lock_fd;
static mqd_t mq;
static pid_t grandchild;

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static const struct timespec short_time = {0, SHORT_MS * 1000000};

// --- The calls; `finish` makes those end that have no time limit ---

static char bytes[70000];

static long read_pipe(void)
{
	return read(pipe_ends[0], bytes, 1);
}
static void feed_pipe(pid_t pid)
{
	write(pipe_ends[1], "x", 1);
}
static long write_pipe(void)
{
	return write(full_pipe[1], bytes, 1);
}
static void drain_pipe(pid_t pid)
{
	read(full_pipe[0], bytes, 65536);
}
static long write_much(void)
{
	return write(full_pipe[1], bytes, 70000);
}
static void drain_twice(pid_t pid)
{
	for (int got = 0; got < 70000 && !shared->returned;) {
		struct pollfd fd = {full_pipe[0], POLLIN, 0};
		if (poll(&fd, 1, 300) != 1)
			return;
		got += read(full_pipe[0], bytes, 70000);
	}
}
static long read_tty(void)
{
	return read(pty_slave, bytes, 10);
}
static void feed_tty(pid_t pid)
{
	write(pty_master, "line\n", 5);
}
static long read_eventfd(void)
{
	return read(event, bytes, 8);
}
static void feed_eventfd(pid_t pid)
{
	eventfd_write(event, 1);
}
static long read_timerfd(void)
{
	struct itimerspec in = {.it_value = short_time};

	timerfd_settime(timer, 0, &in, NULL);
	return read(timer, bytes, 8);
}
static long read_signalfd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return read(signalfd(-1, &set, 0), bytes, sizeof(struct signalfd_siginfo));
}
static void send_usr2(pid_t pid)
{
	kill(pid, SIGUSR2);
}
static long open_fifo(void)
{
	long fd = open("fifo", O_WRONLY);

	return fd < 0 ? fd : 0;
}
static void open_other_end(pid_t pid)
{
	close(open("fifo", O_RDONLY | O_NONBLOCK));
}
static long wait_for_child(void)
{
	grandchild = fork();
	if (!grandchild) {
		nanosleep(&short_time, NULL);
		_exit(0);
	}
	return wait4(grandchild, NULL, 0, NULL) == grandchild ? 0 : -1;
}
static long waitid_for_child(void)
{
	siginfo_t info;

	grandchild = fork();
	if (!grandchild) {
		nanosleep(&short_time, NULL);
		_exit(0);
	}
	return waitid(P_PID, grandchild, &info, WEXITED);
}
static long sleep_nanosleep(void)
{
	struct timespec left = {-1, -1};
	long result = nanosleep(&short_time, &left);

	if (result)
		printf("   left: %s\n",
		       left.tv_sec == 0 && left.tv_nsec > 0 && left.tv_nsec < short_time.tv_nsec
			       ? "less"
			       : "wrong");
	return result;
}
static long sleep_relative(void)
{
	return -(errno = clock_nanosleep(CLOCK_REALTIME, 0, &short_time, NULL));
}
static long sleep_absolute(void)
{
	struct timespec when;

	clock_gettime(CLOCK_MONOTONIC, &when);
	when.tv_nsec += short_time.tv_nsec;
	when.tv_sec += when.tv_nsec / 1000000000;
	when.tv_nsec %= 1000000000;
	return -(errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL));
}
static long do_poll(void)
{
	struct pollfd fd = {pipe_ends[0], POLLIN, 0};

	return poll(&fd, 1, SHORT_MS);
}
static long do_poll_forever(void)
{
	struct pollfd fd = {pipe_ends[0], POLLIN, 0};

	return poll(&fd, 1, -1);
}
static long do_ppoll(void)
{
	struct pollfd fd = {pipe_ends[0], POLLIN, 0};
	struct timespec time = short_time;
	long result = syscall(SYS_ppoll, &fd, 1, &time, NULL, 0);

	printf("   time %s\n", time.tv_nsec == short_time.tv_nsec ? "kept"
			       : time.tv_nsec                     ? "less"
								  : "none");
	return result;
}
static long do_select(void)
{
	struct timeval time = {0, SHORT_MS * 1000};
	fd_set set;

	FD_ZERO(&set);
	FD_SET(pipe_ends[0], &set);
	return select(pipe_ends[0] + 1, &set, NULL, NULL, &time);
}
static long do_pselect(void)
{
	struct timespec time = short_time;
	sigset_t mask;

	sigemptyset(&mask);
	return pselect(0, NULL, NULL, NULL, &time, &mask);
}
static long do_epoll(void)
{
	struct epoll_event got;

	return epoll_wait(epoll, &got, 1, SHORT_MS);
}
static long do_epoll_forever(void)
{
	struct epoll_event got;

	return epoll_wait(epoll, &got, 1, -1);
}
static long futex_wait_short(void)
{
	return syscall(SYS_futex, &shared->word, FUTEX_WAIT, 0, &short_time, NULL, 0);
}
static long futex_wait(void)
{
	return syscall(SYS_futex, &shared->word, FUTEX_WAIT, 0, NULL, NULL, 0);
}
static long futex_wait_bits(void)
{
	struct timespec when;

	clock_gettime(CLOCK_MONOTONIC, &when);
	when.tv_sec++;
	return syscall(SYS_futex, &shared->word, FUTEX_WAIT_BITSET, 0, &when, NULL, -1);
}
static void wake_futex(pid_t pid)
{
	syscall(SYS_futex, &shared->word, FUTEX_WAKE, 1, NULL, NULL, 0);
}
static long receive_message(void)
{
	return msgrcv(queue, bytes, 10, 0, 0);
}
static void send_message(pid_t pid)
{
	struct {
		long type;
		char text[2];
	} m = {1, "x"};

	msgsnd(queue, &m, 1, 0);
}
static long wait_semaphore(void)
{
	return semop(sets, &(struct sembuf){0, -1, 0}, 1);
}
static long wait_semaphore_short(void)
{
	return semtimedop(sets, &(struct sembuf){0, -1, 0}, 1, &short_time);
}
static void post_semaphore(pid_t pid)
{
	semop(sets, &(struct sembuf){0, 1, 0}, 1);
}
static long receive_mq(void)
{
	return mq_receive(mq, bytes, 100, NULL);
}
static void send_mq(pid_t pid)
{
	mq_send(mq, "x", 1, 0);
}
static long suspend(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	return sigsuspend(&mask);
}
static long take_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return sigtimedwait(&set, NULL, &short_time);
}
static long lock_whole(void)
{
	return flock(open("lock", O_RDWR), LOCK_EX);
}
static void unlock_whole(pid_t pid)
{
	flock(lock_fd, LOCK_UN);
}
static long lock_range(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};

	return fcntl(open("lock", O_RDWR), F_SETLKW, &lock);
}
static void unlock_range(pid_t pid)
{
	struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_len = 1};

	fcntl(lock_fd, F_SETLK, &lock);
}

static const struct call {
	const char *name;
	long (*run)(void);
	void (*finish)(pid_t pid);
} calls[] = {
	{"read of a pipe", read_pipe, feed_pipe},
	{"write to a full pipe", write_pipe, drain_pipe},
	{"long write to a full pipe", write_much, drain_twice},
	{"read of a terminal", read_tty, feed_tty},
	{"read of an eventfd", read_eventfd, feed_eventfd},
	{"read of a timerfd", read_timerfd, NULL},
	{"read of a signalfd", read_signalfd, send_usr2},
	{"open of a fifo", open_fifo, open_other_end},
	{"wait4", wait_for_child, NULL},
	{"waitid", waitid_for_child, NULL},
	{"nanosleep", sleep_nanosleep, NULL},
	{"clock_nanosleep", sleep_relative, NULL},
	{"clock_nanosleep until", sleep_absolute, NULL},
	{"poll", do_poll, NULL},
	{"poll without end", do_poll_forever, feed_pipe},
	{"ppoll", do_ppoll, NULL},
	{"select", do_select, NULL},
	{"pselect", do_pselect, NULL},
	{"epoll_wait", do_epoll, NULL},
	{"epoll_wait without end", do_epoll_forever, feed_pipe},
	{"futex for a time", futex_wait_short, NULL},
	{"futex", futex_wait, wake_futex},
	{"futex until", futex_wait_bits, wake_futex},
	{"msgrcv", receive_message, send_message},
	{"semop", wait_semaphore, post_semaphore},
	{"semtimedop", wait_semaphore_short, NULL},
	{"mq_receive", receive_mq, send_mq},
	{"sigsuspend", suspend, send_usr2},
	{"sigtimedwait", take_signal, NULL},
	{"flock", lock_whole, unlock_whole},
	{"fcntl lock", lock_range, unlock_range},
};

// --- Interrupting them ---

static void handler(int sig)
{
	shared->handled++;
}

static char state_of(pid_t pid)
{
	char path[40], text[300] = "", *end;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY);

	read(fd, text, sizeof(text) - 1);
	close(fd);
	end = strrchr(text, ')');
	return end ? end[2] : '?';
}

static void until_asleep(pid_t pid)
{
	for (int i = 0; i < 400 && !shared->returned && state_of(pid) != 'S'; i++)
		usleep(2000);
}

static void prepare(void)
{
	struct termios t;
	struct epoll_event want = {.events = EPOLLIN};

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pipe(pipe_ends);
	pipe(full_pipe);
	openpty(&pty_master, &pty_slave, NULL, NULL, NULL);
	tcgetattr(pty_slave, &t);
	epoll = epoll_create1(0);
	epoll_ctl(epoll, EPOLL_CTL_ADD, pipe_ends[0], &want);
	event = eventfd(0, 0);
	timer = timerfd_create(CLOCK_MONOTONIC, 0);
	mkfifo("fifo", 0600);
	lock_fd = open("lock", O_RDWR | O_CREAT, 0600);
	queue = msgget(IPC_PRIVATE, 0600);
	sets = semget(IPC_PRIVATE, 1, 0600);
	mq = mq_open("/restart", O_RDWR | O_CREAT, 0600,
		     &(struct mq_attr){.mq_maxmsg = 2, .mq_msgsize = 100});
	signal(SIGPIPE, SIG_IGN);
}

static void cleanup(void)
{
	msgctl(queue, IPC_RMID, NULL);
	semctl(sets, 0, IPC_RMID);
	mq_unlink("/restart");
}

static void child(const struct call *call, int flags, void (*act)(int))
{
	struct sigaction action = {.sa_handler = act, .sa_flags = flags};

	alarm(15);
	sigaction(SIGUSR1, &action, NULL);
	if (call->run != read_signalfd) {
		action.sa_flags = 0;
		action.sa_handler = handler;
		sigaction(SIGUSR2, &action, NULL);
	}
	long start = now_ms();
	errno = 0;
	shared->result = call->run();
	shared->error = errno;
	shared->ms = now_ms() - start;
	shared->returned = 1;
	fflush(stdout);
	_exit(0);
}

static void refill(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	struct pollfd fd = {pipe_ends[0], POLLIN, 0};

	while (poll(&fd, 1, 0) == 1)
		read(pipe_ends[0], bytes, 10);
	fd.fd = full_pipe[0]; // emptied first, so that it becomes full to the last byte
	while (poll(&fd, 1, 0) == 1)
		read(full_pipe[0], bytes, sizeof(bytes));
	fcntl(full_pipe[1], F_SETFL, O_NONBLOCK);
	while (write(full_pipe[1], bytes, 4096) > 0)
		;
	fcntl(full_pipe[1], F_SETFL, 0);
	fcntl(event, F_SETFL, O_NONBLOCK);
	read(event, bytes, 8);
	fcntl(event, F_SETFL, 0);
	tcflush(pty_slave, TCIOFLUSH);
	semctl(sets, 0, SETVAL, 0);
	while (msgrcv(queue, bytes, 10, 0, IPC_NOWAIT) >= 0)
		;
	flock(lock_fd, LOCK_EX);
	fcntl(lock_fd, F_SETLK, &lock);
}

// `sig` 0: stops and continues instead.
static void interrupt(const struct call *call, int sig, int flags, void (*act)(int))
{
	memset(shared, 0, sizeof(*shared));
	refill();
	fflush(stdout);
	pid_t pid = fork();
	if (!pid)
		child(call, flags, act);
	until_asleep(pid);
	if (sig) {
		kill(pid, sig);
	} else {
		kill(pid, SIGSTOP);
		waitpid(pid, NULL, WUNTRACED);
		kill(pid, SIGCONT);
	}
	usleep(20000);
	until_asleep(pid);
	int before = shared->returned;
	if (!before && call->finish)
		call->finish(pid);
	waitpid(pid, NULL, 0);
	if (shared->result < 0)
		printf("%s: %s", call->name, strerrorname_np(shared->error) ?: "?");
	else
		printf("%s: %ld", call->name, shared->result);
	// A call that could only be ended by us, or by its own time.
	int whole = call->finish ? !before : shared->ms >= SHORT_MS;
	printf(", handled %d, %s\n", shared->handled, whole ? "went on" : "was cut short");
}

static void interrupt_all(int sig, int flags, void (*act)(int))
{
	prepare();
	for (unsigned i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		interrupt(&calls[i], sig, flags, act);
	cleanup();
}

ABI_TEST(restart, without)
{
	interrupt_all(SIGUSR1, 0, handler);
}
ABI_TEST(restart, with)
{
	interrupt_all(SIGUSR1, SA_RESTART, handler);
}
ABI_TEST(restart, stopped)
{
	interrupt_all(0, 0, handler);
}
ABI_TEST(restart, ignored)
{
	interrupt_all(SIGUSR1, 0, SIG_IGN);
}
ABI_TEST(restart, default_ignored)
{
	interrupt_all(SIGURG, 0, handler);
}
