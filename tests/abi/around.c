// Pages of a file that come in with a fault on their neighbour.
#include <sys/mman.h>

#include "abi.h"

#define PAGE  4096ul
#define PAGES 8

static char *map_file(int prot, int flags, int *fd)
{
	char *room = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *at = (char *)(((unsigned long)room + 32 * PAGE - 1) & ~(32 * PAGE - 1));

	*fd = open("/tmp/around", O_RDWR | O_CREAT | O_TRUNC, 0600);
	for (int i = 0; i < PAGES; i++) {
		char page[PAGE];

		memset(page, 'a' + i, sizeof(page));
		write(*fd, page, sizeof(page));
	}
	return mmap(at, PAGES * PAGE, prot, flags | MAP_FIXED, *fd, 0);
}

// A letter for each page: p present, . not.
static void show_present(const char *what, const char *p, int pages)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	char text[PAGES * 2 + 1] = "";

	for (int i = 0; i < pages; i++) {
		unsigned long word = 0;

		pread(fd, &word, sizeof(word), (unsigned long)(p + i * PAGE) / PAGE * 8);
		text[i] = word >> 63 ? 'p' : '.';
	}
	close(fd);
	printf("%s: %s\n", what, text);
}

ABI_TEST(around, read_only)
{
	static const int flags[] = {MAP_PRIVATE, MAP_SHARED};

	for (int i = 0; i < 2; i++) {
		int fd;
		char *p = map_file(PROT_READ, flags[i], &fd);

		show_present("mapped", p, PAGES);
		printf("%c\n", p[3 * PAGE]);
		show_present("one read", p, PAGES);
		for (int page = 0; page < PAGES; page++)
			putchar(p[page * PAGE]);
		putchar('\n');
		R(ftruncate(fd, 2 * PAGE + 1));
		show_present("cut", p, PAGES);
		R(munmap(p, PAGES * PAGE));
		close(fd);
	}
}

ABI_TEST(around, within_the_area)
{
	int fd;
	char *p = map_file(PROT_READ, MAP_PRIVATE, &fd);

	R(munmap(p, 2 * PAGE));
	R(munmap(p + 6 * PAGE, 2 * PAGE));
	printf("%c\n", p[4 * PAGE]);
	show_present("a part", p, PAGES);
	R(madvise(p + 2 * PAGE, 4 * PAGE, MADV_DONTNEED));
	show_present("forgotten", p, PAGES);
	R(mprotect(p + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE));
	p[3 * PAGE] = 'X';
	printf("%c\n", p[2 * PAGE]);
	for (int page = 2; page < 6; page++)
		putchar(p[page * PAGE]);
	putchar('\n');
	show_present("one written", p, PAGES);
	close(fd);
}

ABI_TEST(around, made_writable_later)
{
	char back[2] = "";
	int fd;
	char *p = map_file(PROT_READ, MAP_SHARED, &fd);

	printf("%c\n", p[0]);
	R(mprotect(p, PAGES * PAGE, PROT_READ | PROT_WRITE));
	p[5 * PAGE] = 'Y';
	R(pread(fd, back, 1, 5 * PAGE));
	printf("%s\n", back);
	R(munmap(p, PAGES * PAGE));
	close(fd);
	p = map_file(PROT_READ, MAP_PRIVATE, &fd);
	printf("%c\n", p[0]);
	R(mprotect(p, PAGES * PAGE, PROT_READ | PROT_WRITE));
	p[5 * PAGE] = 'Y';
	R(pread(fd, back, 1, 5 * PAGE));
	printf("%s %c\n", back, p[5 * PAGE]);
	close(fd);
}
