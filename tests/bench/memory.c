// Memory: mapping, rights, first touch, copy on write.

#include "bench.h"

static long map_unmap(void)
{
	void *p = mmap(NULL, 64 * KIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : munmap(p, 64 * KIB);
}

static long map_touch_unmap(void)
{
	char *p = mmap(NULL, 64 * KIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -1;
	p[0] = 1;
	return munmap(p, 64 * KIB);
}

static long protect_pair(void)
{
	static char *p;

	if (!p) {
		p = mmap(NULL, 64 * KIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0);
		p[4096] = 1;
	}
	return mprotect(p + 4096, 4096, PROT_READ) |
	       mprotect(p + 4096, 4096, PROT_READ | PROT_WRITE);
}

static void measure_faults(void)
{
	size_t size = 2 * MIB;

	if (!wanted("fault"))
		return;
	munmap(touched(size), size);
	unsigned long start = now();
	char *p = touched(size);
	if (!p)
		return;
	report("fault_first_touch", (now() - start) / (size / 4096));
	pid_t pid = fork();
	if (pid == 0) {
		for (size_t i = 0; i < 16; i++)
			p[i * 4096] = 2;
		start = now();
		for (size_t i = 16; i < size / 4096; i++)
			p[i * 4096] = 2;
		report("fault_cow", (now() - start) / (size / 4096 - 16));
		_exit(0);
	}
	reap(pid);
	munmap(p, size);
}

void measure_memory(void)
{
	measure("mmap_munmap", map_unmap);
	measure("mmap_touch_munmap", map_touch_unmap);
	measure("mprotect_pair", protect_pair);
	measure_faults();
}
