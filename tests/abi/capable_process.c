// Every capability check with and without: what one process does to itself and to others.

#include "caps.h"
#include <grp.h>
#include <linux/ioprio.h>
#include <linux/kcmp.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>

#define DO(name, call)               \
	static long name(void)       \
	{                            \
		return (long)(call); \
	}

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#define PR_GET_IO_FLUSHER 58
#endif

// clone3(2): CLONE_PIDFD with CLONE_AUTOREAP and CLONE_PIDFD_AUTOKILL, and CLONE_NNP.
#define AUTOKILL     (0x00001000 | 0x400000000 | 0x1000000000)
#define NO_NEW_PRIVS 0x800000000

// --- KILL ---

static int kept = -1;
static char in_memory[8] = "memory";

static void victim_pidfd(void)
{
	caps_make_victim();
	kept = syscall(SYS_pidfd_open, caps_victim, 0);
}

static long queue_signal(void)
{
	siginfo_t info = {.si_code = SI_QUEUE, .si_signo = SIGCONT};

	return syscall(SYS_rt_sigqueueinfo, caps_victim, SIGCONT, &info);
}

static long queue_to_thread(void)
{
	siginfo_t info = {.si_code = SI_QUEUE, .si_signo = SIGCONT};

	return syscall(SYS_rt_tgsigqueueinfo, caps_victim, caps_victim, SIGCONT, &info);
}

DO(signal_none, kill(caps_victim, 0))
DO(signal_term, kill(caps_victim, SIGTERM))
DO(signal_cont, kill(caps_victim, SIGCONT))
DO(signal_thread, syscall(SYS_tgkill, caps_victim, caps_victim, 0))
DO(signal_tkill, syscall(SYS_tkill, caps_victim, 0))
DO(signal_pidfd, syscall(SYS_pidfd_send_signal, kept, 0, NULL, 0))

static const struct cap_case kill_cases[] = {
	{"kill", "signal_check_permission", CAP_KILL, 0, 0, caps_make_victim, signal_none},
	{"kill of root", "signal_check_permission", CAP_KILL, 0, 0, caps_make_root_victim,
	 signal_none},
	{"kill TERM", "signal_check_permission", CAP_KILL, 0, 0, caps_make_victim, signal_term},
	{"kill CONT", "signal_check_permission", CAP_KILL, 0, 0, caps_make_victim, signal_cont},
	{"tgkill", "signal_check_permission", CAP_KILL, 0, 0, caps_make_victim, signal_thread},
	{"tkill", "signal_check_permission", CAP_KILL, 0, 0, caps_make_victim, signal_tkill},
	{"sigqueue", "signal_check_permission", CAP_KILL, 0, 0, caps_make_victim, queue_signal},
	{"tgsigqueue", "signal_check_permission", CAP_KILL, 0, 0, caps_make_victim,
	 queue_to_thread},
	{"pidfd_send_signal", "signal_check_permission", CAP_KILL, 0, 0, victim_pidfd,
	 signal_pidfd},
};

ABI_TEST(capable, signals)
{
	CAPS_TRY(kill_cases);
}

// --- SETUID, SETGID, SETPCAP ---

static long set_fsuid(void)
{
	setfsuid(3000);
	return setfsuid(-1);
}

static long set_fsgid(void)
{
	setfsgid(3000);
	return setfsgid(-1);
}

static long set_groups(void)
{
	gid_t group = 3000;

	return setgroups(1, &group);
}

// Capabilities beyond those permitted, in the inheritable set.
static long inherit(uint32_t add)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -1;
	data[0].inheritable |= add;
	return syscall(SYS_capset, &header, data);
}

static long permit_more(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{-1u, -1u, 0},
						 {CAPS_ALL >> 32, CAPS_ALL >> 32, 0}};

	return syscall(SYS_capset, &header, data);
}

static long raise_ambient(void)
{
	inherit(CAP(CAP_KILL));
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0);
}

static void lock_securebits(void)
{
	prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED);
}

static void bound(void)
{
	prctl(PR_CAPBSET_DROP, CAP_KILL);
}

// Another's map, as an administrator writes it.
static pid_t newcomer;

static void make_newcomer(void)
{
	int ready[2], hold[2];
	char c;

	pipe(ready);
	pipe(hold);
	newcomer = fork();
	if (newcomer == 0) {
		close(hold[1]);
		if (unshare(CLONE_NEWUSER))
			printf("unshare: %s\n", strerrorname_np(errno));
		prctl(PR_SET_DUMPABLE, 1);
		close(ready[1]);
		read(hold[0], &c, 1);
		_exit(0);
	}
	close(ready[1]);
	read(ready[0], &c, 1);
}

static long write_map(const char *file, const char *text)
{
	char path[64];

	sprintf(path, "/proc/%d/%s", newcomer, file);
	return caps_put(path, text);
}

static long write_gid_map(void)
{
	return write_map("gid_map", "5 77 2\n");
}

// Whether a set-user-id program gets its owner's id while another shares the caller's directory.
ABI_TEST(capable, show_euid)
{
	if (getenv("CAPS_SHOW"))
		_exit(geteuid() == 2000);
}

static void set_id_program(void)
{
	static char buffer[65536];
	int from = open("/proc/self/exe", O_RDONLY), to = open("p", O_CREAT | O_RDWR, 0700);

	for (ssize_t n; (n = read(from, buffer, sizeof(buffer))) > 0;)
		write(to, buffer, n);
	fchown(to, 2000, 2000);
	fchmod(to, 04755);
	close(to);
	setenv("CAPS_SHOW", "1", 1);
}

static long exec_set_id(unsigned long flags)
{
	char *argv[] = {"p", "capable/show_euid", NULL};
	int status;
	pid_t pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0) {
		execv("p", argv);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

DO(exec_sharing, exec_set_id(CLONE_FS))
DO(exec_alone, exec_set_id(0))
DO(set_uid, setuid(3000))
DO(set_reuid, setreuid(3000, -1))
DO(set_resuid, setresuid(-1, 3000, -1))
DO(set_gid, setgid(3000))
DO(set_regid, setregid(3000, -1))
DO(set_resgid, setresgid(-1, 3000, -1))
DO(inherit_kill, inherit(CAP(CAP_KILL)))
DO(inherit_own, inherit(0))
DO(drop_bound, prctl(PR_CAPBSET_DROP, CAP_KILL))
DO(set_securebits, prctl(PR_SET_SECUREBITS, SECBIT_NOROOT))
DO(unlock_securebits, prctl(PR_SET_SECUREBITS, 0))
DO(keep_caps, prctl(PR_SET_KEEPCAPS, 1))
DO(write_uid_map, write_map("uid_map", "5 77 2\n"))
DO(write_uid_map_of_root, write_map("uid_map", "0 0 2\n"))
DO(write_projid_map, write_map("projid_map", "5 77 2\n"))
DO(deny_setgroups, write_map("setgroups", "deny"))

static const struct cap_case id_cases[] = {
	{"setuid", "setuid", CAP_SETUID, 0, 0, NULL, set_uid},
	{"setreuid", "setreuid", CAP_SETUID, 0, 0, NULL, set_reuid},
	{"setresuid", "set_user_ids", CAP_SETUID, 0, 0, NULL, set_resuid},
	{"setfsuid", "setfsuid", CAP_SETUID, 0, 0, NULL, set_fsuid},
	{"exec of set-user-id", "", CAP_SETUID, 0, 0, set_id_program, exec_alone},
	{"exec that shares", "", CAP_SETUID, 0, 0, set_id_program, exec_sharing},
	{"setgid", "setgid", CAP_SETGID, 0, 0, NULL, set_gid},
	{"setregid", "setregid", CAP_SETGID, 0, 0, NULL, set_regid},
	{"setresgid", "set_group_ids", CAP_SETGID, 0, 0, NULL, set_resgid},
	{"setfsgid", "setfsgid", CAP_SETGID, 0, 0, NULL, set_fsgid},
	{"setgroups", "setgroups", CAP_SETGID, 0, 0, NULL, set_groups},
	{"capset inheritable", "set_capabilities", CAP_SETPCAP, 0, 0, NULL, inherit_kill},
	{"capset as it is", "set_capabilities", CAP_SETPCAP, 0, 0, NULL, inherit_own},
	{"capset unbounded", "set_capabilities", CAP_SETPCAP, 0, 0, bound, inherit_kill},
	{"capset permitted", "set_capabilities", CAP_SETPCAP, 0, 0, NULL, permit_more},
	{"PR_CAPBSET_DROP", "drop_bounding", CAP_SETPCAP, 0, 0, NULL, drop_bound},
	{"PR_CAP_AMBIENT_RAISE", "set_capabilities", CAP_SETPCAP, CAP(CAP_KILL), 0, NULL,
	 raise_ambient},
	{"PR_SET_SECUREBITS", "change_securebits", CAP_SETPCAP, 0, 0, NULL, set_securebits},
	{"securebits locked", "change_securebits", CAP_SETPCAP, 0, 0, lock_securebits,
	 unlock_securebits},
	{"PR_SET_KEEPCAPS", "", CAP_SETPCAP, 0, 0, NULL, keep_caps},
	{"uid_map", "map_allowed", CAP_SETUID, CAP(CAP_SYS_ADMIN), 0, make_newcomer, write_uid_map},
	{"uid_map", "write_locked", CAP_SYS_ADMIN, CAP(CAP_SETUID), 0, make_newcomer,
	 write_uid_map},
	{"gid_map", "map_allowed", CAP_SETGID, CAP(CAP_SYS_ADMIN), 0, make_newcomer, write_gid_map},
	{"gid_map", "write_locked", CAP_SYS_ADMIN, CAP(CAP_SETGID), 0, make_newcomer,
	 write_gid_map},
	{"uid_map of 0", "root_allowed", CAP_SETFCAP, CAP(CAP_SYS_ADMIN) | CAP(CAP_SETUID), 0,
	 make_newcomer, write_uid_map_of_root},
	{"projid_map", "write_locked", CAP_SYS_ADMIN, 0, 0, make_newcomer, write_projid_map},
	{"setgroups file", "write_setgroups", CAP_SYS_ADMIN, 0, 0, make_newcomer, deny_setgroups},
};

ABI_TEST(capable, ids)
{
	CAPS_TRY(id_cases);
}

// --- SYS_NICE ---

static long realtime(pid_t pid, int policy, int priority)
{
	struct sched_param param = {.sched_priority = priority};

	return sched_setscheduler(pid, policy, &param);
}

static long attr_nice(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = {.size = 48, .nice = -5};

	return syscall(SYS_sched_setattr, 0, &attr, 0);
}

static long affinity(pid_t pid)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	return sched_setaffinity(pid, sizeof(set), &set);
}

static void be_idle(void)
{
	realtime(0, SCHED_IDLE, 0);
}

static void reset_on_fork(void)
{
	realtime(0, SCHED_OTHER | SCHED_RESET_ON_FORK, 0);
}

static void allow_nice(void)
{
	setrlimit(RLIMIT_NICE, &(struct rlimit){25, 25});
	setrlimit(RLIMIT_RTPRIO, &(struct rlimit){10, 10});
}

static void be_rt(void)
{
	realtime(0, SCHED_FIFO, 10);
}

static long io_priority(pid_t pid, int class)
{
	return syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, IOPRIO_PRIO_VALUE(class, 4));
}

static long advise_other(void)
{
	struct iovec range = {(void *)((uintptr_t)in_memory & ~4095ul), 4096};

	return syscall(SYS_process_madvise, kept, &range, 1, MADV_COLD, 0) < 0 ? -1 : 0;
}

DO(nice_lower, setpriority(PRIO_PROCESS, 0, -5))
DO(nice_limit, setpriority(PRIO_PROCESS, 0, -6))
DO(nice_higher, setpriority(PRIO_PROCESS, 0, 5))
DO(nice_call, nice(-1) == -1 ? -1 : 0)
DO(nice_other, setpriority(PRIO_PROCESS, caps_victim, 5))
DO(nice_other_lower, setpriority(PRIO_PROCESS, caps_victim, -5))
DO(nice_user, setpriority(PRIO_USER, 2000, 5))
DO(be_fifo, realtime(0, SCHED_FIFO, 5))
DO(be_fifo_above, realtime(0, SCHED_FIFO, 15))
DO(be_rr, realtime(0, SCHED_RR, 1))
DO(be_batch, realtime(0, SCHED_BATCH, 0))
DO(be_other, realtime(0, SCHED_OTHER, 0))
DO(fifo_other, realtime(caps_victim, SCHED_FIFO, 5))
DO(batch_other, realtime(caps_victim, SCHED_BATCH, 0))
DO(affinity_self, affinity(0))
DO(affinity_other, affinity(caps_victim))
DO(io_rt, io_priority(0, IOPRIO_CLASS_RT))
DO(io_idle, io_priority(0, IOPRIO_CLASS_IDLE))
DO(io_other, io_priority(caps_victim, IOPRIO_CLASS_BE))
DO(slack_write, caps_put(caps_victim_file("timerslack_ns"), "60000"))
DO(slack_read, caps_open(caps_victim_file("timerslack_ns"), O_RDONLY))

static const struct cap_case nice_cases[] = {
	{"setpriority -5", "may_set_nice", CAP_SYS_NICE, 0, 0, NULL, nice_lower},
	{"setpriority within limit", "may_set_nice", CAP_SYS_NICE, 0, 0, allow_nice, nice_lower},
	{"setpriority beyond limit", "may_set_nice", CAP_SYS_NICE, 0, 0, allow_nice, nice_limit},
	{"setpriority 5", "may_set_nice", CAP_SYS_NICE, 0, 0, NULL, nice_higher},
	{"nice -1", "may_set_nice", CAP_SYS_NICE, 0, 0, NULL, nice_call},
	{"setpriority of another", "may_set_nice", CAP_SYS_NICE, 0, 0, caps_make_victim,
	 nice_other},
	{"setpriority -5 of another", "may_set_nice", CAP_SYS_NICE, 0, 0, caps_make_victim,
	 nice_other_lower},
	{"setpriority of a user", "may_set_nice", CAP_SYS_NICE, 0, 0, caps_make_victim, nice_user},
	{"FIFO", "params_change", CAP_SYS_NICE, 0, 0, NULL, be_fifo},
	{"FIFO within limit", "params_change", CAP_SYS_NICE, 0, 0, allow_nice, be_fifo},
	{"FIFO beyond limit", "params_change", CAP_SYS_NICE, 0, 0, allow_nice, be_fifo_above},
	{"FIFO from higher", "params_change", CAP_SYS_NICE, 0, 0, be_rt, be_fifo},
	{"RR", "params_change", CAP_SYS_NICE, 0, 0, NULL, be_rr},
	{"BATCH", "params_change", CAP_SYS_NICE, 0, 0, NULL, be_batch},
	{"OTHER from IDLE", "params_change", CAP_SYS_NICE, 0, 0, be_idle, be_other},
	{"no reset on fork", "params_change", CAP_SYS_NICE, 0, 0, reset_on_fork, be_other},
	{"sched_setattr nice", "params_change", CAP_SYS_NICE, 0, 0, NULL, attr_nice},
	{"FIFO of another", "params_change", CAP_SYS_NICE, 0, 0, caps_make_victim, fifo_other},
	{"BATCH of another", "params_change", CAP_SYS_NICE, 0, 0, caps_make_victim, batch_other},
	{"affinity", "sched_setaffinity", CAP_SYS_NICE, 0, 0, NULL, affinity_self},
	{"affinity of another", "sched_setaffinity", CAP_SYS_NICE, 0, 0, caps_make_victim,
	 affinity_other},
	{"ioprio RT", "value_check", CAP_SYS_NICE, 0, CAP(CAP_SYS_ADMIN), NULL, io_rt},
	{"ioprio RT", "value_check", CAP_SYS_ADMIN, 0, CAP(CAP_SYS_NICE), NULL, io_rt},
	{"ioprio IDLE", "value_check", CAP_SYS_NICE, 0, 0, NULL, io_idle},
	{"ioprio of another", "may_set", CAP_SYS_NICE, 0, 0, caps_make_victim, io_other},
	{"setpriority of a mightier one", "cred_may_schedule", CAP_SYS_NICE, 0, 0,
	 caps_make_capable_victim, nice_other},
	{"BATCH of a mightier one", "cred_may_schedule", CAP_SYS_NICE, 0, 0,
	 caps_make_capable_victim, batch_other},
	{"affinity of a mightier one", "cred_may_schedule", CAP_SYS_NICE, 0, 0,
	 caps_make_capable_victim, affinity_other},
	{"ioprio of a mightier one", "cred_may_schedule", CAP_SYS_NICE, 0, 0,
	 caps_make_capable_victim, io_other},
	{"timerslack_ns", "may_see_slack", CAP_SYS_NICE, CAP(CAP_DAC_OVERRIDE), 0, caps_make_victim,
	 slack_write},
	{"timerslack_ns", "may_see_slack", CAP_SYS_NICE, 0, 0, caps_make_victim, slack_write},
	{"timerslack_ns read", "may_see_slack", CAP_SYS_NICE, 0, 0, caps_make_victim, slack_read},
	{"process_madvise", "memory_to_advise", CAP_SYS_NICE, CAP(CAP_SYS_PTRACE), 0, victim_pidfd,
	 advise_other},
	{"process_madvise", "memory_to_advise", CAP_SYS_PTRACE, CAP(CAP_SYS_NICE),
	 CAP(CAP_SYS_ADMIN) | CAP(CAP_PERFMON), victim_pidfd, advise_other},
};

ABI_TEST(capable, priorities)
{
	CAPS_TRY(nice_cases);
}

// --- SYS_RESOURCE, IPC_LOCK over memory ---

static void low_limits(void)
{
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){100, 100});
	setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){4096, 4096});
}

static void no_lock_limit(void)
{
	setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){0, 0});
}

static long raise_hard(void)
{
	return setrlimit(RLIMIT_NOFILE, &(struct rlimit){200, 200});
}

static long lower_hard(void)
{
	return setrlimit(RLIMIT_NOFILE, &(struct rlimit){50, 50});
}

static long limit_other(void)
{
	return prlimit(caps_victim, RLIMIT_NOFILE, &(struct rlimit){10, 10}, NULL);
}

static long see_limit_other(void)
{
	struct rlimit old;

	return prlimit(caps_victim, RLIMIT_NOFILE, NULL, &old);
}

// More processes than the user may have.
static long fork_beyond(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid < 0 ? -1 : 0;
}

static void process_limit(void)
{
	setrlimit(RLIMIT_NPROC, &(struct rlimit){0, 0});
}

static void process_limit_of_another(void)
{
	setrlimit(RLIMIT_NPROC, &(struct rlimit){0, 0});
	syscall(SYS_setresuid, 3000, 0, 0); // counted as this user's
}

static long lock_pages(void)
{
	char *at = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mlock(at, 16384);
}

static long map_locked(void)
{
	void *at = mmap(NULL, 16384, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);

	return at == MAP_FAILED ? -1 : 0;
}

static long map_low(void)
{
	void *at = mmap((void *)4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			0);

	return at == MAP_FAILED ? -1 : 0;
}

DO(lock_all, mlockall(MCL_CURRENT))
DO(lock_future, mlockall(MCL_FUTURE))
DO(oom_lower, caps_put("/proc/self/oom_score_adj", "-500"))
DO(old_oom_lower, caps_put("/proc/self/oom_adj", "-5"))
DO(oom_higher, caps_put("/proc/self/oom_score_adj", "500"))
DO(io_flusher, prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0))
DO(get_flusher, prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0))
DO(set_stack, prctl(PR_SET_MM, PR_SET_MM_START_STACK, &(int){0}, 0, 0))
DO(set_arg, prctl(PR_SET_MM, PR_SET_MM_ARG_START, 1, 0, 0))

static const struct cap_case resource_cases[] = {
	{"setrlimit raise", "limit_check", CAP_SYS_RESOURCE, 0, 0, low_limits, raise_hard},
	{"setrlimit lower", "limit_check", CAP_SYS_RESOURCE, 0, 0, low_limits, lower_hard},
	{"prlimit of another", "limits_permission", CAP_SYS_RESOURCE, 0, 0, caps_make_victim,
	 limit_other},
	{"prlimit read of another", "limits_permission", CAP_SYS_RESOURCE, 0, 0, caps_make_victim,
	 see_limit_other},
	{"RLIMIT_NPROC", "nproc_exempt", CAP_SYS_RESOURCE, 0, CAP(CAP_SYS_ADMIN), process_limit,
	 fork_beyond},
	{"RLIMIT_NPROC", "nproc_exempt", CAP_SYS_ADMIN, 0, CAP(CAP_SYS_RESOURCE), process_limit,
	 fork_beyond},
	{"RLIMIT_NPROC of another", "nproc_exempt", CAP_SYS_RESOURCE, 0, CAP(CAP_SYS_ADMIN),
	 process_limit_of_another, fork_beyond},
	{"mlock beyond limit", "mm_mlock", CAP_IPC_LOCK, 0, 0, low_limits, lock_pages},
	{"mlock, no limit", "may_mlock", CAP_IPC_LOCK, 0, 0, no_lock_limit, lock_pages},
	{"MAP_LOCKED", "mlock_check_more", CAP_IPC_LOCK, 0, 0, low_limits, map_locked},
	{"MAP_LOCKED, no limit", "mlock_check_more", CAP_IPC_LOCK, 0, 0, no_lock_limit, map_locked},
	{"mlockall", "mm_mlockall", CAP_IPC_LOCK, 0, 0, low_limits, lock_all},
	{"mlockall future", "mm_mlockall", CAP_IPC_LOCK, 0, 0, low_limits, lock_future},
	{"mlockall, no limit", "mm_mlockall", CAP_IPC_LOCK, 0, 0, no_lock_limit, lock_future},
	{"mmap below the lowest", "mm_choose_address", CAP_SYS_RAWIO, 0, 0, NULL, map_low},
	{"oom_score_adj lower", "proc_write_oom_score_adj", CAP_SYS_RESOURCE, 0, 0, NULL,
	 oom_lower},
	{"oom_adj lower", "proc_write_oom_adj", CAP_SYS_RESOURCE, 0, 0, NULL, old_oom_lower},
	{"oom_score_adj higher", "proc_write_oom_score_adj", CAP_SYS_RESOURCE, 0, 0, NULL,
	 oom_higher},
	{"PR_SET_IO_FLUSHER", "set_io_flusher", CAP_SYS_RESOURCE, 0, 0, NULL, io_flusher},
	{"PR_GET_IO_FLUSHER", "get_io_flusher", CAP_SYS_RESOURCE, 0, 0, NULL, get_flusher},
	{"PR_SET_MM_START_STACK", "prctl_set_mm", CAP_SYS_RESOURCE, 0, 0, NULL, set_stack},
	{"PR_SET_MM_ARG_START", "prctl_set_mm", CAP_SYS_RESOURCE, 0, 0, NULL, set_arg},
};

ABI_TEST(capable, resource)
{
	CAPS_TRY(resource_cases);
}

// --- SYS_PTRACE ---

static long read_memory(void)
{
	char bytes[8];
	struct iovec local = {bytes, 8}, remote = {in_memory, 8};

	return process_vm_readv(caps_victim, &local, 1, &remote, 1, 0);
}

static long write_memory(void)
{
	struct iovec local = {in_memory, 8}, remote = {in_memory, 8};

	return process_vm_writev(caps_victim, &local, 1, &remote, 1, 0);
}

static long read_file(const char *name)
{
	char bytes[64];
	int fd = open(caps_victim_file(name), O_RDONLY);

	if (fd < 0)
		return -1;
	long got = read(fd, bytes, sizeof(bytes));
	return got < 0 ? -1 : got > 0;
}

static long read_link(const char *name)
{
	char text[128];

	return readlink(caps_victim_file(name), text, sizeof(text)) < 0 ? -1 : 0;
}

static long robust_list(void)
{
	void *head;
	size_t size;

	return syscall(SYS_get_robust_list, caps_victim, &head, &size);
}

static long take_descriptor(void)
{
	return syscall(SYS_pidfd_getfd, kept, 0, 0) < 0 ? -1 : 0;
}

// Whether the addresses of its memory are told.
static long read_stat(void)
{
	char text[1024];
	int fd = open(caps_victim_file("stat"), O_RDONLY), field = 2;
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return -1;
	text[n] = '\0';
	char *at = strrchr(text, ')') + 1;
	while (at && ++field < 28)
		at = strchr(at + 1, ' ');
	return at && strtoul(at, NULL, 10) > 1;
}

// A view of /proc in which others do not appear.
static void hidden_victim(void)
{
	caps_make_victim();
	mkdir("d", 0755);
	if (mount("proc", "d", "proc", 0, "hidepid=2"))
		printf("proc: %s\n", strerrorname_np(errno));
}

static long look_up_hidden(void)
{
	char path[64];

	sprintf(path, "d/%d/status", caps_victim);
	return caps_open(path, O_RDONLY);
}

// A child that ends with the last descriptor of it, whatever it has become.
static long clone_autokill(uint64_t flags)
{
	int pidfd = -1;
	struct clone_args args = {.flags = flags, .pidfd = (uintptr_t)&pidfd};
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(0);
	return pid < 0 ? -1 : 0;
}

DO(autokill, clone_autokill(AUTOKILL))
DO(autokill_without_rights, clone_autokill(AUTOKILL | NO_NEW_PRIVS))
DO(namespace_of, ioctl(kept, _IO(0xff, 10)) < 0 ? -1 : 0)
DO(read_environ, read_file("environ"))
DO(read_auxv, read_file("auxv"))
DO(open_mem, caps_open(caps_victim_file("mem"), O_RDWR))

// There is one only while the victim sleeps, to which it may not have come yet.
static long read_stack(void)
{
	long got = read_file("stack");

	for (int i = 0; i < 200 && !got; i++) {
		usleep(5000);
		got = read_file("stack");
	}
	return got;
}

DO(read_syscall, read_file("syscall"))
DO(read_personality, read_file("personality"))
DO(read_wchan, read_file("wchan"))
DO(read_maps, read_file("maps"))
DO(read_smaps, read_file("smaps"))
DO(read_rollup, read_file("smaps_rollup"))
DO(read_pagemap, caps_open(caps_victim_file("pagemap"), O_RDONLY))
DO(read_timers, read_file("timers"))
DO(read_mountinfo, read_file("mountinfo"))
DO(read_mountstats, read_file("mountstats"))
DO(read_limits, read_file("limits"))
DO(read_io, read_file("io"))
DO(open_fd_folder, caps_open(caps_victim_file("fd"), O_RDONLY | O_DIRECTORY))
DO(open_fdinfo_folder, caps_open(caps_victim_file("fdinfo"), O_RDONLY | O_DIRECTORY))
DO(open_fdinfo, caps_open(caps_victim_file("fdinfo/0"), O_RDONLY))
DO(link_fd, read_link("fd/0"))
DO(open_fd, caps_open(caps_victim_file("fd/0"), O_RDONLY))
DO(link_cwd, read_link("cwd"))
DO(open_cwd, caps_open(caps_victim_file("cwd"), O_RDONLY))
DO(link_root, read_link("root"))
DO(open_root, caps_open(caps_victim_file("root/"), O_RDONLY))
DO(link_exe, read_link("exe"))
DO(open_exe, caps_open(caps_victim_file("exe"), O_RDONLY))
DO(link_ns, read_link("ns/uts"))
DO(open_ns, caps_open(caps_victim_file("ns/uts"), O_RDONLY))
DO(open_ns_folder, caps_open(caps_victim_file("ns"), O_RDONLY | O_DIRECTORY))
DO(write_comm, caps_put(caps_victim_file("comm"), "x"))
DO(write_filter, caps_put(caps_victim_file("coredump_filter"), "0x33"))
DO(write_refs, caps_put(caps_victim_file("clear_refs"), "1"))
DO(compare_files, syscall(SYS_kcmp, caps_victim, getpid(), KCMP_FILES, 0, 0) < 0 ? -1 : 0)

#define PTRACE_CASE(name, sites, attempt)                                                      \
	{name, sites, CAP_SYS_PTRACE, CAP(CAP_DAC_READ_SEARCH), 0, caps_make_victim, attempt}, \
	{                                                                                      \
		name " of root", sites, CAP_SYS_PTRACE, CAP(CAP_DAC_READ_SEARCH), 0,           \
			caps_make_root_victim, attempt                                         \
	}

static const struct cap_case ptrace_cases[] = {
	PTRACE_CASE("process_vm_readv", "memory_of", read_memory),
	PTRACE_CASE("process_vm_writev", "memory_of", write_memory),
	PTRACE_CASE("get_robust_list", "get_robust_list", robust_list),
	PTRACE_CASE("kcmp", "kcmp", compare_files),
	{"pidfd_getfd", "getfd_from", CAP_SYS_PTRACE, 0, 0, victim_pidfd, take_descriptor},
	{"PIDFD_GET_UTS_NAMESPACE", "open_namespace", CAP_SYS_PTRACE, 0, 0, victim_pidfd,
	 namespace_of},
	PTRACE_CASE("environ", "open_memory", read_environ),
	PTRACE_CASE("maps", "proc_bind_memory show_areas", read_maps),
	{"maps", "ptrace_may_see_memory", CAP_PERFMON, CAP(CAP_DAC_READ_SEARCH),
	 CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_PTRACE), caps_make_victim, read_maps},
	{"environ", "ptrace_may_see_memory", CAP_SYS_ADMIN, CAP(CAP_DAC_READ_SEARCH),
	 CAP(CAP_PERFMON) | CAP(CAP_SYS_PTRACE), caps_make_victim, read_environ},
	PTRACE_CASE("smaps", "proc_bind_memory show_areas", read_smaps),
	PTRACE_CASE("smaps_rollup", "proc_show_smaps_rollup", read_rollup),
	PTRACE_CASE("pagemap", "pagemap_open", read_pagemap),
	PTRACE_CASE("stat", "proc_show_stat", read_stat),
	{"hidepid", "may_pass", CAP_SYS_PTRACE, 0, 0, hidden_victim, look_up_hidden},
	{"CLONE_PIDFD_AUTOKILL", "check_request", CAP_SYS_ADMIN, 0, 0, NULL, autokill},
	{"CLONE_PIDFD_AUTOKILL|NNP", "check_request", CAP_SYS_ADMIN, 0, 0, NULL,
	 autokill_without_rights},
};

ABI_TEST(capable, ptrace)
{
	CAPS_TRY(ptrace_cases);
}

static const struct cap_case ptrace_proc_cases[] = {
	PTRACE_CASE("timers", "", read_timers),
	PTRACE_CASE("mountinfo", "", read_mountinfo),
	PTRACE_CASE("mountstats", "", read_mountstats),
	PTRACE_CASE("limits", "", read_limits),
	PTRACE_CASE("io", "proc_show_io", read_io),
	PTRACE_CASE("fd/", "fd_file", open_fd_folder),
	PTRACE_CASE("fd/0 link", "fd_file", link_fd),
	PTRACE_CASE("fd/0", "fd_file", open_fd),
	PTRACE_CASE("fdinfo/", "info_permission fd_file", open_fdinfo_folder),
	PTRACE_CASE("fdinfo/0", "info_permission fd_file", open_fdinfo),
	PTRACE_CASE("cwd link", "follow_fs", link_cwd),
	PTRACE_CASE("cwd", "follow_fs", open_cwd),
	PTRACE_CASE("root link", "follow_fs", link_root),
	PTRACE_CASE("root", "follow_fs", open_root),
	PTRACE_CASE("exe link", "follow_exe", link_exe),
	PTRACE_CASE("exe", "follow_exe", open_exe),
	PTRACE_CASE("ns/", "node_ns", open_ns_folder),
	PTRACE_CASE("ns/uts link", "node_ns", link_ns),
	PTRACE_CASE("ns/uts", "node_ns", open_ns),
	PTRACE_CASE("comm", "", write_comm),
	PTRACE_CASE("coredump_filter", "", write_filter),
	PTRACE_CASE("clear_refs", "", write_refs),
};

ABI_TEST(capable, ptrace_proc)
{
	CAPS_TRY(ptrace_proc_cases);
}

static const struct cap_case look_cases[] = {
	PTRACE_CASE("mem", "open_memory", open_mem),
	PTRACE_CASE("auxv", "open_memory", read_auxv),
	PTRACE_CASE("syscall", "may_trace", read_syscall),
	PTRACE_CASE("personality", "may_trace", read_personality),
	PTRACE_CASE("wchan", "proc_show_wchan", read_wchan),
	{"stack", "proc_bind_stack", CAP_SYS_ADMIN, CAP(CAP_SYS_PTRACE) | CAP(CAP_DAC_READ_SEARCH),
	 0, caps_make_victim, read_stack},
	{"stack", "may_trace", CAP_SYS_PTRACE, CAP(CAP_SYS_ADMIN) | CAP(CAP_DAC_READ_SEARCH), 0,
	 caps_make_victim, read_stack},
};

ABI_TEST(capable, look)
{
	CAPS_TRY(look_cases);
}
