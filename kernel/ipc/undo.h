// The undo lists of semaphores, as the life of a task knows them (CLONE_SYSVSEM).
#pragma once

struct sem_undo_list;

int sem_undo_list_create(struct sem_undo_list **out); // -ENOMEM
struct sem_undo_list *sem_undo_list_get(struct sem_undo_list *list);
// The last reference undoes what is left. Current is the one who is told to have changed the values.
void sem_undo_list_put(struct sem_undo_list *list);
