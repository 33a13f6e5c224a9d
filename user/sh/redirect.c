// Redirections: opened one after the other, the old descriptors kept for later if need be.

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sh.h"

#define SAVED_FROM 10 // copies go here and above

static bool keep(int fd, struct saved_fd **saved)
{
	if (!saved)
		return true;
	struct saved_fd *s = xmalloc(sizeof(*s));

	s->fd = fd;
	s->copy = fcntl(fd, F_DUPFD_CLOEXEC, SAVED_FROM);
	if (s->copy < 0 && errno != EBADF) {
		shell_error("%d: %s", fd, strerror(errno));
		free(s);
		return false;
	}
	s->next = *saved;
	*saved = s;
	return true;
}

void redirect_undo(struct saved_fd *saved)
{
	while (saved) {
		struct saved_fd *next = saved->next;

		if (saved->copy >= 0) {
			dup2(saved->copy, saved->fd);
			close(saved->copy);
		} else {
			close(saved->fd);
		}
		free(saved);
		saved = next;
	}
}

// The text of a here-document becomes a pipe if it fits, else a child writes it.
static int open_here(const char *text)
{
	size_t n = strlen(text);
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	if (n <= PIPE_BUF) {
		write_all(fds[1], text, n);
	} else if (job_fork(NULL, true) == 0) {
		close(fds[0]);
		write_all(fds[1], text, n);
		_exit(0);
	}
	close(fds[1]);
	return fds[0];
}

static int open_file(const struct redirect *r, const char *path)
{
	struct stat st;

	switch (r->kind) {
	case REDIRECT_IN:
		return open(path, O_RDONLY | O_CLOEXEC);
	case REDIRECT_APPEND:
		return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	case REDIRECT_BOTH:
		return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	case REDIRECT_OUT:
		if (sh.no_clobber && stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
			errno = EEXIST;
			return -1;
		}
		FALLTHROUGH;
	default:
		return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	}
}

// <&n, >&n and >&-.
static bool apply_dup(const struct redirect *r, const char *word)
{
	char *end;
	long from = strtol(word, &end, 10);

	if (!strcmp(word, "-")) {
		close(r->fd);
		return true;
	}
	if (!isdigit(*word) || *end) {
		shell_error("%s: is no descriptor", word);
		return false;
	}
	if (dup2((int)from, r->fd) < 0) {
		shell_error("%s: %s", word, strerror(errno));
		return false;
	}
	return true;
}

static bool apply_one(const struct redirect *r, struct arena *arena)
{
	char *word = NULL;
	int fd;

	if (r->kind == REDIRECT_HERE) {
		const char *text = r->quoted ? r->word : expand_here(r->word, arena);

		fd = text ? open_here(text) : -1;
		if (!text)
			return false;
	} else {
		word = expand_string(r->word, arena);
		if (!word)
			return false;
		if (r->kind == REDIRECT_DUP_IN || r->kind == REDIRECT_DUP_OUT)
			return apply_dup(r, word);
		fd = open_file(r, word);
	}
	if (fd < 0) {
		shell_error("%s: %s", word ? word : "here-document", strerror(errno));
		return false;
	}
	if (fd == r->fd) {
		fcntl(fd, F_SETFD, 0l);
		return true;
	}
	bool done = dup2(fd, r->fd) >= 0;

	if (!done)
		shell_error("%d: %s", r->fd, strerror(errno));
	close(fd);
	return done;
}

bool redirect_apply(struct redirect *list, struct saved_fd **saved)
{
	if (!list)
		return true;
	struct arena *arena = arena_new();
	bool done = true;

	for (; list && done; list = list->next)
		done = keep(list->fd, saved) && apply_one(list, arena);
	arena_put(arena);
	return done;
}
