// What an ELF executable must satisfy before it is mapped. See elf.h. The error codes are those of
// Linux, which says ENOEXEC while another binary format could still take the file.
#include <lib/elf.h>
#include <lib/string.h>
#include <uapi/errno.h>

#define INTERP_MAX 4096 // PATH_MAX

static int refuse(const char **reason, const char *why, int error)
{
	*reason = why;
	return error;
}

int elf_check_header(const struct elf64_ehdr *h, const char **reason)
{
	*reason = NULL;
	if (memcmp(h->e_ident, "\177ELF", 4))
		return -ENOEXEC;
	if (h->e_ident[EI_CLASS] != ELFCLASS64)
		return refuse(reason, "not a 64-bit file", -ENOEXEC);
	if (h->e_ident[EI_DATA] != ELFDATA2LSB)
		return refuse(reason, "not little-endian", -ENOEXEC);
	if (h->e_machine != EM_RISCV)
		return refuse(reason, "for another machine than RISC-V", -ENOEXEC);
	if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
		return refuse(reason, "neither executable nor shared object", -ENOEXEC);
	if (h->e_phentsize != sizeof(struct elf64_phdr))
		return refuse(reason, "size of program headers", -ENOEXEC);
	if (h->e_phnum == 0 || h->e_phnum > ELF_PHDRS_MAX / sizeof(struct elf64_phdr))
		return refuse(reason, "number of program headers", -ENOEXEC);
	if (h->e_phoff > INT64_MAX - ELF_PHDRS_MAX)
		return refuse(reason, "offset of program headers", -ENOEXEC);
	return 0;
}

static int check_load(const struct elf64_phdr *p, u64 limit, const char **reason)
{
	if (p->p_filesz > p->p_memsz)
		return refuse(reason, "segment is larger in the file than in memory", -EINVAL);
	if (p->p_memsz > limit || p->p_vaddr > limit - p->p_memsz)
		return refuse(reason, "segment beyond the end of user addresses", -EINVAL);
	// What follows is about mapping the file.
	if (!p->p_filesz)
		return 0;
	if (p->p_offset > INT64_MAX - PAGE_SIZE ||
	    p->p_filesz > INT64_MAX - PAGE_SIZE - p->p_offset)
		return refuse(reason, "segment's file offset wraps around", -EINVAL);
	if ((p->p_vaddr ^ p->p_offset) & ~PAGE_MASK)
		return refuse(reason, "segment's address and offset differ within the page",
			      -EINVAL);
	return 0;
}

int elf_check_segments(const struct elf64_phdr *phdrs, unsigned count, u64 limit,
		       const char **reason)
{
	bool interp = false;
	u64 contents = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct elf64_phdr *p = &phdrs[i];

		if (p->p_type == PT_LOAD) {
			int error = check_load(p, limit, reason);

			if (error)
				return error;
			contents |= p->p_memsz;
		} else if (p->p_type == PT_INTERP && !interp) {
			// Only the first counts.
			interp = true;
			if (p->p_filesz < 2 || p->p_filesz > INTERP_MAX ||
			    p->p_offset > INT64_MAX - INTERP_MAX)
				return refuse(reason, "length of PT_INTERP", -ENOEXEC);
		}
	}
	if (!contents)
		return refuse(reason, "nothing to load", -EINVAL);
	return 0;
}
