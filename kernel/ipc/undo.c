// What is undone when a task exits: for each set of semaphores that it used SEM_UNDO with, how much
// is to be added to each value.
//
// An entry belongs to a list of tasks, who free it, and hangs on its set, whose lock guards it. A set
// that goes lets its entries hang loose; the list drops them later. Locks: the set's, or the list's.

#include <ipc/undo.h>
#include <mm/slab.h>
#include <sched/pid.h>
#include <uapi/errno.h>

#include "sem.h"

int sem_undo_list_create(struct sem_undo_list **out)
{
	struct sem_undo_list *list = kzalloc(sizeof(*list), GFP_KERNEL);

	if (!list)
		return -ENOMEM;
	refcount_init(&list->refs, 1);
	spin_init(&list->lock, LOCK_NS);
	list_init(&list->undos);
	*out = list;
	return 0;
}

struct sem_undo_list *sem_undo_list_get(struct sem_undo_list *list)
{
	refcount_get(&list->refs);
	return list;
}

static void undo_free(struct sem_undo *undo)
{
	ipc_object_put(&undo->set->object);
	kfree(undo);
}

// list->lock held.
static struct sem_undo *find_locked(struct sem_undo_list *list, const struct sem_set *set)
{
	struct sem_undo *undo;

	list_for_each_entry (undo, &list->undos, of_list) {
		if (undo->set == set)
			return undo;
	}
	return NULL;
}

static int undo_create(struct sem_set *set, struct sem_undo **out)
{
	struct sem_undo *undo = kzalloc(sizeof(*undo) + set->count * sizeof(undo->adjust[0]),
					GFP_KERNEL);

	if (!undo)
		return -ENOMEM;
	list_init(&undo->of_set);
	undo->set = set;
	ipc_object_get(&set->object);
	*out = undo;
	return 0;
}

int sem_undo_find(struct sem_set *set, struct sem_undo **out)
{
	int error = current->sem_undo ? 0 : sem_undo_list_create(&current->sem_undo);

	if (error)
		return error;
	struct sem_undo_list *list = current->sem_undo;
	spin_lock(&list->lock);
	*out = find_locked(list, set);
	spin_unlock(&list->lock);
	if (*out)
		return 0;
	struct sem_undo *new, *other;
	error = undo_create(set, &new);
	if (error)
		return error;
	spin_lock(&list->lock);
	other = find_locked(list, set); // another task of the list was faster
	if (!other)
		list_add_tail(&new->of_list, &list->undos);
	spin_unlock(&list->lock);
	if (other) {
		undo_free(new);
		new = other;
	} else {
		spin_lock(&set->object.lock);
		if (!set->object.removed)
			list_add_tail(&new->of_set, &set->undos);
		spin_unlock(&set->object.lock);
	}
	*out = new;
	return 0;
}

void sem_undo_detach(struct sem_set *set)
{
	while (!list_empty(&set->undos))
		list_del_init(&list_first_entry(&set->undos, struct sem_undo, of_set)->of_set);
}

// Nobody else knows the entry but its set.
static void apply(struct sem_undo *undo)
{
	struct sem_set *set = undo->set;
	bool changed = false;

	spin_lock(&set->object.lock);
	for (u32 i = 0; i < set->count && !list_empty(&undo->of_set); i++) {
		if (!undo->adjust[i])
			continue;
		int value = set->sems[i].value + undo->adjust[i];
		struct pid *old = set->sems[i].pid;

		set->sems[i].value = CLAMP(value, 0, SEMVMX);
		set->sems[i].pid = pid_get(sem_own_pid());
		pid_put(old);
		changed = true;
	}
	list_del_init(&undo->of_set);
	if (changed) {
		set->otime = ipc_now();
		sem_wake(set);
	}
	spin_unlock(&set->object.lock);
	undo_free(undo);
}

void sem_undo_list_put(struct sem_undo_list *list)
{
	if (!refcount_put(&list->refs))
		return;
	while (!list_empty(&list->undos)) {
		struct sem_undo *undo = list_first_entry(&list->undos, struct sem_undo, of_list);

		list_del(&undo->of_list);
		apply(undo);
	}
	kfree(list);
}
