// Executables that begin with "#!": the interpreter named there runs instead, with the script's
// path as its argument. As on Linux the line may hold one optional argument, and ends after 255
// bytes; a line that is cut there may lose its argument, but not part of the interpreter's path.

#include <fs/file.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <process/exec.h>
#include <uapi/errno.h>
#include <uapi/fcntl.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static char *skip_blanks(char *at, const char *end)
{
	while (at < end && is_blank(*at))
		at++;
	return at;
}

static char *skip_word(char *at, const char *end)
{
	while (at < end && *at && !is_blank(*at))
		at++;
	return at;
}

// Splits the line in place. *argument is NULL if there is none.
static int parse_line(char *line, char *end, char **interpreter, char **argument)
{
	char *newline = memchr(line, '\n', end - line);

	if (!newline) {
		// No end of line within the head: acceptable only if the path is whole.
		char *word = skip_blanks(line, end);
		if (skip_word(word, end) == end)
			return -ENOEXEC;
		newline = end;
	}
	while (newline > line && is_blank(newline[-1]))
		newline--;
	*newline = '\0';
	*interpreter = skip_blanks(line, newline);
	if (!**interpreter)
		return -ENOEXEC;
	char *after = skip_word(*interpreter, newline);
	char *rest = skip_blanks(after, newline);
	*after = '\0';
	*argument = *rest ? rest : NULL;
	return 0;
}

// Replaces argv[0] by: interpreter [argument] script.
static int push_script_arguments(struct exec *exec, const char *interpreter, const char *argument)
{
	int error = exec_pop_argument(exec);

	if (!error) {
		// Of a script that runs a script: the one that was named last.
		const char *script = exec->interpreter ?: exec->filename;

		error = exec_push_kernel(exec, script, strlen(script) + 1);
		exec->argc++;
	}
	if (!error && argument) {
		error = exec_push_kernel(exec, argument, strlen(argument) + 1);
		exec->argc++;
	}
	if (!error) {
		error = exec_push_kernel(exec, interpreter, strlen(interpreter) + 1);
		exec->argc++;
	}
	exec->args_at = exec->stack;
	return error;
}

int exec_load_script(struct exec *exec)
{
	char line[EXEC_HEAD_SIZE];
	char *interpreter, *argument;
	struct file *file;

	if (exec->head[0] != '#' || exec->head[1] != '!')
		return -ENOEXEC;
	memcpy(line, exec->head, sizeof(line));
	line[sizeof(line) - 1] = '\0';
	int error = parse_line(line + 2, line + sizeof(line) - 1, &interpreter, &argument);
	// The interpreter could not open what it is to read.
	if (!error && exec->name_will_close)
		error = -ENOENT;
	if (!error)
		error = push_script_arguments(exec, interpreter, argument);
	if (error)
		return error;
	char *name = kstrdup(interpreter, GFP_KERNEL);
	if (!name)
		return -ENOMEM;
	error = exec_open(AT_FDCWD, interpreter, 0, &file);
	if (error) {
		kfree(name);
		return error;
	}
	file_put(exec->file);
	exec->file = file;
	kfree(exec->interpreter);
	exec->interpreter = name;
	return 0;
}
