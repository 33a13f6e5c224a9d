// lib/rbtree: random insertions and removals; after each the rules of red-black trees, the order,
// and the augmented values are checked from scratch.
#include "check.h"
#include <lib/rbtree.h>

#define ITEMS 200

struct item {
	u64 key, weight, max; // max: the largest weight of the subtree
	struct rb_node node;
	bool on;
};

static u64 item_compute(const struct item *it)
{
	u64 max = it->weight;

	if (it->node.left)
		max = MAX(max, rb_entry(it->node.left, struct item, node)->max);
	if (it->node.right)
		max = MAX(max, rb_entry(it->node.right, struct item, node)->max);
	return max;
}

RB_AUGMENT_DEFINE(item_augment, struct item, node, max, u64, item_compute);

// Returns the number of black nodes on each path, or -1 if the rules are broken.
static int check_subtree(const struct rb_node *n, const struct rb_node *parent, bool augmented)
{
	if (!n)
		return 1;
	bool black = n->parent_color & 1;
	int left = check_subtree(n->left, n, augmented);
	int right = check_subtree(n->right, n, augmented);

	if (rb_parent(n) != parent || left < 0 || left != right)
		return -1;
	if (!black && (!parent || !(parent->parent_color & 1)))
		return -1;
	if (augmented) {
		const struct item *it = rb_entry(n, struct item, node);

		if (it->max != item_compute(it))
			return -1;
	}
	return left + black;
}

static void check_tree(const struct rb_root *root, const struct item *items, bool augmented)
{
	struct rb_node *n, *last = NULL;
	int count = 0, on = 0, post = 0;

	CHECK(check_subtree(root->node, NULL, augmented) > 0);
	rb_for_each (n, root) {
		if (last)
			CHECK(rb_entry(last, struct item, node)->key <=
			      rb_entry(n, struct item, node)->key);
		CHECK(rb_prev(n) == last);
		last = n;
		count++;
	}
	CHECK(rb_last(root) == last);
	for (int i = 0; i < ITEMS; i++)
		on += items[i].on;
	CHECK_EQ(count, on);
	CHECK_EQ(rb_empty(root), on == 0);
	for (n = rb_first_postorder(root); n; n = rb_next_postorder(n))
		post++;
	CHECK_EQ(post, on);
}

static void insert(struct rb_root *root, struct item *it, bool augmented)
{
	struct rb_node **link = &root->node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = it->key < rb_entry(parent, struct item, node)->key ? &parent->left
									  : &parent->right;
	}
	rb_link_node(&it->node, parent, link);
	if (augmented)
		rb_insert_augmented(&it->node, root, &item_augment);
	else
		rb_insert_color(&it->node, root);
	it->on = true;
}

static void churn(bool augmented, u64 keys, int steps)
{
	static struct item items[ITEMS + 1];
	struct rb_root root = RB_ROOT_INIT;

	memset(items, 0, sizeof(items));
	for (int step = 0; step < steps; step++) {
		// Fills up, then empties, again and again.
		bool grow = (step / 300) % 2 == 0;
		struct item *it = &items[random_below(ITEMS)];

		if (!it->on && (grow || random_below(4) == 0)) {
			it->key = random_below(keys);
			it->weight = random_below(50);
			it->max = random_below(50); // garbage
			insert(&root, it, augmented);
		} else if (it->on && (!grow || random_below(4) == 0)) {
			if (augmented)
				rb_erase_augmented(&it->node, &root, &item_augment);
			else
				rb_erase(&it->node, &root);
			memset(&it->node, 0xee, sizeof(it->node));
			it->on = false;
		} else if (it->on && augmented) {
			it->weight = random_below(50);
			item_augment.propagate(&it->node, NULL);
		}
		check_tree(&root, items, augmented);
	}
}

static void test_plain(void)
{
	churn(false, 1000, 6000);
	churn(false, 5, 3000);
}

static void test_augmented(void)
{
	churn(true, 1000, 6000);
	churn(true, 5, 3000);
}

static void test_replace(void)
{
	static struct item items[ITEMS], other;
	struct rb_root root = RB_ROOT_INIT;

	for (u64 i = 0; i < ITEMS; i++) {
		items[i].key = i;
		insert(&root, &items[i], false);
	}
	for (int i = 0; i < ITEMS; i++) {
		other = items[i];
		rb_replace_node(&items[i].node, &other.node, &root);
		memset(&items[i].node, 0xee, sizeof(items[i].node));
		check_tree(&root, items, false);
		rb_replace_node(&other.node, &items[i].node, &root);
	}
}

static bool item_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct item, node)->key < rb_entry(b, const struct item, node)->key;
}

static void test_cached(void)
{
	static struct item items[ITEMS];
	struct rb_root_cached tree = RB_ROOT_CACHED;

	memset(items, 0, sizeof(items));
	for (int step = 0; step < 5000; step++) {
		struct item *it = &items[random_below(ITEMS)];

		if (it->on) {
			rb_erase_cached(&it->node, &tree);
		} else {
			it->key = random_below(100);
			rb_add_cached(&it->node, &tree, item_less);
		}
		it->on = !it->on;
		CHECK(rb_first_cached(&tree) == rb_first(&tree.root));
		check_tree(&tree.root, items, false);
	}
}

static void test_cleared(void)
{
	struct item it = {0};
	struct rb_root root = RB_ROOT_INIT;

	rb_node_clear(&it.node);
	CHECK(rb_node_cleared(&it.node));
	insert(&root, &it, false);
	CHECK(!rb_node_cleared(&it.node));
}

int main(void)
{
	static const struct test tests[] = {
		{"plain", test_plain},   {"augmented", test_augmented}, {"replace", test_replace},
		{"cached", test_cached}, {"cleared", test_cleared},
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
