// Random trees of processes on four harts, and of any seeds by hand: see forktree.h.
#include "forktree.h"

ABI_TEST(forktree, seed_1)
{
	run_tree(1);
}

ABI_TEST(forktree, seed_2)
{
	run_tree(22);
}

ABI_TEST(forktree, seed_3)
{
	run_tree(333);
}

// Reads what empties all caches again and again; returns at once where there is no such thing.
static pid_t start_shrinker(void)
{
	static char text[1 << 16];
	pid_t pid = fork();

	for (;;) {
		int fd = pid ? -1 : open("/proc/census", O_RDONLY);

		if (pid)
			return pid;
		if (fd < 0)
			_exit(0);
		while (read(fd, text, sizeof(text)) > 0)
			;
		close(fd);
		usleep(10000);
	}
}

// Nothing, unless the environment names seeds: see forktree.h.
ABI_TEST(forktree, by_hand)
{
	const char *seeds = getenv("FORKTREE");
	unsigned long first, count;

	if (!seeds || sscanf(seeds, "%lu,%lu", &first, &count) != 2)
		return;
	pid_t shrinker = getenv("FORKTREE_SHRINK") ? start_shrinker() : 0;
	for (unsigned long i = 0; i < count; i++) {
		printf("seed %lu: ", first + i);
		fflush(stdout);
		pid_t pid = fork();
		if (pid == 0) {
			run_tree(first + i);
			fflush(stdout);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	if (shrinker) {
		kill(shrinker, SIGKILL);
		waitpid(shrinker, NULL, 0);
	}
}
