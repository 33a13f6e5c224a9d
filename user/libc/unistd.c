// POSIX calls that are one system call, or nearly.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/system.h>
#include <sys/wait.h>
#include <syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

ssize_t read(int fd, void *p, size_t n)
{
	return syscall(SYS_read, fd, p, n);
}

ssize_t write(int fd, const void *p, size_t n)
{
	return syscall(SYS_write, fd, p, n);
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
	return syscall(SYS_pread64, fd, p, n, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	return syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t write_all(int fd, const void *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t part = write(fd, (const char *)p + done, n - done);

		if (part < 0 && errno != EINTR)
			return -1;
		done += part > 0 ? (size_t)part : 0;
	}
	return (ssize_t)n;
}

off_t lseek(int fd, off_t offset, int whence)
{
	return syscall(SYS_lseek, fd, offset, whence);
}

int close(int fd)
{
	return (int)syscall(SYS_close, fd);
}

int dup(int fd)
{
	return (int)syscall(SYS_dup, fd);
}

int dup2(int from, int to)
{
	if (from == to)
		return fcntl(from, F_GETFD) < 0 ? -1 : to;
	return dup3(from, to, 0);
}

int dup3(int from, int to, int flags)
{
	return (int)syscall(SYS_dup3, from, to, flags);
}

int pipe2(int fds[2], int flags)
{
	return (int)syscall(SYS_pipe2, fds, flags);
}

int pipe(int fds[2])
{
	return pipe2(fds, 0);
}

int fsync(int fd)
{
	return (int)syscall(SYS_fsync, fd);
}

int ftruncate(int fd, off_t size)
{
	return (int)syscall(SYS_ftruncate, fd, size);
}

int truncate(const char *path, off_t size)
{
	return (int)syscall(SYS_truncate, path, size);
}

void sync(void)
{
	syscall(SYS_sync);
}

int openat(int dir, const char *path, int flags, ...)
{
	unsigned mode = 0;
	va_list args;

	if (flags & (O_CREAT | O_TMPFILE_MASK)) {
		va_start(args, flags);
		mode = va_arg(args, unsigned);
		va_end(args);
	}
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	unsigned mode = 0;
	va_list args;

	if (flags & (O_CREAT | O_TMPFILE_MASK)) {
		va_start(args, flags);
		mode = va_arg(args, unsigned);
		va_end(args);
	}
	return openat(AT_FDCWD, path, flags, mode);
}

int fcntl(int fd, int command, ...)
{
	va_list args;

	va_start(args, command);
	long arg = va_arg(args, long);

	va_end(args);
	return (int)syscall(SYS_fcntl, fd, command, arg);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;

	va_start(args, request);
	long arg = va_arg(args, long);

	va_end(args);
	return (int)syscall(SYS_ioctl, fd, request, arg);
}

// --- Names ---

int access(const char *path, int mode)
{
	return (int)syscall(SYS_faccessat, AT_FDCWD, path, mode);
}

int faccessat(int dir, const char *path, int mode, int flags)
{
	return (int)syscall(SYS_faccessat2, dir, path, mode, flags);
}

int unlinkat(int dir, const char *path, int flags)
{
	return (int)syscall(SYS_unlinkat, dir, path, flags);
}

int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
	return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int remove(const char *path)
{
	return unlink(path) == 0 || errno != EISDIR ? 0 : rmdir(path);
}

int rename(const char *from, const char *to)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to);
}

int link(const char *from, const char *to)
{
	return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to);
}

int symlink(const char *target, const char *path)
{
	return (int)syscall(SYS_symlinkat, target, AT_FDCWD, path);
}

ssize_t readlink(const char *path, char *buf, size_t size)
{
	return syscall(SYS_readlinkat, AT_FDCWD, path, buf, size);
}

int chdir(const char *path)
{
	return (int)syscall(SYS_chdir, path);
}

int fchdir(int fd)
{
	return (int)syscall(SYS_fchdir, fd);
}

int chroot(const char *path)
{
	return (int)syscall(SYS_chroot, path);
}

char *getcwd(char *buf, size_t size)
{
	return syscall(SYS_getcwd, buf, size) < 0 ? NULL : buf;
}

int chown(const char *path, uid_t uid, gid_t gid)
{
	return (int)syscall(SYS_fchownat, AT_FDCWD, path, uid, gid);
}

int lchown(const char *path, uid_t uid, gid_t gid)
{
	return (int)syscall(SYS_fchownat, AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

int fstatat(int dir, const char *path, struct stat *out, int flags)
{
	return (int)syscall(SYS_newfstatat, dir, path, out, flags);
}

int stat(const char *path, struct stat *out)
{
	return fstatat(AT_FDCWD, path, out, 0);
}

int lstat(const char *path, struct stat *out)
{
	return fstatat(AT_FDCWD, path, out, AT_SYMLINK_NOFOLLOW);
}

int fstat(int fd, struct stat *out)
{
	return (int)syscall(SYS_fstat, fd, out);
}

int statfs(const char *path, struct statfs *out)
{
	return (int)syscall(SYS_statfs, path, out);
}

int chmod(const char *path, uint32_t mode)
{
	return (int)syscall(SYS_fchmodat, AT_FDCWD, path, mode);
}

int fchmod(int fd, uint32_t mode)
{
	return (int)syscall(SYS_fchmod, fd, mode);
}

uint32_t umask(uint32_t mask)
{
	return (uint32_t)syscall(SYS_umask, mask);
}

int mkdir(const char *path, uint32_t mode)
{
	return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int mknod(const char *path, uint32_t mode, uint64_t device)
{
	return (int)syscall(SYS_mknodat, AT_FDCWD, path, mode, device);
}

int mkfifo(const char *path, uint32_t mode)
{
	return mknod(path, mode | S_IFIFO, 0);
}

int utimensat(int dir, const char *path, const void *times, int flags)
{
	return (int)syscall(SYS_utimensat, dir, path, times, flags);
}

// --- Processes ---

pid_t fork(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD);
}

pid_t getpid(void)
{
	return (pid_t)syscall(SYS_getpid);
}

pid_t getppid(void)
{
	return (pid_t)syscall(SYS_getppid);
}

pid_t gettid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

pid_t setsid(void)
{
	return (pid_t)syscall(SYS_setsid);
}

pid_t getsid(pid_t pid)
{
	return (pid_t)syscall(SYS_getsid, pid);
}

pid_t getpgid(pid_t pid)
{
	return (pid_t)syscall(SYS_getpgid, pid);
}

pid_t getpgrp(void)
{
	return getpgid(0);
}

int setpgid(pid_t pid, pid_t group)
{
	return (int)syscall(SYS_setpgid, pid, group);
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	return (int)syscall(SYS_execve, path, argv, envp);
}

pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
	return (pid_t)syscall(SYS_wait4, pid, status, options, usage);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	return wait4(pid, status, options, NULL);
}

pid_t wait(int *status)
{
	return wait4(-1, status, 0, NULL);
}

uid_t getuid(void)
{
	return (uid_t)syscall(SYS_getuid);
}

uid_t geteuid(void)
{
	return (uid_t)syscall(SYS_geteuid);
}

gid_t getgid(void)
{
	return (gid_t)syscall(SYS_getgid);
}

gid_t getegid(void)
{
	return (gid_t)syscall(SYS_getegid);
}

int getgroups(int n, gid_t *list)
{
	return (int)syscall(SYS_getgroups, n, list);
}

int setgroups(size_t n, const gid_t *list)
{
	return (int)syscall(SYS_setgroups, n, list);
}

int setuid(uid_t uid)
{
	return (int)syscall(SYS_setuid, uid);
}

int setgid(gid_t gid)
{
	return (int)syscall(SYS_setgid, gid);
}

// --- Terminals ---

int tcgetattr(int fd, struct termios *out)
{
	return ioctl(fd, TCGETS, out);
}

int tcsetattr(int fd, int when, const struct termios *in)
{
	return ioctl(fd, TCSETS + (unsigned)when, in);
}

int tcflush(int fd, int queue)
{
	return ioctl(fd, TCFLSH, (long)queue);
}

void cfmakeraw(struct termios *t)
{
	t->c_iflag &= ~(unsigned)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
	t->c_oflag &= ~(unsigned)OPOST;
	t->c_lflag &= ~(unsigned)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	t->c_cflag = (t->c_cflag & ~(unsigned)(CSIZE | PARENB)) | CS8;
	t->c_cc[VMIN] = 1;
	t->c_cc[VTIME] = 0;
}

int isatty(int fd)
{
	struct termios t;

	return tcgetattr(fd, &t) == 0;
}

pid_t tcgetpgrp(int fd)
{
	pid_t group;

	return ioctl(fd, TIOCGPGRP, &group) < 0 ? -1 : group;
}

int tcsetpgrp(int fd, pid_t group)
{
	return ioctl(fd, TIOCSPGRP, &group);
}
