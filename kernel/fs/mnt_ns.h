// Mount namespaces: each a tree of mounts of its own.
#pragma once

#include <fs/fs_context.h>

struct seq;
struct user_ns;
struct wait_queue;

extern u64 mount_max; // [a] fs.mount-max: mounts of one namespace

extern const struct ns_kind mnt_ns_kind;
struct mnt_ns *mnt_ns_get(struct mnt_ns *ns);
void mnt_ns_put(struct mnt_ns *ns);
// The namespace with that id (ns_id()), counted; NULL: there is none.
struct mnt_ns *mnt_ns_find(u64 id);
// The one with the next higher or lower id, counted; NULL: it was the last.
struct mnt_ns *mnt_ns_neighbour(struct mnt_ns *ns, bool next);
u32 mnt_ns_count(const struct mnt_ns *ns); // of its mounts
// Counts changes, for poll(2) of its texts; and what they wake.
u64 mnt_ns_event(struct mnt_ns *ns);
struct wait_queue *mnt_ns_wait_queue(struct mnt_ns *ns);
// A copy of the tree of `old`; root and cwd of `fs` move over to the same places in it. -ENOMEM,
// -ENOSPC (too many namespaces or mounts).
int mnt_ns_dup(struct mnt_ns *old, struct user_ns *owner, struct fs_context *fs,
	       struct mnt_ns **out);
// One with nothing in it but an empty directory, which becomes root and cwd of `fs`. -ENOMEM, -ENOSPC.
int mnt_ns_create_empty(struct user_ns *owner, struct fs_context *fs, struct mnt_ns **out);
// The root of the tree with what is mounted on it, with references.
void mnt_ns_root(struct mnt_ns *ns, struct path *out);
struct user_ns *mnt_ns_owner(const struct mnt_ns *ns); // not counted
// Current may mount, unmount and so on in its namespace.
bool mnt_ns_may_admin(void);

// The texts of /proc/PID/{mounts,mountinfo,mountstats}, as seen from `root`. May sleep.
void mnt_ns_show_mounts(struct mnt_ns *ns, const struct path *root, struct seq *seq);
void mnt_ns_show_mountinfo(struct mnt_ns *ns, const struct path *root, struct seq *seq);
void mnt_ns_show_mountstats(struct mnt_ns *ns, const struct path *root, struct seq *seq);
