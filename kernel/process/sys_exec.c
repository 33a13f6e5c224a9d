// execve(2), execveat(2): arguments.

#include <fs/path.h>
#include <mm/slab.h>
#include <process/exec.h>
#include <syscall/define.h>
#include <uapi/errno.h>
#include <uapi/fcntl.h>

static long exec_from_user(int dirfd, u64 path_at, u64 argv, u64 envp, int flags)
{
	struct exec_strings args = {.user = argv}, env = {.user = envp};
	char *path;

	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_EXECVE_CHECK))
		return -EINVAL;
	int error = path_from_user(path_at, flags & AT_EMPTY_PATH, &path);
	if (error)
		return error;
	error = exec_program(dirfd, path, flags, &args, &env);
	path_free(path);
	return error;
}

SYSCALL3(execve, u64, path, u64, argv, u64, envp)
{
	return exec_from_user(AT_FDCWD, path, argv, envp, 0);
}

SYSCALL5(execveat, int, dirfd, u64, path, u64, argv, u64, envp, int, flags)
{
	return exec_from_user(dirfd, path, argv, envp, flags);
}
