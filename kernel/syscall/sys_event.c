// eventfd(2), memfd_create(2), timerfd_create(2), epoll(7).

#include <core/errno.h>
#include <core/timer.h>
#include <fs/event.h>
#include <fs/files.h>
#include <fs/memfd.h>
#include <mm/uaccess.h>
#include <signal/clocks.h>
#include <signal/signal.h>
#include <ns/cred.h>
#include <syscall/define.h>
#include <syscall/poll_mask.h>
#include <uapi/errno.h>
#include <uapi/eventfd.h>
#include <uapi/memfd.h>
#include <uapi/signalfd.h>
#include <uapi/time.h>

// A descriptor for a new file, whose reference it takes.
static long give_descriptor(struct file *file, int flags)
{
	int fd = fd_alloc(flags & O_CLOEXEC);

	if (fd < 0)
		file_put(file);
	else
		fd_install(fd, file);
	return fd;
}

SYSCALL2(eventfd2, unsigned, count, int, flags)
{
	struct file *file;

	if (flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
		return -EINVAL;
	int error = eventfd_create(count, flags, &file);
	return error ?: give_descriptor(file, flags);
}

SYSCALL2(memfd_create, u64, name_at, unsigned, flags)
{
	char name[250];
	struct file *file;

	if (flags & MFD_HUGETLB)
		return -ENOSYS; // there are no huge pages
	if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC))
		return -EINVAL;
	if ((flags & MFD_NOEXEC_SEAL) && (flags & MFD_EXEC))
		return -EINVAL;
	long length = strncpy_from_user(name, name_at, sizeof(name));
	if (length < 0)
		return length;
	if (length == sizeof(name))
		return -EINVAL;
	int error = memfd_create(name, flags, &file);
	return error ?: give_descriptor(file, (flags & MFD_CLOEXEC) ? O_CLOEXEC : 0);
}

// --- signalfd ---

SYSCALL4(signalfd4, int, fd, u64, mask_at, size_t, size, int, flags)
{
	struct file *file;
	u64 mask;

	if (size != sizeof(mask))
		return -EINVAL;
	if (get_user_u64(mask_at, &mask))
		return -EFAULT;
	if (flags & ~(SFD_CLOEXEC | SFD_NONBLOCK))
		return -EINVAL;
	mask &= ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
	if (fd == -1) {
		int error = signalfd_create(mask, flags, &file);
		return error ?: give_descriptor(file, flags);
	}
	file = file_get_fd(fd);
	if (!file)
		return -EBADF;
	int error = signalfd_set_mask(file, mask);
	file_put(file);
	return error ?: fd;
}

// --- timerfd ---

SYSCALL2(timerfd_create, int, clock, int, flags)
{
	struct file *file;

	if (flags & ~(TFD_CLOEXEC | TFD_NONBLOCK))
		return -EINVAL;
	if (clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM) {
		if (!capable(CAP_WAKE_ALARM))
			return -EPERM;
	} else if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME) {
		return -EINVAL;
	}
	int error = timerfd_create(clock, flags, &file);
	return error ?: give_descriptor(file, flags);
}

static int give_itimerspec(u64 at, const u64 times[2])
{
	struct itimerspec out = {
		.it_value = {times[0] / NSEC_PER_SEC, times[0] % NSEC_PER_SEC},
		.it_interval = {times[1] / NSEC_PER_SEC, times[1] % NSEC_PER_SEC},
	};

	return copy_to_user(at, &out, sizeof(out));
}

SYSCALL4(timerfd_settime, int, fd, int, flags, u64, new_at, u64, old_at)
{
	u64 interval, value, old[2];

	if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
		return -EINVAL;
	int error = timespec_from_user(new_at + offsetof(struct itimerspec, it_interval),
				       &interval);
	if (!error)
		error = timespec_from_user(new_at + offsetof(struct itimerspec, it_value), &value);
	if (error)
		return error;
	struct file *file = file_get_fd(fd);
	if (!file)
		return -EBADF;
	error = timerfd_set(file, flags, value, interval, old);
	file_put(file);
	if (!error && old_at)
		error = give_itimerspec(old_at, old);
	return error;
}

SYSCALL2(timerfd_gettime, int, fd, u64, out_at)
{
	struct file *file = file_get_fd(fd);
	u64 times[2];

	if (!file)
		return -EBADF;
	int error = timerfd_get(file, times);
	file_put(file);
	return error ?: give_itimerspec(out_at, times);
}

// --- epoll ---

SYSCALL1(epoll_create1, int, flags)
{
	struct file *file;

	if (flags & ~EPOLL_CLOEXEC)
		return -EINVAL;
	int error = epoll_create_file(flags, &file);
	return error ?: give_descriptor(file, flags);
}

SYSCALL4(epoll_ctl, int, epfd, int, operation, int, fd, u64, event_at)
{
	struct epoll_event event = {0};
	long error;

	if (operation != EPOLL_CTL_DEL && copy_from_user(&event, event_at, sizeof(event)))
		return -EFAULT;
	// A wish to keep the machine awake that is not granted is dropped in silence.
	if ((event.events & EPOLLWAKEUP) && !capable(CAP_BLOCK_SUSPEND))
		event.events &= ~EPOLLWAKEUP;
	struct file *epoll = file_get_fd(epfd), *file = file_get_fd(fd);
	error = !epoll || !file || ((epoll->flags | file->flags) & O_PATH)
			? -EBADF
			: epoll_control(epoll, operation, file, fd, &event);
	if (file)
		file_put(file);
	if (epoll)
		file_put(epoll);
	return error;
}

static int put_event(void *ctx, u32 events, u64 data)
{
	struct epoll_event event = {.events = events, .data = data};
	u64 *at = ctx;

	if (copy_to_user(*at, &event, sizeof(event)))
		return -EFAULT;
	*at += sizeof(event);
	return 0;
}

static long wait_common(int epfd, u64 events_at, int max, u64 deadline, u64 mask_at, size_t size)
{
	if (max <= 0 || max > (int)(0x7fffffff / sizeof(struct epoll_event)))
		return -EINVAL;
	if (!user_range_ok(events_at, max * sizeof(struct epoll_event)))
		return -EFAULT;
	struct file *file = file_get_fd(epfd);
	if (!file)
		return -EBADF;
	long result = file_is_epoll(file) ? poll_mask_begin(mask_at, size) : -EINVAL;
	if (!result) {
		result = epoll_wait_events(file, deadline, max, put_event, &events_at);
		// Not restarted, unlike poll: the handler runs with the old mask all the same.
		if (mask_at && result != -EINTR)
			signal_mask_restore();
	}
	file_put(file);
	return result;
}

SYSCALL6(epoll_pwait, int, epfd, u64, events_at, int, max, int, timeout, u64, mask_at, size_t, size)
{
	u64 deadline = timeout < 0    ? TIME_NEVER
		       : timeout == 0 ? 0
				      : timer_deadline_after((u64)timeout * NSEC_PER_MSEC);

	return wait_common(epfd, events_at, max, deadline, mask_at, size);
}

SYSCALL6(epoll_pwait2, int, epfd, u64, events_at, int, max, u64, timeout_at, u64, mask_at, size_t,
	 size)
{
	u64 deadline = TIME_NEVER, ns;

	if (timeout_at) {
		int error = timespec_from_user(timeout_at, &ns);
		if (error)
			return error;
		deadline = ns ? timer_deadline_after(ns) : 0;
	}
	return wait_common(epfd, events_at, max, deadline, mask_at, size);
}
