// Buffered streams over descriptors. A stream reads or writes, never both at once: one for "r+" has
// its buffer emptied when it turns around.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum stream_flags {
	STREAM_EOF = 1 << 0,
	STREAM_ERROR = 1 << 1,
	STREAM_WRITING = 1 << 2, // what the buffer holds is to be written
	STREAM_NOBUF = 1 << 3,   // written at the end of each call
	STREAM_LINES = 1 << 4,   // written at the end of each line
	STREAM_ASKED = 1 << 5,   // whether it is a terminal is known
	STREAM_OWNED = 1 << 6,   // from malloc
};

struct stream {
	int fd;
	u32 flags;
	char *buf;
	size_t start, end; // what is buffered
	struct stream *next;
};

static char in_buf[BUFSIZ], out_buf[BUFSIZ], err_buf[256];
static struct stream standard[3] = {
	{.fd = 0, .buf = in_buf, .next = &standard[1]},
	{.fd = 1, .buf = out_buf, .next = &standard[2]},
	{.fd = 2, .buf = err_buf, .flags = STREAM_NOBUF | STREAM_ASKED},
};
static struct stream *streams = standard;

FILE *const stdin = &standard[0], *const stdout = &standard[1], *const stderr = &standard[2];

static size_t stream_room(const FILE *f)
{
	return f == stderr ? sizeof(err_buf) : BUFSIZ;
}

FILE *fdopen(int fd, const char *mode)
{
	FILE *f = calloc(1, sizeof(*f));

	(void)mode;
	if (!f)
		return NULL;
	f->buf = malloc(BUFSIZ);
	if (!f->buf) {
		free(f);
		return NULL;
	}
	f->fd = fd;
	f->flags = STREAM_OWNED;
	f->next = streams;
	streams = f;
	return f;
}

FILE *fopen(const char *path, const char *mode)
{
	int flags = strchr(mode, '+') ? O_RDWR : *mode == 'r' ? O_RDONLY : O_WRONLY;

	if (*mode != 'r')
		flags |= O_CREAT | (*mode == 'w' ? O_TRUNC : O_APPEND);
	int fd = open(path, flags | O_CLOEXEC, 0666);
	FILE *f = fd < 0 ? NULL : fdopen(fd, mode);

	if (fd >= 0 && !f)
		close(fd);
	return f;
}

static int stream_flush(FILE *f)
{
	size_t n = f->end - f->start;

	if (!(f->flags & STREAM_WRITING)) {
		// What was read ahead is given back, so that a child reads on from there.
		if (n && lseek(f->fd, -(off_t)n, SEEK_CUR) >= 0)
			f->start = f->end = 0;
		return 0;
	}
	ssize_t done = write_all(f->fd, f->buf + f->start, n);

	f->start = f->end = 0;
	if (done < 0)
		f->flags |= STREAM_ERROR;
	return done < 0 ? EOF : 0;
}

int fflush(FILE *f)
{
	int result = 0;

	if (f)
		return stream_flush(f);
	for (f = streams; f; f = f->next)
		result |= stream_flush(f);
	return result;
}

void fpurge(FILE *f)
{
	f->start = f->end = 0;
}

int fclose(FILE *f)
{
	int result = stream_flush(f);

	if (close(f->fd) < 0)
		result = EOF;
	if (!(f->flags & STREAM_OWNED))
		return result;
	for (struct stream **at = &streams; *at; at = &(*at)->next) {
		if (*at == f) {
			*at = f->next;
			break;
		}
	}
	free(f->buf);
	free(f);
	return result;
}

int fileno(FILE *f)
{
	return f->fd;
}

int feof(FILE *f)
{
	return f->flags & STREAM_EOF;
}

int ferror(FILE *f)
{
	return f->flags & STREAM_ERROR;
}

void clearerr(FILE *f)
{
	f->flags &= ~(u32)(STREAM_EOF | STREAM_ERROR);
}

// --- Writing ---

static void write_begin(FILE *f)
{
	if (!(f->flags & STREAM_ASKED))
		f->flags |= STREAM_ASKED | (isatty(f->fd) ? STREAM_LINES : 0);
	if (!(f->flags & STREAM_WRITING)) {
		stream_flush(f);
		f->start = f->end = 0;
		f->flags |= STREAM_WRITING;
	}
}

static void write_part(void *stream, const char *s, size_t n)
{
	FILE *f = stream;

	while (n) {
		size_t part = MIN(n, stream_room(f) - f->end);

		memcpy(f->buf + f->end, s, part);
		f->end += part;
		s += part;
		n -= part;
		if (n)
			stream_flush(f);
	}
}

// Lines that are complete go out; without buffering, all does.
static int write_end(FILE *f, bool newline)
{
	if ((f->flags & STREAM_NOBUF) || (newline && (f->flags & STREAM_LINES)))
		stream_flush(f);
	return f->flags & STREAM_ERROR ? EOF : 0;
}

size_t fwrite(const void *p, size_t size, size_t n, FILE *f)
{
	size_t whole = size * n;

	write_begin(f);
	write_part(f, p, whole);
	return write_end(f, (f->flags & STREAM_LINES) && memchr(p, '\n', whole)) ? 0 : n;
}

int putc(int c, FILE *f)
{
	char byte = (char)c;

	write_begin(f);
	write_part(f, &byte, 1);
	return write_end(f, c == '\n') ? EOF : (u8)c;
}

int fputs(const char *s, FILE *f)
{
	size_t n = strlen(s);

	return fwrite(s, 1, n, f) == n ? 0 : EOF;
}

int puts(const char *s)
{
	return fputs(s, stdout) == EOF ? EOF : putc('\n', stdout);
}

int vfprintf(FILE *f, const char *fmt, va_list args)
{
	write_begin(f);
	int n = vformat(write_part, f, fmt, args);
	size_t length = f->end - f->start;
	bool newline = length && memchr(f->buf + f->start, '\n', length);

	return write_end(f, newline) ? -1 : n;
}

int vprintf(const char *fmt, va_list args)
{
	return vfprintf(stdout, fmt, args);
}

int printf(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int n = vfprintf(stdout, fmt, args);

	va_end(args);
	return n;
}

int fprintf(FILE *f, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int n = vfprintf(f, fmt, args);

	va_end(args);
	return n;
}

int vasprintf(char **out, const char *fmt, va_list args)
{
	va_list again;

	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, again);

	va_end(again);
	*out = n < 0 ? NULL : malloc((size_t)n + 1);
	return *out ? vsnprintf(*out, (size_t)n + 1, fmt, args) : -1;
}

int asprintf(char **out, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int n = vasprintf(out, fmt, args);

	va_end(args);
	return n;
}

int dprintf(int fd, const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	int n = vasprintf(&text, fmt, args);

	va_end(args);
	if (n >= 0 && write_all(fd, text, (size_t)n) < 0)
		n = -1;
	free(text);
	return n;
}

void perror(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
}

// --- Reading ---

// Fills an empty buffer. False at the end and on an error.
static bool read_more(FILE *f)
{
	if (f->flags & STREAM_WRITING) {
		stream_flush(f);
		f->flags &= ~(u32)STREAM_WRITING;
	}
	// Someone who is asked a question has to see it.
	if (f == stdin)
		fflush(stdout);
	ssize_t n = read(f->fd, f->buf, stream_room(f));

	f->start = 0;
	f->end = n > 0 ? (size_t)n : 0;
	if (n <= 0)
		f->flags |= n < 0 ? STREAM_ERROR : STREAM_EOF;
	return n > 0;
}

static bool read_ready(FILE *f)
{
	return (!(f->flags & STREAM_WRITING) && f->start < f->end) || read_more(f);
}

int getc(FILE *f)
{
	return read_ready(f) ? (u8)f->buf[f->start++] : EOF;
}

int ungetc(int c, FILE *f)
{
	if (c == EOF || f->start == 0)
		return EOF;
	f->buf[--f->start] = (char)c;
	f->flags &= ~(u32)STREAM_EOF;
	return c;
}

size_t fread(void *p, size_t size, size_t n, FILE *f)
{
	size_t wanted = size * n, done = 0;

	while (done < wanted && read_ready(f)) {
		size_t part = MIN(wanted - done, f->end - f->start);

		memcpy((char *)p + done, f->buf + f->start, part);
		f->start += part;
		done += part;
	}
	return size ? done / size : 0;
}

char *fgets(char *s, int size, FILE *f)
{
	int n = 0, c;

	while (n < size - 1 && (c = getc(f)) != EOF) {
		s[n++] = (char)c;
		if (c == '\n')
			break;
	}
	s[n] = '\0';
	return n ? s : NULL;
}

ssize_t getdelim(char **line, size_t *room, int delimiter, FILE *f)
{
	size_t n = 0;
	bool found = false;

	while (!found && read_ready(f)) {
		char *from = f->buf + f->start;
		char *stop = memchr(from, delimiter, f->end - f->start);
		size_t part = stop ? (size_t)(stop - from) + 1 : f->end - f->start;

		found = stop;
		if (!*line || n + part + 1 > *room) {
			size_t bigger = MAX(n + part + 1, *line ? *room * 2 : 128);
			char *new = realloc(*line, bigger);

			if (!new)
				return -1;
			*line = new;
			*room = bigger;
		}
		memcpy(*line + n, from, part);
		f->start += part;
		n += part;
	}
	if (!n)
		return -1;
	(*line)[n] = '\0';
	return (ssize_t)n;
}

ssize_t getline(char **line, size_t *room, FILE *f)
{
	return getdelim(line, room, '\n', f);
}
