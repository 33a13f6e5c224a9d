// riscv_hwprobe(2): what the machine has, by key; or which harts have what is asked for.

#include <arch/hwprobe.h>
#include <core/hart.h>
#include <mm/uaccess.h>
#include <syscall/define.h>
#include <uapi/errno.h>

#define HWPROBE_WHICH_CPUS 1

struct hwprobe_pair {
	s64 key;
	u64 value;
};

static u64 pair_at(u64 pairs_at, size_t i)
{
	return pairs_at + i * sizeof(struct hwprobe_pair);
}

static int online_of(u64 set_at, size_t size, struct hartmask *set)
{
	*set = (struct hartmask){0};
	if (copy_from_user(set, set_at, MIN(size, sizeof(*set))))
		return -EFAULT;
	set->bits &= harts_online.bits;
	return 0;
}

// All harts are alike, so any that are asked about will do. Keys that are not known become -1, as
// the interface wants it.
static long get_values(u64 pairs_at, size_t count, size_t size, u64 set_at)
{
	struct hartmask set;

	if (size || set_at) {
		int error = online_of(set_at, size, &set);
		if (error)
			return error;
		if (hartmask_empty(&set))
			return -EINVAL;
	}
	for (size_t i = 0; i < count; i++) {
		struct hwprobe_pair pair;

		if (get_user_u64(pair_at(pairs_at, i), (u64 *)&pair.key))
			return -EFAULT;
		if (!arch_hwprobe(pair.key, &pair.value))
			pair.key = -1;
		if (copy_to_user(pair_at(pairs_at, i), &pair, sizeof(pair)))
			return -EFAULT;
	}
	return 0;
}

static bool pair_holds(const struct hwprobe_pair *asked)
{
	u64 value;

	arch_hwprobe(asked->key, &value);
	if (arch_hwprobe_is_set(asked->key))
		return (value & asked->value) == asked->value;
	return value == asked->value;
}

static long which_harts(u64 pairs_at, size_t count, size_t size, u64 set_at)
{
	struct hartmask set, given = {0};
	bool all = true;

	if (!size || !set_at)
		return -EINVAL;
	if (copy_from_user(&given, set_at, MIN(size, sizeof(given))))
		return -EFAULT;
	set = hartmask_empty(&given) ? harts_online : given;
	set.bits &= harts_online.bits;
	for (size_t i = 0; i < count; i++) {
		struct hwprobe_pair pair;
		u64 value;

		if (copy_from_user(&pair, pair_at(pairs_at, i), sizeof(pair)))
			return -EFAULT;
		if (arch_hwprobe(pair.key, &value)) {
			all = all && pair_holds(&pair);
			continue;
		}
		all = false;
		pair = (struct hwprobe_pair){.key = -1};
		if (copy_to_user(pair_at(pairs_at, i), &pair, sizeof(pair)))
			return -EFAULT;
	}
	if (!all)
		set.bits = 0;
	return copy_to_user(set_at, &set, MIN(size, sizeof(set)));
}

SYSCALL5(riscv_hwprobe, u64, pairs_at, size_t, count, size_t, size, u64, set_at, unsigned, flags)
{
	if (flags == HWPROBE_WHICH_CPUS)
		return which_harts(pairs_at, count, size, set_at);
	return flags ? -EINVAL : get_values(pairs_at, count, size, set_at);
}
