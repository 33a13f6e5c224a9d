// Signals about files (O_ASYNC). What an open file needs for it is made when it is first asked for. An
// object that can tell of what happens has a list of those files; each is on one list at most.

#include <fs/async.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <sched/pid_namespace.h>
#include <sched/process.h>
#include <signal/signal.h>
#include <uapi/errno.h>
#include <uapi/poll.h>

// Legend: [lock] of the list that it is on or, while it is on none, owners_lock; [own] owners_lock.
struct file_owner {
	struct list_head link;   // [list->lock]
	struct async_list *list; // [async_mutex] NULL: on none
	struct file *file;       // [I]
	int fd;                  // [list->lock]
	struct pid *pid;         // [own] counted; NULL: nobody
	enum pid_type type;      // [own]
	u32 uid, euid;           // [own] of who said so
	int sig;                 // [own] 0: SIGIO without information
};

static struct mutex async_mutex = MUTEX_INIT(async_mutex, LOCK_MODULE); // who is on which list
static struct spinlock owners_lock = SPINLOCK_INIT(LOCK_FILE_SPIN);

static struct file_owner *owner_of(struct file *file)
{
	struct file_owner *owner = READ_ONCE(file->owner), *made;

	if (owner)
		return owner;
	made = kzalloc(sizeof(*made), GFP_KERNEL);
	if (!made)
		return NULL;
	list_init(&made->link);
	made->file = file;
	spin_lock(&owners_lock);
	owner = file->owner;
	if (!owner)
		smp_store_release(&file->owner, owner = made);
	spin_unlock(&owners_lock);
	if (owner != made)
		kfree(made);
	return owner;
}

static void owner_assign(struct file_owner *owner, struct pid *pid, enum pid_type type, bool force)
{
	struct pid *old = pid;

	spin_lock(&owners_lock);
	if (force || !owner->pid) {
		old = owner->pid;
		owner->pid = pid;
		owner->type = type;
		owner->uid = current_cred()->uid;
		owner->euid = current_cred()->euid;
	}
	spin_unlock(&owners_lock);
	pid_put(old);
}

int file_owner_set(struct file *file, enum pid_type type, int nr)
{
	struct file_owner *owner = owner_of(file);
	struct pid *pid = NULL;

	if (!owner)
		return -ENOMEM;
	if (nr) {
		pid = nr > 0 ? pid_find_get(nr) : NULL;
		if (!pid)
			return -ESRCH;
	}
	owner_assign(owner, pid, type, true);
	return 0;
}

void file_owner_default(struct file *file, struct pid *pid, enum pid_type type)
{
	struct file_owner *owner = owner_of(file);

	if (owner)
		owner_assign(owner, pid, type, false);
	else
		pid_put(pid);
}

int file_owner_get(struct file *file, enum pid_type *type)
{
	struct file_owner *owner = READ_ONCE(file->owner);
	int nr = 0;

	*type = PIDTYPE_PID;
	if (!owner)
		return 0;
	rcu_read_lock();
	spin_lock(&owners_lock);
	*type = owner->type;
	if (owner->pid && pid_task(owner->pid, owner->type))
		nr = pid_vnr(owner->pid);
	spin_unlock(&owners_lock);
	rcu_read_unlock();
	return nr;
}

int file_signal_set(struct file *file, u64 sig)
{
	if (sig > 64)
		return -EINVAL;
	struct file_owner *owner = owner_of(file);
	if (!owner)
		return -ENOMEM;
	WRITE_ONCE(owner->sig, sig);
	return 0;
}

int file_signal_get(struct file *file)
{
	struct file_owner *owner = READ_ONCE(file->owner);

	return owner ? READ_ONCE(owner->sig) : 0;
}

// --- On and off ---

static void leave_list(struct file_owner *owner)
{
	struct async_list *list = owner->list;

	if (!list)
		return;
	spin_lock(&list->lock);
	list_del_init(&owner->link);
	spin_unlock(&list->lock);
	owner->list = NULL;
}

static void join_list(struct file_owner *owner, struct async_list *list, int fd)
{
	spin_lock(&list->lock);
	owner->fd = fd;
	if (!owner->list)
		list_add_tail(&owner->link, &list->files);
	spin_unlock(&list->lock);
	owner->list = list;
}

int file_async_set(struct file *file, int fd, bool on)
{
	struct async_list *list = file->ops->async ? file->ops->async(file, on) : NULL;
	struct file_owner *owner;

	if (!list)
		return -ENOTTY;
	owner = on ? owner_of(file) : READ_ONCE(file->owner);
	if (on && !owner)
		return -ENOMEM;
	mutex_lock(&async_mutex);
	if (on)
		join_list(owner, list, fd);
	else if (owner)
		leave_list(owner);
	WRITE_ONCE(file->flags, on ? file->flags | O_ASYNC : file->flags & ~O_ASYNC);
	mutex_unlock(&async_mutex);
	return 0;
}

void file_owner_free(struct file *file)
{
	struct file_owner *owner = file->owner;

	mutex_lock(&async_mutex);
	leave_list(owner);
	mutex_unlock(&async_mutex);
	pid_put(owner->pid);
	kfree(owner);
}

// --- Sending ---

struct notice {
	struct siginfo info;
	u32 uid, euid;
};

// As who set the owner could have sent it himself. Within rcu.
static bool may_send(const struct notice *notice, struct task *task)
{
	const struct cred *other = rcu_dereference(task->real_cred);

	return !notice->euid || notice->euid == other->suid || notice->euid == other->uid ||
	       notice->uid == other->suid || notice->uid == other->uid;
}

static void send_to(const struct notice *notice, struct task *task, enum pid_type scope)
{
	if (!may_send(notice, task))
		return;
	// What finds no room in the queue is told without information.
	if (notice->info.si_signo &&
	    !signal_send(task, notice->info.si_signo, &notice->info, scope))
		return;
	signal_send(task, SIGIO, SIGINFO_PRIV, scope);
}

static void fill_notice(struct notice *notice, const struct file_owner *owner, int reason)
{
	static const u32 bands[] = {
		POLLIN | POLLRDNORM,           POLLOUT | POLLWRNORM | POLLWRBAND,
		POLLIN | POLLRDNORM | POLLMSG, POLLERR,
		POLLPRI | POLLRDBAND,          POLLHUP | POLLERR,
	};

	*notice = (struct notice){.uid = owner->uid, .euid = owner->euid};
	notice->info.si_signo = owner->sig;
	notice->info.si_code = owner->sig != SIGPOLL && signal_has_codes(owner->sig) ? SI_SIGIO
										     : reason;
	notice->info.si_band = bands[reason - POLL_IN];
	notice->info.si_fd = owner->fd;
}

static void tell_owner(const struct file_owner *owner, int reason)
{
	struct notice notice;
	struct task *task;

	spin_lock(&owners_lock);
	struct pid *pid = owner->pid ? pid_get(owner->pid) : NULL;
	enum pid_type type = owner->type;
	fill_notice(&notice, owner, reason);
	spin_unlock(&owners_lock);
	if (!pid)
		return;
	rcu_read_lock();
	if (type == PIDTYPE_PGID) {
		read_lock(&tasklist_lock);
		pid_for_each_task (task, pid, PIDTYPE_PGID)
			send_to(&notice, task, type);
		read_unlock(&tasklist_lock);
	} else {
		task = pid_task(pid, type);
		if (task)
			send_to(&notice, task, type);
	}
	rcu_read_unlock();
	pid_put(pid);
}

void async_send(struct async_list *list, u32 mode, int reason)
{
	struct file_owner *owner;

	spin_lock(&list->lock);
	list_for_each_entry (owner, &list->files, link) {
		if (owner->file->flags & mode)
			tell_owner(owner, reason);
	}
	spin_unlock(&list->lock);
}
