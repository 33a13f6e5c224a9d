// Files that are events: eventfd, timerfd, epoll.
#pragma once

#include <fs/file.h>
#include <uapi/poll.h>
#include <uapi/time.h>

// A new file with one reference. -ENOMEM, -ENFILE.
int eventfd_create(u32 count, int flags, struct file **out);
int timerfd_create(int clock, int flags, struct file **out);
// Arms, or with a value of 0 disarms. Times in nanoseconds; `old` gets what was left and the
// interval before. -EINVAL if it is no timerfd.
int timerfd_set(struct file *file, int flags, u64 value, u64 interval, u64 old[2]);
int timerfd_get(struct file *file, u64 now[2]);

// A file that signals of `mask` are read from; to change its mask. -ENOMEM; -EINVAL: it is none.
int signalfd_create(u64 mask, int flags, struct file **out);
int signalfd_set_mask(struct file *file, u64 mask);

int epoll_create_file(int flags, struct file **out);
// epoll_ctl(2). `event` is in for ADD and MOD.
int epoll_control(struct file *epoll, int operation, struct file *file, int fd,
		  const struct epoll_event *event);
// Gives up to `max` events to `put`; waits until the deadline (0: not at all). Number, -EINTR.
int epoll_wait_events(struct file *epoll, u64 deadline, int max,
		      int (*put)(void *ctx, u32 events, u64 data), void *ctx);
bool file_is_epoll(const struct file *file);
