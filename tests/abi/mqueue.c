// POSIX message queues: opening, order, waiting, being told, the file system, limits.

#include "abi.h"
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <time.h>

static long raw_open(const char *name, int flags, int mode, struct mq_attr *attr)
{
	return syscall(SYS_mq_open, name, flags, mode, attr);
}

static void receive(mqd_t queue)
{
	char text[8192];
	unsigned priority = 77;
	ssize_t n = mq_receive(queue, text, sizeof(text), &priority);

	if (n < 0)
		printf("receive: %s\n", strerrorname_np(errno));
	else
		printf("receive %zd of priority %u: %.*s\n", n, priority, (int)n, text);
}

static void show(mqd_t queue)
{
	struct mq_attr attr;

	R(mq_getattr(queue, &attr));
	printf("  %lo %ld %ld %ld\n", attr.mq_flags, attr.mq_maxmsg, attr.mq_msgsize,
	       attr.mq_curmsgs);
}

ABI_TEST(mqueue, opening)
{
	struct mq_attr attr = {.mq_maxmsg = 3, .mq_msgsize = 20};
	struct stat st;

	R(mq_open("/none", O_RDWR));
	mqd_t queue = R(mq_open("/one", O_RDWR | O_CREAT, 0640, &attr));
	R(fcntl(queue, F_GETFD));
	show(queue);
	R(fstat(queue, &st));
	printf("%o %ld %d\n", st.st_mode, (long)st.st_nlink, st.st_uid);
	R(mq_open("/one", O_RDWR | O_CREAT | O_EXCL, 0640, &attr));
	R(raw_open("one", O_RDONLY, 0, NULL) >= 0);
	R(raw_open("one", 3, 0, NULL));
	R(raw_open("/one", O_RDONLY, 0, NULL));
	R(raw_open("", O_RDONLY, 0, NULL));
	R(raw_open(".", O_RDONLY, 0, NULL));
	R(raw_open("a/b", O_RDWR | O_CREAT, 0600, NULL));
	R(raw_open(BAD, O_RDWR | O_CREAT, 0600, NULL));
	R(raw_open("two", O_RDWR | O_CREAT, 0600, BAD));
	char name[300];
	memset(name, 'x', 299);
	name[299] = 0;
	R(raw_open(name, O_RDWR | O_CREAT, 0600, NULL));
	attr.mq_maxmsg = 0;
	R(raw_open("two", O_RDWR | O_CREAT, 0600, &attr));
	attr.mq_maxmsg = 65537;
	R(raw_open("two", O_RDWR | O_CREAT, 0600, &attr));
	attr.mq_maxmsg = 65536;
	attr.mq_msgsize = 1000;
	R(raw_open("two", O_RDWR | O_CREAT, 0600, &attr));
	mqd_t two = raw_open("two", O_RDONLY | O_CREAT, 0666, NULL);
	show(two);
	R(mq_send(two, "x", 1, 0));
	R(mq_close(two));
	R(mq_unlink("/two"));
	R(mq_unlink("/two"));
	R(mq_unlink("/one"));
	R(syscall(SYS_mq_unlink, "/one"));
	R(mq_send(queue, "still", 5, 0));
	receive(queue);
	R(mq_close(queue));
	R(mq_getattr(0, &attr));
	R(mq_getattr(999, &attr));
}

ABI_TEST(mqueue, order)
{
	struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 20};
	struct timespec past = {1, 0}, bad = {0, -1};
	mqd_t queue = mq_open("/order", O_RDWR | O_CREAT | O_NONBLOCK, 0600, &attr);
	char text[30];

	R(mq_send(queue, "a", 1, 1));
	R(mq_send(queue, "b", 1, 5));
	R(mq_send(queue, "c", 1, 5));
	R(mq_send(queue, "", 0, 32767));
	R(mq_send(queue, "e", 1, 0));
	R(mq_send(queue, "e", 1, 32768));
	R(mq_send(queue, text, 21, 0));
	R(mq_send(queue, BAD, 5, 0));
	R(mq_receive(queue, text, 19, NULL));
	show(queue);
	struct pollfd one = {.fd = queue, .events = POLLIN | POLLOUT};
	R(poll(&one, 1, 0));
	printf("%x\n", one.revents);
	for (int i = 0; i < 5; i++)
		receive(queue);
	R(poll(&one, 1, 0));
	printf("%x\n", one.revents);
	attr.mq_flags = O_APPEND;
	R(mq_setattr(queue, &attr, NULL));
	attr.mq_flags = 0;
	R(syscall(SYS_mq_getsetattr, queue, &attr, &attr));
	printf("%lo\n", attr.mq_flags);
	R(mq_timedreceive(queue, text, 20, NULL, &past));
	R(mq_timedreceive(queue, text, 20, NULL, &bad));
	R(mq_timedreceive(queue, text, 20, NULL, BAD));
	fflush(stdout);
	if (fork() == 0) {
		usleep(30000);
		mq_send(queue, "later", 5, 2);
		_exit(0);
	}
	receive(queue);
	wait(NULL);
	for (int i = 0; i < 4; i++)
		mq_send(queue, "full", 4, 0);
	R(mq_timedsend(queue, "x", 1, 0, &past));
	if (fork() == 0) {
		usleep(30000);
		mq_receive(queue, text, 20, NULL);
		_exit(0);
	}
	R(mq_send(queue, "fits", 4, 0));
	wait(NULL);
	R(mq_unlink("/order"));
}

static volatile int told_code, told_value, told_pid;

static void told(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	told_code = info->si_code;
	told_value = info->si_value.sival_int;
	told_pid = info->si_pid;
}

ABI_TEST(mqueue, notify)
{
	struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 20};
	mqd_t queue = mq_open("/notify", O_RDWR | O_CREAT | O_NONBLOCK, 0600, &attr);
	struct sigaction act = {.sa_sigaction = told, .sa_flags = SA_SIGINFO};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	char text[200];

	event.sigev_value.sival_int = 42;
	sigaction(SIGUSR1, &act, NULL);
	R(mq_notify(queue, &event));
	R(mq_notify(queue, &event));
	fflush(stdout);
	if (fork() == 0) {
		R(mq_notify(queue, &event));
		R(mq_notify(queue, NULL));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	ssize_t n = read(queue, text, sizeof(text));
	printf("%d %d\n", n > 0 && strstr(text, "NOTIFY_PID:") != NULL, (int)n);
	R(mq_send(queue, "x", 1, 0));
	printf("%d %d %d\n", told_code, told_value, told_pid == getpid());
	told_code = 0;
	R(mq_send(queue, "y", 1, 0));
	printf("%d\n", told_code);
	n = read(queue, text, sizeof(text));
	lseek(queue, 0, SEEK_SET);
	n = read(queue, text, sizeof(text));
	printf("%.*s", (int)n, text);
	receive(queue);
	receive(queue);
	R(mq_notify(queue, &event));
	R(mq_notify(queue, NULL));
	R(mq_notify(queue, NULL));
	R(mq_send(queue, "x", 1, 0));
	printf("%d\n", told_code);
	event.sigev_notify = 77;
	R(mq_notify(queue, &event));
	event.sigev_notify = SIGEV_SIGNAL;
	event.sigev_signo = 65;
	R(mq_notify(queue, &event));
	R(mq_notify(0, NULL));
	R(mq_unlink("/notify"));
}

ABI_TEST(mqueue, file_system)
{
	struct rlimit limit = {10000, 10000};
	struct stat st;

	R(mkdir("m", 0755));
	R(mount("mqueue", "m", "mqueue", 0, NULL));
	R(stat("m", &st));
	printf("%o %ld\n", st.st_mode, (long)st.st_nlink);
	mqd_t queue = mq_open("/seen", O_RDWR | O_CREAT, 0640, NULL);
	R(mq_send(queue, "hello", 5, 0));
	R(stat("m/seen", &st));
	printf("%o %ld %d\n", st.st_mode, (long)st.st_size, st.st_uid);
	int fd = R(open("m/seen", O_RDONLY) >= 0);
	fd = open("m/seen", O_RDONLY);
	char text[200];
	ssize_t n = read(fd, text, sizeof(text));
	printf("%.*s", (int)n, text);
	R(open("m/made", O_RDWR | O_CREAT, 0600) >= 0);
	mqd_t made = R(mq_open("/made", O_RDWR) >= 0);
	made = mq_open("/made", O_RDWR);
	show(made);
	R(mkdir("m/dir", 0755));
	R(rename("m/made", "m/other"));
	R(unlink("m/seen"));
	R(mq_open("/seen", O_RDWR));
	fflush(stdout);
	if (fork() == 0) {
		R(unshare(CLONE_NEWIPC));
		R(mq_open("/made", O_RDWR));
		R(mq_open("/other", O_RDWR));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	fflush(stdout);
	if (fork() == 0) {
		setrlimit(RLIMIT_MSGQUEUE, &limit);
		setgid(1000);
		setuid(1000);
		R(mq_open("/made", O_RDWR));
		R(mq_open("/big", O_RDWR | O_CREAT, 0600, NULL));
		struct mq_attr attr = {.mq_maxmsg = 11, .mq_msgsize = 10};
		R(mq_open("/big", O_RDWR | O_CREAT, 0600, &attr));
		attr.mq_maxmsg = 10;
		R(mq_open("/mine", O_RDWR | O_CREAT, 0600, &attr) >= 0);
		R(mq_unlink("/made"));
		R(mq_unlink("/mine"));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	mq_unlink("/made");
	mq_unlink("/other");
	static const char *const names[] = {"queues_max", "msg_max", "msgsize_max", "msg_default",
					    "msgsize_default"};
	for (int i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "/proc/sys/fs/mqueue/%s", names[i]);
		FILE *file = fopen(text, "r");
		if (file && fgets(text, sizeof(text), file))
			printf("%s %s", names[i], text);
	}
	R(umount2("m", MNT_DETACH));
}
