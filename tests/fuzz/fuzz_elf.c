// Executables from anywhere: what the checks let pass fulfils, computed here in another way, all
// that mapping relies on.
#include <lib/elf.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT (1ul << 38)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_load(const struct elf64_phdr *p)
{
	unsigned __int128 end = (unsigned __int128)p->p_vaddr + p->p_memsz;
	unsigned __int128 file_end = (unsigned __int128)p->p_offset + p->p_filesz;

	require(end <= LIMIT && p->p_filesz <= p->p_memsz);
	if (p->p_filesz)
		require(file_end + PAGE_SIZE <= INT64_MAX + 1ul &&
			p->p_vaddr % PAGE_SIZE == p->p_offset % PAGE_SIZE);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct elf64_ehdr header;
	struct elf64_phdr *phdrs;
	const char *reason;
	u64 loaded = 0;

	if (size < sizeof(header))
		return 0;
	memcpy(&header, data, sizeof(header));
	if (elf_check_header(&header, &reason))
		return 0;
	u64 bytes = header.e_phnum * sizeof(*phdrs);

	require(bytes && bytes <= ELF_PHDRS_MAX && header.e_phoff + bytes > header.e_phoff);
	if (header.e_phoff > size || bytes > size - header.e_phoff)
		return 0;
	phdrs = malloc(bytes);
	memcpy(phdrs, data + header.e_phoff, bytes);
	if (elf_check_segments(phdrs, header.e_phnum, LIMIT, &reason) == 0) {
		for (unsigned i = 0; i < header.e_phnum; i++) {
			if (phdrs[i].p_type != PT_LOAD)
				continue;
			check_load(&phdrs[i]);
			loaded += phdrs[i].p_memsz != 0;
		}
		require(loaded);
	}
	free(phdrs);
	return 0;
}
