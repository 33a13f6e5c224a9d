// The end of a pid namespace.
#pragma once

struct pid_namespace;

// Kills all processes of the namespace but current's, which is its init, and waits for them.
void pid_ns_zap(struct pid_namespace *ns);
