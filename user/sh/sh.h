// The shell's parts: what each offers to the others.
//
// A line becomes tokens (lex.c), then a tree (parse.c), which is run (run.c). Words keep their
// quotes until they are expanded (expand.c), just before use. Nothing jumps out of functions: what
// cuts through the tree (break, return, exit, an error in an expansion, Ctrl-C) is noted in
// sh.unwind, and each runner of a list stops when it is set.
#pragma once

#include <lib/base.h>
#include <uapi/types.h>

// --- Memory that is freed all at once ---

struct arena {
	struct arena_chunk *chunks;
	int refs; // functions that live in it, and the command being run
};

struct arena *arena_new(void);
struct arena *arena_get(struct arena *a);
void arena_put(struct arena *a);
void *arena_alloc(struct arena *a, size_t size); // zeroed
char *arena_copy(struct arena *a, const char *s, size_t n);

// A string that grows.
struct buffer {
	char *text; // terminated, once anything has been put
	size_t length, room;
};

void buffer_put(struct buffer *b, const char *s, size_t n);
void buffer_putc(struct buffer *b, char c);
void buffer_puts(struct buffer *b, const char *s);

// --- The tree ---

enum redirect_kind {
	REDIRECT_IN,      // <
	REDIRECT_OUT,     // >
	REDIRECT_CLOBBER, // >|
	REDIRECT_APPEND,  // >>
	REDIRECT_BOTH,    // <>
	REDIRECT_DUP_IN,  // <&
	REDIRECT_DUP_OUT, // >&
	REDIRECT_HERE,    // << and <<-
};

struct redirect {
	enum redirect_kind kind;
	int fd;
	const char *word; // file, descriptor or "-"; of a here-document its text
	bool quoted;      // the here-document is taken as it stands
	struct redirect *next;
	struct redirect *next_here; // whose text follows in the source
};

struct word {
	const char *text; // with its quotes
	struct word *next;
};

enum node_kind {
	NODE_SIMPLE,
	NODE_PIPE,       // parts, linked by next
	NODE_NOT,        // left
	NODE_AND,        // left && right
	NODE_OR,         // left || right
	NODE_SEQUENCE,   // left; right
	NODE_BACKGROUND, // left &
	NODE_SUBSHELL,   // left
	NODE_GROUP,      // left
	NODE_IF,         // condition, left, right: else
	NODE_WHILE,      // condition, left
	NODE_UNTIL,
	NODE_FOR,      // name, words, left
	NODE_CASE,     // words (one), items
	NODE_FUNCTION, // name, left
};

struct case_item {
	struct word *patterns;
	struct node *body;
	bool fall_through; // ended by ;&
	struct case_item *next;
};

struct node {
	enum node_kind kind;
	bool in_words; // NODE_FOR: "in" was given
	int line;
	const char *name;
	const char *text; // as it was typed: for jobs
	struct word *assigns, *words;
	struct redirect *redirects;
	struct node *left, *right, *condition;
	struct node *next;
	struct case_item *items;
};

// --- Where commands come from ---

struct source {
	struct buffer text;
	size_t at;
	int line;
	const char *name;       // for messages
	int fd;                 // lines are read from it; -1: the text is all there is
	bool terminal;          // lines come from the editor
	bool ended, continued;  // `continued`: the next line belongs to an unfinished command
	bool cancelled;         // Ctrl-C in such a line: the command is given up
	struct redirect *heres; // here-documents whose text begins on the next line
	struct redirect **here_end;
};

// Appends the next line. False at the end.
bool source_more(struct source *s);

enum token {
	TOKEN_END,
	TOKEN_NEWLINE,
	TOKEN_WORD,
	TOKEN_IO_NUMBER, // digits in front of a redirection
	TOKEN_SEMI,
	TOKEN_AND, // &
	TOKEN_PIPE,
	TOKEN_AND_IF,
	TOKEN_OR_IF,
	TOKEN_DSEMI,    // ;;
	TOKEN_SEMI_AND, // ;&
	TOKEN_OPEN,     // (
	TOKEN_CLOSE,
	TOKEN_LESS,
	TOKEN_GREAT,
	TOKEN_DGREAT,
	TOKEN_CLOBBER,
	TOKEN_LESSGREAT,
	TOKEN_LESSAND,
	TOKEN_GREATAND,
	TOKEN_DLESS,
	TOKEN_DLESSDASH,
};

struct parser {
	struct source *source;
	struct arena *arena;
	enum token token;
	const char *word;     // of TOKEN_WORD, TOKEN_IO_NUMBER
	size_t start, behind; // of the token, and the end of the one before, in the text
	int depth;
	bool failed;
};

// The next token into p->token. Here-documents are read at the end of a line.
void token_next(struct parser *p);
// Text as it stands for the token, for messages.
const char *token_text(struct parser *p);
// Says what is wrong, once, and fails the parser.
void parse_error(struct parser *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
// Position behind a "$(...)" whose inside begins at p->source->at, which moves there.
void parse_substitution(struct parser *p);

// The next complete command, into `arena`. False at the end. *out is NULL for an empty line and for
// one with an error, which has been reported (*failed).
bool parse_command(struct source *s, struct arena *arena, struct node **out, bool *failed);

// --- State ---

enum unwind {
	UNWIND_NONE,
	UNWIND_BREAK,
	UNWIND_CONTINUE,
	UNWIND_RETURN,
	UNWIND_EXIT,
	UNWIND_ERROR, // back to the prompt; a script ends
};

struct shell {
	int status;          // $?
	int pid;             // $$
	int last_background; // $!
	const char *name;    // $0
	char **args;         // $1...
	int arg_count;
	enum unwind unwind;
	int unwind_levels;
	int loop_depth, function_depth;
	int line;
	bool interactive, job_control, subshell;
	bool prompts; // it is, or comes from, a shell at a terminal: messages without lines
	bool error_exit, trace, no_exec, no_unset, no_glob, all_export, no_clobber, verbose;
	bool tested;               // within a condition: set -e does not apply
	volatile bool interrupted; // Ctrl-C
	int terminal;              // descriptor of it, or -1
};

extern struct shell sh;

// "sh: line N: text"
void shell_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
// As that, and unwinds to the prompt.
void shell_fail(const char *fmt, ...) PRINTF_LIKE(1, 2);
// Runs the commands of a text or a file; returns the last status.
int run_text(const char *text, const char *name);
int run_file(int fd, const char *name);
// Runs the trap of EXIT and ends.
NORETURN void shell_exit(int status);

// --- Variables ---

enum var_flags {
	VAR_EXPORT = 1 << 0,
	VAR_READONLY = 1 << 1,
};

const char *var_get(const char *name);                        // NULL if unset
bool var_set(const char *name, const char *value, u32 flags); // false: read-only, has been said
bool var_unset(const char *name);
// Adds flags to a variable, which may be unset.
void var_mark(const char *name, u32 flags);
// Calls f for each variable with all the flags, sorted.
void var_each(u32 flags, void (*f)(const char *name, const char *value));
bool name_is_valid(const char *name, size_t n);
void vars_init(void);
// The environment for a program; from malloc.
char **vars_environment(void);
// Variables of a function: the old value comes back at var_scope_end.
size_t var_scope_begin(void);
void var_local(const char *name);
void var_scope_end(size_t mark);

struct node *function_get(const char *name, struct arena **arena);
void function_set(const char *name, struct node *body, struct arena *arena);
bool function_unset(const char *name);

// --- Expansion ---

// Words to fields: tilde, parameters, commands, arithmetic, splitting, path names, quotes. The list
// ends with NULL and is, with its strings, in `arena`. NULL after an error.
char **expand_words(struct word *words, struct arena *arena, int *count);
// One word to one string, without splitting and path names. NULL after an error.
char *expand_string(const char *text, struct arena *arena);
// The same, as a pattern for glob_match: what is quoted is escaped.
char *expand_pattern(const char *text, struct arena *arena);
// The text of a here-document.
char *expand_here(const char *text, struct arena *arena);
// Arithmetic; false after an error, which has been said.
bool arith_eval(const char *text, s64 *out);
// Names that match; unsorted ones are sorted. False when there is none.
bool glob_paths(const char *pattern, void (*found)(void *ctx, const char *path), void *ctx);
// Behind a quoted string, substitution or ${...} that begins at s; NULL when it is not closed.
const char *skip_quoted(const char *s);

// --- Running ---

enum run_flags {
	RUN_EXIT = 1 << 0, // nothing comes after: a program may take the shell's place
};

int run_node(struct node *node, u32 flags);
// Runs a command substitution; its output, without newlines at the end, is appended.
void run_substitution(const char *text, struct buffer *out);
// Redirections of the shell itself; saved descriptors go to *saved for redirect_undo, or NULL: for
// good.
struct saved_fd {
	int fd, copy;
	struct saved_fd *next;
};
bool redirect_apply(struct redirect *list, struct saved_fd **saved);
void redirect_undo(struct saved_fd *saved);
// Path of a program along PATH, in a static buffer; NULL with errno.
const char *program_find(const char *name);

struct builtin {
	const char *name;
	int (*run)(int argc, char **argv);
	bool special; // assignments in front of it stay; an error in it ends a script
};

const struct builtin *builtin_find(const char *name);
void builtins_list(void);

// --- Jobs ---

struct process {
	pid_t pid;
	int status;
	bool done, stopped;
};

struct job {
	int id;
	pid_t group;
	struct process *processes;
	int process_count;
	bool background, told;
	char *text;
	struct job *next; // newest first
};

// A job for the processes that follow.
struct job *job_new(const char *text);
// Forks a part of a job: 0 in the child, which has its signals and terminal set; -1 on an error.
// `job` may be NULL: a part of what runs already.
pid_t job_fork(struct job *job, bool background);
// Waits in the foreground; returns the status as $? is.
int job_wait(struct job *job);
int job_finish_background(struct job *job);
// Collects what has ended without waiting; tells at the prompt.
void jobs_collect(void);
void jobs_tell(void);
void jobs_forget(void); // in a child
bool jobs_stopped(void);
struct job *job_find(const char *name); // %1, %+, %name; NULL: has been said
int wait_status(int status);
void jobs_init(void);
void jobs_end(void);

int builtin_jobs(int argc, char **argv);
int builtin_fg(int argc, char **argv);
int builtin_bg(int argc, char **argv);
int builtin_wait(int argc, char **argv);
int builtin_kill(int argc, char **argv);

// --- Traps ---

int builtin_trap(int argc, char **argv);
void traps_run(void);       // those of signals that have come
void traps_exit(void);      // that of EXIT, once
void traps_reset(void);     // in a child
void signals_default(void); // in a child: what the shell ignores or catches for itself
void signals_init(void);
bool trap_pending(void);

// --- The editor ---

// A line without its newline; NULL at the end (Ctrl-D). The result is valid until the next call.
char *edit_line(const char *prompt);
void history_add(const char *line);
int builtin_history(int argc, char **argv);
