// Random trees of processes on one hart: see forktree.h.
#include "forktree.h"

ABI_TEST(forktree_1, seed_1)
{
	run_tree(66);
}

ABI_TEST(forktree_1, seed_2)
{
	run_tree(777);
}
