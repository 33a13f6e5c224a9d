// Loading an ELF executable: static, position-independent, or with an interpreter (PT_INTERP)
// that is loaded as well and gets control. Follows Linux's layout: a position-independent program
// goes to two thirds of the address space, its interpreter and all mappings below the stack, the
// heap after the program. Everything is put in exec->mm; nothing of current is touched.

#include <arch/elf.h>
#include <arch/signal.h>
#include <arch/vdso.h>
#include <core/printk.h>
#include <core/random.h>
#include <fs/open.h>
#include <fs/file.h>
#include <lib/elf.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/mmap.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/nsproxy.h>
#include <ns/time_ns.h>
#include <ns/user_ns.h>
#include <process/accounting.h>
#include <process/exec.h>
#include <uapi/auxvec.h>
#include <uapi/rseq.h>
#include <uapi/errno.h>
#include <uapi/fcntl.h>
#include <uapi/limits.h>
#include <uapi/mman.h>
#include <uapi/personality.h>

#define PHDRS_MAX_BYTES (64 * KIB)
#define AUXV_MAX        24

// An image that has been checked: the program, or its interpreter.
struct elf_image {
	struct file *file;
	struct elf64_ehdr header;
	struct elf64_phdr *phdrs;
	u64 bias; // what is added to its addresses
	u64 end;  // after its last segment, with bias
	u64 start_code, end_code, start_data, end_data;
	u64 phdrs_at; // its program headers in memory, or 0
};

// --- Reading and checking ---

static void image_close(struct elf_image *image)
{
	kfree(image->phdrs);
	image->phdrs = NULL;
}

static int refuse(const char *reason)
{
	pr_debug("exec: refused: %s\n", reason);
	return -ENOEXEC;
}

// Reads and checks the headers; `head` has the first bytes of the file.
static int image_open(struct elf_image *image, struct file *file, const void *head)
{
	const char *reason = NULL;

	image->file = file;
	memcpy(&image->header, head, sizeof(image->header));
	if (elf_check_header(&image->header, &reason))
		return reason ? refuse(reason) : -ENOEXEC;
	size_t size = (size_t)image->header.e_phnum * sizeof(struct elf64_phdr);
	if (!size || size > PHDRS_MAX_BYTES)
		return refuse("number of program headers");
	image->phdrs = kmalloc(size, GFP_KERNEL);
	if (!image->phdrs)
		return -ENOMEM;
	int error = exec_read(file, image->phdrs, size, image->header.e_phoff);
	if (!error)
		error = elf_check_segments(image->phdrs, image->header.e_phnum, MM_USER_TOP,
					   &reason);
	if (error)
		image_close(image);
	return error;
}

static const struct elf64_phdr *find_phdr(const struct elf_image *image, u32 type)
{
	for (int i = 0; i < image->header.e_phnum; i++) {
		if (image->phdrs[i].p_type == type)
			return &image->phdrs[i];
	}
	return NULL;
}

// The span of all PT_LOAD segments, page-aligned.
static void image_span(const struct elf_image *image, u64 *low, u64 *high, u64 *alignment)
{
	*low = ~0ul;
	*high = 0;
	*alignment = PAGE_SIZE;
	for (int i = 0; i < image->header.e_phnum; i++) {
		const struct elf64_phdr *phdr = &image->phdrs[i];

		if (phdr->p_type != PT_LOAD)
			continue;
		*low = MIN(*low, ALIGN_DOWN(phdr->p_vaddr, PAGE_SIZE));
		*high = MAX(*high, ALIGN_UP(phdr->p_vaddr + phdr->p_memsz, PAGE_SIZE));
		if (phdr->p_align > *alignment && !(phdr->p_align & (phdr->p_align - 1)))
			*alignment = phdr->p_align;
	}
}

// --- Mapping ---

static int segment_prot(const struct elf64_phdr *phdr)
{
	return ((phdr->p_flags & PF_R) ? PROT_READ : 0) |
	       ((phdr->p_flags & PF_W) ? PROT_WRITE : 0) | ((phdr->p_flags & PF_X) ? PROT_EXEC : 0);
}

// The part of a segment beyond the file: the rest of its last file page is cleared, whole pages
// after that are anonymous.
static int map_bss(struct mm *mm, const struct elf64_phdr *phdr, u64 start)
{
	u64 file_end = start + phdr->p_filesz;
	u64 end = ALIGN_UP(start + phdr->p_memsz, PAGE_SIZE);
	u64 anonymous = ALIGN_UP(file_end, PAGE_SIZE);
	u64 result;

	if (phdr->p_filesz && anonymous != file_end && (phdr->p_flags & PF_W)) {
		int error = mm_clear(mm, file_end, anonymous - file_end);
		if (error)
			return error;
	}
	if (end <= anonymous)
		return 0;
	return mm_mmap(mm, anonymous, end - anonymous, segment_prot(phdr),
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, NULL, 0, &result);
}

static int map_segment(struct mm *mm, struct elf_image *image, const struct elf64_phdr *phdr)
{
	u64 start = phdr->p_vaddr + image->bias;
	u64 offset_in_page = start & (PAGE_SIZE - 1);
	u64 result;

	if (phdr->p_filesz) {
		int error = mm_mmap(mm, start - offset_in_page, phdr->p_filesz + offset_in_page,
				    segment_prot(phdr), MAP_PRIVATE | MAP_FIXED_NOREPLACE,
				    image->file, phdr->p_offset - offset_in_page, &result);
		if (error)
			return error == -EEXIST ? -ENOEXEC : error;
	} else {
		start -= offset_in_page;
	}
	if (phdr->p_memsz <= phdr->p_filesz)
		return 0;
	return map_bss(mm, phdr, phdr->p_filesz ? phdr->p_vaddr + image->bias : start);
}

static void note_segment(struct elf_image *image, const struct elf64_phdr *phdr)
{
	u64 start = phdr->p_vaddr + image->bias;
	u64 file_end = start + phdr->p_filesz;

	if ((phdr->p_flags & PF_X) && (!image->start_code || start < image->start_code))
		image->start_code = start;
	if ((phdr->p_flags & PF_X) && file_end > image->end_code)
		image->end_code = file_end;
	if (start > image->start_data)
		image->start_data = start;
	if (file_end > image->end_data)
		image->end_data = file_end;
	image->end = MAX(image->end, start + phdr->p_memsz);
	if (phdr->p_offset <= image->header.e_phoff &&
	    image->header.e_phoff < phdr->p_offset + phdr->p_filesz)
		image->phdrs_at = image->header.e_phoff - phdr->p_offset + start;
}

static int image_map(struct mm *mm, struct elf_image *image)
{
	for (int i = 0; i < image->header.e_phnum; i++) {
		const struct elf64_phdr *phdr = &image->phdrs[i];

		if (phdr->p_type != PT_LOAD)
			continue;
		int error = map_segment(mm, image, phdr);
		if (error)
			return error;
		note_segment(image, phdr);
	}
	return 0;
}

// Where a position-independent image goes. `hint` 0: wherever there is room (interpreters).
static int image_place(struct mm *mm, struct elf_image *image, u64 hint)
{
	u64 low, high, alignment, at;

	image_span(image, &low, &high, &alignment);
	if (image->header.e_type != ET_DYN)
		return 0;
	if (hint) {
		at = ALIGN_DOWN(hint, alignment);
	} else {
		int error = mm_find_free(mm, high - low, alignment, &at);
		if (error)
			return error;
	}
	image->bias = at - low;
	return 0;
}

// --- The program's interpreter ---

// Also after a failure interpreter->file, if it is set, is the caller's to put.
static int interpreter_open(struct elf_image *program, struct elf_image *interpreter)
{
	const struct elf64_phdr *phdr = find_phdr(program, PT_INTERP);
	struct elf64_ehdr head;
	struct file *file;
	char *path;

	if (!phdr)
		return 0;
	if (phdr->p_filesz < 2 || phdr->p_filesz > PATH_MAX)
		return refuse("length of PT_INTERP");
	path = kmalloc(phdr->p_filesz, GFP_KERNEL);
	if (!path)
		return -ENOMEM;
	int error = exec_read(program->file, path, phdr->p_filesz, phdr->p_offset);
	if (!error && path[phdr->p_filesz - 1])
		error = refuse("PT_INTERP does not end");
	if (!error)
		error = exec_open(AT_FDCWD, path, 0, &file);
	kfree(path);
	if (error)
		return error;
	interpreter->file = file;
	error = exec_read(file, &head, sizeof(head), 0);
	if (error)
		return error == -ENOEXEC ? -EIO : error;
	error = image_open(interpreter, file, &head);
	return error == -ENOEXEC ? -ELIBBAD : error;
}

// --- The stack that the program starts with ---

struct auxv {
	u64 entry[AUXV_MAX][2];
	int count;
};

static void auxv_add(struct auxv *auxv, u64 type, u64 value)
{
	auxv->entry[auxv->count][0] = type;
	auxv->entry[auxv->count][1] = value;
	auxv->count++;
}

static void auxv_fill(struct auxv *auxv, const struct exec *exec, const struct elf_image *program,
		      const struct elf_image *interpreter, u64 random_at)
{
	const struct cred *cred = exec->cred;
	struct user_ns *ns = cred->user_ns;

	auxv_add(auxv, AT_SYSINFO_EHDR, mm_vdso_base(exec->mm));
	auxv_add(auxv, AT_MINSIGSTKSZ, arch_min_signal_stack());
	auxv_add(auxv, AT_HWCAP, arch_hwcap());
	auxv_add(auxv, AT_PAGESZ, PAGE_SIZE);
	auxv_add(auxv, AT_CLKTCK, USER_HZ);
	auxv_add(auxv, AT_PHDR, program->phdrs_at);
	auxv_add(auxv, AT_PHENT, sizeof(struct elf64_phdr));
	auxv_add(auxv, AT_PHNUM, program->header.e_phnum);
	auxv_add(auxv, AT_BASE, interpreter->file ? interpreter->bias : 0);
	auxv_add(auxv, AT_FLAGS, 0);
	auxv_add(auxv, AT_ENTRY, program->header.e_entry + program->bias);
	auxv_add(auxv, AT_UID, uid_to_user_munged(ns, cred->uid));
	auxv_add(auxv, AT_EUID, uid_to_user_munged(ns, cred->euid));
	auxv_add(auxv, AT_GID, gid_to_user_munged(ns, cred->gid));
	auxv_add(auxv, AT_EGID, gid_to_user_munged(ns, cred->egid));
	auxv_add(auxv, AT_SECURE, exec->secure);
	auxv_add(auxv, AT_RANDOM, random_at);
	auxv_add(auxv, AT_HWCAP2, 0);
	auxv_add(auxv, AT_EXECFN, exec->filename_at);
	auxv_add(auxv, AT_RSEQ_FEATURE_SIZE, RSEQ_FEATURE_SIZE);
	auxv_add(auxv, AT_RSEQ_ALIGN, RSEQ_ALIGN);
	auxv_add(auxv, AT_NULL, 0);
}

// Writes the addresses of `count` strings that lie one after the other from *at on.
static int write_pointers(struct exec *exec, u64 *where, u64 *at, int count)
{
	for (int i = 0; i < count; i++) {
		int error = mm_copy_to(exec->mm, *where, at, 8);
		if (error)
			return error;
		*where += 8;
		long length = mm_strnlen(exec->mm, *at, ARG_STRING_MAX);
		if (length < 0)
			return length;
		*at += length + 1;
	}
	*where += 8; // the NULL: fresh stack is zero
	return 0;
}

// From the stack pointer up: argc, argv[], NULL, envp[], NULL, auxv; then 16 random bytes and the
// strings that were pushed before.
static int build_stack(struct exec *exec, const struct elf_image *program,
		       const struct elf_image *interpreter)
{
	struct auxv auxv = {.count = 0};
	u64 strings = exec->stack;
	u8 random[16];

	exec->stack = ALIGN_DOWN(exec->stack, 16);
	random_bytes(random, sizeof(random));
	exec->stack_lowest = 0; // the limit was for what the caller gave
	int error = exec_push_kernel(exec, random, sizeof(random));
	auxv_fill(&auxv, exec, program, interpreter, exec->stack);
	u64 size = 8ul * (1 + exec->argc + 1 + exec->envc + 1) + 16ul * auxv.count;
	u64 sp = ALIGN_DOWN(exec->stack - size, 16);
	u64 argc = exec->argc, where = sp + 8;

	if (!error)
		error = mm_copy_to(exec->mm, sp, &argc, 8);
	if (!error)
		error = write_pointers(exec, &where, &strings, exec->argc);
	if (!error)
		error = write_pointers(exec, &where, &strings, exec->envc);
	if (!error)
		error = mm_copy_to(exec->mm, where, auxv.entry, 16ul * auxv.count);
	mm_set_auxv(exec->mm, auxv.entry, auxv.count);
	exec->entry_sp = sp;
	return error;
}

// --- The whole ---

static void note_layout(struct exec *exec, const struct elf_image *program)
{
	struct mm_layout layout = {
		.start_code = program->start_code,
		.end_code = program->end_code,
		.start_data = program->start_data,
		.end_data = program->end_data,
		.start_stack = exec->entry_sp,
		.arg_start = exec->args_at,
		.arg_end = exec->env_at,
		.env_start = exec->env_at,
		.env_end = exec->env_end,
		.brk = ALIGN_UP(program->end, PAGE_SIZE),
	};

	mm_set_layout(exec->mm, &layout);
}

static int load_images(struct exec *exec, struct elf_image *program, struct elf_image *interpreter)
{
	struct mm *mm = exec->mm;
	u64 hint = interpreter->file ? mm_pie_base(mm) : 0;
	int error = image_place(mm, program, hint);

	if (!error)
		error = image_map(mm, program);
	if (!error && interpreter->file)
		error = image_place(mm, interpreter, 0);
	if (!error && interpreter->file)
		error = image_map(mm, interpreter);
	if (!error)
		error = arch_map_vdso(mm, current->nsproxy->time_for_children->vdso_data);
	if (!error)
		error = build_stack(exec, program, interpreter);
	if (error)
		return error;
	note_layout(exec, program);
	const struct elf_image *first = interpreter->file ? interpreter : program;
	exec->entry = first->header.e_entry + first->bias;
	return 0;
}

int exec_load_elf(struct exec *exec)
{
	struct elf_image program = {0}, interpreter = {0};
	int error = image_open(&program, exec->file, exec->head);

	if (error)
		return error;
	error = interpreter_open(&program, &interpreter);
	if (!error) {
		const struct elf64_phdr *stack = find_phdr(&program, PT_GNU_STACK);

		if (stack && (stack->p_flags & PF_X))
			error = mm_stack_make_executable(exec->mm);
		if (!error)
			error = load_images(exec, &program, &interpreter);
	}
	if (interpreter.file) {
		file_allow_write(
			interpreter.file); // only a program's own file is kept from writers
		file_put(interpreter.file);
	}
	image_close(&interpreter);
	image_close(&program);
	return error;
}
