// Descriptor tables.
#pragma once

#include <core/rcu.h>
#include <core/spinlock.h>
#include <fs/file.h>

#define FILES_DUP_ALL 0x7fffffff
#define FD_MIN_TABLE  64

extern u64 nr_open_max; // [a] fs.nr_open: RLIMIT_NOFILE may not be more
#define NR_OPEN_LIMIT 2147483584ul

struct fd_table {
	u32 size;
	struct file **file;            // [files->lock to write, rcu to read]
	unsigned long *open, *cloexec; // [files->lock]
	struct rcu_head rcu;
};

struct files {
	struct refcount refs;
	struct spinlock lock;
	struct fd_table *table; // [lock, rcu]
	u32 next_fd;            // [lock] no free number below
};

int files_create(struct files **out);
int files_dup(struct files *old, struct files **out, u32 max);
struct files *files_get(struct files *files);
void files_put(struct files *files);
bool files_is_shared(struct files *files);
void files_close_on_exec(struct files *files);

// The file behind a descriptor, with a reference; NULL if there is none.
struct file *file_get_fd(int fd);
int file_get_of_task(struct task *task, int fd, struct file **out);
// Whether a descriptor of the task is closed by exec.
bool fd_is_cloexec(struct task *task, int fd);

// Reserves the lowest free number >= min. -EMFILE, -ENOMEM.
int fd_alloc_from(u32 min, u32 flags);
static inline int fd_alloc(u32 flags)
{
	return fd_alloc_from(0, flags);
}
void fd_install(int fd, struct file *file); // takes the reference
void fd_release_unused(int fd);
int fd_close(int fd);
int fd_dup_to(int fd, int target, u32 flags);
int fd_close_range(u32 first, u32 last, u32 flags);
int fd_get_flags(int fd);
int fd_set_flags(int fd, int flags);
