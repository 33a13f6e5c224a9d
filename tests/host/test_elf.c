// lib/elf on headers that are right, and wrong in one place each.
#include "check.h"
#include <elf.h>
#include <uapi/errno.h>

// The host's <elf.h> defines the same constants; ours must agree, or this does not compile: the
// compiler refuses to redefine a macro otherwise. These four it writes in another way.
enum {
	HOST_X = PF_X,
	HOST_W = PF_W,
	HOST_R = PF_R,
	HOST_ATTRIBUTES = PT_RISCV_ATTRIBUTES
};
#undef PF_X
#undef PF_W
#undef PF_R
#undef PT_RISCV_ATTRIBUTES
#include <lib/elf.h>

static_assert(PF_X == HOST_X && PF_W == HOST_W && PF_R == HOST_R, "permissions");
static_assert(PT_RISCV_ATTRIBUTES == HOST_ATTRIBUTES, "attributes");

static_assert(sizeof(Elf64_Ehdr) == sizeof(struct elf64_ehdr), "header");
static_assert(offsetof(Elf64_Ehdr, e_phoff) == offsetof(struct elf64_ehdr, e_phoff), "phoff");
static_assert(offsetof(Elf64_Ehdr, e_phnum) == offsetof(struct elf64_ehdr, e_phnum), "phnum");
static_assert(sizeof(Elf64_Phdr) == sizeof(struct elf64_phdr), "program header");
static_assert(offsetof(Elf64_Phdr, p_memsz) == offsetof(struct elf64_phdr, p_memsz), "memsz");
static_assert(sizeof(Elf64_Rela) == sizeof(struct elf64_rela), "rela");
static_assert(sizeof(Elf64_Dyn) == sizeof(struct elf64_dyn), "dyn");
static_assert(sizeof(Elf64_Nhdr) == sizeof(struct elf64_nhdr), "note");

#define LIMIT (1ul << 38)

static const struct elf64_ehdr good_header = {
	.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
	.e_type = ET_EXEC,
	.e_machine = EM_RISCV,
	.e_version = EV_CURRENT,
	.e_entry = 0x10000,
	.e_phoff = 64,
	.e_ehsize = 64,
	.e_phentsize = 56,
	.e_phnum = 3,
};

static const struct elf64_phdr good_segments[4] = {
	{PT_INTERP, PF_R, 0x200, 0x10200, 0, 30, 30, 1},
	{PT_LOAD, PF_R | PF_X, 0, 0x10000, 0, 0x1234, 0x1234, 0x1000},
	{PT_LOAD, PF_R | PF_W, 0x1800, 0x12800, 0, 0x100, 0x5000, 0x1000},
	{PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16},
};

#define CHECK_HEADER(change, error)                                                    \
	do {                                                                           \
		struct elf64_ehdr h = good_header;                                     \
		const char *reason = NULL;                                             \
		change;                                                                \
		CHECK_EQ(elf_check_header(&h, &reason), error);                        \
		CHECK_EQ(reason != NULL,                                               \
			 (error) != 0 && h.e_ident[0] == 0x7f && h.e_ident[3] == 'F'); \
	} while (0)

static void test_header(void)
{
	CHECK_HEADER((void)0, 0);
	CHECK_HEADER(h.e_type = ET_DYN, 0);
	CHECK_HEADER(h.e_phnum = 1170, 0);
	CHECK_HEADER(h.e_ident[0] = 0, -ENOEXEC);
	CHECK_HEADER(h.e_ident[3] = 'G', -ENOEXEC);
	CHECK_HEADER(h.e_ident[EI_CLASS] = ELFCLASS32, -ENOEXEC);
	CHECK_HEADER(h.e_ident[EI_DATA] = ELFDATA2MSB, -ENOEXEC);
	CHECK_HEADER(h.e_machine = EM_X86_64, -ENOEXEC);
	CHECK_HEADER(h.e_type = ET_REL, -ENOEXEC);
	CHECK_HEADER(h.e_type = ET_CORE, -ENOEXEC);
	CHECK_HEADER(h.e_phentsize = 32, -ENOEXEC);
	CHECK_HEADER(h.e_phnum = 0, -ENOEXEC);
	CHECK_HEADER(h.e_phnum = 1171, -ENOEXEC);
	CHECK_HEADER(h.e_phnum = 0xffff, -ENOEXEC);
	CHECK_HEADER(h.e_phoff = ~0ul, -ENOEXEC);
	CHECK_HEADER(h.e_phoff = INT64_MAX - 100, -ENOEXEC);
}

// p[0]: interpreter, p[1], p[2]: segments
#define CHECK_SEGMENTS(change, error)                                                  \
	do {                                                                           \
		struct elf64_phdr p[4];                                                \
		const char *reason = NULL;                                             \
		memcpy(p, good_segments, sizeof(p));                                   \
		change;                                                                \
		CHECK_EQ(elf_check_segments(p, ARRAY_SIZE(p), LIMIT, &reason), error); \
		CHECK_EQ(reason != NULL, (error) != 0);                                \
	} while (0)

static void test_segments(void)
{
	CHECK_SEGMENTS((void)0, 0);
	CHECK_SEGMENTS(p[1].p_filesz = 0x1235, -EINVAL);
	CHECK_SEGMENTS(p[1].p_filesz = ~0ul, -EINVAL);
	CHECK_SEGMENTS(p[1].p_filesz = p[1].p_memsz = ~0ul, -EINVAL);
	CHECK_SEGMENTS(p[2].p_memsz = LIMIT, -EINVAL);
	CHECK_SEGMENTS(p[2].p_memsz = LIMIT - p[2].p_vaddr, 0);
	CHECK_SEGMENTS(p[2].p_memsz = LIMIT - p[2].p_vaddr + 1, -EINVAL);
	CHECK_SEGMENTS(p[2].p_vaddr = -0x1000ul + 0x800, -EINVAL);
	CHECK_SEGMENTS(p[2].p_vaddr = LIMIT + 0x800, -EINVAL);
	CHECK_SEGMENTS(p[2].p_vaddr = 0xffffffff80000800, -EINVAL);
	CHECK_SEGMENTS(p[2].p_vaddr += 8, -EINVAL);
	CHECK_SEGMENTS(p[2].p_offset += 1, -EINVAL);
	CHECK_SEGMENTS(p[2].p_offset = -0x1000ul + 0x800, -EINVAL);
	CHECK_SEGMENTS(p[2].p_offset = INT64_MAX - 0x7ff, -EINVAL);
	// Without contents in the file, the offset does not matter.
	CHECK_SEGMENTS((p[2].p_filesz = 0, p[2].p_offset = 3), 0);
	// What Linux tolerates.
	CHECK_SEGMENTS(SWAP(p[1], p[2]), 0);
	CHECK_SEGMENTS(p[2].p_vaddr = 0x10800, 0);
	CHECK_SEGMENTS(p[2].p_align = 3, 0);
	CHECK_SEGMENTS(p[2].p_offset = 0x7ffff800, 0);
	// Nothing to load.
	CHECK_SEGMENTS((p[1].p_type = p[2].p_type = PT_NOTE), -EINVAL);
	CHECK_SEGMENTS((p[1].p_type = PT_NULL, p[2].p_filesz = p[2].p_memsz = 0), -EINVAL);
	CHECK_SEGMENTS(p[1].p_type = PT_NULL, 0);
}

static void test_interp(void)
{
	CHECK_SEGMENTS(p[0].p_filesz = 0, -ENOEXEC);
	CHECK_SEGMENTS(p[0].p_filesz = 1, -ENOEXEC);
	CHECK_SEGMENTS(p[0].p_filesz = 2, 0);
	CHECK_SEGMENTS(p[0].p_filesz = 4096, 0);
	CHECK_SEGMENTS(p[0].p_filesz = 4097, -ENOEXEC);
	CHECK_SEGMENTS(p[0].p_offset = ~0ul, -ENOEXEC);
	// Only the first is looked at.
	CHECK_SEGMENTS((p[3].p_type = PT_INTERP, p[3].p_filesz = 0), 0);
}

int main(void)
{
	static const struct test tests[] = {
		{"header", test_header}, {"segments", test_segments}, {"interp", test_interp}};

	return run_tests(tests, ARRAY_SIZE(tests));
}
