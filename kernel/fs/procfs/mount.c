// Mounting /proc: each mount is a view of its own, of one pid namespace, with what of its processes it
// hides from whom (hidepid, gid), and whether there is anything but processes (subset). See proc(5).

#include <core/init.h>
#include <fs/file.h>
#include <fs/fs_options.h>
#include <fs/path.h>
#include <fs/procfs/procfs.h>
#include <lib/parse.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <process/ptrace_access.h>
#include <process/pidfd.h>
#include <sched/pid_namespace.h>
#include <sched/process.h>
#include <uapi/errno.h>
#include <uapi/magic.h>

enum hidepid {
	HIDEPID_OFF = 0,
	HIDEPID_NOACCESS = 1,   // directories are seen, and not entered
	HIDEPID_INVISIBLE = 2,  // nor seen
	HIDEPID_PTRACEABLE = 4, // the same, whoever is in the group
};

// Legend: [a] [I].
struct proc_view {
	struct pid_namespace *ns; // [I] counted
	u32 hidepid;              // [a]
	u32 gid;                  // [a] members see all the same
	bool pids_only;           // [I]
};

struct proc_options {
	struct proc_view view;
	bool gid_given, hidepid_given, subset_given;
};

static struct proc_view *view_of(const struct superblock *sb)
{
	return sb->private;
}

struct pid_namespace *proc_pid_ns(const struct superblock *sb)
{
	return view_of(sb)->ns;
}

bool proc_pids_only(const struct superblock *sb)
{
	return view_of(sb)->pids_only;
}

// --- Hiding ---

static bool may_pass(const struct superblock *sb, struct pid *pid, u32 from)
{
	const struct proc_view *view = view_of(sb);
	u32 hidepid = READ_ONCE(view->hidepid);

	if (hidepid < from)
		return true;
	if (hidepid != HIDEPID_PTRACEABLE && cred_in_group(current_cred(), READ_ONCE(view->gid)))
		return true;
	struct task *task = pid_task_get(pid, PIDTYPE_PID);
	bool may = task && ptrace_may_access(task, PTRACE_MODE_READ_FSCREDS);
	if (task)
		task_put(task);
	return may;
}

bool proc_may_see(const struct superblock *sb, struct pid *pid)
{
	return may_pass(sb, pid, HIDEPID_INVISIBLE);
}

int proc_may_enter(const struct superblock *sb, struct pid *pid)
{
	if (may_pass(sb, pid, HIDEPID_NOACCESS))
		return 0;
	return READ_ONCE(view_of(sb)->hidepid) == HIDEPID_INVISIBLE ? -ENOENT : -EPERM;
}

// --- Options ---

static const char *const hidepid_names[] = {
	[HIDEPID_OFF] = "off",
	[HIDEPID_NOACCESS] = "noaccess",
	[HIDEPID_INVISIBLE] = "invisible",
	[HIDEPID_PTRACEABLE] = "ptraceable",
};

static int take_hidepid(struct proc_options *options, const char *value)
{
	u32 number = ARRAY_SIZE(hidepid_names);

	if (fs_option_number(value, 0, &number)) {
		for (number = 0; number < ARRAY_SIZE(hidepid_names); number++) {
			if (hidepid_names[number] && !strcmp(value, hidepid_names[number]))
				break;
		}
	}
	if (number >= ARRAY_SIZE(hidepid_names) || !hidepid_names[number])
		return -EINVAL;
	options->view.hidepid = number;
	options->hidepid_given = true;
	return 0;
}

static int take_gid(struct proc_options *options, const char *value)
{
	u32 number;

	if (fs_option_number(value, 0, &number))
		return -EINVAL;
	options->view.gid = gid_from_user(current_cred()->user_ns, number);
	options->gid_given = true;
	return 0;
}

static int take_option(struct proc_options *options, const char *key, const char *value)
{
	if (!value)
		return -EINVAL;
	if (!strcmp(key, "hidepid"))
		return take_hidepid(options, value);
	if (!strcmp(key, "gid"))
		return take_gid(options, value);
	if (strcmp(key, "subset") || strcmp(value, "pid"))
		return -EINVAL;
	options->view.pids_only = options->subset_given = true;
	return 0;
}

static int check_option(const char *key, const char *value)
{
	struct proc_options ignored;

	return take_option(&ignored, key, value);
}

static int take_options(struct proc_options *options, const char *text)
{
	char *copy = kstrdup(text ?: "", GFP_KERNEL), *cursor = copy, *key, *value;
	int error = copy ? 0 : -ENOMEM;

	while (!error && parse_next_mount_option(&cursor, &key, &value))
		error = take_option(options, key, value);
	kfree(copy);
	return error;
}

// What hides may change; what there is may not.
static int proc_remount(struct superblock *sb, const char *text)
{
	struct proc_options options = {0};
	struct proc_view *view = view_of(sb);
	int error = take_options(&options, text);

	if (!error && options.subset_given && !view->pids_only)
		error = -EINVAL;
	if (error)
		return error;
	if (options.gid_given)
		WRITE_ONCE(view->gid, options.view.gid);
	if (options.hidepid_given)
		WRITE_ONCE(view->hidepid, options.view.hidepid);
	return 0;
}

static void proc_show_options(struct superblock *sb, struct seq *seq)
{
	const struct proc_view *view = view_of(sb);

	if (view->gid)
		seq_printf(seq, ",gid=%u", gid_to_user_munged(&init_user_ns, view->gid));
	if (view->hidepid)
		seq_printf(seq, ",hidepid=%s", hidepid_names[view->hidepid]);
	if (view->pids_only)
		seq_puts(seq, ",subset=pid");
}

// --- Mounting ---

static void proc_kill(struct superblock *sb)
{
	if (sb->root)
		dentry_put(sb->root);
	pid_namespace_put(view_of(sb)->ns);
	superblock_free(sb);
}

// The root of its processes mounts it.
static struct user_ns *proc_owner(void)
{
	return task_active_pid_ns(current)->common.owner ?: &init_user_ns;
}

static struct superblock *proc_alloc(const struct proc_options *options)
{
	struct superblock *sb = kzalloc(sizeof(*sb), GFP_KERNEL);
	struct proc_view *view = sb ? kzalloc(sizeof(*view), GFP_KERNEL) : NULL;

	if (!view) {
		kfree(sb);
		return NULL;
	}
	*view = options->view;
	view->ns = task_active_pid_ns(current);
	pid_namespace_get(view->ns);
	sb->type = "proc";
	sb->dev = superblock_new_dev();
	sb->magic = PROC_SUPER_MAGIC;
	sb->block_size = 1024;
	sb->kill = proc_kill;
	sb->remount = proc_remount;
	sb->show_options = proc_show_options;
	sb->private = view;
	sb->owner = user_ns_get(proc_owner());
	return sb;
}

static int proc_mount(const char *source, const char *text, struct superblock **out)
{
	struct proc_options options = {0};
	struct inode *root;
	int error = take_options(&options, text);

	(void)source;
	if (error)
		return error;
	struct superblock *sb = proc_alloc(&options);
	if (!sb)
		return -ENOMEM;
	error = proc_root_inode(sb, &root);
	if (!error) {
		sb->root = dentry_root(sb, root);
		inode_put(root);
	}
	if (!sb->root) {
		proc_kill(sb);
		return -ENOMEM;
	}
	*out = sb;
	return 0;
}

static struct fs_type proc_type = {
	.name = "proc",
	.mount = proc_mount,
	.owner = proc_owner,
	.check_option = check_option,
	.nodev = true,
	.fully_visible = true,
};

static int procfs_init(void)
{
	pidfd_of_proc_folder = proc_folder_pid;
	fs_register(&proc_type);
	return 0;
}
INITCALL(FS, procfs_init);
