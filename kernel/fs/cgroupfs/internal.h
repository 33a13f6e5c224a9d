// Inside of the file system of control groups.
#pragma once

#include <cgroup/cgroup.h>
#include <fs/file.h>
#include <fs/seq.h>

struct cgroup_ns;

#define CGROUP_FILES_MAX 20

// What a group keeps for its folder (place 0) and its files: the inodes, from the first look until
// the group goes, so that owners and modes stay.
struct cgroup_slot {
	struct cgroup *cgroup; // counted by the inode
	struct inode *inode;   // [tree] counted; NULL: not looked at, or the group has gone
};

struct cgroup_node {
	u32 uid, gid; // [I] of who made the group: of its files
	struct cgroup_slot slot[1 + CGROUP_FILES_MAX];
};

enum cgroup_file_flags {
	CGROUP_NOT_ON_ROOT = 1 << 0,
	CGROUP_OF_PIDS = 1 << 1,   // only where the parent has the controller enabled
	CGROUP_DELEGATED = 1 << 2, // may be written at the root of a namespace from inside
};

// One file. show and write are called with cgroup_tree_lock held, the group alive.
struct cgroup_file {
	const char *name;
	u32 mode, flags;
	void (*show)(struct seq *seq, struct cgroup *cgroup); // NULL: cannot be read
	int (*show_check)(struct cgroup *cgroup);             // NULL: no error
	// `text` ends with its last letter. 0, -errno.
	int (*write)(struct file *file, struct cgroup *cgroup, char *text);
	// What to wait for. NULL: always ready.
	struct cgroup_event *(*event)(struct cgroup *cgroup);
};

// What an open file keeps.
struct cgroup_open {
	struct seq seq;
	u32 event;            // the last change that was told; 0: nothing was read
	struct cgroup_ns *ns; // counted: of who opened it
};

// The table, in parts (control.c, tasks.c), as one: NULL at the end.
const struct cgroup_file *cgroup_file_at(unsigned index);
extern const struct cgroup_file cgroup_control_files[], cgroup_task_files[];
extern const unsigned cgroup_control_count, cgroup_task_count;

// Whether the group has that file now. cgroup_tree_lock held.
bool cgroup_file_visible(const struct cgroup *cgroup, const struct cgroup_file *file);
// The inode of a file, not counted: it stays while the group lives. cgroup_tree_lock held. -ENOMEM.
int cgroup_file_inode(struct cgroup *cgroup, unsigned index, struct inode **out);
// Whether current may write cgroup.procs of a group. cgroup_tree_lock held.
int cgroup_may_write(struct cgroup *cgroup);
// Whether a task may go from one to the other, by who opened the file that says so.
// cgroup_tree_lock held.
int cgroup_may_migrate(struct cgroup *from, struct cgroup *to, struct cgroup_ns *ns, bool whole);

extern const struct file_ops cgroup_file_ops;

static inline const struct cgroup_slot *cgroup_slot_of(const struct inode *inode)
{
	return inode->private;
}
static inline unsigned cgroup_index_of(const struct cgroup_slot *slot)
{
	return slot - ((struct cgroup_node *)slot->cgroup->node)->slot - 1;
}
