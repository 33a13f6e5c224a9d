// Files of /proc about memory.
#pragma once

#include <fs/seq.h>
#include <sched/task.h>

struct file_ops;
struct mm;
struct proc_text;

// A task's memory with a reference, or NULL.
struct mm *proc_mm_get(struct task *task);

int proc_show_meminfo(struct seq *seq, struct task *task);
int proc_show_vmstat(struct seq *seq, struct task *task);
int proc_show_statm(struct seq *seq, struct task *task);
// `dumping`: its process writes a core file.
void proc_show_status_memory(struct seq *seq, struct mm *mm, bool dumping);
int proc_show_maps(struct seq *seq, struct task *task);
int proc_show_smaps(struct seq *seq, struct task *task);
int proc_show_smaps_rollup(struct seq *seq, struct task *task);
int proc_show_coredump_filter(struct seq *seq, struct task *task);
ssize_t proc_write_coredump_filter(struct task *task, char *text, size_t n);
// procfs/contents.c
extern const struct file_ops proc_mem_ops, proc_environ_ops, proc_cmdline_ops, proc_auxv_ops;
// procfs/pagemap.c
extern const struct file_ops proc_pagemap_ops;
// The ioctl PAGEMAP_SCAN with its argument, on an address space that may have come to its end. How many
// runs it found; -EFAULT, -EINVAL, -EPERM, -EINTR, -ENOMEM.
long pagemap_scan(struct mm *mm, u64 argument);
ssize_t proc_write_clear_refs(struct task *task, char *text, size_t n);
int proc_show_oom_score(struct seq *seq, struct task *task);
int proc_show_oom_score_adj(struct seq *seq, struct task *task);
ssize_t proc_write_oom_score_adj(struct task *task, char *text, size_t n);
int proc_show_oom_adj(struct seq *seq, struct task *task);
ssize_t proc_write_oom_adj(struct task *task, char *text, size_t n);
// Whether current may open what tells of a task's memory. 0, -EACCES.
int proc_bind_memory(struct proc_text *text, struct task *task);
