// The state behind fsopen(2) and fspick(2): a file system that is being described, option by option,
// before it is made (fsconfig(2), fsmount(2)), or one that is mounted and whose options change.

#include <core/errno.h>
#include <fs/file.h>
#include <fs/fs_config.h>
#include <fs/fs_options.h>
#include <fs/mount.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <uapi/errno.h>

#define OPTIONS_MAX PAGE_SIZE

enum phase {
	PHASE_CREATE,  // options of one that is to be made
	PHASE_MADE,    // made, and not mounted yet
	PHASE_CHANGE,  // options of one that is there
	PHASE_MOUNTED, // mounted; nothing more to do here
	PHASE_FAILED,
};

// Legend: [lock].
struct fs_config {
	struct mutex lock;
	enum phase phase;      // [lock]
	struct fs_type *type;  // [I]
	struct user_ns *owner; // [I] counted: of who began it, and whose root may make it
	char *source;          // [lock] NULL: none yet
	char *options;         // [lock] as mount(2) takes them
	u32 words, mask;       // [lock] as for superblock_reconfigure()
	struct superblock *sb; // [lock] made; it waits to be mounted, and is counted by `mounts`
	struct path path;      // [I] of fspick; counted
};

// A superblock that waits is not to go when another mount of it does.
static void hold(struct fs_config *config, struct superblock *sb)
{
	atomic_inc(&sb->mounts);
	config->sb = sb;
}

static void let_go(struct superblock *sb)
{
	if (atomic_sub_return(&sb->mounts, 1) == 0)
		superblock_drop_unused(sb);
}

static void config_free(struct fs_config *config)
{
	user_ns_put(config->owner);
	kfree(config->options);
	kfree(config);
}

static int config_release(struct file *file)
{
	struct fs_config *config = file->private;

	if (config->sb)
		let_go(config->sb);
	if (config->path.mount)
		path_put(&config->path);
	kfree(config->source);
	config_free(config);
	return 0;
}

// Where Linux tells in words what was wrong. We have no words.
static ssize_t config_read(struct file *file, struct iov_iter *iter, u64 *pos)
{
	(void)file, (void)iter, (void)pos;
	return -ENODATA;
}

static const struct file_ops config_ops = {
	.release = config_release, .read = config_read, .stream = true};

static int config_create(struct fs_type *type, enum phase phase, struct fs_config **out)
{
	struct fs_config *config = kzalloc(sizeof(*config), GFP_KERNEL);

	if (!config)
		return -ENOMEM;
	config->options = kzalloc(OPTIONS_MAX, GFP_KERNEL);
	if (!config->options) {
		kfree(config);
		return -ENOMEM;
	}
	mutex_init(&config->lock, LOCK_FILE_POS);
	config->phase = phase;
	config->type = type;
	config->owner = user_ns_get(current_cred()->user_ns);
	*out = config;
	return 0;
}

static int open_config(struct fs_config *config, struct file **out)
{
	int error = file_alloc_anon("fscontext", &config_ops, config, O_RDWR, out);

	if (error)
		config_free(config);
	return error;
}

int fs_config_open(const char *type_name, struct file **out)
{
	struct fs_type *type = fs_find(type_name);
	struct fs_config *config;

	if (!type)
		return -ENODEV;
	int error = config_create(type, PHASE_CREATE, &config);
	return error ?: open_config(config, out);
}

int fs_config_pick(const struct path *path, struct file **out)
{
	struct fs_config *config;

	if (path->dentry != path->mount->root)
		return -EINVAL;
	int error = config_create(fs_find(path->mount->sb->type), PHASE_CHANGE, &config);
	if (!error)
		error = open_config(config, out);
	if (!error) {
		config->path = *path;
		path_get(path);
	}
	return error;
}

static struct fs_config *config_of(struct file *file)
{
	return file->ops == &config_ops ? file->private : NULL;
}

// --- Options ---

static int append_option(struct fs_config *config, const char *key, const char *value)
{
	size_t length = strlen(config->options);
	const char *comma = length ? "," : "", *equals = value ? "=" : "";

	// Within one text, a comma would begin another option.
	if (value && strchr(value, ','))
		return -EINVAL;
	int n = snprintf(config->options + length, OPTIONS_MAX - length, "%s%s%s%s", comma, key,
			 equals, value ?: "");
	if ((size_t)n < OPTIONS_MAX - length)
		return 0;
	config->options[length] = '\0';
	return -ENOMEM;
}

static int set_source(struct fs_config *config, const char *value)
{
	if (!value || config->source)
		return -EINVAL;
	config->source = kstrdup(value, GFP_KERNEL);
	return config->source ? 0 : -ENOMEM;
}

static int set_option(struct fs_config *config, const char *key, const char *value)
{
	if (config->phase != PHASE_CREATE && config->phase != PHASE_CHANGE)
		return -EBUSY;
	if (fs_option_word(key, &config->words, &config->mask))
		return 0;
	if (!strcmp(key, "source"))
		return set_source(config, value);
	int error = fs_option_check(config->type, key, value);
	return error ?: append_option(config, key, value);
}

int fs_config_set(struct file *file, const char *key, const char *value)
{
	struct fs_config *config = config_of(file);

	mutex_lock(&config->lock);
	int error = set_option(config, key, value);
	mutex_unlock(&config->lock);
	return error;
}

bool fs_config_is(struct file *file)
{
	return config_of(file) != NULL;
}

// --- Making it ---

static int create(struct fs_config *config, bool exclusively)
{
	struct superblock *sb;

	if (config->phase != PHASE_CREATE)
		return -EBUSY;
	if (!ns_capable(config->owner, CAP_SYS_ADMIN)) {
		config->phase = PHASE_FAILED;
		return -EPERM;
	}
	int error = fs_mount(config->type, config->source ?: "none", config->options, config->words,
			     &sb);
	if (!error && exclusively && (!sb->kill || atomic_read(&sb->mounts)))
		error = -EBUSY; // it was there already
	else if (!error)
		hold(config, sb);
	config->phase = error ? PHASE_FAILED : PHASE_MADE;
	return error;
}

int fs_config_create(struct file *file, bool exclusively)
{
	struct fs_config *config = config_of(file);

	mutex_lock(&config->lock);
	int error = create(config, exclusively);
	mutex_unlock(&config->lock);
	return error;
}

int fs_config_reconfigure(struct file *file)
{
	struct fs_config *config = config_of(file);
	int error = -EBUSY;

	mutex_lock(&config->lock);
	if (config->phase == PHASE_CHANGE) {
		error = superblock_reconfigure(config->path.mount->sb, config->words, config->mask,
					       config->options);
		config->options[0] = '\0';
		if (error)
			config->phase = PHASE_FAILED;
	}
	mutex_unlock(&config->lock);
	return error;
}

int fs_config_mount(struct file *file, u32 flags, struct file **out)
{
	struct fs_config *config = config_of(file);
	int error = -EINVAL;

	if (!config)
		return -EINVAL;
	mutex_lock(&config->lock);
	if (config->sb) {
		// A mount takes it over, and drops it if it cannot be made.
		error = mount_open_new(config->sb, config->source ?: "none", flags, out);
		if (!error) {
			let_go(config->sb);
			config->sb = NULL;
			config->phase = PHASE_MOUNTED;
		}
	} else if (config->phase == PHASE_MOUNTED || config->phase == PHASE_CHANGE) {
		error = -EBUSY;
	}
	mutex_unlock(&config->lock);
	return error;
}
