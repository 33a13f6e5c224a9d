// Open files and descriptor tables.
//
// A table is read under rcu: a reader takes the pointer, then a reference unless the file is on its
// way out, then looks whether the slot still has it. Writers hold files->lock. A table that is too
// small is replaced by a larger copy, and freed after a grace period.

#include <core/init.h>
#include <core/panic.h>
#include <fs/async.h>
#include <fs/files.h>
#include <fs/open.h>
#include <fs/locks.h>
#include <lib/bitmap.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <sched/process.h>
#include <uapi/errno.h>

u64 nr_open_max = 1 << 20;
static struct slab_cache *file_cache, *files_cache;

// --- struct file ---

struct file *file_alloc(u32 flags)
{
	struct file *file = slab_alloc(file_cache, GFP_KERNEL | GFP_ZERO);

	if (!file)
		return NULL;
	refcount_init(&file->refs, 1);
	mutex_init(&file->pos_lock, LOCK_FILE_POS);
	file->flags = flags & FILE_OPEN_FLAGS;
	if ((flags & O_ACCMODE) != O_WRONLY)
		file->flags |= FILE_READ;
	if ((flags & O_ACCMODE) != O_RDONLY)
		file->flags |= FILE_WRITE;
	file->cred = cred_get(current_cred());
	return file;
}

void (*file_epoll_hook)(struct file *file);

struct file *file_get(struct file *file)
{
	refcount_get(&file->refs);
	return file;
}

void file_put(struct file *file)
{
	if (!refcount_put(&file->refs))
		return;
	if (unlikely(file->epolls.first))
		file_epoll_hook(file);
	if (unlikely(file->owner))
		file_owner_free(file);
	locks_closed(file->inode, LOCK_KIND_FLOCK, file);
	if (file->ops && file->ops->release)
		file->ops->release(file);
	if (file->inode && (file->flags & FILE_WRITE) && S_ISREG(file->inode->mode)) {
		atomic_dec(&file->inode->write_denied);
		mount_count_writer(file->path.mount, -1);
	}
	file_allow_write(file);
	if (file->path.dentry)
		path_put(&file->path);
	else if (file->inode)
		inode_put(file->inode);
	cred_put(file->cred);
	slab_free(file_cache, file); // typesafe: readers check the slot again
}

void file_allow_write(struct file *file)
{
	if (!(file->flags & FILE_DENY))
		return;
	file->flags &= ~FILE_DENY;
	atomic_inc(&file->inode->write_denied);
}

int file_alloc_anon(const char *name, const struct file_ops *ops, void *private, u32 flags,
		    struct file **out)
{
	struct file *file = file_alloc(flags);

	if (!file)
		return -ENOMEM;
	file->ops = ops;
	file->private = private;
	file->anon_name = name;
	*out = file;
	return 0;
}

bool file_readable_by_current(struct file *file)
{
	return inode_permission(file->inode, MAY_READ) == 0;
}

ssize_t file_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	if (!(file->flags & FILE_READ))
		return -EBADF;
	if (!file->ops->read)
		return file->inode && S_ISDIR(file->inode->mode) ? -EISDIR : -EINVAL;
	return file->ops->read(file, iter, pos);
}

void file_accessed(struct file *file)
{
	if (!(file->flags & O_NOATIME))
		path_accessed(&file->path);
}

ssize_t file_write(struct file *file, struct iov_iter *iter, u64 *pos)
{
	if (!(file->flags & FILE_WRITE))
		return -EBADF;
	if (!file->ops->write)
		return -EINVAL;
	return file->ops->write(file, iter, pos);
}

void (*file_limit_hook)(void);

int file_limit_size(u64 old, u64 size)
{
	if (size <= old)
		return 0;
	if (size > rlimit(RLIMIT_FSIZE)) {
		file_limit_hook();
		return -EFBIG;
	}
	return size > FILE_SIZE_MAX ? -EFBIG : 0;
}

int file_limit_growth(u64 pos, struct iov_iter *iter)
{
	u64 limit = rlimit(RLIMIT_FSIZE);

	if (!iter_count(iter))
		return 0;
	if (pos >= limit) {
		file_limit_hook();
		return -EFBIG;
	}
	if (pos >= FILE_SIZE_MAX)
		return -EFBIG;
	iter_truncate(iter, MIN(limit, FILE_SIZE_MAX) - pos);
	return 0;
}

ssize_t kernel_read(struct file *file, void *buffer, size_t n, u64 pos)
{
	struct iov_iter iter;

	iter_init_kernel(&iter, buffer, n);
	return file->ops->read ? file->ops->read(file, &iter, &pos) : -EINVAL;
}

// --- Tables ---

static struct fd_table *table_alloc(u32 size)
{
	size_t words = size / 64;
	struct fd_table *table = kvmalloc(sizeof(*table) + size * sizeof(void *) + 2 * words * 8,
					  GFP_KERNEL);

	if (!table)
		return NULL;
	table->size = size;
	table->file = (struct file **)(table + 1);
	table->open = (unsigned long *)(table->file + size);
	table->cloexec = table->open + words;
	memset(table->file, 0, size * sizeof(void *) + 2 * words * 8);
	return table;
}

static void table_free_rcu(struct rcu_head *head)
{
	kvfree(container_of(head, struct fd_table, rcu));
}

int files_create(struct files **out)
{
	struct files *files = slab_alloc(files_cache, GFP_KERNEL | GFP_ZERO);
	struct fd_table *table = files ? table_alloc(FD_MIN_TABLE) : NULL;

	if (!table) {
		if (files)
			slab_free(files_cache, files);
		return -ENOMEM;
	}
	refcount_init(&files->refs, 1);
	spin_init(&files->lock, LOCK_FILES);
	files->table = table;
	*out = files;
	return 0;
}

struct files *files_get(struct files *files)
{
	refcount_get(&files->refs);
	return files;
}

bool files_is_shared(struct files *files)
{
	return refcount_read(&files->refs) > 1;
}

void files_put(struct files *files)
{
	if (!refcount_put(&files->refs))
		return;
	struct fd_table *table = files->table;
	for (u32 word = 0; word < table->size / 64; word++) {
		for (u64 bits = table->open[word]; bits; bits &= bits - 1) {
			struct file *file = table->file[word * 64 + bits_first(bits)];
			if (!file)
				continue;
			locks_closed(file->inode, LOCK_KIND_POSIX, files);
			file_put(file);
		}
	}
	kvfree(table);
	slab_free(files_cache, files);
}

// Replaces the table by one for at least `size` numbers. files->lock held; dropped meanwhile.
static int table_grow(struct files *files, u32 size)
{
	u32 room = 2 * FD_MIN_TABLE;

	while (room < size)
		room *= 2;
	spin_unlock(&files->lock);
	struct fd_table *new = table_alloc(room);
	spin_lock(&files->lock);
	if (!new)
		return -ENOMEM;
	struct fd_table *old = files->table;
	if (old->size >= size) {
		kvfree(new);
		return 0;
	}
	memcpy(new->file, old->file, old->size * sizeof(void *));
	memcpy(new->open, old->open, old->size / 8);
	memcpy(new->cloexec, old->cloexec, old->size / 8);
	rcu_assign_pointer(files->table, new);
	call_rcu(&old->rcu, table_free_rcu);
	return 0;
}

// How much of a table is in use: a multiple of 64. files->lock held.
static u32 table_used(const struct fd_table *table)
{
	u32 words = table->size / 64;

	while (words > 1 && !table->open[words - 1])
		words--;
	return words * 64;
}

int files_dup(struct files *old, struct files **out, u32 max)
{
	struct files *files;
	int error = files_create(&files);

	(void)max;
	if (error)
		return error;
	spin_lock(&old->lock);
	u32 size;
	while (files->table->size < (size = table_used(old->table))) {
		spin_unlock(&old->lock);
		spin_lock(&files->lock);
		error = table_grow(files, size);
		spin_unlock(&files->lock);
		if (error) {
			files_put(files);
			return error;
		}
		spin_lock(&old->lock);
	}
	struct fd_table *from = old->table, *to = files->table;
	u32 next = old->next_fd;
	for (u32 word = 0; word < size / 64; word++) {
		for (u64 bits = from->open[word]; bits; bits &= bits - 1) {
			u32 fd = word * 64 + bits_first(bits);

			if (!from->file[fd]) { // reserved, not yet installed
				next = MIN(next, fd);
				continue;
			}
			to->file[fd] = file_get(from->file[fd]);
			bitmap_set(to->open, fd);
		}
		to->cloexec[word] = from->cloexec[word];
	}
	files->next_fd = next;
	spin_unlock(&old->lock);
	*out = files;
	return 0;
}

// --- Descriptors ---

// A descriptor of that table goes: its record locks on the file go too, whoever else has it open.
static void file_close(struct files *files, struct file *file)
{
	locks_closed(file->inode, LOCK_KIND_POSIX, files);
	file_put(file);
}

static struct file *table_get(struct files *files, u32 fd)
{
	struct file *file;

	rcu_read_lock();
	for (;;) {
		struct fd_table *table = rcu_dereference(files->table);

		file = fd < table->size ? rcu_dereference(table->file[fd]) : NULL;
		if (!file)
			break;
		if (!refcount_get_not_zero(&file->refs))
			continue;
		if (likely(READ_ONCE(table->file[fd]) == file))
			break;
		file_put(file);
	}
	rcu_read_unlock();
	return file;
}

struct file *file_get_fd(int fd)
{
	return fd < 0 ? NULL : table_get(current->files, fd);
}

int file_get_of_task(struct task *task, int fd, struct file **out)
{
	struct files *files;

	spin_lock(&task->alloc_lock);
	files = task->files ? files_get(task->files) : NULL;
	spin_unlock(&task->alloc_lock);
	*out = files && fd >= 0 ? table_get(files, fd) : NULL;
	if (files)
		files_put(files);
	return *out ? 0 : -EBADF;
}

bool fd_is_cloexec(struct task *task, int fd)
{
	struct files *files;
	bool set = false;

	spin_lock(&task->alloc_lock);
	files = task->files ? files_get(task->files) : NULL;
	spin_unlock(&task->alloc_lock);
	if (!files)
		return false;
	spin_lock(&files->lock);
	if ((u32)fd < files->table->size)
		set = bitmap_test(files->table->cloexec, fd);
	spin_unlock(&files->lock);
	files_put(files);
	return set;
}

int fd_alloc_from(u32 min, u32 flags)
{
	struct files *files = current->files;
	u64 limit = rlimit(RLIMIT_NOFILE);
	int error;

	if (min >= limit)
		return -EMFILE;
	spin_lock(&files->lock);
	for (;;) {
		struct fd_table *table = files->table;
		u32 fd = bitmap_find_next_zero(table->open, table->size, MAX(min, files->next_fd));

		if (fd >= limit) {
			error = -EMFILE;
			break;
		}
		if (fd < table->size) {
			bitmap_set(table->open, fd);
			if (flags & O_CLOEXEC)
				bitmap_set(table->cloexec, fd);
			else
				bitmap_clear(table->cloexec, fd);
			if (min <= files->next_fd)
				files->next_fd = fd + 1;
			spin_unlock(&files->lock);
			return fd;
		}
		error = table_grow(files, fd + 1);
		if (error)
			break;
	}
	spin_unlock(&files->lock);
	return error;
}

void fd_install(int fd, struct file *file)
{
	struct files *files = current->files;

	spin_lock(&files->lock);
	rcu_assign_pointer(files->table->file[fd], file);
	spin_unlock(&files->lock);
}

// files->lock held. Returns the file that was there.
static struct file *clear_locked(struct files *files, u32 fd)
{
	struct fd_table *table = files->table;
	struct file *file = fd < table->size ? table->file[fd] : NULL;

	if (fd >= table->size)
		return NULL;
	WRITE_ONCE(table->file[fd], NULL);
	bitmap_clear(table->open, fd);
	files->next_fd = MIN(files->next_fd, fd);
	return file;
}

void fd_release_unused(int fd)
{
	spin_lock(&current->files->lock);
	clear_locked(current->files, fd);
	spin_unlock(&current->files->lock);
}

int fd_close(int fd)
{
	struct files *files = current->files;
	struct file *file = NULL;

	spin_lock(&files->lock);
	if (fd >= 0 && (u32)fd < files->table->size && files->table->file[fd])
		file = clear_locked(files, fd);
	spin_unlock(&files->lock);
	if (!file)
		return -EBADF;
	file_close(files, file);
	return 0;
}

int fd_dup_to(int fd, int target, u32 flags)
{
	struct files *files = current->files;
	struct file *file, *old;
	int error = 0;

	if (target < 0 || (u64)target >= rlimit(RLIMIT_NOFILE))
		return -EBADF;
	file = file_get_fd(fd);
	if (!file)
		return -EBADF;
	spin_lock(&files->lock);
	while (!error && (u32)target >= files->table->size)
		error = table_grow(files, target + 1);
	if (!error && bitmap_test(files->table->open, target) && !files->table->file[target])
		error = -EBUSY; // another thread is opening it just now
	if (error) {
		spin_unlock(&files->lock);
		file_put(file);
		return error;
	}
	struct fd_table *table = files->table;
	old = table->file[target];
	rcu_assign_pointer(table->file[target], file);
	bitmap_set(table->open, target);
	if (flags & O_CLOEXEC)
		bitmap_set(table->cloexec, target);
	else
		bitmap_clear(table->cloexec, target);
	spin_unlock(&files->lock);
	if (old)
		file_close(files, old);
	return target;
}

int fd_get_flags(int fd)
{
	struct files *files = current->files;
	int result = -EBADF;

	spin_lock(&files->lock);
	if (fd >= 0 && (u32)fd < files->table->size && files->table->file[fd])
		result = bitmap_test(files->table->cloexec, fd) ? FD_CLOEXEC : 0;
	spin_unlock(&files->lock);
	return result;
}

int fd_set_flags(int fd, int flags)
{
	struct files *files = current->files;
	int result = -EBADF;

	spin_lock(&files->lock);
	if (fd >= 0 && (u32)fd < files->table->size && files->table->file[fd]) {
		if (flags & FD_CLOEXEC)
			bitmap_set(files->table->cloexec, fd);
		else
			bitmap_clear(files->table->cloexec, fd);
		result = 0;
	}
	spin_unlock(&files->lock);
	return result;
}

static void close_matching(struct files *files, u32 first, u32 last, bool only_cloexec)
{
	for (u32 fd = first; fd <= last; fd++) {
		struct file *file = NULL;

		spin_lock(&files->lock);
		if (fd >= files->table->size) {
			spin_unlock(&files->lock);
			return;
		}
		if (files->table->file[fd] &&
		    (!only_cloexec || bitmap_test(files->table->cloexec, fd)))
			file = clear_locked(files, fd);
		spin_unlock(&files->lock);
		if (file)
			file_close(files, file);
	}
}

void files_close_on_exec(struct files *files)
{
	close_matching(files, 0, ~0u, true);
}

int fd_close_range(u32 first, u32 last, u32 flags)
{
	struct files *files = current->files;

	if (!(flags & 4)) { // CLOSE_RANGE_CLOEXEC
		close_matching(files, first, last, false);
		return 0;
	}
	spin_lock(&files->lock);
	for (u32 fd = first; fd <= last && fd < files->table->size; fd++)
		bitmap_set(files->table->cloexec, fd);
	spin_unlock(&files->lock);
	return 0;
}

static int file_init(void)
{
	file_cache = slab_cache_create("file", sizeof(struct file), 0,
				       SLAB_HWALIGN | SLAB_PANIC | SLAB_TYPESAFE_RCU, NULL);
	files_cache = slab_cache_create("files", sizeof(struct files), 0, SLAB_HWALIGN | SLAB_PANIC,
					NULL);
	return 0;
}
INITCALL(EARLY, file_init);
