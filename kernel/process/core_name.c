// How a core file is called: /proc/sys/kernel/core_pattern and its neighbours, see core(5). Only
// the form that names a file is there; one that starts a program or asks a socket is refused when
// it is set.

#include <core/hart.h>
#include <core/printk.h>
#include <core/timer.h>
#include <fs/file.h>
#include <fs/inode.h>
#include <fs/open.h>
#include <fs/path.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/nsproxy.h>
#include <ns/user_ns.h>
#include <ns/uts_ns.h>
#include <process/coredump.h>
#include <sched/pid.h>
#include <sched/process.h>
#include <uapi/errno.h>
#include <uapi/fcntl.h>
#include <uapi/limits.h>
#include <uapi/resource.h>

#include "core_internal.h"

static struct spinlock pattern_lock = SPINLOCK_INIT(LOCK_LEAF);
static char pattern[CORE_PATTERN_SIZE] = "core"; // [pattern_lock]
u64 core_uses_pid, suid_dumpable;

void core_pattern_get(char text[CORE_PATTERN_SIZE])
{
	spin_lock(&pattern_lock);
	memcpy(text, pattern, CORE_PATTERN_SIZE);
	spin_unlock(&pattern_lock);
}

int core_pattern_set(const char *text, size_t n)
{
	n = MIN(n, CORE_PATTERN_SIZE - 1ul);
	if (n && (text[0] == '|' || text[0] == '@')) {
		printk_ratelimited(LOG_WARNING, "core_pattern: cores go to files only, not to %s\n",
				   text[0] == '|' ? "programs" : "sockets");
		return -EINVAL;
	}
	spin_lock(&pattern_lock);
	memset(pattern, 0, sizeof(pattern));
	memcpy(pattern, text, n);
	spin_unlock(&pattern_lock);
	return 0;
}

// --- The name ---

struct core_name {
	char text[PATH_MAX];
	size_t length;
	bool full;
};

static void add(struct core_name *name, const char *text)
{
	size_t n = strlen(text);

	if (name->length + n >= sizeof(name->text)) {
		name->full = true;
		return;
	}
	memcpy(name->text + name->length, text, n + 1);
	name->length += n;
}

static void add_number(struct core_name *name, u64 number)
{
	char text[24];

	snprintf(text, sizeof(text), "%lu", number);
	add(name, text);
}

// As one component: no slash that would lead elsewhere, and no name that means a directory.
static void add_component(struct core_name *name, const char *text)
{
	size_t from = name->length;

	add(name, *text ? text : "!");
	for (char *at = name->text + from; *at; at++) {
		if (*at == '/')
			*at = '!';
	}
	if (!strcmp(name->text + from, ".") || !strcmp(name->text + from, ".."))
		name->text[from] = '!';
}

static void add_hostname(struct core_name *name)
{
	struct uts_ns *ns = current->nsproxy->uts;
	char text[UTS_NAME_SIZE];

	spin_lock(&ns->lock);
	memcpy(text, ns->name.nodename, sizeof(text));
	spin_unlock(&ns->lock);
	add_component(name, text);
}

static void add_executable(struct core_name *name, bool whole)
{
	char *buffer = kmalloc(PATH_MAX, GFP_KERNEL);
	struct file *file = current->mm->exe_file;

	if (!buffer) { // better no core than one that nobody finds under its name
		name->full = true;
		return;
	}
	const char *path = file ? path_text(&file->path, buffer, PATH_MAX) : NULL;

	if (!path || IS_ERR(path)) {
		add_component(name, current->name);
		add(name, " (path unknown)");
	} else {
		const char *slash = whole ? NULL : strrchr(path, '/');
		add_component(name, slash ? slash + 1 : path);
	}
	kfree(buffer);
}

static void add_conversion(struct core_name *name, char letter, int sig, u32 dumpable)
{
	switch (letter) {
	case '%':
		return add(name, "%");
	case 'p':
		return add_number(name, task_tgid_vnr(current));
	case 'P':
		return add_number(name, task_tgid_nr(current));
	case 'i':
		return add_number(name, task_pid_vnr(current));
	case 'I':
		return add_number(name, task_pid_nr(current));
	case 'u':
		return add_number(name, current_cred()->uid);
	case 'g':
		return add_number(name, current_cred()->gid);
	case 'd':
		return add_number(name, dumpable);
	case 's':
		return add_number(name, sig);
	case 't':
		return add_number(name, clock_realtime_ns() / NSEC_PER_SEC);
	case 'h':
		return add_hostname(name);
	case 'e':
		return add_component(name, current->name);
	case 'f':
	case 'E':
		return add_executable(name, letter == 'E');
	case 'c':
		return add_number(name, rlimit(RLIMIT_CORE));
	case 'C':
		return add_number(name, hart_index());
	}
	// As on Linux, what is not known is dropped.
}

static bool name_make(struct core_name *name, int sig, u32 dumpable)
{
	char text[CORE_PATTERN_SIZE];
	bool has_pid = false;

	core_pattern_get(text);
	for (const char *at = text; *at; at++) {
		if (*at != '%') {
			add(name, (char[2]){*at});
			continue;
		}
		if (!*++at)
			break; // a single one at the end is dropped as well
		has_pid |= *at == 'p';
		add_conversion(name, *at, sig, dumpable);
	}
	if (!has_pid && READ_ONCE(core_uses_pid)) {
		add(name, ".");
		add_number(name, task_tgid_vnr(current));
	}
	return name->length && !name->full;
}

// --- The file ---

// A new one that nobody else had open or has a name for, so that nobody tricks us into writing
// what is another's, or reads what is ours.
static struct file *open_new(const char *name, bool as_root)
{
	struct file *file;

	if (!as_root)
		(void)vfs_unlink(AT_FDCWD, name, false);
	if (file_open(AT_FDCWD, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_LARGEFILE, 0600,
		      &file))
		return NULL;
	if (S_ISREG(file->inode->mode) && (file->inode->mode & 0677) == 0600 &&
	    file->inode->uid == current_cred()->fsuid && file->inode->nlink == 1)
		return file;
	file_put(file);
	return NULL;
}

// For those whose memory is not their user's to see, root owns the file (suid_dumpable 2): at a place
// that the pattern alone says, not the working directory nor a namespace's root.
static struct file *open_as_root(const char *name)
{
	if (name[0] != '/' || current_cred()->user_ns != &init_user_ns) {
		printk_ratelimited(LOG_WARNING,
				   "core_pattern: %s[%d] needs a full path for its core\n",
				   current->name, task_pid_nr(current));
		return NULL;
	}
	struct cred *cred = cred_prepare();
	if (!cred)
		return NULL;
	cred->fsuid = 0;
	const struct cred *old = cred_override(cred);
	struct file *file = open_new(name, true);
	cred_revert(old);
	cred_discard(cred);
	return file;
}

struct file *core_open(int sig, u32 dumpable)
{
	struct core_name *name = kmalloc(sizeof(*name), GFP_KERNEL | GFP_ZERO);
	struct file *file = NULL;

	if (name && name_make(name, sig, dumpable))
		file = dumpable == DUMPABLE_SUID ? open_as_root(name->text)
						 : open_new(name->text, false);
	kfree(name);
	return file;
}
