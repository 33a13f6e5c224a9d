// The files of /proc/PID, in Linux's formats: proc(5).

#include <fs/file.h>
#include <fs/fs_context.h>
#include <fs/mnt_ns.h>
#include <fs/procfs/procfs.h>
#include <fs/procfs/user_maps.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/nsproxy.h>
#include <process/ptrace_access.h>
#include <sched/process.h>
#include <uapi/errno.h>
#include <uapi/limits.h>
#include "memory.h"
#include "mounts.h"

static int show_comm(struct seq *seq, struct task *task)
{
	seq_printf(seq, "%s\n", task->name);
	return 0;
}

static ssize_t write_comm(struct task *task, char *text, size_t n)
{
	if (task->process != current->process)
		return -EINVAL;
	task_set_name(task, text);
	return n;
}

static bool may_see_slack(struct task *task)
{
	const struct cred *cred = task_cred_get(task);
	bool may = task == current || ns_capable(cred->user_ns, CAP_SYS_NICE);

	cred_put(cred);
	return may;
}

static int show_timerslack(struct seq *seq, struct task *task)
{
	if (!may_see_slack(task))
		return -EPERM;
	seq_printf(seq, "%lu\n", READ_ONCE(task->timer_slack_ns));
	return 0;
}

static ssize_t write_timerslack(struct task *task, char *text, size_t n)
{
	u64 slack;

	text[strcspn(text, "\n")] = '\0';
	if (parse_u64(text, NULL, 0, &slack))
		return -EINVAL;
	if (!may_see_slack(task))
		return -EPERM;
	if (policy_is_rt(task->se.policy))
		slack = 0;
	else if (!slack)
		slack = task->default_timer_slack_ns;
	WRITE_ONCE(task->timer_slack_ns, slack);
	return n;
}

static int show_limits(struct seq *seq, struct task *task)
{
	static const struct {
		const char *name, *unit;
	} limits[RLIM_NLIMITS] = {
		{"Max cpu time", "seconds"},     {"Max file size", "bytes"},
		{"Max data size", "bytes"},      {"Max stack size", "bytes"},
		{"Max core file size", "bytes"}, {"Max resident set", "bytes"},
		{"Max processes", "processes"},  {"Max open files", "files"},
		{"Max locked memory", "bytes"},  {"Max address space", "bytes"},
		{"Max file locks", "locks"},     {"Max pending signals", "signals"},
		{"Max msgqueue size", "bytes"},  {"Max nice priority", ""},
		{"Max realtime priority", ""},   {"Max realtime timeout", "us"},
	};

	seq_printf(seq, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit limit = task->process->rlimits[i];
		char soft[24] = "unlimited", hard[24] = "unlimited";

		if (limit.rlim_cur != RLIM_INFINITY)
			snprintf(soft, sizeof(soft), "%lu", limit.rlim_cur);
		if (limit.rlim_max != RLIM_INFINITY)
			snprintf(hard, sizeof(hard), "%lu", limit.rlim_max);
		seq_printf(seq, "%-25s %-20s %-20s ", limits[i].name, soft, hard);
		seq_printf(seq, *limits[i].unit ? "%-10s\n" : "\n", limits[i].unit);
	}
	return 0;
}

// --- Links ---

int proc_path_link(const struct path *path, char *buffer, size_t size)
{
	char *text = kmalloc(PATH_MAX, GFP_KERNEL);
	int error = text ? 0 : -ENOMEM;

	if (!error) {
		char *at = path_text(path, text, PATH_MAX);
		error = IS_ERR(at) ? PTR_ERR(at) : snprintf(buffer, size, "%s", at);
		error = MIN(error, (int)size - 1);
	}
	kfree(text);
	return error;
}

// The places that a process's links lead to, with a reference: to the very file or directory, whatever
// its name is and in whichever mounts it lies. -EACCES, -ENOENT.

static int follow_exe(struct task *task, struct path *out)
{
	if (!ptrace_may_access(task, PTRACE_MODE_READ_FSCREDS))
		return -EACCES;
	struct mm *mm = proc_mm_get(task);
	bool found = mm && mm->exe_file;
	if (found) {
		*out = mm->exe_file->path;
		path_get(out);
	}
	if (mm)
		mm_put(mm);
	return found ? 0 : -ENOENT;
}

static int follow_fs(struct task *task, struct path *out, bool root)
{
	if (!ptrace_may_access(task, PTRACE_MODE_READ_FSCREDS))
		return -EACCES;
	spin_lock(&task->alloc_lock);
	struct fs_context *fs = task->fs ? fs_context_get(task->fs) : NULL;
	spin_unlock(&task->alloc_lock);
	if (!fs)
		return -ENOENT;
	if (root)
		fs_context_root(fs, out);
	else
		fs_context_cwd(fs, out);
	fs_context_put(fs);
	return 0;
}

static int follow_cwd(struct task *task, struct path *out)
{
	return follow_fs(task, out, false);
}

static int follow_root(struct task *task, struct path *out)
{
	return follow_fs(task, out, true);
}

static int link_place(struct task *task, char *buffer, size_t size,
		      int (*follow)(struct task *task, struct path *out))
{
	struct path path;
	int error = follow(task, &path);

	if (error)
		return error;
	error = proc_path_link(&path, buffer, size);
	path_put(&path);
	return error;
}

static int link_exe(struct task *task, char *buffer, size_t size)
{
	return link_place(task, buffer, size, follow_exe);
}

static int link_cwd(struct task *task, char *buffer, size_t size)
{
	return link_place(task, buffer, size, follow_cwd);
}

static int link_root(struct task *task, char *buffer, size_t size)
{
	return link_place(task, buffer, size, follow_root);
}

const struct proc_entry proc_task_entries[] = {
	{.name = "cgroup", .mode = S_IFREG | 0444, .show = proc_show_cgroup},
	{.name = "auxv", .mode = S_IFREG | 0400, .file_ops = &proc_auxv_ops},
	{.name = "children",
	 .mode = S_IFREG | 0444,
	 .thread_only = true,
	 .show = proc_show_children},
	{.name = "cmdline", .mode = S_IFREG | 0444, .file_ops = &proc_cmdline_ops},
	{.name = "comm",
	 .mode = S_IFREG | 0644,
	 .show = show_comm,
	 .write = write_comm,
	 .write_max = sizeof(((struct task *)0)->name) - 1},
	{.name = "coredump_filter",
	 .mode = S_IFREG | 0644,
	 .process_only = true,
	 .show = proc_show_coredump_filter,
	 .write = proc_write_coredump_filter},
	{.name = "cwd", .mode = S_IFLNK | 0777, .readlink = link_cwd, .follow = follow_cwd},
	{.name = "environ", .mode = S_IFREG | 0400, .file_ops = &proc_environ_ops},
	{.name = "exe", .mode = S_IFLNK | 0777, .readlink = link_exe, .follow = follow_exe},
	{.name = "fd", .mode = S_IFDIR | 0500, .directory = proc_fd_directory},
	{.name = "fdinfo", .mode = S_IFDIR | 0555, .directory = proc_fdinfo_directory},
	{.name = "fail-kinds",
	 .mode = S_IFREG | 0644,
	 .show = proc_show_fail_kinds,
	 .write = proc_write_fail_kinds,
	 .unfailing = true},
	{.name = "fail-nth",
	 .mode = S_IFREG | 0644,
	 .show = proc_show_fail_nth,
	 .write = proc_write_fail_nth,
	 .unfailing = true},
	{.name = "io", .mode = S_IFREG | 0400, .show = proc_show_io},
	{.name = "limits", .mode = S_IFREG | 0444, .show = show_limits},
	{.name = "maps", .mode = S_IFREG | 0444, .show = proc_show_maps, .bind = proc_bind_memory},
	{.name = "mem", .mode = S_IFREG | 0600, .file_ops = &proc_mem_ops},
	PROC_MOUNTS("mounts", 0444, proc_show_mounts),
	PROC_MOUNTS("mountinfo", 0444, proc_show_mountinfo),
	PROC_MOUNTS("mountstats", 0400, proc_show_mountstats),
	{.name = "ns", .mode = S_IFDIR | 0511, .directory = proc_ns_directory},
	{.name = "setgroups",
	 .mode = S_IFREG | 0644,
	 .show = show_setgroups,
	 .write_file = write_setgroups},
	{.name = "oom_adj",
	 .mode = S_IFREG | 0644,
	 .show = proc_show_oom_adj,
	 .write = proc_write_oom_adj},
	{.name = "oom_score", .mode = S_IFREG | 0444, .show = proc_show_oom_score},
	{.name = "oom_score_adj",
	 .mode = S_IFREG | 0644,
	 .show = proc_show_oom_score_adj,
	 .write = proc_write_oom_score_adj},
	{.name = "clear_refs", .mode = S_IFREG | 0200, .write = proc_write_clear_refs},
	{.name = "pagemap", .mode = S_IFREG | 0400, .file_ops = &proc_pagemap_ops},
	{.name = "personality", .mode = S_IFREG | 0400, .show = proc_show_personality},
	{.name = "root", .mode = S_IFLNK | 0777, .readlink = link_root, .follow = follow_root},
	{.name = "smaps",
	 .mode = S_IFREG | 0444,
	 .show = proc_show_smaps,
	 .bind = proc_bind_memory},
	{.name = "smaps_rollup",
	 .mode = S_IFREG | 0444,
	 .show = proc_show_smaps_rollup,
	 .bind = proc_bind_memory},
	{.name = "stack",
	 .mode = S_IFREG | 0400,
	 .show = proc_show_stack,
	 .bind = proc_bind_stack,
	 .unbind = proc_unbind_stack},
	{.name = "stat", .mode = S_IFREG | 0444, .show = proc_show_stat},
	{.name = "statm", .mode = S_IFREG | 0444, .show = proc_show_statm},
	{.name = "status", .mode = S_IFREG | 0444, .show = proc_show_status},
	{.name = "syscall", .mode = S_IFREG | 0400, .show = proc_show_syscall},
	{.name = "task",
	 .mode = S_IFDIR | 0555,
	 .directory = proc_threads_directory,
	 .process_only = true},
	{.name = "timers", .mode = S_IFREG | 0444, .process_only = true, .show = proc_show_timers},
	{.name = "timerslack_ns",
	 .mode = S_IFREG | 0666,
	 .process_only = true,
	 .show = show_timerslack,
	 .write = write_timerslack},
	{.name = "timens_offsets",
	 .mode = S_IFREG | 0644,
	 .process_only = true,
	 .show = proc_show_timens_offsets,
	 .write_file = proc_write_timens_offsets},
	{.name = "gid_map",
	 .mode = S_IFREG | 0644,
	 .show = show_gid_map,
	 .write_file = write_gid_map},
	{.name = "projid_map",
	 .mode = S_IFREG | 0644,
	 .show = show_projid_map,
	 .write_file = write_projid_map},
	{.name = "uid_map",
	 .mode = S_IFREG | 0644,
	 .show = show_uid_map,
	 .write_file = write_uid_map},
	{.name = "wchan", .mode = S_IFREG | 0444, .show = proc_show_wchan},
};
const unsigned proc_task_count = ARRAY_SIZE(proc_task_entries);
