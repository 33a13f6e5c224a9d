// Listing, making and removing names: ls mkdir rm rmdir.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/system.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

struct item {
	char *name;
	struct stat st;
};

static struct {
	bool all, almost, longer, directory, one, human, recursive, by_time, by_size, reverse,
		inode, numeric, classify, color;
	unsigned width;
} ls;

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order = 0;

	if (ls.by_time)
		order = x->st.st_mtime_sec != y->st.st_mtime_sec
				? (x->st.st_mtime_sec < y->st.st_mtime_sec ? 1 : -1)
				: (x->st.st_mtime_nsec < y->st.st_mtime_nsec) -
					  (x->st.st_mtime_nsec > y->st.st_mtime_nsec);
	else if (ls.by_size)
		order = (x->st.st_size < y->st.st_size) - (x->st.st_size > y->st.st_size);
	if (!order)
		order = strcmp(x->name, y->name);
	return ls.reverse ? -order : order;
}

static const char *item_color(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return "\033[1;34m";
	if (S_ISLNK(st->st_mode))
		return "\033[1;36m";
	if (S_ISREG(st->st_mode))
		return st->st_mode & 0111 ? "\033[1;32m" : "";
	return "\033[1;33m";
}

static char item_mark(const struct stat *st)
{
	if (!ls.classify)
		return '\0';
	return S_ISDIR(st->st_mode)    ? '/'
	       : S_ISLNK(st->st_mode)  ? '@'
	       : S_ISFIFO(st->st_mode) ? '|'
	       : S_ISSOCK(st->st_mode) ? '='
	       : st->st_mode & 0111    ? '*'
				       : '\0';
}

static void put_name(const struct item *item)
{
	const char *color = ls.color ? item_color(&item->st) : "";

	if (ls.inode)
		printf("%lu ", item->st.st_ino);
	printf("%s%s%s", color, item->name, *color ? "\033[0m" : "");
	if (item_mark(&item->st))
		putchar(item_mark(&item->st));
}

static void put_long(const char *dir, const struct item *item)
{
	char mode[11], date[24], size[24];
	const struct stat *st = &item->st;
	time_t when = st->st_mtime_sec, age = time(NULL) - when;
	struct tm tm;

	mode_format(st->st_mode, mode);
	gmtime_r(&when, &tm);
	strftime(date, sizeof(date), age > -60 && age < 180 * 86400l ? "%b %e %H:%M" : "%b %e  %Y",
		 &tm);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		snprintf(size, sizeof(size), "%u, %u", major(st->st_rdev), minor(st->st_rdev));
	else if (ls.human)
		size_format((u64)st->st_size, size, sizeof(size));
	else
		snprintf(size, sizeof(size), "%ld", st->st_size);
	printf("%s %3u ", mode, st->st_nlink);
	if (!ls.numeric && !st->st_uid)
		printf("%-6s ", "root");
	else
		printf("%-6u ", st->st_uid);
	if (!ls.numeric && !st->st_gid)
		printf("%-6s ", "root");
	else
		printf("%-6u ", st->st_gid);
	printf("%9s %s ", size, date);
	put_name(item);
	if (S_ISLNK(st->st_mode)) {
		char target[PATH_MAX], *path = path_join(dir, item->name);
		ssize_t n = readlink(path, target, sizeof(target) - 1);

		target[n > 0 ? n : 0] = '\0';
		printf(" -> %s", target);
		free(path);
	}
	putchar('\n');
}

static void put_columns(const struct item *items, size_t n)
{
	size_t widest = 0;

	for (size_t i = 0; i < n; i++)
		widest = MAX(widest, strlen(items[i].name));
	widest += 2 + ls.classify + (ls.inode ? 8 : 0);
	size_t per_row = MAX(ls.width / widest, 1ul), rows = DIV_ROUND_UP(n, per_row);

	for (size_t row = 0; row < rows; row++) {
		for (size_t i = row; i < n; i += rows) {
			put_name(&items[i]);
			if (i + rows < n)
				printf("%*s", (int)(widest - strlen(items[i].name)), "");
		}
		putchar('\n');
	}
}

static void put_items(const char *dir, struct item *items, size_t n)
{
	if (n)
		qsort(items, n, sizeof(*items), compare_items);
	if (!ls.longer && !ls.one && n) {
		put_columns(items, n);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (ls.longer) {
			put_long(dir, &items[i]);
		} else {
			put_name(&items[i]);
			putchar('\n');
		}
	}
}

static int list_directory(char **argv, const char *path, bool titled)
{
	DIR *dir = opendir(path);
	struct item *items = NULL;
	size_t n = 0;
	s64 blocks = 0;
	int status = 0;

	if (!dir)
		return tool_error(argv, path);
	for (struct dirent *entry; (entry = readdir(dir));) {
		const char *name = entry->d_name;

		if (*name == '.' && !ls.all &&
		    (!ls.almost || !strcmp(name, ".") || !strcmp(name, "..")))
			continue;
		items = xrealloc(items, (n + 1) * sizeof(*items));
		if (fstatat(dirfd(dir), name, &items[n].st, AT_SYMLINK_NOFOLLOW) < 0) {
			status = tool_error(argv, name);
			continue;
		}
		blocks += items[n].st.st_blocks;
		items[n++].name = xstrdup(name);
	}
	closedir(dir);
	if (titled)
		printf("%s:\n", path);
	if (ls.longer)
		printf("total %ld\n", blocks / 2);
	put_items(path, items, n);
	for (size_t i = 0; i < n; i++) {
		if (ls.recursive && S_ISDIR(items[i].st.st_mode) && strcmp(items[i].name, ".") &&
		    strcmp(items[i].name, "..")) {
			char *below = path_join(path, items[i].name);

			putchar('\n');
			status |= list_directory(argv, below, true);
			free(below);
		}
		free(items[i].name);
	}
	free(items);
	return status;
}

static const char ls_help[] =
	"Lists directories (the current one by default) and files.\n\n"
	"  -a  also names that begin with a dot    -A  but not . and ..\n"
	"  -l  with mode, owner, size and time     -n  with numbers for owners\n"
	"  -h  sizes for people                    -i  with inode numbers\n"
	"  -d  directories themselves              -R  and what is below\n"
	"  -t  newest first   -S  largest first    -r  the other way round\n"
	"  -1  one to a line                       -F  mark kinds with a character\n";

static bool ls_options(int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "aAldhinRtSr1FC", NULL, NULL)) != -1) {
		switch (c) {
		case 'a':
			ls.all = true;
			break;
		case 'A':
			ls.almost = true;
			break;
		case 'n':
			ls.numeric = true;
			FALLTHROUGH;
		case 'l':
			ls.longer = true;
			break;
		case 'd':
			ls.directory = true;
			break;
		case 'h':
			ls.human = true;
			break;
		case 'i':
			ls.inode = true;
			break;
		case 'R':
			ls.recursive = true;
			break;
		case 't':
			ls.by_time = true;
			break;
		case 'S':
			ls.by_size = true;
			break;
		case 'r':
			ls.reverse = true;
			break;
		case '1':
			ls.one = true;
			break;
		case 'C':
			ls.one = false;
			break;
		case 'F':
			ls.classify = true;
			break;
		default:
			return false;
		}
	}
	return true;
}

int ls_main(int argc, char **argv)
{
	struct winsize size;
	struct item *files = NULL;
	size_t n = 0;
	int status = 0, directories = 0;
	char *here[] = {"."};

	tool_help(argc, argv, "[-aAldhinRtSr1F] [FILE...]", ls_help);
	ls.color = isatty(1);
	ls.one = !ls.color;
	ls.width = ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
	if (!ls_options(argc, argv))
		return 2;
	char **names = optind < argc ? argv + optind : here;
	int count = MAX(argc - optind, 1);

	for (int i = 0; i < count; i++) {
		struct stat st;
		bool follow = !ls.longer && !ls.directory;

		if ((follow ? stat : lstat)(names[i], &st) < 0 && lstat(names[i], &st) < 0) {
			status = tool_error(argv, names[i]);
		} else if (S_ISDIR(st.st_mode) && !ls.directory) {
			directories++;
			continue;
		} else {
			files = xrealloc(files, (n + 1) * sizeof(*files));
			files[n++] = (struct item){names[i], st};
		}
		names[i] = NULL;
	}
	put_items(".", files, n);
	for (int i = 0; i < count; i++) {
		if (!names[i])
			continue;
		if (n++)
			putchar('\n');
		status |= list_directory(argv, names[i], count > 1 || ls.recursive);
	}
	free(files);
	return status;
}

int mkdir_main(int argc, char **argv)
{
	static const char synopsis[] = "[-p] [-m MODE] DIRECTORY...";
	bool parents = false;
	long mode = 0777;
	int c, status = 0;

	tool_help(argc, argv, synopsis,
		  "Makes directories.\n\n  -p       those above as well; no error if it is there\n"
		  "  -m MODE  with this mode\n");
	while ((c = getopt_long(argc, argv, "pm:", NULL, NULL)) != -1) {
		if (c == 'p')
			parents = true;
		else if (c != 'm' || (mode = mode_parse(optarg, 0777, true)) < 0)
			return tool_usage(argv, synopsis);
	}
	if (optind == argc)
		return tool_usage(argv, synopsis);
	for (; optind < argc; optind++) {
		char *path = argv[optind];

		for (char *s = path + 1; parents && *path && *s; s++) {
			if (*s != '/')
				continue;
			*s = '\0';
			mkdir(path, 0777);
			*s = '/';
		}
		struct stat st;

		if (mkdir(path, (unsigned)mode) < 0 &&
		    !(parents && errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
			status = tool_error(argv, path);
		else if (mode != 0777)
			chmod(path, (unsigned)mode);
	}
	return status;
}

int rmdir_main(int argc, char **argv)
{
	int status = 0;

	tool_help(argc, argv, "DIRECTORY...", "Removes empty directories.\n");
	if (argc < 2)
		return tool_usage(argv, "DIRECTORY...");
	for (int i = 1; i < argc; i++) {
		if (rmdir(argv[i]) < 0)
			status = tool_error(argv, argv[i]);
	}
	return status;
}

static bool confirm(char **argv, const char *path)
{
	char answer[16];

	fprintf(stderr, "%s: remove %s? ", path_base(argv[0]), path);
	return fgets(answer, sizeof(answer), stdin) && (*answer | 32) == 'y';
}

int remove_tree(char **argv, const char *path, bool recursive, bool force, bool ask)
{
	struct stat st;
	int status = 0;

	if (lstat(path, &st) < 0)
		return force && errno == ENOENT ? 0 : tool_error(argv, path);
	if (S_ISDIR(st.st_mode) && !recursive) {
		errno = EISDIR;
		return tool_error(argv, path);
	}
	if (ask && !confirm(argv, path))
		return 0;
	if (!S_ISDIR(st.st_mode))
		return unlink(path) < 0 ? tool_error(argv, path) : 0;
	DIR *dir = opendir(path);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		char *below = path_join(path, entry->d_name);

		status |= remove_tree(argv, below, true, force, ask);
		free(below);
	}
	if (dir)
		closedir(dir);
	return rmdir(path) < 0 ? tool_error(argv, path) : status;
}

int rm_main(int argc, char **argv)
{
	static const char synopsis[] = "[-fir] FILE...";
	bool recursive = false, force = false, ask = false;
	int c, status = 0;

	tool_help(argc, argv, synopsis,
		  "Removes files.\n\n  -r  directories and all in them\n"
		  "  -f  no error when there is no such file\n  -i  ask before each\n");
	while ((c = getopt_long(argc, argv, "firR", NULL, NULL)) != -1) {
		if (c == '?')
			return 2;
		force |= c == 'f';
		ask = c == 'i' || (ask && c != 'f');
		recursive |= c == 'r' || c == 'R';
	}
	if (optind == argc && !force)
		return tool_usage(argv, synopsis);
	for (; optind < argc; optind++) {
		const char *base = path_base(argv[optind]);

		if (!strcmp(base, ".") || !strcmp(base, "..") || !strcmp(base, "/"))
			status = tool_complain(argv, "%s: will not be removed", argv[optind]);
		else
			status |= remove_tree(argv, argv[optind], recursive, force, ask);
	}
	return status;
}
