// Two tasks that hand a byte, a count or a word back and forth.

#include <linux/futex.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "bench.h"

static int pipes[4], event_fds[2];

static long pipe_pong(void)
{
	char byte = 0;

	return write(pipes[1], &byte, 1) == 1 && read(pipes[2], &byte, 1) == 1 ? 0 : -1;
}

static long event_pong(void)
{
	unsigned long value = 1;

	return write(event_fds[0], &value, 8) == 8 && read(event_fds[1], &value, 8) == 8 ? 0 : -1;
}

static int turn;

static void futex_hand_over(int to, int from)
{
	__atomic_store_n(&turn, to, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) != from)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, to, NULL, NULL, 0);
}

static void *futex_partner(void *unused)
{
	while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) != 1)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	for (;;)
		futex_hand_over(0, 1);
	return unused;
}

static long futex_pong(void)
{
	futex_hand_over(1, 0);
	return 0;
}

void measure_ping_pong(void)
{
	pthread_t thread;

	if (!wanted("pipe") && !wanted("eventfd") && !wanted("futex"))
		return;
	pipe(pipes);
	pipe(pipes + 2);
	event_fds[0] = eventfd(0, 0);
	event_fds[1] = eventfd(0, 0);
	if (fork() == 0) {
		char byte;
		while (read(pipes[0], &byte, 1) == 1)
			write(pipes[3], &byte, 1);
		_exit(0);
	}
	measure("pipe_ping_pong", pipe_pong);
	if (event_fds[0] >= 0 && event_fds[1] >= 0) {
		if (fork() == 0) {
			unsigned long value;
			while (read(event_fds[0], &value, 8) == 8)
				write(event_fds[1], &value, 8);
			_exit(0);
		}
		measure("eventfd_ping_pong", event_pong);
	} else {
		missing("eventfd_ping_pong");
	}
	if (pthread_create(&thread, NULL, futex_partner, NULL) == 0)
		measure("futex_ping_pong", futex_pong);
}
