// Editing of a line at the terminal: cursor keys, history, completion of names. The terminal is in
// its raw mode only while a line is read.
//
// The line is drawn relative to where the prompt began: the editor counts the columns that prompt
// and text take, and moves up and down by rows of the terminal's width.

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/system.h>
#include <termios.h>
#include <unistd.h>

#include "../tools/tool.h"
#include "sh.h"

#define HISTORY_MAX 200
#define CTRL(c)     ((c)&31)

enum key {
	KEY_END_OF_INPUT = -1,
	KEY_LEFT = 1000,
	KEY_RIGHT,
	KEY_UP,
	KEY_DOWN,
	KEY_HOME,
	KEY_END,
	KEY_DELETE,
	KEY_WORD_LEFT,
	KEY_WORD_RIGHT,
	KEY_UNKNOWN,
};

static char *history[HISTORY_MAX];
static int history_count;

static struct buffer line, kept; // the text; what Ctrl-K and kin have cut
static struct buffer screen;     // what is to be written
static const char *prompt;
static size_t cursor, prompt_width, drawn_row;
static unsigned columns;
static bool fresh; // nothing of the line is drawn yet

void history_add(const char *text)
{
	if (!*text || (history_count && !strcmp(history[history_count - 1], text)))
		return;
	if (history_count == HISTORY_MAX) {
		free(history[0]);
		memmove(history, history + 1, sizeof(*history) * (HISTORY_MAX - 1));
		history_count--;
	}
	history[history_count++] = xstrdup(text);
}

int builtin_history(int argc, char **argv)
{
	for (int i = 0; i < history_count; i++)
		printf("%5d  %s\n", i + 1, history[i]);
	return 0;
}

// --- Keys ---

static int read_byte(void)
{
	u8 c;
	ssize_t n;

	do {
		n = read(0, &c, 1);
	} while (n < 0 && errno == EINTR);
	return n == 1 ? c : KEY_END_OF_INPUT;
}

// Behind ESC: [ or O, numbers, and a letter.
static int read_escape(void)
{
	int c = read_byte(), number = 0, modifier = 0;

	if (c == 'b')
		return KEY_WORD_LEFT;
	if (c == 'f')
		return KEY_WORD_RIGHT;
	if (c != '[' && c != 'O')
		return KEY_UNKNOWN;
	for (c = read_byte(); isdigit(c) || c == ';'; c = read_byte()) {
		if (c == ';')
			modifier = 1;
		else if (!modifier)
			number = number * 10 + c - '0';
	}
	switch (c) {
	case 'A':
		return KEY_UP;
	case 'B':
		return KEY_DOWN;
	case 'C':
		return modifier ? KEY_WORD_RIGHT : KEY_RIGHT;
	case 'D':
		return modifier ? KEY_WORD_LEFT : KEY_LEFT;
	case 'H':
		return KEY_HOME;
	case 'F':
		return KEY_END;
	case '~':
		return number == 3                  ? KEY_DELETE
		       : number == 1 || number == 7 ? KEY_HOME
		       : number == 4 || number == 8 ? KEY_END
						    : KEY_UNKNOWN;
	default:
		return KEY_UNKNOWN;
	}
}

static int read_key(void)
{
	int c = read_byte();

	return c == 27 ? read_escape() : c;
}

// --- Drawing ---

// Columns that text takes: bytes that go on a UTF-8 character take none, nor do escape sequences.
static size_t width(const char *s, size_t n)
{
	size_t columns_used = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == 27 && i + 1 < n && s[i + 1] == '[') {
			for (i += 2; i < n && !isalpha(s[i]); i++)
				;
			continue;
		}
		columns_used += ((u8)s[i] & 0xc0) != 0x80;
	}
	return columns_used;
}

static void put_move(size_t n, char direction)
{
	char text[16];

	if (n) {
		snprintf(text, sizeof(text), "\033[%lu%c", n, direction);
		buffer_puts(&screen, text);
	}
}

static void screen_write(void)
{
	write_all(1, screen.text, screen.length);
	screen.length = 0;
}

static void redraw(void)
{
	size_t whole = prompt_width + width(line.text, line.length);
	size_t at = prompt_width + width(line.text, cursor);

	if (!fresh) {
		put_move(drawn_row, 'A');
		buffer_puts(&screen, "\r\033[J");
	}
	fresh = false;
	buffer_puts(&screen, prompt);
	buffer_put(&screen, line.text, line.length);
	// At the right edge a terminal waits with the new row until something comes.
	if (whole && whole % columns == 0)
		buffer_puts(&screen, "\r\n");
	if (at != whole) {
		put_move(whole / columns - at / columns, 'A');
		buffer_puts(&screen, "\r");
		put_move(at % columns, 'C');
	}
	drawn_row = at / columns;
	screen_write();
}

// --- Changes ---

static size_t step(size_t at, int direction)
{
	do {
		if (direction < 0 ? at == 0 : at >= line.length)
			return at;
		at += (size_t)direction;
	} while (at < line.length && ((u8)line.text[at] & 0xc0) == 0x80);
	return at;
}

static size_t word_step(size_t at, int direction)
{
	if (direction < 0) {
		while (at && isspace(line.text[at - 1]))
			at--;
		while (at && !isspace(line.text[at - 1]))
			at--;
		return at;
	}
	while (at < line.length && isspace(line.text[at]))
		at++;
	while (at < line.length && !isspace(line.text[at]))
		at++;
	return at;
}

static void cut(size_t from, size_t to, bool keep)
{
	if (keep) {
		kept.length = 0;
		buffer_put(&kept, line.text + from, to - from);
	}
	memmove(line.text + from, line.text + to, line.length - to + 1);
	line.length -= to - from;
	cursor = from;
}

static void insert(const char *s, size_t n)
{
	size_t old = line.length;

	buffer_put(&line, s, n); // makes room
	memmove(line.text + cursor + n, line.text + cursor, old - cursor);
	memcpy(line.text + cursor, s, n);
	cursor += n;
}

static void replace_line(const char *s)
{
	line.length = 0;
	buffer_puts(&line, s);
	cursor = line.length;
}

// --- Completion ---

struct completion {
	struct buffer common; // what all candidates begin with
	int count;
	bool show, directory;
};

static void candidate(struct completion *c, const char *name, bool directory)
{
	if (c->show) {
		buffer_puts(&screen, name);
		buffer_puts(&screen, directory ? "/  " : "  ");
		return;
	}
	if (!c->count++) {
		buffer_puts(&c->common, name);
		c->directory = directory;
		return;
	}
	size_t n = 0;

	while (c->common.text[n] && c->common.text[n] == name[n])
		n++;
	c->common.text[c->common.length = n] = '\0';
}

static void complete_path(struct completion *c, const char *dir, const char *start, bool programs)
{
	DIR *stream = opendir(dir);
	struct stat st;

	for (struct dirent *e; stream && (e = readdir(stream));) {
		if (!str_starts_with(e->d_name, start) || (*e->d_name == '.' && *start != '.'))
			continue;
		char *path = path_join(dir, e->d_name);
		bool known = stat(path, &st) == 0;

		if (!programs || (known && S_ISREG(st.st_mode) && (st.st_mode & 0111)))
			candidate(c, e->d_name, known && S_ISDIR(st.st_mode));
		free(path);
	}
	if (stream)
		closedir(stream);
}

static void complete_word(struct completion *c, const char *word, bool command)
{
	const char *slash = strrchr(word, '/');

	if (slash) {
		char *dir = strndup(word, (size_t)(slash - word) + 1);

		if (dir)
			complete_path(c, dir, slash + 1, false);
		free(dir);
	} else if (command) {
		const char *path = var_get("PATH");

		for (; path && *path; path += *path == ':') {
			size_t n = strcspn(path, ":");
			char *dir = strndup(path, n);

			if (dir)
				complete_path(c, dir, word, true);
			free(dir);
			path += n;
		}
	} else {
		complete_path(c, ".", word, false);
	}
}

static void complete(bool again)
{
	struct completion c = {0};
	size_t start = cursor, first;

	while (start && !strchr(" \t;|&<>()=", line.text[start - 1]))
		start--;
	for (first = start; first && isblank(line.text[first - 1]);)
		first--;
	bool command = !first || strchr(";|&(", line.text[first - 1]);
	char *word = strndup(line.text + start, cursor - start);
	const char *base = word ? strrchr(word, '/') : NULL;

	base = base ? base + 1 : word;
	buffer_put(&c.common, "", 0);
	if (word)
		complete_word(&c, word, command);
	size_t have = base ? strlen(base) : 0;

	if (c.count && c.common.length > have)
		insert(c.common.text + have, c.common.length - have);
	if (c.count == 1 && c.common.length >= have) {
		insert(c.directory ? "/" : " ", 1);
	} else if (c.count > 1 && again) {
		c.show = true;
		buffer_puts(&screen, "\r\n");
		complete_word(&c, word, command);
		buffer_puts(&screen, "\r\n");
		drawn_row = 0;
	} else if (!c.count) {
		buffer_putc(&screen, '\a');
	}
	free(c.common.text);
	free(word);
}

// --- The loop ---

// Moves to another line of the history; *at counts from the oldest, the new line is behind the last.
static void history_move(int *at, int by, char **edited)
{
	int to = *at + by;

	if (to < 0 || to > history_count)
		return;
	if (*at == history_count) {
		free(*edited);
		*edited = xstrdup(line.text);
	}
	*at = to;
	replace_line(to == history_count ? *edited : history[to]);
}

static void edit_move(int key)
{
	switch (key) {
	case KEY_LEFT:
	case CTRL('B'):
		cursor = step(cursor, -1);
		break;
	case KEY_RIGHT:
	case CTRL('F'):
		cursor = step(cursor, 1);
		break;
	case KEY_HOME:
	case CTRL('A'):
		cursor = 0;
		break;
	case KEY_END:
	case CTRL('E'):
		cursor = line.length;
		break;
	case KEY_WORD_LEFT:
		cursor = word_step(cursor, -1);
		break;
	case KEY_WORD_RIGHT:
		cursor = word_step(cursor, 1);
		break;
	default:
		break;
	}
}

static void edit_change(int key)
{
	char c = (char)key;

	switch (key) {
	case 127:
	case CTRL('H'):
		cut(step(cursor, -1), cursor, false);
		break;
	case KEY_DELETE:
	case CTRL('D'):
		cut(cursor, step(cursor, 1), false);
		break;
	case CTRL('K'):
		cut(cursor, line.length, true);
		break;
	case CTRL('U'):
		cut(0, cursor, true);
		break;
	case CTRL('W'):
		cut(word_step(cursor, -1), cursor, true);
		break;
	case CTRL('Y'):
		insert(kept.text ? kept.text : "", kept.length);
		break;
	case CTRL('L'):
		buffer_puts(&screen, "\033[H\033[J");
		drawn_row = 0;
		break;
	default:
		if (key >= ' ' && key < 256)
			insert(&c, 1);
		else
			edit_move(key);
	}
}

// The usual case, a character at the end of the line, needs no drawing of the rest.
static bool edit_append(int key)
{
	char c = (char)key;

	if (key < ' ' || key > '~' || cursor != line.length ||
	    (prompt_width + width(line.text, line.length) + 1) % columns == 0)
		return false;
	insert(&c, 1);
	buffer_putc(&screen, c);
	drawn_row = (prompt_width + width(line.text, line.length)) / columns;
	screen_write();
	return true;
}

// Reads keys until the line is done. False at the end of the input.
static bool edit_keys(void)
{
	int at = history_count, last = 0;
	char *edited = NULL;
	bool more = true, drawn = false;

	for (;;) {
		if (!drawn)
			redraw();
		int key = read_key();

		drawn = edit_append(key);
		if (drawn)
			continue;

		if (key == '\r' || key == '\n')
			break;
		if (key == KEY_END_OF_INPUT || (key == CTRL('D') && !line.length)) {
			more = false;
			break;
		}
		if (key == CTRL('C')) {
			cursor = line.length;
			redraw();
			buffer_puts(&screen, "^C");
			line.length = 0;
			line.text[0] = '\0';
			sh.interrupted = true;
			sh.status = 130;
			break;
		}
		if (key == KEY_UP || key == CTRL('P'))
			history_move(&at, -1, &edited);
		else if (key == KEY_DOWN || key == CTRL('N'))
			history_move(&at, 1, &edited);
		else if (key == '\t')
			complete(last == '\t');
		else
			edit_change(key);
		last = key;
	}
	if (more && !sh.interrupted && cursor != line.length) {
		cursor = line.length;
		redraw();
	}
	buffer_puts(&screen, "\r\n");
	screen_write();
	free(edited);
	return more;
}

// A terminal that cannot move the cursor, or input from elsewhere with -i.
static char *plain_line(void)
{
	char c;
	ssize_t n;

	fputs(prompt, stderr);
	while ((n = read(0, &c, 1)) == 1 && c != '\n')
		buffer_putc(&line, c);
	if (n < 0 && errno == EINTR && sh.interrupted)
		line.length = 0;
	else if (n <= 0 && !line.length)
		return NULL;
	buffer_put(&line, "", 0);
	return line.text;
}

char *edit_line(const char *text)
{
	const char *kind = var_get("TERM"), *newline = strrchr(text, '\n');
	struct termios modes, raw;
	struct winsize size;

	fflush(NULL);
	prompt = text;
	line.length = cursor = drawn_row = 0;
	fresh = true;
	buffer_put(&line, "", 0);
	if (tcgetattr(0, &modes) < 0 || (kind && !strcmp(kind, "dumb")))
		return plain_line();
	raw = modes;
	cfmakeraw(&raw);
	raw.c_oflag = modes.c_oflag;
	raw.c_iflag |= modes.c_iflag & IUTF8;
	tcsetattr(0, TCSETSW - TCSETS, &raw);
	columns = ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
	if (newline) {
		write_all(1, text, (size_t)(newline - text) + 1);
		prompt = newline + 1;
	}
	prompt_width = width(prompt, strlen(prompt));
	bool more = edit_keys();

	tcsetattr(0, TCSETSW - TCSETS, &modes);
	history_add(line.text);
	return more ? line.text : NULL;
}
