// Advisory locks on files: fcntl(2) with F_SETLK and F_OFD_SETLK, flock(2).
#pragma once

#include <fs/file.h>

struct files;

enum lock_kind {
	LOCK_KIND_POSIX, // of a descriptor table; conflicts with OFD
	LOCK_KIND_OFD,   // of an open file
	LOCK_KIND_FLOCK, // of an open file, the whole of it; apart from the other two
};

// Bytes start..end, both in it. type F_RDLCK, F_WRLCK, F_UNLCK.
struct lock_range {
	u64 start, end;
	int type;
	int pid; // out: holder as current knows it, -1 for OFD
};

// Sets, changes or releases. -EAGAIN if it conflicts and does not wait; -EDEADLK (POSIX only),
// -ENOLCK (no memory), -ERESTARTSYS.
int lock_set(struct file *file, enum lock_kind kind, const struct lock_range *range, bool wait);
// What would be in the way; type F_UNLCK if nothing.
int lock_get(struct file *file, enum lock_kind kind, struct lock_range *range);

// At each close of a descriptor, and at the end of an open file: cheap if there are no locks.
void locks_release(struct inode *inode, enum lock_kind kind, const void *owner);
static inline void locks_closed(struct inode *inode, enum lock_kind kind, const void *owner)
{
	if (unlikely(inode && READ_ONCE(inode->locks)))
		locks_release(inode, kind, owner);
}
