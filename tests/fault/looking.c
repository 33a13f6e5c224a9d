// Faults in calls that look and copy: files of /proc, names of paths, what is read in pieces.

#include "fault.h"
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static const int no_memory[] = {ENOMEM, ENFILE, 0};

static void close_it(void *arg, long file)
{
	(void)arg;
	close(file);
}

// Opens, reads a part, and closes: a success when the reading worked.
static long show_call(void *arg)
{
	static char text[4096];
	int file = open(arg, O_RDONLY);

	if (file < 0)
		return -1;
	long got = read(file, text, sizeof(text));
	int error = errno;
	close(file);
	errno = error;
	return got;
}

FAULT_TEST(looking, files_of_proc)
{
	struct fault_call show = {.call = show_call, .errors = no_memory};
	static char *const names[] = {
		"/proc/self/mounts",
		"/proc/self/mountinfo",
		"/proc/self/smaps",
		"/proc/self/smaps_rollup",
		"/proc/self/maps",
		"/proc/self/fdinfo/1",
		"/proc/self/environ",
		"/proc/self/cmdline",
		"/proc/self/timers",
		"/proc/self/cgroup",
		"/proc/sysvipc/shm",
		"/proc/slabinfo",
		"/proc/stat",
		"/proc/self/uid_map",
		"/proc/sys/kernel/hostname",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		fault_replay(names[i], &show, names[i]);
}

static long open_call(void *arg)
{
	return open(arg, O_RDONLY);
}

static long list_call(void *arg)
{
	static char text[4096];
	int file = open(arg, O_RDONLY | O_DIRECTORY);

	if (file < 0)
		return -1;
	long got = syscall(SYS_getdents64, file, text, sizeof(text));
	int error = errno;
	close(file);
	errno = error;
	return got;
}

FAULT_TEST(looking, directories)
{
	struct fault_call list = {.call = list_call, .errors = no_memory};
	struct fault_call opens = {.call = open_call, .undo = close_it, .errors = no_memory};

	fault_replay("list /proc", &list, "/proc");
	fault_replay("list fd", &list, "/proc/self/fd");
	fault_replay("list ns", &list, "/proc/self/ns");
	fault_replay("list task", &list, "/proc/self/task");
	fault_replay("list /tmp", &list, "/tmp");
	fault_replay("open a namespace", &opens, "/proc/self/ns/uts");
	fault_replay("open by fd", &opens, "/proc/self/fd/1");
	fault_replay("open the program", &opens, "/proc/self/exe");
}

static long link_call(void *arg)
{
	static char text[4096];

	return readlink(arg, text, sizeof(text));
}

static long place_call(void *arg)
{
	static char text[4096];

	(void)arg;
	return getcwd(text, sizeof(text)) ? 0 : -1;
}

FAULT_TEST(looking, names)
{
	struct fault_call link = {.call = link_call, .errors = no_memory};
	struct fault_call place = {.call = place_call, .errors = no_memory};

	symlink("some/where", "/tmp/link");
	fault_replay("readlink()", &link, "/tmp/link");
	fault_replay("readlink(exe)", &link, "/proc/self/exe");
	fault_replay("readlink(cwd)", &link, "/proc/self/cwd");
	fault_replay("readlink(fd)", &link, "/proc/self/fd/1");
	fault_replay("readlink(ns)", &link, "/proc/self/ns/pid");
	unlink("/tmp/link");
	chdir("/tmp");
	fault_replay("getcwd()", &place, NULL);
}

// A link that leads to a file that is made.
static long create_call(void *arg)
{
	return open(arg, O_RDWR | O_CREAT, 0600);
}

static void create_undo(void *arg, long file)
{
	(void)arg;
	close(file);
	unlink("/tmp/target");
}

FAULT_TEST(looking, link_to_new)
{
	struct fault_call create = {.call = create_call, .undo = create_undo, .errors = no_memory};

	symlink("/tmp/target", "/tmp/link");
	fault_replay("open(O_CREAT) by a link", &create, "/tmp/link");
	unlink("/tmp/link");
}

// --- Copying ---

static char source[20000], target[20000];

static long send_call(void *arg)
{
	int *files = arg;
	off_t from = 0;

	lseek(files[1], 0, SEEK_SET);
	return sendfile(files[1], files[0], &from, 5000);
}

static long vector_call(void *arg)
{
	static struct iovec parts[40];

	for (int i = 0; i < 40; i++)
		parts[i] = (struct iovec){target + i * 100, 100};
	return preadv(*(int *)arg, parts, 40, 0);
}

static long other_call(void *arg)
{
	struct iovec here = {target, sizeof(target)}, there = {source, sizeof(source)};

	(void)arg;
	return process_vm_readv(getpid(), &here, 1, &there, 1, 0);
}

static long resident_call(void *arg)
{
	unsigned char map[4];

	return mincore(arg, 4 * 4096, map);
}

static long log_call(void *arg)
{
	static char text[4096];

	(void)arg;
	return syscall(SYS_syslog, 3, text, sizeof(text));
}

FAULT_TEST(looking, copies)
{
	// A copy that fails after a part has been copied gives the part.
	struct fault_call send = {.call = send_call, .errors = no_memory};
	struct fault_call vector = {.call = vector_call, .errors = no_memory};
	struct fault_call other = {.call = other_call, .errors = no_memory};
	struct fault_call resident = {.call = resident_call, .errors = FAULT_ERRORS(EAGAIN)};
	struct fault_call log = {.call = log_call, .errors = no_memory};
	void *area = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			  0);
	int files[2] = {open("/tmp/from", O_RDWR | O_CREAT, 0600),
			open("/tmp/to", O_RDWR | O_CREAT, 0600)};

	memset(source, 1, sizeof(source));
	memset(target, 1, sizeof(target));
	write(files[0], source, sizeof(source));
	fault_replay("sendfile()", &send, files);
	fault_replay("preadv()", &vector, &files[0]);
	fault_replay("process_vm_readv()", &other, NULL);
	fault_replay("mincore()", &resident, area);
	fault_replay("syslog()", &log, NULL);
	close(files[0]);
	close(files[1]);
	unlink("/tmp/from");
	unlink("/tmp/to");
}

// --- Pipes and locks ---

static long fill_call(void *arg)
{
	int ends[2];

	(void)arg;
	if (pipe(ends))
		return -1;
	long done = write(ends[1], source, 6000);
	int error = errno;
	if (done >= 0 && fcntl(ends[1], F_SETPIPE_SZ, 1 << 18) < 0) {
		error = errno;
		done = -1;
	}
	// What was in it is in it still, whether it grew or not.
	if (fcntl(ends[1], F_GETPIPE_SZ) < 4096)
		fault_wrong("the pipe has no size");
	close(ends[0]);
	close(ends[1]);
	errno = error;
	return done;
}

static long lock_call(void *arg)
{
	struct flock part = {.l_type = F_WRLCK, .l_start = 10, .l_len = 10};

	return fcntl(*(int *)arg, F_SETLK, &part);
}

static void lock_undo(void *arg, long result)
{
	struct flock whole = {.l_type = F_UNLCK};

	(void)result;
	fcntl(*(int *)arg, F_SETLK, &whole);
}

// The middle of what is locked: it becomes two.
static long split_call(void *arg)
{
	struct flock middle = {.l_type = F_UNLCK, .l_start = 14, .l_len = 2};

	return fcntl(*(int *)arg, F_SETLK, &middle);
}

static void split_undo(void *arg, long result)
{
	(void)result;
	lock_call(arg);
}

FAULT_TEST(looking, pipes_and_locks)
{
	struct fault_call fill = {.call = fill_call, .errors = no_memory};
	struct fault_call lock = {
		.call = lock_call, .undo = lock_undo, .errors = FAULT_ERRORS(ENOLCK, ENOMEM)};
	struct fault_call split = {
		.call = split_call, .undo = split_undo, .errors = FAULT_ERRORS(ENOLCK, ENOMEM)};
	int file = open("/tmp/locked", O_RDWR | O_CREAT, 0600);

	fault_replay("write and F_SETPIPE_SZ", &fill, NULL);
	fault_replay("F_SETLK", &lock, &file);
	lock_call(&file);
	fault_replay("F_SETLK in the middle", &split, &file);
	close(file);
	unlink("/tmp/locked");
}
