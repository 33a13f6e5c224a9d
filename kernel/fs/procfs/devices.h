// Inside of /proc: what tells about the machine's devices.
#pragma once

#include <fs/procfs/procfs.h>

int proc_show_consoles(struct seq *seq, struct task *task);
int proc_show_devices(struct seq *seq, struct task *task);
int proc_show_interrupts(struct seq *seq, struct task *task);

#define PROC_TTY_COUNT 1
extern const struct proc_entry proc_tty_entries[PROC_TTY_COUNT];
