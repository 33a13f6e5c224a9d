// Faults in calls on extended attributes: a value stays as it was, or is the new one.

#include "fault.h"
#include <sys/xattr.h>

#define FILE_NAME "/tmp/with-attributes"

static char value[2048], buffer[4096];

static long set_call(void *arg)
{
	return setxattr(FILE_NAME, arg, value, sizeof(value), XATTR_CREATE);
}

static void set_undo(void *arg, long result)
{
	(void)result;
	removexattr(FILE_NAME, arg);
}

static long replace_call(void *arg)
{
	return setxattr(FILE_NAME, arg, value, sizeof(value), XATTR_REPLACE);
}

static long get_call(void *arg)
{
	return getxattr(FILE_NAME, arg, buffer, sizeof(buffer));
}

static long list_call(void *arg)
{
	(void)arg;
	return listxattr(FILE_NAME, buffer, sizeof(buffer));
}

FAULT_TEST(xattr, calls)
{
	const int *errors = FAULT_ERRORS(ENOMEM);
	struct fault_call set = {.call = set_call, .undo = set_undo, .errors = errors};
	struct fault_call replace = {.call = replace_call, .errors = errors};
	struct fault_call get = {.call = get_call, .errors = errors};
	struct fault_call list = {.call = list_call, .errors = errors};

	close(open(FILE_NAME, O_CREAT | O_RDWR, 0600));
	setxattr(FILE_NAME, "user.kept", value, sizeof(value), 0);
	fault_replay("setxattr", &set, "user.new");
	fault_replay("setxattr of trusted", &set, "trusted.new");
	fault_replay("setxattr over an old value", &replace, "user.kept");
	fault_replay("getxattr", &get, "user.kept");
	fault_replay("listxattr", &list, NULL);
	unlink(FILE_NAME);
}
