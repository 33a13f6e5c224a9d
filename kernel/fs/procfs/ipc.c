// What /proc tells of System V objects: /proc/sysvipc, and the limits in /proc/sys/kernel, both those
// of the reader's IPC namespace.

#include <fs/procfs/procfs.h>
#include <ipc/msg.h>
#include <ipc/sem.h>
#include <ipc/shm.h>
#include <lib/parse.h>
#include <lib/string.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <sched/pid.h>
#include <uapi/errno.h>

#include "ipc.h"

// --- /proc/sysvipc ---

static int for_each_object(struct seq *seq, enum ipc_kind_index kind,
			   void (*show)(struct seq *seq, struct ipc_object *object))
{
	struct ipc_ids *ids = &ipc_ns_current()->ids[kind];

	for (u32 i = 0; i < READ_ONCE(ids->size); i++) {
		struct ipc_object *object = ipc_find_index(ids, i);

		if (!object)
			continue;
		show(seq, object);
		ipc_object_put(object);
	}
	return 0;
}

static void show_segment(struct seq *seq, struct ipc_object *object)
{
	struct shm_segment *s = container_of(object, struct shm_segment, object);
	struct ipc64_perm p;

	spin_lock(&object->lock);
	ipc_perm_show(object, &p);
	struct shm_segment now = *s;
	int maker = pid_nr_ns(s->maker, seq->pid_ns);
	int last = s->last ? pid_nr_ns(s->last, seq->pid_ns) : 0;
	spin_unlock(&object->lock);
	seq_printf(seq, "%10d %10d  %4o %21lu %5u %5u  %5lu %5u %5u %5u %5u ", p.key, object->id,
		   p.mode, now.size, maker, last, now.attached, p.uid, p.gid, p.cuid, p.cgid);
	seq_printf(seq, "%10ld %10ld %10ld %21lu %21lu\n", now.atime, now.dtime, now.object.ctime,
		   shm_resident(s) * PAGE_SIZE, 0ul);
}

static int show_shm(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "       key      shmid perms                  size  cpid  lpid nattch   uid"
			"   gid  cuid  cgid      atime      dtime      ctime                   rss"
			"                  swap\n");
	return for_each_object(seq, IPC_SHM, show_segment);
}

static void show_set(struct seq *seq, struct ipc_object *object)
{
	struct sem_set *s = container_of(object, struct sem_set, object);
	struct ipc64_perm p;

	spin_lock(&object->lock);
	ipc_perm_show(object, &p);
	s64 otime = s->otime, ctime = object->ctime;
	spin_unlock(&object->lock);
	seq_printf(seq, "%10d %10d  %4o %10u %5u %5u %5u %5u %10ld %10ld\n", p.key, object->id,
		   p.mode, s->count, p.uid, p.gid, p.cuid, p.cgid, otime, ctime);
}

static int show_sem(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime"
			"      ctime\n");
	return for_each_object(seq, IPC_SEM, show_set);
}

static void show_queue(struct seq *seq, struct ipc_object *object)
{
	struct msg_queue *q = container_of(object, struct msg_queue, object);
	struct ipc64_perm p;

	spin_lock(&object->lock);
	ipc_perm_show(object, &p);
	int sender = q->last_sender ? pid_nr_ns(q->last_sender, seq->pid_ns) : 0;
	int receiver = q->last_receiver ? pid_nr_ns(q->last_receiver, seq->pid_ns) : 0;
	u64 bytes = q->bytes, count = q->count;
	s64 stime = q->stime, rtime = q->rtime, ctime = object->ctime;
	spin_unlock(&object->lock);
	seq_printf(seq, "%10d %10d  %4o  %10lu %10lu %5u %5u %5u %5u %5u %5u %10ld %10ld %10ld\n",
		   p.key, object->id, p.mode, bytes, count, sender, receiver, p.uid, p.gid, p.cuid,
		   p.cgid, stime, rtime, ctime);
}

static int show_msg(struct seq *seq, struct task *task)
{
	(void)task;
	seq_printf(seq, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid"
			"  cuid  cgid      stime      rtime      ctime\n");
	return for_each_object(seq, IPC_MSG, show_queue);
}

const struct proc_entry proc_sysvipc_entries[] = {
	{.name = "msg", .mode = S_IFREG | 0444, .show = show_msg},
	{.name = "sem", .mode = S_IFREG | 0444, .show = show_sem},
	{.name = "shm", .mode = S_IFREG | 0444, .show = show_shm},
};
static_assert(ARRAY_SIZE(proc_sysvipc_entries) == PROC_SYSVIPC_COUNT, "as ipc.h says");

// --- /proc/sys/kernel ---

// Replaces *value by the number that the text begins with; *text moves behind it. -EINVAL.
static int take_number(char **text, u64 max, u64 *value)
{
	char *start = *text + strspn(*text, " \t\n"), *end = start + strcspn(start, " \t\n");
	bool more = *end != '\0';

	*end = '\0';
	*text = end + more;
	return parse_u64(start, NULL, 10, value) || *value > max ? -EINVAL : 0;
}

// Root of the user namespace that owns the IPC namespace owns its limits.
int proc_ipc_permission(struct inode *inode, int mask)
{
	struct user_ns *owner = ipc_ns_current()->common.owner ?: &init_user_ns;
	u32 mode = inode->mode;

	if (current_cred()->euid == uid_from_user(owner, 0))
		mode >>= 6;
	else if (cred_in_egroup(current_cred(), gid_from_user(owner, 0)))
		mode >>= 3;
	return mask & ~mode & 7 ? -EACCES : 0;
}

#define LIMIT_FILE(name, field, max, format, type)                         \
	int proc_show_##name(struct seq *seq, struct task *task)           \
	{                                                                  \
		(void)task;                                                \
		seq_printf(seq, format "\n", ipc_ns_current()->field);     \
		return 0;                                                  \
	}                                                                  \
	ssize_t proc_write_##name(struct task *task, char *text, size_t n) \
	{                                                                  \
		struct ipc_ns *ns = ipc_ns_current();                      \
		u64 value;                                                 \
                                                                           \
		(void)task;                                                \
		int error = take_number(&text, max, &value);               \
		if (!error)                                                \
			WRITE_ONCE(ns->field, (type)value);                \
		return error ?: (ssize_t)n;                                \
	}

LIMIT_FILE(shmmax, shm_max, ~0ul, "%lu", u64)
LIMIT_FILE(shmall, shm_all, ~0ul, "%lu", u64)
LIMIT_FILE(shmmni, ids[IPC_SHM].max, IPC_INDEX_MAX, "%u", u32)
LIMIT_FILE(msgmax, msg_max, 0x7fffffff, "%u", u32)
LIMIT_FILE(msgmnb, msg_queue_bytes, 0x7fffffff, "%u", u32)
LIMIT_FILE(msgmni, ids[IPC_MSG].max, IPC_INDEX_MAX, "%u", u32)

LIMIT_FILE(queues_max, mqueue.queues_max, 0x7fffffff, "%u", u32)
LIMIT_FILE(msg_max, mqueue.msg_max, 65536, "%u", u32)
LIMIT_FILE(msgsize_max, mqueue.msgsize_max, 16 << 20, "%u", u32)
LIMIT_FILE(msg_default, mqueue.msg_default, 65536, "%u", u32)
LIMIT_FILE(msgsize_default, mqueue.msgsize_default, 16 << 20, "%u", u32)

int proc_show_sem(struct seq *seq, struct task *task)
{
	struct ipc_ns *ns = ipc_ns_current();

	(void)task;
	seq_printf(seq, "%u\t%u\t%u\t%u\n", ns->sem_per_set, ns->sem_all, ns->sem_ops,
		   ns->ids[IPC_SEM].max);
	return 0;
}

// Four numbers, or the first of them.
ssize_t proc_write_sem(struct task *task, char *text, size_t n)
{
	static const u64 most[4] = {32000, 0x7fffffff, 0x7fffffff, IPC_INDEX_MAX};
	struct ipc_ns *ns = ipc_ns_current();
	u32 *limits[4] = {&ns->sem_per_set, &ns->sem_all, &ns->sem_ops, &ns->ids[IPC_SEM].max};
	u64 values[4];
	int error = 0, count = 0;

	(void)task;
	while (!error && count < 4 && text[strspn(text, " \t\n")]) {
		error = take_number(&text, most[count], &values[count]);
		count++;
	}
	for (int i = 0; !error && i < count; i++)
		WRITE_ONCE(*limits[i], (u32)values[i]);
	return error ?: (ssize_t)n;
}
