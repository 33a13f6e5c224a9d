// Writing and showing the maps of a user namespace, for /proc/PID/{uid,gid,projid}_map, setgroups.
#pragma once

#include <lib/base.h>

struct cred;
struct seq;
struct user_ns;

enum id_map_kind {
	MAP_UID,
	MAP_GID,
	MAP_PROJID
};

// Sets a map from its text, which is cut up. `opener` is who opened the file. -EPERM (written
// before, or not allowed), -EINVAL, -ENOMEM.
int id_map_write(struct user_ns *ns, enum id_map_kind kind, const struct cred *opener, char *text);
// The text as a program in the namespace `viewer` sees it, an extent at a time: false at the end.
bool id_map_extent(struct user_ns *ns, enum id_map_kind kind, struct user_ns *viewer, u32 index,
		   u32 *first, u32 *lower, u32 *count);
// "deny" for ever, or "allow" as it is. -EPERM.
int user_ns_set_setgroups(struct user_ns *ns, bool allow);
