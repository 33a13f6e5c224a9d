// System V shared memory: a segment is a file of memory without a name. Each attachment opens it
// anew; its areas count as attachments, whichever way they came (shmat, fork, a split) and go.

#include <fs/file.h>
#include <fs/memfd.h>
#include <fs/open.h>
#include <lib/printf.h>
#include <mm/mmap.h>
#include <mm/slab.h>
#include <sched/pid.h>
#include <uapi/errno.h>
#include <uapi/mman.h>

#include "shm.h"

static const struct file_ops shm_file_ops;

static u64 pages_of(const struct shm_segment *segment)
{
	return DIV_ROUND_UP(segment->size, PAGE_SIZE);
}

static struct pid *own_pid(void)
{
	return pid_get(current->group_leader->pid);
}

static void note_last(struct shm_segment *segment, struct pid *pid, struct pid **old)
{
	*old = segment->last;
	segment->last = pid;
}

// --- Life ---

static int shm_create(struct ipc_ns *ns, u64 size, int flags, struct ipc_object **out)
{
	u64 pages = DIV_ROUND_UP(size, PAGE_SIZE);

	if (!size || size > ns->shm_max || size + PAGE_SIZE < size)
		return -EINVAL;
	if ((u64)atomic64_add_return(&ns->shm_pages, pages) > ns->shm_all) {
		atomic64_sub(&ns->shm_pages, pages);
		return -ENOSPC;
	}
	struct shm_segment *segment = kzalloc(sizeof(*segment), GFP_KERNEL);
	int error = segment ? memfd_object("SYSV", size, &segment->path) : -ENOMEM;
	if (error) {
		atomic64_sub(&ns->shm_pages, pages);
		kfree(segment);
		return error;
	}
	ipc_object_init(&segment->object, &shm_kind, flags);
	segment->ns = ns;
	segment->size = size;
	segment->maker = own_pid();
	*out = &segment->object;
	return 0;
}

static int shm_check(struct ipc_object *object, u64 size)
{
	return size > container_of(object, struct shm_segment, object)->size ? -EINVAL : 0;
}

static void shm_free(struct ipc_object *object)
{
	struct shm_segment *segment = container_of(object, struct shm_segment, object);

	path_put(&segment->path);
	pid_put(segment->maker);
	pid_put(segment->last);
	kfree(segment);
}

// Nobody finds it any more; its memory goes with the last reference.
static void take_out(struct shm_segment *segment)
{
	if (!ipc_unlink(&segment->object))
		return;
	atomic64_sub(&segment->ns->shm_pages, pages_of(segment));
	spin_lock(&segment->object.lock);
	segment->object.removed = true;
	spin_unlock(&segment->object.lock);
	ipc_object_put(&segment->object);
}

void shm_remove(struct shm_segment *segment)
{
	spin_lock(&segment->object.lock);
	bool attached = segment->attached != 0;
	segment->doomed = true;
	if (attached)
		ipc_forget_key(&segment->object);
	segment->object.mode |= SHM_DEST;
	attached = segment->attached != 0; // the lock was dropped
	spin_unlock(&segment->object.lock);
	if (!attached)
		take_out(segment);
}

static void shm_kind_remove(struct ipc_object *object)
{
	shm_remove(container_of(object, struct shm_segment, object));
}

const struct ipc_kind shm_kind = {
	.create = shm_create,
	.check = shm_check,
	.free = shm_free,
	.remove = shm_kind_remove,
};

u64 shm_resident(const struct shm_segment *segment)
{
	return READ_ONCE(path_inode(&segment->path)->mapping.page_count);
}

// --- Attachments ---

// An area more, or one less.
static void count_area(struct shm_segment *segment, bool more)
{
	struct pid *old, *pid = own_pid();

	spin_lock(&segment->object.lock);
	note_last(segment, pid, &old);
	if (more) {
		segment->attached++;
		segment->atime = ipc_now();
	} else {
		segment->attached--;
		segment->dtime = ipc_now();
	}
	bool last = !segment->attached && segment->doomed;
	spin_unlock(&segment->object.lock);
	pid_put(old);
	if (last)
		take_out(segment);
}

static void shm_mapped(struct file *file, bool mapped)
{
	count_area(file->private, mapped);
}

static int shm_mmap(struct file *file, int prot, int flags, struct mapping **mapping)
{
	(void)prot, (void)flags;
	*mapping = &file->inode->mapping;
	return 0;
}

static int shm_release(struct file *file)
{
	struct shm_segment *segment = file->private;
	struct ipc_ns *ns = segment->ns;

	ipc_object_put(&segment->object);
	ipc_ns_put(ns);
	return 0;
}

static const struct file_ops shm_file_ops = {
	.mmap = shm_mmap,
	.mapped = shm_mapped,
	.release = shm_release,
};

// -EINVAL: the address does not do.
static int check_address(u64 *address, int flags)
{
	if (!*address)
		return (flags & SHM_REMAP) ? -EINVAL : 0;
	if (flags & SHM_RND)
		*address = ALIGN_DOWN(*address, PAGE_SIZE);
	return *address % PAGE_SIZE || (!*address && (flags & SHM_REMAP)) ? -EINVAL : 0;
}

static long map_file(struct file *file, u64 size, u64 address, int flags, u64 *at)
{
	int prot = PROT_READ | ((flags & SHM_RDONLY) ? 0 : PROT_WRITE) |
		   ((flags & SHM_EXEC) ? PROT_EXEC : 0);
	int how = MAP_SHARED;

	if (address)
		how |= (flags & SHM_REMAP) ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	int error = mm_mmap(current->mm, address, ALIGN_UP(size, PAGE_SIZE), prot, how, file, 0,
			    at);
	return error == -EEXIST ? -EINVAL : error;
}

// Takes the reference to the segment, which has been counted as attached meanwhile.
static long attach_counted(struct shm_segment *segment, u64 address, int flags, u64 *at)
{
	struct file *file;
	int error = file_open_path(&segment->path, (flags & SHM_RDONLY) ? O_RDONLY : O_RDWR, &file);

	if (error) {
		ipc_object_put(&segment->object);
		return error;
	}
	file->ops = &shm_file_ops;
	file->private = segment;
	ipc_ns_get(segment->ns);
	long result = map_file(file, segment->size, address, flags, at);
	file_put(file); // the areas have theirs
	return result;
}

long shm_attach(struct shm_segment *segment, u64 address, int flags, u64 *at)
{
	u32 want = 0444 | ((flags & SHM_RDONLY) ? 0 : 0222) | ((flags & SHM_EXEC) ? 0111 : 0);
	long error = check_address(&address, flags);

	if (!error)
		error = ipc_permission(segment->ns, &segment->object, want);
	if (error) {
		ipc_object_put(&segment->object);
		return error;
	}
	spin_lock(&segment->object.lock);
	bool removed = segment->object.removed;
	segment->attached += !removed;
	spin_unlock(&segment->object.lock);
	if (removed) {
		ipc_object_put(&segment->object);
		return -EIDRM;
	}
	ipc_object_get(&segment->object);
	error = attach_counted(segment, address, flags, at);
	spin_lock(&segment->object.lock);
	bool last = --segment->attached == 0 && segment->doomed;
	spin_unlock(&segment->object.lock);
	if (last)
		take_out(segment);
	ipc_object_put(&segment->object);
	return error;
}

// The first area at or above `from` that belongs to the attachment at `address`; its file if that is
// `file` or if that is NULL.
static bool find_area(u64 from, u64 address, struct file **file, u64 *start, u64 *end)
{
	struct mm *mm = current->mm;
	bool found = false;

	down_read(&mm->map_lock);
	for (struct vma *vma = vma_find(mm, from); vma && !found; vma = vma_next(vma)) {
		u64 limit = *file ? ((struct shm_segment *)(*file)->private)->size : ~0ul - address;

		if (vma->start - address >= limit)
			break;
		if (!vma->file || vma->file->ops != &shm_file_ops ||
		    vma->start - vma->offset != address || (*file && vma->file != *file))
			continue;
		if (!*file)
			*file = file_get(vma->file);
		*start = vma->start;
		*end = vma->end;
		found = true;
	}
	up_read(&mm->map_lock);
	return found;
}

long shm_detach(u64 address)
{
	struct file *file = NULL;
	u64 from = address, start, end;
	long error = 0;

	if (address % PAGE_SIZE)
		return -EINVAL;
	while (!error && find_area(from, address, &file, &start, &end)) {
		error = mm_munmap(current->mm, start, end - start);
		from = end;
	}
	if (!file)
		return -EINVAL;
	file_put(file);
	return error;
}
