// /proc/PID/{mounts,mountinfo,mountstats}.
#pragma once

#include <fs/procfs/procfs.h>

int proc_bind_mounts(struct proc_text *text, struct task *task);
void proc_unbind_mounts(struct proc_text *text);
int proc_show_mounts(struct seq *seq, struct task *task);
int proc_show_mountinfo(struct seq *seq, struct task *task);
int proc_show_mountstats(struct seq *seq, struct task *task);
u32 proc_poll_mounts(struct file *file, struct task *task, struct poll_table *table);

#define PROC_MOUNTS(called, permissions, function)                                               \
	{                                                                                        \
		.name = called, .mode = S_IFREG | permissions, .show = function,                 \
		.bind = proc_bind_mounts, .unbind = proc_unbind_mounts, .poll = proc_poll_mounts \
	}
