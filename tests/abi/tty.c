// The line discipline and the settings of terminals, seen through a pseudo-terminal: what is typed
// at the master, what the slave reads, and what is echoed.

#include "abi.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <asm/termbits.h>

static int master, slave;

static void show(const char *what, const char *text, ssize_t n)
{
	printf("%s", what);
	if (n < 0) {
		printf(": %s\n", strerrorname_np(errno));
		return;
	}
	printf(" %zd: ", n);
	for (ssize_t i = 0; i < n; i++) {
		unsigned char c = text[i];

		if (c == '\\' || c < 32 || c > 126)
			printf("\\%03o", c);
		else
			putchar(c);
	}
	printf("\n");
}

// A master and its slave, with no controlling terminal about.
static void open_pair(void)
{
	char name[32];
	int number, off = 0;

	mkdir("/dev/pts", 0755);
	if (access("/dev/pts/ptmx", F_OK)) // the first test mounts it for all
		mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=666");
	master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY);
	ioctl(master, TIOCSPTLCK, &off);
	ioctl(master, TIOCGPTN, &number);
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	slave = open(name, O_RDWR | O_NOCTTY);
	printf("pair %s\n", master >= 0 && slave >= 0 ? "ok" : strerrorname_np(errno));
}

static int readable(int fd, int ms)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};

	return poll(&one, 1, ms) > 0 && (one.revents & POLLIN);
}

static void type(const char *text, size_t n)
{
	if (write(master, text, n) != (ssize_t)n)
		printf("typed less: %s\n", strerrorname_np(errno));
	usleep(20000);
}
#define TYPE(text) type(text, sizeof(text) - 1)

// All that has been echoed.
static void echoed(void)
{
	char text[8192];
	size_t n = 0;

	while (n < sizeof(text) && readable(master, n ? 30 : 100)) {
		ssize_t got = read(master, text + n, sizeof(text) - n);

		if (got <= 0)
			break;
		n += got;
	}
	show("  echo", text, n);
}

// One read of the slave, if it would not wait.
static void reads(void)
{
	char text[8192];

	if (!readable(slave, 100)) {
		printf("  nothing to read\n");
		return;
	}
	show("  read", text, read(slave, text, sizeof(text)));
}

static void set_modes(unsigned in_off, unsigned in_on, unsigned out_off, unsigned out_on,
		      unsigned l_off, unsigned l_on)
{
	struct termios t;

	ioctl(slave, TCGETS, &t);
	t.c_iflag = (t.c_iflag & ~in_off) | in_on;
	t.c_oflag = (t.c_oflag & ~out_off) | out_on;
	t.c_lflag = (t.c_lflag & ~l_off) | l_on;
	R(ioctl(slave, TCSETS, &t));
}

static void set_key(int which, int c)
{
	struct termios t;

	ioctl(slave, TCGETS, &t);
	t.c_cc[which] = c;
	R(ioctl(slave, TCSETS, &t));
}

ABI_TEST(tty, defaults)
{
	struct termios2 t;
	struct termios old;

	open_pair();
	R(ioctl(slave, TCGETS2, &t));
	printf("%o %o %o %o line %d speeds %u %u\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag,
	       t.c_line, t.c_ispeed, t.c_ospeed);
	for (int i = 0; i < 19; i++)
		printf("%d ", t.c_cc[i]);
	printf("\n");
	t.c_cflag = (t.c_cflag & ~CBAUD) | BOTHER;
	t.c_ispeed = t.c_ospeed = 12345;
	R(ioctl(slave, TCSETS2, &t));
	R(ioctl(slave, TCGETS2, &t));
	printf("%o speeds %u %u\n", t.c_cflag, t.c_ispeed, t.c_ospeed);
	R(ioctl(slave, TCGETS, &old));
	old.c_cflag = (old.c_cflag & ~(CBAUD | CSIZE)) | B9600 | CS7 | PARENB;
	R(ioctl(slave, TCSETSW, &old));
	R(ioctl(slave, TCGETS2, &t));
	printf("%o speeds %u %u\n", t.c_cflag, t.c_ispeed, t.c_ospeed);
	R(ioctl(slave, TCGETS, BAD));
	R(ioctl(slave, TCSETS, BAD));
	R(ioctl(master, TCGETS, &old));
	printf("%o\n", old.c_lflag);
}

ABI_TEST(tty, lines)
{
	open_pair();
	TYPE("one\ntwo\rthr");
	echoed();
	reads();
	reads();
	reads();
	TYPE("ee\n");
	reads();
	TYPE("abc\004def\n");
	reads();
	reads();
	TYPE("\004");
	reads();
	char few[3];
	TYPE("abc\004next\n");
	R(read(slave, few, 3));
	reads();
	TYPE("abcdef\n");
	R(read(slave, few, 3));
	reads();
	echoed();
}

ABI_TEST(tty, editing)
{
	open_pair();
	TYPE("abx\177c\n");
	echoed();
	reads();
	TYPE("\177\177ab\001\177\177z\n");
	echoed();
	reads();
	TYPE("one two  three\027\027X\n");
	echoed();
	reads();
	TYPE("whole line\025new\n");
	echoed();
	reads();
	TYPE("a\tb\tc\177\177\177\177d\n");
	echoed();
	reads();
	TYPE("a\026\003\026\177b\n");
	echoed();
	reads();
	TYPE("again\022\n");
	echoed();
	reads();
	set_modes(0, IUTF8, 0, 0, 0, 0);
	TYPE("a\303\251\342\202\254\177\177b\n");
	echoed();
	reads();
}

ABI_TEST(tty, editing_modes)
{
	open_pair();
	set_modes(0, 0, 0, 0, ECHOE, 0);
	TYPE("ab\177c\n");
	echoed();
	set_modes(0, 0, 0, 0, ECHOKE, ECHOE);
	TYPE("ab\025c\n");
	echoed();
	set_modes(0, 0, 0, 0, ECHOK, 0);
	TYPE("ab\025c\n");
	echoed();
	set_modes(0, 0, 0, 0, 0, ECHOPRT);
	TYPE("abcd\177\177e\177\177\177\177f\n");
	echoed();
	set_modes(0, 0, 0, 0, ECHOCTL | ECHOPRT, ECHOK | ECHOKE);
	TYPE("a\001b\177\177\177c\n");
	echoed();
	set_modes(0, 0, 0, 0, ECHO, ECHONL);
	TYPE("secret\177\n");
	echoed();
	set_modes(0, 0, 0, 0, ECHONL | IEXTEN, ECHO);
	TYPE("a b\027\026\n");
	echoed();
	for (int i = 0; i < 8; i++)
		reads();
	set_key(VEOL, 'x');
	set_key(VEOL2, 'y');
	set_modes(0, 0, 0, 0, 0, IEXTEN);
	TYPE("abxcdyef\n");
	echoed();
	reads();
	reads();
	reads();
	set_key(VERASE, 0);
	TYPE("a\177\000b\n");
	echoed();
	reads();
}

ABI_TEST(tty, input_flags)
{
	open_pair();
	set_modes(ICRNL, INLCR, 0, 0, ICANON, 0);
	TYPE("a\rb\nc");
	reads();
	echoed();
	set_modes(INLCR, IGNCR, 0, 0, 0, 0);
	TYPE("a\rb\nc");
	reads();
	set_modes(IGNCR, ISTRIP, 0, 0, 0, 0);
	TYPE("\301\342");
	reads();
	set_modes(ISTRIP, PARMRK, 0, 0, 0, 0);
	TYPE("a\377b");
	reads();
	set_modes(PARMRK, IUCLC, 0, 0, 0, 0);
	TYPE("ABcd");
	reads();
	set_modes(IUCLC, 0, 0, 0, ISIG | ECHO, 0);
	TYPE("\003\032\034");
	reads();
	echoed();
}

ABI_TEST(tty, output_flags)
{
	open_pair();
	R(write(slave, "a\nb\r\tc\n", 7));
	echoed();
	set_modes(0, 0, ONLCR, OCRNL, 0, 0);
	R(write(slave, "a\nb\rc", 5));
	echoed();
	set_modes(0, 0, OCRNL, ONOCR, 0, 0);
	R(write(slave, "\r\nx\r\ry\r", 7));
	echoed();
	set_modes(0, 0, ONOCR, ONLRET | OLCUC, 0, 0);
	R(write(slave, "ab\ncd\r", 6));
	echoed();
	set_modes(0, 0, ONLRET | OLCUC, XTABS | ONLCR, 0, 0);
	R(write(slave, "\ta\tbcdefghi\tj\b\b\tk\n\t", 20));
	echoed();
	set_modes(0, 0, OPOST, 0, 0, 0);
	R(write(slave, "a\n\t", 3));
	echoed();
}

ABI_TEST(tty, flow)
{
	open_pair();
	R(fcntl(slave, F_SETFL, O_NONBLOCK));
	TYPE("\023");
	R(write(slave, "held", 4));
	TYPE("x");
	echoed();
	TYPE("\021");
	echoed();
	R(write(slave, "free", 4));
	echoed();
	set_modes(0, IXANY, 0, 0, 0, 0);
	TYPE("\023");
	R(write(slave, "held", 4));
	TYPE("y");
	R(write(slave, "free", 4));
	echoed();
	R(ioctl(slave, TCXONC, TCOOFF));
	R(write(slave, "held", 4));
	TYPE("\021z");
	R(write(slave, "held", 4));
	R(ioctl(slave, TCXONC, TCOON));
	R(write(slave, "free", 4));
	echoed();
	R(ioctl(slave, TCXONC, TCIOFF));
	echoed();
	R(ioctl(slave, TCXONC, TCION));
	echoed();
	R(ioctl(slave, TCXONC, 9));
	set_modes(IXON, 0, 0, 0, 0, 0);
	TYPE("\n\023\021\n");
	reads();
	reads();
}

ABI_TEST(tty, raw_min_time)
{
	char text[64];

	open_pair();
	set_modes(0, 0, 0, 0, ICANON | ECHO, 0);
	set_key(VMIN, 3);
	TYPE("ab");
	printf("readable %d\n", readable(slave, 50));
	TYPE("cd");
	printf("readable %d\n", readable(slave, 50));
	show("min 3", text, read(slave, text, sizeof(text)));
	set_key(VMIN, 5);
	set_key(VTIME, 1);
	TYPE("ab");
	show("min 5 time 1", text, read(slave, text, sizeof(text)));
	set_key(VMIN, 0);
	show("min 0 time 1, nothing", text, read(slave, text, sizeof(text)));
	TYPE("x");
	show("min 0 time 1", text, read(slave, text, sizeof(text)));
	set_key(VTIME, 0);
	show("min 0 time 0, nothing", text, read(slave, text, sizeof(text)));
	TYPE("yz");
	show("min 0 time 0", text, read(slave, text, 1));
	show("min 0 time 0", text, read(slave, text, sizeof(text)));
	R(fcntl(slave, F_SETFL, O_NONBLOCK));
	show("nonblocking, min 0", text, read(slave, text, sizeof(text)));
	set_key(VMIN, 4);
	show("nonblocking, min 4", text, read(slave, text, sizeof(text)));
	TYPE("p");
	show("nonblocking, min 4", text, read(slave, text, sizeof(text)));
	set_modes(0, 0, 0, 0, 0, ICANON);
	show("nonblocking, line", text, read(slave, text, sizeof(text)));
}

ABI_TEST(tty, type_ahead)
{
	open_pair();
	TYPE("one\ntw");
	set_modes(0, 0, 0, 0, ICANON, 0);
	reads();
	TYPE("abc");
	set_modes(0, 0, 0, 0, 0, ICANON);
	reads();
	TYPE("a\nb\nc");
	set_modes(0, 0, 0, 0, ICANON, 0);
	set_modes(0, 0, 0, 0, 0, ICANON);
	reads();
	reads();
	TYPE("x\004\004y");
	set_modes(0, 0, 0, 0, ICANON, 0);
	reads();
	TYPE("lost");
	struct termios t;
	ioctl(slave, TCGETS, &t);
	R(ioctl(slave, TCSETSF, &t));
	reads();
}

ABI_TEST(tty, long_line)
{
	static char text[6000];
	int count;

	open_pair();
	set_modes(0, 0, 0, 0, ECHO, 0);
	memset(text, 'a', sizeof(text));
	text[4094] = 'b';
	text[5999] = 'c';
	for (int i = 0; i < 6000; i += 1000)
		type(text + i, 1000);
	R(ioctl(slave, FIONREAD, &count));
	printf("count %d\n", count);
	TYPE("\n");
	R(ioctl(slave, FIONREAD, &count));
	printf("count %d\n", count);
	ssize_t n = read(slave, text, sizeof(text));
	printf("%zd, ends %03o %03o %03o\n", n, text[n - 3], text[n - 2], text[n - 1]);
	TYPE("next\n");
	reads();
}

ABI_TEST(tty, queues)
{
	struct winsize size = {24, 80, 1, 2};
	int count = -1;

	open_pair();
	TYPE("ab\ncd\004ef");
	R(ioctl(slave, FIONREAD, &count));
	printf("%d\n", count);
	R(ioctl(master, FIONREAD, &count) >= 0 && count > 0);
	R(ioctl(slave, TIOCOUTQ, &count));
	R(ioctl(slave, TCFLSH, TCIFLUSH));
	R(ioctl(slave, FIONREAD, &count));
	printf("%d\n", count);
	R(ioctl(slave, TCFLSH, 7));
	R(write(slave, "gone", 4));
	R(ioctl(master, TCFLSH, TCIFLUSH));
	echoed();
	R(ioctl(slave, TCSBRK, 1));
	R(ioctl(slave, TCSBRK, 0));
	R(ioctl(slave, TCSBRKP, 0));
	R(ioctl(slave, TIOCGWINSZ, &size));
	printf("%d %d %d %d\n", size.ws_row, size.ws_col, size.ws_xpixel, size.ws_ypixel);
	size.ws_row = 50;
	R(ioctl(slave, TIOCSWINSZ, &size));
	R(ioctl(master, TIOCGWINSZ, &size));
	printf("%d %d\n", size.ws_row, size.ws_col);
	size.ws_col = 132;
	R(ioctl(master, TIOCSWINSZ, &size));
	R(ioctl(slave, TIOCGWINSZ, &size));
	printf("%d %d\n", size.ws_row, size.ws_col);
	R(ioctl(slave, TIOCSWINSZ, BAD));
	R(ioctl(slave, TIOCGETD, &count));
	printf("%d\n", count);
	R(ioctl(slave, TIOCSTI, "q"));
	R(ioctl(slave, TIOCSTI, "\n"));
	reads();
	R(ioctl(slave, TIOCMGET, &count));
	R(ioctl(slave, 0x5499, &count));
	R(ioctl(slave, TIOCEXCL, 0));
	R(ioctl(slave, TIOCGEXCL, &count));
	printf("%d\n", count);
	R(lseek(slave, 0, SEEK_CUR));
	R(pread(slave, &count, 1, 0));
	R(ioctl(slave, TIOCGSID, &count));
	R(ioctl(slave, TIOCGPGRP, &count));
	R(ioctl(master, TIOCGPGRP, &count));
	R(ioctl(master, TIOCGSID, &count));
	R(ioctl(slave, TIOCSPGRP, &count));
	R(ioctl(slave, TIOCNOTTY, 0));
}

ABI_TEST(tty, locked_settings)
{
	struct termios t, lock = {0};

	open_pair();
	lock.c_lflag = ECHO;
	lock.c_cc[VINTR] = 1;
	R(ioctl(slave, TIOCSLCKTRMIOS, &lock));
	ioctl(slave, TCGETS, &t);
	t.c_lflag &= ~(ECHO | ICANON);
	t.c_cc[VINTR] = 'x';
	t.c_cc[VQUIT] = 'y';
	R(ioctl(slave, TCSETS, &t));
	ioctl(slave, TCGETS, &t);
	printf("%o %d %d\n", t.c_lflag, t.c_cc[VINTR], t.c_cc[VQUIT]);
	memset(&lock, 1, sizeof(lock));
	R(ioctl(slave, TIOCGLCKTRMIOS, &lock));
	printf("%o %d %d\n", lock.c_lflag, lock.c_cc[VINTR], lock.c_cc[VQUIT]);
	if (fork() == 0) {
		setuid(1000);
		R(ioctl(slave, TIOCSLCKTRMIOS, &lock));
		R(ioctl(slave, TIOCSTI, "q"));
		R(ioctl(slave, TIOCVHANGUP, 0));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}
