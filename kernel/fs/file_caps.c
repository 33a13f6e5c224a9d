// Capabilities of files (capabilities(7)): the forms of security.capability, and their loss.
//
// Revision 2 counts for whoever has the root of the file system's own user namespace as an ancestor.
// Root of a namespace below can write them too, but only for itself: they are stored as revision 3
// with that root's id, and count in its namespace and below only. Each namespace sees its own as
// revision 2.

#include <fs/file_caps.h>
#include <fs/inode.h>
#include <fs/mount.h>
#include <fs/xattr.h>
#include <lib/string.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <uapi/errno.h>
#include <uapi/xattr.h>

// Which of the two revisions that can be written it is: 2, 3, or 0 for neither.
static int revision_of(const struct vfs_ns_cap_data *data, size_t size)
{
	u32 revision = size < sizeof(u32) ? 0 : data->magic_etc & ~VFS_CAP_FLAGS_EFFECTIVE;

	if (size == XATTR_CAPS_SZ_2 && revision == VFS_CAP_REVISION_2)
		return 2;
	return size == XATTR_CAPS_SZ_3 && revision == VFS_CAP_REVISION_3 ? 3 : 0;
}

// Whether that user is root of current's user namespace or of one above it.
static bool is_root_above(u32 uid)
{
	if (uid == INVALID_ID)
		return false;
	for (struct user_ns *ns = current_cred()->user_ns; ns; ns = user_ns_parent(ns)) {
		if (uid_to_user(ns, uid) == 0)
			return true;
	}
	return false;
}

int file_caps_from_user(struct inode *inode, const void *value, size_t size,
			struct vfs_ns_cap_data *out)
{
	struct user_ns *owner = superblock_owner(inode->sb), *ns = current_cred()->user_ns;

	memset(out, 0, sizeof(*out));
	memcpy(out, value, MIN(size, sizeof(*out)));
	int revision = revision_of(out, size);
	if (!revision)
		return -EINVAL;
	if (!inode_capable(inode, CAP_SETFCAP))
		return -EPERM;
	if (revision == 2 && ns_capable(owner, CAP_SETFCAP))
		return XATTR_CAPS_SZ_2;
	u32 root = uid_from_user(ns, revision == 3 ? out->rootid : 0);
	if (root == INVALID_ID)
		return -EINVAL;
	root = uid_to_user(owner, root);
	if (root == INVALID_ID)
		return -EINVAL;
	out->magic_etc = VFS_CAP_REVISION_3 | (out->magic_etc & VFS_CAP_FLAGS_EFFECTIVE);
	out->rootid = root;
	return XATTR_CAPS_SZ_3;
}

ssize_t file_caps_to_user(struct inode *inode, void *buffer, size_t size)
{
	struct vfs_ns_cap_data data;
	ssize_t length = xattr_stored(inode, XATTR_NAME_CAPS, &data, sizeof(data));

	if (length < 0)
		return length;
	int revision = revision_of(&data, length);
	if (!revision)
		return -EINVAL;
	u32 root = uid_from_user(superblock_owner(inode->sb), revision == 3 ? data.rootid : 0);
	u32 shown = uid_to_user(current_cred()->user_ns, root);
	u32 effective = data.magic_etc & VFS_CAP_FLAGS_EFFECTIVE;
	if (shown != INVALID_ID && shown != 0) {
		length = XATTR_CAPS_SZ_3;
		data.magic_etc = VFS_CAP_REVISION_3 | effective;
		data.rootid = shown;
	} else if (is_root_above(root)) {
		length = XATTR_CAPS_SZ_2;
		data.magic_etc = VFS_CAP_REVISION_2 | effective;
	} else {
		return -EOVERFLOW;
	}
	if (size && size < (size_t)length)
		return -ERANGE;
	if (size)
		memcpy(buffer, &data, length);
	return length;
}

int file_caps_read(struct inode *inode, struct file_caps *out)
{
	struct vfs_ns_cap_data data = {0};
	u32 root = 0;

	if (!inode->sb || !inode->xattrs.node)
		return -ENODATA;
	ssize_t length = xattr_stored(inode, XATTR_NAME_CAPS, &data, sizeof(data));
	if (length < 0)
		return length;
	int revision = revision_of(&data, length);
	if (!revision)
		return -EINVAL;
	if (revision == 3)
		root = data.rootid;
	if (!is_root_above(uid_from_user(superblock_owner(inode->sb), root)))
		return -ENODATA;
	out->effective = data.magic_etc & VFS_CAP_FLAGS_EFFECTIVE;
	out->permitted = (data.data[0].permitted | (u64)data.data[1].permitted << 32) &
			 CAP_FULL_SET;
	out->inheritable = (data.data[0].inheritable | (u64)data.data[1].inheritable << 32) &
			   CAP_FULL_SET;
	return 0;
}

void inode_drop_privileges(struct inode *inode)
{
	inode_drop_set_ids(inode);
	xattr_drop_locked(inode, XATTR_NAME_CAPS);
}
