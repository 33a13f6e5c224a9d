// The namespaces of a task, for those who look from outside.
#pragma once

#include <ns/nsproxy.h>

// Beside enum ns_type and the slots of struct nsproxy.
#define TASK_NS_PID_FOR_CHILDREN NSPROXY_SLOTS

// One of the task's namespaces, with a reference; NULL if it has none, for instance because it has
// exited.
struct ns_common *task_ns_get(struct task *task, int what);
