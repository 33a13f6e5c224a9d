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

// A structure of current's own memory where it lies, for what would otherwise be copied twice: aligned
// to 8, within one page, which is there. NULL: it is not, or something else is in the way: then
// the copies above are the way. From here to user_window_close() interrupts are off: nothing may sleep.
// Other threads may change what is there meanwhile: what is looked at is read once.
void *user_window_open(u64 address, size_t size, bool write, unsigned long *flags);
void user_window_close(unsigned long flags);

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
