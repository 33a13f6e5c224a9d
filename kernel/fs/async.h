// Signals about files: who owns an open file (F_SETOWN), and gets a signal when it becomes ready
// (O_ASYNC). See fcntl(2).
#pragma once

#include <core/spinlock.h>
#include <fs/file.h>
#include <lib/list.h>
#include <sched/pid.h>

// The open files of an object that asked for signals.
struct async_list {
	struct spinlock lock;   // Rank LOCK_FILE_ASYNC
	struct list_head files; // [lock] struct file_owner
};

static inline void async_list_init(struct async_list *list)
{
	spin_init(&list->lock, LOCK_FILE_ASYNC);
	list_init(&list->files);
}

void async_send(struct async_list *list, u32 mode, int reason);

// Something happened that `reason` says (POLL_IN and its like): the owners of those files that have one of
// the `mode` bits (FILE_READ, FILE_WRITE) hear of it. No spinlock held.
static inline void async_notify(struct async_list *list, u32 mode, int reason)
{
	if (unlikely(!list_empty(&list->files)))
		async_send(list, mode, reason);
}

// F_SETFL: turns O_ASYNC on or off; the signal names `fd`. -ENOTTY: the kind of file has no such
// thing; -ENOMEM.
int file_async_set(struct file *file, int fd, bool on);
// F_SETOWN_EX and F_SETOWN: `nr` 0 is nobody. -ESRCH, -EINVAL, -ENOMEM.
int file_owner_set(struct file *file, enum pid_type type, int nr);
// If nobody is the owner yet. Consumes the reference.
void file_owner_default(struct file *file, struct pid *pid, enum pid_type type);
// As they are told; 0 if nobody is or the owner has gone.
int file_owner_get(struct file *file, enum pid_type *type);
// F_SETSIG, F_GETSIG. -EINVAL, -ENOMEM.
int file_signal_set(struct file *file, u64 sig);
int file_signal_get(struct file *file);
// The file goes.
void file_owner_free(struct file *file);
