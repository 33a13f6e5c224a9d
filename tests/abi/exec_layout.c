// Where exec puts things, and what a program that gains privilege may not inherit for that: personality
// flags that make places known or pages executable, and a stack limit of more than 8 MiB.

#include "abi.h"
#include <linux/capability.h>
#include <grp.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/xattr.h>

#define DIR    "/tmp/layout"
#define COPY   DIR "/program"
#define SCRIPT DIR "/script"
#define MiB    (1ul << 20)

// Of the copy that was executed last, as it told.
struct told {
	unsigned long stack, heap, mapping, vdso, secure, persona, soft, hard, room;
	int euid, executable, randomized;
};

static unsigned long field(const char *path, int index)
{
	char text[1024] = {0}, *at = text;
	int fd = open(path, O_RDONLY);

	read(fd, text, sizeof(text) - 1);
	close(fd);
	at = strrchr(at, ')') ?: at;
	for (int i = 2; at && i < index; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoul(at, NULL, 10) : 0;
}

// Whether a page that is data of ours may be executed.
static int data_is_executable(unsigned long address)
{
	unsigned long start, end;
	char line[256], mode[8];
	int result = -1;
	FILE *maps = fopen("/proc/self/maps", "r");

	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s", &start, &end, mode) == 3 && start <= address &&
		    address < end)
			result = mode[2] == 'x';
	}
	return result;
}

// The copy's part: runs before main when its last argument says so.
__attribute__((constructor)) static void tell(int argc, char **argv)
{
	struct rlimit limit;
	struct told told = {0};

	if (argc < 2 || strcmp(argv[argc - 1], "tell"))
		return;
	getrlimit(RLIMIT_STACK, &limit);
	told.soft = limit.rlim_cur;
	told.hard = limit.rlim_max;
	told.stack = (unsigned long)getauxval(AT_EXECFN);
	told.vdso = getauxval(AT_SYSINFO_EHDR);
	told.secure = getauxval(AT_SECURE);
	told.heap = (unsigned long)sbrk(0);
	told.persona = personality(0xffffffff);
	told.euid = geteuid();
	told.executable = data_is_executable((unsigned long)environ & ~4095ul);
	told.executable |= data_is_executable((unsigned long)&abi_bad) << 1;
	told.randomized = !!(field("/proc/self/stat", 9) & 0x400000);
	told.room = (told.stack - told.vdso) / MiB;
	write(3, &told, sizeof(told));
	_exit(0);
}

static void fresh(void)
{
	static char buffer[65536];
	ssize_t n;

	mkdir("/proc", 0555);
	mount("proc", "/proc", "proc", 0, NULL);
	int from = open("/proc/self/exe", O_RDONLY);
	mkdir("/tmp", 0777);
	mkdir(DIR, 0777);
	mount("x", DIR, "tmpfs", 0, NULL);
	umask(0);
	int to = open(COPY, O_CREAT | O_WRONLY, 0755);
	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		write(to, buffer, n);
	close(from);
	close(to);
	to = open(SCRIPT, O_CREAT | O_WRONLY, 0755);
	write(to, "#!" COPY " word\n", sizeof("#!" COPY " word\n") - 1);
	close(to);
}

static void done(void)
{
	umount2(DIR, MNT_DETACH);
	umount2("/proc", MNT_DETACH);
}

// Executes a copy as an ordinary user with a personality and a stack limit.
static int ask(const char *path, unsigned long persona, unsigned long stack, struct told *told)
{
	int pipes[2], status;

	fflush(stdout);
	pipe(pipes);
	pid_t pid = fork();
	if (!pid) {
		char *argv[] = {"x", "tell", NULL};

		dup2(pipes[1], 3);
		setrlimit(RLIMIT_STACK, &(struct rlimit){stack, RLIM_INFINITY});
		setgroups(0, NULL);
		setresgid(1000, 1000, 1000);
		setresuid(1000, 1000, 1000);
		personality(persona);
		execv(path, argv);
		_exit(errno);
	}
	close(pipes[1]);
	long got = read(pipes[0], told, sizeof(*told));
	close(pipes[0]);
	waitpid(pid, &status, 0);
	if (got != sizeof(*told))
		printf("  status %x\n", status);
	return got == sizeof(*told);
}

static void show(const char *what, const char *path, unsigned long persona, unsigned long stack)
{
	struct told first, told;
	int stays = 1;

	// Few draws may be equal by chance, five are not.
	if (!ask(path, persona, stack, &first))
		return;
	struct {
		int stack, heap, vdso;
	} same = {1, 1, 1};
	for (int i = 0; i < 5 && stays; i++) {
		stays = ask(path, persona, stack, &told);
		same.stack &= told.stack == first.stack;
		same.heap &= told.heap == first.heap;
		same.vdso &= told.vdso == first.vdso;
	}
	printf("%-22s euid %d secure %lu persona %lx randomized %d executable %d\n", what,
	       told.euid, told.secure, told.persona, told.randomized, told.executable);
	printf("  the same: stack %d heap %d mappings %d; stack limit %ld %ld, room %s\n",
	       same.stack, same.heap, same.vdso, (long)told.soft, (long)told.hard,
	       told.randomized   ? "by chance"
	       : told.room < 127 ? "small"
	       : told.room < 400 ? "of 128 MiB"
				 : "large");
}

static void show_kinds(unsigned long persona, unsigned long stack)
{
	struct {
		unsigned magic, permitted, rest[4];
	} caps = {VFS_CAP_REVISION_2 | 1, 1 << CAP_NET_ADMIN, {0}};

	chown(COPY, 0, 0);
	chmod(COPY, 0755);
	show("plain", COPY, persona, stack);
	show("script", SCRIPT, persona, stack);
	chmod(COPY, 04755);
	show("set-user-ID", COPY, persona, stack);
	show("its script", SCRIPT, persona, stack);
	chown(COPY, 1000, 1000);
	chmod(COPY, 06755);
	show("set to the same", COPY, persona, stack);
	chown(COPY, 1000, 5);
	chmod(COPY, 02755);
	show("set-group-ID", COPY, persona, stack);
	chmod(COPY, 02745);
	show("no group execution", COPY, persona, stack);
	chmod(COPY, 0755);
	setxattr(COPY, "security.capability", &caps, 20, 0);
	show("capabilities", COPY, persona, stack);
	removexattr(COPY, "security.capability");
	chown(COPY, 0, 0);
}

ABI_TEST(exec_layout, at_random)
{
	fresh();
	show_kinds(0, 8 * MiB);
	done();
}

ABI_TEST(exec_layout, not_randomized)
{
	fresh();
	show_kinds(ADDR_NO_RANDOMIZE, 8 * MiB);
	done();
}

ABI_TEST(exec_layout, read_implies_exec)
{
	fresh();
	show_kinds(READ_IMPLIES_EXEC, 8 * MiB);
	done();
}

ABI_TEST(exec_layout, other_bits)
{
	fresh();
	show_kinds(ADDR_NO_RANDOMIZE | STICKY_TIMEOUTS | SHORT_INODE | WHOLE_SECONDS | 3, 8 * MiB);
	done();
}

ABI_TEST(exec_layout, large_stack)
{
	fresh();
	show_kinds(ADDR_NO_RANDOMIZE, 1024 * MiB);
	show_kinds(0, RLIM_INFINITY);
	show_kinds(ADDR_NO_RANDOMIZE, 4 * MiB);
	done();
}
