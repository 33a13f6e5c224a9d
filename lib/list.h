// Intrusive lists. list_head: a ring through the head, with both links; O(1) for everything.
// hlist: a head of one pointer, for hash tables.
//
// The _rcu variants let readers walk while one writer (under the writers' lock) changes the list:
// an entry is initialised before it can be seen, and a removed entry keeps its `next`, so a reader
// that stands on it finds its way out; the writer frees it after a grace period.
#pragma once

#include <lib/base.h>

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next;
	struct hlist_node **pprev; // what points to us; NULL when on no list
};

struct hlist_head {
	struct hlist_node *first;
};

// In the links of removed entries: no valid address on any machine of ours, so a use traps.
#define LIST_POISON_NEXT ((void *)0xdead000000000101ul)
#define LIST_POISON_PREV ((void *)0xdead000000000202ul)

// clang-format off
#define LIST_HEAD_INIT(name) {&(name), &(name)}
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)
#define HLIST_HEAD_INIT {NULL}
// clang-format on

static inline void list_init(struct list_head *head)
{
	head->next = head;
	head->prev = head;
}

static inline void list_link(struct list_head *prev, struct list_head *next)
{
	prev->next = next;
	next->prev = prev;
}

static inline void list_insert_between(struct list_head *entry, struct list_head *prev,
				       struct list_head *next)
{
	entry->next = next;
	entry->prev = prev;
	next->prev = entry;
	WRITE_ONCE(prev->next, entry);
}

// Puts entry behind head (a stack), or before it (a queue). Relative to an entry: behind, before.
static inline void list_add(struct list_head *entry, struct list_head *head)
{
	list_insert_between(entry, head, head->next);
}

static inline void list_add_tail(struct list_head *entry, struct list_head *head)
{
	list_insert_between(entry, head->prev, head);
}

static inline void list_add_rcu(struct list_head *entry, struct list_head *head)
{
	struct list_head *next = head->next;

	entry->next = next;
	entry->prev = head;
	__atomic_store_n(&head->next, entry, __ATOMIC_RELEASE);
	next->prev = entry;
}

static inline void list_add_tail_rcu(struct list_head *entry, struct list_head *head)
{
	struct list_head *prev = head->prev;

	entry->next = head;
	entry->prev = prev;
	__atomic_store_n(&prev->next, entry, __ATOMIC_RELEASE);
	head->prev = entry;
}

// Takes entry off its list and poisons its links: it must be initialised or added before the next
// list_ call on it.
static inline void list_del(struct list_head *entry)
{
	list_link(entry->prev, entry->next);
	entry->next = LIST_POISON_NEXT;
	entry->prev = LIST_POISON_PREV;
}

// As list_del, but entry becomes an empty list: it may be deleted again, list_empty() tells.
static inline void list_del_init(struct list_head *entry)
{
	list_link(entry->prev, entry->next);
	list_init(entry);
}

static inline void list_del_rcu(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	WRITE_ONCE(entry->prev->next, entry->next);
	entry->prev = LIST_POISON_PREV;
}

// Puts `entry` in the place of `old`, whose links become garbage.
static inline void list_replace(struct list_head *old, struct list_head *entry)
{
	list_link(entry, old->next);
	list_link(old->prev, entry);
}

static inline void list_replace_rcu(struct list_head *old, struct list_head *entry)
{
	entry->next = old->next;
	entry->prev = old->prev;
	__atomic_store_n(&entry->prev->next, entry, __ATOMIC_RELEASE);
	entry->next->prev = entry;
	old->prev = LIST_POISON_PREV;
}

static inline void list_move(struct list_head *entry, struct list_head *head)
{
	list_link(entry->prev, entry->next);
	list_add(entry, head);
}

static inline void list_move_tail(struct list_head *entry, struct list_head *head)
{
	list_link(entry->prev, entry->next);
	list_add_tail(entry, head);
}

static inline bool list_empty(const struct list_head *head)
{
	return READ_ONCE(head->next) == head;
}

// Exactly one entry.
static inline bool list_is_singular(const struct list_head *head)
{
	return !list_empty(head) && head->next == head->prev;
}

static inline bool list_is_first(const struct list_head *entry, const struct list_head *head)
{
	return entry->prev == head;
}

static inline bool list_is_last(const struct list_head *entry, const struct list_head *head)
{
	return entry->next == head;
}

// Moves all entries of `from` to the front, or to the end, of `head`; `from` becomes empty.
static inline void list_splice_init(struct list_head *from, struct list_head *head)
{
	if (list_empty(from))
		return;
	list_link(from->prev, head->next);
	list_link(head, from->next);
	list_init(from);
}

static inline void list_splice_tail_init(struct list_head *from, struct list_head *head)
{
	if (list_empty(from))
		return;
	list_link(head->prev, from->next);
	list_link(from->prev, head);
	list_init(from);
}

#define list_entry(ptr, type, member)        container_of(ptr, type, member)
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_last_entry(head, type, member)  list_entry((head)->prev, type, member)
#define list_next_entry(pos, member)         list_entry((pos)->member.next, typeof(*(pos)), member)
#define list_prev_entry(pos, member)         list_entry((pos)->member.prev, typeof(*(pos)), member)
#define list_first_entry_or_null(head, type, member) \
	(list_empty(head) ? NULL : list_first_entry(head, type, member))
#define list_last_entry_or_null(head, type, member) \
	(list_empty(head) ? NULL : list_last_entry(head, type, member))

#define list_for_each(p, head) for ((p) = (head)->next; (p) != (head); (p) = (p)->next)
#define list_for_each_safe(p, n, head) \
	for ((p) = (head)->next, (n) = (p)->next; (p) != (head); (p) = (n), (n) = (p)->next)

// Walks the entries; pos must not be removed in the body (the _safe variant allows that).
#define list_for_each_entry(pos, head, member)                                           \
	for (pos = list_first_entry(head, typeof(*pos), member); &pos->member != (head); \
	     pos = list_next_entry(pos, member))

#define list_for_each_entry_reverse(pos, head, member)                                  \
	for (pos = list_last_entry(head, typeof(*pos), member); &pos->member != (head); \
	     pos = list_prev_entry(pos, member))

#define list_for_each_entry_safe(pos, n, head, member)                                             \
	for (pos = list_first_entry(head, typeof(*pos), member), n = list_next_entry(pos, member); \
	     &pos->member != (head); pos = n, n = list_next_entry(n, member))

// From the entry behind pos to the end. From pos itself to the end.
#define list_for_each_entry_continue(pos, head, member)                  \
	for (pos = list_next_entry(pos, member); &pos->member != (head); \
	     pos = list_next_entry(pos, member))
#define list_for_each_entry_from(pos, head, member) \
	for (; &pos->member != (head); pos = list_next_entry(pos, member))

// In a read section. Each link is read once; the dependency orders the entry's contents after it.
#define list_for_each_entry_rcu(pos, head, member)                            \
	for (pos = list_entry(READ_ONCE((head)->next), typeof(*pos), member); \
	     &pos->member != (head);                                          \
	     pos = list_entry(READ_ONCE(pos->member.next), typeof(*pos), member))

static inline void hlist_init(struct hlist_head *head)
{
	head->first = NULL;
}

static inline void hlist_node_init(struct hlist_node *node)
{
	node->next = NULL;
	node->pprev = NULL;
}

static inline bool hlist_empty(const struct hlist_head *head)
{
	return !READ_ONCE(head->first);
}

// Whether the node, initialised by hlist_node_init(), zeroed or removed by a _init variant, is on
// no list.
static inline bool hlist_unhashed(const struct hlist_node *node)
{
	return !READ_ONCE(node->pprev);
}

static inline void hlist_add_head(struct hlist_node *node, struct hlist_head *head)
{
	struct hlist_node *first = head->first;

	node->next = first;
	if (first)
		first->pprev = &node->next;
	WRITE_ONCE(node->pprev, &head->first);
	WRITE_ONCE(head->first, node);
}

static inline void hlist_add_head_rcu(struct hlist_node *node, struct hlist_head *head)
{
	struct hlist_node *first = head->first;

	node->next = first;
	WRITE_ONCE(node->pprev, &head->first);
	__atomic_store_n(&head->first, node, __ATOMIC_RELEASE);
	if (first)
		WRITE_ONCE(first->pprev, &node->next);
}

static inline void hlist_add_behind(struct hlist_node *node, struct hlist_node *prev)
{
	node->next = prev->next;
	node->pprev = &prev->next;
	if (node->next)
		node->next->pprev = &node->next;
	WRITE_ONCE(prev->next, node);
}

static inline void hlist_unlink(struct hlist_node *node)
{
	struct hlist_node *next = node->next;

	WRITE_ONCE(*node->pprev, next);
	if (next)
		WRITE_ONCE(next->pprev, node->pprev);
}

static inline void hlist_del(struct hlist_node *node)
{
	hlist_unlink(node);
	node->next = LIST_POISON_NEXT;
	node->pprev = LIST_POISON_PREV;
}

// Allowed on an unhashed node, and leaves it unhashed.
static inline void hlist_del_init(struct hlist_node *node)
{
	if (hlist_unhashed(node))
		return;
	hlist_unlink(node);
	hlist_node_init(node);
}

static inline void hlist_del_rcu(struct hlist_node *node)
{
	hlist_unlink(node);
	WRITE_ONCE(node->pprev, LIST_POISON_PREV);
}

// As hlist_del_init, but the node keeps its `next` for readers.
static inline void hlist_del_init_rcu(struct hlist_node *node)
{
	if (hlist_unhashed(node))
		return;
	hlist_unlink(node);
	WRITE_ONCE(node->pprev, NULL);
}

// The entry of a node that may be NULL; for the macros below.
#define hlist_entry(ptr, type, member) container_of(ptr, type, member)
#define hlist_entry_or_null(ptr, type, member)                                      \
	({                                                                          \
		typeof(ptr) hlist_ptr_ = (ptr);                                     \
		hlist_ptr_ ? container_of(hlist_ptr_, type, member) : (type *)NULL; \
	})

#define hlist_for_each_entry(pos, head, member)                                   \
	for (pos = hlist_entry_or_null((head)->first, typeof(*pos), member); pos; \
	     pos = hlist_entry_or_null(pos->member.next, typeof(*pos), member))

// `n` is a `struct hlist_node *`; pos may be removed in the body.
#define hlist_for_each_entry_safe(pos, n, head, member)                      \
	for (pos = hlist_entry_or_null((head)->first, typeof(*pos), member); \
	     pos && ((n) = pos->member.next, true);                          \
	     pos = hlist_entry_or_null((n), typeof(*pos), member))

#define hlist_for_each_entry_rcu(pos, head, member)                                          \
	for (pos = hlist_entry_or_null(READ_ONCE((head)->first), typeof(*pos), member); pos; \
	     pos = hlist_entry_or_null(READ_ONCE(pos->member.next), typeof(*pos), member))
