// Reaching user memory of the current task. Addresses are u64, never pointers.
//
// SUM is never set: the kernel walks the page table and copies through its own map of memory, so
// it cannot touch user memory by accident. Missing pages are faulted in: all of these may sleep.
#pragma once

#include <lib/base.h>

int copy_from_user(void *to, u64 from, size_t n); // 0 or -EFAULT
int copy_to_user(u64 to, const void *from, size_t n);
// Bytes copied before the first that could not be.
size_t copy_from_user_partial(void *to, u64 from, size_t n);
size_t copy_to_user_partial(u64 to, const void *from, size_t n);
size_t clear_user(u64 to, size_t n); // bytes cleared

// Pieces of a structure in user memory that lie together: the way there is looked up once.
// Offsets and sizes are multiples of 8, and the kernel's side is aligned to that.
struct user_part {
	u64 offset; // from the start of the structure
	void *kernel;
	size_t size;
};
// 0 or -EFAULT; then a part may have been copied. `size` is that of the structure.
int copy_parts_to_user(u64 to, size_t size, const struct user_part *parts, unsigned count);
int copy_parts_from_user(u64 from, size_t size, const struct user_part *parts, unsigned count);

int get_user_u8(u64 from, u8 *value); // 0 or -EFAULT
int get_user_u32(u64 from, u32 *value);
int get_user_u64(u64 from, u64 *value);
// Reads an aligned word only if that needs no fault: never sleeps. False: it would.
bool peek_user_u32(u64 from, u32 *value);
int put_user_u8(u64 to, u8 value);
int put_user_u32(u64 to, u32 value);
int put_user_u64(u64 to, u64 value);

// The length without NUL, at most max (then there was no NUL); -EFAULT. Bytes are copied to `to`.
long strncpy_from_user(char *to, u64 from, size_t max);
long strnlen_user(u64 from, size_t max);

// A structure that grows over time: what the caller's lacks is zero, what ours lacks must be zero
// there (-E2BIG).
int copy_struct_from_user(void *to, size_t size, u64 from, size_t user_size);

// Whether the range is one that user space could own at all.
bool user_range_ok(u64 address, u64 size);

// Atomic on a user word: stores `new` if it is `old`; *seen is what it was. -EFAULT.
int user_cmpxchg_u32(u64 address, u32 old, u32 new, u32 *seen);
// The same if it needs no fault: never sleeps. False: it would, or the address is bad.
bool user_try_cmpxchg_u32(u64 address, u32 old, u32 new, u32 *seen);
// Makes an aligned word writable now, so that the call above is likely to pass. 0 or -EFAULT.
int user_fault_in_write(u64 address);
