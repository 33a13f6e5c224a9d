// Random trees of processes on two harts: see forktree.h.
#include "forktree.h"

ABI_TEST(forktree_2, seed_1)
{
	run_tree(4040);
}

ABI_TEST(forktree_2, seed_2)
{
	run_tree(55555);
}
