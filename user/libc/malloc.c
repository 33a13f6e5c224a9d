// Memory for programs: blocks of sixteen sizes between powers of two come from lists of free blocks,
// which are filled from brk; what is larger than the largest is a mapping of its own.
//
// A block is never split or joined, so that malloc and free are a few instructions each. A header
// of 16 bytes in front of a block tells its class, or the length of its mapping.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/system.h>
#include <syscall.h>
#include <unistd.h>

#define ALIGNMENT   16ul
#define CLASS_COUNT 26     // 16, 24 -> rounded, ..., 64 KiB: two classes to a power of two
#define CLASS_MAP   0xffff // a mapping of its own
#define BLOCK_MAX   (64 * KIB)
#define CHUNK       (16 * KIB) // what brk grows by
#define MAGIC       0x6d61u

struct header {
	u32 class;
	u32 magic; // a free of something else is caught
	size_t size;
};

struct free_block {
	struct free_block *next;
};

static struct free_block *free_lists[CLASS_COUNT];
static char *heap, *heap_end;

// 0: 16, 1: 32 (24 is not aligned), then 48, 64, 96, 128, 192, ...
static unsigned class_of(size_t size)
{
	if (size <= 16)
		return 0;
	if (size <= 32)
		return 1;
	unsigned log = 5;

	while (size > 2ul << log)
		log++;
	return (log - 5) * 2 + (size <= 3ul << (log - 1) ? 2 : 3);
}

static size_t class_size(unsigned class)
{
	if (class < 2)
		return class ? 32 : 16;
	return class & 1 ? 64ul << ((class - 3) / 2) : 48ul << ((class - 2) / 2);
}

static char *heap_take(size_t size)
{
	if (!heap)
		heap = heap_end = (char *)ALIGN_UP(syscall_direct(SYS_brk, 0), ALIGNMENT);
	if ((size_t)(heap_end - heap) < size) {
		char *wanted = (char *)ALIGN_UP((long)heap + (long)MAX(size, CHUNK), PAGE_SIZE);

		if ((char *)syscall_direct(SYS_brk, wanted) < wanted)
			return NULL;
		heap_end = wanted;
	}
	char *block = heap;

	heap += size;
	return block;
}

static void *map_large(size_t size)
{
	size_t whole = ALIGN_UP(size + sizeof(struct header), PAGE_SIZE);

	if (whole < size)
		return NULL;
	struct header *h = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				-1, 0);

	if (h == MAP_FAILED)
		return NULL;
	*h = (struct header){CLASS_MAP, MAGIC, whole - sizeof(*h)};
	return h + 1;
}

void *malloc(size_t size)
{
	void *block;

	if (size > BLOCK_MAX) {
		block = map_large(size);
	} else {
		unsigned class = class_of(size);

		block = free_lists[class];
		if (block) {
			free_lists[class] = free_lists[class]->next;
			return block;
		}
		struct header *h = (void *)heap_take(sizeof(*h) + class_size(class));

		if (h)
			*h = (struct header){class, MAGIC, class_size(class)};
		block = h ? h + 1 : NULL;
	}
	if (!block)
		errno = ENOMEM;
	return block;
}

void free(void *p)
{
	struct header *h = (struct header *)p - 1;

	if (!p)
		return;
	if (h->magic != MAGIC) {
		fprintf(stderr, "free: %p is not from malloc\n", p);
		abort();
	}
	if (h->class == CLASS_MAP) {
		munmap(h, h->size + sizeof(*h));
		return;
	}
	struct free_block *block = p;

	block->next = free_lists[h->class];
	free_lists[h->class] = block;
}

void *calloc(size_t n, size_t size)
{
	size_t whole;

	if (__builtin_mul_overflow(n, size, &whole)) {
		errno = ENOMEM;
		return NULL;
	}
	void *p = malloc(whole);

	return p ? memset(p, 0, whole) : NULL;
}

void *realloc(void *p, size_t size)
{
	struct header *h = (struct header *)p - 1;

	if (p && size <= h->size && (h->class != CLASS_MAP || size > h->size / 2))
		return p;
	void *new = malloc(size);

	if (p && new) {
		memcpy(new, p, MIN(size, h->size));
		free(p);
	}
	return new;
}

static void *checked(void *p)
{
	if (p)
		return p;
	fputs("out of memory\n", stderr);
	exit(2);
}

void *xmalloc(size_t size)
{
	return checked(malloc(size));
}

void *xrealloc(void *p, size_t size)
{
	return checked(realloc(p, size));
}

char *xstrdup(const char *s)
{
	return checked(strdup(s));
}
