// Pid namespaces as namespaces: owner, limits, hierarchy. The numbers are in sched/pid.c; how a
// namespace dies with its init is in process/death.c.
#pragma once

#include <lib/base.h>

struct pid_namespace;
struct user_ns;

// An empty namespace below `parent`, owned by `owner`, which is the parent's owner or below it.
// -EINVAL (it is not), -ENOSPC (too deep, too many), -ENOMEM.
int pid_ns_create(struct pid_namespace *parent, struct user_ns *owner, struct pid_namespace **out);

// reboot(2) inside: kills init, which will appear killed by `sig`, and ends current.
NORETURN void pid_ns_reboot(struct pid_namespace *ns, int sig);

// Kills all processes of the namespace but current's, which is its init, and waits for them.
void pid_ns_zap(struct pid_namespace *ns);
