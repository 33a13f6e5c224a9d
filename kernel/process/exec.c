// execve(2): a task takes on a new program.
//
// The new memory is built to the end before anything of the old is given up: arguments are copied
// to its stack, the segments are mapped, the credentials are computed. Up to exec_commit() each
// step can fail and the caller goes on as before. The commit first makes the process
// single-threaded and its descriptor table private, the last steps that can fail, and after these
// replaces memory, handlers and identity, which cannot.

#include <arch/context.h>
#include <arch/trapframe.h>
#include <core/errno.h>
#include <core/printk.h>
#include <fs/file.h>
#include <fs/files.h>
#include <fs/fs_context.h>
#include <fs/inode.h>
#include <fs/open.h>
#include <fs/path.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/mmap.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <ns/cred.h>
#include <ns/user_ns.h>
#include <process/accounting.h>
#include <process/coredump.h>
#include <process/clone.h>
#include <process/exec.h>
#include <process/exit.h>
#include <process/process.h>
#include <sched/sched.h>
#include <signal/signal.h>
#include <signal/timers.h>
#include <uapi/errno.h>
#include <uapi/fcntl.h>
#include <uapi/personality.h>

#include "internal.h"

#define EXEC_ANEW        1         // not an error: begin again with exec->personality
#define SECURE_STACK_MAX (8 * MIB) // of the stack's limit, for a program that gains privilege

// --- Files ---

int exec_read(struct file *file, void *buffer, size_t n, u64 offset)
{
	ssize_t got = kernel_read(file, buffer, n, offset);

	if (got < 0)
		return got;
	return (size_t)got == n ? 0 : -ENOEXEC;
}

int exec_open(int dirfd, const char *path, int flags, struct file **out)
{
	return file_open_exec(dirfd, path, flags, out);
}

// Reads what formats look at; a short file is padded with zeroes.
static int read_head(struct exec *exec)
{
	memset(exec->head, 0, sizeof(exec->head));
	ssize_t got = kernel_read(exec->file, exec->head, sizeof(exec->head), 0);
	return got < 0 ? got : 0;
}

// --- Arguments: strings are pushed downwards on the new stack, last one first ---

int exec_push_kernel(struct exec *exec, const void *data, size_t size)
{
	if (exec->stack - exec->stack_lowest < size)
		return -E2BIG;
	exec->stack -= size;
	return mm_copy_to(exec->mm, exec->stack, data, size);
}

// A user string is copied by pieces through one page; its length is not known before.
static int push_user_string(struct exec *exec, u64 string, char *bounce)
{
	long length = strnlen_user(string, ARG_STRING_MAX);

	if (length < 0)
		return length;
	if (length >= (long)ARG_STRING_MAX)
		return -E2BIG;
	size_t size = length + 1;
	if (exec->stack - exec->stack_lowest < size)
		return -E2BIG;
	exec->stack -= size;
	for (size_t done = 0; done < size;) {
		size_t piece = MIN(size - done, (size_t)PAGE_SIZE);

		if (copy_from_user(bounce, string + done, piece))
			return -EFAULT;
		// Another thread may have changed it meanwhile: it still must end.
		if (done + piece == size)
			bounce[piece - 1] = '\0';
		int error = mm_copy_to(exec->mm, exec->stack + done, bounce, piece);
		if (error)
			return error;
		done += piece;
		if (task_kill_pending(current))
			return -ERESTARTNOHAND;
	}
	return 0;
}

static int vector_get(const struct exec_strings *strings, int i, u64 *string)
{
	if (strings->kernel) {
		*string = (u64)strings->kernel[i];
		return 0;
	}
	if (!strings->user) {
		*string = 0;
		return 0;
	}
	return get_user_u64(strings->user + 8ul * i, string);
}

// How many strings a vector has. Each also needs a pointer on the stack.
static int vector_count(struct exec *exec, const struct exec_strings *strings)
{
	for (int i = 0;; i++) {
		u64 string;
		int error = vector_get(strings, i, &string);

		if (error)
			return error;
		if (!string)
			return i;
		if ((exec->stack - exec->stack_lowest) / 8 < (u64)i + 1)
			return -E2BIG;
		if ((i & 1023) == 1023) {
			if (task_kill_pending(current))
				return -ERESTARTNOHAND;
			cond_resched();
		}
	}
}

static int push_strings(struct exec *exec, const struct exec_strings *strings, int count,
			char *bounce)
{
	for (int i = count; i-- > 0;) {
		u64 string;
		int error = vector_get(strings, i, &string);

		if (error)
			return error;
		if (!string)
			return -EFAULT; // the vector shrank under our eyes
		if (strings->kernel)
			error = exec_push_kernel(exec, (const char *)string,
						 strlen((const char *)string) + 1);
		else
			error = push_user_string(exec, string, bounce);
		if (error)
			return error;
	}
	return 0;
}

static int push_arguments(struct exec *exec, const struct exec_strings *args,
			  const struct exec_strings *env)
{
	exec->argc = vector_count(exec, args);
	if (exec->argc < 0)
		return exec->argc;
	exec->envc = vector_count(exec, env);
	if (exec->envc < 0)
		return exec->envc;
	// Room for the pointers themselves.
	exec->stack_lowest += 8ul * (exec->argc + exec->envc + 2);
	if (exec->stack_lowest >= exec->stack)
		return -E2BIG;
	char *bounce = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!bounce)
		return -ENOMEM;
	int error = exec_push_kernel(exec, exec->filename, strlen(exec->filename) + 1);
	exec->filename_at = exec->stack;
	exec->env_end = exec->stack;
	if (!error)
		error = push_strings(exec, env, exec->envc, bounce);
	exec->env_at = exec->stack;
	// A program without arguments gets one that is empty: nobody looks for argv[0] and finds
	// the environment.
	if (!error && exec->argc == 0) {
		printk_ratelimited(LOG_INFO,
				   "process '%s' launched '%s' with NULL argv: "
				   "empty string added\n",
				   current->name, exec->filename);
		error = exec_push_kernel(exec, "", 1);
		exec->argc = 1;
	} else if (!error) {
		error = push_strings(exec, args, exec->argc, bounce);
	}
	exec->args_at = exec->stack;
	kfree(bounce);
	return error;
}

int exec_pop_argument(struct exec *exec)
{
	char byte;

	do {
		int error = mm_copy_from(exec->mm, exec->stack, &byte, 1);
		if (error)
			return error;
		exec->stack++;
	} while (byte);
	exec->argc--;
	return 0;
}

// --- The new memory ---

// Arguments and environment together may take a quarter of the stack's limit, at most three
// quarters of 8 MiB, and at least 128 KiB (execve(2)); but the stack has to hold them.
static u64 arguments_limit(u64 stack_limit)
{
	u64 limit = MIN(stack_limit / 4, 6 * MIB);

	limit = MAX(limit, ARG_STRING_MAX);
	return MIN(limit, MAX(stack_limit, (u64)PAGE_SIZE));
}

static int make_memory(struct exec *exec)
{
	int error = mm_create(&exec->mm);

	if (error)
		return error;
	error = mm_map_stack(exec->mm, exec->personality, &exec->stack_top);
	if (error)
		return error;
	exec->stack = exec->stack_top - 8; // Linux leaves a word of zero at the very top
	exec->stack_lowest = exec->stack - arguments_limit(exec->stack_limit.rlim_cur);
	return 0;
}

// --- Loading ---

// With the credentials it is known what the program must not inherit. What was chosen by that already
// is chosen anew: EXEC_ANEW.
static int settle_layout(struct exec *exec)
{
	u32 personality = exec->personality;

	if (exec->clears_personality)
		exec->personality &= ~PER_CLEAR_ON_SETID;
	if (exec->personality != personality)
		return EXEC_ANEW;
	// Much room for the stack would bring the mappings to a place that the caller chose.
	if (exec->secure && exec->stack_limit.rlim_cur > SECURE_STACK_MAX)
		exec->stack_limit.rlim_cur = SECURE_STACK_MAX;
	mm_set_base(exec->mm, exec->stack_top, exec->stack_limit.rlim_cur);
	return 0;
}

// Tries each format. A script changes exec->file and asks again.
static int load(struct exec *exec)
{
	for (;;) {
		int error = read_head(exec);
		if (error)
			return error;
		error = exec_load_script(exec);
		if (error == 0) {
			if (++exec->script_depth > EXEC_MAX_INTERPRETERS)
				return -ELOOP;
			continue;
		}
		if (error != -ENOEXEC)
			return error;
		exec->executable = exec->file;
		error = exec_prepare_cred(exec);
		if (!error)
			error = settle_layout(exec);
		return error ?: exec_load_elf(exec);
	}
}

static void exec_discard(struct exec *exec)
{
	if (exec->cred)
		cred_discard(exec->cred);
	if (exec->mm)
		mm_put(exec->mm);
	if (exec->file)
		file_put(exec->file);
	kfree(exec->filename);
	kfree(exec->interpreter);
}

// --- The commit ---

// The name in the path that the caller gave; who gave a descriptor only gets the file's name.
static void set_name(const struct exec *exec)
{
	const char *name = strrchr(exec->filename, '/');
	char own[sizeof(current->name)];

	if (exec->named_by_file) {
		path_name(&exec->executable->path, own, sizeof(own));
		task_set_name(current, own);
		return;
	}
	task_set_name(current, name ? name + 1 : exec->filename);
}

static void commit_memory(struct exec *exec)
{
	if (current->mm) {
		usage_note_rss(current->process, current->mm);
		task_release_mm(current, false);
	}
	mm_set_exe_file(exec->mm, exec->executable);
	mm_exec_replace(exec->mm);
	exec->mm = NULL;
}

// Only where it differs: another process may have changed the limit meanwhile.
static void commit_stack_limit(const struct exec *exec)
{
	struct rlimit *limit = &current->process->rlimits[RLIMIT_STACK];

	if (!exec->secure)
		return;
	spin_lock(&current->alloc_lock); // of the leader, which the caller is by now
	limit->rlim_cur = MIN(limit->rlim_cur, SECURE_STACK_MAX);
	spin_unlock(&current->alloc_lock);
}

// Everything from here on happens.
static void commit(struct exec *exec)
{
	commit_memory(exec);
	process_timers_exec();
	signal_actions_exec();
	current->flags &= ~(TF_FORKNOEXEC | TF_RANDOMIZE);
	if (current->mm->randomized)
		current->flags |= TF_RANDOMIZE;
	current->personality = exec->personality;
	current->self_exec_id++;
	current->sigaltstack = (stack_t){.ss_flags = SS_DISABLE};
	current->set_child_tid = current->clear_child_tid = 0;
	current->robust_list = 0;
	set_name(exec);
	files_close_on_exec(current->files);
	mm_set_dumpable(current->mm,
			exec->clears_dumpable ? READ_ONCE(suid_dumpable) : DUMPABLE_USER);
	if (exec->secure)
		current->pdeath_signal = 0;
	commit_stack_limit(exec);
	cred_commit(exec->cred);
	exec->cred = NULL;
	arch_task_start_user(current, exec->entry, exec->entry_sp);
}

// The steps that change current but can still fail; they do no harm if a later one does.
static int become_private(void)
{
	int error = process_become_single();

	if (error)
		return error;
	error = process_unshare_sighand();
	if (!error)
		error = resource_unshare_field(offsetof(struct task, files));
	return error ?: exec_enter_time_ns(); // for which the new memory is made
}

// RLIMIT_NPROC is judged here if a setuid before moved us over the limit of the new user.
static int check_process_limit(void)
{
	u64 limit = rlimit(RLIMIT_NPROC);

	if (current->nproc_exceeded &&
	    (u64)atomic64_read(&current_cred()->counts->processes) > limit)
		return -EAGAIN;
	current->nproc_exceeded = false;
	return 0;
}

// What AT_EXECFN says: the path, or the descriptor if the path is relative to one.
static char *exec_name(int dirfd, const char *path)
{
	char name[32];

	if (dirfd == AT_FDCWD || *path == '/')
		return kstrdup(path, GFP_KERNEL);
	scnprintf(name, sizeof(name), "/dev/fd/%d", dirfd);
	if (!*path)
		return kstrdup(name, GFP_KERNEL);
	char *whole = kmalloc(strlen(name) + strlen(path) + 2, GFP_KERNEL);
	if (whole)
		snprintf(whole, strlen(name) + strlen(path) + 2, "%s/%s", name, path);
	return whole;
}

static int exec_file(struct exec *exec, const struct exec_strings *args,
		     const struct exec_strings *env, bool only_check)
{
	int error = make_memory(exec);

	if (!error)
		error = push_arguments(exec, args, env);
	if (!error && only_check)
		return 0;
	if (!error)
		error = load(exec);
	if (error)
		return error;
	// Another thread's exec may hold it while it waits for our end.
	if (mutex_lock_killable(&current->process->cred_guard))
		return -ERESTARTNOINTR;
	error = become_private();
	if (!error)
		commit(exec);
	mutex_unlock(&current->process->cred_guard);
	return error;
}

// Goes all the way, with a personality to begin with; *personality is then the program's.
static int exec_attempt(int dirfd, const char *path, int flags, const struct exec_strings *args,
			const struct exec_strings *env, u32 *personality)
{
	struct exec *exec = kzalloc(sizeof(*exec), GFP_KERNEL);

	if (!exec)
		return -ENOMEM;
	exec->personality = *personality;
	exec->stack_limit = current->process->rlimits[RLIMIT_STACK];
	int error = exec_open(dirfd, path, flags & ~AT_EXECVE_CHECK, &exec->file);
	if (!error) {
		exec->filename = exec_name(dirfd, path);
		exec->named_by_file = !*path;
		exec->name_will_close = dirfd != AT_FDCWD && *path != '/' &&
					fd_is_cloexec(current, dirfd);
		error = exec->filename ? exec_file(exec, args, env, flags & AT_EXECVE_CHECK)
				       : -ENOMEM;
	}
	*personality = exec->personality;
	exec_discard(exec);
	kfree(exec);
	return error;
}

// Of the emulations of other systems only that of a 32-bit machine outlives exec.
static u32 inherited_personality(void)
{
	u32 personality = current->personality;

	return (personality & PER_MASK) == PER_LINUX32 ? personality : personality & ~PER_MASK;
}

int exec_program(int dirfd, const char *path, int flags, const struct exec_strings *args,
		 const struct exec_strings *env)
{
	u32 personality = inherited_personality();
	int error = check_process_limit();

	// Flags are only taken away, so this ends.
	if (error)
		return error;
	do
		error = exec_attempt(dirfd, path, flags, args, env, &personality);
	while (error == EXEC_ANEW);
	return error;
}

int kernel_exec(const char *path, const char *const *argv, const char *const *envp)
{
	struct exec_strings args = {.kernel = argv}, env = {.kernel = envp};

	return exec_program(AT_FDCWD, path, 0, &args, &env);
}
