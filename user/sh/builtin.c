// The commands that the shell runs itself: those that change it.

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/system.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builtin.h"
#include "sh.h"

static int builtin_colon(int argc, char **argv)
{
	return 0;
}

static int builtin_break(int argc, char **argv)
{
	int levels = argc > 1 ? atoi(argv[1]) : 1;

	if (levels < 1) {
		shell_error("%s: %s: is no number of loops", argv[0], argv[1]);
		return 1;
	}
	if (!sh.loop_depth)
		return 0;
	sh.unwind = *argv[0] == 'b' ? UNWIND_BREAK : UNWIND_CONTINUE;
	sh.unwind_levels = MIN(levels, sh.loop_depth);
	return 0;
}

static int builtin_return(int argc, char **argv)
{
	sh.status = argc > 1 ? atoi(argv[1]) & 255 : sh.status;
	sh.unwind = UNWIND_RETURN;
	return sh.status;
}

static int builtin_exit(int argc, char **argv)
{
	static bool warned;

	if (argc > 1 && !isdigit(*argv[1])) {
		shell_error("exit: %s: is no number", argv[1]);
		sh.status = 2;
	} else if (argc > 1) {
		sh.status = atoi(argv[1]) & 255;
	}
	if (sh.interactive && !warned && jobs_stopped()) {
		warned = true;
		fputs("There are stopped jobs.\n", stderr);
		return 1;
	}
	sh.unwind = UNWIND_EXIT;
	return sh.status;
}

static int builtin_eval(int argc, char **argv)
{
	struct buffer text = {0};

	for (int i = 1; i < argc; i++) {
		buffer_puts(&text, argv[i]);
		buffer_putc(&text, i + 1 < argc ? ' ' : '\n');
	}
	int status = text.text ? run_text(text.text, sh.name) : 0;

	free(text.text);
	return status;
}

static int builtin_dot(int argc, char **argv)
{
	if (argc < 2) {
		shell_error(".: a file is missing");
		return 2;
	}
	const char *path = argv[1];

	if (!strchr(path, '/') && access(path, R_OK) < 0) {
		const char *found = program_find(path);

		path = found ? found : path;
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 10);

	if (high < 0) {
		shell_error("%s: %s", argv[1], strerror(errno));
		return 1;
	}
	close(fd);
	bool interactive = sh.interactive;

	int status = run_file(high, path);

	sh.interactive = interactive;
	close(high);
	if (sh.unwind == UNWIND_RETURN) {
		sh.unwind = UNWIND_NONE;
		status = sh.status;
	}
	return status;
}

static int builtin_exec(int argc, char **argv)
{
	if (argc < 2)
		return 0;
	const char *path = program_find(argv[1]);

	fflush(NULL);
	signals_default();
	if (path)
		execve(path, argv + 1, vars_environment());
	int status = errno == ENOENT ? 127 : 126;

	shell_error("exec: %s: %s", argv[1], errno == ENOENT ? "not found" : strerror(errno));
	if (!sh.interactive) {
		sh.status = status;
		sh.unwind = UNWIND_EXIT;
	}
	signals_init();
	return status;
}

static int builtin_cd(int argc, char **argv)
{
	const char *to = argc > 1 ? argv[1] : var_get("HOME"), *old = var_get("PWD");
	bool show = false;
	char cwd[PATH_MAX];

	if (argc > 1 && !strcmp(to, "-")) {
		to = var_get("OLDPWD");
		show = true;
	}
	if (!to || !*to) {
		shell_error("cd: %s is not set", show ? "OLDPWD" : "HOME");
		return 1;
	}
	if (chdir(to) < 0) {
		shell_error("cd: %s: %s", to, strerror(errno));
		return 1;
	}
	if (show)
		puts(to);
	if (!getcwd(cwd, sizeof(cwd)))
		strscpy(cwd, to, sizeof(cwd));
	if (old)
		var_set("OLDPWD", old, 0);
	var_set("PWD", cwd, VAR_EXPORT);
	return 0;
}

// A value so that the shell reads it back.
void put_quoted(const char *s)
{
	putchar('\'');
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*s);
	}
	putchar('\'');
}

static void show_export(const char *name, const char *value)
{
	printf("export %s", name);
	if (value) {
		putchar('=');
		put_quoted(value);
	}
	putchar('\n');
}

static void show_readonly(const char *name, const char *value)
{
	printf("readonly %s", name);
	if (value) {
		putchar('=');
		put_quoted(value);
	}
	putchar('\n');
}

// export, readonly and local: NAME or NAME=VALUE.
static int mark_names(int argc, char **argv, u32 flags, bool local)
{
	int status = 0;

	for (int i = 1; i < argc; i++) {
		char *equal = strchr(argv[i], '=');
		size_t n = equal ? (size_t)(equal - argv[i]) : strlen(argv[i]);
		char *name = strndup(argv[i], n);

		if (!name || !name_is_valid(name, n)) {
			shell_error("%s: %s: is no name", argv[0], argv[i]);
			status = 1;
		} else {
			if (local)
				var_local(name);
			if (equal && !var_set(name, equal + 1, 0))
				status = 1;
			else if (flags)
				var_mark(name, flags);
		}
		free(name);
	}
	return status;
}

static int builtin_export(int argc, char **argv)
{
	if (argc < 2 || !strcmp(argv[1], "-p")) {
		var_each(VAR_EXPORT, show_export);
		return 0;
	}
	return mark_names(argc, argv, VAR_EXPORT, false);
}

static int builtin_readonly(int argc, char **argv)
{
	if (argc < 2 || !strcmp(argv[1], "-p")) {
		var_each(VAR_READONLY, show_readonly);
		return 0;
	}
	return mark_names(argc, argv, VAR_READONLY, false);
}

static int builtin_local(int argc, char **argv)
{
	if (!sh.function_depth) {
		shell_error("local: only in a function");
		return 1;
	}
	return mark_names(argc, argv, 0, true);
}

static int builtin_unset(int argc, char **argv)
{
	bool functions = argc > 1 && !strcmp(argv[1], "-f");
	int status = 0;

	for (int i = 1; i < argc; i++) {
		if (*argv[i] == '-')
			continue;
		if (functions)
			function_unset(argv[i]);
		else if (!var_unset(argv[i]))
			status = 1;
	}
	return status;
}

static int builtin_shift(int argc, char **argv)
{
	int by = argc > 1 ? atoi(argv[1]) : 1;

	if (by < 0 || by > sh.arg_count) {
		shell_error("shift: there are only %d arguments", sh.arg_count);
		return 1;
	}
	sh.args += by;
	sh.arg_count -= by;
	return 0;
}

static void show_variable(const char *name, const char *value)
{
	printf("%s=", name);
	put_quoted(value ? value : "");
	putchar('\n');
}

static const struct shell_option {
	const char *name;
	char letter;
	bool *value;
} shell_options[] = {
	{"allexport", 'a', &sh.all_export}, {"errexit", 'e', &sh.error_exit},
	{"noclobber", 'C', &sh.no_clobber}, {"noexec", 'n', &sh.no_exec},
	{"noglob", 'f', &sh.no_glob},       {"nounset", 'u', &sh.no_unset},
	{"verbose", 'v', &sh.verbose},      {"xtrace", 'x', &sh.trace},
	{"monitor", 'm', &sh.job_control},
};

static bool set_option(char letter, const char *name, bool on)
{
	for (size_t i = 0; i < ARRAY_SIZE(shell_options); i++) {
		const struct shell_option *o = &shell_options[i];

		if (name ? strcmp(o->name, name) : o->letter != letter)
			continue;
		if (o->letter == 'm' && on && sh.terminal < 0) {
			shell_error("set: there is no terminal for job control");
			return true;
		}
		*o->value = on;
		return true;
	}
	if (name)
		shell_error("set: %s: there is no such option", name);
	else
		shell_error("set: -%c: there is no such option", letter);
	return false;
}

static int builtin_set(int argc, char **argv)
{
	int i = 1;

	if (argc < 2) {
		var_each(0, show_variable);
		return 0;
	}
	for (; i < argc && (*argv[i] == '-' || *argv[i] == '+') && argv[i][1]; i++) {
		bool on = *argv[i] == '-';

		if (!strcmp(argv[i], "--")) {
			i++;
			goto arguments;
		}
		if (!strcmp(argv[i] + 1, "o")) {
			if (i + 1 < argc) {
				if (!set_option(0, argv[++i], on))
					return 2;
				continue;
			}
			for (size_t o = 0; o < ARRAY_SIZE(shell_options); o++)
				printf("%-12s %s\n", shell_options[o].name,
				       *shell_options[o].value ? "on" : "off");
			return 0;
		}
		for (const char *c = argv[i] + 1; *c; c++) {
			if (!set_option(*c, NULL, on))
				return 2;
		}
	}
	if (i == argc)
		return 0;
arguments:
	sh.arg_count = argc - i;
	// The words live in the arena of this command: they are copied for good.
	sh.args = xmalloc(((size_t)sh.arg_count + 1) * sizeof(*sh.args));
	for (int n = 0; n < sh.arg_count; n++)
		sh.args[n] = xstrdup(argv[i + n]);
	sh.args[sh.arg_count] = NULL;
	return 0;
}

// Where programs are is looked up anew each time, so there is nothing to forget; a name must be one, though.
static int builtin_hash(int argc, char **argv)
{
	const char *path;
	int status = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-r") || builtin_find(argv[i]) ||
		    ((path = program_find(argv[i])) && access(path, X_OK) == 0))
			continue;
		shell_error("hash: %s: not found", argv[i]);
		status = 1;
	}
	return status;
}

static int builtin_type(int argc, char **argv)
{
	struct arena *arena;
	int status = 0;

	for (int i = 1; i < argc; i++) {
		const char *path;

		if (function_get(argv[i], &arena)) {
			printf("%s is a function\n", argv[i]);
		} else if (builtin_find(argv[i])) {
			printf("%s is a builtin of the shell\n", argv[i]);
		} else if ((path = program_find(argv[i])) && access(path, X_OK) == 0) {
			printf("%s is %s\n", argv[i], path);
		} else {
			shell_error("%s: not found", argv[i]);
			status = 1;
		}
	}
	return status;
}

// command NAME: without functions; command -v NAME: what it is.
static int builtin_command(int argc, char **argv)
{
	struct arena *arena;

	if (argc > 2 && (!strcmp(argv[1], "-v") || !strcmp(argv[1], "-V"))) {
		if (argv[1][1] == 'V')
			return builtin_type(argc - 1, argv + 1);
		const char *path = function_get(argv[2], &arena) || builtin_find(argv[2])
					   ? argv[2]
					   : program_find(argv[2]);

		if (!path || (strchr(path, '/') && access(path, X_OK) < 0))
			return 1;
		puts(path);
		return 0;
	}
	argc--;
	argv++;
	if (argc && !strcmp(argv[0], "-p")) {
		argc--;
		argv++;
	}
	if (!argc)
		return 0;
	const struct builtin *b = builtin_find(argv[0]);

	if (b)
		return b->run(argc, argv);
	struct word *words = NULL, **end = &words;
	struct arena *own = arena_new();
	// Run as a command of its own, each word quoted.
	struct node node = {.kind = NODE_SIMPLE, .line = sh.line, .text = argv[0]};

	for (int i = 0; i < argc; i++) {
		struct buffer quoted = {0};

		buffer_putc(&quoted, '\'');
		for (const char *c = argv[i]; *c; c++) {
			if (*c == '\'')
				buffer_puts(&quoted, "'\\''");
			else
				buffer_putc(&quoted, *c);
		}
		buffer_putc(&quoted, '\'');
		*end = arena_alloc(own, sizeof(**end));
		(*end)->text = arena_copy(own, quoted.text, quoted.length);
		end = &(*end)->next;
		free(quoted.text);
	}
	node.words = words;
	struct arena *hidden;
	struct node *body = function_get(argv[0], &hidden);

	if (body) {
		arena_get(hidden);
		function_unset(argv[0]);
	}
	int status = run_node(&node, 0);

	if (body) {
		function_set(argv[0], body, hidden);
		arena_put(hidden);
	}
	arena_put(own);
	return status;
}

static int builtin_times(int argc, char **argv)
{
	static const int who[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
	struct rusage usage;

	for (int i = 0; i < 2; i++) {
		getrusage(who[i], &usage);
		struct timeval *times[] = {&usage.ru_utime, &usage.ru_stime};

		for (int j = 0; j < 2; j++)
			printf("%ldm%ld.%03lds%c", times[j]->tv_sec / 60, times[j]->tv_sec % 60,
			       times[j]->tv_usec / 1000, j ? '\n' : ' ');
	}
	return 0;
}

int echo_main(int argc, char **argv);
int false_main(int argc, char **argv);
int printf_main(int argc, char **argv);
int pwd_main(int argc, char **argv);
int test_main(int argc, char **argv);
int true_main(int argc, char **argv);

// Sorted.
static const struct builtin builtins[] = {
	{".", builtin_dot, true},
	{":", builtin_colon, true},
	{"[", test_main, false},
	{"bg", builtin_bg, false},
	{"break", builtin_break, true},
	{"cd", builtin_cd, false},
	{"command", builtin_command, false},
	{"continue", builtin_break, true},
	{"echo", echo_main, false},
	{"eval", builtin_eval, true},
	{"exec", builtin_exec, true},
	{"exit", builtin_exit, true},
	{"export", builtin_export, true},
	{"false", false_main, false},
	{"fg", builtin_fg, false},
	{"getopts", builtin_getopts, false},
	{"hash", builtin_hash, false},
	{"help", builtin_help, false},
	{"history", builtin_history, false},
	{"jobs", builtin_jobs, false},
	{"kill", builtin_kill, false},
	{"local", builtin_local, false},
	{"printf", printf_main, false},
	{"pwd", pwd_main, false},
	{"read", builtin_read, false},
	{"readonly", builtin_readonly, true},
	{"return", builtin_return, true},
	{"set", builtin_set, true},
	{"shift", builtin_shift, true},
	{"test", test_main, false},
	{"times", builtin_times, true},
	{"trap", builtin_trap, true},
	{"true", true_main, false},
	{"type", builtin_type, false},
	{"ulimit", builtin_ulimit, false},
	{"umask", builtin_umask, false},
	{"unset", builtin_unset, true},
	{"wait", builtin_wait, false},
};

const struct builtin *builtin_find(const char *name)
{
	size_t low = 0, high = ARRAY_SIZE(builtins);

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(name, builtins[middle].name);

		if (!order)
			return &builtins[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

void builtins_list(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(builtins); i++)
		printf("%s%s", builtins[i].name, i + 1 < ARRAY_SIZE(builtins) ? " " : "\n");
}
