// Red-black trees. See rbtree.h.
//
// The rules: the root is black; a red node has no red child; each path from a node down to a
// missing child passes the same number of black nodes. A missing child counts as black. Insertion
// repairs
// "red under red", removal repairs "one black too few below here", both upwards from the change.
#include <lib/rbtree.h>

#define RED   0ul
#define BLACK 1ul

static bool is_red(const struct rb_node *node)
{
	return node && (node->parent_color & BLACK) == RED;
}

static unsigned long color_of(const struct rb_node *node)
{
	return node->parent_color & BLACK;
}

static void set_parent(struct rb_node *node, struct rb_node *parent)
{
	node->parent_color = (unsigned long)parent | color_of(node);
}

static void set_color(struct rb_node *node, unsigned long color)
{
	node->parent_color = (node->parent_color & ~BLACK) | color;
}

// Makes whatever pointed to `from` (a child of parent, or the root) point to `to`.
static void replace_child(struct rb_node *parent, struct rb_node *from, struct rb_node *to,
			  struct rb_root *root)
{
	struct rb_node **link;

	if (!parent)
		link = &root->node;
	else if (parent->left == from)
		link = &parent->left;
	else
		link = &parent->right;
	WRITE_ONCE(*link, to);
}

// Lifts the left or right child of `top` into its place; `top` becomes that child's other child.
// Colours stay with the nodes. Returns the lifted child.
static struct rb_node *rotate(struct rb_node *top, bool lift_left, struct rb_root *root,
			      const struct rb_augment *aug)
{
	struct rb_node *child = lift_left ? top->left : top->right;
	struct rb_node *inner = lift_left ? child->right : child->left;
	struct rb_node *parent = rb_parent(top);

	if (lift_left) {
		WRITE_ONCE(top->left, inner);
		WRITE_ONCE(child->right, top);
	} else {
		WRITE_ONCE(top->right, inner);
		WRITE_ONCE(child->left, top);
	}
	if (inner)
		set_parent(inner, top);
	set_parent(child, parent);
	set_parent(top, child);
	replace_child(parent, top, child, root);
	if (aug)
		aug->rotate(top, child);
	return child;
}

static ALWAYS_INLINE void insert_fix(struct rb_node *node, struct rb_root *root,
				     const struct rb_augment *aug)
{
	struct rb_node *parent;

	// node is red; only its parent may break the rules.
	while (is_red(parent = rb_parent(node))) {
		struct rb_node *grand = rb_parent(parent); // exists, for a red node is not the root
		bool left = parent == grand->left;
		struct rb_node *uncle = left ? grand->right : grand->left;

		if (is_red(uncle)) {
			set_color(parent, BLACK);
			set_color(uncle, BLACK);
			set_color(grand, RED);
			node = grand;
			continue;
		}
		if (node == (left ? parent->right : parent->left))
			parent = rotate(parent, !left, root, aug);
		set_color(parent, BLACK);
		set_color(grand, RED);
		rotate(grand, left, root, aug);
		break;
	}
	set_color(root->node, BLACK);
}

void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
	insert_fix(node, root, NULL);
}

void rb_insert_augmented(struct rb_node *node, struct rb_root *root, const struct rb_augment *aug)
{
	struct rb_node *parent = rb_parent(node);

	// In two steps: the node's own value was garbage, and must not end the way up when it
	// happens to be right.
	aug->propagate(node, parent);
	aug->propagate(parent, NULL);
	insert_fix(node, root, aug);
}

// The subtree `node` (may be NULL), a child of `parent`, has one black node too few on its paths.
static ALWAYS_INLINE void erase_fix(struct rb_node *node, struct rb_node *parent,
				    struct rb_root *root, const struct rb_augment *aug)
{
	while (parent && !is_red(node)) {
		bool left = node == parent->left;
		struct rb_node *sibling = left ? parent->right : parent->left;

		// The sibling exists: its side has at least one black node more than ours.
		if (is_red(sibling)) {
			set_color(sibling, BLACK);
			set_color(parent, RED);
			rotate(parent, !left, root, aug);
			sibling = left ? parent->right : parent->left;
		}
		struct rb_node *near = left ? sibling->left : sibling->right;
		struct rb_node *far = left ? sibling->right : sibling->left;

		if (!is_red(near) && !is_red(far)) {
			set_color(sibling, RED);
			node = parent;
			parent = rb_parent(node);
			continue;
		}
		if (!is_red(far)) {
			// The colours of both are set below.
			far = sibling;
			sibling = rotate(sibling, left, root, aug);
		}
		set_color(sibling, color_of(parent));
		set_color(parent, BLACK);
		set_color(far, BLACK);
		rotate(parent, !left, root, aug);
		return;
	}
	if (node)
		set_color(node, BLACK);
}

// Unlinks a node that has both children: its successor takes its place and colour. Returns the
// subtree that takes the successor's place, and its parent.
static ALWAYS_INLINE struct rb_node *unlink_inner(struct rb_node *node, struct rb_root *root,
						  const struct rb_augment *aug,
						  struct rb_node **fix_parent)
{
	struct rb_node *next = node->right, *child, *parent;

	while (next->left)
		next = next->left;
	child = next->right;
	parent = rb_parent(next);
	if (parent == node) {
		parent = next;
	} else {
		WRITE_ONCE(parent->left, child);
		if (child)
			set_parent(child, parent);
		WRITE_ONCE(next->right, node->right);
		set_parent(node->right, next);
	}
	WRITE_ONCE(next->left, node->left);
	set_parent(node->left, next);
	next->parent_color = node->parent_color;
	replace_child(rb_parent(node), node, next, root);
	if (aug) {
		aug->copy(node, next);
		if (parent != next)
			aug->propagate(parent, next);
		aug->propagate(next, NULL);
	}
	*fix_parent = parent;
	return child;
}

static ALWAYS_INLINE void erase(struct rb_node *node, struct rb_root *root,
				const struct rb_augment *aug)
{
	struct rb_node *child, *parent;
	unsigned long color;

	if (node->left && node->right) {
		struct rb_node *next = node->right;

		while (next->left)
			next = next->left;
		color = color_of(next); // the colour that vanishes
		child = unlink_inner(node, root, aug, &parent);
	} else {
		color = color_of(node);
		child = node->left ? node->left : node->right;
		parent = rb_parent(node);
		if (child)
			set_parent(child, parent);
		replace_child(parent, node, child, root);
		if (aug)
			aug->propagate(parent, NULL);
	}
	if (color == BLACK)
		erase_fix(child, parent, root, aug);
}

void rb_erase(struct rb_node *node, struct rb_root *root)
{
	erase(node, root, NULL);
}

void rb_erase_augmented(struct rb_node *node, struct rb_root *root, const struct rb_augment *aug)
{
	erase(node, root, aug);
}

struct rb_node *rb_first(const struct rb_root *root)
{
	struct rb_node *node = root->node;

	while (node && node->left)
		node = node->left;
	return node;
}

struct rb_node *rb_last(const struct rb_root *root)
{
	struct rb_node *node = root->node;

	while (node && node->right)
		node = node->right;
	return node;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	struct rb_node *next = node->right;

	if (next) {
		while (next->left)
			next = next->left;
		return next;
	}
	// Up, until we come from the left.
	while ((next = rb_parent(node)) && node == next->right)
		node = next;
	return next;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	struct rb_node *prev = node->left;

	if (prev) {
		while (prev->right)
			prev = prev->right;
		return prev;
	}
	while ((prev = rb_parent(node)) && node == prev->left)
		node = prev;
	return prev;
}

static struct rb_node *deepest_left(struct rb_node *node)
{
	while (node->left || node->right)
		node = node->left ? node->left : node->right;
	return node;
}

struct rb_node *rb_first_postorder(const struct rb_root *root)
{
	return root->node ? deepest_left(root->node) : NULL;
}

struct rb_node *rb_next_postorder(const struct rb_node *node)
{
	struct rb_node *parent = rb_parent(node);

	if (parent && node == parent->left && parent->right)
		return deepest_left(parent->right);
	return parent;
}

void rb_replace_node(struct rb_node *from, struct rb_node *to, struct rb_root *root)
{
	*to = *from;
	if (to->left)
		set_parent(to->left, to);
	if (to->right)
		set_parent(to->right, to);
	replace_child(rb_parent(from), from, to, root);
}
