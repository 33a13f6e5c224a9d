// Every system call that takes a pointer, and each of its pointers in turn: not mapped, the kernel's,
// wrapping round, straddling a hole, and for what is written by the kernel, read-only. The call must
// return what it returns on Linux, and no descriptor may be left over.
//
// Each row is tried in a process of its own; what lies where the pointer points is good content as
// far as it is mapped.

#include "abi.h"
#include <linux/capability.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <time.h>

// Descriptors that each process of a row has.
enum {
	FILE_FD = 20,
	FOLDER,
	PIPE_OUT, // has some bytes
	PIPE_IN,
	EPOLL,
	EVENT,
	TIMER,
	SELF,
	HIGHEST
};

#define P      0x5050505050505050 // stands for the pointer that is tried
#define PAGE   4096
#define MAPPED 0x20000000ul // two pages, of which the second is a hole

struct row {
	const char *name;
	char kind;     // 'i' read by the kernel, 'o' written
	unsigned size; // of what it points to
	long number, argument[6];
	const void *content; // NULL: zeroes
	unsigned length;
	long (*call)(unsigned long address); // instead, for what is more than one call
};

static struct iovec vector; // its base is the pointer that is tried
static char path[] = "some-file", name_of_file[] = "/tmp/bad-pointers";
static char room[4096];
static int word;
static struct timespec no_time;
static int semaphores, queue, segment;
static timer_t timer_id;

static struct epoll_event event = {.events = EPOLLIN};
static struct pollfd poll_one = {.fd = PIPE_OUT, .events = POLLIN};
static struct iovec one_byte = {room, 1};
static struct __user_cap_header_struct caps = {.version = _LINUX_CAPABILITY_VERSION_3};
static struct sembuf operation = {.sem_op = 1};
static struct {
	long type;
	char text[8];
} message = {1, "message"};
static unsigned long attributes[7] = {48};
static unsigned long new_task[8] = {CLONE_THREAD};
static unsigned long bad_strings[4] = {8, 8, 8, 8};
static unsigned long strings[3] = {(unsigned long)"init"};
static char aligned[2 * PAGE] __attribute__((aligned(PAGE)));
static int chosen_tid = 31234;
static struct iovec page_vector = {aligned, PAGE};
static struct {
	unsigned long value, address;
	unsigned flags, reserved;
} wait_one = {77, (unsigned long)&word, 2, 0},
  wait_two[2] = {{77, (unsigned long)&word, 2, 0}, {0, (unsigned long)&word, 2, 0}};
static struct flock lock = {.l_type = F_RDLCK};
static long probe[2] = {3, 0};
static long sigset_arg[2] = {0, 8};

// --- Calls that make something, which is to go again ---

static long reaped(long pid)
{
	if (!pid)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, __WALL);
	return pid > 0 ? 1 : pid;
}

static long clone_at(unsigned long flags, unsigned long parent, unsigned long child)
{
	return reaped(syscall(SYS_clone, flags | SIGCHLD, 0, parent, 0, child));
}

static long clone_pidfd(unsigned long address)
{
	return clone_at(CLONE_PIDFD, address, 0);
}

static long clone_parent_tid(unsigned long address)
{
	return clone_at(CLONE_PARENT_SETTID, address, 0);
}

static long clone_child_tid(unsigned long address)
{
	return clone_at(CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID, 0, address);
}

static long clone_vfork_child_tid(unsigned long address)
{
	return clone_at(CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_VFORK, 0, address);
}

static long clone3_with(unsigned long flags, unsigned long pidfd, unsigned long parent,
			unsigned long set_tid)
{
	unsigned long args[10] = {flags, pidfd, 0, parent, SIGCHLD, 0, 0, 0, set_tid, !!set_tid};

	return reaped(syscall(SYS_clone3, args, sizeof(args)));
}

static long clone3_pidfd(unsigned long address)
{
	return clone3_with(CLONE_PIDFD, address, 0, 0);
}

static long clone3_parent_tid(unsigned long address)
{
	return clone3_with(CLONE_PARENT_SETTID, 0, address, 0);
}

static long clone3_set_tid(unsigned long address)
{
	return clone3_with(0, 0, 0, address);
}

// The word is looked at when the task ends.
static long end_with_robust_list(unsigned long address)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid) {
		syscall(SYS_set_robust_list, address, 24);
		_exit(5);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static long sigtimedwait_info(unsigned long address)
{
	unsigned long set = 1ul << (SIGUSR1 - 1);

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 8);
	raise(SIGUSR1);
	return syscall(SYS_rt_sigtimedwait, &set, address, &no_time, 8);
}

static long owner_uid(unsigned long address)
{
	int ns = open("/proc/self/ns/user", O_RDONLY);
	long result = ioctl(ns, _IO(0xb7, 4), address);

	close(ns);
	return result;
}

// clang-format off
#define IN(what, bytes, nr, args, ...) \
	{.name = what, .kind = 'i', .size = bytes, .number = nr, .argument = args, __VA_ARGS__}
#define OUT(what, bytes, nr, args, ...) \
	{.name = what, .kind = 'o', .size = bytes, .number = nr, .argument = args, __VA_ARGS__}
#define PATH(what, nr, args) \
	{.name = what, .kind = 'i', .size = 16, .number = nr, .argument = args, \
	 .content = path, .length = sizeof(path)}
#define CALL(what, way, bytes, function, ...) \
	{.name = what, .kind = way, .size = bytes, .call = function, __VA_ARGS__}
#define WITH(object, bytes) .content = object, .length = bytes
#define A(...) {__VA_ARGS__}
#define AD(object) ((long)&(object))
// clang-format on

static const struct row *rows(size_t *count)
{
	const struct row all[] = {
		OUT("getcwd", 64, SYS_getcwd, A(P, 64)),
		IN("epoll_ctl", 16, SYS_epoll_ctl, A(EPOLL, EPOLL_CTL_ADD, PIPE_OUT, P),
		   WITH(&event, 16)),
		OUT("epoll_pwait", 16, SYS_epoll_pwait, A(EPOLL, P, 1, 0, 0, 8)),
		IN("epoll_pwait mask", 8, SYS_epoll_pwait, A(EPOLL, AD(room), 1, 0, P, 8)),
		IN("epoll_pwait2 time", 16, SYS_epoll_pwait2, A(EPOLL, AD(room), 1, P, 0, 8)),
		OUT("fcntl GETLK", 32, SYS_fcntl, A(FILE_FD, F_GETLK, P),
		    WITH(&lock, sizeof(lock))),
		IN("fcntl SETLK", 32, SYS_fcntl, A(FILE_FD, F_SETLK, P), WITH(&lock, sizeof(lock))),
		OUT("ioctl FIONREAD", 4, SYS_ioctl, A(PIPE_OUT, FIONREAD, P)),
		PATH("mknodat", SYS_mknodat, A(FOLDER, P, S_IFREG | 0600, 0)),
		PATH("mkdirat", SYS_mkdirat, A(FOLDER, P, 0700)),
		PATH("unlinkat", SYS_unlinkat, A(FOLDER, P, 0)),
		PATH("symlinkat target", SYS_symlinkat, A(P, FOLDER, AD("link"))),
		PATH("symlinkat name", SYS_symlinkat, A(AD("x"), FOLDER, P)),
		PATH("linkat old", SYS_linkat, A(FOLDER, P, FOLDER, AD("new"), 0)),
		PATH("linkat new", SYS_linkat, A(FOLDER, AD("file"), FOLDER, P, 0)),
		PATH("renameat2 old", SYS_renameat2, A(FOLDER, P, FOLDER, AD("new"), 0)),
		PATH("renameat2 new", SYS_renameat2, A(FOLDER, AD("file"), FOLDER, P, 0)),
		PATH("umount2", SYS_umount2, A(P, 0)),
		PATH("mount source", SYS_mount, A(P, AD("/tmp"), AD("tmpfs"), 0, 0)),
		PATH("mount target", SYS_mount, A(AD("none"), P, AD("tmpfs"), 0, 0)),
		PATH("mount type", SYS_mount, A(AD("none"), AD("/nowhere"), P, 0, 0)),
		PATH("pivot_root new", SYS_pivot_root, A(P, AD("/tmp"))),
		PATH("pivot_root old", SYS_pivot_root, A(AD("/tmp"), P)),
		PATH("statfs path", SYS_statfs, A(P, AD(room))),
		OUT("statfs", 120, SYS_statfs, A(AD("/"), P)),
		OUT("fstatfs", 120, SYS_fstatfs, A(FILE_FD, P)),
		PATH("truncate", SYS_truncate, A(P, 0)),
		PATH("faccessat", SYS_faccessat, A(FOLDER, P, 0)),
		PATH("faccessat2", SYS_faccessat2, A(FOLDER, P, 0, 0)),
		PATH("chdir", SYS_chdir, A(P)),
		PATH("chroot", SYS_chroot, A(P)),
		PATH("fchmodat", SYS_fchmodat, A(FOLDER, P, 0600)),
		PATH("fchownat", SYS_fchownat, A(FOLDER, P, 0, 0, 0)),
		PATH("openat", SYS_openat, A(FOLDER, P, O_RDONLY)),
		PATH("openat create", SYS_openat, A(FOLDER, P, O_RDWR | O_CREAT, 0600)),
		OUT("pipe2", 8, SYS_pipe2, A(P, 0)),
		OUT("getdents64", 64, SYS_getdents64, A(FOLDER, P, 64)),
		OUT("read", 16, SYS_read, A(FILE_FD, P, 16)),
		OUT("read of a pipe", 16, SYS_read, A(PIPE_OUT, P, 16)),
		OUT("read of an event", 8, SYS_read, A(EVENT, P, 8)),
		OUT("read of a timer", 8, SYS_read, A(TIMER, P, 8)),
		IN("write", 16, SYS_write, A(FILE_FD, P, 16)),
		IN("write to a pipe", 16, SYS_write, A(PIPE_IN, P, 16)),
		IN("write to an event", 8, SYS_write, A(EVENT, P, 8)),
		IN("readv", 16, SYS_readv, A(FILE_FD, P, 1), WITH(&one_byte, 16)),
		IN("writev", 16, SYS_writev, A(FILE_FD, P, 1), WITH(&one_byte, 16)),
		OUT("readv base", 16, SYS_readv, A(FILE_FD, AD(vector), 1)),
		IN("writev base", 16, SYS_writev, A(FILE_FD, AD(vector), 1)),
		OUT("pread64", 16, SYS_pread64, A(FILE_FD, P, 16, 0)),
		IN("pwrite64", 16, SYS_pwrite64, A(FILE_FD, P, 16, 0)),
		OUT("preadv base", 16, SYS_preadv, A(FILE_FD, AD(vector), 1, 0)),
		IN("pwritev base", 16, SYS_pwritev, A(FILE_FD, AD(vector), 1, 0)),
		OUT("preadv2 base", 16, SYS_preadv2, A(FILE_FD, AD(vector), 1, 0, 0, 0)),
		IN("pwritev2 base", 16, SYS_pwritev2, A(FILE_FD, AD(vector), 1, 0, 0, 0)),
		OUT("sendfile", 8, SYS_sendfile, A(PIPE_IN, FILE_FD, P, 1)),
		OUT("copy_file_range in", 8, SYS_copy_file_range, A(FILE_FD, P, FILE_FD, 0, 0, 0)),
		OUT("copy_file_range out", 8, SYS_copy_file_range, A(FILE_FD, 0, FILE_FD, P, 0, 0)),
		OUT("pselect6 read", 8, SYS_pselect6, A(1, P, 0, 0, AD(no_time), 0)),
		OUT("pselect6 write", 8, SYS_pselect6, A(1, 0, P, 0, AD(no_time), 0)),
		OUT("pselect6 except", 8, SYS_pselect6, A(1, 0, 0, P, AD(no_time), 0)),
		IN("pselect6 time", 16, SYS_pselect6, A(0, 0, 0, 0, P, 0)),
		IN("pselect6 mask", 16, SYS_pselect6, A(0, 0, 0, 0, AD(no_time), P),
		   WITH(sigset_arg, 16)),
		OUT("ppoll", 8, SYS_ppoll, A(P, 1, AD(no_time), 0, 8), WITH(&poll_one, 8)),
		IN("ppoll time", 16, SYS_ppoll, A(AD(poll_one), 1, P, 0, 8)),
		IN("ppoll mask", 8, SYS_ppoll, A(AD(poll_one), 1, AD(no_time), P, 8)),
		IN("signalfd4", 8, SYS_signalfd4, A(-1, P, 8, 0)),
		PATH("readlinkat path", SYS_readlinkat, A(FOLDER, P, AD(room), 64)),
		OUT("readlinkat", 16, SYS_readlinkat, A(FOLDER, AD("symlink"), P, 64)),
		PATH("newfstatat path", SYS_newfstatat, A(FOLDER, P, AD(room), 0)),
		OUT("newfstatat", 128, SYS_newfstatat, A(FOLDER, AD("file"), P, 0)),
		OUT("fstat", 128, SYS_fstat, A(FILE_FD, P)),
		PATH("statx path", SYS_statx, A(FOLDER, P, 0, 0x7ff, AD(room))),
		OUT("statx", 256, SYS_statx, A(FOLDER, AD("file"), 0, 0x7ff, P)),
		PATH("utimensat path", SYS_utimensat, A(FOLDER, P, 0, 0)),
		IN("utimensat times", 32, SYS_utimensat, A(FOLDER, AD("file"), P, 0)),
		OUT("capget header", 8, SYS_capget, A(P, AD(room)), WITH(&caps, sizeof(caps))),
		OUT("capget data", 24, SYS_capget, A(AD(caps), P)),
		IN("capset header", 8, SYS_capset, A(P, AD(room)), WITH(&caps, sizeof(caps))),
		IN("capset data", 24, SYS_capset, A(AD(caps), P)),
		OUT("waitid", 128, SYS_waitid, A(P_ALL, 0, P, WEXITED | WNOWAIT, 0)),
		OUT("waitid rusage", 144, SYS_waitid, A(P_ALL, 0, AD(room), WEXITED | WNOWAIT, P)),
		OUT("wait4 status", 4, SYS_wait4, A(-1, P, WNOHANG, 0)),
		OUT("wait4 rusage", 144, SYS_wait4, A(-1, AD(word), WNOHANG, P)),
		IN("futex", 4, SYS_futex, A(P, FUTEX_WAIT, 77, 0)),
		IN("futex wake", 4, SYS_futex, A(P, FUTEX_WAKE, 1)),
		IN("futex time", 16, SYS_futex, A(AD(word), FUTEX_WAIT, 0, P)),
		OUT("get_robust_list head", 8, SYS_get_robust_list, A(0, P, AD(room))),
		OUT("get_robust_list size", 8, SYS_get_robust_list, A(0, AD(room), P)),
		CALL("set_robust_list", 'i', 24, end_with_robust_list),
		IN("futex wake, private", 4, SYS_futex, A(P, FUTEX_WAKE_PRIVATE, 1)),
		IN("futex wait, private", 4, SYS_futex, A(P, FUTEX_WAIT_PRIVATE, 77, 0)),
		OUT("futex wake op 1", 4, SYS_futex, A(P, FUTEX_WAKE_OP, 1, 1, AD(word), 0)),
		OUT("futex wake op 2", 4, SYS_futex, A(AD(word), FUTEX_WAKE_OP, 1, 1, P, 0)),
		IN("futex requeue 1", 4, SYS_futex, A(P, FUTEX_CMP_REQUEUE, 1, 1, AD(word), 77)),
		IN("futex requeue 2", 4, SYS_futex, A(AD(word), FUTEX_CMP_REQUEUE, 1, 1, P, 77)),
		OUT("futex lock", 4, SYS_futex, A(P, FUTEX_LOCK_PI, 0, 0)),
		OUT("futex lock, private", 4, SYS_futex, A(P, FUTEX_LOCK_PI_PRIVATE, 0, 0)),
		IN("futex lock time", 16, SYS_futex, A(AD(word), FUTEX_LOCK_PI, 0, P)),
		OUT("futex trylock", 4, SYS_futex, A(P, FUTEX_TRYLOCK_PI, 0, 0)),
		OUT("futex unlock", 4, SYS_futex, A(P, FUTEX_UNLOCK_PI, 0, 0)),
		OUT("futex requeue to lock", 4, SYS_futex,
		    A(AD(word), FUTEX_CMP_REQUEUE_PI, 1, 1, P, 0)),
		OUT("futex requeue from", 4, SYS_futex,
		    A(P, FUTEX_CMP_REQUEUE_PI, 1, 1, AD(word), 77)),
		IN("futex_waitv", 24, 449, A(P, 1, 0, 0, 0), WITH(&wait_one, 24)),
		IN("futex_waitv time", 16, 449, A(AD(wait_one), 1, 0, P, CLOCK_MONOTONIC)),
		IN("futex_wake", 4, 454, A(P, ~0u, 1, 2)),
		IN("futex_wait", 4, 455, A(P, 77, ~0u, 2, 0, 0)),
		IN("futex_wait time", 16, 455, A(AD(word), 0, ~0u, 2, P, CLOCK_MONOTONIC)),
		IN("futex_requeue", 48, 456, A(P, 0, 1, 1), WITH(wait_two, 48)),
		IN("nanosleep", 16, SYS_nanosleep, A(P, 0)),
		IN("clock_nanosleep", 16, SYS_clock_nanosleep, A(CLOCK_MONOTONIC, 0, P, 0)),
		OUT("getitimer", 32, SYS_getitimer, A(ITIMER_REAL, P)),
		IN("setitimer new", 32, SYS_setitimer, A(ITIMER_VIRTUAL, P, 0)),
		OUT("setitimer old", 32, SYS_setitimer, A(ITIMER_VIRTUAL, AD(room), P)),
		IN("timer_create event", 64, SYS_timer_create, A(CLOCK_MONOTONIC, P, AD(room))),
		OUT("timer_create id", 4, SYS_timer_create, A(CLOCK_MONOTONIC, 0, P)),
		OUT("timer_gettime", 32, SYS_timer_gettime, A((long)timer_id, P)),
		IN("timer_settime new", 32, SYS_timer_settime, A((long)timer_id, 0, P, 0)),
		OUT("timer_settime old", 32, SYS_timer_settime, A((long)timer_id, 0, AD(room), P)),
		OUT("timerfd_gettime", 32, SYS_timerfd_gettime, A(TIMER, P)),
		IN("timerfd_settime new", 32, SYS_timerfd_settime, A(TIMER, 0, P, 0)),
		OUT("timerfd_settime old", 32, SYS_timerfd_settime, A(TIMER, 0, AD(room), P)),
		IN("clock_settime", 16, SYS_clock_settime, A(CLOCK_MONOTONIC, P)),
		OUT("clock_gettime", 16, SYS_clock_gettime, A(CLOCK_MONOTONIC, P)),
		OUT("clock_getres", 16, SYS_clock_getres, A(CLOCK_MONOTONIC, P)),
		OUT("gettimeofday", 16, SYS_gettimeofday, A(P, 0)),
		OUT("gettimeofday zone", 8, SYS_gettimeofday, A(0, P)),
		IN("settimeofday zone", 8, SYS_settimeofday, A(0, P)),
		OUT("adjtimex", 208, SYS_adjtimex, A(P)),
		OUT("clock_adjtime", 208, SYS_clock_adjtime, A(CLOCK_REALTIME, P)),
		IN("sched_setparam", 4, SYS_sched_setparam, A(0, P)),
		IN("sched_setscheduler", 4, SYS_sched_setscheduler, A(0, 0, P)),
		OUT("sched_getparam", 4, SYS_sched_getparam, A(0, P)),
		IN("sched_setaffinity", 8, SYS_sched_setaffinity, A(0, 8, P), WITH(room, 8)),
		OUT("sched_getaffinity", 8, SYS_sched_getaffinity, A(0, 8, P)),
		OUT("sched_rr_get_interval", 16, SYS_sched_rr_get_interval, A(0, P)),
		IN("sched_setattr", 48, SYS_sched_setattr, A(0, P, 0), WITH(attributes, 48)),
		OUT("sched_getattr", 48, SYS_sched_getattr, A(0, P, 48, 0)),
		IN("sigaltstack new", 24, SYS_sigaltstack, A(P, 0)),
		OUT("sigaltstack old", 24, SYS_sigaltstack, A(0, P)),
		IN("rt_sigsuspend", 8, SYS_rt_sigsuspend, A(P, 8)),
		IN("rt_sigaction new", 24, SYS_rt_sigaction, A(SIGUSR1, P, 0, 8)),
		OUT("rt_sigaction old", 24, SYS_rt_sigaction, A(SIGUSR1, 0, P, 8)),
		IN("rt_sigprocmask new", 8, SYS_rt_sigprocmask, A(SIG_BLOCK, P, 0, 8)),
		OUT("rt_sigprocmask old", 8, SYS_rt_sigprocmask, A(SIG_BLOCK, 0, P, 8)),
		OUT("rt_sigpending", 8, SYS_rt_sigpending, A(P, 8)),
		IN("rt_sigtimedwait set", 8, SYS_rt_sigtimedwait, A(P, 0, AD(no_time), 8)),
		IN("rt_sigtimedwait time", 16, SYS_rt_sigtimedwait, A(AD(room), 0, P, 8)),
		CALL("rt_sigtimedwait info", 'o', 128, sigtimedwait_info),
		IN("rt_sigqueueinfo", 128, SYS_rt_sigqueueinfo, A(999999, SIGUSR1, P)),
		IN("rt_tgsigqueueinfo", 128, SYS_rt_tgsigqueueinfo, A(999999, 999999, SIGUSR1, P)),
		IN("pidfd_send_signal", 128, SYS_pidfd_send_signal, A(SELF, SIGURG, P, 0)),
		OUT("pidfd GET_INFO", 64, SYS_ioctl, A(SELF, 0xc040ff0b, P)),
		OUT("pidfd GET_INFO, longer", 96, SYS_ioctl, A(SELF, 0xc060ff0b, P)),
		CALL("namespace's owner", 'o', 4, owner_uid),
		IN("setgroups", 4, SYS_setgroups, A(1, P)),
		OUT("getgroups", 4, SYS_getgroups, A(8, P)),
		OUT("getresuid 1", 4, SYS_getresuid, A(P, AD(room), AD(room))),
		OUT("getresuid 2", 4, SYS_getresuid, A(AD(room), P, AD(room))),
		OUT("getresuid 3", 4, SYS_getresuid, A(AD(room), AD(room), P)),
		OUT("getresgid 1", 4, SYS_getresgid, A(P, AD(room), AD(room))),
		OUT("getresgid 2", 4, SYS_getresgid, A(AD(room), P, AD(room))),
		OUT("getresgid 3", 4, SYS_getresgid, A(AD(room), AD(room), P)),
		OUT("times", 32, SYS_times, A(P)),
		OUT("uname", 390, SYS_uname, A(P)),
		IN("sethostname", 8, SYS_sethostname, A(P, 8)),
		IN("setdomainname", 8, SYS_setdomainname, A(P, 8)),
		OUT("getrlimit", 16, SYS_getrlimit, A(RLIMIT_NOFILE, P)),
		IN("setrlimit", 16, SYS_setrlimit, A(RLIMIT_CORE, P)),
		IN("prlimit64 new", 16, SYS_prlimit64, A(0, RLIMIT_CORE, P, 0)),
		OUT("prlimit64 old", 16, SYS_prlimit64, A(0, RLIMIT_CORE, 0, P)),
		OUT("getrusage", 144, SYS_getrusage, A(RUSAGE_SELF, P)),
		PATH("prctl SET_NAME", SYS_prctl, A(PR_SET_NAME, P)),
		OUT("prctl GET_NAME", 16, SYS_prctl, A(PR_GET_NAME, P)),
		OUT("prctl GET_PDEATHSIG", 4, SYS_prctl, A(PR_GET_PDEATHSIG, P)),
		OUT("prctl GET_CHILD_SUBREAPER", 4, SYS_prctl, A(PR_GET_CHILD_SUBREAPER, P)),
		OUT("prctl GET_AUXV", 64, SYS_prctl, A(0x41555856, P, 64)),
		OUT("prctl SET_MM_MAP_SIZE", 4, SYS_prctl, A(PR_SET_MM, PR_SET_MM_MAP_SIZE, P)),
		OUT("prctl GET_TID_ADDRESS", 8, SYS_prctl, A(PR_GET_TID_ADDRESS, P)),
		OUT("getcpu cpu", 4, SYS_getcpu, A(P, 0)),
		OUT("getcpu node", 4, SYS_getcpu, A(0, P)),
		OUT("sysinfo", 112, SYS_sysinfo, A(P)),
		PATH("mq_open", SYS_mq_open, A(P, O_RDWR, 0600, 0)),
		IN("mq_open attributes", 64, SYS_mq_open, A(AD("bad"), O_RDWR | O_CREAT, 0600, P)),
		PATH("mq_unlink", SYS_mq_unlink, A(P)),
		IN("msgsnd", 16, SYS_msgsnd, A(queue, P, 8, IPC_NOWAIT),
		   WITH(&message, sizeof(message))),
		OUT("msgrcv", 16, SYS_msgrcv, A(queue, P, 8, 0, IPC_NOWAIT)),
		OUT("msgctl", 120, SYS_msgctl, A(queue, IPC_STAT, P)),
		IN("msgctl set", 120, SYS_msgctl, A(queue, IPC_SET, P)),
		IN("semop", 6, SYS_semop, A(semaphores, P, 1), WITH(&operation, sizeof(operation))),
		IN("semtimedop time", 16, SYS_semtimedop, A(semaphores, AD(operation), 1, P)),
		OUT("semctl", 88, SYS_semctl, A(semaphores, 0, IPC_STAT, P)),
		OUT("semctl all", 2, SYS_semctl, A(semaphores, 0, GETALL, P)),
		IN("semctl set all", 2, SYS_semctl, A(semaphores, 0, SETALL, P)),
		OUT("shmctl", 112, SYS_shmctl, A(segment, IPC_STAT, P)),
		IN("shmctl set", 112, SYS_shmctl, A(segment, IPC_SET, P)),
		IN("clone3", 64, SYS_clone3, A(P, 64), WITH(new_task, 64)),
		CALL("clone pidfd", 'o', 4, clone_pidfd),
		CALL("clone parent's tid", 'o', 4, clone_parent_tid),
		CALL("clone child's tid", 'o', 4, clone_child_tid),
		CALL("vfork child's tid", 'o', 4, clone_vfork_child_tid),
		CALL("clone3 pidfd", 'o', 4, clone3_pidfd),
		CALL("clone3 parent's tid", 'o', 4, clone3_parent_tid),
		CALL("clone3 set_tid", 'i', 4, clone3_set_tid, WITH(&chosen_tid, 4)),
		PATH("execve path", SYS_execve, A(P, 0, 0)),
		IN("execve arguments", 32, SYS_execve, A(AD("/init"), P, 0), WITH(bad_strings, 32)),
		IN("execve environment", 32, SYS_execve, A(AD("/init"), 0, P),
		   WITH(bad_strings, 32)),
		PATH("execveat path", SYS_execveat, A(FOLDER, P, 0, 0, 0)),
		IN("execveat arguments", 32, SYS_execveat, A(FOLDER, AD("/init"), P, 0, 0),
		   WITH(bad_strings, 32)),
		IN("execveat environment", 32, SYS_execveat, A(FOLDER, AD("/init"), 0, P, 0),
		   WITH(bad_strings, 32)),
		IN("execveat last string", 16, SYS_execveat, // only asked whether it would be run
		   A(AT_FDCWD, AD("/init"), AD(strings), 0, 0x10000)),
		OUT("mincore", 1, SYS_mincore, A(MAPPED, PAGE, P)),
		IN("process_vm_readv local", 16, SYS_process_vm_readv,
		   A(1, P, 1, AD(one_byte), 1, 0), WITH(&one_byte, 16)),
		IN("process_vm_readv remote", 16, SYS_process_vm_readv,
		   A(1, AD(one_byte), 1, P, 1, 0), WITH(&one_byte, 16)),
		IN("process_vm_writev local", 16, SYS_process_vm_writev,
		   A(1, P, 1, AD(one_byte), 1, 0), WITH(&one_byte, 16)),
		IN("process_vm_writev remote", 16, SYS_process_vm_writev,
		   A(1, AD(one_byte), 1, P, 1, 0), WITH(&one_byte, 16)),
		IN("process_madvise", 16, 440, A(SELF, P, 1, 20, 0), WITH(&page_vector, 16)),
		OUT("getrandom", 16, SYS_getrandom, A(P, 16, 0)),
		PATH("memfd_create", SYS_memfd_create, A(P, 0)),
		PATH("fchmodat2", 452, A(FOLDER, P, 0600, 0)),
		OUT("riscv_hwprobe", 16, 258, A(P, 1, 0, 0, 0), WITH(probe, 16)),
	};
	static struct row kept[sizeof(all) / sizeof(all[0])];

	memcpy(kept, all, sizeof(all));
	*count = sizeof(all) / sizeof(all[0]);
	return kept;
}

// --- A row ---

static void prepare(void)
{
	int ends[2];

	chdir(name_of_file);
	dup2(open("file", O_RDWR), FILE_FD);
	dup2(open(".", O_RDONLY | O_DIRECTORY), FOLDER);
	pipe2(ends, O_NONBLOCK);
	dup2(ends[0], PIPE_OUT);
	dup2(ends[1], PIPE_IN);
	write(PIPE_IN, "some bytes in here", 18);
	dup2(epoll_create1(0), EPOLL);
	event.data.fd = PIPE_OUT;
	struct epoll_event other = {.events = EPOLLOUT};
	syscall(SYS_epoll_ctl, EPOLL, EPOLL_CTL_ADD, PIPE_IN, &other);
	dup2(eventfd(3, EFD_NONBLOCK), EVENT);
	dup2(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), TIMER);
	dup2(syscall(SYS_pidfd_open, getpid(), 0), SELF);
	for (int fd = 3; fd < FILE_FD; fd++)
		close(fd);
	timer_create(CLOCK_MONOTONIC, NULL, &timer_id);
	message.type = 1;
	msgsnd(queue, &message, 8, IPC_NOWAIT);
	msgsnd(queue, &message, 8, IPC_NOWAIT);
	if (!fork())
		_exit(0);
	siginfo_t info;
	waitid(P_ALL, 0, &info, WEXITED | WNOWAIT);
}

static void try(const struct row *row, const char *how, unsigned long address)
{
	long a[6];

	for (int i = 0; i < 6; i++)
		a[i] = row->argument[i] == P ? (long)address : row->argument[i];
	vector = (struct iovec){(void *)address, row->size};
	strings[1] = address;
	errno = 0;
	long result = row->call ? row->call(address)
				: syscall(row->number, a[0], a[1], a[2], a[3], a[4], a[5]);
	printf(" %s:%s", how, result < 0 ? strerrorname_np(errno) : "ok");
	if (result > 0 && result < 4096)
		printf("%ld", result);
	for (int fd = 3; fd < FILE_FD; fd++) {
		if (!close(fd))
			printf("+fd");
	}
}

static void row_main(const char *name, size_t index)
{
	size_t count;

	alarm(10);
	prepare();
	const struct row *row = &rows(&count)[index]; // the timer's number is known now
	char *mapped = mmap((void *)MAPPED, 2 * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	char *half = mapped + PAGE - row->size / 2;
	munmap(mapped + PAGE, PAGE);
	printf("%s", name);
	try(row, "unmapped", 0x10000000);
	try(row, "kernel", 0xffffffd600000000);
	try(row, "wraps", -(unsigned long)(row->size / 2 ?: 1));
	if (row->content)
		memcpy(half, row->content, row->size / 2);
	if (row->size > 1)
		try(row, "hole", (unsigned long)half);
	if (row->kind == 'o') {
		memset(mapped, 0, PAGE);
		if (row->content)
			memcpy(mapped, row->content, row->length);
		mprotect(mapped, PAGE, PROT_READ);
		try(row, "read-only", (unsigned long)mapped);
	}
	puts("");
	fflush(stdout);
	_exit(0);
}

ABI_TEST(bad_pointers, each)
{
	size_t count;
	int status;

	mkdir(name_of_file, 0755);
	chdir(name_of_file);
	int file = open("file", O_CREAT | O_RDWR, 0644);
	write(file, room, sizeof(room));
	close(file);
	symlink("somewhere", "symlink");
	semaphores = semget(IPC_PRIVATE, 1, 0600);
	queue = msgget(IPC_PRIVATE, 0600);
	segment = shmget(IPC_PRIVATE, PAGE, 0600);
	const struct row *all = rows(&count);
	for (size_t i = 0; i < count; i++) {
		fflush(stdout);
		pid_t pid = fork();
		if (!pid)
			row_main(all[i].name, i);
		if (waitpid(pid, &status, 0) != pid || status)
			printf("%s: status %x\n", all[i].name, status);
		while (msgrcv(queue, &message, 8, 0, IPC_NOWAIT) >= 0)
			;
	}
	semctl(semaphores, 0, IPC_RMID);
	msgctl(queue, IPC_RMID, NULL);
	shmctl(segment, IPC_RMID, NULL);
	sethostname("(none)", 6);
	unlink("new");
	unlink("link");
	unlink("file");
	unlink("symlink");
	chdir("/");
	rmdir(name_of_file);
}
