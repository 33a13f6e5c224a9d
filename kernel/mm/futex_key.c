// Identifying futex words: see futex_key.h.
//
// A key outlives what it names: who waits holds no reference to the object, which may be unmapped,
// unlinked and freed meanwhile, and its memory used for another one. So an object is not named by
// its address but by a number, which it gets when it is first asked for and nobody gets again: 64
// bits do not run out. Address spaces are named by their address, for whoever waits in one keeps
// it. The two cannot be confused: addresses of the kernel are in the upper half.
//
// What an area maps says little about a private one: as long as nobody has written to a page of a
// file it is the file's, then a copy. Hence the page is made writable, which makes the copy, and only
// where that is forbidden may it stay the object's. A page that is private and cannot be written to
// is good for nothing: its word will never change.

#include <core/atomic.h>
#include <mm/futex_key.h>
#include <mm/mapping.h>
#include <mm/mm.h>
#include <mm/pagetable.h>
#include <mm/uaccess.h>
#include <sched/task.h>
#include <uapi/errno.h>

// The object's number.
static u64 mapping_identity(struct mapping *mapping)
{
	static struct atomic64 last;
	long none = 0;

	if (unlikely(!atomic64_read(&mapping->identity)))
		(void)atomic64_try_cmpxchg(&mapping->identity, &none, atomic64_inc_return(&last));
	return atomic64_read(&mapping->identity);
}

// Whether the page at the address is still the object's that the area maps. map_lock held.
static bool page_is_of_object(struct vma *vma, u64 address)
{
	struct mm *mm = vma->mm;

	spin_lock(&mm->table_lock);
	struct pte entry = table_peek(mm, address);
	bool of_object = pte_present(entry) && (entry_page(entry)->flags & PG_CACHE);
	spin_unlock(&mm->table_lock);
	return vma->mapping && of_object;
}

// What is known of a word before its page is at hand.
enum page_access {
	PAGE_UNKNOWN,
	PAGE_WRITABLE,
	PAGE_READABLE, // no more than that
};

// 0; -EFAULT; -EAGAIN: the page is to be faulted in first. map_lock held.
static int key_in_area(struct vma *vma, u64 address, enum page_access access, u64 *object,
		       u64 *offset)
{
	bool shared = vma->mapping && (vma->flags & VM_SHARED);

	// The usual case, in which the page does not matter: it can only be private.
	if (!shared && !vma->mapping && (vma->flags & VM_WRITE) && (vma->flags & VM_READ))
		return 0;
	if (access == PAGE_UNKNOWN)
		return -EAGAIN;
	if (!shared && access == PAGE_WRITABLE)
		return 0;
	if (!shared && !page_is_of_object(vma, address))
		return -EFAULT;
	*object = mapping_identity(vma->mapping);
	*offset = address - vma->start + vma->offset;
	return 0;
}

static int fault_in(u64 address, bool write, enum page_access *access)
{
	u32 value;

	*access = PAGE_WRITABLE;
	if (!user_fault_in_write(address))
		return 0;
	*access = PAGE_READABLE;
	return write ? -EFAULT : get_user_u32(address, &value);
}

static int shared_key_of(u64 address, bool write, u64 *object, u64 *offset)
{
	enum page_access access = PAGE_UNKNOWN;
	struct mm *mm = current->mm;

	for (;;) {
		down_read(&mm->map_lock);
		struct vma *vma = vma_find(mm, address);
		int error = vma && vma->start <= address
				    ? key_in_area(vma, address, access, object, offset)
				    : -EFAULT;
		up_read(&mm->map_lock);
		if (error == -EAGAIN)
			error = fault_in(address, write, &access) ?: -EAGAIN;
		if (error != -EAGAIN)
			return error;
	}
}

int futex_key_of(u64 address, bool shared, bool write, u64 *object, u64 *offset)
{
	*object = (u64)current->mm;
	*offset = address;
	return shared ? shared_key_of(address, write, object, offset) : 0;
}
