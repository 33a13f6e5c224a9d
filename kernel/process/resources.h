// The one table of what a task may share or copy when it splits in two; clone, unshare, exec and
// exit all walk it.
#pragma once

#include <lib/base.h>
#include <sched/task.h>

struct clone_request;

// What a resource's functions may need to know of the call.
struct resource_context {
	u64 flags;                           // of clone or unshare
	struct task *child;                  // of clone; NULL for unshare
	const struct clone_request *request; // of clone; NULL for unshare
	struct cred *new_cred; // set by the credentials for those after them (new user namespace)
	struct fs_context *new_fs; // set by the fs context: a new mount namespace moves its roots
};

// One resource. Values are pointers held in a field of struct task.
//
// get, dup and put act on values; a value may be NULL where the task has none. dup makes a new
// value for the holder, from the old one: may sleep, can fail, takes no effect until stored.
struct resource {
	const char *name;
	u64 share_flag;    // clone shares if this is set...
	u64 new_flags;     // ...or, for namespaces, copies if one of these is set and shares if not
	u64 unshare_flags; // unshare makes a copy if one of these is set
	u64 copy_flags;    // ...and does so even if nobody shares it if one of these is set
	size_t field;      // offset in struct task
	// Whether a child gets a copy even so. NULL: no.
	bool (*differs)(const void *value, u64 flags);
	// Makes one where current has none and is to share it; NULL: then the child has none either.
	int (*create)(void **value);
	void *(*get)(void *value);
	int (*dup)(void *value, struct resource_context *context, void **copy);
	void (*put)(void *value);
	// Whether others have it too; unshare does nothing if not. NULL: always copied.
	bool (*is_shared)(void *value);
	// Non-zero where unshare cannot split it and must refuse if it is shared.
	bool unshare_refused;
	// Kept by a zombie: credentials, handlers, process.
	bool outlives_exit;
	// Stores the new value in current and lets go of the old one, where a plain swap of the
	// field is not enough.
	void (*switched)(void *old, void *value);
};

// Fills child's fields from current's, in the order of the table. On failure everything that was
// taken is dropped, in reverse. Errors: those of the resources, mostly -ENOMEM.
int resources_clone(struct resource_context *context);

// Undoes resources_clone() of a child that will not live. Tolerates fields that are NULL.
void resources_discard(struct task *child);

// Gives current private copies of what `flags` name, all or none. Flags are already expanded.
int resources_unshare(u64 flags);

// Stores a new value in current, by the offset of its field, and lets go of the old one.
void resource_store(size_t field, void *value);

// Drops what a dying task holds. After it only credentials and process remain, which others may
// still ask for; they go with the task.
void resources_exit(struct task *task);

// Current gets its own copy of one resource, by the offset of its field; nothing happens if it is
// not shared. exec uses it for files.
int resource_unshare_field(size_t field);
