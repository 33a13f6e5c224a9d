// The shell's start: options, the sources of commands, the prompt.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../tools/tool.h"
#include "sh.h"

struct shell sh = {.terminal = -1};

static const char help[] =
	"The command language of POSIX. Without FILE, commands are read from the standard input;\n"
	"at a terminal with a prompt, cursor keys and history.\n\n"
	"  -c COMMANDS  run these\n"
	"  -i           interactive\n"
	"  -e           end at the first command that fails\n"
	"  -u           an unset parameter is an error\n"
	"  -x           show commands before they run\n"
	"  -n           read commands but do not run them\n";

static void complain(const char *fmt, va_list args)
{
	fflush(stdout);
	if (sh.prompts)
		fprintf(stderr, "sh: ");
	else
		fprintf(stderr, "%s: line %d: ", sh.name, sh.line);
	vfprintf(stderr, fmt, args);
	fputs("\n", stderr);
}

void shell_error(const char *fmt, ...)
{
	int error = errno;
	va_list args;

	va_start(args, fmt);
	complain(fmt, args);
	va_end(args);
	errno = error;
}

void shell_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain(fmt, args);
	va_end(args);
	sh.status = 1;
	sh.unwind = sh.subshell ? UNWIND_EXIT : UNWIND_ERROR;
}

NORETURN void shell_exit(int status)
{
	if (sh.unwind != UNWIND_EXIT)
		sh.status = status;
	traps_exit();
	fflush(NULL);
	if (sh.job_control && !sh.subshell)
		jobs_end();
	_exit(sh.status & 255);
}

// --- Lines ---

static char *prompt_text(bool continued)
{
	const char *text = var_get(continued ? "PS2" : "PS1");
	static struct arena *arena;

	if (arena)
		arena_put(arena);
	arena = arena_new();
	if (!text)
		return arena_copy(arena, "# ", 2);
	int status = sh.status;
	char *prompt = expand_string(text, arena);

	sh.status = status;
	sh.unwind = UNWIND_NONE;
	return prompt ? prompt : arena_copy(arena, "# ", 2);
}

static bool terminal_line(struct source *s)
{
	if (!s->continued) {
		traps_run();
		jobs_tell();
	}
	sh.interrupted = false;
	char *line = edit_line(prompt_text(s->continued));

	if (!line)
		return false;
	if (s->continued && sh.interrupted) {
		s->cancelled = true;
		return false;
	}
	buffer_puts(&s->text, line);
	buffer_putc(&s->text, '\n');
	return true;
}

// From a file or pipe byte by byte: commands may read the rest of it.
static bool plain_line(struct source *s)
{
	char buf[512];
	bool seekable = lseek(s->fd, 0, SEEK_CUR) >= 0, any = false;

	for (;;) {
		ssize_t n = read(s->fd, buf, seekable ? sizeof(buf) : 1);

		if (n < 0 && errno == EINTR && !sh.interrupted)
			continue;
		if (n <= 0)
			return any;
		char *end = memchr(buf, '\n', (size_t)n);
		size_t take = end ? (size_t)(end - buf) + 1 : (size_t)n;

		for (size_t i = 0; i < take; i++) {
			if (buf[i])
				buffer_putc(&s->text, buf[i]);
		}
		any = true;
		if (end) {
			if (take < (size_t)n)
				lseek(s->fd, (off_t)take - n, SEEK_CUR);
			return true;
		}
	}
}

bool source_more(struct source *s)
{
	size_t start = s->text.length;

	if (s->ended || s->cancelled || s->fd < 0)
		return false;
	if (!(s->terminal ? terminal_line(s) : plain_line(s))) {
		s->ended = !s->cancelled;
		return false;
	}
	if (sh.verbose)
		fputs(s->text.text + start, stderr);
	return true;
}

static int run_terminal(void)
{
	for (;;) {
		run_file(0, "sh");
		if (sh.unwind == UNWIND_EXIT)
			return sh.status;
		if (!jobs_stopped())
			break;
		static int warned;

		if (warned++)
			break;
		fputs("There are stopped jobs.\n", stderr);
	}
	fputs("exit\n", stderr);
	return sh.status;
}

static void set_args(int argc, char **argv)
{
	// A copy: set and shift change it.
	sh.args = argv;
	sh.arg_count = argc;
}

static void run_profile(void)
{
	int fd = open("/etc/profile", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	bool interactive = sh.interactive;

	sh.interactive = false;
	run_file(fd, "/etc/profile");
	close(fd);
	sh.interactive = interactive;
	if (sh.unwind != UNWIND_EXIT)
		sh.unwind = UNWIND_NONE;
}

// What the command line asks for, beside the options that live in `sh`.
struct invocation {
	bool login;
	bool want_commands; // -c
	const char *commands;
	int script; // a descriptor; 0: standard input
};

// One letter of an option word. False: there is none such.
static bool take_option(struct invocation *call, char letter, bool on)
{
	switch (letter) {
	case 'c':
		call->want_commands = true;
		return true;
	case 'l':
		call->login = true;
		return true;
	case 'i':
		sh.interactive = on;
		return true;
	case 'e':
		sh.error_exit = on;
		return true;
	case 'u':
		sh.no_unset = on;
		return true;
	case 'x':
		sh.trace = on;
		return true;
	case 'n':
		sh.no_exec = on;
		return true;
	case 'f':
		sh.no_glob = on;
		return true;
	case 'a':
		sh.all_export = on;
		return true;
	case 'v':
		sh.verbose = on;
		return true;
	default:
		return letter == 's';
	}
}

// Takes the option words; returns the index of the first other one, -1 if an option is wrong.
static int take_options(struct invocation *call, int argc, char **argv)
{
	int i = 1;

	for (; i < argc && (*argv[i] == '-' || *argv[i] == '+') && argv[i][1]; i++) {
		if (!strcmp(argv[i], "--"))
			return i + 1;
		for (const char *c = argv[i] + 1; *c; c++) {
			if (!take_option(call, *c, *argv[i] == '-'))
				return -1;
		}
	}
	return i;
}

// Opens a script, out of the way of scripts that number their descriptors; -1 with errno.
static int open_script(const char *path)
{
	int script = open(path, O_RDONLY | O_CLOEXEC);
	int high = script < 0 ? -1 : fcntl(script, F_DUPFD_CLOEXEC, 10);

	if (high < 0)
		return script;
	close(script);
	return high;
}

int sh_main(int argc, char **argv)
{
	static const char synopsis[] = "[-eiunx] [-c COMMANDS | FILE] [ARGUMENT...]";
	struct invocation call = {.login = *argv[0] == '-'};

	tool_help(argc, argv, synopsis, help);
	sh.name = argv[0];
	sh.pid = getpid();
	int i = take_options(&call, argc, argv);

	if (i < 0 || (call.want_commands && i >= argc))
		return tool_usage(argv, synopsis);
	if (call.want_commands)
		call.commands = argv[i++];
	if (i < argc)
		sh.name = argv[i++];
	if (!call.commands && sh.name != argv[0]) {
		call.script = open_script(sh.name);
		if (call.script < 0)
			return tool_error(argv, sh.name) + 126;
	}
	if (!call.commands && !call.script && isatty(0) && isatty(2))
		sh.interactive = true;
	set_args(argc - i, argv + i);
	vars_init();
	signals_init();
	sh.prompts = sh.interactive && !call.commands && !call.script;
	if (sh.prompts)
		jobs_init();
	if (call.login)
		run_profile();
	if (sh.unwind == UNWIND_EXIT)
		shell_exit(sh.status);
	if (call.commands)
		shell_exit(run_text(call.commands, sh.name));
	if (call.script)
		shell_exit(run_file(call.script, sh.name));
	shell_exit(sh.interactive ? run_terminal() : run_file(0, sh.name));
}
