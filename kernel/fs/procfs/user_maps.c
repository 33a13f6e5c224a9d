// /proc/PID/{uid_map,gid_map,projid_map,setgroups}: the ids of a user namespace.

#include <fs/procfs/procfs.h>
#include <fs/procfs/user_maps.h>
#include <lib/string.h>
#include <ns/cred.h>
#include <ns/id_map.h>
#include <ns/user_ns.h>
#include <uapi/errno.h>

static struct user_ns *user_ns_of(struct task *task)
{
	const struct cred *cred = task_cred_get(task);
	struct user_ns *ns = user_ns_get(cred->user_ns);

	cred_put(cred);
	return ns;
}

static int show_map(struct seq *seq, struct task *task, enum id_map_kind kind)
{
	struct user_ns *ns = user_ns_of(task);
	u32 first, lower, count;

	for (u32 i = 0; id_map_extent(ns, kind, current_cred()->user_ns, i, &first, &lower, &count);
	     i++)
		seq_printf(seq, "%10u %10u %10u\n", first, lower, count);
	user_ns_put(ns);
	return 0;
}

static ssize_t write_map(struct file *file, struct task *task, char *text, size_t n,
			 enum id_map_kind kind)
{
	if (((struct proc_text *)file->private)->write_at)
		return -EINVAL; // a map is written at once
	struct user_ns *ns = user_ns_of(task);
	int error = id_map_write(ns, kind, file->cred, text);

	user_ns_put(ns);
	return error ?: (ssize_t)n;
}

int show_uid_map(struct seq *seq, struct task *task)
{
	return show_map(seq, task, MAP_UID);
}

int show_gid_map(struct seq *seq, struct task *task)
{
	return show_map(seq, task, MAP_GID);
}

int show_projid_map(struct seq *seq, struct task *task)
{
	return show_map(seq, task, MAP_PROJID);
}

ssize_t write_uid_map(struct file *file, struct task *task, char *text, size_t n)
{
	return write_map(file, task, text, n, MAP_UID);
}

ssize_t write_gid_map(struct file *file, struct task *task, char *text, size_t n)
{
	return write_map(file, task, text, n, MAP_GID);
}

ssize_t write_projid_map(struct file *file, struct task *task, char *text, size_t n)
{
	return write_map(file, task, text, n, MAP_PROJID);
}

int show_setgroups(struct seq *seq, struct task *task)
{
	struct user_ns *ns = user_ns_of(task);

	seq_puts(seq, READ_ONCE(ns->setgroups_allowed) ? "allow\n" : "deny\n");
	user_ns_put(ns);
	return 0;
}

ssize_t write_setgroups(struct file *file, struct task *task, char *text, size_t n)
{
	size_t word = strcspn(text, " \t\n");
	bool allow = word == 5 && !memcmp(text, "allow", 5);

	if (((struct proc_text *)file->private)->write_at || n >= 8 ||
	    (!allow && (word != 4 || memcmp(text, "deny", 4))) ||
	    text[word + strspn(text + word, " \t\n")])
		return -EINVAL;
	struct user_ns *ns = user_ns_of(task);
	int error = cred_capable(file->cred, ns, CAP_SYS_ADMIN) ? user_ns_set_setgroups(ns, allow)
								: -EACCES;
	user_ns_put(ns);
	return error ?: (ssize_t)n;
}
