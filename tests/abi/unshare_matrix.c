// Every combination of eleven flags of unshare, from callers of several kinds: which are refused, and
// for each that is not, what the caller has for itself afterwards, as user space can see it.
//
// The caller is a child of the test, made for one combination. Beside it there is a partner that
// shares with it what the kind of the caller says: a thread, or a process with some of the same
// resources. The partner runs raw calls only. After the unshare the caller looks at its namespaces
// and changes what is in them; the test, its parent, looks whether that reached it. Then the partner
// changes one thing of each other kind, and the caller looks which of these still reach it.
//
// A call that fails must have changed nothing: what is seen then is compared with what the same
// caller sees that unshares nothing, and a difference is marked with an exclamation mark.
//
// Eight combinations a line, five hexadecimal digits each (enum seen), or the error (EINVAL: -----).
// Linux's output is kept in unshare_matrix.linux; `scripts/compare --record` makes it anew.

#include "raw.h"
#include <linux/capability.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sem.h>
#include <sys/utsname.h>
#include <time.h>

enum seen {
	UMASK_SHARED = 1 << 0, // the partner's change reaches the caller
	CWD_SHARED = 1 << 1,
	FILES_SHARED = 1 << 2,
	HANDLERS_SHARED = 1 << 3,
	MEMORY_SHARED = 1 << 4,
	UNDONE_AT_ONCE = 1 << 5, // the semaphore has its value back after the call
	UNDONE_AT_END = 1 << 6,
	OWN_HOSTNAME = 1 << 7, // the caller's change does not reach its parent
	OWN_IPC = 1 << 8,
	OWN_MOUNTS = 1 << 9,
	CHILD_IS_INIT = 1 << 10,
	IDS_UNMAPPED = 1 << 11,
	CAPABLE = 1 << 12,
	HOSTNAME_SET = 1 << 13, // may be changed at all
	MOUNTED = 1 << 14,
	LINKS_SHIFT = 15, // five bits: which links in /proc/self/ns point elsewhere
};

static const unsigned long matrix_flags[] = {
	CLONE_FILES, CLONE_FS,     CLONE_SYSVSEM, CLONE_THREAD, CLONE_SIGHAND, CLONE_VM,
	CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWUTS, CLONE_NEWIPC,
};
static const char *const links[] = {"mnt", "uts", "ipc", "pid_for_children", "user"};

#define FLAGS    11
#define A_LINE   8
#define LINKS    5
#define SPARE_FD 100
#define OTHER_ID 1000
#define KEY      0x5eed

enum stage {
	START,
	CALLED,    // the caller is back from unshare, the semaphore may be looked at
	LOOKED_AT, // by the test
	PARTNER_GO,
	PARTNER_DONE,
};

// What the tasks tell each other; in a shared mapping.
struct notes {
	volatile int stage;
	volatile long result;
	volatile unsigned seen;
	volatile int child_saw;
};

// What kind of caller.
struct caller {
	unsigned long shared; // flags for the partner; 0: there is none
	int unprivileged, chrooted;
};

static struct notes *notes;
static int semaphores;
static volatile int word;
static char partner_stack[16384] __attribute__((aligned(16)));
static char links_before[LINKS][64];

// --- The partner ---

// Changes one thing of each kind. No C library, no thread-local words: both may be the caller's.
__attribute__((used, noinline, no_stack_protector)) static void partner_body(void)
{
	struct raw_action ignore = {SIG_IGN, 0, 0};

	raw_await(&notes->stage, PARTNER_GO);
	word = 1;
	raw(SYS_umask, 0171, 0, 0, 0);
	raw(SYS_chdir, (long)"/", 0, 0, 0);
	raw(SYS_dup3, 1, SPARE_FD, 0, 0);
	raw(SYS_rt_sigaction, SIGUSR2, (long)&ignore, 0, 8);
	raw_tell(&notes->stage, PARTNER_DONE);
}

// clone with a stack for partner_body, which ends in exit.
__attribute__((noinline)) static long start_partner(unsigned long flags)
{
	register long a0 asm("a0") = (long)flags;
	register long a1 asm("a1") = (long)(partner_stack + sizeof(partner_stack));
	register long a7 asm("a7") = SYS_clone;

	asm volatile("ecall\n"
		     "bnez a0, 1f\n"
		     "call partner_body\n"
		     "li a0, 0\n"
		     "li a7, %[exit]\n"
		     "ecall\n"
		     "ebreak\n"
		     "1:"
		     : "+r"(a0)
		     : "r"(a1), "r"(a7), [exit] "i"(SYS_exit)
		     : "a2", "a3", "a4", "memory");
	return a0;
}

static void end_partner(const struct caller *kind, long partner)
{
	raw_tell(&notes->stage, PARTNER_GO);
	raw_await(&notes->stage, PARTNER_DONE);
	if (!(kind->shared & CLONE_THREAD)) {
		waitpid(partner, NULL, 0);
		return;
	}
	while (!syscall(SYS_tgkill, getpid(), partner, 0))
		sched_yield();
}

// --- The caller ---

static void read_links(char text[LINKS][64])
{
	for (int i = 0; i < LINKS; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/ns/%s", links[i]);
		ssize_t got = readlink(path, text[i], 63);
		text[i][got < 0 ? 0 : got] = '\0';
	}
}

static int is_capable(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {};

	syscall(SYS_capget, &head, data);
	return data[0].effective >> CAP_SYS_ADMIN & 1;
}

// Whether a child is the first of a pid namespace. A raw fork: the C library does not know the
// partner.
static int child_is_init(void)
{
	long pid = raw(SYS_clone, SIGCHLD, 0, 0, 0);

	if (!pid) {
		notes->child_saw = raw(SYS_getpid, 0, 0, 0, 0);
		raw(SYS_exit_group, 0, 0, 0, 0);
	}
	waitpid(pid, NULL, 0);
	return notes->child_saw == 1;
}

// What the caller sees of its namespaces and credentials; it changes those.
static unsigned look_at_namespaces(void)
{
	char now[LINKS][64];
	unsigned seen = 0;

	read_links(now);
	for (int i = 0; i < LINKS; i++)
		seen |= strcmp(now[i], links_before[i]) ? 1u << (LINKS_SHIFT + i) : 0;
	if (semget(KEY, 1, 0) < 0 && errno == ENOENT)
		seen |= OWN_IPC;
	if (getuid() != 0 && getuid() != OTHER_ID)
		seen |= IDS_UNMAPPED;
	seen |= is_capable() ? CAPABLE : 0;
	seen |= child_is_init() ? CHILD_IS_INIT : 0;
	seen |= sethostname("changed", 7) ? 0 : HOSTNAME_SET;
	seen |= mount("none", "/tmp/unshare-mount", "tmpfs", 0, NULL) ? 0 : MOUNTED;
	return seen;
}

static unsigned look_at_rest(void)
{
	struct raw_action old;
	char cwd[256] = "";
	unsigned seen = word ? MEMORY_SHARED : 0;

	seen |= umask(022) != 022 ? UMASK_SHARED : 0;
	syscall(SYS_getcwd, cwd, sizeof(cwd));
	seen |= cwd[1] ? 0 : CWD_SHARED;
	seen |= close(SPARE_FD) ? 0 : FILES_SHARED;
	syscall(SYS_rt_sigaction, SIGUSR2, NULL, &old, 8);
	seen |= old.handler == SIG_IGN ? HANDLERS_SHARED : 0;
	return seen;
}

static void caller_main(const struct caller *kind, unsigned long flags)
{
	struct sembuf up = {0, 1, SEM_UNDO};
	long partner = 0;

	umask(022);
	if (kind->chrooted && (chroot("/tmp") || chdir("/unshare-home")))
		_exit(1);
	if (kind->unprivileged &&
	    (setresgid(OTHER_ID, OTHER_ID, OTHER_ID) || setresuid(OTHER_ID, OTHER_ID, OTHER_ID)))
		_exit(2);
	if (semop(semaphores, &up, 1))
		_exit(3);
	if (kind->shared)
		partner = start_partner(kind->shared);
	if (partner < 0)
		_exit(4);
	notes->result = unshare(flags) ? -errno : 0;
	raw_tell(&notes->stage, CALLED);
	raw_await(&notes->stage, LOOKED_AT);
	notes->seen |= look_at_namespaces();
	if (partner)
		end_partner(kind, partner);
	notes->seen |= look_at_rest();
	_exit(0);
}

// --- The test ---

// What can be seen from outside of the caller; it is put back.
static unsigned look_from_outside(unsigned seen)
{
	struct stat mounted, folder;
	struct utsname name;

	uname(&name);
	if ((seen & HOSTNAME_SET) && strcmp(name.nodename, "changed"))
		seen |= OWN_HOSTNAME;
	sethostname("unchanged", 9);
	if (stat("/tmp", &folder) || stat("/tmp/unshare-mount", &mounted))
		printf("stat: %s\n", strerrorname_np(errno));
	if ((seen & MOUNTED) && mounted.st_dev == folder.st_dev)
		seen |= OWN_MOUNTS;
	// What one combination left would be taken for the next one's.
	if (mounted.st_dev != folder.st_dev && umount2("/tmp/unshare-mount", MNT_DETACH))
		printf("umount2: %s\n", strerrorname_np(errno));
	if (stat("/tmp/unshare-mount", &mounted) || mounted.st_dev != folder.st_dev)
		printf("a mount has stayed\n");
	seen |= semctl(semaphores, 0, GETVAL) ? 0 : UNDONE_AT_END;
	semctl(semaphores, 0, SETVAL, 0);
	return seen;
}

// One combination. Returns what was seen; *result: what unshare returned.
static unsigned try(const struct caller *kind, unsigned long flags, long *result)
{
	struct notes fresh = {.stage = START};
	int status;

	*notes = fresh;
	pid_t pid = fork();
	if (!pid)
		caller_main(kind, flags);
	while (notes->stage == START && !waitpid(pid, &status, WNOHANG)) {
		struct timespec second = {.tv_sec = 1};

		syscall(SYS_futex, &notes->stage, FUTEX_WAIT, START, &second);
	}
	if (notes->stage == START) {
		printf("%lx: the caller ended with %x\n", flags, status);
		return 0;
	}
	notes->seen |= semctl(semaphores, 0, GETVAL) ? 0 : UNDONE_AT_ONCE;
	raw_tell(&notes->stage, LOOKED_AT);
	if (waitpid(pid, &status, 0) != pid || status)
		printf("%lx: the caller's status is %x\n", flags, status);
	*result = notes->result;
	return look_from_outside(notes->seen);
}

static void matrix(const struct caller *kind, unsigned first, unsigned count)
{
	long result;

	notes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	semaphores = semget(KEY, 1, IPC_CREAT | 0666);
	mkdir("/tmp/unshare-mount", 0755);
	mkdir("/tmp/unshare-home", 0755);
	chdir("/tmp/unshare-home");
	read_links(links_before);
	unsigned nothing = try(kind, 0, &result);
	for (unsigned i = first; i < first + count; i++) {
		unsigned long flags = 0;

		for (int bit = 0; bit < FLAGS; bit++)
			flags |= i & 1u << bit ? matrix_flags[bit] : 0;
		unsigned seen = try(kind, flags, &result);
		if (i % A_LINE == 0)
			printf("%03x", i);
		if (!result)
			printf(" %05x", seen);
		else
			printf(" %s%s", result == -EINVAL ? "-----" : strerrorname_np(-result),
			       seen == nothing ? "" : "!");
		if (i % A_LINE == A_LINE - 1)
			puts("");
	}
	semctl(semaphores, 0, IPC_RMID);
	rmdir("/tmp/unshare-mount");
	rmdir("/tmp/unshare-home");
}

// A part has all combinations of the first nine flags; the last two choose among the parts.
#define PART 0x200
#define TRY(name, part, ...)                                                    \
	ABI_TEST(unshare_matrix, name)                                          \
	{                                                                       \
		matrix(&(const struct caller){__VA_ARGS__}, (part)*PART, PART); \
	}
// Who is alone and who has threads try all; the others nine flags.
#define TRY_ALL(name, ...)              \
	TRY(name, 0, __VA_ARGS__)       \
	TRY(name##_uts, 1, __VA_ARGS__) \
	TRY(name##_ipc, 2, __VA_ARGS__) \
	TRY(name##_uts_ipc, 3, __VA_ARGS__)

TRY_ALL(alone, .shared = 0)
TRY_ALL(beside_thread,
	.shared = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)
TRY(beside_fs_files, 0, .shared = CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | SIGCHLD)
TRY(beside_vm, 0, .shared = CLONE_VM | SIGCHLD)
TRY(beside_sighand, 0, .shared = CLONE_VM | CLONE_SIGHAND | CLONE_SYSVSEM | SIGCHLD)
TRY(unprivileged, 0, .shared = CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | SIGCHLD, .unprivileged = 1)
TRY(chrooted, 0, .chrooted = 1)

// Every single bit that is not among those above, and not of a kind that is looked at elsewhere.
ABI_TEST(unshare_matrix, other_bits)
{
	for (int bit = 0; bit < 64; bit++) {
		unsigned long flag = 1ul << bit;
		unsigned long known = CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWTIME;

		for (int i = 0; i < FLAGS; i++)
			known |= matrix_flags[i];
		if (flag & known)
			continue;
		pid_t pid = fork();
		if (!pid) {
			printf("bit %2d: %s, with FILES %s\n", bit,
			       syscall(SYS_unshare, flag) ? strerrorname_np(errno) : "works",
			       syscall(SYS_unshare, flag | CLONE_FILES) ? strerrorname_np(errno)
									: "works");
			fflush(stdout);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}
