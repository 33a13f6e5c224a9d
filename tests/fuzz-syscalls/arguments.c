// Arguments: mostly sensible, so that calls get past their first checks, and now and then not.

#include "fuzz.h"
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_fsopen
#define SYS_fsopen 430
#endif

#define ARENA_SIZE (64 << 10)
#define AREA_SIZE  (1 << 20)

static char *arena; // buffers
static char *area;  // for calls that map, unmap and protect
static const char *const paths[] = {
	"f0",
	"f1",
	"f2",
	"d0",
	"d0/f",
	"d0/d",
	"d1",
	"d1/d0",
	"link",
	"fifo",
	".",
	"..",
	"/",
	"/proc/self/maps",
	"/proc/self/status",
	"/proc/self/mem",
	"/proc/self/stat",
	"/proc/thread-self/stack",
	"/proc/self/fd/0",
	"/proc/self/fd/3",
	"/proc/self/fail-nth",
	"/proc/self/oom_score_adj",
	"/proc/self/ns/pid",
	"/proc/self/ns/uts",
	"/proc/self/uid_map",
	"/proc/self/setgroups",
	"/proc/mounts",
	"/proc/self/mountinfo",
	"/proc/meminfo",
	"/proc/slabinfo",
	"/proc/stat",
	"/proc/sys/kernel/hostname",
	"/dev/null",
	"/dev/zero",
	"/dev/tty",
	"/dev/pts/ptmx",
	"/dev/urandom",
	"/proc/self/exe",
	"mount",
	"mount/x",
	"none/x",
	"",
	"proc",
	"tmpfs",
	"mount/cgroup.procs",
	"mount/cgroup.freeze",
	"mount/cgroup.kill",
	"mount/pids.max",
	"mount/cgroup.subtree_control",
	"/proc/self/timens_offsets",
	"/proc/self/clear_refs",
	"/proc/self/pagemap",
	"/proc/self/smaps",
	"/proc/self/smaps_rollup",
	"/proc/self/timers",
	"/proc/self/environ",
	"/proc/self/comm",
	"/proc/self/fdinfo/3",
	"/proc/self/task",
	"/proc/self/ns/mnt",
	"/proc/self/ns/ipc",
	"/proc/self/ns/user",
	"/proc/self/ns/time",
	"/proc/self/ns/cgroup",
	"/proc/sysvipc/shm",
	"/proc/vmstat",
	"/proc/1/status",
};

static const char *const types[] = {"tmpfs",  "proc",    "devtmpfs", "devpts",
				    "mqueue", "cgroup2", "none",     "d0"};

uint64_t random_next(struct random *r)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return r->state * 0x2545f4914f6cdd1dull >> 16;
}

uint64_t random_below(struct random *r, uint64_t n)
{
	return n ? random_next(r) % n : 0;
}

// Memory with nothing around it that a size too large could hit.
static char *island(size_t size)
{
	char *at = mmap(NULL, 2 * AREA_SIZE + size, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	mprotect(at + AREA_SIZE, size, PROT_READ | PROT_WRITE);
	return at + AREA_SIZE;
}

// One descriptor of each kind that random names hardly lead to, and a timer.
static void open_rest(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 34};
	struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 64};
	sigset_t set;
	timer_t timer;

	sigemptyset(&set);
	sigaddset(&set, 35);
	timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	signalfd(-1, &set, SFD_NONBLOCK);
	eventfd(1, EFD_NONBLOCK);
	syscall(SYS_pidfd_open, getpid(), 0);
	memfd_create("m", MFD_ALLOW_SEALING);
	open("/proc/self/ns/uts", O_RDONLY);
	open("/proc/self/ns/user", O_RDONLY);
	mq_open("/q", O_CREAT | O_RDWR | O_NONBLOCK, 0600, &attr);
	syscall(SYS_fsopen, "tmpfs", 0);
	open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer))
		return;
}

void arguments_prepare(void)
{
	arena = island(ARENA_SIZE);
	area = island(AREA_SIZE);
	for (int i = 0; i < 3; i++) {
		char name[4] = {'f', '0' + i, 0};
		int fd = open(name, O_CREAT | O_RDWR, 0644);

		if (write(fd, name, 2) < 0)
			continue;
	}
	mkdirat(AT_FDCWD, "d0", 0755);
	mkdirat(AT_FDCWD, "d1", 0755);
	mkdirat(AT_FDCWD, "mount", 0755);
	if (symlinkat("f0", AT_FDCWD, "link") || mknodat(AT_FDCWD, "fifo", 0010644, 0))
		return;
	int pipes[2];
	if (pipe(pipes))
		return;
	epoll_create1(0);
	open("d0", O_RDONLY | O_DIRECTORY);
	open_rest();
}

uint64_t argument_odd(struct random *r)
{
	static const uint64_t odd[] = {0,
				       1,
				       -1ull,
				       -2ull,
				       1ull << 31,
				       1ull << 32,
				       1ull << 63,
				       (1ull << 63) - 1,
				       0x7fffffff,
				       0xffffffff,
				       4095,
				       4096,
				       4097,
				       1ull << 38,
				       (1ull << 38) - 4096,
				       -4096ull,
				       0xffffffd600000000,
				       0xffffffff80000000};

	if (random_below(r, 4) == 0)
		return random_next(r) << random_below(r, 48);
	return odd[random_below(r, sizeof(odd) / sizeof(odd[0]))];
}

// A place in the arena, at the end of a page now and then so that a call runs over it.
char *argument_room(struct random *r, size_t size)
{
	size_t at = random_below(r, ARENA_SIZE - size);

	if (random_below(r, 8) == 0)
		at = ARENA_SIZE - random_below(r, size + 1);
	return arena + (at & ~7ul);
}

int argument_in_arena(const void *at, size_t size)
{
	return (const char *)at + size <= arena + ARENA_SIZE;
}

static void fill(struct random *r, char *at, size_t size)
{
	if (!argument_in_arena(at, size))
		return;
	for (size_t i = 0; i + 8 <= size; i += 8) {
		uint64_t value = random_below(r, 3) ? random_below(r, 16) : argument_odd(r);

		memcpy(at + i, &value, 8);
	}
}

static uint64_t make_in(struct random *r)
{
	char *at = argument_room(r, 256);

	fill(r, at, 256);
	return (uint64_t)at;
}

static uint64_t make_time(struct random *r)
{
	struct timespec *at = (struct timespec *)argument_room(r, sizeof(*at));

	if ((char *)(at + 1) > arena + ARENA_SIZE || random_below(r, 16) == 0)
		return random_below(r, 2) ? 0 : (uint64_t)at;
	at->tv_sec = random_below(r, 32) ? 0 : (time_t)argument_odd(r);
	at->tv_nsec = random_below(r, 32) ? (long)random_below(r, 2000000) : (long)argument_odd(r);
	return (uint64_t)at;
}

static uint64_t make_vector(struct random *r)
{
	struct iovec *at = (struct iovec *)argument_room(r, 8 * sizeof(*at));

	for (int i = 0; i < 8 && (char *)(at + i + 1) <= arena + ARENA_SIZE; i++) {
		at[i].iov_base = random_below(r, 16) ? argument_room(r, 4096)
						     : (void *)argument_odd(r);
		at[i].iov_len = random_below(r, 16) ? random_below(r, 5000) : argument_odd(r);
	}
	return (uint64_t)at;
}

static uint64_t make_strings(struct random *r)
{
	static const char *strings[] = {"x", "worker", "", NULL};

	(void)r;
	return (uint64_t)strings;
}

static uint64_t make_address(struct random *r)
{
	uint64_t at = (uint64_t)area + random_below(r, AREA_SIZE / 4096 + 2) * 4096;

	return random_below(r, 16) ? at : at + random_below(r, 4096);
}

static uint64_t make_flags(struct random *r, uint64_t mask)
{
	uint64_t bits = random_next(r) & random_next(r) & mask;

	if (random_below(r, 3) == 0)
		bits &= random_next(r);
	if (random_below(r, 40) == 0)
		bits ^= 1ull << random_below(r, 64);
	return bits;
}

static uint64_t make_pid(struct random *r)
{
	switch (random_below(r, 6)) {
	case 0:
		return 0;
	case 1:
		return getpid();
	case 2:
		return syscall(SYS_gettid);
	case 3:
		return -getpgrp();
	default:
		return 2 + random_below(r, 12);
	}
}

uint64_t argument_make(struct random *r, const struct argument *argument)
{
	// One in fifty is something quite different.
	if (argument->kind != NONE && random_below(r, 50) == 0)
		return argument_odd(r);
	switch (argument->kind) {
	case VALUE:
		return argument->mask;
	case TYPE:
		return (uint64_t)types[random_below(r, sizeof(types) / sizeof(types[0]))];
	case INT:
		return random_below(r, argument->mask + 1);
	case FLAGS:
		return make_flags(r, argument->mask);
	case FD:
		return random_below(r, 40) ? random_below(r, 24) : argument_odd(r);
	case DIRFD:
		return random_below(r, 4) ? (uint64_t)AT_FDCWD : random_below(r, 24);
	case PATH:
		return (uint64_t)paths[random_below(r, sizeof(paths) / sizeof(paths[0]))];
	case IN:
		return make_in(r);
	case OUT:
		return (uint64_t)argument_room(r, 4096);
	case LENGTH:
		return random_below(r, 3) ? random_below(r, 256) : random_below(r, 9000);
	case OFFSET:
		return random_below(r, 3) ? random_below(r, 20000) : random_below(r, 1 << 26);
	case MODE:
		return random_next(r) & 07777;
	case PID:
		return make_pid(r);
	case SIGNO:
		if (random_below(r, 20) == 0)
			return random_below(r, 66);
		// Those that our handlers take.
		return random_below(r, 2) ? 10 + 2 * random_below(r, 2) : 34 + random_below(r, 8);
	case ADDRESS:
		return make_address(r);
	case SIZE:
		return (1 + random_below(r, 40)) * 4096 - (random_below(r, 8) ? 0 : 100);
	case WORD:
		return (uint64_t)(arena + random_below(r, 8) * 4);
	case TIME:
		return make_time(r);
	case SIGSET:
	case EVENT:
		return make_in(r);
	case IOVEC:
		return make_vector(r);
	case STRINGS:
		return make_strings(r);
	case ID:
		return random_below(r, 4) ? random_below(r, 3) * 1000 : -1ull;
	case NONE:
	case KINDS:
		return 0;
	default:
		return structure_make(r, argument->kind);
	}
}
