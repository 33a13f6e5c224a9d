// Reaching user memory.
//
// The walk and the copy of one page happen with interrupts off. Another thread may unmap the page
// or share its table meanwhile, but the flush that this takes interrupts all harts of the address
// space and waits (mm_flush): pages and tables are not given away before the copy has ended. So at
// worst it reads or writes a page that has just been unmapped, as if it had come a moment earlier.
//
// Another address space than current's is not protected by that: there table_lock is held instead.

#include <arch/irq.h>
#include <core/fault_inject.h>
#include <lib/string.h>
#include <mm/fault.h>
#include <mm/pagetable.h>
#include <mm/uaccess.h>
#include <sched/task.h>
#include <uapi/errno.h>

static ALWAYS_INLINE bool range_ok(u64 address, u64 size)
{
	return address < USER_TOP && size <= USER_TOP - address;
}

bool user_range_ok(u64 address, u64 size)
{
	return range_ok(address, size);
}

static ALWAYS_INLINE unsigned long user_begin(struct mm *mm)
{
	if (likely(mm == current->mm))
		return arch_irq_save();
	spin_lock(&mm->table_lock);
	return 0;
}

static ALWAYS_INLINE void user_end(struct mm *mm, unsigned long flags)
{
	if (likely(mm == current->mm))
		arch_irq_restore(flags);
	else
		spin_unlock(&mm->table_lock);
}

// A and D as well: the hardware does not set them for us, a fault does.
#define NEEDED_IN  (PTE_R | PTE_A)
#define NEEDED_OUT (PTE_W | PTE_A | PTE_D)

// Where the byte at `address` is in the kernel's map, or NULL. Within user_begin().
static ALWAYS_INLINE char *user_byte(struct mm *mm, u64 address, u64 needed)
{
	struct pte pte = table_translate(mm, address);

	if ((pte.v & (needed | PTE_V | PTE_U)) != (needed | PTE_V | PTE_U))
		return NULL;
	return (char *)phys_to_virt(pte_pfn(pte) << PAGE_SHIFT) + address % PAGE_SIZE;
}

enum copy_kind {
	COPY_IN,
	COPY_OUT,
	COPY_CLEAR
};

// Whole words, both aligned. Not memcpy(): most copies are a few words, for which its questions
// would cost as much as they do.
static ALWAYS_INLINE void copy_words(u64 *to, const u64 *from, size_t n)
{
	for (; n >= 64; n -= 64, to += 8, from += 8) {
		u64 a = from[0], b = from[1], c = from[2], d = from[3];
		u64 e = from[4], f = from[5], g = from[6], h = from[7];

		to[0] = a, to[1] = b, to[2] = c, to[3] = d;
		to[4] = e, to[5] = f, to[6] = g, to[7] = h;
	}
	if (n & 32) {
		u64 a = from[0], b = from[1], c = from[2], d = from[3];

		to[0] = a, to[1] = b, to[2] = c, to[3] = d;
		to += 4, from += 4;
	}
	if (n & 16) {
		u64 a = from[0], b = from[1];

		to[0] = a, to[1] = b;
		to += 2, from += 2;
	}
	if (n & 8)
		to[0] = from[0];
}

static ALWAYS_INLINE void copy_piece(enum copy_kind kind, void *kernel, char *user, size_t n)
{
	bool words = n < 64 && (((uintptr_t)kernel | (uintptr_t)user | n) & 7) == 0;

	if (kind == COPY_IN && words)
		copy_words(kernel, (u64 *)user, n);
	else if (kind == COPY_OUT && words)
		copy_words((u64 *)user, kernel, n);
	else if (kind == COPY_IN)
		memcpy(kernel, user, n);
	else if (kind == COPY_OUT)
		memcpy(user, kernel, n);
	else
		memset(user, 0, n);
}

// Page by page; returns the bytes done.
static ALWAYS_INLINE size_t copy_pages(struct mm *mm, enum copy_kind kind, char *kernel,
				       u64 address, size_t n)
{
	u64 needed = kind == COPY_IN ? NEEDED_IN : NEEDED_OUT;
	unsigned access = kind == COPY_IN ? FAULT_READ : FAULT_WRITE;
	size_t done = 0;

	while (done < n) {
		size_t piece = MIN(n - done, PAGE_SIZE - (address + done) % PAGE_SIZE);

		unsigned long flags = user_begin(mm);
		char *user = user_byte(mm, address + done, needed);
		if (likely(user))
			copy_piece(kind, kernel + done, user, piece);
		user_end(mm, flags);
		if (likely(user)) {
			done += piece;
			continue;
		}
		if (mm_fault(mm, address + done, access) != FAULT_OK)
			break;
	}
	return done;
}

// What most copies are: within one page of current's own, which is there. False: nothing was done,
// and the long way must be gone.
static ALWAYS_INLINE bool copy_within_page(enum copy_kind kind, void *kernel, u64 address, size_t n)
{
	struct mm *mm = current->mm;

	// Within a page, the first byte tells of all of them.
	if (unlikely(address % PAGE_SIZE + n > PAGE_SIZE || address >= USER_TOP || !mm ||
		     READ_ONCE(fault_armed)))
		return false;
	unsigned long flags = arch_irq_save();
	char *user = user_byte(mm, address, kind == COPY_IN ? NEEDED_IN : NEEDED_OUT);
	if (likely(user))
		copy_piece(kind, kernel, user, n);
	arch_irq_restore(flags);
	return user;
}

static NOINLINE size_t copy_long(enum copy_kind kind, void *kernel, u64 address, size_t n)
{
	if (!range_ok(address, n) || !current->mm || fault_should_fail(FAULT_USERCOPY, 0))
		return 0;
	return kind == COPY_IN ? copy_pages(current->mm, COPY_IN, kernel, address, n)
			       : copy_pages(current->mm, COPY_OUT, kernel, address, n);
}

size_t copy_from_user_partial(void *to, u64 from, size_t n)
{
	return copy_within_page(COPY_IN, to, from, n) ? n : copy_long(COPY_IN, to, from, n);
}

size_t copy_to_user_partial(u64 to, const void *from, size_t n)
{
	return copy_within_page(COPY_OUT, (void *)from, to, n)
		       ? n
		       : copy_long(COPY_OUT, (void *)from, to, n);
}

size_t clear_user(u64 to, size_t n)
{
	if (!range_ok(to, n) || !current->mm)
		return 0;
	return copy_pages(current->mm, COPY_CLEAR, NULL, to, n);
}

static NOINLINE int copy_in_whole(void *to, u64 from, size_t n)
{
	size_t done = copy_long(COPY_IN, to, from, n);

	if (likely(done == n))
		return 0;
	memset((char *)to + done, 0, n - done);
	return -EFAULT;
}

int copy_from_user(void *to, u64 from, size_t n)
{
	return copy_within_page(COPY_IN, to, from, n) ? 0 : copy_in_whole(to, from, n);
}

int copy_to_user(u64 to, const void *from, size_t n)
{
	if (copy_within_page(COPY_OUT, (void *)from, to, n))
		return 0;
	return copy_long(COPY_OUT, (void *)from, to, n) == n ? 0 : -EFAULT;
}

void *user_window_open(u64 address, size_t size, bool write, unsigned long *flags)
{
	struct mm *mm = current->mm;

	if (unlikely(address % PAGE_SIZE + size > PAGE_SIZE || address % sizeof(u64) ||
		     !range_ok(address, size) || !mm || READ_ONCE(fault_armed)))
		return NULL;
	*flags = arch_irq_save();
	char *user = user_byte(mm, address, write ? NEEDED_OUT : NEEDED_IN);
	if (unlikely(!user))
		arch_irq_restore(*flags);
	return user;
}

void user_window_close(unsigned long flags)
{
	arch_irq_restore(flags);
}

// Single words, the common case first: naturally aligned, mapped, current's own.
#define USER_WORD_DEFINE(type)                                                                 \
	int get_user_##type(u64 from, type *value)                                             \
	{                                                                                      \
		if (likely(!(from & (sizeof(type) - 1)) && range_ok(from, 1) && current->mm && \
			   !fault_armed)) {                                                    \
			unsigned long flags = arch_irq_save();                                 \
			const char *user = user_byte(current->mm, from, NEEDED_IN);            \
			if (likely(user))                                                      \
				*value = *(const volatile type *)user;                         \
			arch_irq_restore(flags);                                               \
			if (likely(user))                                                      \
				return 0;                                                      \
		}                                                                              \
		return copy_from_user(value, from, sizeof(*value));                            \
	}                                                                                      \
	int put_user_##type(u64 to, type value)                                                \
	{                                                                                      \
		if (likely(!(to & (sizeof(type) - 1)) && range_ok(to, 1) && current->mm &&     \
			   !fault_armed)) {                                                    \
			unsigned long flags = arch_irq_save();                                 \
			char *user = user_byte(current->mm, to, NEEDED_OUT);                   \
			if (likely(user))                                                      \
				*(volatile type *)user = value;                                \
			arch_irq_restore(flags);                                               \
			if (likely(user))                                                      \
				return 0;                                                      \
		}                                                                              \
		return copy_to_user(to, &value, sizeof(value));                                \
	}
USER_WORD_DEFINE(u8)
USER_WORD_DEFINE(u32)
USER_WORD_DEFINE(u64)

bool peek_user_u32(u64 from, u32 *value)
{
	if (!range_ok(from, 4) || !current->mm)
		return false;
	unsigned long flags = arch_irq_save();
	const char *user = user_byte(current->mm, from, NEEDED_IN);
	if (user)
		*value = *(const volatile u32 *)user;
	arch_irq_restore(flags);
	return user;
}

// Finds the NUL; copies to `to` unless that is NULL.
static long string_from(struct mm *mm, char *to, u64 from, size_t max)
{
	size_t done = 0;

	while (done < max) {
		size_t piece = MIN(max - done, PAGE_SIZE - (from + done) % PAGE_SIZE), length = 0;

		if (!range_ok(from + done, 1))
			return -EFAULT;
		unsigned long flags = user_begin(mm);
		char *user = user_byte(mm, from + done, NEEDED_IN);
		if (user) {
			length = strnlen(user, piece);
			if (to)
				memcpy(to + done, user, MIN(length + 1, piece));
		}
		user_end(mm, flags);
		if (!user) {
			if (mm_fault(mm, from + done, FAULT_READ) != FAULT_OK)
				return -EFAULT;
			continue;
		}
		done += length;
		if (length < piece)
			return done;
	}
	return done;
}

long strncpy_from_user(char *to, u64 from, size_t max)
{
	if (!current->mm || fault_should_fail(FAULT_USERCOPY, 0))
		return -EFAULT;
	return string_from(current->mm, to, from, max);
}

long strnlen_user(u64 from, size_t max)
{
	return current->mm ? string_from(current->mm, NULL, from, max) : -EFAULT;
}

int copy_struct_from_user(void *to, size_t size, u64 from, size_t user_size)
{
	size_t common = MIN(size, user_size);

	memset((char *)to + common, 0, size - common);
	for (size_t at = size; at < user_size; at++) {
		u8 byte;

		if (get_user_u8(from + at, &byte))
			return -EFAULT;
		if (byte)
			return -E2BIG;
	}
	return copy_from_user(to, from, common);
}

bool user_try_cmpxchg_u32(u64 address, u32 old, u32 new, u32 *seen)
{
	if ((address & 3) || !range_ok(address, 4) || !current->mm)
		return false;
	unsigned long flags = arch_irq_save();
	u32 *user = (u32 *)user_byte(current->mm, address, NEEDED_OUT);
	if (user) {
		*seen = old;
		__atomic_compare_exchange_n(user, seen, new, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST);
	}
	arch_irq_restore(flags);
	return user;
}

int user_cmpxchg_u32(u64 address, u32 old, u32 new, u32 *seen)
{
	if ((address & 3) || !range_ok(address, 4))
		return -EFAULT;
	while (!user_try_cmpxchg_u32(address, old, new, seen)) {
		if (mm_fault(current->mm, address, FAULT_WRITE) != FAULT_OK)
			return -EFAULT;
	}
	return 0;
}

int user_fault_in_write(u64 address)
{
	u32 seen;

	return user_cmpxchg_u32(address, 0, 0, &seen); // leaves the word as it is
}

// --- Other address spaces ---

int mm_copy_to(struct mm *mm, u64 to, const void *from, size_t n)
{
	if (!range_ok(to, n))
		return -EFAULT;
	return copy_pages(mm, COPY_OUT, (char *)from, to, n) == n ? 0 : -EFAULT;
}

int mm_copy_from(struct mm *mm, u64 from, void *to, size_t n)
{
	if (!range_ok(from, n))
		return -EFAULT;
	return copy_pages(mm, COPY_IN, to, from, n) == n ? 0 : -EFAULT;
}

size_t mm_copy_to_partial(struct mm *mm, u64 to, const void *from, size_t n)
{
	return user_range_ok(to, n) ? copy_pages(mm, COPY_OUT, (char *)from, to, n) : 0;
}

size_t mm_copy_from_partial(struct mm *mm, u64 from, void *to, size_t n)
{
	return user_range_ok(from, n) ? copy_pages(mm, COPY_IN, to, from, n) : 0;
}

int mm_clear(struct mm *mm, u64 start, size_t n)
{
	if (!range_ok(start, n))
		return -EFAULT;
	return copy_pages(mm, COPY_CLEAR, NULL, start, n) == n ? 0 : -EFAULT;
}

long mm_strnlen(struct mm *mm, u64 string, size_t max)
{
	return string_from(mm, NULL, string, max);
}
