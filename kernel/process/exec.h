// Replacing a program: execve(2), execveat(2), and the start of the first program.
#pragma once

#include <lib/base.h>
#include <uapi/resource.h>

struct file;
struct mm;

#define EXEC_HEAD_SIZE        256              // what a format looks at
#define EXEC_MAX_INTERPRETERS 5                // scripts of scripts
#define ARG_STRING_MAX        (32 * PAGE_SIZE) // one argument, with its NUL

// A program on its way in. Everything here is undone by exec_discard() until exec_commit().
struct exec {
	struct file *file;            // what is being loaded now: the program, or its interpreter
	struct file *executable;      // /proc/PID/exe
	struct mm *mm;                // new address space
	u32 personality;              // of the new program, as far as it is known
	struct rlimit stack_limit;    // the same
	u64 stack_top;                // of the new stack, as mapped
	u64 stack;                    // lowest used address so far
	u64 stack_lowest;             // arguments must not grow below
	u64 filename_at;              // AT_EXECFN
	u64 args_at, env_at, env_end; // where the strings are
	int argc, envc;
	char *filename;    // as the caller gave it, or /dev/fd/N...; owned
	char *interpreter; // last script interpreter's path. Owned
	u8 head[EXEC_HEAD_SIZE];
	struct cred *cred;    // to be committed
	bool named_by_file;   // there was no path, only a descriptor
	bool secure;          // AT_SECURE: privileges were gained
	bool name_will_close; // `filename` is of a descriptor that the new program has not
	bool clears_dumpable;
	bool clears_personality; // of PER_CLEAR_ON_SETID
	u64 entry, entry_sp;     // where user mode begins
	int script_depth;
};

// Where argument strings come from: user space, or the kernel for the first program.
struct exec_strings {
	u64 user; // address of a NULL-terminated vector, if kernel is NULL
	const char *const *kernel;
};

// Replaces current's program by the file at `path` (already copied in) relative to dirfd.
// flags: AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW; AT_EXECVE_CHECK: only says whether the file may be run and
// the arguments fit, and returns 0. Else on success the caller returns to user mode, where the
// new program begins. Errors leave current as it was. Context: a system call, no locks.
int exec_program(int dirfd, const char *path, int flags, const struct exec_strings *args,
		 const struct exec_strings *env);

// For the first process: path, argv and envp are the kernel's.
int kernel_exec(const char *path, const char *const *argv, const char *const *envp);

// A format takes the program if it knows it: 0, -ENOEXEC "not mine", or another error. The new
// memory is filled in; nothing of current is touched.
int exec_load_elf(struct exec *exec);
int exec_load_script(struct exec *exec);

// Computes the credentials that exec->executable gives current: exec->cred, and what else depends on
// them. -ENOMEM, -EPERM (capabilities of the file that the bounding set forbids), -EINVAL (malformed
// ones). (exec_cred.c)
int exec_prepare_cred(struct exec *exec);

// Pushes one string (len bytes with its NUL) on the new stack. -E2BIG, -EFAULT, -ENOMEM.
int exec_push_kernel(struct exec *exec, const void *data, size_t size);

// Removes the first argument string (scripts replace argv[0]).
int exec_pop_argument(struct exec *exec);

// Opens a file for execution: regular, executable for current, not open for writing (ETXTBSY).
int exec_open(int dirfd, const char *path, int flags, struct file **out);

// Reads exactly n bytes at an offset; -ENOEXEC if the file is shorter.
int exec_read(struct file *file, void *buffer, size_t n, u64 offset);
