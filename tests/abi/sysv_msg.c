// System V message queues: types, sizes, waiting, all of msgctl's commands.

#include "abi.h"
#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <time.h>

#define KEY 0x1234

// A machine without a clock begins in 1970, when times would look as if they were never set.
__attribute__((constructor)) static void set_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec < 1000)
		clock_settime(CLOCK_REALTIME, &(struct timespec){1000000000, 0});
}

struct letter {
	long type;
	char text[9000];
};

static int send(int id, long type, const char *text, int flags)
{
	struct letter letter = {.type = type};

	strcpy(letter.text, text);
	return msgsnd(id, &letter, strlen(text), flags);
}

static void receive(int id, size_t size, long type, int flags)
{
	struct letter letter = {.type = -77};
	ssize_t n = msgrcv(id, &letter, size, type, flags);

	if (n < 0)
		printf("receive %ld: %s\n", type, strerrorname_np(errno));
	else
		printf("receive %ld: type %ld, %zd: %.*s\n", type, letter.type, n, (int)n,
		       letter.text);
}

static void show(int id)
{
	struct msqid_ds ds;

	if (msgctl(id, IPC_STAT, &ds)) {
		printf("  stat: %s\n", strerrorname_np(errno));
		return;
	}
	printf("  key %x mode %o: %lu bytes in %lu of %lu; %d %d; times %d %d %d\n",
	       ds.msg_perm.__key, ds.msg_perm.mode, ds.__msg_cbytes, ds.msg_qnum, ds.msg_qbytes,
	       ds.msg_lspid == getpid(), ds.msg_lrpid == getpid(), ds.msg_stime != 0,
	       ds.msg_rtime != 0, ds.msg_ctime != 0);
}

ABI_TEST(sysv_msg, types)
{
	int id;

	R(msgget(KEY, 0));
	id = OK(msgget(KEY, IPC_CREAT | 0600));
	R(msgget(KEY, IPC_CREAT | IPC_EXCL | 0600));
	R(msgget(KEY, 0) == id);
	show(id);
	static const int types[] = {5, 3, 7, 3, 9};
	for (int i = 0; i < 5; i++)
		R(send(id, types[i], &"message"[i], 0));
	show(id);
	receive(id, 100, 3, 0);
	receive(id, 100, -6, 0);
	receive(id, 100, 1, IPC_NOWAIT);
	receive(id, 100, -2, IPC_NOWAIT);
	receive(id, 100, 5, MSG_EXCEPT);
	receive(id, 1, 9, 0);
	receive(id, 100, 0, IPC_NOWAIT | MSG_COPY);
	receive(id, 100, 1, IPC_NOWAIT | MSG_COPY);
	receive(id, 100, 7, IPC_NOWAIT | MSG_COPY);
	receive(id, 100, 0, MSG_COPY);
	receive(id, 100, 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT);
	receive(id, 2, 9, MSG_NOERROR);
	receive(id, 100, 0, 0);
	receive(id, 100, 0, IPC_NOWAIT);
	show(id);
	R(send(id, 0, "x", 0));
	R(send(id, -1, "x", 0));
	R(send(-1, 1, "x", 0));
	R(send(id + 1, 1, "x", 0));
	R(msgsnd(id, BAD, 1, 0));
	R(msgsnd(id, &(struct letter){.type = 1}, 8193, 0));
	R(msgsnd(id, &(struct letter){.type = 1}, 0, 0));
	R(msgrcv(id, BAD, 10, 0, 0));
	R(msgrcv(id, &(struct letter){.type = 1}, -1, 0, 0));
	R(msgctl(id, IPC_RMID, NULL));
	R(msgctl(id, IPC_RMID, NULL));
	R(send(id, 1, "x", 0));
	receive(id, 1, 0, 0);
}

static pid_t in_child(int id, void (*what)(int id))
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		what(id);
		fflush(stdout);
		_exit(0);
	}
	usleep(50000);
	return pid;
}

static void receive_seven(int id)
{
	receive(id, 100, 7, 0);
}

static void send_much(int id)
{
	printf("%d %s\n", send(id, 2, "waited", 0), strerrorname_np(errno));
}

static void nothing(int sig)
{
	(void)sig;
}

static void receive_interrupted(int id)
{
	struct sigaction act = {.sa_handler = nothing, .sa_flags = SA_RESTART};

	sigaction(SIGALRM, &act, NULL);
	alarm(1);
	receive(id, 100, 7, 0);
}

ABI_TEST(sysv_msg, waiting)
{
	int id = msgget(IPC_PRIVATE, 0600);
	static struct letter big = {.type = 1};

	pid_t pid = in_child(id, receive_seven);
	R(send(id, 3, "not this", 0));
	send(id, 7, "this", 0);
	waitpid(pid, NULL, 0);
	receive(id, 100, 0, 0);
	R(msgsnd(id, &big, 8192, 0));
	R(msgsnd(id, &big, 8190, 0));
	R(msgsnd(id, &big, 3, IPC_NOWAIT));
	R(msgsnd(id, &big, 2, IPC_NOWAIT));
	R(msgsnd(id, &big, 0, IPC_NOWAIT));
	show(id);
	pid = in_child(id, send_much);
	msgrcv(id, &big, 9000, 0, 0);
	waitpid(pid, NULL, 0);
	receive(id, 100, 2, 0);
	R(msgrcv(id, &big, 9000, 0, 0));
	receive(id, 100, 0, 0);
	pid = in_child(id, receive_interrupted);
	waitpid(pid, NULL, 0);
	pid = in_child(id, receive_seven);
	long removed = msgctl(id, IPC_RMID, NULL);
	waitpid(pid, NULL, 0); // the child prints first
	R(removed);
	id = msgget(IPC_PRIVATE, 0600);
	R(msgsnd(id, &(struct letter){.type = 1}, 8192, 0));
	R(msgsnd(id, &(struct letter){.type = 1}, 8192, 0));
	pid = in_child(id, send_much);
	removed = msgctl(id, IPC_RMID, NULL);
	waitpid(pid, NULL, 0);
	R(removed);
}

ABI_TEST(sysv_msg, control)
{
	int id = msgget(KEY, IPC_CREAT | 0644);
	struct msqid_ds ds;
	struct msginfo info;

	fflush(stdout);
	if (fork() == 0) {
		setgid(1000);
		setuid(1000);
		R(msgget(KEY, 0200));
		R(send(id, 1, "x", 0));
		receive(id, 1, 0, IPC_NOWAIT);
		R(msgctl(id, IPC_STAT, &ds));
		R(msgctl(id, IPC_SET, &ds));
		R(msgctl(id, IPC_RMID, NULL));
		R(msgctl(id % 32768, MSG_STAT, &ds) == id);
		id = msgget(IPC_PRIVATE, 0600);
		R(msgctl(id, IPC_STAT, &ds));
		ds.msg_qbytes = 100;
		R(msgctl(id, IPC_SET, &ds));
		ds.msg_qbytes = 16385;
		R(msgctl(id, IPC_SET, &ds));
		show(id);
		R(msgctl(id, IPC_RMID, NULL));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	msgctl(id, IPC_STAT, &ds);
	ds.msg_perm.mode = 0622;
	ds.msg_qbytes = 100000;
	R(msgctl(id, IPC_SET, &ds));
	show(id);
	R(msgctl(0, IPC_INFO, (void *)&info) >= 0);
	printf("%d %d %d %d %d %d %d %d\n", info.msgpool, info.msgmap, info.msgmax, info.msgmnb,
	       info.msgmni, info.msgssz, info.msgtql, info.msgseg);
	send(id, 1, "abc", 0);
	R(msgctl(0, MSG_INFO, (void *)&info) >= 0);
	printf("%d %d %d\n", info.msgpool, info.msgmap, info.msgtql);
	FILE *file = fopen("/proc/sysvipc/msg", "r");
	char line[256];
	while (file && fgets(line, sizeof(line), file)) {
		long key, id2, perms, bytes;
		if (sscanf(line, "%ld %ld %lo %ld", &key, &id2, &perms, &bytes) == 4)
			printf("%ld %lo %ld %zu\n", key, perms, bytes, strlen(line));
		else
			printf("%s", line);
	}
	static const char *const names[] = {"msgmax", "msgmnb", "msgmni"};
	for (int i = 0; i < 3; i++) {
		snprintf(line, sizeof(line), "/proc/sys/kernel/%s", names[i]);
		file = fopen(line, "r");
		if (file && fgets(line, sizeof(line), file))
			printf("%s %s", names[i], line);
	}
	int other = msgget(KEY + 1, IPC_CREAT | 0600);
	R(msgctl(id, IPC_RMID, NULL));
	if (fork() == 0) {
		R(unshare(CLONE_NEWIPC));
		R(msgget(KEY + 1, 0));
		R(msgctl(other, IPC_STAT, &ds));
		R(msgget(KEY, IPC_CREAT | 0600));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	R(msgctl(other, IPC_RMID, NULL));
}
