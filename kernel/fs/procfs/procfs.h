// Inside of /proc: its entries are tables of a name, a mode and a function that writes the text.
#pragma once

#include <fs/file.h>
#include <fs/seq.h>
#include <sched/task.h>

// One file of a directory. `task` is NULL for files that belong to no process.
struct proc_entry {
	const char *name;
	u32 mode; // with type bits
	int (*show)(struct seq *seq, struct task *task);
	int (*readlink)(struct task *task, char *buffer, size_t size);
	int (*follow)(struct task *task, struct path *out);
	// Instead of all these, a directory of another kind: makes its inode.
	int (*directory)(struct superblock *sb, struct pid *pid, struct inode **out);
	ssize_t (*write)(struct task *task, char *text, size_t n); // text is NUL-terminated
};

extern const struct proc_entry proc_root_entries[], proc_task_entries[];
extern const unsigned proc_root_count, proc_task_count;

int proc_fd_directory(struct superblock *sb, struct pid *pid, struct inode **out);
// The text of a link to a path; " (deleted)" behind it if its name has gone. Length or -errno.
int proc_path_link(const struct path *path, char *buffer, size_t size);
