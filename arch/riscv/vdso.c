// The page that every program has for the return from signal handlers. It is a plain page of code
// so far; when it becomes a shared object, AT_SYSINFO_EHDR will tell of it.

#include <arch/elf.h>
#include <arch/mmu.h>
#include <core/init.h>
#include <core/panic.h>
#include <lib/string.h>
#include <mm/mapping.h>
#include <mm/mmap.h>
#include <uapi/errno.h>
#include <uapi/mman.h>

static struct mapping *trampoline;

// li a7, 139 (rt_sigreturn); ecall
static const u32 code[] = {0x08b00893, 0x00000073};

u64 arch_hwcap(void)
{
	// One bit for each single-letter extension that user mode may use: I M A F D C.
	static const char letters[] = "imafdc";
	u64 bits = 0;

	for (const char *c = letters; *c; c++)
		bits |= 1ul << (*c - 'a');
	return bits;
}

int mm_map_vdso(struct mm *mm)
{
	u64 address = 0;
	int error = mm_mmap_object(mm, 0, PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, NULL,
				   trampoline, VM_MAYREAD | VM_MAYEXEC, 0, &address);

	if (!error)
		mm->vdso = address;
	return error;
}

static int vdso_init(void)
{
	struct page *page;

	if (shmem_create(PAGE_SIZE, false, &trampoline) ||
	    mapping_get_page(trampoline, 0, true, &page))
		panic("vdso: no memory at boot");
	memcpy(page_to_virt(page), code, sizeof(code));
	page_put(page);
	arch_icache_flush_local();
	return 0;
}
INITCALL(CORE, vdso_init);
