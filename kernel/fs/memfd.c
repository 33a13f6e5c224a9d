// memfd_create(2): a file of the memory file system that hangs on no directory; and seals.

#include <core/errno.h>
#include <core/init.h>
#include <core/panic.h>
#include <fs/memfd.h>
#include <fs/open.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/mapping.h>
#include <mm/slab.h>
#include <uapi/errno.h>
#include <uapi/memfd.h>

#define SEALS_ALL                                                                         \
	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | \
	 F_SEAL_EXEC)

int tmpfs_create(const char *type, u32 mode, struct superblock **out);
static struct mount *memfd_mount; // [I] in no namespace

int memfd_create(const char *name, u32 flags, struct file **out)
{
	struct inode *dir = memfd_mount->root->inode, *inode;
	char text[256 + 8];
	int error = dir->ops->make(dir, S_IFREG | 0777, 0, &inode);

	if (error)
		return error;
	snprintf(text, sizeof(text), "memfd:%s", name);
	inode->nlink = 0;
	inode->seals = INODE_SEALABLE |
		       ((flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL)) ? 0 : F_SEAL_SEAL);
	if (flags & MFD_NOEXEC_SEAL) {
		inode->mode &= ~0111u;
		inode->seals |= F_SEAL_EXEC;
	}
	struct path path = {memfd_mount, dentry_make_loose(memfd_mount->root, text, inode)};
	inode_put(inode);
	if (!path.dentry)
		return -ENOMEM;
	error = file_open_path(&path, O_RDWR | O_LARGEFILE, out);
	dentry_put(path.dentry);
	return error;
}

int memfd_object(const char *name, u64 size, struct path *out)
{
	struct inode *dir = memfd_mount->root->inode, *inode;
	int error = dir->ops->make(dir, S_IFREG | 0600, 0, &inode);

	if (error)
		return error;
	inode->nlink = 0;
	inode->mapping.size = size;
	inode->mapping.shmem = true;
	*out = (struct path){memfd_mount, dentry_make_loose(memfd_mount->root, name, inode)};
	inode_put(inode);
	if (!out->dentry)
		return -ENOMEM;
	mount_get(memfd_mount);
	return 0;
}

long file_add_seals(struct file *file, u32 seals)
{
	struct inode *inode = file->inode;
	long error = 0;

	if (!(file->flags & FILE_WRITE))
		return -EPERM;
	if ((seals & ~SEALS_ALL) || !inode || !(inode->seals & INODE_SEALABLE))
		return -EINVAL;
	down_write(&inode->lock);
	// What can be executed for good cannot be changed any more.
	if ((seals & F_SEAL_EXEC) && (inode->mode & 0111))
		seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
	if (inode->seals & F_SEAL_SEAL)
		error = -EPERM;
	else if ((seals & F_SEAL_WRITE) && !mapping_deny_writers(&inode->mapping))
		error = -EBUSY;
	else
		inode->seals |= seals;
	up_write(&inode->lock);
	return error;
}

long file_get_seals(struct file *file)
{
	struct inode *inode = file->inode;

	if (!inode || !(inode->seals & INODE_SEALABLE))
		return -EINVAL;
	return inode->seals & ~INODE_SEALABLE;
}

static int memfd_init(void)
{
	struct superblock *sb;
	int error = tmpfs_create("tmpfs", 0755, &sb);

	BUG_ON(error);
	memfd_mount = mount_make_internal(sb);
	return 0;
}
INITCALL(FS, memfd_init);
