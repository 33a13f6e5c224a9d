// The callers that a capability check is tried with; see caps.h.

#include "caps.h"
#include <grp.h>
#include <sys/mman.h>
#include <sys/prctl.h>

enum place {
	HERE,
	CHILD_NS,
	OWN_NS
};
enum amount {
	NOTHING,
	NEEDED,
	ALL_BUT,
	EVERYTHING
};

static const struct caller {
	const char *name;
	uid_t uid;
	enum amount amount;
	enum place place;
} callers[] = {
	{"only", 0, NEEDED, HERE},
	{"but", 0, ALL_BUT, HERE},
	{"none", 0, NOTHING, HERE},
	{"user", 1000, NOTHING, HERE},
	{"user+", 1000, NEEDED, HERE},
	// Root of a namespace made after the object was, which belongs to the one outside.
	{"child", 0, EVERYTHING, CHILD_NS},
	// All of it, the object too, inside a namespace.
	{"own", 0, NEEDED, OWN_NS},
	{"own-but", 0, ALL_BUT, OWN_NS},
	{"own-user", 1000, NOTHING, OWN_NS},
};

static struct outcome {
	long result;
	int error, made;
} * outcome;

pid_t caps_victim;
static int victim_barrier[2];

void caps_keep(uint64_t caps)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{caps, caps, 0}, {caps >> 32, caps >> 32, 0}};

	if (syscall(SYS_capset, &header, data))
		printf("capset: %s\n", strerrorname_np(errno));
}

void caps_become(uid_t uid, uint64_t caps)
{
	prctl(PR_SET_KEEPCAPS, 1);
	setgroups(0, NULL);
	if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		printf("setresuid: %s\n", strerrorname_np(errno));
	caps_keep(caps);
	prctl(PR_SET_DUMPABLE, 1);
}

long caps_put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return -1;
	long written = write(fd, text, strlen(text));
	int error = errno;
	close(fd);
	errno = error;
	return written < 0 ? -1 : 0;
}

long caps_open(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

void caps_make_file(const char *path, uid_t uid, mode_t mode)
{
	close(open(path, O_CREAT | O_RDWR, 0600));
	chown(path, uid, uid);
	chmod(path, mode);
}

void caps_enter_user_ns(int flags)
{
	int barrier[2];
	char path[64], c;

	pipe(barrier);
	pid_t pid = getpid(), helper = fork();
	if (helper == 0) {
		close(barrier[1]);
		read(barrier[0], &c, 1);
		sprintf(path, "/proc/%d/uid_map", pid);
		long error = caps_put(path, "0 0 65536");
		sprintf(path, "/proc/%d/gid_map", pid);
		_exit(error || caps_put(path, "0 0 65536"));
	}
	int status = 0;
	if (unshare(CLONE_NEWUSER | flags))
		printf("unshare: %s\n", strerrorname_np(errno));
	close(barrier[0]);
	close(barrier[1]);
	waitpid(helper, &status, 0);
	if (status)
		printf("no map\n");
}

static void make_victim(uid_t uid, uint64_t caps)
{
	int ready[2];
	char c;

	pipe(victim_barrier);
	pipe(ready);
	caps_victim = fork();
	if (caps_victim == 0) {
		close(victim_barrier[1]);
		close(ready[0]);
		if (uid)
			caps_become(uid, caps);
		close(ready[1]);
		read(victim_barrier[0], &c, 1);
		_exit(0);
	}
	close(ready[1]);
	read(ready[0], &c, 1);
	close(ready[0]);
}

void caps_make_victim(void)
{
	make_victim(2000, 0);
}

void caps_make_root_victim(void)
{
	make_victim(0, CAPS_ALL);
}

void caps_make_capable_victim(void)
{
	make_victim(1000, CAP(CAP_KILL));
}

const char *caps_victim_file(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", caps_victim, name);
	return path;
}

static void make_place(enum place place)
{
	if (place == OWN_NS)
		caps_enter_user_ns(CLONE_NEWNS);
	else
		unshare(CLONE_NEWNS);
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (mount("t", ".", "tmpfs", 0, "mode=0777"))
		printf("tmpfs: %s\n", strerrorname_np(errno));
	chdir("../");
	chdir(getenv("CAPS_FOLDER"));
}

static void attempt(const struct cap_case *c, const struct caller *caller)
{
	uint64_t needed = CAP(c->cap) | c->with;
	uint64_t caps = caller->amount == NEEDED       ? needed
			: caller->amount == ALL_BUT    ? CAPS_ALL & ~(CAP(c->cap) | c->instead)
			: caller->amount == EVERYTHING ? CAPS_ALL
						       : 0;

	make_place(caller->place);
	if (c->prepare)
		c->prepare();
	if (caller->place == CHILD_NS)
		caps_enter_user_ns(0);
	if (caller->uid)
		caps_become(caller->uid, caps);
	else
		caps_keep(caps);
	fflush(stdout);
	errno = 0;
	long result = c->attempt();
	*outcome = (struct outcome){result, errno, 1};
	fflush(stdout);
	_exit(0);
}

static void try_as(const struct cap_case *c, const struct caller *caller)
{
	int status;

	fflush(stdout);
	outcome->made = 0;
	pid_t pid = fork();
	if (pid == 0)
		attempt(c, caller);
	waitpid(pid, &status, 0);
	while (wait(NULL) > 0) // whom it left behind
		;
	if (!outcome->made)
		printf(" %s died %x", caller->name, status);
	else if (outcome->result < 0)
		printf(" %s %s", caller->name, strerrorname_np(outcome->error) ?: "?");
	else
		printf(" %s %ld", caller->name, outcome->result);
}

void caps_try(const struct cap_case *cases, size_t count)
{
	char folder[128];

	setenv("CAPS_FOLDER", getcwd(folder, sizeof(folder)), 1);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	for (const struct cap_case *c = cases; c < cases + count; c++) {
		printf("%s:", c->name);
		for (size_t i = 0; i < sizeof(callers) / sizeof(*callers); i++)
			try_as(c, &callers[i]);
		printf("\n");
	}
}
