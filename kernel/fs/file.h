// Open files.
#pragma once

#include <core/refcount.h>
#include <fs/path.h>
#include <mm/iov_iter.h>
#include <sched/mutex.h>
#include <uapi/fcntl.h>

struct async_list;
struct cred;
struct file;
struct file_owner;
struct poll_table;
struct seq;

struct dir_context {
	// Gives one entry; returns false when there is no more room: it will be asked for again.
	bool (*emit)(struct dir_context *ctx, const char *name, size_t length, u64 cookie,
		     u64 inode, u8 type);
};

struct file_ops {
	int (*open)(struct inode *inode, struct file *file);
	int (*release)(struct file *file);
	ssize_t (*read)(struct file *file, struct iov_iter *iter, u64 *pos);
	ssize_t (*write)(struct file *file, struct iov_iter *iter, u64 *pos);
	s64 (*llseek)(struct file *file, s64 offset, int whence);
	u32 (*poll)(struct file *file, struct poll_table *table);
	long (*ioctl)(struct file *file, u32 command, u64 argument);
	int (*iterate)(struct file *file, struct dir_context *ctx);
	int (*mmap)(struct file *file, int prot, int flags, struct mapping **mapping);
	// An area more maps the file, or one less. May be called with mm's map lock held.
	void (*mapped)(struct file *file, bool mapped);
	// mode FALLOC_FL_*; offset and length are checked.
	long (*fallocate)(struct file *file, int mode, u64 offset, u64 length);
	// The list of those that want signals about it, which lives as long as the file (O_ASYNC is
	// being turned on or off).
	struct async_list *(*async)(struct file *file, bool on);
	void (*show_fdinfo)(struct file *file, struct seq *seq);
	bool stream; // no position: pipes, terminals
};

#define FILE_READ       (1u << 30)
#define FILE_WRITE      (1u << 29)
#define FILE_DENY       (1u << 28) // a program that runs: while this is open, nobody may write
// What open() may set of them; other bits that a program passes are ignored, as on Linux.
#define FILE_OPEN_FLAGS 0x7fffc3u

// Legend: [pos] pos_lock, [I], [lock].
struct file {
	struct refcount refs;
	u32 flags;                  // O_* of open [changes by fcntl], FILE_READ, FILE_WRITE
	const struct file_ops *ops; // [I]
	struct inode *inode;        // [I] counted; NULL for anonymous files
	struct path path;           // [I] counted; empty for anonymous files
	u64 pos;                    // [pos]
	struct mutex pos_lock;
	void *private;            // of the kind of file
	const char *anon_name;    // [I] "[pidfd]"
	const struct cred *cred;  // [I] counted: who opened it
	struct file_owner *owner; // [a] who gets signals about it; NULL: was never asked
	struct hlist_head epolls; // [epoll's tree lock] items that watch it
};

// Registered by epoll: a watched file is going away.
extern void (*file_epoll_hook)(struct file *file);

// What it is open on has been read: see path_accessed().
void file_accessed(struct file *file);
struct file *file_get(struct file *file);
void file_put(struct file *file);
struct file *file_alloc(u32 flags);
int file_alloc_anon(const char *name, const struct file_ops *ops, void *private, u32 flags,
		    struct file **out);
bool file_readable_by_current(struct file *file);

#define FILE_SIZE_MAX ((u64)INT64_MAX & ~(u64)(PAGE_SIZE - 1))
// Cuts a write at `pos` to what RLIMIT_FSIZE and the largest size allow. 0, or -EFBIG when nothing
// may be written.
int file_limit_growth(u64 pos, struct iov_iter *iter);
// The same for a new size of a file of size `old`. 0 or -EFBIG.
int file_limit_size(u64 old, u64 size);
// Called when it was RLIMIT_FSIZE: sends SIGXFSZ. Registered by process/.
extern void (*file_limit_hook)(void);

// Lists a directory whose entries are all in the tree of names (tmpfs.c).
int dentry_tree_iterate(struct file *file, struct dir_context *ctx);

ssize_t kernel_read(struct file *file, void *buffer, size_t n, u64 pos);
ssize_t file_read(struct file *file, struct iov_iter *iter, u64 *pos);
ssize_t file_write(struct file *file, struct iov_iter *iter, u64 *pos);
