// Job control and pairs of pseudo-terminals: whose terminal it is, who may use it, what is sent to
// whom, and what is left when an end closes.

#include "abi.h"
#include <asm/termbits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/statfs.h>

static int master, slave = -1;
static char slave_name[32];

static void open_master(void)
{
	int number = -1, off = 0;

	mkdir("/dev/pts", 0755);
	if (access("/dev/pts/ptmx", F_OK)) // the first test mounts it for all
		mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=666");
	master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY);
	ioctl(master, TIOCSPTLCK, &off);
	ioctl(master, TIOCGPTN, &number);
	snprintf(slave_name, sizeof(slave_name), "/dev/pts/%d", number);
}

static void show_poll(const char *what, int fd)
{
	struct pollfd one = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI};

	poll(&one, 1, 50);
	printf("%s: %x\n", what, one.revents);
}

static void note(int sig)
{
	static const char *const names[] = {
		[SIGHUP] = "HUP\n",   [SIGINT] = "INT\n",   [SIGCONT] = "CONT\n",
		[SIGTTIN] = "TTIN\n", [SIGTTOU] = "TTOU\n", [SIGWINCH] = "WINCH\n",
		[SIGQUIT] = "QUIT\n", [SIGTSTP] = "TSTP\n"};

	write(1, names[sig], strlen(names[sig]));
}

static void note_all(void)
{
	static const int signals[] = {SIGHUP,  SIGINT,   SIGCONT, SIGTTIN,
				      SIGTTOU, SIGWINCH, SIGQUIT, SIGTSTP};

	for (unsigned i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		signal(signals[i], note);
	setvbuf(stdout, NULL, _IONBF, 0);
}

static void show_wait(pid_t pid, int options)
{
	int status;

	if (waitpid(pid, &status, options) != pid)
		printf("wait: %s\n", strerrorname_np(errno));
	else if (WIFSTOPPED(status))
		printf("stopped by %s\n", sigabbrev_np(WSTOPSIG(status)));
	else if (WIFCONTINUED(status))
		printf("continued\n");
	else if (WIFEXITED(status))
		printf("exited %d\n", WEXITSTATUS(status));
	else
		printf("killed by %s\n", sigabbrev_np(WTERMSIG(status)));
}

// Runs `leader` in a session of its own that has the slave as its terminal, opened by it.
static void in_session(void (*leader)(void))
{
	setvbuf(stdout, NULL, _IONBF, 0);
	open_master();
	pid_t pid = fork();
	if (pid == 0) {
		note_all();
		setsid();
		slave = open(slave_name, O_RDWR);
		leader();
		_exit(0);
	}
	usleep(300000); // what others of the session print comes first
	show_wait(pid, 0);
}

static pid_t in_background(void (*what)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		for (int sig = 1; sig < 32; sig++)
			signal(sig, SIG_DFL);
		what();
		_exit(0);
	}
	setpgid(pid, pid);
	return pid;
}

// --- Whose terminal ---

static void owner_leader(void)
{
	int id = 0;

	R(open("/dev/tty", O_RDWR) >= 0);
	R(ioctl(slave, TIOCGSID, &id));
	printf("session is mine %d\n", id == getpid());
	R(ioctl(slave, TIOCGPGRP, &id));
	printf("group is mine %d\n", id == getpgrp());
	R(ioctl(slave, TIOCSCTTY, 0));
	R(ioctl(slave, TIOCSPGRP, BAD));
	id = -5;
	R(ioctl(slave, TIOCSPGRP, &id));
	id = 1;
	R(ioctl(slave, TIOCSPGRP, &id));
	id = 999999;
	R(ioctl(slave, TIOCSPGRP, &id));
	R(ioctl(slave, TIOCNOTTY, 0));
	R(open("/dev/tty", O_RDWR));
	R(ioctl(slave, TIOCNOTTY, 0));
	R(ioctl(slave, TIOCGSID, &id));
	R(ioctl(slave, TIOCSCTTY, 0));
	R(open("/dev/tty", O_RDWR) >= 0);
}

ABI_TEST(jobctl, owner)
{
	in_session(owner_leader);
	int id = -1;
	R(ioctl(master, TIOCGSID, &id));
	R(ioctl(master, TIOCGPGRP, &id));
}

static void take_leader(void)
{
	if (fork() == 0) {
		setsid();
		R(ioctl(slave, TIOCSCTTY, 0));
		R(open(slave_name, O_RDWR) >= 0);
		R(open("/dev/tty", O_RDWR));
		R(ioctl(slave, TIOCSCTTY, 1));
		R(open("/dev/tty", O_RDWR) >= 0);
		_exit(0);
	}
	wait(NULL);
	R(open("/dev/tty", O_RDWR));
}

ABI_TEST(jobctl, taken)
{
	in_session(take_leader);
}

ABI_TEST(jobctl, not_taken)
{
	open_master();
	setvbuf(stdout, NULL, _IONBF, 0);
	if (fork() == 0) {
		setsid();
		R(open(slave_name, O_RDWR | O_NOCTTY) >= 0);
		R(open("/dev/tty", O_RDWR));
		R(open(slave_name, O_WRONLY) >= 0);
		R(open("/dev/tty", O_RDWR));
		R(open(slave_name, O_RDONLY) >= 0);
		R(open("/dev/tty", O_RDWR) >= 0);
		_exit(0);
	}
	wait(NULL);
}

// --- The background ---

static void background_read(void)
{
	char c;

	signal(SIGCONT, note);
	R(read(slave, &c, 1));
	signal(SIGTTIN, SIG_IGN);
	R(read(slave, &c, 1));
}

static void background_leader(void)
{
	pid_t pid = in_background(background_read);
	int group = getpgrp();

	show_wait(pid, WUNTRACED);
	kill(pid, SIGCONT);
	show_wait(pid, WUNTRACED);
	int other = pid;
	R(ioctl(slave, TIOCSPGRP, &other));
	kill(pid, SIGCONT);
	usleep(20000);
	write(master, "x\n", 2);
	usleep(20000);
	signal(SIGTTOU, SIG_IGN);
	R(ioctl(slave, TIOCSPGRP, &group));
	show_wait(pid, 0);
}

ABI_TEST(jobctl, read_in_background)
{
	in_session(background_leader);
}

static void background_change(void)
{
	struct termios t;

	ioctl(slave, TCGETS, &t);
	R(ioctl(slave, TCSETS, &t));
	signal(SIGTTOU, SIG_IGN);
	R(ioctl(slave, TCSETS, &t));
	R(ioctl(slave, TCFLSH, TCIFLUSH));
	R(write(slave, "x", 1));
	t.c_lflag |= TOSTOP;
	R(ioctl(slave, TCSETS, &t));
	R(write(slave, "x", 1));
	signal(SIGTTOU, SIG_DFL);
	R(write(slave, "x", 1));
}

static void change_leader(void)
{
	pid_t pid = in_background(background_change);

	show_wait(pid, WUNTRACED);
	kill(pid, SIGCONT);
	show_wait(pid, WUNTRACED);
	kill(pid, SIGKILL);
	show_wait(pid, 0);
}

ABI_TEST(jobctl, change_in_background)
{
	in_session(change_leader);
}

static void orphan(void)
{
	char c;
	struct termios t = {0};

	usleep(50000); // our parent is gone
	R(read(slave, &c, 1));
	R(ioctl(slave, TCSETS, &t));
	R(ioctl(slave, TCFLSH, 0));
	int group = getpgrp();
	R(ioctl(slave, TIOCSPGRP, &group));
}

static void middle(void)
{
	if (fork() == 0) {
		orphan();
		_exit(0);
	}
}

static void orphan_leader(void)
{
	pid_t pid = in_background(middle);

	show_wait(pid, 0);
	usleep(200000);
}

ABI_TEST(jobctl, orphaned)
{
	in_session(orphan_leader);
}

// --- Keys ---

static void keys_leader(void)
{
	struct winsize size = {10, 20, 0, 0};
	char text[64];

	for (int i = 0; i < 3; i++) {
		write(master, "ab\003\032\034" + 2 * (i == 0) + (i == 1 ? 3 : i == 2 ? 4 : 0), 1);
		usleep(30000);
	}
	write(master, "left\003line\n", 10);
	usleep(30000);
	ssize_t n = read(slave, text, sizeof(text));
	printf("read %zd %.*s", n, (int)n, text);
	R(ioctl(master, TIOCSWINSZ, &size));
	R(ioctl(master, TIOCSWINSZ, &size));
	R(ioctl(master, TIOCSIG, SIGINT));
	R(ioctl(master, TIOCSIG, SIGKILL));
	R(ioctl(slave, TIOCSIG, SIGINT));
	int group = -1;
	R(ioctl(master, TIOCGPGRP, &group));
	printf("mine %d\n", group == getpgrp());
}

ABI_TEST(jobctl, keys)
{
	in_session(keys_leader);
}

// --- The end ---

static void wait_for_signals(void)
{
	note_all();
	usleep(150000);
	char c;
	R(read(slave, &c, 1));
	R(write(slave, &c, 1));
	show_poll("poll", slave);
	R(ioctl(slave, TCGETS, BAD));
	int id;
	R(ioctl(slave, TIOCSPGRP, &id));
	R(open("/dev/tty", O_RDWR));
	R(open(slave_name, O_RDWR));
}

ABI_TEST(jobctl, master_closes)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	open_master();
	pid_t pid = fork();
	if (pid == 0) {
		close(master);
		note_all();
		setsid();
		slave = open(slave_name, O_RDWR);
		wait_for_signals();
		_exit(0);
	}
	usleep(50000);
	close(master);
	show_wait(pid, 0);
}

static void exits_leader(void)
{
	if (fork() == 0) {
		close(master);
		usleep(50000);
		char c;
		R(read(slave, &c, 1));
		R(write(slave, "x", 1));
		R(open("/dev/tty", O_RDWR));
		_exit(0);
	}
	usleep(20000);
}

ABI_TEST(jobctl, leader_exits)
{
	in_session(exits_leader);
	usleep(200000);
}

static void vhangup_leader(void)
{
	char c;

	R(syscall(SYS_vhangup));
	R(read(slave, &c, 1));
	R(write(slave, &c, 1));
	R(open("/dev/tty", O_RDWR));
	R(open(slave_name, O_RDWR) >= 0);
	R(open("/dev/tty", O_RDWR) >= 0);
	if (fork() == 0) {
		setuid(1000);
		R(syscall(SYS_vhangup));
		_exit(0);
	}
	wait(NULL);
}

ABI_TEST(jobctl, hung_up)
{
	in_session(vhangup_leader);
}

// --- Pairs ---

ABI_TEST(pty, ends)
{
	char text[64];
	int off = 0, on = 1, number = -1;

	open_master();
	show_poll("master alone", master);
	R(write(master, "x", 1));
	R(ioctl(master, TIOCSPTLCK, &on));
	R(open(slave_name, O_RDWR | O_NOCTTY));
	R(ioctl(master, TIOCGPTLCK, &number));
	printf("%d\n", number);
	R(ioctl(master, TIOCSPTLCK, &off));
	slave = open(slave_name, O_RDWR | O_NOCTTY);
	show_poll("both", master);
	show_poll("both", slave);
	R(write(slave, "out", 3));
	show_poll("output", master);
	close(slave);
	show_poll("slave closed", master);
	R(read(master, text, sizeof(text)));
	R(read(master, text, sizeof(text)));
	R(write(master, "x", 1));
	slave = open(slave_name, O_RDWR | O_NOCTTY);
	show_poll("again", master);
	R(ioctl(slave, TIOCGPTN, &number));
	R(ioctl(slave, TIOCPKT, &on));
	R(ioctl(slave, TIOCSPTLCK, &on));
	close(master);
	show_poll("master closed", slave);
	R(read(slave, text, sizeof(text)));
	R(write(slave, "x", 1));
	R(open(slave_name, O_RDWR));
	R(access(slave_name, F_OK));
}

ABI_TEST(pty, peer)
{
	char link[64] = "", path[64];
	struct stat st;

	open_master();
	int peer = R(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
	R(fcntl(peer, F_GETFD));
	R(write(peer, "x", 1));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", peer);
	readlink(path, link, sizeof(link) - 1);
	printf("%d\n", strcmp(link, slave_name));
	R(fstat(peer, &st));
	printf("%o %d %d %lx\n", st.st_mode, st.st_uid, st.st_gid, st.st_rdev & ~0xffl);
	R(fstat(master, &st));
	printf("%o %lx\n", st.st_mode, (long)st.st_rdev);
}

ABI_TEST(pty, packet)
{
	char text[64];
	int on = 1, got = 0;
	struct termios t;

	open_master();
	slave = open(slave_name, O_RDWR | O_NOCTTY);
	R(ioctl(master, TIOCPKT, &on));
	R(ioctl(master, TIOCGPKT, &got));
	printf("%d\n", got);
	R(write(slave, "data", 4));
	ssize_t n = R(read(master, text, sizeof(text)));
	printf("%d %.*s\n", text[0], (int)n - 1, text + 1);
	R(ioctl(slave, TCXONC, TCOOFF));
	show_poll("stopped", master);
	R(read(master, text, sizeof(text)));
	printf("%x\n", text[0]);
	R(ioctl(slave, TCXONC, TCOON));
	R(read(master, text, sizeof(text)));
	printf("%x\n", text[0]);
	R(ioctl(slave, TCFLSH, TCIOFLUSH));
	R(read(master, text, sizeof(text)));
	printf("%x\n", text[0]);
	ioctl(slave, TCGETS, &t);
	t.c_iflag &= ~IXON;
	R(ioctl(slave, TCSETS, &t));
	R(read(master, text, sizeof(text)));
	printf("%x\n", text[0]);
	t.c_iflag |= IXON;
	t.c_lflag |= EXTPROC;
	R(ioctl(slave, TCSETS, &t));
	R(read(master, text, sizeof(text)));
	printf("%x\n", text[0]);
	show_poll("quiet", master);
}

ABI_TEST(pty, devpts)
{
	struct statfs fs;
	struct stat st;

	R(mkdir("a", 0755));
	R(mkdir("b", 0755));
	R(mount("devpts", "a", "devpts", 0, "newinstance,mode=620,gid=5,ptmxmode=600,max=2"));
	R(mount("devpts", "b", "devpts", 0, NULL));
	R(mount("devpts", "b", "devpts", 0, "mode=zzz"));
	R(mount("devpts", "b", "devpts", 0, "unknown=1"));
	R(statfs("a", &fs));
	printf("%lx %ld\n", (long)fs.f_type, (long)fs.f_namelen);
	R(stat("a/ptmx", &st));
	printf("%o %lx %ld\n", st.st_mode, (long)st.st_rdev, (long)st.st_ino);
	int one = R(open("a/ptmx", O_RDWR) >= 0);
	int second = open("a/ptmx", O_RDWR);
	R(open("a/ptmx", O_RDWR));
	R(stat("a/0", &st));
	printf("%o %d %d %lx %ld %ld\n", st.st_mode, st.st_uid, st.st_gid, (long)st.st_rdev,
	       (long)st.st_ino, (long)st.st_nlink);
	R(access("b/0", F_OK));
	R(unlink("a/1"));
	R(mkdir("a/x", 0755));
	R(open("a/x", O_CREAT | O_RDWR, 0644));
	R(rename("a/0", "a/7"));
	R(chmod("a/0", 0666));
	R(chown("a/0", 1, 2));
	R(stat("a/0", &st));
	printf("%o %d %d\n", st.st_mode, st.st_uid, st.st_gid);
	R(close(second));
	R(access("a/1", F_OK));
	R(mknod("pts", S_IFCHR | 0666, 136 << 8));
	R(open("pts", O_RDWR));
	R(mknod("ptmx", S_IFCHR | 0666, 5 << 8 | 2));
	R(open("ptmx", O_RDWR));
	R(umount2("a", MNT_DETACH));
	R(umount("b"));
	(void)one;
}
