// System V IPC: ipcs lists what there is, ipcmk makes it, ipcrm removes it.

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syscall.h>
#include <uapi/ipc.h>
#include <unistd.h>

#include "tool.h"

// One of the three kinds. The columns are those of the files in /proc/sysvipc, counted from 0.
static const struct kind {
	char letter;
	const char *file, *title, *id;
	struct {
		const char *title;
		int column;
	} columns[2];
	int owner;
} kinds[] = {
	{'q', "msg", "Message Queues", "msqid", {{"used-bytes", 3}, {"messages", 4}}, 7},
	{'m', "shm", "Shared Memory Segments", "shmid", {{"bytes", 3}, {"nattch", 6}}, 7},
	{'s', "sem", "Semaphore Arrays", "semid", {{"nsems", 3}, {NULL, 0}}, 4},
};

#define COLUMNS 16

// Splits a line at its blanks; the number of words.
static int split(char *line, char **words)
{
	int n = 0;

	for (char *word; n < COLUMNS && (word = strsep(&line, " "));) {
		if (*word)
			words[n++] = word;
	}
	return n;
}

static char *table_of(const struct kind *kind)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/sysvipc/%s", kind->file);
	return file_read(path, NULL);
}

static int list(char **argv, const struct kind *kind)
{
	char *text = table_of(kind), *rest = text, *line, *words[COLUMNS];

	if (!text)
		return tool_error(argv, kind->file);
	printf("\n------ %s --------\n%-10s %-10s %-10s %-10s", kind->title, "key", kind->id,
	       "owner", "perms");
	for (size_t i = 0; i < ARRAY_SIZE(kind->columns) && kind->columns[i].title; i++)
		printf(" %-10s", kind->columns[i].title);
	puts("");
	strsep(&rest, "\n");
	while ((line = strsep(&rest, "\n"))) {
		if (split(line, words) <= kind->owner)
			continue;
		printf("0x%08x %-10s %-10s %-10s", (unsigned)strtol(words[0], NULL, 10), words[1],
		       words[kind->owner], words[2]);
		for (size_t i = 0; i < ARRAY_SIZE(kind->columns) && kind->columns[i].title; i++)
			printf(" %-10s", words[kind->columns[i].column]);
		puts("");
	}
	free(text);
	return 0;
}

int ipcs_main(int argc, char **argv)
{
	static const char synopsis[] = "[-q] [-m] [-s] [-a]";
	bool chosen[ARRAY_SIZE(kinds)] = {0}, any = false;
	int c, status = 0;

	tool_help(argc, argv, synopsis,
		  "Lists System V message queues (-q), shared memory (-m) and semaphores (-s);\n"
		  "all of them (-a) if none is named.\n");
	while ((c = getopt(argc, argv, "qmsa")) != -1) {
		if (c == '?')
			return tool_usage(argv, synopsis);
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
			if (c == kinds[i].letter)
				chosen[i] = any = true;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (chosen[i] || !any)
			status |= list(argv, &kinds[i]);
	}
	return status;
}

static bool parse_number(char **argv, const char *text, int base, long *out)
{
	char *end;

	*out = strtol(text, &end, base);
	if (*text && !*end)
		return true;
	tool_complain(argv, "%s: is no number", text);
	return false;
}

int ipcmk_main(int argc, char **argv)
{
	static const char synopsis[] = "[-M SIZE] [-S NUMBER] [-Q] [-p MODE]";
	long shm = -1, sem = -1, mode = 0644, id;
	bool queue = false;
	int c, status = 0;

	tool_help(argc, argv, synopsis,
		  "Makes System V IPC objects with keys of their own, and prints their ids.\n\n"
		  "  -M SIZE    shared memory of so many bytes\n"
		  "  -S NUMBER  an array of so many semaphores\n"
		  "  -Q         a message queue\n"
		  "  -p MODE    permissions (0644)\n");
	while ((c = getopt(argc, argv, "M:S:Qp:")) != -1) {
		if (c == 'Q')
			queue = true;
		else if (c == '?' || !parse_number(argv, optarg, c == 'p' ? 8 : 10,
						   c == 'M'   ? &shm
						   : c == 'S' ? &sem
							      : &mode))
			return tool_usage(argv, synopsis);
	}
	if (shm < 0 && sem < 0 && !queue)
		return tool_usage(argv, synopsis);
	// The key is only there to be found by; any that is free will do.
	int key = (int)((unsigned)getpid() << 8 | 1), flags = (int)mode | IPC_CREAT | IPC_EXCL;

	if (shm >= 0) {
		id = syscall(SYS_shmget, key, shm, flags);
		if (id < 0)
			status = tool_error(argv, "shared memory");
		else
			printf("Shared memory id: %ld\n", id);
	}
	if (sem >= 0) {
		id = syscall(SYS_semget, key, sem, flags);
		if (id < 0)
			status = tool_error(argv, "semaphores");
		else
			printf("Semaphore id: %ld\n", id);
	}
	if (queue) {
		id = syscall(SYS_msgget, key, flags);
		if (id < 0)
			status = tool_error(argv, "message queue");
		else
			printf("Message queue id: %ld\n", id);
	}
	return status;
}

static long remove_id(char kind, long id)
{
	return kind == 'm'   ? syscall(SYS_shmctl, id, IPC_RMID, NULL)
	       : kind == 's' ? syscall(SYS_semctl, id, 0, IPC_RMID, NULL)
			     : syscall(SYS_msgctl, id, IPC_RMID, NULL);
}

static long id_of_key(char kind, long key)
{
	return kind == 'm'   ? syscall(SYS_shmget, key, 0, 0)
	       : kind == 's' ? syscall(SYS_semget, key, 0, 0)
			     : syscall(SYS_msgget, key, 0);
}

static int remove_all(char **argv, const struct kind *kind)
{
	char *text = table_of(kind), *rest = text, *line, *words[COLUMNS];
	int status = 0;

	if (!text)
		return tool_error(argv, kind->file);
	strsep(&rest, "\n");
	while ((line = strsep(&rest, "\n"))) {
		if (split(line, words) > kind->owner &&
		    remove_id(kind->letter, strtol(words[1], NULL, 10)) < 0)
			status = tool_error(argv, words[1]);
	}
	free(text);
	return status;
}

int ipcrm_main(int argc, char **argv)
{
	static const char synopsis[] = "[-q ID] [-m ID] [-s ID] [-Q KEY] [-M KEY] [-S KEY] [-a]";
	int c, status = 0;
	bool any = false;
	long number;

	tool_help(
		argc, argv, synopsis,
		"Removes message queues (-q), shared memory (-m) and semaphores (-s) by id, or by\n"
		"key (in capitals); with -a all of them.\n");
	while ((c = getopt(argc, argv, "q:m:s:Q:M:S:a")) != -1) {
		any = true;
		if (c == 'a') {
			for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
				status |= remove_all(argv, &kinds[i]);
			continue;
		}
		if (c == '?' || !parse_number(argv, optarg, 0, &number))
			return tool_usage(argv, synopsis);
		char kind = (char)tolower(c);

		if (isupper(c))
			number = id_of_key(kind, number);
		if (number < 0 || remove_id(kind, number) < 0)
			status = tool_error(argv, optarg);
	}
	return any ? status : tool_usage(argv, synopsis);
}
