// Faults in what waits for files: epoll, eventfd, poll and select; and in pairs of terminals.

#include "fault.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/select.h>

static const int no_memory[] = {ENOMEM, ENFILE, 0};

static void close_it(void *arg, long fd)
{
	(void)arg;
	close(fd);
}

static long epoll_call(void *arg)
{
	(void)arg;
	return epoll_create1(0);
}

static long eventfd_call(void *arg)
{
	(void)arg;
	return eventfd(0, 0);
}

struct pair {
	int set, fd;
};

static long add_call(void *arg)
{
	struct pair *pair = arg;
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(pair->set, EPOLL_CTL_ADD, pair->fd, &event);
}

static void add_undo(void *arg, long result)
{
	struct pair *pair = arg;

	(void)result;
	epoll_ctl(pair->set, EPOLL_CTL_DEL, pair->fd, NULL);
}

FAULT_TEST(events, epoll)
{
	struct fault_call create = {.call = epoll_call, .undo = close_it, .errors = no_memory};
	struct fault_call event = {.call = eventfd_call, .undo = close_it, .errors = no_memory};
	struct fault_call add = {.call = add_call, .undo = add_undo, .errors = no_memory};
	struct pair pair = {epoll_create1(0), eventfd(0, 0)};

	fault_replay("epoll_create1()", &create, NULL);
	fault_replay("eventfd()", &event, NULL);
	fault_replay("epoll_ctl(ADD)", &add, &pair);
	pair.fd = epoll_create1(0);
	fault_replay("epoll_ctl(ADD, a set)", &add, &pair);
	close(pair.fd);
	close(pair.set);
}

static long poll_call(void *arg)
{
	struct pollfd many[20];

	for (int i = 0; i < 20; i++)
		many[i] = (struct pollfd){.fd = *(int *)arg, .events = POLLIN};
	return poll(many, 20, 1);
}

static long select_call(void *arg)
{
	struct timeval time = {0, 1000};
	fd_set in;

	FD_ZERO(&in);
	FD_SET(*(int *)arg, &in);
	return select(*(int *)arg + 1, &in, NULL, NULL, &time);
}

FAULT_TEST(events, poll)
{
	struct fault_call polls = {.call = poll_call, .errors = no_memory};
	struct fault_call selects = {.call = select_call, .errors = no_memory};
	int fd = eventfd(0, 0);

	fault_replay("poll()", &polls, &fd);
	fault_replay("select()", &selects, &fd);
	close(fd);
}

static long open_call(void *arg)
{
	return open(arg, O_RDWR | O_NOCTTY);
}

FAULT_TEST(events, terminals)
{
	struct fault_call opens = {.call = open_call, .undo = close_it, .errors = no_memory};
	char name[32];
	int number = 0, off = 0;

	mkdir("/dev/pts", 0755);
	mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=666");
	fault_replay("open(ptmx)", &opens, "/dev/pts/ptmx");
	int master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY);
	ioctl(master, TIOCSPTLCK, &off);
	ioctl(master, TIOCGPTN, &number);
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	fault_replay("open(slave)", &opens, name);
	close(master);
}
