// Extended attributes: who may see and set which, and the tree in which an inode keeps them.
//
// A file system has them if its superblock counts their memory (charge_xattrs). Names are sorted, so
// a file with very many of them stays quick.

#include <fs/file_caps.h>
#include <fs/inode.h>
#include <fs/mount.h>
#include <fs/xattr.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <uapi/errno.h>
#include <uapi/xattr.h>

// One attribute. [lock] the inode's.
struct xattr {
	struct rb_node node;
	size_t size;
	char *name; // behind the value
	u8 value[];
};

// What an attribute counts against the limits of its file system, as on Linux.
#define XATTR_OVERHEAD 40

static bool has_prefix(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

static bool inode_has_xattrs(const struct inode *inode)
{
	return inode && inode->sb && inode->sb->charge_xattrs;
}

static struct user_ns *owner_of(const struct inode *inode)
{
	return inode && inode->sb ? superblock_owner(inode->sb) : &init_user_ns;
}

// --- The tree. The inode's lock is held ---

static struct xattr *find_locked(const struct inode *inode, const char *name,
				 struct rb_node **parent, struct rb_node ***link)
{
	struct rb_node *above = NULL, **at = (struct rb_node **)&inode->xattrs.node;
	struct xattr *found = NULL;

	while (*at && !found) {
		struct xattr *xattr = rb_entry(*at, struct xattr, node);
		int order = strcmp(name, xattr->name);

		if (order == 0) {
			found = xattr;
			break;
		}
		above = *at;
		at = order < 0 ? &above->left : &above->right;
	}
	if (parent) {
		*parent = above;
		*link = at;
	}
	return found;
}

static s64 space_of(const char *name, size_t size)
{
	return XATTR_OVERHEAD + strlen(name) + size;
}

static struct xattr *xattr_new(const char *name, const void *value, size_t size)
{
	struct xattr *xattr = kvmalloc(sizeof(*xattr) + size + strlen(name) + 1, GFP_KERNEL);

	if (!xattr)
		return NULL;
	xattr->size = size;
	xattr->name = (char *)xattr->value + size;
	if (size) // then there need be no value
		memcpy(xattr->value, value, size);
	memcpy(xattr->name, name, strlen(name) + 1);
	return xattr;
}

static void erase_locked(struct inode *inode, struct xattr *xattr)
{
	rb_erase(&xattr->node, &inode->xattrs);
	inode->sb->charge_xattrs(inode->sb, -space_of(xattr->name, xattr->size));
	kvfree(xattr);
}

// Puts `xattr` (NULL: nothing) in the place of what has that name.
static int replace_locked(struct inode *inode, const char *name, struct xattr *xattr, int flags)
{
	struct rb_node *parent, **link;
	struct xattr *old = find_locked(inode, name, &parent, &link);

	if (old && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!old && (flags & XATTR_REPLACE))
		return -ENODATA;
	// The new one has to fit beside the old one, as on Linux.
	if (xattr) {
		int error = inode->sb->charge_xattrs(inode->sb, space_of(name, xattr->size));

		if (error)
			return error;
	}
	if (old) {
		erase_locked(inode, old);
		find_locked(inode, name, &parent, &link);
	}
	if (xattr) {
		rb_link_node(&xattr->node, parent, link);
		rb_insert_color(&xattr->node, &inode->xattrs);
	}
	inode->ctime = fs_now();
	return 0;
}

ssize_t xattr_stored(struct inode *inode, const char *name, void *buffer, size_t size)
{
	ssize_t result = -ENODATA;

	down_read(&inode->lock);
	struct xattr *xattr = find_locked(inode, name, NULL, NULL);
	if (xattr) {
		result = size && size < xattr->size ? -ERANGE : (ssize_t)xattr->size;
		if (size && result > 0)
			memcpy(buffer, xattr->value, xattr->size);
	}
	up_read(&inode->lock);
	return result;
}

void xattr_drop_locked(struct inode *inode, const char *name)
{
	struct xattr *xattr = inode->xattrs.node ? find_locked(inode, name, NULL, NULL) : NULL;

	if (xattr) {
		erase_locked(inode, xattr);
		inode->ctime = fs_now();
	}
}

void xattr_free_all(struct inode *inode)
{
	struct rb_node *node;

	while ((node = inode->xattrs.node))
		erase_locked(inode, rb_entry(node, struct xattr, node));
}

// --- Who may ---

static int permission(struct inode *inode, const char *name, int mask)
{
	bool write = mask & MAY_WRITE;

	if (has_prefix(name, XATTR_TRUSTED_PREFIX)) {
		if (capable(CAP_SYS_ADMIN))
			return 0;
		return write ? -EPERM : -ENODATA;
	}
	if (!has_prefix(name, XATTR_USER_PREFIX))
		return has_prefix(name, XATTR_SECURITY_PREFIX) || has_prefix(name, "system.") ||
				       !inode
			       ? 0
			       : inode_permission(inode, mask);
	// A device's or a link's would be a store that its mode bits do not guard.
	u32 type = inode ? inode->mode & S_IFMT : 0;
	if (type != S_IFREG && type != S_IFDIR && type != S_IFSOCK)
		return write ? -EPERM : -ENODATA;
	if (type == S_IFDIR && (inode->mode & S_ISVTX) && write && !inode_owner_or_capable(inode))
		return -EPERM;
	return inode_permission(inode, mask);
}

// Whether the file system has a place for the name. -EOPNOTSUPP, -EINVAL (a prefix alone).
static int check_kept(const struct inode *inode, const char *name)
{
	static const char *const prefixes[] = {XATTR_USER_PREFIX, XATTR_TRUSTED_PREFIX,
					       XATTR_SECURITY_PREFIX};

	if (!inode_has_xattrs(inode))
		return -EOPNOTSUPP;
	for (unsigned i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (has_prefix(name, prefixes[i]))
			return name[strlen(prefixes[i])] ? 0 : -EINVAL;
	}
	return -EOPNOTSUPP;
}

static bool is_caps(const char *name)
{
	return !strcmp(name, XATTR_NAME_CAPS);
}

int xattr_set(struct inode *inode, const char *name, const void *value, size_t size, int flags)
{
	struct vfs_ns_cap_data caps;

	if (size && is_caps(name) && inode && inode->sb) {
		int length = file_caps_from_user(inode, value, size, &caps);

		if (length < 0)
			return length;
		value = &caps;
		size = length;
	}
	int error = permission(inode, name, MAY_WRITE);
	if (!error && has_prefix(name, XATTR_SECURITY_PREFIX) && !is_caps(name) &&
	    !ns_capable(owner_of(inode), CAP_SYS_ADMIN))
		error = -EPERM;
	if (!error)
		error = check_kept(inode, name);
	if (error)
		return error;
	struct xattr *xattr = xattr_new(name, value, size);
	if (!xattr)
		return -ENOMEM;
	down_write(&inode->lock);
	error = replace_locked(inode, name, xattr, flags);
	up_write(&inode->lock);
	if (error)
		kvfree(xattr);
	return error;
}

int xattr_remove(struct inode *inode, const char *name)
{
	int error = permission(inode, name, MAY_WRITE);

	if (!error && is_caps(name) && inode && !inode_capable(inode, CAP_SETFCAP))
		error = -EPERM;
	if (!error && has_prefix(name, XATTR_SECURITY_PREFIX) && !is_caps(name) &&
	    !ns_capable(owner_of(inode), CAP_SYS_ADMIN))
		error = -EPERM;
	if (!error)
		error = check_kept(inode, name);
	if (error)
		return error;
	down_write(&inode->lock);
	error = replace_locked(inode, name, NULL, XATTR_REPLACE);
	up_write(&inode->lock);
	return error;
}

ssize_t xattr_get(struct inode *inode, const char *name, void *buffer, size_t size)
{
	int error = permission(inode, name, MAY_READ);

	if (!error)
		error = check_kept(inode, name);
	if (error)
		return error;
	return is_caps(name) ? file_caps_to_user(inode, buffer, size)
			     : xattr_stored(inode, name, buffer, size);
}

ssize_t xattr_list(struct inode *inode, char *buffer, size_t size)
{
	ssize_t total = 0;
	struct rb_node *node;

	if (!inode_has_xattrs(inode))
		return 0;
	bool trusted = cred_capable(current_cred(), &init_user_ns, CAP_SYS_ADMIN);
	down_read(&inode->lock);
	rb_for_each (node, &inode->xattrs) {
		struct xattr *xattr = rb_entry(node, struct xattr, node);
		size_t length = strlen(xattr->name) + 1;

		if (!trusted && has_prefix(xattr->name, XATTR_TRUSTED_PREFIX))
			continue;
		if (size && total + length > size) {
			total = -ERANGE;
			break;
		}
		if (size)
			memcpy(buffer + total, xattr->name, length);
		total += length;
	}
	up_read(&inode->lock);
	return total;
}
