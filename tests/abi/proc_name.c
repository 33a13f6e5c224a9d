// What a process is called: comm after exec of a script, of a descriptor; its command line as it is
// and as the program makes it; who may write comm.

#include "abi.h"
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>

static char text[1 << 16];

static ssize_t slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	size_t length = 0;
	ssize_t n = fd < 0 ? -1 : 0;

	while (fd >= 0 && (n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += n;
	if (n < 0)
		printf("%s: %s\n", path, strerrorname_np(errno));
	close(fd);
	text[length] = '\0';
	return n < 0 ? n : (ssize_t)length;
}

// A file's bytes; NUL as a dot.
static void show(const char *path)
{
	ssize_t n = slurp(path);

	for (ssize_t i = 0; i < n; i++) {
		if (text[i] == '\0')
			text[i] = '.';
	}
	printf("%s:%zd: %s%s", path, n, text, n > 0 && text[n - 1] == '\n' ? "" : "\n");
}

// What a program that was started finds; as /init gets this name from the scripts below.
ABI_TEST(proc_name, whoami)
{
	show("/proc/self/comm");
	show("/proc/self/cmdline");
	printf("execfn %s\n", (char *)getauxval(AT_EXECFN));
	R(readlink("/proc/self/exe", text, sizeof(text)));
	printf("%.5s\n", text);
}

static void make_script(const char *name, const char *content)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0755);

	write(fd, content, strlen(content));
	close(fd);
}

static void start(int dirfd, const char *path, int flags, char *const argv[])
{
	fflush(stdout);
	pid_t pid = fork();

	if (!pid) {
		execveat(dirfd, path, argv, environ, flags);
		printf("%s\n", strerrorname_np(errno));
		exit(1);
	}
	abi_reap(pid);
}

// The interpreter is the runner, which takes one argument: the script's name comes behind it, so
// that the runner looks for tests of both names. It is given by a link that hides the second.
ABI_TEST(proc_name, scripts)
{
	char *argv[] = {"zero", NULL};
	char cwd[256], line[512];

	// The one argument that the runner takes is the path of the script: it is the name of a test.
	mkdir("proc_name", 0755);
	make_script("proc_name/whoami", "#!/init\n");
	start(AT_FDCWD, "proc_name/whoami", 0, argv);
	// A script of a script. The path that is handed on is the first interpreter's.
	getcwd(cwd, sizeof(cwd));
	mkdir("deep", 0755);
	make_script("deep/a script of long name", "#!proc_name/whoami\n");
	start(AT_FDCWD, "deep/a script of long name", 0, argv);
	symlink("proc_name/whoami", "link");
	snprintf(line, sizeof(line), "#!%s/link\n", cwd);
	make_script("by-link", line);
	start(AT_FDCWD, "by-link", 0, argv);
}

ABI_TEST(proc_name, descriptors)
{
	char *argv[] = {"zero", "proc_name/whoami", NULL};
	int program = open("/init", O_RDONLY), root = open("/", O_RDONLY | O_DIRECTORY);

	start(program, "", AT_EMPTY_PATH, argv);
	start(root, "init", 0, argv);
	symlink("/init", "another-name-for-it");
	start(AT_FDCWD, "another-name-for-it", 0, argv);
	start(AT_FDCWD, "./another-name-for-it", 0, argv);
	int link = open("another-name-for-it", O_PATH);

	start(link, "", AT_EMPTY_PATH, argv);
}

static pthread_barrier_t barrier;
static pid_t tid;

static void *waits(void *unused)
{
	tid = gettid();
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static long put(const char *path, const char *data, size_t n)
{
	int fd = open(path, O_WRONLY);
	ssize_t done = fd < 0 ? -1 : write(fd, data, n);
	int error = errno;

	close(fd);
	errno = error;
	return done;
}

ABI_TEST(proc_name, comm)
{
	static char much[8192] = "12345678901234567890";
	pthread_t thread;
	char path[64];

	memset(much + 20, 'x', sizeof(much) - 20);
	R(put("/proc/self/comm", "new\n", 4));
	show("/proc/self/comm");
	R(put("/proc/self/comm", much, 16));
	show("/proc/self/comm");
	R(put("/proc/self/comm", much, 4095));
	R(put("/proc/self/comm", much, 4096));
	R(put("/proc/self/comm", much, 8192));
	show("/proc/self/comm");
	R(put("/proc/self/comm", "", 0));
	show("/proc/self/comm");
	R(put("/proc/self/comm", "a\0b", 3));
	show("/proc/self/comm");
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, waits, NULL);
	pthread_barrier_wait(&barrier);
	sprintf(path, "/proc/self/task/%d/comm", tid);
	R(put(path, "thread", 6));
	R(slurp(path));
	printf("%s", text);
	show("/proc/self/comm");
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		sprintf(path, "/proc/%d/comm", getppid());
		R(put(path, "other", 5) < 0 ? -errno : 0);
		setresuid(1000, 1000, 1000);
		R(put(path, "other", 5) < 0 ? -errno : 0);
		exit(0);
	}
	abi_reap(pid);
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
}

static unsigned long place(int field)
{
	slurp("/proc/self/stat");
	char *at = strrchr(text, ')') + 1;

	for (int i = 3; i < field; i++)
		at = strchr(at + 1, ' ');
	return strtoul(at, NULL, 10);
}

static void show_part(const char *path)
{
	ssize_t n = slurp(path);

	for (ssize_t i = 0; i < n && i < 80; i++)
		putchar(text[i] ? text[i] : '.');
	printf(" (%zd)\n", n);
}

ABI_TEST(proc_name, cmdline)
{
	char *start = (char *)place(48), *arg_end = (char *)place(49), *env_end = (char *)place(51);
	char saved[4096];
	size_t whole = env_end - start;

	if (whole > sizeof(saved))
		whole = sizeof(saved);
	memcpy(saved, start, whole);
	show_part("/proc/self/cmdline");
	memcpy(start, "title", 6);
	show_part("/proc/self/cmdline");
	memset(start, 't', arg_end - start);
	R(slurp("/proc/self/cmdline") > arg_end - start); // the title goes on into the environment
	memset(start, 't', arg_end - start + 3);
	arg_end[3] = '\0';
	show_part("/proc/self/cmdline");
	arg_end[-1] = '\0';
	show_part("/proc/self/cmdline");
	memcpy(start, saved, whole);
	// Only a part of it, from a position.
	int fd = open("/proc/self/cmdline", O_RDONLY);

	R(pread(fd, text, 3, 2));
	R(!memcmp(text, start + 2, 3));
	R(pread(fd, text, 100, 20) == arg_end - start - 20);
	R(pread(fd, text, 100, 200));
	R(lseek(fd, 0, SEEK_END));
	R(lseek(fd, 5, SEEK_SET));
	R(read(fd, text, 2));
	// Seen at each read anew.
	start[0] = 'X';
	R(pread(fd, text, 1, 0));
	R(text[0]);
	start[7] = 'Y';
	R(read(fd, text, 1));
	R(text[0]);
	close(fd);
}

ABI_TEST(proc_name, set_mm)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	strcpy(page, "one");
	strcpy(page + 4, "two");
	strcpy(page + 8, "A=b");
	R(prctl(PR_SET_MM, PR_SET_MM_ARG_START, page, 0, 0));
	unsigned long env_end = place(51);

	R(env_end > 0);
	// Both ends move so that the start stays before the end.
	prctl(PR_SET_MM, PR_SET_MM_ARG_START, page, 0, 0);
	prctl(PR_SET_MM, PR_SET_MM_ARG_END, page + 8, 0, 0);
	prctl(PR_SET_MM, PR_SET_MM_ENV_START, page + 8, 0, 0);
	prctl(PR_SET_MM, PR_SET_MM_ENV_END, page + 12, 0, 0);
	prctl(PR_SET_MM, PR_SET_MM_ARG_START, page, 0, 0);
	R(place(48) == (unsigned long)page);
	R(place(49) == (unsigned long)page + 8);
	R(place(50) == (unsigned long)page + 8);
	R(place(51) == (unsigned long)page + 12);
	show_part("/proc/self/cmdline");
	show_part("/proc/self/environ");
	munmap(page, 8192);
	show_part("/proc/self/cmdline");
	show_part("/proc/self/environ");
}

ABI_TEST(proc_name, old_environ)
{
	char *env[] = {"A=1", "B=two", NULL}, *argv[] = {"/init", "proc_name/environ_after", NULL};

	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		int fd = open("/proc/self/environ", O_RDONLY);

		dup2(fd, 77);
		execve("/init", argv, env);
	}
	abi_reap(pid);
}

ABI_TEST(proc_name, environ_after)
{
	show("/proc/self/environ");
	R(read(77, text, sizeof(text))); // of the memory that was
}

static pid_t child_with_ids(int id)
{
	int fds[2];
	char byte;

	pipe(fds);
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		close(fds[0]);
		setresgid(id, id, id);
		setresuid(id, id, id);
		prctl(PR_SET_DUMPABLE, 1);
		write(fds[1], "x", 1);
		for (;;)
			pause();
	}
	close(fds[1]);
	read(fds[0], &byte, 1);
	close(fds[0]);
	return pid;
}

static void try_links(const char *who, pid_t pid)
{
	static const char *const names[] = {"exe",  "cwd",    "root",     "fd",
					    "fd/1", "fdinfo", "fdinfo/1", "ns/uts",
					    "task", "limits", "timers"};
	char path[128], target[256];
	struct stat st;

	printf("%s\n", who);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, names[i]);
		ssize_t n = readlink(path, target, sizeof(target));
		int link_error = n < 0 ? errno : 0;
		int stat_error = stat(path, &st) < 0 ? errno : 0;
		int lstat_error = lstat(path, &st) < 0 ? errno : 0;
		int fd = open(path, O_RDONLY | O_NONBLOCK), open_error = fd < 0 ? errno : 0;

		printf("%s: readlink %s, stat %s, lstat %s, open %s\n", names[i],
		       strerrorname_np(link_error), strerrorname_np(stat_error),
		       strerrorname_np(lstat_error), strerrorname_np(open_error));
		close(fd);
	}
}

ABI_TEST(proc_name, links)
{
	pid_t root = child_with_ids(0), same = child_with_ids(1000), other = child_with_ids(1001);
	siginfo_t info;

	pid_t dead = fork();
	if (!dead)
		_exit(0);
	waitid(P_PID, dead, &info, WEXITED | WNOWAIT);
	try_links("root to a zombie", dead);
	try_links("root to somebody", same);
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		setresgid(1000, 1000, 1000);
		setresuid(1000, 1000, 1000);
		prctl(PR_SET_DUMPABLE, 1);
		try_links("somebody to root", root);
		try_links("somebody to the same", same);
		try_links("somebody to another", other);
		exit(0);
	}
	abi_reap(pid);
	pid_t all[] = {root, same, other};

	for (int i = 0; i < 3; i++)
		kill(all[i], SIGKILL), waitpid(all[i], NULL, 0);
	waitpid(dead, NULL, 0);
}
