// /proc/PID/mem, auxv, personality, wchan, syscall, stack, children, oom_adj: what a debugger looks at.

#include "abi.h"
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#define PAGE 4096ul
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static char text[65536];

static ssize_t slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	size_t length = 0;
	ssize_t n = fd < 0 ? -1 : 0;
	int error;

	while (fd >= 0 && (n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += n;
	error = errno;
	close(fd);
	errno = error;
	text[length] = '\0';
	return n < 0 ? n : (ssize_t)length;
}

static char *of(pid_t pid, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "/proc/%d/%.90s", pid, name);
	return path;
}

static pid_t sleeper(void (*ready)(void))
{
	int fds[2];
	char byte;

	pipe(fds);
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		close(fds[0]);
		if (ready)
			ready();
		write(fds[1], "x", 1);
		for (;;)
			pause();
	}
	close(fds[1]);
	read(fds[0], &byte, 1);
	close(fds[0]);
	for (int i = 0; i < 1000 && (slurp(of(pid, "stat")), !strstr(text, ") S ")); i++)
		usleep(1000);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

// A value of the child is told by its address here: the child is a copy.
static volatile long value = 1234;
static const long constant[512] = {77};

ABI_TEST(proc_mem, other)
{
	pid_t pid = sleeper(NULL);
	long seen = 0, new = 99;
	int fd = open(of(pid, "mem"), O_RDWR);

	value = 4321;
	R(pread(fd, &seen, 8, (long)&value));
	R(seen);
	R(pwrite(fd, &new, 8, (long)&value));
	R(value);
	R(pread(fd, &seen, 8, (long)&value));
	R(seen);
	R(pread(fd, &seen, 8, 8));
	R(pwrite(fd, &seen, 8, 8));
	R(pread(fd, &seen, 0, 8));
	R(pread(fd, &seen, 8, -1l));
	R(pread(fd, BAD, 8, (long)&value));
	R(pwrite(fd, BAD, 8, (long)&value));
	R(lseek(fd, (long)&value, SEEK_SET) == (long)&value);
	R(read(fd, &seen, 4));
	R(lseek(fd, 0, SEEK_CUR) - (long)&value);
	R(lseek(fd, -4, SEEK_CUR) - (long)&value);
	R(lseek(fd, 0, SEEK_END));
	R(lseek(fd, 0, 7));
	R(pwrite(fd, &new, 8, (long)constant));
	R(constant[0]);
	R(pread(fd, &seen, 8, (long)constant));
	R(seen);
	end(pid);
	R(pread(fd, &seen, 8, (long)&value));
	R(pwrite(fd, &seen, 8, (long)&value));
	close(fd);
	R(open(of(pid, "mem"), O_RDWR));
}

static char *map(int prot, int flags, int fd)
{
	return mmap(NULL, 3 * PAGE, prot, flags, fd, 0);
}

static void try_all(const char *what, int mem, char *at)
{
	char byte = 0;

	printf("%s\n", what);
	R(pread(mem, &byte, 1, (long)at));
	R(byte);
	R(pwrite(mem, "w", 1, (long)at));
	R(pread(mem, &byte, 1, (long)at));
	R(byte);
	R(pwrite(mem, "v", 1, (long)at + 1));
	R(pread(mem, &byte, 1, (long)at + PAGE));
	R(byte);
}

ABI_TEST(proc_mem, rights)
{
	int mem = open("/proc/self/mem", O_RDWR);
	int file = open("file", O_RDWR | O_CREAT, 0600), readonly;
	char byte;

	ftruncate(file, 2 * PAGE);
	pwrite(file, "f", 1, 0);
	pwrite(file, "g", 1, PAGE);
	readonly = open("file", O_RDONLY);
	try_all("anonymous rw", mem, map(RW, ANON, -1));
	try_all("anonymous r", mem, map(PROT_READ, ANON, -1));
	try_all("anonymous none", mem, map(PROT_NONE, ANON, -1));
	char *page = map(RW, ANON, -1);

	page[0] = 'a', page[PAGE] = 'b';
	mprotect(page, 3 * PAGE, PROT_READ);
	try_all("written, then r", mem, page);
	R(page[0]);
	mprotect(page, 3 * PAGE, PROT_NONE);
	try_all("written, then none", mem, page);
	mprotect(page, 3 * PAGE, RW);
	R(page[0]);
	try_all("shared anonymous r", mem, map(PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1));
	try_all("shared anonymous rw", mem, map(RW, MAP_SHARED | MAP_ANONYMOUS, -1));
	try_all("private file r", mem, map(PROT_READ, MAP_PRIVATE, readonly));
	try_all("private file none", mem, map(PROT_NONE, MAP_PRIVATE, readonly));
	try_all("private file rx", mem, map(PROT_READ | PROT_EXEC, MAP_PRIVATE, file));
	try_all("shared file r of ro", mem, map(PROT_READ, MAP_SHARED, readonly));
	try_all("shared file r of rw", mem, map(PROT_READ, MAP_SHARED, file));
	try_all("shared file none", mem, map(PROT_NONE, MAP_SHARED, file));
	pread(file, &byte, 1, 0);
	R(byte);
	page = map(RW, MAP_SHARED, file);
	try_all("shared file rw", mem, page);
	pread(file, &byte, 1, 0);
	R(byte);
	R(pread(mem, &byte, 1, (long)page + 2 * PAGE)); // behind the file's end
	R(pwrite(mem, &byte, 1, (long)page + 2 * PAGE));
	page = map(RW, MAP_PRIVATE, file);
	R(pread(mem, &byte, 1, (long)page + 2 * PAGE));
	// Over an end.
	page = map(RW, ANON, -1);
	munmap(page + 2 * PAGE, PAGE);
	R(pread(mem, text, 3 * PAGE, (long)page));
	R(pwrite(mem, text, 3 * PAGE, (long)page));
	R(pread(mem, text, 10, (long)page + 2 * PAGE - 4));
	R(pwrite(mem, text, 10, (long)page + 2 * PAGE - 4));
	R(pread(mem, text, 10, (long)page + 2 * PAGE));
	// The stack grows.
	R(pread(mem, &byte, 1, ((long)&byte & -PAGE) - 40 * PAGE));
	char *vdso = (char *)getauxval(AT_SYSINFO_EHDR);

	R(pread(mem, text, 4, (long)vdso));
	R(!memcmp(text, ELFMAG, 4));
	close(mem), close(file), close(readonly);
}

// What is forced into a private page stays out of what was shared with a child before, and of the
// file.
ABI_TEST(proc_mem, forced_copies)
{
	char *page = map(RW, ANON, -1);
	long seen;

	memset(page, 'p', 3 * PAGE);
	mprotect(page, 3 * PAGE, PROT_READ);
	pid_t pid = sleeper(NULL), second = sleeper(NULL);
	int other = open(of(pid, "mem"), O_RDWR), own = open("/proc/self/mem", O_RDWR);
	int third = open(of(second, "mem"), O_RDWR);

	R(pwrite(other, "cc", 2, (long)page + PAGE - 1));
	R(page[PAGE - 1]);
	R(page[PAGE]);
	R(pwrite(own, "oo", 2, (long)page + PAGE - 1));
	R(page[PAGE - 1]);
	pread(other, &seen, 8, (long)page + PAGE - 1);
	printf("%.8s\n", (char *)&seen);
	pread(third, &seen, 8, (long)page + PAGE - 1);
	printf("%.8s\n", (char *)&seen);
	end(pid);
	end(second);
	R(mprotect(page, 3 * PAGE, RW));
	page[0] = 'x';
	R(page[PAGE]);
	close(other), close(own), close(third);
}

// A large area, as a whole, in one read and through many of them.
ABI_TEST(proc_mem, much)
{
	size_t size = 6 << 20;
	char *from = mmap(NULL, size, RW, ANON, -1, 0), *to = malloc(size);

	for (size_t i = 0; i < size; i += 8)
		*(long *)(from + i) = i * 31;
	mprotect(from, size, PROT_NONE);
	pid_t pid = sleeper(NULL);
	int mem = open(of(pid, "mem"), O_RDWR);

	R(pread(mem, to, size, (long)from));
	long bad = 0;
	for (size_t i = 0; i < size; i += 8)
		bad += *(long *)(to + i) != i * 31;
	R(bad);
	memset(to, 7, size);
	R(pwrite(mem, to, size, (long)from));
	memset(to, 0, size);
	struct iovec parts[3] = {{to, 10}, {to + 10, 5000}, {to + 5010, size - 5010}};

	R(preadv(mem, parts, 3, (long)from));
	for (size_t i = 0; i < size; i++)
		bad += to[i] != 7;
	R(bad);
	end(pid);
	mprotect(from, size, PROT_READ);
	for (size_t i = 0; i < size; i += 8)
		bad += *(long *)(from + i) != i * 31;
	R(bad);
	close(mem);
}

static void become_somebody(void)
{
	setresgid(1000, 1000, 1000);
	setresuid(1000, 1000, 1000);
	prctl(PR_SET_DUMPABLE, 1);
}

static void become_another(void)
{
	setresgid(1000, 1000, 1000);
	setresuid(1001, 1001, 1001);
	prctl(PR_SET_DUMPABLE, 1);
}

static void become_undumpable(void)
{
	become_somebody();
	prctl(PR_SET_DUMPABLE, 0);
}

static void try_files(const char *who, pid_t pid)
{
	static const char *const names[] = {"mem",   "auxv",  "environ", "personality", "syscall",
					    "stack", "wchan", "maps",    "cmdline",     "oom_adj"};

	printf("%s\n", who);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int fd = open(of(pid, names[i]), O_RDONLY);
		int error = errno;
		struct stat st;

		printf("%s: ", names[i]);
		if (fd < 0) {
			printf("open: %s, ", strerrorname_np(error));
		} else {
			ssize_t n = read(fd, text, 1);

			printf("read: %s, ", n < 0 ? strerrorname_np(errno) : "fine");
		}
		close(fd);
		stat(of(pid, names[i]), &st);
		printf("%o %d\n", st.st_mode, st.st_uid);
	}
}

ABI_TEST(proc_mem, who_may)
{
	pid_t root = sleeper(NULL), same = sleeper(become_somebody),
	      another = sleeper(become_another), undumpable = sleeper(become_undumpable);

	try_files("root to somebody", same);
	try_files("root to undumpable", undumpable);
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		become_somebody();
		try_files("somebody to himself", getpid());
		try_files("somebody to root", root);
		try_files("somebody to the same", same);
		try_files("somebody to another", another);
		try_files("somebody to undumpable", undumpable);
		exit(0);
	}
	abi_reap(pid);
	end(root), end(same), end(another), end(undumpable);
}

// Opened before a change of identity, used after it.
ABI_TEST(proc_mem, opened_before)
{
	pid_t pid = sleeper(NULL);
	int mem = open(of(pid, "mem"), O_RDONLY), stack = open(of(pid, "stack"), O_RDONLY),
	    personality_file = open(of(pid, "personality"), O_RDONLY),
	    environment = open(of(pid, "environ"), O_RDONLY);

	become_somebody();
	R(pread(mem, text, 8, (long)&value));
	R(read(stack, text, 1));
	R(read(personality_file, text, 1));
	R(read(environment, text, 1));
	seteuid(0);
	kill(pid, SIGKILL);
}

ABI_TEST(proc_mem, zombies)
{
	static const char *const names[] = {"mem",     "auxv",  "environ", "personality",
					    "syscall", "stack", "wchan",   "cmdline",
					    "oom_adj", "maps",  "statm",   "limits"};
	siginfo_t info;

	fflush(stdout);
	pid_t pid = fork();
	if (!pid)
		_exit(0);
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	for (int i = 0; i < 1000; i++) {
		slurp(of(pid, "stat"));
		if (strstr(text, ") Z "))
			break;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		ssize_t n = slurp(of(pid, names[i]));

		printf("%s: %zd %s\n", names[i], n, n < 0 ? strerrorname_np(errno) : "");
	}
	waitpid(pid, NULL, 0);
}

ABI_TEST(proc_mem, auxv)
{
	const ElfW(auxv_t) *entry = (const void *)text;
	ssize_t n = slurp("/proc/self/auxv");
	int count = n / sizeof(*entry), same = 1;

	R(n % sizeof(*entry));
	R(entry[count - 1].a_type);
	for (int i = 0; i < count - 1; i++)
		same &= getauxval(entry[i].a_type) == entry[i].a_un.a_val;
	R(same);
	int fd = open("/proc/self/auxv", O_RDONLY);

	R(pread(fd, text, 5, n - 3));
	R(pread(fd, text, 5, n));
	R(pread(fd, text, 5, n + 100));
	R(lseek(fd, 16, SEEK_SET));
	R(read(fd, text, 3));
	R(pread(fd, BAD, 5, 0));
	R(pwrite(fd, text, 5, 0));
	close(fd);
}

ABI_TEST(proc_mem, which_personality)
{
	R(slurp("/proc/self/personality"));
	printf("%s", text);
	personality(ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC);
	R(slurp("/proc/self/personality"));
	printf("%s", text);
}

static int fds[2];

static void reads_a_pipe(void)
{
	pipe(fds);
	dup2(fds[0], 50);
}

ABI_TEST(proc_mem, which_call)
{
	unsigned long nr, arg[6], sp, pc;
	pid_t pid = sleeper(reads_a_pipe);

	R(slurp(of(pid, "syscall")) > 0);
	// pause() is ppoll(NULL, 0, NULL, NULL) here
	sscanf(text, "%lu %lx %lx %lx %lx %lx %lx %lx %lx", &nr, &arg[0], &arg[1], &arg[2], &arg[3],
	       &arg[4], &arg[5], &sp, &pc);
	R(nr == SYS_ppoll);
	R(arg[0]);
	R(arg[1]);
	R(arg[2]);
	R(arg[3]);
	R(sp > (1ul << 30));
	R(*(unsigned *)(pc - 4) == 0x73); // behind its ecall
	end(pid);
	int fd = open("/proc/self/syscall", O_RDONLY);
	long got = read(fd, text, 4096);

	text[got > 0 ? got : 0] = '\0';
	sscanf(text, "%lu %lx %lx %lx", &nr, &arg[0], &arg[1], &arg[2]);
	R(nr);
	R(arg[0] == fd);
	R(arg[1] == (long)text);
	R(arg[2]);
	close(fd);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		for (;;)
			continue;
	}
	usleep(20000);
	R(slurp(of(pid, "syscall")));
	printf("%s", text);
	R(slurp(of(pid, "wchan")));
	printf("%s\n", text);
	end(pid);
}

ABI_TEST(proc_mem, wchan)
{
	pid_t pid = sleeper(NULL);

	R(slurp(of(pid, "wchan")) > 1);
	R(text[0] != '0');
	R(strchr(text, '\n') == NULL);
	R(slurp(of(pid, "stack")) > 20);
	R(!strncmp(text, "[<0>] ", 6));
	R(strstr(text, "ppoll") != NULL);
	R(strstr(text, "+0x") != NULL);
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	for (int i = 0; i < 1000 && slurp(of(pid, "wchan")) <= 1; i++)
		usleep(1000); // it may still be on its way to sleep
	R(slurp(of(pid, "wchan")) > 1);
	R(slurp(of(pid, "stack")) > 20);
	end(pid);
	R(slurp("/proc/self/wchan"));
	printf("%s\n", text);
	R(slurp("/proc/self/stack") > 20);
	R(strstr(text, "read") != NULL);
}

static pthread_barrier_t barrier;
static pid_t tid, made;

static void *makes_a_child(void *unused)
{
	tid = gettid();
	made = fork();
	if (!made) {
		for (;;)
			pause();
	}
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void show_children(const char *path, const pid_t *known, int count)
{
	ssize_t n = slurp(path);
	char *rest = text, *word;

	printf("%zd bytes%s:", n > 0 ? 1l : n, n > 0 && text[n - 1] == ' ' ? ", a space" : "");
	while ((word = strsep(&rest, " ")) && *word) {
		int i = 0;

		while (i < count && known[i] != atoi(word))
			i++;
		printf(" %d", i);
	}
	printf("\n");
}

ABI_TEST(proc_mem, children)
{
	pid_t known[3] = {0};
	pthread_t thread;
	char path[128];

	R(access("/proc/self/children", F_OK));
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	show_children(path, known, 0);
	known[0] = sleeper(NULL);
	known[1] = sleeper(NULL);
	show_children(path, known, 2);
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, makes_a_child, NULL);
	pthread_barrier_wait(&barrier);
	known[2] = made;
	show_children(path, known, 3);
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", tid);
	show_children(path, known, 3);
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	for (int i = 0; i < 1000; i++) {
		char name[64];

		snprintf(name, sizeof(name), "/proc/self/task/%d", tid);
		if (access(name, F_OK))
			break;
		usleep(1000);
	}
	show_children(path, known, 3);
	for (int i = 0; i < 3; i++)
		end(known[i]);
	show_children(path, known, 3);
}

static long put(const char *path, const char *data)
{
	int fd = open(path, O_WRONLY);
	ssize_t done = fd < 0 ? -1 : write(fd, data, strlen(data));
	int error = errno;

	close(fd);
	errno = error;
	return done;
}

ABI_TEST(proc_mem, oom_adj)
{
	static const char *const values[] = {"0",   "15", "-17", "-16", "14",  "7\n", "16",
					     "-18", "x",  "",    " 3 ", "0x5", "1 2", "-1"};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		printf("'%s' ", values[i]);
		R(put("/proc/self/oom_adj", values[i]));
		slurp("/proc/self/oom_adj");
		printf("%s", text);
		slurp("/proc/self/oom_score_adj");
		printf("%s", text);
	}
	for (int i = -1000; i <= 1000; i += 37) {
		char number[16];

		snprintf(number, sizeof(number), "%d", i);
		put("/proc/self/oom_score_adj", number);
		slurp("/proc/self/oom_adj");
		printf("%d: %s", i, text);
	}
	R(put("/proc/self/oom_score_adj", "500"));
	become_somebody();
	R(put("/proc/self/oom_adj", "1"));
	R(put("/proc/self/oom_adj", "9"));
	R(put("/proc/self/oom_score_adj", "600"));
	R(put("/proc/self/oom_score_adj", "500"));
	R(put("/proc/self/oom_adj", "8"));
}

// Everything is read of processes that begin, sleep, change their program's memory and end meanwhile.
ABI_TEST(proc_mem, storm)
{
	static const char *const names[] = {"stat",     "status",  "syscall",    "stack", "wchan",
					    "io",       "cmdline", "environ",    "auxv",  "mem",
					    "children", "oom_adj", "personality"};
	enum {
		SLOTS = 8
	};
	pid_t *pids = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t readers[3];

	for (int r = 0; r < 3; r++) {
		readers[r] = fork();
		if (readers[r])
			continue;
		for (int i = 0; i < 4000; i++) {
			static char sink[4096];
			pid_t pid = pids[i % SLOTS];
			int fd = pid ? open(of(pid, names[i / SLOTS % 13]), O_RDONLY) : -1;

			if (fd >= 0) {
				pread(fd, sink, sizeof(sink), i % 3 ? 0 : (long)&value);
				close(fd);
			}
		}
		_exit(0);
	}
	for (int i = 0; i < 300; i++) {
		pid_t pid = fork();

		if (!pid) {
			struct timespec nap = {0, 200000};

			nanosleep(&nap, NULL);
			munmap(map(RW, ANON, -1), PAGE);
			_exit(0);
		}
		pid_t old = pids[i % SLOTS];

		pids[i % SLOTS] = pid;
		if (old)
			waitpid(old, NULL, 0);
	}
	for (int r = 0; r < 3; r++)
		abi_reap(readers[r]);
	for (int i = 0; i < SLOTS; i++)
		waitpid(pids[i], NULL, 0);
}
