// execve(2) and execveat(2): what may be run, by which name, and what a program keeps.

#include "abi.h"
#include <elf.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>

#define CHECK_ONLY 0x10000 // AT_EXECVE_CHECK

static char *const no_words[] = {NULL};

static long exec_at(int dir, const char *path, int flags)
{
	char *argv[] = {"x", NULL};

	return syscall(SYS_execveat, dir, path, argv, no_words, flags);
}

// --- Small programs ---

struct tiny {
	Elf64_Ehdr head;
	Elf64_Phdr segment[2];
	char interpreter[16];
	unsigned code[3];
};

static const unsigned end_code[] = {0x00000513, 0x05e00893, 0x00000073}; // exit_group(0)

static void tiny_init(struct tiny *file, const char *interpreter)
{
	*file = (struct tiny){
		.head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			 .e_type = ET_DYN,
			 .e_machine = EM_RISCV,
			 .e_version = EV_CURRENT,
			 .e_entry = offsetof(struct tiny, code),
			 .e_phoff = offsetof(struct tiny, segment),
			 .e_ehsize = sizeof(Elf64_Ehdr),
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = interpreter ? 2 : 1},
		.segment = {{.p_type = PT_LOAD,
			     .p_flags = PF_R | PF_X,
			     .p_filesz = sizeof(*file),
			     .p_memsz = sizeof(*file),
			     .p_align = 4096},
			    {.p_type = PT_INTERP,
			     .p_flags = PF_R,
			     .p_offset = offsetof(struct tiny, interpreter),
			     .p_vaddr = offsetof(struct tiny, interpreter),
			     .p_filesz = sizeof(file->interpreter),
			     .p_memsz = sizeof(file->interpreter),
			     .p_align = 1}},
	};
	if (interpreter)
		memcpy(file->interpreter, interpreter,
		       strnlen(interpreter, 16)); // perhaps without an end
	memcpy(file->code, end_code, sizeof(end_code));
}

static void put(const char *path, const void *bytes, size_t size, mode_t mode)
{
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0755);

	write(fd, bytes, size);
	fchmod(fd, mode);
	close(fd);
}

// Runs it in a child, and tells how that went.
static void run(const char *what, const char *path)
{
	int status = 0;

	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		execve(path, no_words, no_words);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	printf("%-28s %s\n", what,
	       WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
	       : status            ? strerrorname_np(WEXITSTATUS(status))
				   : "ran");
}

ABI_TEST(exec, interpreters)
{
	struct tiny file, good, bad;

	tiny_init(&good, NULL);
	put("/tmp/good", &good, sizeof(good), 0755);
	tiny_init(&file, "/tmp/interp-----");
	put("/tmp/prog", &file, sizeof(file), 0755);
	run("a program", "/tmp/good");
	run("name without an end", "/tmp/prog");
	tiny_init(&file, "/tmp/interpret");
	put("/tmp/prog", &file, sizeof(file), 0755);
	unlink("/tmp/interpret");
	run("none", "/tmp/prog");
	put("/tmp/interpret", &good, sizeof(good), 0755);
	run("good", "/tmp/prog");
	put("/tmp/interpret", &good, sizeof(good), 0644);
	run("not executable", "/tmp/prog");
	put("/tmp/interpret", &good, 0, 0755);
	run("empty", "/tmp/prog");
	put("/tmp/interpret", &good, 40, 0755);
	run("shorter than a header", "/tmp/prog");
	put("/tmp/interpret", &good, 64, 0755);
	run("a header only", "/tmp/prog");
	put("/tmp/interpret", &good, 100, 0755);
	run("half a program header", "/tmp/prog");
	bad = good;
	bad.head.e_ident[0] = 'x';
	put("/tmp/interpret", &bad, sizeof(bad), 0755);
	run("no ELF", "/tmp/prog");
	bad = good;
	bad.head.e_machine = EM_X86_64;
	put("/tmp/interpret", &bad, sizeof(bad), 0755);
	run("of another machine", "/tmp/prog");
	bad = good;
	bad.head.e_phnum = 0;
	put("/tmp/interpret", &bad, sizeof(bad), 0755);
	run("no segments", "/tmp/prog");
	bad = good;
	bad.head.e_phentsize = 8;
	put("/tmp/interpret", &bad, sizeof(bad), 0755);
	run("segments of another size", "/tmp/prog");
	unlink("/tmp/interpret");
	mkdir("/tmp/interpret", 0755);
	run("a folder", "/tmp/prog");
	rmdir("/tmp/interpret");
	unlink("/tmp/prog");
	unlink("/tmp/good");
}

// Only what Linux, too, finds before the old program is gone: after that it kills, where Cloven still
// returns an error.
ABI_TEST(exec, headers)
{
	struct tiny file, good;
	static const struct {
		const char *what;
		size_t at;
		unsigned size;
		unsigned long value;
	} changes[] = {
		{"class", 4, 1, 1},          {"version", 6, 1, 9},
		{"type", 16, 2, ET_CORE},    {"machine", 18, 2, EM_386},
		{"e_version", 20, 4, 7},     {"entry", 24, 8, 0x7fffffffff000000},
		{"phoff", 32, 8, 1ul << 40}, {"phentsize", 54, 2, 32},
		{"phnum 0", 56, 2, 0},       {"phnum many", 56, 2, 65535},
		{"p_flags", 68, 4, 0},       {"p_align", 112, 8, 3},
	};

	tiny_init(&good, NULL);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		file = good;
		memcpy((char *)&file + changes[i].at, &changes[i].value, changes[i].size);
		put("/tmp/prog", &file, sizeof(file), 0755);
		run(changes[i].what, "/tmp/prog");
	}
	unlink("/tmp/prog");
}

ABI_TEST(exec, scripts)
{
	static const struct {
		const char *what, *text;
	} scripts[] = {
		{"plain", "#!/tmp/good\nx"},
		{"with a space", "#! /tmp/good\n"},
		{"with tabs", "#!\t/tmp/good\targument\n"},
		{"no newline", "#!/tmp/good"},
		{"only spaces", "#!   \n"},
		{"a newline", "#!\n/tmp/good\n"},
		{"relative", "#!good\n"},
		{"not there", "#!/tmp/none\n"},
		{"itself", "#!/tmp/script\n"},
		{"a text", "#!/tmp/text\n"},
		{"NUL inside", "#!/tmp/go\0od\n"},
		{"no script", "# /tmp/good\n"},
		{"capital", "#!/TMP/good\n"},
	};
	struct tiny good;
	char many[400];

	chdir("/tmp");
	tiny_init(&good, NULL);
	put("/tmp/good", &good, sizeof(good), 0755);
	put("/tmp/text", "hello\n", 6, 0755);
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		put("/tmp/script", scripts[i].text, strlen(scripts[i].text), 0755);
		run(scripts[i].what, "/tmp/script");
	}
	memset(many, 'a', sizeof(many));
	memcpy(many, "#!/tmp/good ", 12);
	put("/tmp/script", many, sizeof(many), 0755);
	run("long argument", "/tmp/script");
	memset(many, 'a', sizeof(many));
	memcpy(many, "#!/", 3);
	put("/tmp/script", many, sizeof(many), 0755);
	run("long name", "/tmp/script");
	memset(many, ' ', sizeof(many));
	memcpy(many, "#!", 2);
	put("/tmp/script", many, sizeof(many), 0755);
	run("long nothing", "/tmp/script");
	// One that names the next, and so on.
	put("/tmp/s0", "#!/tmp/good\n", 12, 0755);
	for (int i = 1; i < 8; i++) {
		char name[16], text[32];

		snprintf(name, sizeof(name), "/tmp/s%d", i);
		snprintf(text, sizeof(text), "#!/tmp/s%d\n", i - 1);
		put(name, text, strlen(text), 0755);
		run(name, name);
		if (i > 1)
			unlink(name);
	}
	unlink("/tmp/s0");
	unlink("/tmp/s1");
	unlink("/tmp/script");
	unlink("/tmp/text");
	unlink("/tmp/good");
}

// --- execveat ---

ABI_TEST(exec, by_descriptor)
{
	struct tiny good;

	chdir("/tmp");
	tiny_init(&good, NULL);
	put("/tmp/good", &good, sizeof(good), 0755);
	put("/tmp/script", "#!/tmp/good\n", 12, 0755);
	put("/tmp/plain", &good, sizeof(good), 0644);
	symlink("/tmp/good", "/tmp/link");
	int folder = open("/tmp", O_RDONLY | O_DIRECTORY), plain = open("plain", O_RDONLY);
	int script = open("script", O_RDONLY | O_CLOEXEC), good_fd = open("good", O_PATH);

	R(exec_at(-1, "good", 0x1));
	R(exec_at(-1, "none", 0));
	R(exec_at(folder, "none", 0));
	R(exec_at(good_fd, "none", 0));
	R(exec_at(folder, "", 0));
	R(exec_at(folder, "", AT_EMPTY_PATH));
	R(exec_at(folder, ".", 0));
	R(exec_at(plain, "", AT_EMPTY_PATH));
	R(exec_at(plain, "", 0));
	R(exec_at(-1, "", AT_EMPTY_PATH));
	R(exec_at(folder, "link", AT_SYMLINK_NOFOLLOW));
	R(exec_at(script, "", AT_EMPTY_PATH)); // the interpreter could not open it
	R(exec_at(good_fd, BAD, AT_EMPTY_PATH));
	R(exec_at(good_fd, NULL, AT_EMPTY_PATH));
	// Only asked whether it would be allowed.
	R(exec_at(good_fd, "", AT_EMPTY_PATH | CHECK_ONLY));
	R(exec_at(folder, "good", CHECK_ONLY));
	R(exec_at(folder, "script", CHECK_ONLY));
	R(exec_at(folder, "plain", CHECK_ONLY));
	R(exec_at(folder, "link", CHECK_ONLY));
	R(exec_at(folder, "link", CHECK_ONLY | AT_SYMLINK_NOFOLLOW));
	R(exec_at(folder, "none", CHECK_ONLY));
	R(exec_at(folder, ".", CHECK_ONLY));
	R(exec_at(plain, "", AT_EMPTY_PATH | CHECK_ONLY));
	put("/tmp/text", "hello", 5, 0755);
	R(exec_at(folder, "text", CHECK_ONLY)); // it is not looked into
	R(syscall(SYS_execveat, folder, "good", BAD, no_words, CHECK_ONLY));
	R(exec_at(folder, "good", CHECK_ONLY | 0x20000));
	unlink("text");
	unlink("link");
	unlink("good");
	unlink("plain");
	unlink("script");
}

// --- A text that runs is not written to, and one that is written to does not run ---

ABI_TEST(exec, busy_text)
{
	static const unsigned loop_code[] = {0x0000006f}; // j .
	struct tiny loop;

	chdir("/tmp");
	tiny_init(&loop, NULL);
	memcpy(loop.code, loop_code, sizeof(loop_code));
	put("/tmp/loop", &loop, sizeof(loop), 0755);
	int writer = open("loop", O_WRONLY);
	R(execve("loop", no_words, no_words));
	R(exec_at(AT_FDCWD, "loop", CHECK_ONLY));
	close(writer);
	fflush(stdout);
	int ends[2];
	char byte;
	pipe2(ends, O_CLOEXEC);
	pid_t pid = fork();
	if (!pid) {
		execve("loop", no_words, no_words);
		_exit(1);
	}
	close(ends[1]);
	read(ends[0], &byte, 1); // it has become the program
	R(open("loop", O_WRONLY));
	R(open("loop", O_RDWR | O_TRUNC));
	R(open("loop", O_WRONLY | O_APPEND));
	R(truncate("loop", 0));
	int reader = OK(open("loop", O_RDONLY));
	R(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0) == MAP_FAILED);
	OK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, reader, 0) == MAP_FAILED);
	R(chmod("loop", 0700));
	R(link("loop", "loop2"));
	R(open("loop2", O_WRONLY));
	R(rename("loop2", "loop3"));
	R(unlink("loop3"));
	pid_t other = fork();
	if (!other) {
		execve("loop", no_words, no_words); // twice is fine
		_exit(1);
	}
	usleep(20000);
	kill(other, SIGKILL);
	abi_reap(other);
	R(open("loop", O_WRONLY));
	kill(pid, SIGKILL);
	abi_reap(pid);
	OK(open("loop", O_WRONLY));
	unlink("loop");
}

// --- What stays and what goes ---

static void show_state(void)
{
	struct sigaction action;
	stack_t stack;
	sigset_t set;
	char name[16] = "";

	sigaction(SIGUSR1, NULL, &action);
	printf("USR1 %s", action.sa_handler == SIG_DFL ? "default" : "else");
	sigaction(SIGUSR2, NULL, &action);
	printf(" USR2 %s", action.sa_handler == SIG_IGN ? "ignored" : "else");
	sigaction(SIGCHLD, NULL, &action);
	printf(" CHLD %s\n", action.sa_handler == SIG_IGN ? "ignored" : "default");
	sigprocmask(SIG_BLOCK, NULL, &set);
	printf("blocked %d pending", sigismember(&set, SIGHUP));
	sigpending(&set);
	printf(" %d\n", sigismember(&set, SIGHUP));
	sigaltstack(NULL, &stack);
	printf("altstack %x\n", stack.ss_flags);
	prctl(PR_GET_NAME, name);
	printf("name %s\n", name);
	int death = -1;
	prctl(PR_GET_PDEATHSIG, &death);
	printf("pdeathsig %d dumpable %d keepcaps %d subreaper", death, prctl(PR_GET_DUMPABLE),
	       prctl(PR_GET_KEEPCAPS));
	prctl(PR_GET_CHILD_SUBREAPER, &death);
	printf(" %d nnp %d\n", death, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	printf("slack %d umask %o nice %d policy %d\n", prctl(PR_GET_TIMERSLACK), umask(0), nice(0),
	       sched_getscheduler(0));
	struct itimerval timer;
	getitimer(ITIMER_REAL, &timer);
	printf("itimer %d fd %d %d alone %d\n", timer.it_value.tv_sec > 0, fcntl(60, F_GETFD),
	       fcntl(61, F_GETFD), gettid() == getpid());
	struct rlimit limit;
	getrlimit(RLIMIT_CORE, &limit);
	printf("limit %ld thp %d\n", (long)limit.rlim_cur, prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	printf("timer slack after a default %d\n",
	       (prctl(PR_SET_TIMERSLACK, 0), prctl(PR_GET_TIMERSLACK)));
}

ABI_TEST(exec, shows)
{
	if (fcntl(61, F_GETFD) < 0) {
		puts("only as a program that was begun by the next test");
		return;
	}
	show_state();
}

static void *exec_in_thread(void *unused)
{
	char *argv[] = {"init", "exec/shows", NULL};

	execve("/init", argv, no_words);
	return unused;
}

static void handler(int signal)
{
}

static void keep(int in_thread)
{
	static char room[65536];
	struct rlimit limit = {12345, RLIM_INFINITY};
	stack_t stack = {.ss_sp = room, .ss_size = sizeof(room)};
	struct itimerval timer = {.it_value = {100, 0}};
	sigset_t set;
	pthread_t thread;

	signal(SIGUSR1, handler);
	signal(SIGUSR2, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGHUP);
	sigaltstack(&stack, NULL);
	prctl(PR_SET_NAME, "another");
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_KEEPCAPS, 1);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_TIMERSLACK, 77777);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	umask(027);
	nice(3);
	setitimer(ITIMER_REAL, &timer, NULL);
	setrlimit(RLIMIT_CORE, &limit);
	dup3(1, 60, O_CLOEXEC);
	dup3(1, 61, 0);
	if (in_thread) {
		pthread_create(&thread, NULL, exec_in_thread, NULL);
		for (;;)
			pause();
	}
	exec_in_thread(NULL);
}

ABI_TEST(exec, what_stays)
{
	for (int in_thread = 0; in_thread < 2; in_thread++) {
		fflush(stdout);
		pid_t pid = fork();
		if (!pid) {
			keep(in_thread);
			_exit(1);
		}
		abi_reap(pid);
	}
}

// --- The room for words ---

static void words(const char *what, size_t count, size_t length, size_t stack)
{
	struct rlimit limit = {stack, RLIM_INFINITY};
	int status = 0;

	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		char **argv = calloc(count + 1, sizeof(*argv)), *word = malloc(length + 1);

		memset(word, 'w', length);
		word[length] = '\0';
		for (size_t i = 0; i < count; i++)
			argv[i] = word;
		setrlimit(RLIMIT_STACK, &limit);
		execve("/tmp/good", argv, no_words);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	printf("%-28s %s\n", what,
	       WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
	       : status            ? strerrorname_np(WEXITSTATUS(status))
				   : "ran");
}

ABI_TEST(exec, room_for_words)
{
	struct tiny good;

	tiny_init(&good, NULL);
	put("/tmp/good", &good, sizeof(good), 0755);
	words("none", 0, 1, 8 << 20);
	words("the longest", 1, 131071, 8 << 20);
	words("too long", 1, 131072, 8 << 20);
	words("many long, just so", 15, 131000, 8 << 20);
	words("many long, too many", 17, 131000, 8 << 20);
	words("many short, just so", 6500, 10, 512 << 10);
	words("many short, too many", 7200, 10, 512 << 10);
	words("small stack, just so", 9, 13000, 512 << 10);
	words("small stack, too many", 12, 13000, 512 << 10);
	words("tiny stack, still 128 KiB", 9, 13000, 64 << 10);
	words("tiny stack, too many", 12, 13000, 64 << 10);
	unlink("/tmp/good");
}
