// ELF64 executables: structures, and checks of what comes from outside.
#pragma once

#include <lib/base.h>

#define EM_RISCV     243
#define ET_EXEC      2
#define ET_DYN       3
#define PT_LOAD      1
#define PT_INTERP    3
#define PT_GNU_STACK 0x6474e551
#define PF_X         1
#define PF_W         2
#define PF_R         4

struct elf64_ehdr {
	u8 e_ident[16];
	u16 e_type, e_machine;
	u32 e_version;
	u64 e_entry, e_phoff, e_shoff;
	u32 e_flags;
	u16 e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
};

struct elf64_phdr {
	u32 p_type, p_flags;
	u64 p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
};

// Whether it is an executable for this machine. 0 or -ENOEXEC; *reason says what is wrong, or is
// NULL if it is no ELF file at all.
int elf_check_header(const struct elf64_ehdr *header, const char **reason);

// Whether the loadable segments can be mapped below `limit`: sizes, wrap-around, order, overlap,
// congruence of offset and address. 0 or -ENOEXEC, with a reason.
int elf_check_segments(const struct elf64_phdr *phdrs, unsigned count, u64 limit,
		       const char **reason);
