// What programs ask of Linux beyond POSIX.

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/system.h>
#include <syscall.h>
#include <unistd.h>

int mount(const char *source, const char *target, const char *type, unsigned long flags,
	  const void *data)
{
	return (int)syscall(SYS_mount, source, target, type, flags, data);
}

int umount2(const char *target, int flags)
{
	return (int)syscall(SYS_umount2, target, flags);
}

int reboot(int command)
{
	return (int)syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, command);
}

int unshare(unsigned long flags)
{
	return (int)syscall(SYS_unshare, flags);
}

int setns(int fd, int kind)
{
	return (int)syscall(SYS_setns, fd, kind);
}

int klogctl(int action, char *buf, int size)
{
	return (int)syscall(SYS_syslog, action, buf, size);
}

int uname(struct new_utsname *out)
{
	return (int)syscall(SYS_uname, out);
}

int sysinfo(struct sysinfo *out)
{
	return (int)syscall(SYS_sysinfo, out);
}

int prctl(int option, ...)
{
	va_list args;
	long a[4];

	va_start(args, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	return (int)syscall(SYS_prctl, option, a[0], a[1], a[2], a[3]);
}

int getrlimit(int resource, struct rlimit *out)
{
	return (int)syscall(SYS_prlimit64, 0, resource, NULL, out);
}

int setrlimit(int resource, const struct rlimit *in)
{
	return (int)syscall(SYS_prlimit64, 0, resource, in, NULL);
}

int getrusage(int who, struct rusage *out)
{
	return (int)syscall(SYS_getrusage, who, out);
}

int setpriority(int which, int who, int priority)
{
	return (int)syscall(SYS_setpriority, which, who, priority);
}

// The kernel answers 20 minus the priority, so that it is no error. A caller clears errno first.
int getpriority(int which, int who)
{
	long answer = syscall(SYS_getpriority, which, who);

	return answer < 0 ? -1 : 20 - (int)answer;
}

int nice(int by)
{
	errno = 0;
	int now = getpriority(PRIO_PROCESS, 0);

	if (errno || setpriority(PRIO_PROCESS, 0, now + by) < 0)
		return -1;
	return getpriority(PRIO_PROCESS, 0);
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, int64_t offset)
{
	return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}

int munmap(void *at, size_t size)
{
	return (int)syscall(SYS_munmap, at, size);
}

int gethostname(char *buf, size_t size)
{
	struct new_utsname name;

	if (uname(&name) < 0)
		return -1;
	if (strscpy(buf, name.nodename, size) >= 0)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

int sethostname(const char *name, size_t n)
{
	return (int)syscall(SYS_sethostname, name, n);
}
