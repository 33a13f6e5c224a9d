// Intrusive red-black trees. The user writes the search loop, finds the place of a new node, and
// calls rb_link_node() and rb_insert_color().
//
// Augmented trees keep in each node a value computed from its whole subtree (a maximum, a largest
// gap), and so answer range questions in O(log n). RB_AUGMENT_DEFINE makes the callbacks:
//
//	static u64 area_compute(const struct area *a) { ... own value and that of both children }
//	RB_AUGMENT_DEFINE(area_augment, struct area, node, max_end, u64, area_compute)
//
// Insert: rb_link_node(), rb_insert_augmented(). Remove: rb_erase_augmented(). When the own value
// of a node changed: area_augment.propagate(&a->node, NULL).
#pragma once

#include <lib/base.h>

struct rb_node {
	unsigned long parent_color; // pointer to the parent; bit 0: black
	struct rb_node *left, *right;
} ALIGNED(8);

struct rb_root {
	struct rb_node *node;
};

// clang-format off
#define RB_ROOT_INIT {NULL}
// clang-format on

#define rb_entry(ptr, type, member) container_of(ptr, type, member)
#define rb_entry_or_null(ptr, type, member)                                   \
	({                                                                    \
		typeof(ptr) rb_ptr_ = (ptr);                                  \
		rb_ptr_ ? container_of(rb_ptr_, type, member) : (type *)NULL; \
	})

// A tree that remembers its first node.
struct rb_root_cached {
	struct rb_root root;
	struct rb_node *first;
};
#define RB_ROOT_CACHED ((struct rb_root_cached){{NULL}, NULL})

struct rb_augment {
	// Recomputes from `node` upwards until `stop` (not included; NULL: through the root), or
	// until a value stays as it was. node may be NULL.
	void (*propagate)(struct rb_node *node, struct rb_node *stop);
	// `to` takes over the value of `from`, as it takes over its subtree.
	void (*copy)(struct rb_node *from, struct rb_node *to);
	// After a rotation `to` heads the subtree that `from` headed: it gets from's value, and
	// from's is computed anew.
	void (*rotate)(struct rb_node *from, struct rb_node *to);
};

static inline struct rb_node *rb_parent(const struct rb_node *node)
{
	return (struct rb_node *)(node->parent_color & ~1ul);
}

static inline bool rb_empty(const struct rb_root *root)
{
	return !READ_ONCE(root->node);
}

// Marks a node as being on no tree, and asks. (rb_erase does not mark.)
static inline void rb_node_clear(struct rb_node *node)
{
	node->parent_color = (unsigned long)node;
}

static inline bool rb_node_cleared(const struct rb_node *node)
{
	return node->parent_color == (unsigned long)node;
}

// Puts the node, red, as a leaf at *link, one of the child pointers of parent (or the root's).
static inline void rb_link_node(struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
	node->parent_color = (unsigned long)parent;
	node->left = NULL;
	node->right = NULL;
	*link = node;
}

// Balances the tree after rb_link_node().
void rb_insert_color(struct rb_node *node, struct rb_root *root);
void rb_erase(struct rb_node *node, struct rb_root *root);

// The same for augmented trees; insertion also updates the values of all ancestors.
void rb_insert_augmented(struct rb_node *node, struct rb_root *root, const struct rb_augment *aug);
void rb_erase_augmented(struct rb_node *node, struct rb_root *root, const struct rb_augment *aug);

// In order of the keys. NULL at the end, and for an empty tree.
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

// Children before their parents, so that the body may free the node (but must not erase it):
//	for (n = rb_first_postorder(root); n && (next = rb_next_postorder(n), true); n = next)
struct rb_node *rb_first_postorder(const struct rb_root *root);
struct rb_node *rb_next_postorder(const struct rb_node *node);

// Puts `to` in the place of `from`, which has the same key. Augmented: copy the value first.
void rb_replace_node(struct rb_node *from, struct rb_node *to, struct rb_root *root);

// Walks `struct rb_node *n`; n must not be erased in the body.
#define rb_for_each(n, root) for ((n) = rb_first(root); (n); (n) = rb_next(n))

#define RB_AUGMENT_DEFINE(name, type, member, field, value_type, compute)                    \
	static void name##_propagate(struct rb_node *node, struct rb_node *stop)             \
	{                                                                                    \
		while (node != stop) {                                                       \
			type *entry = rb_entry(node, type, member);                          \
			value_type value = compute(entry);                                   \
			if (entry->field == value)                                           \
				break;                                                       \
			entry->field = value;                                                \
			node = rb_parent(node);                                              \
		}                                                                            \
	}                                                                                    \
	static void name##_copy(struct rb_node *from, struct rb_node *to)                    \
	{                                                                                    \
		rb_entry(to, type, member)->field = rb_entry(from, type, member)->field;     \
	}                                                                                    \
	static void name##_rotate(struct rb_node *from, struct rb_node *to)                  \
	{                                                                                    \
		name##_copy(from, to);                                                       \
		rb_entry(from, type, member)->field = compute(rb_entry(from, type, member)); \
	}                                                                                    \
	static const struct rb_augment name = {name##_propagate, name##_copy, name##_rotate}

static inline struct rb_node *rb_first_cached(const struct rb_root_cached *tree)
{
	return tree->first;
}

static inline void rb_erase_cached(struct rb_node *node, struct rb_root_cached *tree)
{
	if (tree->first == node)
		tree->first = rb_next(node);
	rb_erase(node, &tree->root);
}

// Inserts behind all nodes that are not greater.
static inline void rb_add_cached(struct rb_node *node, struct rb_root_cached *tree,
				 bool (*less)(struct rb_node *, const struct rb_node *))
{
	struct rb_node **link = &tree->root.node, *parent = NULL;
	bool first = true;

	while (*link) {
		parent = *link;
		if (less(node, parent)) {
			link = &parent->left;
		} else {
			link = &parent->right;
			first = false;
		}
	}
	rb_link_node(node, parent, link);
	rb_insert_color(node, &tree->root);
	if (first)
		tree->first = node;
}
