// The files of user_maps.c, for the table of /proc/PID.
#pragma once

#include <fs/procfs/procfs.h>

int show_uid_map(struct seq *seq, struct task *task);
int show_gid_map(struct seq *seq, struct task *task);
int show_projid_map(struct seq *seq, struct task *task);
int show_setgroups(struct seq *seq, struct task *task);
ssize_t write_uid_map(struct file *file, struct task *task, char *text, size_t n);
ssize_t write_gid_map(struct file *file, struct task *task, char *text, size_t n);
ssize_t write_projid_map(struct file *file, struct task *task, char *text, size_t n);
ssize_t write_setgroups(struct file *file, struct task *task, char *text, size_t n);
