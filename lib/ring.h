// A ring buffer of bytes. The size is a power of two; the counters run freely and wrap, so that all
// bytes can be used. No locking: the caller guards it.
#pragma once

#include <lib/base.h>
#include <lib/string.h>

struct ring {
	u8 *data;
	u32 size;
	u32 head; // bytes ever written
	u32 tail; // bytes ever read
};

static inline void ring_init(struct ring *r, void *data, u32 size)
{
	*r = (struct ring){.data = data, .size = size};
}

static inline u32 ring_used(const struct ring *r)
{
	return r->head - r->tail;
}

static inline u32 ring_room(const struct ring *r)
{
	return r->size - ring_used(r);
}

static inline bool ring_empty(const struct ring *r)
{
	return r->head == r->tail;
}

static inline void ring_clear(struct ring *r)
{
	r->tail = r->head;
}

// One byte in, out. False if there is no room, nothing to read.
static inline bool ring_put(struct ring *r, u8 byte)
{
	if (!ring_room(r))
		return false;
	r->data[r->head++ & (r->size - 1)] = byte;
	return true;
}

static inline bool ring_get(struct ring *r, u8 *byte)
{
	if (ring_empty(r))
		return false;
	*byte = r->data[r->tail++ & (r->size - 1)];
	return true;
}

// Takes back the byte written last. False if the ring is empty.
static inline bool ring_unput(struct ring *r, u8 *byte)
{
	if (ring_empty(r))
		return false;
	*byte = r->data[--r->head & (r->size - 1)];
	return true;
}

// The byte at distance i from the oldest; i < ring_used().
static inline u8 ring_peek(const struct ring *r, u32 i)
{
	return r->data[(r->tail + i) & (r->size - 1)];
}

// As many bytes as fit, as there are; returns how many.
static inline size_t ring_write(struct ring *r, const void *from, size_t n)
{
	u32 at = r->head & (r->size - 1);
	size_t first;

	n = MIN(n, (size_t)ring_room(r));
	first = MIN(n, (size_t)(r->size - at));
	memcpy(r->data + at, from, first);
	memcpy(r->data, (const u8 *)from + first, n - first);
	r->head += (u32)n;
	return n;
}

static inline size_t ring_read(struct ring *r, void *to, size_t n)
{
	u32 at = r->tail & (r->size - 1);
	size_t first;

	n = MIN(n, (size_t)ring_used(r));
	first = MIN(n, (size_t)(r->size - at));
	memcpy(to, r->data + at, first);
	memcpy((u8 *)to + first, r->data, n - first);
	r->tail += (u32)n;
	return n;
}
