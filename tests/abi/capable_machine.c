// Every capability check with and without: names, clocks, messages, limits and terminals, which are
// the machine's or a namespace's.

#include "caps.h"
#include <linux/reboot.h>
#include <linux/sched.h>
#include <mqueue.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <time.h>

#define DO(name, call)               \
	static long name(void)       \
	{                            \
		return (long)(call); \
	}

static int kept = -1;

// --- Names, and the files of /proc/sys ---

static void own_uts(void)
{
	unshare(CLONE_NEWUTS);
}

static void own_ipc(void)
{
	unshare(CLONE_NEWIPC);
}

static char pattern[128], largest[32];

static void read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, size - 1);

	text[n < 0 ? 0 : n] = '\0';
	close(fd);
}

static void read_settings(void)
{
	read_text("/proc/sys/kernel/core_pattern", pattern, sizeof(pattern));
	read_text("/proc/sys/kernel/pid_max", largest, sizeof(largest));
}

DO(host_name, sethostname("name", 4))
DO(domain_name, setdomainname("name", 4))
DO(host_file, caps_put("/proc/sys/kernel/hostname", "name"))
DO(core_file, caps_put("/proc/sys/kernel/core_pattern", pattern))
DO(pid_max_file, caps_put("/proc/sys/kernel/pid_max", largest))
DO(shmmni_file, caps_put("/proc/sys/kernel/shmmni", "4000"))
DO(sem_file, caps_put("/proc/sys/kernel/sem", "100 200 30 40"))
DO(msg_max_file, caps_put("/proc/sys/fs/mqueue/msg_max", "12"))
DO(mount_max_file, caps_put("/proc/sys/fs/mount-max", "100000"))
DO(max_user_file, caps_put("/proc/sys/user/max_user_namespaces", "1000"))
DO(max_uts_file, caps_put("/proc/sys/user/max_uts_namespaces", "1000"))
DO(overcommit_file, caps_put("/proc/sys/vm/overcommit_memory", "0"))
DO(min_addr_file, caps_put("/proc/sys/vm/mmap_min_addr", "65536"))

static const struct cap_case name_cases[] = {
	{"sethostname", "set_uts_name", CAP_SYS_ADMIN, 0, 0, own_uts, host_name},
	{"setdomainname", "set_uts_name", CAP_SYS_ADMIN, 0, 0, own_uts, domain_name},
	// What these want is a user id, in most cases.
	{"hostname", "", CAP_SYS_ADMIN, CAP(CAP_DAC_OVERRIDE), 0, own_uts, host_file},
	{"core_pattern", "", CAP_SYS_ADMIN, CAP(CAP_DAC_OVERRIDE), 0, read_settings, core_file},
	{"pid_max", "pid_ns_permission", CAP_SYS_ADMIN, CAP(CAP_DAC_OVERRIDE), 0, read_settings,
	 pid_max_file},
	{"shmmni", "", CAP_SYS_ADMIN, CAP(CAP_DAC_OVERRIDE), 0, own_ipc, shmmni_file},
	{"sem", "", CAP_SYS_ADMIN, CAP(CAP_DAC_OVERRIDE), 0, own_ipc, sem_file},
	{"mqueue/msg_max", "", CAP_SYS_RESOURCE, CAP(CAP_DAC_OVERRIDE), 0, own_ipc, msg_max_file},
	{"mount-max", "", CAP_SYS_ADMIN, CAP(CAP_DAC_OVERRIDE), 0, NULL, mount_max_file},
	{"max_user_namespaces", "user_permission", CAP_SYS_RESOURCE, 0, 0, NULL, max_user_file},
	{"max_uts_namespaces", "user_permission", CAP_SYS_RESOURCE, 0, 0, NULL, max_uts_file},
	{"overcommit_memory", "", CAP_SYS_ADMIN, CAP(CAP_DAC_OVERRIDE), 0, NULL, overcommit_file},
	{"mmap_min_addr", "write_mmap_min_addr", CAP_SYS_RAWIO, CAP(CAP_DAC_OVERRIDE), 0, NULL,
	 min_addr_file},
};

ABI_TEST(capable, names)
{
	CAPS_TRY(name_cases);
}

// --- System V and POSIX queues ---

static int id;

static void as_stranger(int (*make)(void))
{
	int tell[2];

	own_ipc();
	pipe(tell);
	pid_t pid = fork();
	if (pid == 0) {
		caps_become(2000, 0);
		int made = make();
		write(tell[1], &made, sizeof(made));
		_exit(0);
	}
	read(tell[0], &id, sizeof(id));
	waitpid(pid, NULL, 0);
}

static int make_shm(void)
{
	return shmget(1, 4096, IPC_CREAT | 0600);
}

static int make_sem(void)
{
	return semget(1, 1, IPC_CREAT | 0600);
}

static int make_msg(void)
{
	return msgget(1, IPC_CREAT | 0600);
}

static int make_mqueue(void)
{
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};

	umask(0);
	return mq_open("/q", O_CREAT | O_RDWR, 0600, &attr);
}

static void stranger_shm(void)
{
	as_stranger(make_shm);
}

static void stranger_sem(void)
{
	as_stranger(make_sem);
}

static void stranger_msg(void)
{
	as_stranger(make_msg);
}

static void stranger_mqueue(void)
{
	as_stranger(make_mqueue);
}

static void msg_of_all(void)
{
	own_ipc();
	id = msgget(1, IPC_CREAT | 0666);
	struct msqid_ds status;
	msgctl(id, IPC_STAT, &status);
	status.msg_perm.uid = 1000;
	msgctl(id, IPC_SET, &status);
}

static void few_queues(void)
{
	own_ipc();
	caps_put("/proc/sys/fs/mqueue/queues_max", "0");
}

static void no_message_bytes(void)
{
	own_ipc();
	setrlimit(RLIMIT_MSGQUEUE, &(struct rlimit){0, 0});
}

static long attach(int flags)
{
	return shmat(id, NULL, flags) == (void *)-1 ? -1 : 0;
}

static long post(void)
{
	struct sembuf one = {0, 1, 0};

	return semop(id, &one, 1);
}

static long send_message(void)
{
	struct {
		long type;
		char text[4];
	} message = {1, "abc"};

	return msgsnd(id, &message, 4, IPC_NOWAIT);
}

static long set_bytes(unsigned long bytes)
{
	struct msqid_ds status;

	msgctl(id, IPC_STAT, &status);
	status.msg_perm.mode = 0666;
	status.msg_qbytes = bytes;
	return msgctl(id, IPC_SET, &status);
}

static long set_shm(void)
{
	struct shmid_ds status = {.shm_perm = {.uid = 1000, .gid = 1000, .mode = 0600}};

	return shmctl(id, IPC_SET, &status);
}

static long stat_shm(int command)
{
	struct shmid_ds status;

	return shmctl(id, command, &status) < 0 ? -1 : 0;
}

static long open_queue(long messages)
{
	struct mq_attr attr = {.mq_maxmsg = messages, .mq_msgsize = 8};
	mqd_t queue = mq_open("/new", O_CREAT | O_RDWR, 0600, &attr);

	return queue < 0 ? -1 : 0;
}

DO(shm_read, attach(SHM_RDONLY))
DO(shm_write, attach(0))
DO(shm_stat, stat_shm(IPC_STAT))
DO(shm_stat_any, stat_shm(15)) // SHM_STAT_ANY takes an index: never allowed less than that
DO(shm_remove, shmctl(id, IPC_RMID, NULL))
DO(shm_lock, shmctl(id, SHM_LOCK, NULL))
DO(shm_unlock, shmctl(id, SHM_UNLOCK, NULL))
DO(shm_get, shmget(1, 0, 0600) < 0 ? -1 : 0)
DO(sem_read, semctl(id, 0, GETVAL))
DO(sem_write, semctl(id, 0, SETVAL, 0))
DO(sem_remove, semctl(id, 0, IPC_RMID))
DO(msg_remove, msgctl(id, IPC_RMID, NULL))
DO(msg_bytes, set_bytes(1000))
DO(msg_more_bytes, set_bytes(100000))
DO(queue_open, mq_open("/q", O_RDWR) < 0 ? -1 : 0)
DO(queue_remove, mq_unlink("/q"))
DO(queue_few, open_queue(10))
DO(queue_many, open_queue(11))

static const struct cap_case ipc_cases[] = {
	{"shmat read", "ipc_permission", CAP_IPC_OWNER, 0, 0, stranger_shm, shm_read},
	{"shmat write", "ipc_permission", CAP_IPC_OWNER, 0, 0, stranger_shm, shm_write},
	{"shmget", "ipc_permission", CAP_IPC_OWNER, 0, 0, stranger_shm, shm_get},
	{"IPC_STAT", "ipc_permission", CAP_IPC_OWNER, 0, 0, stranger_shm, shm_stat},
	{"SHM_STAT_ANY", "", CAP_IPC_OWNER, 0, 0, stranger_shm, shm_stat_any},
	{"IPC_SET", "ipc_may_control", CAP_SYS_ADMIN, 0, 0, stranger_shm, set_shm},
	{"IPC_RMID", "ipc_may_control", CAP_SYS_ADMIN, 0, 0, stranger_shm, shm_remove},
	{"SHM_LOCK", "lock_segment", CAP_IPC_LOCK, 0, 0, stranger_shm, shm_lock},
	{"SHM_UNLOCK", "lock_segment", CAP_IPC_LOCK, 0, 0, stranger_shm, shm_unlock},
	{"semop", "ipc_permission", CAP_IPC_OWNER, 0, 0, stranger_sem, post},
	{"GETVAL", "ipc_permission", CAP_IPC_OWNER, 0, 0, stranger_sem, sem_read},
	{"SETVAL", "ipc_permission", CAP_IPC_OWNER, 0, 0, stranger_sem, sem_write},
	{"IPC_RMID of semaphores", "ipc_may_control", CAP_SYS_ADMIN, 0, 0, stranger_sem,
	 sem_remove},
	{"msgsnd", "ipc_permission", CAP_IPC_OWNER, 0, 0, stranger_msg, send_message},
	{"IPC_RMID of a queue", "ipc_may_control", CAP_SYS_ADMIN, 0, 0, stranger_msg, msg_remove},
	{"msg_qbytes within limit", "set_status", CAP_SYS_RESOURCE, 0, 0, msg_of_all, msg_bytes},
	{"msg_qbytes beyond limit", "set_status", CAP_SYS_RESOURCE, 0, 0, msg_of_all,
	 msg_more_bytes},
	{"msg_qbytes beyond limit", "set_status", CAP_SYS_RESOURCE, CAP(CAP_SYS_ADMIN), 0,
	 msg_of_all, msg_more_bytes},
	{"mq_open", "inode_mode_permission", CAP_DAC_OVERRIDE, 0, 0, stranger_mqueue, queue_open},
	{"mq_unlink", "name_may_remove", CAP_FOWNER, 0, 0, stranger_mqueue, queue_remove},
	{"mq_open within limit", "check_attr", CAP_SYS_RESOURCE, 0, 0, own_ipc, queue_few},
	{"mq_open beyond limit", "check_attr", CAP_SYS_RESOURCE, 0, 0, own_ipc, queue_many},
	{"mq_open beyond queues", "inode_create", CAP_SYS_RESOURCE, 0, 0, few_queues, queue_few},
	{"mq_open, no bytes", "inode_create", CAP_SYS_RESOURCE, 0, 0, no_message_bytes, queue_few},
};

ABI_TEST(capable, ipc)
{
	CAPS_TRY(ipc_cases);
}

// --- Clocks and timers ---

static void own_time(void)
{
	unshare(CLONE_NEWTIME);
}

static void make_alarm(void)
{
	kept = timerfd_create(CLOCK_BOOTTIME_ALARM, 0);
}

// A machine without a clock of its own begins in 1970, where time cannot be set back.
static void wind_up(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec < 1000000000)
		now.tv_sec = 2000000000;
	clock_settime(CLOCK_REALTIME, &now);
}

static long set_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return clock_settime(CLOCK_REALTIME, &now);
}

static long set_day(void)
{
	struct timeval now;

	gettimeofday(&now, NULL);
	return settimeofday(&now, NULL);
}

static long set_zone(void)
{
	struct timezone zone = {0, 0};

	return settimeofday(NULL, &zone);
}

static long adjust(int modes)
{
	struct timex change = {.modes = modes};

	return adjtimex(&change) < 0 ? -1 : 0;
}

static long timer_on(clockid_t clock)
{
	struct sigevent event = {.sigev_notify = SIGEV_NONE};
	timer_t timer;

	return timer_create(clock, &event, &timer);
}

static long timerfd_on(clockid_t clock)
{
	return timerfd_create(clock, 0) < 0 ? -1 : 0;
}

static long sleep_on(clockid_t clock)
{
	struct timespec short_time = {0, 1};
	int error = clock_nanosleep(clock, 0, &short_time, NULL);

	errno = error;
	return error ? -1 : 0;
}

static long set_alarm(void)
{
	struct itimerspec far = {.it_value = {1000, 0}};

	return timerfd_settime(kept, 0, &far, NULL);
}

// Whether the wish to keep the machine awake is kept: without privilege it is dropped in silence.
static long wake_up(void)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLWAKEUP};
	int epoll = epoll_create1(0), ends[2];
	char path[64], text[256];
	unsigned events = 0;

	pipe(ends);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event))
		return -1;
	sprintf(path, "/proc/self/fdinfo/%d", epoll);
	read_text(path, text, sizeof(text));
	char *at = strstr(text, "events:");
	sscanf(at ? at : "", "events: %x", &events);
	return (events & EPOLLWAKEUP) != 0;
}

DO(timens, caps_put("/proc/self/timens_offsets", "monotonic 10 0"))
DO(adjust_read, adjust(0))
DO(adjust_offset, adjust(ADJ_SETOFFSET))
DO(timer_realtime, timer_on(CLOCK_REALTIME))
DO(timer_alarm, timer_on(CLOCK_BOOTTIME_ALARM))
DO(timer_realtime_alarm, timer_on(CLOCK_REALTIME_ALARM))
DO(timerfd_alarm, timerfd_on(CLOCK_BOOTTIME_ALARM))
DO(timerfd_realtime_alarm, timerfd_on(CLOCK_REALTIME_ALARM))
DO(sleep_alarm, sleep_on(CLOCK_BOOTTIME_ALARM))
DO(sleep_boottime, sleep_on(CLOCK_BOOTTIME))

static const struct cap_case clock_cases[] = {
	{"clock_settime", "set_realtime", CAP_SYS_TIME, 0, 0, wind_up, set_clock},
	{"settimeofday", "settimeofday", CAP_SYS_TIME, 0, 0, wind_up, set_day},
	{"settimeofday zone", "settimeofday", CAP_SYS_TIME, 0, 0, NULL, set_zone},
	{"adjtimex", "adjust_check", CAP_SYS_TIME, 0, 0, NULL, adjust_read},
	{"adjtimex offset", "adjust_check", CAP_SYS_TIME, 0, 0, wind_up, adjust_offset},
	{"timens_offsets", "proc_write_timens_offsets", CAP_SYS_TIME, 0, 0, own_time, timens},
	{"timer_create", "", CAP_WAKE_ALARM, 0, 0, NULL, timer_realtime},
	{"timer_create alarm", "", CAP_WAKE_ALARM, 0, 0, NULL, timer_alarm},
	{"timer_create realtime alarm", "", CAP_WAKE_ALARM, 0, 0, NULL, timer_realtime_alarm},
	{"timerfd alarm", "timerfd_create", CAP_WAKE_ALARM, 0, 0, NULL, timerfd_alarm},
	{"timerfd realtime alarm", "timerfd_create", CAP_WAKE_ALARM, 0, 0, NULL,
	 timerfd_realtime_alarm},
	{"timerfd_settime of an alarm", "timerfd_set", CAP_WAKE_ALARM, 0, 0, make_alarm, set_alarm},
	{"clock_nanosleep alarm", "", CAP_WAKE_ALARM, 0, 0, NULL, sleep_alarm},
	{"clock_nanosleep", "", CAP_WAKE_ALARM, 0, 0, NULL, sleep_boottime},
	{"EPOLLWAKEUP", "epoll_ctl", CAP_BLOCK_SUSPEND, 0, 0, NULL, wake_up},
};

ABI_TEST(capable, clocks)
{
	CAPS_TRY(clock_cases);
}

// --- The machine: reboot, messages, pid numbers, pages ---

static void unrestrict(void)
{
	caps_put("/proc/sys/kernel/dmesg_restrict", "0");
}

// A pid namespace with an init that lives on.
static void own_pid(void)
{
	int hold[2];
	char c;

	pipe(hold);
	unshare(CLONE_NEWPID);
	if (fork() == 0) {
		close(hold[1]);
		read(hold[0], &c, 1);
		_exit(0);
	}
}

// Runs an attempt in a child, which is inside the namespace.
static long inside(long (*attempt)(void))
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -1;
	if (pid == 0) {
		errno = 0;
		attempt();
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	errno = WEXITSTATUS(status);
	return errno ? -1 : 0;
}

static long set_tid(void)
{
	pid_t tid = 30000;
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&tid, .set_tid_size = 1};
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(0);
	return pid < 0 ? -1 : pid == 30000;
}

// A pid in a new namespace and in the one around it.
static long set_two_tids(void)
{
	pid_t tids[2] = {1, 30001};
	struct clone_args args = {.flags = CLONE_NEWPID,
				  .exit_signal = SIGCHLD,
				  .set_tid = (uintptr_t)tids,
				  .set_tid_size = 2};
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(0);
	return pid < 0 ? -1 : pid == 30001;
}

// Whether the frame of a page is told.
static long see_frame(void)
{
	static char page[4096] = "x";
	page[1] = 1;
	uint64_t word = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (fd < 0)
		return -1;
	pread(fd, &word, 8, (uintptr_t)page / 4096 * 8);
	return (word & (((uint64_t)1 << 55) - 1)) != 0;
}

DO(reboot_off,
   syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF, NULL))
DO(reboot_badly, syscall(SYS_reboot, 1, 2, 3, NULL))
DO(reboot_inside, inside(reboot_badly))
DO(log_clear, klogctl(5, NULL, 0))
DO(log_size, klogctl(10, NULL, 0) < 0 ? -1 : 0)
DO(last_pid, caps_put("/proc/sys/kernel/ns_last_pid", "20000"))
DO(last_pid_inside, inside(last_pid))
DO(set_tid_inside, inside(set_tid))

static long log_read(void)
{
	char text[64];

	return klogctl(3, text, sizeof(text)) < 0 ? -1 : 0;
}

static const struct cap_case machine_cases[] = {
	{"reboot", "reboot", CAP_SYS_BOOT, 0, 0, NULL, reboot_off},
	{"reboot, bad", "reboot", CAP_SYS_BOOT, 0, 0, NULL, reboot_badly},
	{"reboot inside", "reboot", CAP_SYS_BOOT, 0, 0, own_pid, reboot_inside},
	{"syslog read all", "syslog", CAP_SYSLOG, 0, 0, unrestrict, log_read},
	{"syslog size", "syslog", CAP_SYSLOG, 0, 0, unrestrict, log_size},
	{"syslog clear", "syslog", CAP_SYSLOG, 0, 0, unrestrict, log_clear},
	{"set_tid", "set_tid_check", CAP_CHECKPOINT_RESTORE, 0, CAP(CAP_SYS_ADMIN), NULL, set_tid},
	{"set_tid", "set_tid_check", CAP_SYS_ADMIN, 0, CAP(CAP_CHECKPOINT_RESTORE), NULL, set_tid},
	{"set_tid of two", "set_tid_check", CAP_CHECKPOINT_RESTORE, CAP(CAP_SYS_ADMIN), 0, NULL,
	 set_two_tids},
	{"set_tid inside", "set_tid_check", CAP_CHECKPOINT_RESTORE, 0, CAP(CAP_SYS_ADMIN), own_pid,
	 set_tid_inside},
	{"ns_last_pid", "write_last_pid", CAP_CHECKPOINT_RESTORE, 0, CAP(CAP_SYS_ADMIN), NULL,
	 last_pid},
	{"ns_last_pid", "write_last_pid", CAP_SYS_ADMIN, 0, CAP(CAP_CHECKPOINT_RESTORE), NULL,
	 last_pid},
	{"ns_last_pid inside", "write_last_pid", CAP_SYS_ADMIN, 0, CAP(CAP_CHECKPOINT_RESTORE),
	 own_pid, last_pid_inside},
	{"pagemap frames", "pagemap_read", CAP_SYS_ADMIN, 0, 0, NULL, see_frame},
};

ABI_TEST(capable, machine)
{
	CAPS_TRY(machine_cases);
}

// --- Memory kept for administrators ---

static long map_much(void)
{
	void *at = mmap(NULL, 2ul << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);

	return at == MAP_FAILED ? -1 : 0;
}

static const struct cap_case reserve_cases[] = {
	{"admin_reserve_kbytes", "strictly_allowed", CAP_SYS_ADMIN, 0, 0, NULL, map_much},
};

ABI_TEST(capable, reserve)
{
	caps_put("/proc/sys/vm/overcommit_kbytes", "8388608");
	caps_put("/proc/sys/vm/admin_reserve_kbytes", "7340032");
	caps_put("/proc/sys/vm/overcommit_memory", "2");
	CAPS_TRY(reserve_cases);
	caps_put("/proc/sys/vm/overcommit_memory", "0");
	caps_put("/proc/sys/vm/admin_reserve_kbytes", "8192");
	caps_put("/proc/sys/vm/overcommit_ratio", "50");
}

// --- Terminals ---

static int master, slave;
static char slave_name[32];

static void open_pair(void)
{
	int number, off = 0;

	mkdir("/dev/pts", 0755);
	if (mount("devpts", "/dev/pts", "devpts", 0, "newinstance,ptmxmode=666,mode=666"))
		printf("devpts: %s\n", strerrorname_np(errno));
	master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY);
	ioctl(master, TIOCSPTLCK, &off);
	ioctl(master, TIOCGPTN, &number);
	snprintf(slave_name, sizeof(slave_name), "/dev/pts/%d", number);
	slave = open(slave_name, O_RDWR | O_NOCTTY);
	if (slave < 0)
		printf("no pair: %s\n", strerrorname_np(errno));
}

static void controlling(void)
{
	open_pair();
	setsid();
	ioctl(slave, TIOCSCTTY, 0);
}

static void exclusive(void)
{
	open_pair();
	ioctl(slave, TIOCEXCL);
}

// The terminal is another session's, and the caller leads a session of its own.
static void taken(void)
{
	char c;
	int ready[2], hold[2];

	open_pair();
	pipe(ready);
	pipe(hold);
	if (fork() == 0) {
		close(hold[1]);
		close(ready[0]);
		setsid();
		ioctl(slave, TIOCSCTTY, 0);
		signal(SIGHUP, SIG_IGN);
		close(ready[1]);
		read(hold[0], &c, 1);
		_exit(0);
	}
	close(ready[1]);
	read(ready[0], &c, 1);
	setsid();
}

static void write_only(void)
{
	open_pair();
	close(slave);
	slave = open(slave_name, O_WRONLY | O_NOCTTY);
	setsid();
}

static long lock_settings(void)
{
	char none[64] = {0};

	return ioctl(slave, 0x5457, none); // TIOCSLCKTRMIOS
}

DO(hang_up, vhangup())
DO(hang_up_it, ioctl(slave, TIOCVHANGUP))
DO(push, ioctl(slave, TIOCSTI, "x"))
DO(open_exclusive, caps_open(slave_name, O_RDWR | O_NOCTTY))
DO(steal, ioctl(slave, TIOCSCTTY, 1))
DO(take_politely, ioctl(slave, TIOCSCTTY, 0))

static const struct cap_case tty_cases[] = {
	{"vhangup", "vhangup", CAP_SYS_TTY_CONFIG, 0, 0, NULL, hang_up},
	{"TIOCVHANGUP", "hang_up", CAP_SYS_ADMIN, 0, 0, open_pair, hang_up_it},
	{"TIOCSTI", "simulate_input", CAP_SYS_ADMIN, 0, 0, open_pair, push},
	{"TIOCSTI of one's own", "simulate_input", CAP_SYS_ADMIN, 0, 0, controlling, push},
	{"open of an exclusive", "tty_attach", CAP_SYS_ADMIN, 0, 0, exclusive, open_exclusive},
	{"TIOCSCTTY of a taken one", "take_terminal", CAP_SYS_ADMIN, 0, 0, taken, take_politely},
	{"TIOCSCTTY 1", "take_terminal", CAP_SYS_ADMIN, 0, 0, taken, steal},
	{"TIOCSCTTY unreadable", "take_terminal", CAP_SYS_ADMIN, 0, 0, write_only, take_politely},
	{"TIOCSLCKTRMIOS", "termios_lock", CAP_SYS_ADMIN, 0, CAP(CAP_CHECKPOINT_RESTORE), open_pair,
	 lock_settings},
	{"TIOCSLCKTRMIOS", "termios_lock", CAP_CHECKPOINT_RESTORE, 0, CAP(CAP_SYS_ADMIN), open_pair,
	 lock_settings},
};

ABI_TEST(capable, terminals)
{
	CAPS_TRY(tty_cases);
}
