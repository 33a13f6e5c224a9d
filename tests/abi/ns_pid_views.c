// Numbers of processes as each pid namespace sees them: everything that tells of a process says the
// number that the reader's namespace knows it by, or 0 if it knows it by none.

#include "abi.h"
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>

static int up[2], down[2]; // pipes between the levels
static pid_t outer;        // as the outermost namespace knows it

static void tell(int fd, long value)
{
	write(fd, &value, sizeof(value));
}

static long hear(int fd)
{
	long value = -1;

	read(fd, &value, sizeof(value));
	return value;
}

static pid_t clone_in(unsigned long flags)
{
	fflush(stdout);
	return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

static void leave(int code)
{
	fflush(stdout);
	_exit(code);
}

// --- Signals ---

static volatile pid_t sender;
static volatile int code, got;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	sender = info->si_pid;
	code = info->si_code;
	got = sig;
}

static void listen_to(int sig)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};

	sigaction(sig, &action, NULL);
	got = 0;
}

static void show_sender(const char *what, pid_t known)
{
	for (int i = 0; i < 2000 && !got; i++)
		usleep(1000);
	printf("%s: signal %d code %d from %s\n", what, got, code,
	       sender == known      ? "whom we know"
	       : sender == getpid() ? "ourselves"
	       : !sender            ? "nobody"
				    : "a stranger");
	got = 0;
}

// A signal in each direction: from the outside into a namespace, from it to the outside, within.
ABI_TEST(ns_pid_views, kill_siginfo)
{
	pipe(up), pipe(down);
	listen_to(SIGUSR1);
	outer = getpid();
	pid_t pid = clone_in(CLONE_NEWPID);
	if (pid == 0) {
		listen_to(SIGUSR1);
		tell(up[1], 0);
		hear(down[0]);
		show_sender("inside, by kill from outside", -2);
		tell(up[1], 0);
		hear(down[0]);
		show_sender("inside, by sigqueue from outside", -2);
		kill(getpid(), SIGUSR1);
		show_sender("inside, by itself", -2);
		pid_t child = fork();
		if (child == 0) {
			kill(getppid(), SIGUSR1);
			_exit(0);
		}
		show_sender("inside, by its child", child);
		abi_reap(child);
		R(getppid());
		R(kill(getppid(), 0)); // its own group
		leave(0);
	}
	hear(up[0]);
	kill(pid, SIGUSR1);
	tell(down[1], 0);
	hear(up[0]);
	sigqueue(pid, SIGUSR1, (union sigval){.sival_int = 7});
	tell(down[1], 0);
	abi_reap(pid);
}

// A signal that crosses to the outside: by a pidfd, by the terminal of nobody, at exit.
ABI_TEST(ns_pid_views, outwards)
{
	listen_to(SIGUSR1);
	listen_to(SIGCHLD);
	outer = getpid();
	int pidfd = syscall(SYS_pidfd_open, outer, 0);
	pid_t pid = clone_in(CLONE_NEWPID);
	if (pid == 0) {
		R(syscall(SYS_pidfd_send_signal, pidfd, SIGUSR1, NULL, 0));
		siginfo_t info = {.si_code = SI_QUEUE, .si_signo = SIGUSR1, .si_pid = 1};
		R(syscall(SYS_pidfd_send_signal, pidfd, SIGUSR1, &info, 0));
		leave(3);
	}
	siginfo_t info = {0};
	R(waitid(P_PID, pid, &info, WEXITED));
	printf("waitid: %s, status %d code %d\n", info.si_pid == pid ? "the child" : "another",
	       info.si_status, info.si_code);
	show_sender("SIGCHLD", pid);
}

// A grandchild's end, seen by a parent in another namespace than its own.
ABI_TEST(ns_pid_views, chld_and_waitid)
{
	pid_t pid = clone_in(CLONE_NEWPID);

	if (pid == 0) {
		listen_to(SIGCHLD);
		pid_t child = clone_in(CLONE_NEWPID); // two levels below the test
		if (child == 0) {
			printf("deep: %d %d\n", getpid(), getppid());
			leave(5);
		}
		siginfo_t info = {0};
		R(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT));
		printf("child %d, as clone said: %d\n", info.si_pid, info.si_pid == child);
		show_sender("SIGCHLD", child);
		R(waitpid(child, NULL, 0));
		R(unshare(CLONE_NEWPID));
		R(getpid());
		child = fork();
		if (child == 0)
			leave(getpid());
		R(child);
		abi_reap(child);
		leave(0);
	}
	abi_reap(pid);
}

// An orphan goes to its namespace's init, never to the outside.
ABI_TEST(ns_pid_views, orphans)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t pid = clone_in(CLONE_NEWPID);
	if (pid == 0) {
		int ends[2];

		pipe(ends);
		pid_t child = fork();
		if (child == 0) {
			if (fork() == 0) {
				hear(ends[0]);
				printf("orphan %d of %d\n", getpid(), getppid());
				leave(6);
			}
			leave(0);
		}
		abi_reap(child);
		tell(ends[1], 0);
		R(wait(NULL));
		// A child that is in a namespace below: its orphans go to the init there.
		leave(0);
	}
	abi_reap(pid);
	R(wait(NULL));
}

// --- What the kernel keeps of who did it ---

static const char *whose(pid_t pid, pid_t child)
{
	return !pid ? "nobody" : pid == getpid() ? "me" : pid == child ? "my child" : "a stranger";
}

static void show_ipc(const char *where, int shm, int msg, int sem, pid_t child)
{
	struct shmid_ds s;
	struct msqid_ds m;

	shmctl(shm, IPC_STAT, &s);
	msgctl(msg, IPC_STAT, &m);
	printf("%s: shm maker %s, last %s\n", where, whose(s.shm_cpid, child),
	       whose(s.shm_lpid, child));
	printf("%s: msg sender %s, receiver %s\n", where, whose(m.msg_lspid, child),
	       whose(m.msg_lrpid, child));
	printf("%s: sem %s\n", where, whose(semctl(sem, 0, GETPID), child));
}

ABI_TEST(ns_pid_views, sysv)
{
	struct {
		long type;
		char text[4];
	} message = {1, "abc"};
	struct sembuf op = {0, 1, 0};

	unshare(CLONE_NEWIPC);
	int shm = shmget(IPC_PRIVATE, 4096, 0600), msg = msgget(IPC_PRIVATE, 0600);
	int sem = semget(IPC_PRIVATE, 1, 0600);
	void *at = shmat(shm, NULL, 0);
	msgsnd(msg, &message, 4, 0);
	semop(sem, &op, 1);
	show_ipc("outside", shm, msg, sem, -2);
	pid_t pid = clone_in(CLONE_NEWPID);
	if (pid == 0) {
		show_ipc("inside", shm, msg, sem, -2);
		shmdt(at);
		msgrcv(msg, &message, 4, 0, 0);
		semop(sem, &op, 1);
		show_ipc("inside, after", shm, msg, sem, -2);
		pid_t child = fork();
		if (child == 0) {
			msgsnd(msg, &message, 4, 0);
			semop(sem, &op, 1);
			leave(0);
		}
		abi_reap(child);
		show_ipc("inside, after its child", shm, msg, sem, child);
		leave(0);
	}
	abi_reap(pid);
	show_ipc("outside, after", shm, msg, sem, pid);
	shmctl(shm, IPC_RMID, NULL);
	msgctl(msg, IPC_RMID, NULL);
	semctl(sem, 0, IPC_RMID);
}

static void show_lock(const char *where, int fd, pid_t child)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	R(fcntl(fd, F_GETLK, &lock));
	printf("%s: %s\n", where,
	       lock.l_type == F_UNLCK ? "free"
	       : lock.l_pid == -1     ? "an open file's"
				      : whose(lock.l_pid, child));
}

ABI_TEST(ns_pid_views, locks)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	pipe(up), pipe(down);
	fcntl(fd, F_SETLK, &lock);
	pid_t pid = clone_in(CLONE_NEWPID | CLONE_NEWNS);
	if (pid == 0) {
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
		mount("proc", "/proc", "proc", 0, NULL);
		show_lock("inside, lock of outside", fd, -2);
		tell(up[1], 0);
		hear(down[0]);
		R(fcntl(fd, F_SETLK, &lock));
		pid_t child = fork();
		if (child == 0) {
			show_lock("child, lock of its parent", fd, getppid());
			leave(0);
		}
		abi_reap(child);
		tell(up[1], 0);
		hear(down[0]);
		leave(0);
	}
	hear(up[0]);
	lock.l_type = F_UNLCK;
	fcntl(fd, F_SETLK, &lock);
	tell(down[1], 0);
	hear(up[0]);
	show_lock("outside, lock of inside", fd, pid);
	tell(down[1], 0);
	abi_reap(pid);
}

// --- Owners of files, notification ---

ABI_TEST(ns_pid_views, file_owners)
{
	int ends[2];
	pid_t pid;

	pipe(ends), pipe(up), pipe(down);
	R(fcntl(ends[0], F_SETOWN, getpid()));
	pid = clone_in(CLONE_NEWPID);
	if (pid == 0) {
		struct f_owner_ex owner = {0};

		R(fcntl(ends[0], F_GETOWN)); // the outside's
		R(fcntl(ends[0], F_GETOWN_EX, &owner));
		printf("type %d pid %d\n", owner.type, owner.pid);
		R(fcntl(ends[0], F_SETOWN, 5000)); // no such one here
		R(fcntl(ends[0], F_SETOWN, 1));
		R(fcntl(ends[0], F_GETOWN));
		listen_to(SIGIO);
		R(fcntl(ends[0], F_SETSIG, SIGIO));
		R(fcntl(ends[0], F_SETFL, O_ASYNC));
		tell(up[1], 0);
		hear(down[0]);
		show_sender("SIGIO", -2);
		leave(0);
	}
	hear(up[0]);
	R(fcntl(ends[0], F_GETOWN) == pid);
	write(ends[1], "x", 1);
	tell(down[1], 0);
	abi_reap(pid);
	R(fcntl(ends[0], F_GETOWN) == pid); // it is gone
}

ABI_TEST(ns_pid_views, queues)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};

	unshare(CLONE_NEWIPC);
	listen_to(SIGUSR1);
	mqd_t queue = mq_open("/q", O_CREAT | O_RDWR, 0600, &attr);
	R(mq_notify(queue, &event));
	pid_t pid = clone_in(CLONE_NEWPID);
	if (pid == 0) {
		mq_send(queue, "x", 1, 0);
		leave(0);
	}
	show_sender("from inside", pid);
	abi_reap(pid);
	char text[8];
	mq_receive(queue, text, 8, NULL);
	pipe(up), pipe(down);
	pid = clone_in(CLONE_NEWPID);
	if (pid == 0) {
		listen_to(SIGUSR1);
		R(mq_notify(queue, &event));
		tell(up[1], 0);
		show_sender("from outside", -2);
		leave(0);
	}
	hear(up[0]);
	char status[96] = "";
	pread(queue, status, 95, 0);
	char *at = strstr(status, "NOTIFY_PID:");
	printf("notified: %d\n", at && atoi(at + 11) == pid);
	mq_send(queue, "x", 1, 0);
	abi_reap(pid);
	mq_unlink("/q");
}

static void show_timer(const char *where)
{
	listen_to(SIGALRM);
	alarm(0);
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	timer_t timer;

	R(timer_create(CLOCK_MONOTONIC, &event, &timer));
	struct itimerspec soon = {.it_value = {0, 1000000}};
	timer_settime(timer, 0, &soon, NULL);
	show_sender(where, -2);
	event.sigev_notify = SIGEV_THREAD_ID;
	event._sigev_un._tid = gettid();
	R(timer_create(CLOCK_MONOTONIC, &event, &timer));
	event._sigev_un._tid = 5000;
	R(timer_create(CLOCK_MONOTONIC, &event, &timer));
}

ABI_TEST(ns_pid_views, timers)
{
	pid_t pid = clone_in(CLONE_NEWPID);

	if (pid == 0) {
		show_timer("inside");
		leave(0);
	}
	abi_reap(pid);
}

// So that numbers outside are never taken for those inside.
static void outside_is_large(void)
{
	int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY);

	write(fd, "1000", 4);
	close(fd);
}

// --- pidfds ---

static void show_fdinfo(const char *where, int fd)
{
	char path[64], line[128];

	sprintf(path, "/proc/self/fdinfo/%d", fd);
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "Pid", 3) && strncmp(line, "NSpid", 5))
			continue;
		printf("%s: %.*s", where, (int)strcspn(line, "\t"), line);
		for (char *at = strtok(line + strcspn(line, "\t"), "\t\n"); at;
		     at = strtok(NULL, "\t\n"))
			printf(" %s", atoi(at) > 99 ? "many" : at);
		printf("\n");
	}
	if (file)
		fclose(file);
}

ABI_TEST(ns_pid_views, pidfd_info)
{
	outside_is_large();
	pid_t base = fork();
	if (base) {
		abi_reap(base);
		return;
	}
	pipe(up), pipe(down);
	int outside = syscall(SYS_pidfd_open, getpid(), 0);
	pid_t pid = clone_in(CLONE_NEWPID | CLONE_NEWNS);
	if (pid == 0) {
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
		show_fdinfo("outside's proc", outside);
		int self = syscall(SYS_pidfd_open, 1, 0);
		show_fdinfo("outside's proc, of init", self);
		mount("proc", "/proc", "proc", 0, NULL);
		show_fdinfo("own proc", outside);
		show_fdinfo("own proc, of init", self);
		pid_t child = clone_in(CLONE_NEWPID);
		if (child == 0) {
			hear(down[0]);
			leave(0);
		}
		int deep = syscall(SYS_pidfd_open, child, 0);
		show_fdinfo("own proc, of a deeper one", deep);
		tell(down[1], 0);
		siginfo_t info = {0};
		R(waitid((idtype_t)3, deep, &info, WEXITED));
		R(info.si_pid == child);
		show_fdinfo("of one that is gone", deep);
		R(waitid((idtype_t)3, outside, &info, WEXITED | WNOHANG));
		leave(0);
	}
	abi_reap(pid);
	leave(0);
}

// --- /proc ---

static void show_numbers(const char *where, const char *path)
{
	char line[256];
	FILE *file = fopen(path, "r");

	if (!file)
		printf("%s: %s\n", where, strerrorname_np(errno));
	while (file && fgets(line, sizeof(line), file)) {
		static const char *const wanted[] = {"NStgid", "NSpid", "NSpgid", "NSsid",
						     "Tgid",   "Pid",   "PPid"};
		int want = 0;
		for (size_t i = 0; i < 7; i++)
			want |= !strncmp(line, wanted[i], strlen(wanted[i]));
		if (!want)
			continue;
		printf("%s: %.*s", where, (int)strcspn(line, "\t"), line);
		for (char *at = strtok(line + strcspn(line, "\t"), "\t\n"); at;
		     at = strtok(NULL, "\t\n"))
			printf(" %s", atoi(at) > 99 ? "many" : at);
		printf("\n");
	}
	if (file)
		fclose(file);
}

static void show_stat(const char *where, const char *path)
{
	char text[512] = "";
	int fd = open(path, O_RDONLY), n = read(fd, text, 511);
	int parent, group, session, tty, foreground;
	char state;

	close(fd);
	char *at = n > 0 ? strchr(text, ')') : NULL;
	if (at && sscanf(at + 1, " %c %d %d %d %d %d", &state, &parent, &group, &session, &tty,
			 &foreground) == 6)
		printf("%s: parent %s group %s session %s foreground %d\n", where,
		       parent > 99 ? "many"
		       : parent    ? "few"
				   : "0",
		       group > 99 ? "many"
		       : group    ? "few"
				  : "0",
		       session > 99 ? "many"
		       : session    ? "few"
				    : "0",
		       foreground);
}

ABI_TEST(ns_pid_views, status)
{
	char path[64];

	outside_is_large();
	pid_t base = fork(); // with a large number, as its group and session have
	if (base) {
		abi_reap(base);
		return;
	}
	setsid();
	pipe(up), pipe(down);
	pid_t pid = clone_in(CLONE_NEWPID | CLONE_NEWNS);
	if (pid == 0) {
		hear(down[0]);
		show_numbers("outside's proc, self", "/proc/self/status");
		sprintf(path, "/proc/%d/status", 1);
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
		mkdir("proc", 0755);
		mount("proc", "proc", "proc", 0, NULL);
		show_numbers("own proc, self", "proc/self/status");
		show_stat("own proc, self", "proc/self/stat");
		pid_t child = clone_in(CLONE_NEWPID);
		if (child == 0) {
			setsid();
			tell(up[1], 0);
			show_numbers("proc of the middle, deep", "proc/self/status");
			sprintf(path, "proc/%d/status", 2);
			show_numbers("proc of the middle, deep by number", path);
			show_stat("proc of the middle, deep", "proc/self/stat");
			mkdir("deep", 0755);
			mount("proc", "deep", "proc", 0, NULL);
			show_numbers("deep proc, self", "deep/self/status");
			show_numbers("deep proc, of the middle", "deep/2/status");
			R(getppid());
			R(getsid(0));
			R(getpgid(0));
			leave(0);
		}
		hear(up[0]);
		abi_reap(child);
		leave(0);
	}
	sprintf(path, "/proc/%d/status", pid);
	show_numbers("outside, of the inside", path);
	fflush(stdout);
	tell(down[1], 0);
	abi_reap(pid);
	leave(0);
}

// A terminal's group and session: 0 for those who do not see them.
ABI_TEST(ns_pid_views, terminal)
{
	char name[32];
	int number, off = 0, group = -1;

	mkdir("/dev/pts", 0755);
	unshare(CLONE_NEWNS);
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	mount("devpts", "/dev/pts", "devpts", 0, "newinstance,ptmxmode=666");
	pid_t base = fork();
	if (base) {
		abi_reap(base);
		return;
	}
	setsid();
	int master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY);
	ioctl(master, TIOCSPTLCK, &off);
	ioctl(master, TIOCGPTN, &number);
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	int slave = open(name, O_RDWR);
	R(ioctl(slave, TIOCGPGRP, &group));
	R(group == getpid());
	pid_t pid = clone_in(CLONE_NEWPID);
	if (pid == 0) {
		signal(SIGTTOU, SIG_IGN);
		R(ioctl(slave, TIOCGPGRP, &group));
		R(group);
		R(ioctl(slave, TIOCGSID, &group));
		R(group);
		group = 77;
		R(ioctl(slave, TIOCSPGRP, &group));
		R(setpgid(0, 0));
		group = 1;
		R(ioctl(slave, TIOCSPGRP, &group));
		R(ioctl(slave, TIOCGPGRP, &group));
		R(group);
		leave(0);
	}
	abi_reap(pid);
	R(ioctl(slave, TIOCGPGRP, &group));
	R(group == pid);
	leave(0);
}

// --- Everybody, and entering ---

ABI_TEST(ns_pid_views, kill_all)
{
	pid_t outsider = fork();

	if (outsider == 0) {
		pause();
		_exit(0);
	}
	pid_t pid = clone_in(CLONE_NEWPID);
	if (pid == 0) {
		pid_t children[3];

		for (int i = 0; i < 3; i++) {
			children[i] = clone_in(i == 2 ? CLONE_NEWPID : 0);
			if (children[i] == 0) {
				pause();
				_exit(0);
			}
		}
		R(kill(-1, SIGKILL)); // all but itself and the outside
		for (int i = 0; i < 3; i++)
			abi_reap(children[i]);
		R(kill(-1, 0)); // nobody is left
		leave(0);
	}
	abi_reap(pid);
	R(kill(outsider, 0));
	R(kill(outsider, SIGKILL));
	abi_reap(outsider);
}

ABI_TEST(ns_pid_views, enter)
{
	pipe(up), pipe(down);
	pid_t pid = clone_in(CLONE_NEWPID);
	if (pid == 0) {
		tell(up[1], 0);
		hear(down[0]);
		R(waitpid(-1, NULL, WNOHANG)); // who entered is no child of it
		leave(0);
	}
	hear(up[0]);
	int fd = syscall(SYS_pidfd_open, pid, 0);
	pid_t user = fork();
	if (user == 0) {
		R(setns(fd, CLONE_NEWPID));
		R(getpid() > 1);
		pid_t child = fork();
		if (child == 0) {
			R(getpid());
			R(getppid()); // the parent is outside
			R(getsid(0));
			R(getpgid(0));
			R(setpgid(0, 0));
			R(getpgid(0));
			pid_t orphan = fork();
			if (orphan == 0)
				leave(getppid());
			abi_reap(orphan);
			R(kill(1, 0));
			int self = syscall(SYS_pidfd_open, 1, 0);
			R(setns(self, CLONE_NEWPID));
			R(setns(fd, CLONE_NEWPID));
			leave(0);
		}
		abi_reap(child);
		R(child > 5); // as the caller's own namespace counts
		R(setns(fd, CLONE_NEWPID));
		R(unshare(CLONE_NEWPID));
		leave(0);
	}
	abi_reap(user);
	tell(down[1], 0);
	abi_reap(pid);
	R(setns(fd, CLONE_NEWPID)); // it is dead
}
