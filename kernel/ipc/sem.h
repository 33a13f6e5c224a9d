// System V semaphores.
#pragma once

#include <sched/sched.h>
#include <sched/task.h>

#include "ipc_ns.h"

struct sem {
	int value;
	struct pid *pid; // who changed it last; counted
};

// Legend: [I], [lock] object.lock.
struct sem_set {
	struct ipc_object object;
	struct ipc_ns *ns;        // [I] not counted
	u32 count;                // [I]
	s64 otime;                // [lock] last operation
	struct list_head waiters; // [lock] struct sem_wait, in order of arrival
	struct list_head undos;   // [lock] struct sem_undo.of_set
	struct sem sems[];        // [lock]
};

// What a list of tasks has to undo in one set when its last task exits.
// Legend: [lock] the set's, [list] the list's.
struct sem_undo {
	struct list_head of_list; // [list]
	struct list_head of_set;  // [lock] empty: the set is gone
	struct sem_set *set;      // [I] counted
	s16 adjust[];             // [lock] to be added, for each semaphore
};

// Shared by the tasks of CLONE_SYSVSEM.
struct sem_undo_list {
	struct refcount refs;
	struct spinlock lock;
	struct list_head undos; // [lock]
};

// semop(2) that is under way. `undo` NULL: nothing is to be undone. Result 0, -EAGAIN (IPC_NOWAIT,
// or the deadline has passed), -EINTR, -EIDRM, -ERANGE, -EFBIG, -EACCES.
long sem_operate(struct sem_set *set, const struct sembuf *ops, u32 n, struct sem_undo *undo,
		 u64 deadline);
// Lock held: tries what waits, after values have changed.
void sem_wake(struct sem_set *set);
// Lock held: how many wait for the semaphore to grow, or (zero) to become 0.
int sem_waiting(struct sem_set *set, u32 number, bool zero);
// Lock held: sets a value as semctl(2) does, and forgets what was to be undone.
void sem_set_value(struct sem_set *set, u32 number, int value);
void sem_remove(struct sem_set *set);
struct pid *sem_own_pid(void);

// --- undo.c ---
// Current's undo entry for a set, made if there is none. The entry stays while current lives. -ENOMEM.
int sem_undo_find(struct sem_set *set, struct sem_undo **out);
// Lock held: the set goes.
void sem_undo_detach(struct sem_set *set);
