// Core files: an ELF file with the registers of the thread that died as notes, and the memory as
// segments. It is written to "core" in the working directory, as far as RLIMIT_CORE goes. The other
// threads are killed first; their registers are not in the file.
//
// What of the memory goes in is Linux's default: whatever is private or anonymous and may have been
// written, and the first page of each mapped file, where gdb finds its build id.

#include <arch/context.h>
#include <core/printk.h>
#include <fs/file.h>
#include <fs/inode.h>
#include <fs/open.h>
#include <fs/path.h>
#include <lib/elf.h>
#include <lib/string.h>
#include <mm/iov_iter.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <sched/pid.h>
#include <sched/process.h>
#include <signal/signal.h>
#include <uapi/fcntl.h>
#include <uapi/limits.h>
#include <uapi/resource.h>

#include "internal.h"

#define NOTES_MAX    (64 * KIB)
#define NT_AUXV_NOTE 6
#define NT_SIGINFO   0x53494749
#define NT_FILE      0x46494c45

struct prstatus {
	int signo, code, error;
	short cursig;
	u64 pending, held;
	int pid, ppid, pgrp, sid;
	u64 times[8];
	u64 regs[32];
	int fpvalid;
};
_Static_assert(sizeof(struct prstatus) == 376, "prstatus");

struct prpsinfo {
	char state, sname, zombie, nice;
	u64 flags;
	u32 uid, gid;
	int pid, ppid, pgrp, sid;
	char name[16], args[80];
};
_Static_assert(sizeof(struct prpsinfo) == 136, "prpsinfo");

struct segment {
	u64 start, end, dumped; // bytes that go into the file
	u32 flags;
	struct file *file; // not counted: current has it mapped
	u64 offset;
};

struct core {
	struct file *file;
	u64 pos, limit;
	struct segment *segments;
	u32 count;
	u8 *notes;
	size_t notes_size;
	u8 *page;
};

// --- Writing ---

static bool put(struct core *core, const void *data, size_t n)
{
	struct iov_iter iter;

	if (core->pos + n > core->limit)
		return false;
	iter_init_kernel(&iter, (void *)data, n);
	return file_write(core->file, &iter, &core->pos) == (ssize_t)n;
}

// A note, if there is room for it.
static void note(struct core *core, u32 type, const void *data, size_t n)
{
	struct elf64_nhdr header = {.n_namesz = 5, .n_descsz = n, .n_type = type};
	size_t size = sizeof(header) + 8 + ALIGN_UP(n, 4ul);

	if (core->notes_size + size > NOTES_MAX)
		return;
	u8 *at = core->notes + core->notes_size;
	memset(at, 0, size);
	memcpy(at, &header, sizeof(header));
	memcpy(at + sizeof(header), "CORE", 4);
	memcpy(at + sizeof(header) + 8, data, n);
	core->notes_size += size;
}

// --- Notes ---

static void note_status(struct core *core, const struct trapframe *tf, const struct siginfo *info)
{
	struct prstatus status = {
		.signo = info->si_signo,
		.code = info->si_code,
		.error = info->si_errno,
		.cursig = info->si_signo,
		.pending = current->pending.set,
		.held = current->blocked,
		.pid = task_pid_vnr(current),
		.pgrp = task_nr_ns(current, PIDTYPE_PGID, task_active_pid_ns(current)),
		.sid = task_nr_ns(current, PIDTYPE_SID, task_active_pid_ns(current)),
		.fpvalid = 1,
	};
	struct prpsinfo process = {
		.sname = 'R',
		.nice = current->se.nice,
		.uid = current_cred()->uid,
		.gid = current_cred()->gid,
		.pid = task_tgid_vnr(current),
		.pgrp = status.pgrp,
		.sid = status.sid,
	};
	struct mm *mm = current->mm;
	u64 fpregs[33];

	arch_core_registers(tf, status.regs, fpregs);
	memcpy(process.name, current->name, sizeof(process.name));
	size_t length = MIN(mm->layout.arg_end - mm->layout.arg_start, sizeof(process.args) - 1);
	if (mm_copy_from(mm, mm->layout.arg_start, process.args, length))
		length = 0;
	for (size_t i = 0; i + 1 < length; i++) {
		if (!process.args[i])
			process.args[i] = ' ';
	}
	note(core, NT_PRSTATUS, &status, sizeof(status));
	note(core, NT_PRPSINFO, &process, sizeof(process));
	u8 whole[SIGINFO_SIZE] = {0};
	memcpy(whole, info, sizeof(*info));
	note(core, NT_SIGINFO, whole, sizeof(whole));
	note(core, NT_AUXV_NOTE, mm->auxv, mm->auxv_count * sizeof(mm->auxv[0]));
	note(core, NT_PRFPREG, fpregs, sizeof(fpregs));
}

// Which file is mapped where: a count, the size of a page, three words for each, and the names.
static void note_files(struct core *core)
{
	char *path = kmalloc(PATH_MAX, GFP_KERNEL);
	u64 *words = kvmalloc(NOTES_MAX, GFP_KERNEL), count = 0;

	for (u32 i = 0; i < core->count; i++)
		count += core->segments[i].file != NULL;
	size_t at = (2 + 3 * count) * sizeof(u64);
	if (path && words && at < NOTES_MAX / 2) {
		words[0] = count;
		words[1] = PAGE_SIZE;
		u64 *word = words + 2;
		for (u32 i = 0; i < core->count; i++) {
			const struct segment *segment = &core->segments[i];

			if (!segment->file)
				continue;
			*word++ = segment->start;
			*word++ = segment->end;
			*word++ = segment->offset / PAGE_SIZE;
			const char *name = path_text(&segment->file->path, path, PATH_MAX);
			size_t n = IS_ERR(name) ? 0 : strlen(name);
			if (at + n + 1 > NOTES_MAX)
				n = 0;
			memcpy((char *)words + at, name, n);
			((char *)words)[at + n] = '\0';
			at += n + 1;
		}
		note(core, NT_FILE, words, at);
	}
	kvfree(words);
	kfree(path);
}

// --- Memory ---

static u64 bytes_dumped(const struct vma *vma)
{
	if (!(vma->flags & VM_READ))
		return 0;
	if (!vma->file || (!(vma->flags & VM_SHARED) && (vma->flags & VM_WRITE)))
		return vma->end - vma->start;
	return vma->offset ? 0 : PAGE_SIZE;
}

static bool collect(struct core *core)
{
	struct mm *mm = current->mm;
	struct vma *vma;

	down_read(&mm->map_lock);
	u32 room = mm->vma_count;
	core->segments = kvmalloc(room * sizeof(*core->segments), GFP_KERNEL);
	if (core->segments) {
		for_each_vma (vma, mm) {
			if (core->count == room)
				break;
			core->segments[core->count++] = (struct segment){
				.start = vma->start,
				.end = vma->end,
				.dumped = bytes_dumped(vma),
				.flags = vma->flags,
				.file = vma->file,
				.offset = vma->offset,
			};
		}
	}
	up_read(&mm->map_lock);
	return core->segments;
}

static bool put_headers(struct core *core)
{
	struct elf64_ehdr header = {
		.e_ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
		.e_type = ET_CORE,
		.e_machine = EM_RISCV,
		.e_version = 1,
		.e_phoff = sizeof(header),
		.e_ehsize = sizeof(header),
		.e_phentsize = sizeof(struct elf64_phdr),
		.e_phnum = core->count + 1,
	};
	u64 offset = sizeof(header) + header.e_phnum * sizeof(struct elf64_phdr);
	struct elf64_phdr notes = {
		.p_type = PT_NOTE, .p_offset = offset, .p_filesz = core->notes_size, .p_align = 4};

	if (!put(core, &header, sizeof(header)) || !put(core, &notes, sizeof(notes)))
		return false;
	offset = ALIGN_UP(offset + core->notes_size, PAGE_SIZE);
	for (u32 i = 0; i < core->count; i++) {
		const struct segment *segment = &core->segments[i];
		struct elf64_phdr load = {
			.p_type = PT_LOAD,
			.p_flags = ((segment->flags & VM_READ) ? PF_R : 0) |
				   ((segment->flags & VM_WRITE) ? PF_W : 0) |
				   ((segment->flags & VM_EXEC) ? PF_X : 0),
			.p_offset = offset,
			.p_vaddr = segment->start,
			.p_filesz = segment->dumped,
			.p_memsz = segment->end - segment->start,
			.p_align = PAGE_SIZE,
		};
		offset += segment->dumped;
		if (!put(core, &load, sizeof(load)))
			return false;
	}
	return put(core, core->notes, core->notes_size);
}

static bool put_memory(struct core *core)
{
	core->pos = ALIGN_UP(core->pos, PAGE_SIZE);
	for (u32 i = 0; i < core->count; i++) {
		const struct segment *segment = &core->segments[i];

		for (u64 done = 0; done < segment->dumped; done += PAGE_SIZE) {
			if (mm_copy_from(current->mm, segment->start + done, core->page, PAGE_SIZE))
				memset(core->page, 0, PAGE_SIZE);
			if (task_kill_pending(current) || !put(core, core->page, PAGE_SIZE))
				return false;
		}
	}
	return true;
}

// --- The whole ---

// The file: a regular one, ours, without other names, so that nobody tricks us into another's.
static struct file *open_core(void)
{
	struct file *file;

	if (file_open(AT_FDCWD, "core", O_CREAT | O_WRONLY | O_NOFOLLOW | O_TRUNC | O_LARGEFILE,
		      0600, &file))
		return NULL;
	if (S_ISREG(file->inode->mode) && file->inode->uid == current_cred()->fsuid &&
	    file->inode->nlink == 1)
		return file;
	file_put(file);
	return NULL;
}

// Nobody else runs on while memory is written.
static bool become_last(int sig)
{
	struct process *process = current->process;

	spin_lock_irq(&current->sighand->lock);
	bool first = !(process->flags & PROCESS_GROUP_EXIT);
	if (first) {
		process->flags |= PROCESS_GROUP_EXIT;
		process->group_exit_code = sig;
		signal_kill_other_threads_locked(process);
	}
	spin_unlock_irq(&current->sighand->lock);
	return first;
}

bool coredump_write(const struct trapframe *tf, const struct siginfo *info)
{
	struct core core = {.limit = rlimit(RLIMIT_CORE)};
	bool written = false;

	if (core.limit < PAGE_SIZE || READ_ONCE(current->mm->dumpable) != DUMPABLE_USER ||
	    !become_last(info->si_signo))
		return false;
	core.notes = kvmalloc(NOTES_MAX, GFP_KERNEL);
	core.page = kmalloc(PAGE_SIZE, GFP_KERNEL);
	core.file = core.notes && core.page && collect(&core) ? open_core() : NULL;
	if (core.file) {
		note_status(&core, tf, info);
		note_files(&core);
		written = put_headers(&core);
		(void)(written && put_memory(&core)); // cut short by a limit it is still a core
		file_put(core.file);
	}
	kvfree(core.segments);
	kvfree(core.notes);
	kfree(core.page);
	if (written)
		current->process->group_exit_code |= 0x80;
	return written;
}
