// /proc/PID/ns: a link for each namespace of a process, which leads to the file that stands for it.

#include <fs/nsfs.h>
#include <fs/procfs/procfs.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/nsproxy.h>
#include <ns/user_ns.h>
#include <process/ptrace_access.h>
#include <process/task_ns.h>
#include <sched/pid_namespace.h>
#include <uapi/errno.h>

#define DIRECTORY (TASK_NS_PID_FOR_CHILDREN + 1)

static const struct {
	const char *name;
	int what; // enum ns_type, or a slot of the nsproxy
} links[] = {
	{"cgroup", NS_CGROUP},
	{"ipc", NS_IPC},
	{"mnt", NS_MNT},
	{"pid", NS_PID},
	{"pid_for_children", TASK_NS_PID_FOR_CHILDREN},
	{"time", NS_TIME},
	{"time_for_children", NSPROXY_TIME_FOR_CHILDREN},
	{"user", NS_USER},
	{"uts", NS_UTS},
};

struct ns_node {
	struct pid *pid; // counted
	int what;
};

static const struct inode_ops ns_dir_ops, ns_link_ops;
static const struct file_ops ns_dir_file_ops;

static int ns_inode(struct superblock *sb, struct pid *pid, int what, struct inode **out)
{
	bool directory = what == DIRECTORY;
	struct ns_node *node = kmalloc(sizeof(*node), GFP_KERNEL);
	struct inode *inode = node ? inode_alloc(sb, directory ? S_IFDIR | 0511 : S_IFLNK | 0777)
				   : NULL;

	if (!inode) {
		kfree(node);
		return -ENOMEM;
	}
	*node = (struct ns_node){pid_get(pid), what};
	inode->private = node;
	inode->ops = directory ? &ns_dir_ops : &ns_link_ops;
	inode->file_ops = &ns_dir_file_ops;
	proc_set_owner(inode, pid);
	if (directory)
		inode->nlink = 2;
	*out = inode;
	return 0;
}

int proc_ns_directory(struct superblock *sb, struct pid *pid, struct inode **out)
{
	return ns_inode(sb, pid, DIRECTORY, out);
}

static void ns_free(struct inode *inode)
{
	struct ns_node *node = inode->private;

	pid_put(node->pid);
	kfree(node);
}

// With a reference. -EACCES, -ENOENT, -ESRCH.
static int node_ns(const struct ns_node *node, struct ns_common **out)
{
	struct task *task = pid_task_get(node->pid, PIDTYPE_PID);
	int error = -EACCES;

	if (!task)
		return -ESRCH;
	if (ptrace_may_access(task, PTRACE_MODE_READ_FSCREDS)) {
		*out = task_ns_get(task, node->what);
		error = *out ? 0 : -ENOENT;
	}
	task_put(task);
	return error;
}

static int ns_readlink(struct inode *inode, char *buffer, size_t size)
{
	struct ns_common *ns;
	int error = node_ns(inode->private, &ns);

	if (error)
		return error;
	int length = snprintf(buffer, size, "%s:[%lu]", ns->kind->name, ns->number);
	ns_put(ns);
	return length;
}

static int ns_follow(struct inode *inode, struct path *out)
{
	struct ns_common *ns;
	int error = node_ns(inode->private, &ns);

	return error ?: nsfs_path(ns, out);
}

static const struct inode_ops ns_link_ops = {
	.readlink = ns_readlink,
	.follow = ns_follow,
	.free = ns_free,
};

static int ns_lookup(struct inode *dir, const char *name, size_t length, struct inode **out)
{
	struct ns_node *node = dir->private;

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		if (strlen(links[i].name) == length && !memcmp(links[i].name, name, length))
			return ns_inode(dir->sb, node->pid, links[i].what, out);
	}
	return -ENOENT;
}

static const struct inode_ops ns_dir_ops = {.lookup = ns_lookup, .free = ns_free};

static int ns_iterate(struct file *dir, struct dir_context *ctx)
{
	for (; dir->pos < 2; dir->pos++) {
		if (!ctx->emit(ctx, "..", dir->pos + 1, dir->pos + 1, dir->inode->number, 4))
			return 0;
	}
	for (; dir->pos - 2 < ARRAY_SIZE(links); dir->pos++) {
		const char *name = links[dir->pos - 2].name;

		if (!ctx->emit(ctx, name, strlen(name), dir->pos + 1, dir->inode->number + dir->pos,
			       10))
			return 0;
	}
	return 0;
}

static const struct file_ops ns_dir_file_ops = {.iterate = ns_iterate};
