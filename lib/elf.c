// Checks of ELF executables (System V ABI, chapter 5; the RISC-V ELF psABI).

#include <lib/elf.h>
#include <lib/string.h>
#include <uapi/errno.h>

static int refuse(const char **reason, const char *why)
{
	*reason = why;
	return -ENOEXEC;
}

int elf_check_header(const struct elf64_ehdr *header, const char **reason)
{
	*reason = NULL;
	if (memcmp(header->e_ident, "\177ELF", 4))
		return -ENOEXEC;
	if (header->e_ident[4] != 2 || header->e_ident[5] != 1)
		return refuse(reason, "not a 64-bit little-endian file");
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return refuse(reason, "not an executable");
	if (header->e_machine != EM_RISCV)
		return refuse(reason, "for another machine");
	if (header->e_phentsize != sizeof(struct elf64_phdr))
		return refuse(reason, "size of program headers");
	return 0;
}

static int check_load(const struct elf64_phdr *phdr, u64 limit, const char **reason)
{
	if (phdr->p_filesz > phdr->p_memsz)
		return refuse(reason, "segment larger in the file than in memory");
	if (phdr->p_memsz > limit || phdr->p_vaddr > limit - phdr->p_memsz)
		return refuse(reason, "segment outside of the address space");
	if (phdr->p_offset + phdr->p_filesz < phdr->p_offset)
		return refuse(reason, "segment wraps around in the file");
	if ((phdr->p_vaddr ^ phdr->p_offset) & (PAGE_SIZE - 1))
		return refuse(reason, "segment's address and offset differ within a page");
	return 0;
}

int elf_check_segments(const struct elf64_phdr *phdrs, unsigned count, u64 limit,
		       const char **reason)
{
	u64 end = 0;
	bool any = false;

	for (unsigned i = 0; i < count; i++) {
		const struct elf64_phdr *phdr = &phdrs[i];

		if (phdr->p_type != PT_LOAD)
			continue;
		int error = check_load(phdr, limit, reason);
		if (error)
			return error;
		if (any && ALIGN_DOWN(phdr->p_vaddr, PAGE_SIZE) < end)
			return refuse(reason, "segments overlap or are out of order");
		end = ALIGN_UP(phdr->p_vaddr + phdr->p_memsz, PAGE_SIZE);
		any = true;
	}
	return any ? 0 : refuse(reason, "nothing to load");
}
