// Signals about files: O_ASYNC, F_SETOWN, F_SETSIG. See fcntl(2).

#include <pty.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>

#include "abi.h"

static volatile int count;
static siginfo_t got[8];

static void on_signal(int sig, siginfo_t *info, void *context)
{
	if (count < 8)
		got[count] = *info;
	count++;
}

static void show(const char *what, int fd)
{
	for (int i = 0; i < 30 && !count; i++)
		usleep(1000);
	usleep(2000);
	printf("%s: %d", what, count);
	for (int i = 0; i < count && i < 8; i++) {
		printf(", %s code %d", sigabbrev_np(got[i].si_signo) ?: "RT", got[i].si_code);
		if (got[i].si_code != SI_KERNEL)
			printf(" band %lx fd %s", got[i].si_band, got[i].si_fd == fd ? "own" : "?");
		else
			printf(" pid %d uid %d", got[i].si_pid, got[i].si_uid);
	}
	printf("\n");
	count = 0;
}

static void catch (int sig)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};

	sigaction(sig, &action, NULL);
}

static void set_async(int fd, int on)
{
	int flags = fcntl(fd, F_GETFL);

	R(fcntl(fd, F_SETFL, on ? flags | O_ASYNC : flags & ~O_ASYNC));
	printf("O_ASYNC %d\n", !!(fcntl(fd, F_GETFL) & O_ASYNC));
}

ABI_TEST(sigio, pipes)
{
	int ends[2];
	char byte;

	catch (SIGIO);
	catch (SIGRTMIN);
	catch (SIGUSR1);
	catch (SIGCHLD);
	pipe(ends);
	set_async(ends[0], 1);
	write(ends[1], "x", 1);
	show("nobody's", ends[0]);
	R(fcntl(ends[0], F_SETOWN, getpid()));
	write(ends[1], "x", 1);
	show("written", ends[0]);
	write(ends[1], "x", 1);
	show("written again", ends[0]);
	R(fcntl(ends[0], F_SETSIG, SIGRTMIN));
	printf("signal %s\n", fcntl(ends[0], F_GETSIG) == SIGRTMIN ? "kept" : "?");
	write(ends[1], "x", 1);
	show("real-time", ends[0]);
	R(fcntl(ends[0], F_SETSIG, SIGIO));
	write(ends[1], "x", 1);
	show("SIGIO itself", ends[0]);
	R(fcntl(ends[0], F_SETSIG, SIGUSR1));
	write(ends[1], "x", 1);
	show("SIGUSR1", ends[0]);
	R(fcntl(ends[0], F_SETSIG, SIGCHLD));
	write(ends[1], "x", 1);
	show("one with its own codes", ends[0]);
	R(fcntl(ends[0], F_SETSIG, 0));
	read(ends[0], &byte, 1);
	show("read", ends[0]);
	R(fcntl(ends[1], F_SETOWN, getpid()));
	R(fcntl(ends[1], F_SETSIG, SIGRTMIN));
	set_async(ends[1], 1);
	read(ends[0], &byte, 1);
	show("read, to the writer", ends[1]);
	set_async(ends[0], 0);
	write(ends[1], "x", 1);
	show("off", ends[0]);
	int twin = dup(ends[1]);
	close(ends[1]);
	read(ends[0], &byte, 1);
	show("a copy keeps it", ends[1]);
	close(ends[0]);
	show("reader gone", ends[1]);
	close(twin);
	pipe(ends);
	fcntl(ends[0], F_SETOWN, getpid());
	set_async(ends[0], 1);
	close(ends[1]);
	show("writer gone", ends[0]);
	close(ends[0]);
	mkfifo("fifo", 0600);
	int both = open("fifo", O_RDWR);
	fcntl(both, F_SETOWN, getpid());
	fcntl(both, F_SETSIG, SIGRTMIN);
	set_async(both, 1);
	write(both, "x", 1);
	show("both ends, written", both);
	read(both, &byte, 1);
	show("both ends, read", both);
}

ABI_TEST(sigio, owners)
{
	struct f_owner_ex ex = {-1, -1};
	int ends[2];

	pipe(ends);
	R(fcntl(ends[0], F_GETOWN));
	R(fcntl(ends[0], F_GETSIG));
	R(fcntl(ends[0], F_GETOWN_EX, &ex));
	printf("%d %d\n", ex.type, ex.pid);
	R(fcntl(ends[0], F_SETOWN, 999999));
	R(fcntl(ends[0], F_SETOWN, -999999));
	R(fcntl(ends[0], F_SETOWN, -2147483647 - 1));
	R(fcntl(ends[0], F_SETSIG, 65));
	R(fcntl(ends[0], F_SETSIG, -1));
	R(fcntl(ends[0], F_SETSIG, 64));
	R(fcntl(ends[0], F_GETSIG));
	OK(fcntl(ends[0], F_SETOWN, getpid()));
	printf("own %d\n", fcntl(ends[0], F_GETOWN) == getpid());
	fcntl(ends[0], F_GETOWN_EX, &ex);
	printf("type %d own %d\n", ex.type, ex.pid == getpid());
	OK(fcntl(ends[0], F_SETOWN, -getpgrp()));
	fcntl(ends[0], F_GETOWN_EX, &ex);
	printf("type %d own %d\n", ex.type, ex.pid == getpgrp());
	ex = (struct f_owner_ex){F_OWNER_TID, getpid()};
	R(fcntl(ends[0], F_SETOWN_EX, &ex));
	printf("own %d\n", fcntl(ends[0], F_GETOWN) == getpid());
	ex.type = 3;
	R(fcntl(ends[0], F_SETOWN_EX, &ex));
	ex = (struct f_owner_ex){F_OWNER_PID, 999999};
	R(fcntl(ends[0], F_SETOWN_EX, &ex));
	ex.pid = 0;
	R(fcntl(ends[0], F_SETOWN_EX, &ex));
	R(fcntl(ends[0], F_GETOWN));
	R(fcntl(ends[0], F_SETOWN_EX, BAD));
	R(fcntl(ends[0], F_GETOWN_EX, BAD));
	pid_t pid = fork();
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, WEXITED | WNOWAIT);
	R(fcntl(ends[0], F_GETOWN));
	int path = open("/", O_PATH);
	R(fcntl(path, F_SETOWN, 1));
}

// A process that may not be signalled is not.
ABI_TEST(sigio, permission)
{
	volatile int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				    -1, 0);
	int ends[2];

	catch (SIGIO);
	pipe(ends);
	pid_t pid = fork();
	if (!pid) {
		setresuid(1000, 1000, 1000);
		fcntl(ends[0], F_SETOWN, getppid());
		fcntl(ends[0], F_SETFL, O_ASYNC);
		shared[0] = 1;
		_exit(0);
	}
	abi_reap(pid);
	write(ends[1], "x", 1);
	show("set by another user", ends[0]);
	fcntl(ends[0], F_SETOWN, getpid());
	write(ends[1], "x", 1);
	show("set by us", ends[0]);
}

ABI_TEST(sigio, terminals)
{
	int master, slave;

	catch (SIGIO);
	catch (SIGRTMIN);
	setsid();
	openpty(&master, &slave, NULL, NULL, NULL);
	set_async(slave, 1);
	printf("owner %s\n", fcntl(slave, F_GETOWN) == getpid() ? "own" : "?");
	set_async(slave, 0);
	fcntl(slave, F_SETOWN, 0);
	ioctl(slave, TIOCSCTTY, 0);
	set_async(slave, 1);
	printf("owner %s\n", fcntl(slave, F_GETOWN) == -getpid() ? "own group" : "?");
	write(master, "a", 1);
	show("half a line", slave);
	write(master, "b\n", 2);
	show("a line", slave);
	fcntl(slave, F_SETSIG, SIGRTMIN);
	write(master, "c\n", 2);
	show("a line, real-time", slave);
}

ABI_TEST(sigio, other_files)
{
	int on = 1, off = 0, ends[2], file = open("file", O_RDWR | O_CREAT, 0600);
	int event = eventfd(0, 0);

	set_async(file, 1);
	R(ioctl(file, FIOASYNC, &on));
	R(ioctl(file, FIOASYNC, &off));
	set_async(event, 1);
	R(ioctl(event, FIOASYNC, &on));
	pipe(ends);
	R(ioctl(ends[0], FIOASYNC, &on));
	printf("%x\n", fcntl(ends[0], F_GETFL) & O_ASYNC);
	R(ioctl(ends[0], FIOASYNC, &on));
	R(ioctl(ends[0], FIOASYNC, &off));
	printf("%x\n", fcntl(ends[0], F_GETFL) & O_ASYNC);
	R(ioctl(ends[0], FIOASYNC, BAD));
	R(ioctl(ends[0], FIONBIO, &on));
	printf("%x\n", fcntl(ends[0], F_GETFL) & O_NONBLOCK);
	R(ioctl(ends[0], FIONBIO, &off));
	printf("%x\n", fcntl(ends[0], F_GETFL) & O_NONBLOCK);
	R(ioctl(ends[0], FIONBIO, BAD));
	R(ioctl(ends[0], FIOCLEX));
	R(fcntl(ends[0], F_GETFD));
	R(ioctl(ends[0], FIONCLEX));
	R(fcntl(ends[0], F_GETFD));
	R(ioctl(999, FIOCLEX));
	R(ioctl(open("/", O_PATH), FIOCLEX));
}
