// Inodes: references, times, permission.

#include <core/timer.h>
#include <fs/inode.h>
#include <fs/path.h>
#include <fs/xattr.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <uapi/errno.h>

static struct slab_cache *inode_cache;
bool inode_group_or_capable(struct inode *inode, u32 gid)
{
	return cred_in_group(current_cred(), gid) || inode_capable(inode, CAP_FSETID);
}

// Without the bit to execute, set-group-id is no privilege: it stays with those of the group.
u32 inode_set_ids_lost(struct inode *inode)
{
	u32 mode = READ_ONCE(inode->mode), lost = mode & S_ISUID;

	if ((mode & S_ISGID) && ((mode & S_IXGRP) || !inode_group_or_capable(inode, inode->gid)))
		lost |= S_ISGID;
	return lost;
}

void inode_drop_set_ids(struct inode *inode)
{
	if (!(inode->mode & (S_ISUID | S_ISGID)) || !S_ISREG(inode->mode))
		return;
	u32 lost = inode_set_ids_lost(inode);
	if (lost && !capable(CAP_FSETID))
		WRITE_ONCE(inode->mode, inode->mode & ~lost);
}

void inode_init(void);

struct timespec fs_now(void)
{
	u64 now = clock_realtime_ns();

	return (struct timespec){now / NSEC_PER_SEC, now % NSEC_PER_SEC};
}

struct inode *inode_alloc(struct superblock *sb, u32 mode)
{
	struct inode *inode = slab_alloc(inode_cache, GFP_KERNEL | GFP_ZERO);

	if (!inode)
		return NULL;
	refcount_init(&inode->refs, 1);
	rwsem_init(&inode->lock, S_ISDIR(mode) ? LOCK_INODE_DIR : LOCK_INODE);
	mapping_init(&inode->mapping, inode);
	inode->sb = sb;
	inode->mode = mode;
	inode->nlink = 1;
	inode->number = __atomic_add_fetch(&sb->next_inode, 1, __ATOMIC_RELAXED);
	inode->uid = current_cred()->fsuid;
	inode->gid = current_cred()->fsgid;
	inode->atime = inode->mtime = inode->ctime = fs_now();
	return inode;
}

struct inode *inode_get(struct inode *inode)
{
	refcount_get(&inode->refs);
	return inode;
}

void inode_put(struct inode *inode)
{
	if (!refcount_put(&inode->refs))
		return;
	xattr_free_all(inode);
	if (inode->ops && inode->ops->free)
		inode->ops->free(inode);
	mapping_destroy(&inode->mapping);
	kfree(inode->symlink);
	slab_free(inode_cache, inode);
}

void inode_touch(struct inode *inode)
{
	inode->mtime = inode->ctime = fs_now();
}

bool inode_capable(struct inode *inode, int cap)
{
	struct user_ns *ns = current_cred()->user_ns;

	return uid_to_user(ns, inode->uid) != INVALID_ID &&
	       gid_to_user(ns, inode->gid) != INVALID_ID && ns_capable(ns, cap);
}

int inode_permission(struct inode *inode, int mask)
{
	if (inode->ops && inode->ops->permission)
		return inode->ops->permission(inode, mask);
	return inode_mode_permission(inode, mask);
}

int inode_mode_permission(struct inode *inode, int mask)
{
	const struct cred *cred = current_cred();
	u32 mode = READ_ONCE(inode->mode), granted = mode;

	if (cred->fsuid == inode->uid)
		granted >>= 6;
	else if (cred_in_group(cred, inode->gid))
		granted >>= 3;
	if (!(mask & ~granted & 7))
		return 0;
	if (S_ISDIR(mode)) {
		if (!(mask & MAY_WRITE) && inode_capable(inode, CAP_DAC_READ_SEARCH))
			return 0;
		return inode_capable(inode, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
	}
	if (mask == MAY_READ && inode_capable(inode, CAP_DAC_READ_SEARCH))
		return 0;
	if ((!(mask & MAY_EXEC) || (mode & 0111)) && inode_capable(inode, CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

// To act as the owner takes an owner that is known here; whose group it has does not matter.
bool inode_owner_or_capable(struct inode *inode)
{
	const struct cred *cred = current_cred();

	return cred->fsuid == inode->uid || (uid_to_user(cred->user_ns, inode->uid) != INVALID_ID &&
					     ns_capable(cred->user_ns, CAP_FOWNER));
}

void inode_init(void)
{
	inode_cache = slab_cache_create("inode", sizeof(struct inode), 0, SLAB_HWALIGN | SLAB_PANIC,
					NULL);
}
