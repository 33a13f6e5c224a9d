// Running the tree. What can run in the shell itself does; the rest in children, which job.c starts.

#include <errno.h>
#include <fcntl.h>
#include <lib/glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tools/tool.h"
#include "sh.h"

#define DEPTH_MAX 1000

const char *program_find(const char *name)
{
	static char full[PATH_MAX];
	const char *path = var_get("PATH");
	struct stat st;
	int error = ENOENT;

	if (strchr(name, '/'))
		return name;
	for (; path; path = *path ? path + 1 : NULL) {
		size_t n = strcspn(path, ":");

		if (n + strlen(name) + 2 < sizeof(full)) {
			memcpy(full, path, n);
			stpcpy(stpcpy(full + n, n ? "/" : ""), name);
			if (stat(full, &st) == 0 && S_ISREG(st.st_mode)) {
				if (access(full, X_OK) == 0)
					return full;
				error = EACCES;
			}
		}
		path += n;
	}
	errno = error;
	return NULL;
}

// Becomes the program; returns only if that fails, with the status for it.
static int exec_program(char **argv)
{
	const char *path = program_find(argv[0]);
	struct stat st;

	if (!path) {
		if (errno == ENOENT)
			shell_error("%s: not found", argv[0]);
		else
			shell_error("%s: %s", argv[0], strerror(errno));
		return errno == ENOENT ? 127 : 126;
	}
	char **env = vars_environment();

	execve(path, argv, env);
	int error = errno;

	if (error == ENOEXEC) {
		// A script without a first line that names its interpreter.
		int fd = open(path, O_RDONLY | O_CLOEXEC), n = 0;

		while (argv[n])
			n++;
		sh.args = argv + 1;
		sh.arg_count = n - 1;
		sh.name = argv[0];
		sh.interactive = sh.job_control = false;
		if (fd >= 0)
			shell_exit(run_file(fd, argv[0]));
	}
	if (error == EACCES && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		error = EISDIR;
	shell_error("%s: %s", argv[0], error == ENOENT ? "not found" : strerror(error));
	return error == ENOENT ? 127 : 126;
}

static void trace(struct arena *arena, struct word *assigns, char **argv)
{
	char *ps4 = expand_string(var_get("PS4") ? var_get("PS4") : "+ ", arena);

	fputs(ps4 ? ps4 : "+ ", stderr);
	for (; assigns; assigns = assigns->next)
		fprintf(stderr, "%s%s", assigns->text, assigns->next || *argv ? " " : "");
	for (; *argv; argv++)
		fprintf(stderr, "%s%s", *argv, argv[1] ? " " : "");
	fputs("\n", stderr);
}

// --- Simple commands ---

// Sets the variables in front of a command. With `keep`, their old values are kept for the end.
static bool assign(struct word *assigns, struct arena *arena, u32 flags, bool keep)
{
	for (; assigns; assigns = assigns->next) {
		const char *equal = strchr(assigns->text, '=');
		char *name = arena_copy(arena, assigns->text, (size_t)(equal - assigns->text));
		char *value = expand_string(equal + 1, arena);

		if (!value)
			return false;
		if (keep)
			var_local(name);
		if (!var_set(name, value, flags))
			return false;
	}
	return true;
}

static int run_function(struct node *body, struct arena *arena, int argc, char **argv)
{
	char **args = sh.args;
	int count = sh.arg_count, loops = sh.loop_depth;
	size_t scope = var_scope_begin();

	if (sh.function_depth >= DEPTH_MAX) {
		shell_fail("%s: functions are nested too deeply", argv[0]);
		return 1;
	}
	arena_get(arena);
	sh.args = argv + 1;
	sh.arg_count = argc - 1;
	sh.loop_depth = 0;
	sh.function_depth++;
	int status = run_node(body, 0);

	sh.function_depth--;
	if (sh.unwind == UNWIND_RETURN) {
		sh.unwind = UNWIND_NONE;
		status = sh.status;
	}
	sh.loop_depth = loops;
	sh.args = args;
	sh.arg_count = count;
	var_scope_end(scope);
	arena_put(arena);
	return status;
}

static int run_builtin(const struct builtin *b, struct node *node, int argc, char **argv)
{
	struct saved_fd *saved = NULL;
	bool forever = !strcmp(b->name, "exec");

	fflush(stdout);
	if (!redirect_apply(node->redirects, forever ? NULL : &saved)) {
		redirect_undo(saved);
		if (b->special && !sh.interactive)
			sh.unwind = UNWIND_ERROR;
		return 1;
	}
	int status = b->run(argc, argv);

	if (fflush(stdout) || ferror(stdout)) {
		shell_error("%s: write error: %s", argv[0], strerror(errno));
		clearerr(stdout);
		status = status ? status : 1;
	}
	redirect_undo(saved);
	return status;
}

// What runs in the shell: a function or a builtin.
static int run_inside(struct node *node, const struct builtin *b, struct node *body,
		      struct arena *body_arena, struct arena *arena, int argc, char **argv)
{
	size_t scope = var_scope_begin();
	struct saved_fd *saved = NULL;
	int status = 1;

	if (assign(node->assigns, arena, body || !b->special ? VAR_EXPORT : 0,
		   body || !b->special)) {
		if (!body) {
			status = run_builtin(b, node, argc, argv);
		} else {
			fflush(stdout);
			if (redirect_apply(node->redirects, &saved))
				status = run_function(body, body_arena, argc, argv);
			fflush(stdout);
			redirect_undo(saved);
		}
	} else if (!sh.interactive) {
		sh.unwind = sh.unwind ? sh.unwind : UNWIND_ERROR;
	}
	// What "local" itself has put aside stays until the function ends.
	if (node->assigns)
		var_scope_end(scope);
	return status;
}

static NORETURN void run_outside(struct node *node, struct arena *arena, char **argv)
{
	if (!redirect_apply(node->redirects, NULL) ||
	    !assign(node->assigns, arena, VAR_EXPORT, false))
		_exit(1);
	int status = exec_program(argv);

	fflush(NULL);
	_exit(status);
}

// No command: assignments, and redirections that are tried.
static int run_assignments(struct node *node, struct arena *arena)
{
	struct saved_fd *saved = NULL;

	sh.status = 0; // that of a substitution remains, if there is one
	if (!assign(node->assigns, arena, 0, false)) {
		if (!sh.interactive && !sh.unwind)
			sh.unwind = UNWIND_ERROR;
		return 1;
	}
	int status = sh.status;

	if (node->redirects) {
		if (!redirect_apply(node->redirects, &saved))
			status = 1;
		redirect_undo(saved);
	}
	return status;
}

static int run_program(struct node *node, struct arena *arena, char **argv, u32 flags)
{
	if (flags & RUN_EXIT) {
		fflush(stdout);
		signals_default();
		run_outside(node, arena, argv);
	}
	struct job *job = job_new(node->text ? node->text : argv[0]);
	pid_t pid = job_fork(job, false);

	if (pid == 0)
		run_outside(node, arena, argv);
	return job_wait(job);
}

static int run_simple(struct node *node, u32 flags)
{
	struct arena *arena = arena_new(), *body_arena;
	int argc, status = 1;

	sh.line = node->line;
	char **argv = expand_words(node->words, arena, &argc);

	if (argv) {
		if (sh.trace && (argc || node->assigns))
			trace(arena, node->assigns, argv);
		if (!argc) {
			status = run_assignments(node, arena);
		} else {
			struct node *body = function_get(argv[0], &body_arena);
			const struct builtin *b = body ? NULL : builtin_find(argv[0]);

			if (body || b)
				status = run_inside(node, b, body, body_arena, arena, argc, argv);
			else
				status = run_program(node, arena, argv, flags);
		}
		if (argc)
			var_set("_", argv[argc - 1], 0);
	} else if (!sh.interactive && !sh.unwind) {
		sh.unwind = UNWIND_ERROR;
	}
	arena_put(arena);
	return status;
}

// --- Compound commands ---

static int run_pipe(struct node *node)
{
	struct job *job = job_new(node->text ? node->text : "");
	int from = -1;

	for (struct node *part = node->left; part; part = part->next) {
		int fds[2] = {-1, -1};

		if (part->next && pipe2(fds, O_CLOEXEC) < 0) {
			shell_error("pipe: %s", strerror(errno));
			break;
		}
		pid_t pid = job_fork(job, false);

		if (pid == 0) {
			if (from >= 0)
				dup2(from, 0);
			if (fds[1] >= 0)
				dup2(fds[1], 1);
			// Copies above 2 close at exec, but a builtin must not hold them either.
			if (from > 2)
				close(from);
			for (int i = 0; i < 2; i++) {
				if (fds[i] > 2)
					close(fds[i]);
			}
			shell_exit(run_node(part, RUN_EXIT));
		}
		if (from >= 0)
			close(from);
		if (fds[1] >= 0)
			close(fds[1]);
		from = fds[0];
		if (pid < 0)
			break;
	}
	if (from >= 0)
		close(from);
	return job_wait(job);
}

static int run_background(struct node *node)
{
	struct job *job = job_new(node->text ? node->text : "");
	pid_t pid = job_fork(job, true);

	if (pid == 0)
		shell_exit(run_node(node, RUN_EXIT));
	return pid < 0 ? 1 : job_finish_background(job);
}

static int run_subshell(struct node *node, u32 flags)
{
	if (flags & RUN_EXIT)
		return run_node(node->left, flags);
	struct job *job = job_new(node->text ? node->text : "( ... )");

	if (job_fork(job, false) == 0)
		shell_exit(run_node(node->left, RUN_EXIT));
	return job_wait(job);
}

// After a turn of a loop: whether it goes on.
static bool loop_goes_on(void)
{
	if (sh.interrupted)
		return false;
	if (sh.unwind == UNWIND_BREAK || sh.unwind == UNWIND_CONTINUE) {
		bool goes_on = sh.unwind == UNWIND_CONTINUE && sh.unwind_levels <= 1;

		if (--sh.unwind_levels <= 0)
			sh.unwind = UNWIND_NONE;
		return goes_on;
	}
	return !sh.unwind;
}

static int run_condition(struct node *node)
{
	bool tested = sh.tested;

	sh.tested = true;
	int status = run_node(node, 0);

	sh.tested = tested;
	return status;
}

static int run_while(struct node *node)
{
	int status = 0;

	sh.loop_depth++;
	for (;;) {
		int condition = run_condition(node->condition);

		if (sh.unwind || sh.interrupted) {
			if (loop_goes_on())
				continue;
			break;
		}
		if ((condition == 0) != (node->kind == NODE_WHILE))
			break;
		status = run_node(node->left, 0);
		if (!loop_goes_on())
			break;
	}
	sh.loop_depth--;
	return status;
}

static int run_for(struct node *node)
{
	struct arena *arena = arena_new();
	int count = sh.arg_count, status = 0;
	char **list = sh.args;

	if (node->in_words) {
		list = expand_words(node->words, arena, &count);
	} else {
		list = arena_alloc(arena, ((size_t)count + 1) * sizeof(*list));
		for (int i = 0; i < count; i++)
			list[i] = arena_copy(arena, sh.args[i], strlen(sh.args[i]));
	}
	sh.loop_depth++;
	for (int i = 0; list && i < count; i++) {
		if (!var_set(node->name, list[i], 0)) {
			status = 1;
			break;
		}
		status = run_node(node->left, 0);
		if (!loop_goes_on())
			break;
	}
	sh.loop_depth--;
	arena_put(arena);
	return list ? status : 1;
}

static int run_case(struct node *node, u32 flags)
{
	struct arena *arena = arena_new();
	char *text = expand_string(node->words->text, arena);
	bool found = false;
	int status = text ? 0 : 1;

	for (struct case_item *item = node->items; text && item; item = item->next) {
		for (struct word *w = item->patterns; w && !found; w = w->next) {
			char *pattern = expand_pattern(w->text, arena);

			found = pattern && glob_match(pattern, text, 0);
		}
		if (!found)
			continue;
		status = item->body ? run_node(item->body, item->fall_through ? 0 : flags) : 0;
		if (!item->fall_through || sh.unwind)
			break;
	}
	arena_put(arena);
	return status;
}

static int run_if(struct node *node, u32 flags)
{
	int condition = run_condition(node->condition);

	if (sh.unwind)
		return condition;
	if (!condition)
		return run_node(node->left, flags);
	return node->right ? run_node(node->right, flags) : 0;
}

static int run_and_or(struct node *node, u32 flags)
{
	int status = run_condition(node->left);

	if (sh.unwind || (status == 0) != (node->kind == NODE_AND))
		return status;
	sh.status = status;
	return run_node(node->right, flags);
}

static struct arena *current_arena; // of the command that is being run: functions stay in it

static int run_kind(struct node *node, u32 flags)
{
	switch (node->kind) {
	case NODE_SIMPLE:
		return run_simple(node, flags);
	case NODE_PIPE:
		return run_pipe(node);
	case NODE_NOT:
		return !run_condition(node->left);
	case NODE_AND:
	case NODE_OR:
		return run_and_or(node, flags);
	case NODE_SEQUENCE: {
		int status = run_node(node->left, 0);

		return sh.unwind || sh.interrupted ? status : run_node(node->right, flags);
	}
	case NODE_BACKGROUND:
		return run_background(node->left);
	case NODE_SUBSHELL:
		return run_subshell(node, flags);
	case NODE_GROUP:
		return run_node(node->left, flags);
	case NODE_IF:
		return run_if(node, flags);
	case NODE_WHILE:
	case NODE_UNTIL:
		return run_while(node);
	case NODE_FOR:
		return run_for(node);
	case NODE_CASE:
		return run_case(node, flags);
	default:
		function_set(node->name, node->left, current_arena);
		return 0;
	}
}

// set -e: a command that fails where nobody looks ends the shell. What is made of others has been
// judged inside.
static void check_error_exit(struct node *node, int status)
{
	bool judged = node->kind == NODE_SIMPLE || node->kind == NODE_PIPE ||
		      node->kind == NODE_SUBSHELL;

	if (status && judged && sh.error_exit && !sh.tested && !sh.unwind)
		sh.unwind = UNWIND_EXIT;
}

int run_node(struct node *node, u32 flags)
{
	struct saved_fd *saved = NULL;
	bool redirected = node && node->redirects && node->kind != NODE_SIMPLE;
	static int depth;
	int status = 1;

	if (!node || sh.no_exec)
		return 0;
	if (++depth > 4 * DEPTH_MAX) {
		shell_fail("commands are nested too deeply");
		depth--;
		return 1;
	}
	// A trap has to run after the program: the shell must stay.
	if (trap_pending())
		flags &= ~(u32)RUN_EXIT;
	if (redirected) {
		fflush(stdout);
		if (redirect_apply(node->redirects, &saved))
			status = run_kind(node, 0);
		fflush(stdout);
		redirect_undo(saved);
	} else {
		status = run_kind(node, flags);
	}
	depth--;
	if (sh.unwind != UNWIND_EXIT && sh.unwind != UNWIND_RETURN)
		sh.status = status;
	check_error_exit(node, status);
	traps_run();
	return sh.unwind == UNWIND_EXIT || sh.unwind == UNWIND_RETURN ? sh.status : status;
}

void run_substitution(const char *text, struct buffer *out)
{
	char buf[1024];
	int fds[2];
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC) < 0) {
		shell_error("pipe: %s", strerror(errno));
		return;
	}
	struct job *job = job_new("$( ... )");
	pid_t pid = job_fork(NULL, false);

	if (pid == 0) {
		dup2(fds[1], 1);
		if (fds[0] > 2)
			close(fds[0]);
		if (fds[1] > 2)
			close(fds[1]);
		shell_exit(run_text(text, sh.name));
	}
	close(fds[1]);
	while (pid > 0 && ((n = read(fds[0], buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR))) {
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i]) // a string cannot hold it
				buffer_putc(out, buf[i]);
		}
	}
	close(fds[0]);
	if (pid > 0) {
		job->processes = xmalloc(sizeof(*job->processes));
		job->processes[0] = (struct process){.pid = pid};
		job->process_count = 1;
	}
	sh.status = job_wait(job);
	while (out->length && out->text[out->length - 1] == '\n')
		out->text[--out->length] = '\0';
}

// --- Sources ---

static int run_source(struct source *source)
{
	struct node *node;
	bool failed = false;
	int status = 0;

	for (;;) {
		struct arena *arena = arena_new(), *outer = current_arena;

		if (!parse_command(source, arena, &node, &failed)) {
			arena_put(arena);
			break;
		}
		current_arena = arena;
		if (failed)
			status = sh.status = 2;
		else if (node)
			status = run_node(node, 0);
		current_arena = outer;
		arena_put(arena);
		if (source->terminal) {
			if (sh.unwind == UNWIND_ERROR)
				sh.unwind = UNWIND_NONE;
			if (sh.interrupted)
				sh.status = 130;
			sh.interrupted = false;
			sh.loop_depth = 0;
		} else if (failed || sh.interrupted) {
			break;
		}
		if (sh.unwind)
			break;
	}
	free(source->text.text);
	if (sh.unwind == UNWIND_ERROR && !sh.interactive) {
		sh.status = status = status ? status : 1;
		sh.unwind = UNWIND_EXIT;
	}
	return sh.unwind == UNWIND_EXIT ? sh.status : status;
}

int run_text(const char *text, const char *name)
{
	struct source source = {.name = name, .fd = -1, .ended = true, .line = 1};

	buffer_puts(&source.text, text);
	return run_source(&source);
}

int run_file(int fd, const char *name)
{
	struct source source = {
		.name = name, .fd = fd, .line = 1, .terminal = fd == 0 && sh.interactive};

	return run_source(&source);
}
