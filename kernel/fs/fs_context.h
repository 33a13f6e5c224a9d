// Root, current directory and umask of a task; shared by CLONE_FS.
#pragma once

#include <core/spinlock.h>
#include <fs/path.h>

struct fs_context {
	struct refcount refs;
	struct spinlock lock; // guards all below
	struct path root, cwd;
	u32 umask;
};

int fs_context_create(struct fs_context **out); // at the root of everything
int fs_context_dup(struct fs_context *old, struct fs_context **out);
struct fs_context *fs_context_get(struct fs_context *fs);
void fs_context_put(struct fs_context *fs);
bool fs_context_is_shared(struct fs_context *fs);
unsigned fs_context_users(const struct fs_context *fs);        // how many tasks share it
void fs_context_root(struct fs_context *fs, struct path *out); // with references
void fs_context_cwd(struct fs_context *fs, struct path *out);
void fs_context_set_cwd(struct fs_context *fs, const struct path *path); // takes the references
void fs_context_set_root(struct fs_context *fs, const struct path *path);
// pivot_root(2): whoever has `old` as root or cwd gets `new`.
void fs_context_replace_everywhere(const struct path *old, const struct path *new);
void fs_context_init(void);
// Whether its root is not that of its mount namespace.
bool fs_context_is_chrooted(struct fs_context *fs);
