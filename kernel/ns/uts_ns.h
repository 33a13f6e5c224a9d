// UTS namespaces: the names that uname(2) tells.
#pragma once

#include <core/spinlock.h>
#include <lib/base.h>
#include <sched/ns_common.h>
#include <uapi/utsname.h>

struct user_ns;

struct uts_ns {
	struct ns_common common;
	struct spinlock lock;    // guards the names that can be set
	struct new_utsname name; // [lock] nodename, domainname; the rest [I]
};

extern struct uts_ns init_uts_ns;

struct uts_ns *uts_ns_get(struct uts_ns *ns);
// A copy owned by `owner`. -ENOMEM, -ENOSPC.
int uts_ns_dup(struct uts_ns *old, struct user_ns *owner, struct uts_ns **copy);

// Sets one of the names (at most 64 bytes, not terminated in `text`). No permission is checked.
void uts_set_nodename(struct uts_ns *ns, const char *text, size_t length);
void uts_set_domainname(struct uts_ns *ns, const char *text, size_t length);
