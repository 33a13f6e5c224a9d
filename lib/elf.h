// ELF64: the structures of files (the names and numbers of the System V ABI and of Linux), and the
// checks that an executable must pass before anything is mapped. Hostile-safe, for little-endian
// RISC-V files.
#pragma once

#include <lib/base.h>

struct elf64_ehdr {
	u8 e_ident[16];
	u16 e_type;
	u16 e_machine;
	u32 e_version;
	u64 e_entry;
	u64 e_phoff;
	u64 e_shoff;
	u32 e_flags;
	u16 e_ehsize;
	u16 e_phentsize;
	u16 e_phnum;
	u16 e_shentsize;
	u16 e_shnum;
	u16 e_shstrndx;
};

struct elf64_phdr {
	u32 p_type;
	u32 p_flags;
	u64 p_offset;
	u64 p_vaddr;
	u64 p_paddr;
	u64 p_filesz;
	u64 p_memsz;
	u64 p_align;
};

struct elf64_shdr {
	u32 sh_name;
	u32 sh_type;
	u64 sh_flags;
	u64 sh_addr;
	u64 sh_offset;
	u64 sh_size;
	u32 sh_link;
	u32 sh_info;
	u64 sh_addralign;
	u64 sh_entsize;
};

struct elf64_sym {
	u32 st_name;
	u8 st_info;
	u8 st_other;
	u16 st_shndx;
	u64 st_value;
	u64 st_size;
};

struct elf64_dyn {
	s64 d_tag;
	u64 d_val;
};

struct elf64_rela {
	u64 r_offset;
	u64 r_info;
	s64 r_addend;
};

// Followed by the name and the description, each padded to 4 bytes.
struct elf64_nhdr {
	u32 n_namesz;
	u32 n_descsz;
	u32 n_type;
};

static_assert(sizeof(struct elf64_ehdr) == 64, "elf64_ehdr");
static_assert(sizeof(struct elf64_phdr) == 56, "elf64_phdr");
static_assert(sizeof(struct elf64_shdr) == 64, "elf64_shdr");
static_assert(sizeof(struct elf64_sym) == 24, "elf64_sym");

// e_ident
#define EI_CLASS   4
#define EI_DATA    5
#define EI_VERSION 6
#define EI_OSABI   7

#define ELFCLASS32  1
#define ELFCLASS64  2
#define ELFDATA2LSB 1
#define ELFDATA2MSB 2
#define EV_CURRENT  1

// e_type, e_machine, e_flags
#define ET_REL  1
#define ET_EXEC 2
#define ET_DYN  3
#define ET_CORE 4

#define EM_RISCV 243

#define EF_RISCV_RVC            0x0001
#define EF_RISCV_FLOAT_ABI_MASK 0x0006

// p_type, p_flags
#define PT_NULL             0
#define PT_LOAD             1
#define PT_DYNAMIC          2
#define PT_INTERP           3
#define PT_NOTE             4
#define PT_PHDR             6
#define PT_TLS              7
#define PT_GNU_EH_FRAME     0x6474e550
#define PT_GNU_STACK        0x6474e551
#define PT_GNU_RELRO        0x6474e552
#define PT_GNU_PROPERTY     0x6474e553
#define PT_RISCV_ATTRIBUTES 0x70000003

#define PF_X 1
#define PF_W 2
#define PF_R 4

// sh_type, and what symbols and the dynamic section need
#define SHT_NULL     0
#define SHT_PROGBITS 1
#define SHT_SYMTAB   2
#define SHT_STRTAB   3
#define SHT_RELA     4
#define SHT_HASH     5
#define SHT_DYNAMIC  6
#define SHT_NOTE     7
#define SHT_NOBITS   8
#define SHT_DYNSYM   11

#define DT_NULL   0
#define DT_HASH   4
#define DT_STRTAB 5
#define DT_SYMTAB 6
#define DT_RELA   7
#define DT_RELASZ 8

#define R_RISCV_64       2
#define R_RISCV_RELATIVE 3

// Notes of core files
#define NT_PRSTATUS 1
#define NT_PRFPREG  2
#define NT_PRPSINFO 3
#define NT_AUXV     6

// Linux's limit on the table of program headers, in bytes.
#define ELF_PHDRS_MAX (64 * KIB)

// Whether this is the header of an executable or shared object for 64-bit RISC-V, with a table of
// program headers of plausible shape. 0, or -ENOEXEC and what is wrong in *reason: a constant
// string (also for the function below), or NULL if it is no ELF file at all.
int elf_check_header(const struct elf64_ehdr *header, const char **reason);

// Checks `count` program headers of an image that must fit below `limit`, the end of user
// addresses; with what Linux tolerates: segments that are out of order, overlap or go beyond the
// end of the file, and alignments that are no power of two.
//
// -ENOEXEC: PT_INTERP has no sane length. -EINVAL: no PT_LOAD with any contents; a segment that is
// smaller in memory than in the file, wraps around, exceeds the limit, or whose address and
// file offset differ within the page. (Linux finds the latter out when the old image
// is gone already, and kills the process.)
int elf_check_segments(const struct elf64_phdr *phdrs, unsigned count, u64 limit,
		       const char **reason);
