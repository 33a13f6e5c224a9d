// statmount(2) and listmount(2): the questions about mounts that name them by number.

#include <fs/files.h>
#include <fs/mount_status.h>
#include <fs/nsfs.h>
#include <fs/path.h>
#include <fs/seq.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <mm/vmap.h>
#include <ns/cred.h>
#include <ns/nsproxy.h>
#include <sched/ns_common.h>
#include <sched/task.h>
#include <syscall/define.h>
#include <uapi/errno.h>

#define NUMBERS_LEAST 0x80000000ul // no mount has this number or a lower one
#define LIST_MAX      1000000
#define TEXTS_MAX     (64 * KIB)
#define CHUNK         (PAGE_SIZE / sizeof(u64))

static int read_request(u64 at, unsigned flags, struct mnt_id_req *request)
{
	u32 size;

	if (get_user_u32(at, &size))
		return -EFAULT;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < MNT_ID_REQ_SIZE_VER0)
		return -EINVAL;
	int error = copy_struct_from_user(request, sizeof(*request), at, size);
	if (error)
		return error;
	if (flags & STATMOUNT_BY_FD)
		return request->mnt_id || request->mnt_ns_id ? -EINVAL : 0;
	if (request->mnt_fd && request->mnt_ns_id)
		return -EINVAL;
	return request->mnt_id <= NUMBERS_LEAST ? -EINVAL : 0;
}

static int ns_of_fd(int fd, struct mnt_ns **out)
{
	struct file *file = file_get_fd(fd);

	if (!file)
		return -EBADF;
	struct ns_common *ns = nsfs_file_ns(file);
	bool is_mnt = ns && ns->kind->type == NS_MNT;
	if (is_mnt)
		*out = mnt_ns_get((struct mnt_ns *)ns);
	file_put(file);
	return is_mnt ? 0 : -EINVAL;
}

// The namespace that is asked about, counted.
static int ns_of_request(const struct mnt_id_req *request, struct mnt_ns **out)
{
	if (request->mnt_fd)
		return ns_of_fd(request->mnt_fd, out);
	*out = request->mnt_ns_id ? mnt_ns_find(request->mnt_ns_id)
				  : mnt_ns_get(current->nsproxy->mnt);
	return *out ? 0 : -ENOENT;
}

// --- statmount ---

// What the texts need is not known before they are made.
static int make_status(struct mnt_ns *ns, struct mount *mount, const struct mnt_id_req *request,
		       struct statmount *status, struct seq *seq)
{
	int error = -ENOMEM;

	for (size_t size = PAGE_SIZE; size <= TEXTS_MAX; size *= 2) {
		*seq = (struct seq){.buffer = kvmalloc(size, GFP_KERNEL), .size = size};
		if (!seq->buffer)
			return -ENOMEM;
		error = mount_status(ns, request->mnt_id, mount, request->param, status, seq);
		if (error || !seq->full)
			return error;
		kvfree(seq->buffer);
		seq->buffer = NULL;
		error = -ENOMEM;
	}
	return error;
}

// Without texts as much as there is room for; with them all or nothing.
static int give_status(struct statmount *status, const struct seq *seq, u64 out_at, size_t room)
{
	size_t fixed = MIN(sizeof(*status), room);

	if (seq->count && room < sizeof(*status) + seq->count)
		return -EOVERFLOW;
	status->size = fixed + seq->count;
	if (copy_to_user(out_at, status, fixed) ||
	    copy_to_user(out_at + sizeof(*status), seq->buffer, seq->count))
		return -EFAULT;
	return 0;
}

static int stat_mount(struct mnt_ns *ns, struct mount *mount, const struct mnt_id_req *request,
		      u64 out_at, size_t room)
{
	struct statmount status;
	struct seq seq = {0};
	int error = make_status(ns, mount, request, &status, &seq);

	if (!error)
		error = give_status(&status, &seq, out_at, room);
	kvfree(seq.buffer);
	return error;
}

static int stat_by_fd(const struct mnt_id_req *request, u64 out_at, size_t room)
{
	struct file *file = file_get_fd(request->mnt_fd);

	if (!file)
		return -EBADF;
	struct mount *mount = file->path.mount;
	int error = mount && !(mount->flags & MOUNT_INTERNAL)
			    ? stat_mount(NULL, mount, request, out_at, room)
			    : -EINVAL;
	file_put(file);
	return error;
}

SYSCALL4(statmount, u64, request_at, u64, out_at, size_t, room, unsigned, flags)
{
	struct mnt_id_req request;
	struct mnt_ns *ns;

	if (flags & ~STATMOUNT_BY_FD)
		return -EINVAL;
	int error = read_request(request_at, flags, &request);
	if (error)
		return error;
	if (flags & STATMOUNT_BY_FD)
		return stat_by_fd(&request, out_at, room);
	error = ns_of_request(&request, &ns);
	if (error)
		return error;
	error = stat_mount(ns, NULL, &request, out_at, room);
	mnt_ns_put(ns);
	return error;
}

// --- listmount ---

// In parts of a page: what comes and goes between two of them may be told or not.
static long list_mounts(struct mnt_ns *ns, const struct mnt_id_req *request, bool reverse,
			u64 out_at, size_t count)
{
	u64 *numbers = kmalloc(PAGE_SIZE, GFP_KERNEL), last = request->param;
	size_t done = 0;
	long n;

	if (!numbers)
		return -ENOMEM;
	do {
		size_t wanted = MIN(count - done, CHUNK);

		n = mount_list(ns, request->mnt_id, last, reverse, numbers, wanted);
		if (n > 0 && copy_to_user(out_at + done * sizeof(u64), numbers, n * sizeof(u64)))
			n = -EFAULT;
		if (n <= 0)
			break;
		last = numbers[n - 1];
		done += n;
	} while (n == CHUNK && done < count);
	kfree(numbers);
	return n < 0 ? n : (long)done;
}

SYSCALL4(listmount, u64, request_at, u64, out_at, size_t, count, unsigned, flags)
{
	struct mnt_id_req request;
	struct mnt_ns *ns;

	if (flags & ~LISTMOUNT_REVERSE)
		return -EINVAL;
	if (count > LIST_MAX)
		return -EOVERFLOW;
	if (!user_range_ok(out_at, count * sizeof(u64)))
		return -EFAULT;
	long error = read_request(request_at, 0, &request);
	if (error)
		return error;
	if (request.param && request.param <= NUMBERS_LEAST)
		return -EINVAL;
	error = ns_of_request(&request, &ns);
	if (error)
		return error;
	// Of other namespaces not even that they are there.
	if (ns != current->nsproxy->mnt && !ns_capable(mnt_ns_owner(ns), CAP_SYS_ADMIN))
		error = -ENOENT;
	else
		error = list_mounts(ns, &request, flags & LISTMOUNT_REVERSE, out_at, count);
	mnt_ns_put(ns);
	return error;
}
