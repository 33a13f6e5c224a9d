// Core files, the ELF of them: notes with the registers of all threads, and with what the process was,
// then the memory as segments.
//
// What of the memory goes in is what /proc/PID/coredump_filter says, and madvise(MADV_DONTDUMP).
// Pages that were never written are holes of the file.

#include <arch/context.h>
#include <fs/file.h>
#include <fs/inode.h>
#include <fs/open.h>
#include <fs/path.h>
#include <lib/elf.h>
#include <lib/string.h>
#include <mm/iov_iter.h>
#include <mm/mm.h>
#include <mm/pagetable.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <process/accounting.h>
#include <sched/pid.h>
#include <sched/process.h>
#include <sched/sched.h>
#include <signal/signal.h>
#include <uapi/limits.h>

#include "core_internal.h"

#define FILES_MAX    (64 * KIB) // of the note of mapped files
#define THREAD_NOTES (KIB)      // the two of a thread, and what goes around them
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
	bool sparse;       // a page that is not there is one of zeroes
	struct file *file; // not counted: current has it mapped
	u64 offset;
};

// --- Writing ---

static bool put(struct core *core, const void *data, size_t n)
{
	struct iov_iter iter;

	if (core->written + n > core->limit || task_kill_pending(current))
		return false;
	iter_init_kernel(&iter, (void *)data, n);
	core->written += n;
	return file_write(core->file, &iter, &core->pos) == (ssize_t)n;
}

// A note, if there is room for it.
static void note(struct core *core, u32 type, const void *data, size_t n)
{
	struct elf64_nhdr header = {.n_namesz = 5, .n_descsz = n, .n_type = type};
	size_t size = sizeof(header) + 8 + ALIGN_UP(n, 4ul);

	if (core->notes_size + size > core->notes_room)
		return;
	u8 *at = core->notes + core->notes_size;
	memset(at, 0, size);
	memcpy(at, &header, sizeof(header));
	memcpy(at + sizeof(header), "CORE", 4);
	memcpy(at + sizeof(header) + 8, data, n);
	core->notes_size += size;
}

// --- Notes ---

static void put_time(u64 out[2], u64 ns)
{
	out[0] = ns / NSEC_PER_SEC;
	out[1] = ns % NSEC_PER_SEC / NSEC_PER_USEC;
}

static void note_times(struct prstatus *status, struct task *task)
{
	struct usage usage;

	if (thread_group_leader(task))
		usage_of_process(task->process, &usage);
	else
		usage_of_thread(task, &usage);
	put_time(&status->times[0], usage.utime_ns);
	put_time(&status->times[2], usage.stime_ns);
	spin_lock_irq(&task->process->stats_lock);
	usage = task->process->children;
	spin_unlock_irq(&task->process->stats_lock);
	put_time(&status->times[4], usage.utime_ns);
	put_time(&status->times[6], usage.stime_ns);
}

static int parent_nr(struct task *task)
{
	rcu_read_lock();
	int nr = task_tgid_vnr(rcu_dereference(task->real_parent));
	rcu_read_unlock();
	return nr;
}

static void note_status(struct core *core, struct task *task)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	struct prstatus status = {
		.signo = core->info->si_signo,
		.cursig = core->info->si_signo,
		.pending = task->pending.set,
		.held = task->blocked,
		.pid = task_pid_vnr(task),
		.ppid = parent_nr(task),
		.pgrp = task_nr_ns(task, PIDTYPE_PGID, ns),
		.sid = task_nr_ns(task, PIDTYPE_SID, ns),
		.fpvalid = 1,
	};
	u64 fpregs[33];

	note_times(&status, task);
	arch_core_registers(task, status.regs, fpregs);
	note(core, NT_PRSTATUS, &status, sizeof(status));
}

static void note_fpregs(struct core *core, struct task *task)
{
	u64 regs[32], fpregs[33];

	arch_core_registers(task, regs, fpregs);
	note(core, NT_PRFPREG, fpregs, sizeof(fpregs));
}

static void note_process(struct core *core)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	struct mm *mm = current->mm;
	struct prpsinfo process = {
		.sname = 'R',
		.nice = current->se.nice,
		.uid = uid_to_user_munged(current_cred()->user_ns, current->real_cred->uid),
		.gid = gid_to_user_munged(current_cred()->user_ns, current->real_cred->gid),
		.pid = task_tgid_vnr(current),
		.ppid = parent_nr(current),
		.pgrp = task_nr_ns(current, PIDTYPE_PGID, ns),
		.sid = task_nr_ns(current, PIDTYPE_SID, ns),
	};

	memcpy(process.name, current->name, sizeof(process.name));
	size_t length = MIN(mm->layout.arg_end - mm->layout.arg_start, sizeof(process.args) - 1);
	if (mm_copy_from(mm, mm->layout.arg_start, process.args, length))
		length = 0;
	for (size_t i = 0; i + 1 < length; i++) {
		if (!process.args[i])
			process.args[i] = ' ';
	}
	note(core, NT_PRPSINFO, &process, sizeof(process));
	u8 whole[SIGINFO_SIZE] = {0};
	memcpy(whole, core->info, sizeof(*core->info));
	note(core, NT_SIGINFO, whole, sizeof(whole));
	note(core, NT_AUXV_NOTE, mm->auxv, mm->auxv_count * sizeof(mm->auxv[0]));
}

// Which file is mapped where: a count, the size of a page, three words for each, and the names.
static void note_files(struct core *core)
{
	char *path = kmalloc(PATH_MAX, GFP_KERNEL);
	u64 *words = kvmalloc(FILES_MAX, GFP_KERNEL), count = 0;

	for (u32 i = 0; i < core->count; i++)
		count += core->segments[i].file != NULL;
	size_t at = (2 + 3 * count) * sizeof(u64);
	if (path && words && at < FILES_MAX / 2) {
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
			if (at + n + 1 > FILES_MAX)
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

// In the order in which Linux has them: what concerns the process stands in the midst of the first
// thread.
static void note_all(struct core *core)
{
	for (struct core_thread *thread = core->threads; thread; thread = thread->next) {
		note_status(core, thread->task);
		if (thread == core->threads) {
			note_process(core);
			note_files(core);
		}
		note_fpregs(core, thread->task);
	}
}

// --- Memory ---

// Whether a private area has pages of its own, and not only those of its file.
static bool has_own_pages(const struct vma *vma)
{
	struct mm *mm = vma->mm;
	u64 sharers, at = vma->start;
	struct pte entry;
	bool found = false;

	spin_lock(&mm->table_lock);
	while (!found && table_next(mm, &at, vma->end, &entry, &sharers)) {
		found = entry_page(entry)->flags & PG_ANON;
		at += PAGE_SIZE;
	}
	spin_unlock(&mm->table_lock);
	return found;
}

// Of a file that is not executable only the content tells whether it is a program; it is looked at when
// no lock is held.
#define PAGE_IF_ELF (~0ul)

// The first page of a program, where a debugger finds its build id.
static u64 head_dumped(const struct vma *vma)
{
	if (vma->offset || !(vma->flags & VM_READ))
		return 0;
	return vma->file->inode->mode & 0111 ? PAGE_SIZE : PAGE_IF_ELF;
}

static u64 bytes_dumped(const struct vma *vma)
{
	u32 filter = READ_ONCE(vma->mm->core_filter);
	u64 whole = vma->end - vma->start;

	if (vma->flags & VM_VDSO)
		return whole;
	if (vma->flags & VM_DONTDUMP)
		return 0;
	if (vma->flags & VM_SHARED) {
		bool nameless = !vma->file || !vma->file->inode->nlink;

		return filter & (nameless ? CORE_ANON_SHARED : CORE_FILE_SHARED) ? whole : 0;
	}
	if ((filter & CORE_ANON_PRIVATE) && has_own_pages(vma))
		return whole;
	if (!vma->file)
		return 0;
	if (filter & CORE_FILE_PRIVATE)
		return whole;
	return filter & CORE_ELF_HEADERS ? head_dumped(vma) : 0;
}

// No other thread is left that could change what is mapped; other processes may share it.
static bool collect_areas(struct core *core)
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
				.sparse = !vma->mapping,
				.file = vma->file,
				.offset = vma->offset,
			};
		}
	}
	up_read(&mm->map_lock);
	return core->segments;
}

static void look_for_heads(struct core *core)
{
	for (u32 i = 0; i < core->count; i++) {
		struct segment *segment = &core->segments[i];
		char magic[4];

		if (segment->dumped != PAGE_IF_ELF)
			continue;
		bool head = !mm_copy_from(current->mm, segment->start, magic, sizeof(magic)) &&
			    !memcmp(magic, "\177ELF", sizeof(magic));
		segment->dumped = head ? PAGE_SIZE : 0;
	}
}

bool core_collect(struct core *core)
{
	core->notes_room = FILES_MAX + 4 * KIB + core->thread_count * THREAD_NOTES;
	core->notes = kvmalloc(core->notes_room, GFP_KERNEL);
	core->page = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!core->notes || !core->page || !collect_areas(core))
		return false;
	look_for_heads(core);
	note_all(core);
	return true;
}

void core_free(struct core *core)
{
	kvfree(core->segments);
	kvfree(core->notes);
	kfree(core->page);
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

// A page of anonymous memory that was never written.
static bool is_hole(const struct segment *segment, u64 address)
{
	struct mm *mm = current->mm;

	if (!segment->sparse)
		return false;
	spin_lock(&mm->table_lock);
	struct pte entry = table_peek(mm, address);
	bool hole = !pte_present(entry) || entry_page(entry) == zero_page;
	spin_unlock(&mm->table_lock);
	return hole;
}

static bool put_page(struct core *core, const struct segment *segment, u64 address)
{
	if (is_hole(segment, address)) {
		core->pos += PAGE_SIZE;
		return !task_kill_pending(current);
	}
	if (mm_copy_from(current->mm, address, core->page, PAGE_SIZE))
		memset(core->page, 0, PAGE_SIZE);
	return put(core, core->page, PAGE_SIZE);
}

static bool put_memory(struct core *core)
{
	core->pos = ALIGN_UP(core->pos, PAGE_SIZE);
	for (u32 i = 0; i < core->count; i++) {
		const struct segment *segment = &core->segments[i];

		for (u64 done = 0; done < segment->dumped; done += PAGE_SIZE) {
			if (!put_page(core, segment, segment->start + done))
				return false;
		}
	}
	return true;
}

bool core_write(struct core *core)
{
	if (!put_headers(core))
		return false;
	// Cut short by a limit it is still a core.
	if (put_memory(core) && core->pos > core->file->inode->mapping.size)
		(void)vfs_truncate(core->file->inode, core->pos); // a hole at its end
	return true;
}
