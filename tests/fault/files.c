// Faults in calls on files.

#include "fault.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/timerfd.h>

static void close_it(void *arg, long file)
{
	(void)arg;
	close(file);
}

static long open_call(void *arg)
{
	return open(arg, O_RDONLY);
}

static long create_call(void *arg)
{
	return open(arg, O_RDWR | O_CREAT | O_EXCL, 0600);
}

static void create_undo(void *arg, long file)
{
	close(file);
	unlink(arg);
}

FAULT_TEST(files, open)
{
	struct fault_call call = {
		.call = open_call, .undo = close_it, .errors = FAULT_ERRORS(ENOMEM, ENFILE)};
	struct fault_call create = {
		.call = create_call, .undo = create_undo, .errors = FAULT_ERRORS(ENOMEM, ENOSPC)};

	fault_replay("open(/init)", &call, "/init");
	fault_replay("open(/dev/null)", &call, "/dev/null");
	fault_replay("open(/proc/self/status)", &call, "/proc/self/status");
	fault_replay("open(/)", &call, "/");
	fault_replay("open(O_CREAT)", &create,
		     "/tmp/a-name-that-is-longer-than-what-fits-into-the-dentry-itself");
}

static long pipe_call(void *arg)
{
	return pipe(arg);
}

static void pipe_undo(void *arg, long result)
{
	(void)result;
	close(((int *)arg)[0]);
	close(((int *)arg)[1]);
}

FAULT_TEST(files, pipe)
{
	static int ends[2];
	struct fault_call call = {
		.call = pipe_call, .undo = pipe_undo, .errors = FAULT_ERRORS(ENOMEM, ENFILE)};

	fault_replay("pipe", &call, ends);
}

static long eventfd_call(void *arg)
{
	(void)arg;
	return eventfd(0, 0);
}

static long epoll_call(void *arg)
{
	(void)arg;
	return epoll_create1(0);
}

static long timerfd_call(void *arg)
{
	(void)arg;
	return timerfd_create(CLOCK_MONOTONIC, 0);
}

static long memfd_call(void *arg)
{
	return memfd_create(arg, MFD_ALLOW_SEALING);
}

FAULT_TEST(files, descriptors)
{
	struct fault_call call = {.undo = close_it, .errors = FAULT_ERRORS(ENOMEM, ENFILE)};

	call.call = eventfd_call;
	fault_replay("eventfd", &call, NULL);
	call.call = epoll_call;
	fault_replay("epoll_create1", &call, NULL);
	call.call = timerfd_call;
	fault_replay("timerfd_create", &call, NULL);
	call.call = memfd_call;
	fault_replay("memfd_create", &call, "name");
}

// A descriptor far up makes the table grow.
static long dup_call(void *arg)
{
	(void)arg;
	return dup2(0, 900);
}

static long mkdir_call(void *arg)
{
	return mkdir(arg, 0700);
}

static void mkdir_undo(void *arg, long result)
{
	(void)result;
	rmdir(arg);
}

static long symlink_call(void *arg)
{
	return symlink("somewhere/else", arg);
}

static void unlink_it(void *arg, long result)
{
	(void)result;
	unlink(arg);
}

FAULT_TEST(files, names)
{
	struct fault_call make = {
		.call = mkdir_call, .undo = mkdir_undo, .errors = FAULT_ERRORS(ENOMEM, ENOSPC)};
	struct fault_call symbolic = {
		.call = symlink_call, .undo = unlink_it, .errors = FAULT_ERRORS(ENOMEM, ENOSPC)};
	struct fault_call twice = {
		.call = dup_call, .undo = close_it, .errors = FAULT_ERRORS(ENOMEM, EMFILE)};

	fault_replay("mkdir", &make, "/tmp/folder");
	fault_replay("symlink", &symbolic, "/tmp/link");
	fault_replay("dup2", &twice, NULL);
}

static long mount_call(void *arg)
{
	return mount("none", arg, "tmpfs", 0, NULL);
}

static void mount_undo(void *arg, long result)
{
	(void)result;
	umount(arg);
}

FAULT_TEST(files, mount)
{
	struct fault_call call = {
		.call = mount_call, .undo = mount_undo, .errors = FAULT_ERRORS(ENOMEM)};

	mkdir("/tmp/place", 0700);
	fault_replay("mount", &call, "/tmp/place");
	rmdir("/tmp/place");
}

// The call may write a part before memory is out: that is a success.
static long write_call(void *arg)
{
	static char data[3 * 4096];
	int file = open(arg, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (file < 0)
		return -1;
	long result = write(file, data, sizeof(data));
	int error = errno;
	close(file);
	errno = error;
	return result;
}

static void write_tidy(void *arg)
{
	unlink(arg);
}

FAULT_TEST(files, write)
{
	struct fault_call call = {
		.tidy = write_tidy, .call = write_call, .errors = FAULT_ERRORS(ENOMEM, ENOSPC)};

	fault_replay("write", &call, "/tmp/written");
}
