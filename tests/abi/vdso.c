// The vDSO: an ELF image with the symbols that C libraries look for, and clocks that agree with
// the system calls.

#include "abi.h"
#include <elf.h>
#include <sys/auxv.h>
#include <sys/time.h>
#include <time.h>

typedef long (*function)(long, void *, void *, long, long);

// Looks a name up in the image's dynamic symbols, as a C library does.
static function find(const char *name)
{
	const char *image = (const char *)getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *header = (const void *)image;
	const Elf64_Phdr *phdrs = (const void *)(image + header->e_phoff);
	const Elf64_Sym *symbols = NULL;
	const char *strings = NULL;
	const Elf64_Dyn *dynamic = NULL;

	for (int i = 0; i < header->e_phnum; i++) {
		if (phdrs[i].p_type == PT_DYNAMIC)
			dynamic = (const void *)(image + phdrs[i].p_vaddr);
	}
	for (; dynamic && dynamic->d_tag; dynamic++) {
		const void *at = image + dynamic->d_un.d_ptr;

		if (dynamic->d_tag == DT_SYMTAB)
			symbols = at;
		else if (dynamic->d_tag == DT_STRTAB)
			strings = at;
	}
	// The strings follow the symbols.
	for (int i = 0; symbols && (const char *)&symbols[i + 1] <= strings; i++) {
		if (!strcmp(strings + symbols[i].st_name, name))
			return (function)(image + symbols[i].st_value);
	}
	return NULL;
}

ABI_TEST(vdso, symbols)
{
	static const char *const names[] = {"rt_sigreturn", "gettimeofday", "clock_gettime",
					    "clock_getres", "getcpu",       "flush_icache",
					    "riscv_hwprobe"};
	const char *image = (const char *)getauxval(AT_SYSINFO_EHDR);

	printf("image %.3s\n", image ? image + 1 : "no");
	for (unsigned i = 0; image && i < sizeof(names) / sizeof(*names); i++) {
		char name[64];

		snprintf(name, sizeof(name), "__vdso_%s", names[i]);
		printf("%s: %d\n", name, find(name) != NULL);
	}
	unsigned cpu = 99;
	R(find("__vdso_getcpu")((long)&cpu, NULL, NULL, 0, 0));
	printf("cpu %d\n", cpu < 8);
	R(find("__vdso_flush_icache")(0, NULL, NULL, 0, 0));
}

static long ns(const struct timespec *t)
{
	return t->tv_sec * 1000000000 + t->tv_nsec;
}

ABI_TEST(vdso, agrees)
{
	static const int clocks[] = {0, 1, 2, 3, 4, 5, 6, 7, 11, 12};
	function gettime = find("__vdso_clock_gettime"), getres = find("__vdso_clock_getres");

	for (unsigned i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
		struct timespec a, b, c;

		printf("clock %d: ", clocks[i]);
		if (syscall(SYS_clock_gettime, clocks[i], &a)) {
			printf("%ld\n", gettime(clocks[i], &b, NULL, 0, 0));
			continue;
		}
		gettime(clocks[i], &b, NULL, 0, 0);
		syscall(SYS_clock_gettime, clocks[i], &c);
		printf("in order %d, ", ns(&a) <= ns(&b) && ns(&b) <= ns(&c));
		getres(clocks[i], &a, NULL, 0, 0);
		printf("resolution %ld\n", ns(&a));
	}
	struct timespec before, after;
	struct timeval now;

	syscall(SYS_clock_gettime, 0, &before);
	find("__vdso_gettimeofday")((long)&now, NULL, NULL, 0, 0);
	syscall(SYS_clock_gettime, 0, &after);
	long us = now.tv_sec * 1000000 + now.tv_usec;
	printf("gettimeofday %d\n", us >= ns(&before) / 1000 && us <= ns(&after) / 1000);
}

ABI_TEST(vdso, follows_settime)
{
	struct timespec time = {2000000000, 0}, now, old;

	clock_gettime(CLOCK_REALTIME, &old);
	R(clock_settime(CLOCK_REALTIME, &time));
	find("__vdso_clock_gettime")(0, &now, NULL, 0, 0);
	printf("%d\n", now.tv_sec - time.tv_sec < 5);
	clock_settime(CLOCK_REALTIME, &old);
}
