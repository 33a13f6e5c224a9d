// Memory of the shell: arenas for trees and expansions, and strings that grow.

#include <stdlib.h>
#include <string.h>

#include "sh.h"

#define CHUNK 1000

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	char data[] ALIGNED(16);
};

struct arena *arena_new(void)
{
	struct arena *a = xmalloc(sizeof(*a));

	a->chunks = NULL;
	a->refs = 1;
	return a;
}

struct arena *arena_get(struct arena *a)
{
	a->refs++;
	return a;
}

void arena_put(struct arena *a)
{
	if (--a->refs)
		return;
	while (a->chunks) {
		struct arena_chunk *next = a->chunks->next;

		free(a->chunks);
		a->chunks = next;
	}
	free(a);
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_chunk *chunk = a->chunks;

	size = ALIGN_UP(size, 16ul);
	if (!chunk || chunk->size - chunk->used < size) {
		size_t room = MAX(size, (size_t)CHUNK);

		chunk = xmalloc(sizeof(*chunk) + room);
		chunk->used = 0;
		chunk->size = room;
		chunk->next = a->chunks;
		a->chunks = chunk;
	}
	void *p = chunk->data + chunk->used;

	chunk->used += size;
	return memset(p, 0, size);
}

char *arena_copy(struct arena *a, const char *s, size_t n)
{
	char *copy = arena_alloc(a, n + 1);

	memcpy(copy, s, n);
	return copy;
}

void buffer_put(struct buffer *b, const char *s, size_t n)
{
	if (b->length + n + 1 > b->room) {
		b->room = MAX(b->room * 2, b->length + n + 64);
		b->text = xrealloc(b->text, b->room);
	}
	memcpy(b->text + b->length, s, n);
	b->length += n;
	b->text[b->length] = '\0';
}

void buffer_putc(struct buffer *b, char c)
{
	buffer_put(b, &c, 1);
}

void buffer_puts(struct buffer *b, const char *s)
{
	buffer_put(b, s, strlen(s));
}
