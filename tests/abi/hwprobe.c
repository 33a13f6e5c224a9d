// riscv_hwprobe(2): what the machine says of itself, by key, and which harts are so.

#include <sched.h>

#include "abi.h"

struct pair {
	long key;
	unsigned long value;
};

#ifndef SYS_riscv_hwprobe
#define SYS_riscv_hwprobe 258
#endif
#define WHICH_CPUS 1

static long probe(struct pair *pairs, size_t n, size_t size, void *set, unsigned flags)
{
	return syscall(SYS_riscv_hwprobe, pairs, n, size, set, flags);
}

ABI_TEST(hwprobe, values)
{
	for (long key = -2; key < 24; key++) {
		struct pair pair = {key, 0x1234};

		printf("key %ld: %ld", key, probe(&pair, 1, 0, NULL, 0));
		// How fast is a matter of measuring, and how high of the mode of translation.
		printf(" %ld %lx\n", pair.key, key == 5 || key == 7 || key == 9 ? 0 : pair.value);
	}
}

ABI_TEST(hwprobe, arguments)
{
	struct pair pairs[3] = {{3, 5}, {99, 5}, {4, 5}};
	unsigned long set[4] = {1, 0, 0, 0};

	R(probe(pairs, 3, 0, NULL, 0));
	for (int i = 0; i < 3; i++)
		printf("%ld %d\n", pairs[i].key, pairs[i].value != 5);
	R(probe(NULL, 0, 0, NULL, 0));
	R(probe(BAD, 1, 0, NULL, 0));
	R(probe(pairs, 1, 8, set, 0));
	R(probe(pairs, 1, 1, set, 0));
	R(probe(pairs, 1, 8, NULL, 0));
	R(probe(pairs, 1, 0, set, 0));
	R(probe(pairs, 1, 8, BAD, 0));
	set[0] = 0;
	R(probe(pairs, 1, 8, set, 0));
	set[0] = 1ul << 60;
	R(probe(pairs, 1, 8, set, 0));
	set[0] = ~0ul;
	R(probe(pairs, 1, 8, set, 0));
	R(probe(pairs, 1, 32, set, 0));
	R(probe(pairs, 1, 0, NULL, 2));
	R(probe(pairs, 1, 0, NULL, ~0u));
}

ABI_TEST(hwprobe, which)
{
	unsigned long set[2];
	struct pair pair;
	static const unsigned long asked[] = {0, 1, 3, 1ul << 62};

	R(probe(&pair, 1, 0, NULL, WHICH_CPUS));
	R(probe(&pair, 1, 8, NULL, WHICH_CPUS));
	for (long key = 0; key < 20; key++) {
		if (key == 5 || key == 7 || key == 9)
			continue;
		for (unsigned i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
			pair = (struct pair){key, asked[i]};
			set[0] = 0;
			long result = probe(&pair, 1, 8, set, WHICH_CPUS);
			printf("key %ld is %lx: %ld, %s, %ld %lx\n", key, asked[i], result,
			       set[0] ? "some" : "none", pair.key, pair.value);
		}
	}
	pair = (struct pair){99, 7};
	set[0] = 0;
	R(probe(&pair, 1, 8, set, WHICH_CPUS));
	printf("%ld %lx %lx\n", pair.key, pair.value, set[0]);
	pair = (struct pair){3, 1};
	set[0] = 1;
	R(probe(&pair, 1, 8, set, WHICH_CPUS));
	printf("%lx\n", set[0]);
	set[0] = 1ul << 60;
	R(probe(&pair, 1, 8, set, WHICH_CPUS));
	R(probe(NULL, 0, 8, set, WHICH_CPUS));
	R(probe(&pair, 1, 8, BAD, WHICH_CPUS));
	set[0] = 0;
	R(probe(BAD, 1, 8, set, WHICH_CPUS));
}
