// Descriptors that stand for processes: pidfd_open(2) and kin.
#pragma once

#include <lib/base.h>
#include <sched/pid.h>

struct file;

// A descriptor number and a file, not yet installed. `thread`: it stands for one thread.
// -EMFILE, -ENFILE, -ENOMEM. The caller installs, or releases both.
int pidfd_prepare(struct pid *pid, bool thread, int *fd, struct file **file);

// The process is killed when the file goes.
void pidfd_file_kills(struct file *file);

// Questions to a pidfd (pidfd_info.c). -ENOTTY: none that is known.
long pidfd_ioctl(struct file *file, u32 command, u64 argument);

// The pid behind a descriptor, with a reference. -EBADF if it is none.
int pidfd_get_pid(int fd, struct pid **pid, bool *nonblocking);
struct pid *pidfd_file_pid(const struct file *file); // NULL: not a pidfd
// Registered by procfs: the process whose folder /proc/PID the file is, NULL if it is none. Such a
// descriptor may be used to send a signal: pidfd_send_signal(2).
extern struct pid *(*pidfd_of_proc_folder)(const struct file *file);
