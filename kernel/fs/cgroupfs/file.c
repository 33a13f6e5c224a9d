// Files of control groups as open files: a text is made whole when it is read from the start; a
// write is one command. Once the group has gone, all says ENODEV.

#include <cgroup/cgroup_ns.h>
#include <fs/poll.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/nsproxy.h>
#include <sched/task.h>
#include <uapi/errno.h>

#include "internal.h"

#define TEXT_MAX (4 * MIB)

static const struct cgroup_file *entry_of(const struct file *file, struct cgroup **cgroup)
{
	const struct cgroup_slot *slot = cgroup_slot_of(file->inode);

	*cgroup = slot->cgroup;
	return cgroup_file_at(cgroup_index_of(slot));
}

static int file_open_it(struct inode *inode, struct file *file)
{
	struct cgroup_open *open = kzalloc(sizeof(*open), GFP_KERNEL);

	(void)inode;
	if (!open)
		return -ENOMEM;
	open->ns = cgroup_ns_get(current->nsproxy->cgroup);
	file->private = open;
	return 0;
}

static int file_release(struct file *file)
{
	struct cgroup_open *open = file->private;

	ns_put(&open->ns->common);
	kvfree(open->seq.buffer);
	kfree(open);
	return 0;
}

// How often a file has changed; those that do not tell have done so once.
static u32 count_of(const struct cgroup_file *entry, struct cgroup *cgroup)
{
	return entry->event ? atomic_read(&entry->event(cgroup)->count) : 1;
}

// Whether the file is still there. cgroup_tree_lock held.
static bool is_there(const struct cgroup *cgroup, const struct cgroup_file *entry)
{
	return !cgroup->dead && cgroup_file_visible(cgroup, entry);
}

// Makes the text; a buffer that was too small is doubled and the text made again.
static int make_text(struct cgroup_open *open, struct cgroup *cgroup,
		     const struct cgroup_file *entry, struct seq *seq)
{
	int error = 0;

	for (size_t size = PAGE_SIZE; !error; size *= 2) {
		*seq = (struct seq){.buffer = kvmalloc(size, GFP_KERNEL), .size = size};
		if (!seq->buffer || size > TEXT_MAX) {
			error = -ENOMEM;
			break;
		}
		mutex_lock(&cgroup_tree_lock);
		if (!is_there(cgroup, entry))
			error = -ENODEV;
		else if (entry->show_check)
			error = entry->show_check(cgroup);
		open->event = count_of(entry, cgroup);
		if (!error)
			entry->show(seq, cgroup);
		mutex_unlock(&cgroup_tree_lock);
		if (!seq->full || error)
			break;
		kvfree(seq->buffer);
	}
	if (error)
		kvfree(seq->buffer);
	return error;
}

static ssize_t file_read_it(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct cgroup_open *open = file->private;
	struct cgroup *cgroup;
	const struct cgroup_file *entry = entry_of(file, &cgroup);
	struct seq fresh;

	if (!entry->show)
		return -EINVAL;
	if (!open->seq.buffer || *pos == 0) {
		int error = make_text(open, cgroup, entry, &fresh);

		if (error)
			return error;
		kvfree(open->seq.buffer);
		open->seq = fresh;
	}
	if (*pos >= open->seq.count)
		return 0;
	size_t n = MIN(open->seq.count - *pos, iter_count(iter));
	size_t done = iter_copy_to(iter, open->seq.buffer + *pos, n);
	*pos += done;
	return done || !n ? (ssize_t)done : -EFAULT;
}

// At the root of a namespace, what was delegated to it may be changed from inside, but not its limits.
static bool is_border(const struct cgroup_open *open, const struct cgroup *cgroup,
		      const struct cgroup_file *entry)
{
	return (READ_ONCE(cgroup_options) & CGROUP_NS_DELEGATE) &&
	       !(entry->flags & CGROUP_DELEGATED) && open->ns != &init_cgroup_ns &&
	       open->ns->root == cgroup;
}

static int write_text(struct file *file, char *text)
{
	struct cgroup *cgroup;
	const struct cgroup_file *entry = entry_of(file, &cgroup);
	int error = -ENODEV;

	if (is_border(file->private, cgroup, entry))
		return -EPERM;
	mutex_lock(&cgroup_tree_lock);
	if (is_there(cgroup, entry))
		error = entry->write(file, cgroup, str_strip(text));
	mutex_unlock(&cgroup_tree_lock);
	return error;
}

static ssize_t file_write_it(struct file *file, struct iov_iter *iter, u64 *pos)
{
	struct cgroup *cgroup;
	size_t n = MIN(iter_count(iter), (size_t)PAGE_SIZE);
	ssize_t result = n;

	if (!n)
		return 0;
	if (!entry_of(file, &cgroup)->write)
		return -EINVAL;
	char *text = kmalloc(n + 1, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	if (iter_copy_from(iter, text, n) < n) {
		result = -EFAULT;
	} else {
		text[n] = '\0';
		int error = write_text(file, text);
		if (error)
			result = error;
	}
	kfree(text);
	if (result > 0)
		*pos += result;
	return result;
}

static u32 file_poll(struct file *file, struct poll_table *table)
{
	struct cgroup_open *open = file->private;
	struct cgroup *cgroup;
	const struct cgroup_file *entry = entry_of(file, &cgroup);
	u32 ready = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;

	if (entry->event)
		poll_wait(file, &entry->event(cgroup)->wait, table);
	return count_of(entry, cgroup) != open->event ? ready | POLLPRI | POLLERR : ready;
}

const struct file_ops cgroup_file_ops = {
	.open = file_open_it,
	.release = file_release,
	.read = file_read_it,
	.write = file_write_it,
	.poll = file_poll,
};
