// Inside of /proc: its entries are tables of a name, a mode and a function that writes the text.
#pragma once

#include <fs/file.h>
#include <fs/seq.h>
#include <sched/task.h>

struct pid_namespace;
struct proc_text;

// One file of a directory. `task` is NULL for files that belong to no process.
struct proc_entry {
	const char *name;
	u32 mode; // with type bits
	int (*show)(struct seq *seq, struct task *task);
	int (*readlink)(struct task *task, char *buffer, size_t size);
	// A jump to where it leads, instead of a walk along the text.
	int (*follow)(struct task *task, struct path *out);
	// Instead of all these, a directory of another kind: makes its inode.
	int (*directory)(struct superblock *sb, struct pid *pid, struct inode **out);
	ssize_t (*write)(struct task *task, char *text, size_t n); // text is NUL-terminated
	// The same where it matters who opened the file, or at which position the write is.
	ssize_t (*write_file)(struct file *file, struct task *task, char *text, size_t n);
	u32 (*poll)(struct file *file, struct task *task, struct poll_table *table);
	// Takes what the file will tell about for as long as it is open, into text->bound; seq->bound
	// is that too. And gives it back.
	int (*bind)(struct proc_text *text, struct task *task);
	void (*unbind)(struct proc_text *text);
	// Instead of show and write: a number, and what may be written there.
	u64 *number;
	u64 number_min, number_max;
	// Who may: instead of the mode and the owner of the file. 0, -EACCES.
	int (*permission)(struct inode *inode, int mask);
	// Instead of texts, a file of its own kind: proc_inode_task() says whose it is.
	const struct file_ops *file_ops;
	size_t write_max; // of what is written more is not looked at; 0: a page, and more is an error
	bool process_only; // not in the directory of a thread
	bool thread_only;  // only there
	bool unfailing;    // no fault is injected into reading and writing it
	// A directory with these entries.
	const struct proc_entry *entries;
	unsigned count;
};

// What an open file of /proc keeps.
struct proc_text {
	struct seq seq;
	void *bound;  // see proc_entry.bind
	u64 event;    // for polling: the last change that was told
	u64 write_at; // where the write that is under way began
};

extern const struct proc_entry proc_root_entries[], proc_task_entries[];
extern const unsigned proc_root_count, proc_task_count;

// The number that a text begins with, up to white space or its end. -EINVAL, also when it is out of bounds.
int proc_parse_number(char *text, u64 min, u64 max, u64 *out);

// Files of /proc/sys: the owner's bits of the mode are for uid 0 of the first user namespace, the
// rest for others; capabilities do not count.
int proc_sys_permission(struct inode *inode, int mask);
// /proc/sys
int proc_sys_directory(struct superblock *sb, struct pid *pid, struct inode **out);
// An inode for an entry of a table.
int proc_entry_inode(struct superblock *sb, const struct proc_entry *entry, struct pid *pid,
		     struct inode **out);

// The task that a file of /proc/PID belongs to, counted. -ESRCH: it has gone.
int proc_inode_task(const struct inode *inode, struct task **out);
// The pid namespace by whose numbers a /proc names processes.
struct pid_namespace *proc_pid_ns(const struct superblock *sb);
// Whether it shows processes only, and whether current is to see that one, or may enter its directory:
// options of the mount. -ENOENT, -EPERM.
bool proc_pids_only(const struct superblock *sb);
bool proc_may_see(const struct superblock *sb, struct pid *pid);
int proc_may_enter(const struct superblock *sb, struct pid *pid);
int proc_root_inode(struct superblock *sb, struct inode **out);
// Whose number in that namespace the name (not terminated) is, with a reference; NULL: nobody's, or not
// a number as we write it.
struct pid *proc_pid_of_name(struct superblock *sb, const char *name, size_t length);
// The process whose folder /proc/PID the file is; NULL: it is something else.
struct pid *proc_folder_pid(const struct file *file);
// /proc/PID/ns
int proc_ns_directory(struct superblock *sb, struct pid *pid, struct inode **out);
// /proc/PID/stat, status and io (status.c)
int proc_show_io(struct seq *seq, struct task *task);
int proc_show_stat(struct seq *seq, struct task *task);
int proc_show_status(struct seq *seq, struct task *task);
// /proc/PID/wchan, syscall, stack, personality (asleep.c)
int proc_show_wchan(struct seq *seq, struct task *task);
int proc_show_syscall(struct seq *seq, struct task *task);
int proc_show_stack(struct seq *seq, struct task *task);
int proc_bind_stack(struct proc_text *text, struct task *task);
void proc_unbind_stack(struct proc_text *text);
int proc_show_personality(struct seq *seq, struct task *task);
// /proc/PID/task/TID/children (threads.c)
int proc_show_children(struct seq *seq, struct task *task);
// /proc/PID/timens_offsets (timens.c)
int proc_show_timens_offsets(struct seq *seq, struct task *task);
ssize_t proc_write_timens_offsets(struct file *file, struct task *task, char *text, size_t n);
// /proc/PID/timers (timers.c)
int proc_show_timers(struct seq *seq, struct task *task);
// /proc/PID/cgroup, /proc/cgroups (cgroup.c)
int proc_show_cgroup(struct seq *seq, struct task *task);
int proc_show_cgroups(struct seq *seq, struct task *task);
// /proc/PID/task and a thread's directory in it (threads.c)
int proc_threads_directory(struct superblock *sb, struct pid *pid, struct inode **out);
int proc_thread_inode(struct superblock *sb, struct pid *pid, struct inode **out);
// /proc/self, /proc/thread-self
int proc_self_link(struct superblock *sb, struct pid *pid, struct inode **out);
int proc_thread_self_link(struct superblock *sb, struct pid *pid, struct inode **out);
// An inode with the owner that files of this process have.
void proc_set_owner(struct inode *inode, struct pid *pid);
int proc_fd_directory(struct superblock *sb, struct pid *pid, struct inode **out);
int proc_fdinfo_directory(struct superblock *sb, struct pid *pid, struct inode **out);
// procfs/faults.c: fault injection, and what exists.
int proc_show_fail_nth(struct seq *seq, struct task *task);
ssize_t proc_write_fail_nth(struct task *task, char *text, size_t n);
int proc_show_fail_kinds(struct seq *seq, struct task *task);
ssize_t proc_write_fail_kinds(struct task *task, char *text, size_t n);
int proc_show_census(struct seq *seq, struct task *task);
int proc_show_leaks(struct seq *seq, struct task *task);
int proc_show_fault_sites(struct seq *seq, struct task *task);
// The text of a link to a path; " (deleted)" behind it if its name has gone. Length or -errno.
int proc_path_link(const struct path *path, char *buffer, size_t size);
