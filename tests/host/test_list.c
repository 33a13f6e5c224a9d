// lib/list: random operations, compared with an array that does the same.
#include "check.h"
#include <lib/list.h>

#define ITEMS 20

struct item {
	int value;
	struct list_head link;
	struct hlist_node node;
};

struct model {
	int value[ITEMS];
	int n;
};

static void model_insert(struct model *m, int at, int value)
{
	memmove(&m->value[at + 1], &m->value[at], (size_t)(m->n - at) * sizeof(int));
	m->value[at] = value;
	m->n++;
}

static void model_remove(struct model *m, int value)
{
	for (int i = 0; i < m->n; i++) {
		if (m->value[i] == value) {
			m->n--;
			memmove(&m->value[i], &m->value[i + 1], (size_t)(m->n - i) * sizeof(int));
			return;
		}
	}
}

static void check_list(struct list_head *head, const struct model *m)
{
	struct item *pos, *next;
	int i = 0;

	CHECK_EQ(list_empty(head), m->n == 0);
	CHECK_EQ(list_is_singular(head), m->n == 1);
	list_for_each_entry (pos, head, link)
		CHECK(i < m->n && pos->value == m->value[i++]);
	CHECK_EQ(i, m->n);
	i = 0;
	list_for_each_entry_rcu (pos, head, link)
		CHECK(i < m->n && pos->value == m->value[i++]);
	CHECK_EQ(i, m->n);
	list_for_each_entry_reverse(pos, head, link) CHECK(i > 0 && pos->value == m->value[--i]);
	CHECK_EQ(i, 0);
	list_for_each_entry_safe (pos, next, head, link)
		i++;
	CHECK_EQ(i, m->n);
	pos = list_first_entry_or_null(head, struct item, link);
	CHECK(m->n ? pos && pos->value == m->value[0] && list_is_first(&pos->link, head) : !pos);
	pos = list_last_entry_or_null(head, struct item, link);
	CHECK(m->n ? pos && pos->value == m->value[m->n - 1] && list_is_last(&pos->link, head)
		   : !pos);
}

static void add_item(struct item *it, struct list_head *head, struct model *m)
{
	switch (random_below(4)) {
	case 0:
		list_add(&it->link, head);
		model_insert(m, 0, it->value);
		break;
	case 1:
		list_add_tail(&it->link, head);
		model_insert(m, m->n, it->value);
		break;
	case 2:
		list_add_rcu(&it->link, head);
		model_insert(m, 0, it->value);
		break;
	default:
		list_add_tail_rcu(&it->link, head);
		model_insert(m, m->n, it->value);
	}
}

static void remove_item(struct item *it, struct model *m)
{
	struct list_head *next = it->link.next;

	switch (random_below(3)) {
	case 0:
		list_del(&it->link);
		CHECK(it->link.next == LIST_POISON_NEXT && it->link.prev == LIST_POISON_PREV);
		break;
	case 1:
		list_del_init(&it->link);
		CHECK(list_empty(&it->link));
		break;
	default:
		list_del_rcu(&it->link);
		CHECK(it->link.next == next && it->link.prev == LIST_POISON_PREV);
	}
	model_remove(m, it->value);
}

static void test_list(void)
{
	struct list_head heads[2] = {LIST_HEAD_INIT(heads[0]), LIST_HEAD_INIT(heads[1])};
	struct model models[2] = {0};
	struct item items[ITEMS];
	int where[ITEMS]; // -1: on no list

	for (int i = 0; i < ITEMS; i++)
		items[i].value = i, where[i] = -1;
	for (int step = 0; step < 20000; step++) {
		int i = (int)random_below(ITEMS), h = (int)random_below(2);

		if (where[i] < 0) {
			add_item(&items[i], &heads[h], &models[h]);
			where[i] = h;
		} else if (random_below(2)) {
			remove_item(&items[i], &models[where[i]]);
			where[i] = -1;
		} else {
			bool tail = random_below(2);

			model_remove(&models[where[i]], i);
			model_insert(&models[h], tail ? models[h].n : 0, i);
			if (tail)
				list_move_tail(&items[i].link, &heads[h]);
			else
				list_move(&items[i].link, &heads[h]);
			where[i] = h;
		}
		if (random_below(50) == 0) {
			bool tail = random_below(2);

			for (int k = 0; k < models[0].n; k++)
				model_insert(&models[1], tail ? models[1].n : k,
					     models[0].value[k]);
			if (tail)
				list_splice_tail_init(&heads[0], &heads[1]);
			else
				list_splice_init(&heads[0], &heads[1]);
			models[0].n = 0;
			for (int k = 0; k < ITEMS; k++)
				where[k] = where[k] < 0 ? -1 : 1;
		}
		check_list(&heads[0], &models[0]);
		check_list(&heads[1], &models[1]);
	}
}

static void test_replace(void)
{
	struct list_head head = LIST_HEAD_INIT(head);
	struct item a = {.value = 1}, b = {.value = 2}, c = {.value = 3}, d = {.value = 4};
	struct model m = {{1, 3, 4}, 3};

	list_add_tail(&a.link, &head);
	list_add_tail(&b.link, &head);
	list_add_tail(&d.link, &head);
	list_replace(&b.link, &c.link);
	check_list(&head, &m);
	list_replace_rcu(&c.link, &b.link);
	m.value[1] = 2;
	check_list(&head, &m);
	CHECK(c.link.next == &d.link);
}

static void test_hlist(void)
{
	struct hlist_head head = HLIST_HEAD_INIT;
	struct model m = {0};
	struct item items[ITEMS] = {0};

	for (int step = 0; step < 20000; step++) {
		struct item *it = &items[random_below(ITEMS)], *pos;
		struct hlist_node *next = it->node.next;
		int i = 0;

		it->value = (int)(it - items);
		if (hlist_unhashed(&it->node)) {
			if (random_below(2))
				hlist_add_head(&it->node, &head);
			else
				hlist_add_head_rcu(&it->node, &head);
			model_insert(&m, 0, it->value);
		} else {
			switch (random_below(4)) {
			case 0:
				hlist_del(&it->node);
				CHECK(it->node.next == LIST_POISON_NEXT);
				hlist_node_init(&it->node);
				break;
			case 1:
				hlist_del_init(&it->node);
				hlist_del_init(&it->node);
				break;
			case 2:
				hlist_del_rcu(&it->node);
				CHECK(it->node.next == next);
				hlist_node_init(&it->node);
				break;
			default:
				hlist_del_init_rcu(&it->node);
				CHECK(it->node.next == next && hlist_unhashed(&it->node));
			}
			model_remove(&m, it->value);
		}
		CHECK_EQ(hlist_empty(&head), m.n == 0);
		hlist_for_each_entry (pos, &head, node)
			CHECK(i < m.n && pos->value == m.value[i++]);
		CHECK_EQ(i, m.n);
		i = 0;
		hlist_for_each_entry_rcu(pos, &head, node)
			CHECK(i < m.n && pos->value == m.value[i++]);
		CHECK_EQ(i, m.n);
		hlist_for_each_entry_safe(pos, next, &head, node) i--;
		CHECK_EQ(i, 0);
	}
}

int main(void)
{
	static const struct test tests[] = {
		{"list", test_list}, {"replace", test_replace}, {"hlist", test_hlist}};

	return run_tests(tests, ARRAY_SIZE(tests));
}
