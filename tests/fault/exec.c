// Faults in what a process can do but once: becoming another program, entering namespaces for its
// children. Each call is made by a child of its own, which tells by its status.

#include "fault.h"
#include <elf.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/xattr.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

#define STEPS_MAX 800
#define ENOUGH    5 // successes one after the other: there are no more faults

// Returns 0 or what errno is; or does not return.
struct child_call {
	int (*call)(const struct child_call *self);
	void (*prepare)(void); // in the child, before the faults; or NULL
	int flags;
	const char *path;
};

static char *const empty[] = {NULL};

// How the n-th fault ended: 0, an errno, or -1: the kernel killed it, past the point of no return.
static int try_fault(const struct child_call *call, int nth)
{
	static char stack[64 << 10];
	char text[16];
	int status = 0;

	snprintf(text, sizeof(text), "%d", nth);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		if (call->prepare)
			call->prepare();
		int file = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
		memset(stack, 1, sizeof(stack));
		dup2(open("/dev/null", O_WRONLY), 1);
		pwrite(file, text, strlen(text), 0);
		int error = call->call(call);
		pwrite(file, "0", 1, 0);
		_exit(error);
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (WTERMSIG(status) != SIGKILL && WTERMSIG(status) != SIGSEGV)
		fault_wrong("fault %d: killed by %d", nth, WTERMSIG(status));
	return -1;
}

static void replay_in_child(const char *what, const struct child_call *call)
{
	static char before[CENSUS_MAX];
	int successes = 0, nth;
	char step[160];

	fault_census_same("", NULL);
	// Thrice without a fault, so that what a first run leaves is there.
	for (int i = 0; i < 3; i++) {
		int error = try_fault(call, 0);

		if (error)
			fault_wrong("%s fails without a fault: %d", what, error);
		fault_census(before);
	}
	for (nth = 1; nth < STEPS_MAX && successes < ENOUGH; nth++) {
		int error = try_fault(call, nth);

		successes = error ? 0 : successes + 1;
		snprintf(step, sizeof(step), "%s, fault %d", what, nth);
		if (error > 0 && error != ENOMEM && error != EFAULT && error != EAGAIN)
			fault_wrong("%s: unexpected %s", step, strerrorname_np(error));
		if (!fault_census_same(step, before))
			fault_census(before);
	}
	if (successes < ENOUGH)
		fault_wrong("%s never succeeded", what);
	printf("# %s: %d faults\n", what, nth - 1 - ENOUGH);
}

// --- Programs of a few bytes, that end with status 0 ---

static const unsigned end_code[] = {
	0x00000513, // li a0, 0
	0x05e00893, // li a7, exit_group
	0x00000073, // ecall
};

struct tiny {
	Elf64_Ehdr head;
	Elf64_Phdr segment[2];
	char interpreter[16];
	unsigned code[3];
};

static void write_file(const char *path, mode_t mode, const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	write(fd, bytes, size);
	fchmod(fd, mode);
	close(fd);
}

static void write_program(const char *path, mode_t mode, int type, const char *interpreter)
{
	unsigned long base = type == ET_EXEC ? 0x10000 : 0;
	struct tiny file = {
		.head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			 .e_type = type,
			 .e_machine = EM_RISCV,
			 .e_version = EV_CURRENT,
			 .e_entry = base + offsetof(struct tiny, code),
			 .e_phoff = offsetof(struct tiny, segment),
			 .e_ehsize = sizeof(Elf64_Ehdr),
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = interpreter ? 2 : 1},
		.segment = {{.p_type = PT_LOAD,
			     .p_flags = PF_R | PF_X,
			     .p_vaddr = base,
			     .p_paddr = base,
			     .p_filesz = sizeof(file),
			     .p_memsz = sizeof(file),
			     .p_align = 4096},
			    {.p_type = PT_INTERP,
			     .p_flags = PF_R,
			     .p_offset = offsetof(struct tiny, interpreter),
			     .p_vaddr = base + offsetof(struct tiny, interpreter),
			     .p_filesz = sizeof(file.interpreter),
			     .p_memsz = sizeof(file.interpreter),
			     .p_align = 1}},
	};

	if (interpreter)
		strcpy(file.interpreter, interpreter);
	memcpy(file.code, end_code, sizeof(end_code));
	write_file(path, mode, &file, sizeof(file));
}

static void write_programs(void)
{
	static const char script[] = "#!/tmp/static one\n", outer[] = "#!/tmp/script two\n";

	write_program("/tmp/static", 0755, ET_EXEC, NULL);
	write_program("/tmp/static-pie", 0755, ET_DYN, NULL);
	write_program("/tmp/pie", 0755, ET_DYN, "/tmp/static-pie");
	write_program("/tmp/setuid", 06755, ET_DYN, "/tmp/static-pie");
	chown("/tmp/setuid", 1000, 1000);
	chmod("/tmp/setuid", 06755);
	write_program("/tmp/caps", 0755, ET_DYN, "/tmp/static-pie");
	// Revision 2, effective: CAP_KILL.
	const unsigned caps[5] = {0x02000001, 1 << 5, 0, 0, 0};
	if (setxattr("/tmp/caps", "security.capability", caps, sizeof(caps), 0))
		fault_wrong("no capabilities for a file: %s", strerrorname_np(errno));
	write_file("/tmp/script", 0755, script, sizeof(script) - 1);
	write_file("/tmp/outer", 0755, outer, sizeof(outer) - 1);
}

// --- execve, execveat ---

static int exec_path(const struct child_call *self)
{
	char *argv[] = {(char *)self->path, "no-such-test", NULL};

	execve(self->path, argv, empty);
	return errno;
}

static int exec_file(const struct child_call *self)
{
	char *argv[] = {"x", NULL};
	int fd = open(self->path, O_PATH);

	if (fd >= 0)
		execveat(fd, "", argv, empty, AT_EMPTY_PATH);
	return errno;
}

static void *sleep_on(void *unused)
{
	for (;;)
		pause();
	return unused;
}

// Other threads, which share all, and a descriptor table that somebody else has, too.
static void with_threads(void)
{
	pthread_t thread;

	for (int i = 0; i < 3; i++)
		pthread_create(&thread, NULL, sleep_on, NULL);
	usleep(2000);
}

FAULT_TEST(exec, programs)
{
	static const char *const paths[] = {"/tmp/static", "/tmp/static-pie", "/tmp/pie",
					    "/tmp/setuid", "/tmp/caps",       "/tmp/script",
					    "/tmp/outer"};

	write_programs();
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct child_call call = {.call = exec_path, .path = paths[i]};
		replay_in_child(paths[i], &call);
	}
}

FAULT_TEST(exec, by_descriptor)
{
	struct child_call pie = {.call = exec_file, .path = "/tmp/pie"};
	struct child_call script = {.call = exec_file, .path = "/tmp/script"};

	write_programs();
	replay_in_child("execveat of /tmp/pie", &pie);
	replay_in_child("execveat of /tmp/script", &script);
}

FAULT_TEST(exec, with_threads)
{
	struct child_call pie = {.call = exec_path, .prepare = with_threads, .path = "/tmp/pie"};
	struct child_call script = {
		.call = exec_path, .prepare = with_threads, .path = "/tmp/script"};

	write_programs();
	replay_in_child("/tmp/pie, with threads", &pie);
	replay_in_child("/tmp/script, with threads", &script);
}

FAULT_TEST(exec, large)
{
	struct child_call call = {.call = exec_path, .path = "/init"};

	replay_in_child("/init", &call);
}

// --- unshare of what cannot be unshared twice ---

static int unshare_flags(const struct child_call *self)
{
	return unshare(self->flags) ? errno : 0;
}

// And a child in the new namespaces.
static int unshare_and_fork(const struct child_call *self)
{
	int status = 0;

	if (unshare(self->flags))
		return errno;
	pid_t pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!pid)
		_exit(0);
	if (pid < 0)
		return errno;
	waitpid(pid, &status, 0);
	return 0;
}

#define EVERY                                                                            \
	(CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWTIME | CLONE_NEWCGROUP | CLONE_NEWUTS | \
	 CLONE_NEWIPC | CLONE_NEWNS | CLONE_FILES | CLONE_SYSVSEM)

FAULT_TEST(exec, unshare_once)
{
	static const struct {
		const char *name;
		int flags;
	} cases[] = {
		{"unshare(NEWPID)", CLONE_NEWPID},
		{"unshare(NEWUSER)", CLONE_NEWUSER},
		{"unshare(NEWTIME)", CLONE_NEWTIME},
		{"unshare(NEWCGROUP)", CLONE_NEWCGROUP},
		{"unshare(EMPTY_MNTNS)", 1 << 20},
		{"unshare(EMPTY_MNTNS|NEWUSER|NEWUTS)", 1 << 20 | CLONE_NEWUSER | CLONE_NEWUTS},
		{"unshare(everything)", EVERY},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct child_call call = {.call = unshare_flags, .flags = cases[i].flags};
		char with_fork[64];

		replay_in_child(cases[i].name, &call);
		call.call = unshare_and_fork;
		snprintf(with_fork, sizeof(with_fork), "%s and fork", cases[i].name);
		replay_in_child(with_fork, &call);
	}
}
