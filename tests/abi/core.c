// Core files: when there is one, what it is called, what notes and what memory it has. See core(5).

#include <dirent.h>
#include <elf.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "abi.h"

#define PATTERN "/proc/sys/kernel/core_pattern"
#define PAGE    4096

static void put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		printf("write %s to %s: %s\n", text, file, strerrorname_np(errno));
	close(fd);
}

static void get(const char *file)
{
	char text[200];
	int fd = open(file, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	printf("%s: %.*s", file, n < 0 ? 6 : (int)n, n < 0 ? "error\n" : text);
	close(fd);
}

static void limit(rlim_t bytes)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){bytes, RLIM_INFINITY});
}

// A child that dies; what it does before is the caller's.
#define DIES(before)                                                                    \
	({                                                                              \
		pid_t child_ = fork();                                                  \
		if (!child_) {                                                          \
			limit(RLIM_INFINITY);                                           \
			before;                                                         \
			abort();                                                        \
		}                                                                       \
		int status_ = 0;                                                        \
		waitpid(child_, &status_, 0);                                           \
		printf("signal %d core %d\n", WTERMSIG(status_), !!WCOREDUMP(status_)); \
		child_;                                                                 \
	})

// The files of the folder, with what depends on chance replaced; they are removed.
static void list(const char *folder, pid_t pid)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, NULL, alphasort);
	char number[20], path[600];
	struct stat st;

	snprintf(number, sizeof(number), "%d", pid);
	for (int i = 0; i < n; i++) {
		char *name = entries[i]->d_name, *at;

		if (name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, name);
		lstat(path, &st);
		at = strstr(name, number);
		printf("  %.*s%s%s mode %o uid %d links %d%s\n", at ? (int)(at - name) : 300, name,
		       at ? "PID" : "", at ? at + strlen(number) : "", st.st_mode, st.st_uid,
		       (int)st.st_nlink, st.st_size ? "" : " empty");
		unlink(path);
	}
	printf("  %s\n", n > 2 ? "end" : "none");
}

ABI_TEST(core, names)
{
	static const char *const patterns[] = {
		"core",    "core.%p", "c-%s-%u-%g-%d-%%-%c",
		"%e.%f",   "x%",      "x%y%Zz",
		"%h",      "a%E",     "",
		"%e/none", "./%e",
	};
	pid_t pid;

	get(PATTERN);
	get("/proc/sys/kernel/core_uses_pid");
	get("/proc/sys/kernel/core_pipe_limit");
	get("/proc/sys/fs/suid_dumpable");
	sethostname("a/host", 6);
	for (unsigned i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		put(PATTERN, patterns[i][0] ? patterns[i] : "\n");
		printf("pattern %s\n", patterns[i]);
		pid = DIES(prctl(PR_SET_NAME, "na/me"));
		if (!strchr(patterns[i], 'P'))
			list(".", pid);
	}
	put(PATTERN, "%p-%P-%i-%I");
	pid = DIES();
	char name[100];
	snprintf(name, sizeof(name), "%d-%d-%d-%d", pid, pid, pid, pid);
	OK(unlink(name));
	put("/proc/sys/kernel/core_uses_pid", "1");
	put(PATTERN, "core");
	list(".", DIES());
	put(PATTERN, "core%p");
	list(".", DIES());
	put("/proc/sys/kernel/core_uses_pid", "0");
	mkdir("/tmp/cores", 0755);
	put(PATTERN, "/tmp/cores/%e.%s");
	list("/tmp/cores", DIES(prctl(PR_SET_NAME, "..")));
	put(PATTERN, "/tmp/cores/%e");
	list("/tmp/cores", DIES(prctl(PR_SET_NAME, "..")));
	list("/tmp/cores", DIES(prctl(PR_SET_NAME, ".")));
	list("/tmp/cores", DIES(prctl(PR_SET_NAME, "")));
	rmdir("/tmp/cores");
	put(PATTERN, "core\nmore");
	get(PATTERN);
	put(PATTERN, "core");
}

ABI_TEST(core, when_there_is_one)
{
	pid_t pid;

	printf("limit 0\n");
	list(".", DIES(limit(0)));
	printf("limit a page less one\n");
	list(".", DIES(limit(PAGE - 1)));
	printf("limit four pages\n");
	pid = DIES(limit(4 * PAGE));
	struct stat st;
	if (!stat("core", &st))
		printf("size %s\n", st.st_size <= 4 * PAGE ? "kept" : "beyond");
	list(".", pid);
	printf("not dumpable\n");
	list(".", DIES(prctl(PR_SET_DUMPABLE, 0)));
	printf("by SIGKILL, SIGTERM, SIGQUIT\n");
	list(".", DIES(raise(SIGKILL)));
	list(".", DIES(raise(SIGTERM)));
	list(".", DIES(raise(SIGQUIT)));
	printf("over a link, a file with two names, a folder\n");
	close(creat("other", 0644));
	symlink("other", "core");
	list(".", DIES());
	close(creat("other", 0644));
	link("other", "core");
	list(".", DIES());
	mkdir("core", 0755);
	DIES();
	rmdir("core");
	printf("umask\n");
	list(".", DIES(umask(0777)));
	list(".", DIES(umask(0)));
}

static void another_user(void)
{
	setresgid(1000, 1000, 1000);
	setresuid(1000, 1000, 1000);
}

ABI_TEST(core, change_of_identity)
{
	chmod(".", 0777);
	for (int mode = 0; mode <= 2; mode++) {
		put("/proc/sys/fs/suid_dumpable", (char[2]){'0' + mode});
		printf("suid_dumpable %d\n", mode);
		list(".", DIES(another_user()));
		pid_t pid = fork();
		if (!pid) {
			another_user();
			R(prctl(PR_GET_DUMPABLE));
			R(prctl(PR_SET_DUMPABLE, 2));
			R(prctl(PR_SET_DUMPABLE, 1));
			R(prctl(PR_GET_DUMPABLE));
			fflush(stdout);
			_exit(0);
		}
		abi_reap(pid);
		mkdir("/tmp/cores", 0755);
		put(PATTERN, "/tmp/cores/core.%d");
		list("/tmp/cores", DIES(another_user()));
		put(PATTERN, "core");
		rmdir("/tmp/cores");
		printf("made dumpable again\n");
		list(".", DIES(another_user(); prctl(PR_SET_DUMPABLE, 1)));
	}
	int fd = open("/proc/sys/fs/suid_dumpable", O_WRONLY);
	R(write(fd, "3", 1));
	R(write(fd, "x", 1));
	R(write(fd, "0", 1));
	close(fd);
}

// --- What is in it ---

static unsigned char *core_map(size_t *size)
{
	struct stat st;
	int fd = open("core", O_RDONLY);

	if (fd < 0 || fstat(fd, &st))
		return NULL;
	*size = st.st_size;
	unsigned char *map = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	unlink("core");
	return map == MAP_FAILED ? NULL : map;
}

static volatile int go_on;

static void *thread_body(void *arg)
{
	__atomic_fetch_add(&go_on, 1, __ATOMIC_SEQ_CST);
	if (arg)
		pause();
	while (go_on)
		__asm__ volatile("li s5, 0x55aa\n fcvt.d.w fs3, s5" ::: "s5", "fs3");
	return NULL;
}

static void with_threads(int n)
{
	pthread_t thread;

	for (int i = 0; i < n; i++)
		pthread_create(&thread, NULL, thread_body, (void *)(long)(i & 1));
	while (go_on < n)
		sched_yield();
	usleep(50000);
}

static const char *note_name(unsigned type)
{
	switch (type) {
	case NT_PRSTATUS:
		return "PRSTATUS";
	case NT_PRFPREG:
		return "PRFPREG";
	case NT_PRPSINFO:
		return "PRPSINFO";
	case NT_AUXV:
		return "AUXV";
	case NT_SIGINFO:
		return "SIGINFO";
	case NT_FILE:
		return "FILE";
	}
	return NULL;
}

struct prstatus {
	int signo, code, error;
	short cursig;
	unsigned long pending, held;
	int pid, ppid, pgrp, sid;
	unsigned long times[8], regs[32];
	int fpvalid;
};

static void show_status(const struct prstatus *s, pid_t pid)
{
	printf("  signo %d code %d error %d cursig %d held %lx pid %s ppid %s pgrp %s sid %s fp %d "
	       "s5 %s\n",
	       s->signo, s->code, s->error, s->cursig, s->held, s->pid == pid ? "leader" : "other",
	       s->ppid == getpid() ? "ours" : "?", s->pgrp == getpgrp() ? "ours" : "?",
	       s->sid == getsid(0) ? "ours" : "?", s->fpvalid,
	       s->regs[21] == 0x55aa ? "spinning" : "-");
}

static void show_note(const Elf64_Nhdr *note, const unsigned char *data, pid_t pid)
{
	const char *name = note_name(note->n_type);

	if (!name)
		return; // of what one machine has and another has not
	printf("note %s %s", (const char *)(note + 1), name);
	if (note->n_type != NT_FILE && note->n_type != NT_AUXV)
		printf(" %u bytes", note->n_descsz);
	printf("\n");
	if (note->n_type == NT_PRSTATUS)
		show_status((const void *)data, pid);
	if (note->n_type == NT_SIGINFO) {
		const siginfo_t *info = (const void *)data;
		printf("  signo %d code %d pid %s uid %d\n", info->si_signo, info->si_code,
		       info->si_pid == pid ? "own" : "?", info->si_uid);
	}
	if (note->n_type == NT_PRPSINFO) {
		const struct {
			char state, sname, zombie, nice;
			unsigned long flags;
			unsigned uid, gid;
			int pid, ppid, pgrp, sid;
			char name[16], args[80];
		} *p = (const void *)data;
		printf("  state %d %c zombie %d nice %d uid %u gid %u pid %s ppid %s name %s\n",
		       p->state, p->sname, p->zombie, p->nice, p->uid, p->gid,
		       p->pid == pid ? "own" : "?", p->ppid == getpid() ? "ours" : "?", p->name);
	}
	if (note->n_type == NT_FILE) {
		const unsigned long *words = (const void *)data;
		const char *path = (const char *)(words + 2 + 3 * words[0]);
		printf("  %s files, pages of %lu, first %s\n", words[0] ? "some" : "no", words[1],
		       path[0] == '/' ? "has a path" : path);
	}
}

static void show_notes(const unsigned char *map, pid_t pid)
{
	const Elf64_Ehdr *header = (const void *)map;
	const Elf64_Phdr *segments = (const void *)(map + header->e_phoff);

	printf("type %d machine %d first segment %d\n", header->e_type, header->e_machine,
	       segments[0].p_type);
	for (size_t at = 0; at < segments[0].p_filesz;) {
		const Elf64_Nhdr *note = (const void *)(map + segments[0].p_offset + at);

		at += sizeof(*note) + ((note->n_namesz + 3) & ~3);
		show_note(note, map + segments[0].p_offset + at, pid);
		at += (note->n_descsz + 3) & ~3;
	}
}

ABI_TEST(core, notes)
{
	size_t size;
	pid_t pid = DIES();
	unsigned char *map = core_map(&size);

	if (map)
		show_notes(map, pid);
	pid = DIES(with_threads(1));
	map = core_map(&size);
	if (map)
		show_notes(map, pid);
	pid = DIES(with_threads(4));
	map = core_map(&size);
	if (!map)
		return;
	const Elf64_Phdr *notes = (const void *)(map + ((Elf64_Ehdr *)map)->e_phoff);
	int statuses = 0, floats = 0, spinning = 0, fs3 = 0, same = 0, pids[8];
	for (size_t at = 0; at < notes->p_filesz;) {
		const Elf64_Nhdr *note = (const void *)(map + notes->p_offset + at);
		at += sizeof(*note) + ((note->n_namesz + 3) & ~3);
		const struct prstatus *s = (const void *)(map + notes->p_offset + at);
		if (note->n_type == NT_PRSTATUS && statuses < 8) {
			spinning += s->regs[21] == 0x55aa;
			for (int i = 0; i < statuses; i++)
				same += pids[i] == s->pid;
			pids[statuses++] = s->pid;
		}
		if (note->n_type == NT_PRFPREG) {
			floats++;
			fs3 += ((const double *)s)[19] == 0x55aa;
		}
		at += (note->n_descsz + 3) & ~3;
	}
	printf("threads %d, floats %d, spinning %d, fs3 %d, same %d, first is %s\n", statuses,
	       floats, spinning, fs3, same, pids[0] == pid ? "who died" : "another");
}

// --- The memory that is in it ---

static char *areas[9];
static const char *const area_names[9] = {"anonymous, written",
					  "anonymous, untouched",
					  "anonymous, not to be dumped",
					  "anonymous, shared",
					  "file, private",
					  "file, private and written",
					  "file, shared",
					  "file, shared and nameless",
					  "program's head"};

static void make_areas(void)
{
	int file = open("file", O_RDWR | O_CREAT, 0644),
	    gone = open("gone", O_RDWR | O_CREAT, 0644);
	int elf = open("elf", O_RDWR | O_CREAT, 0644);

	ftruncate(file, 4 * PAGE);
	ftruncate(gone, 4 * PAGE);
	ftruncate(elf, 4 * PAGE);
	pwrite(elf, "\177ELF", 4, 0);
	for (int i = 0; i < 9; i++) {
		int fd = i < 4 ? -1 : i < 7 ? file : i < 8 ? gone : elf;
		int flags = (fd < 0 ? MAP_ANONYMOUS : 0) |
			    (i == 3 || i == 6 || i == 7 ? MAP_SHARED : MAP_PRIVATE);

		areas[i] = mmap(NULL, 4 * PAGE, PROT_READ | (i == 8 ? 0 : PROT_WRITE), flags, fd,
				0);
		if (i != 1 && i != 4 && i != 8)
			memset(areas[i] + PAGE, 'a' + i, 2 * PAGE);
	}
	madvise(areas[2], 4 * PAGE, MADV_DONTDUMP);
	unlink("gone");
}

static void show_areas(const unsigned char *map)
{
	const Elf64_Ehdr *header = (const void *)map;
	const Elf64_Phdr *segments = (const void *)(map + header->e_phoff);

	for (int i = 0; i < 9; i++) {
		int found = 0;

		for (int j = 1; j < header->e_phnum && !found; j++) {
			unsigned long from = (unsigned long)areas[i] - segments[j].p_vaddr;

			if (from >= segments[j].p_memsz)
				continue;
			found = 1;
			printf("  %s: %s", area_names[i],
			       from < segments[j].p_filesz ? "in" : "out");
			if (from + PAGE < segments[j].p_filesz)
				printf(" %d", map[segments[j].p_offset + from + PAGE]);
			printf("\n");
		}
		if (!found)
			printf("  %s: not mentioned\n", area_names[i]);
	}
}

ABI_TEST(core, filter)
{
	static const char *const filters[] = {"",  "0",    "1",     "2",     "4",
					      "8", "0x10", "0x1ff", "0x7f\n"};
	size_t size = 0;

	make_areas();
	get("/proc/self/coredump_filter");
	for (unsigned i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
		if (filters[i][0])
			put("/proc/self/coredump_filter", filters[i]);
		get("/proc/self/coredump_filter");
		DIES();
		unsigned char *map = core_map(&size);
		if (map)
			show_areas(map);
		munmap(map, size);
	}
	put("/proc/self/coredump_filter", "0x12");
	pid_t pid = fork();
	if (!pid) {
		get("/proc/self/coredump_filter");
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
	int fd = open("/proc/self/coredump_filter", O_WRONLY);
	R(write(fd, "x", 1));
	R(write(fd, "-1", 2));
	R(write(fd, "0x100000000", 11));
	R(write(fd, "0xffffffff", 10));
	close(fd);
	get("/proc/self/coredump_filter");
}
