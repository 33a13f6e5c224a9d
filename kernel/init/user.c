// From the kernel's threads to the first program: the root file system is unpacked, the console
// opened, and init started, with a message that says what was tried if that fails.

#include <core/cmdline.h>
#include <core/init.h>
#include <core/panic.h>
#include <core/printk.h>
#include <fs/files.h>
#include <fs/fs_context.h>
#include <fs/initramfs.h>
#include <fs/open.h>
#include <init/start.h>
#include <lib/string.h>
#include <mm/mmap.h>
#include <process/clone.h>
#include <process/exec.h>
#include <uapi/errno.h>

#define WORDS_MAX 30

int tmpfs_create(const char *type, u32 mode, struct superblock **out);
void dcache_init(void);
void inode_init(void);
void mount_init(void);

static const char *argv[WORDS_MAX + 2], *envp[WORDS_MAX + 3] = {"HOME=/", "TERM=linux"};
static int argc = 1, envc = 2;

// Words that the kernel does not know go to init: NAME=VALUE to its environment, others, and all
// behind "--", to its arguments.
static void take_word(const char *word, bool after, void *unused)
{
	(void)unused;
	if (!after && strchr(word, '=')) {
		if (envc < WORDS_MAX + 2)
			envp[envc++] = word;
	} else if (argc < WORDS_MAX + 1) {
		argv[argc++] = word;
	}
}

static void unpack_root(void)
{
	int entries = initramfs_unpack(boot_info.initrd, boot_info.initrd_size);

	if (entries < 0)
		panic("initramfs: cannot be unpacked: error %d", entries);
	pr_info("initramfs: %d entries\n", entries);
}

static void open_console(void)
{
	struct file *file;
	struct path path;

	// /dev of the archive may be empty: the devices are mounted over it.
	vfs_make(AT_FDCWD, "/dev", S_IFDIR | 0755, 0, NULL);
	struct superblock *sb;
	if (path_lookup(AT_FDCWD, "/dev", LOOKUP_FOLLOW, &path) == 0) {
		if (fs_find("devtmpfs")->mount("devtmpfs", NULL, &sb) == 0)
			mount_attach(sb, "devtmpfs", &path, 0);
		path_put(&path);
	}
	int error = file_open(AT_FDCWD, "/dev/console", O_RDWR, 0, &file);
	if (error) {
		pr_warn("init: /dev/console: error %d\n", error);
		return;
	}
	for (int fd = 0; fd < 3; fd++) {
		if (fd_alloc(0) == fd)
			fd_install(fd, file_get(file));
	}
	file_put(file);
}

static int try_init(const char *path)
{
	argv[0] = path;
	int error = kernel_exec(path, argv, envp);
	if (error && error != -ENOENT)
		pr_err("init: %s: error %d\n", path, error);
	return error;
}

static int run_init(void *unused)
{
	static const char *const paths[] = {"/init", "/sbin/init", "/etc/init", "/bin/init",
					    "/bin/sh"};
	const char *wish = cmdline_get("init");

	(void)unused;
	unpack_root();
	open_console();
	cmdline_for_init(take_word, NULL);
	if (wish && *wish) {
		int error = try_init(wish);
		if (error)
			panic("init: cannot run init=%s: error %d", wish, error);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		if (try_init(paths[i]) == 0)
			return 0;
	}
	panic("init: no program found; tried /init, /sbin/init, /etc/init, /bin/init, /bin/sh. "
	      "Name one with init=");
}

void start_user_space(void)
{
	process_start_init(run_init, NULL);
}

// --- What mm asks of files ---

static void map_get(struct file *file)
{
	file_get(file);
	if (file->ops->mapped)
		file->ops->mapped(file, true);
}

static void map_put(struct file *file)
{
	if (file->ops->mapped)
		file->ops->mapped(file, false);
	file_put(file);
}

static int map_punch(struct file *file, u64 offset, u64 length)
{
	if (!file->ops->fallocate)
		return -EOPNOTSUPP;
	return file->ops->fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
				    length);
}

static const struct file_map_ops map_ops = {.get = map_get, .put = map_put, .punch = map_punch};

static int map_check(struct file *file, int prot, int flags, struct mapping **mapping, u32 *may)
{
	bool shared = (flags & 15) != 2; // not MAP_PRIVATE

	if (!(file->flags & FILE_READ))
		return -EACCES;
	if (!file->ops->mmap)
		return -ENODEV;
	if (shared && (prot & 2) && !(file->flags & FILE_WRITE))
		return -EACCES;
	*may = VM_MAYREAD | VM_MAYEXEC | VM_MAYWRITE;
	bool sealed = file->inode && (file->inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
	if (shared && (sealed || !(file->flags & FILE_WRITE)))
		*may &= ~VM_MAYWRITE;
	if (file->path.mount && (file->path.mount->flags & MOUNT_NOEXEC)) {
		if (prot & 4)
			return -EPERM;
		*may &= ~VM_MAYEXEC;
	}
	return file->ops->mmap(file, prot, flags, mapping);
}

static int root_init(void)
{
	struct superblock *sb;

	file_map_ops = &map_ops;
	file_mmap_hook = map_check;
	dcache_init();
	inode_init();
	mount_init();
	int error = tmpfs_create("rootfs", 0755, &sb);
	if (!error)
		mount_make_root(sb);
	return error;
}
INITCALL(CORE, root_init);
