// Copying, moving and changing files: chmod chown cp ln mkfifo mknod mv readlink stat touch.

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

static struct {
	bool recursive, preserve, force, links, verbose;
} cp;

static int copy_tree(char **argv, const char *from, const char *to);

static void copy_times(const struct stat *st, const char *to)
{
	struct timespec times[2] = {{st->st_atime_sec, (long)st->st_atime_nsec},
				    {st->st_mtime_sec, (long)st->st_mtime_nsec}};

	if (!cp.preserve)
		return;
	lchown(to, st->st_uid, st->st_gid);
	if (!S_ISLNK(st->st_mode))
		chmod(to, st->st_mode & 07777);
	utimensat(AT_FDCWD, to, times, AT_SYMLINK_NOFOLLOW);
}

static int copy_regular(char **argv, const char *from, const struct stat *st, const char *to)
{
	struct stat old;
	int status = 0;

	if (stat(to, &old) == 0 && old.st_dev == st->st_dev && old.st_ino == st->st_ino)
		return tool_complain(argv, "%s and %s are the same file", from, to);
	int in = open(from, O_RDONLY | O_CLOEXEC);

	if (in < 0)
		return tool_error(argv, from);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, st->st_mode & 0777);

	if (out < 0 && cp.force && unlink(to) == 0)
		out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, st->st_mode & 0777);
	if (out < 0)
		status = tool_error(argv, to);
	else if (copy_fd(in, out) < 0)
		status = tool_error(argv, to);
	if (out >= 0 && close(out) < 0)
		status = tool_error(argv, to);
	close(in);
	return status;
}

static int copy_directory(char **argv, const char *from, const struct stat *st, const char *to)
{
	DIR *dir = opendir(from);
	int status = 0;

	if (!dir)
		return tool_error(argv, from);
	if (mkdir(to, st->st_mode & 07777) < 0 && errno != EEXIST)
		status = tool_error(argv, to);
	for (struct dirent *e; !status && (e = readdir(dir));) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		char *source = path_join(from, e->d_name), *target = path_join(to, e->d_name);

		status = copy_tree(argv, source, target);
		free(source);
		free(target);
	}
	closedir(dir);
	return status;
}

static int copy_link(char **argv, const char *from, const char *to)
{
	char target[PATH_MAX];
	ssize_t n = readlink(from, target, sizeof(target) - 1);

	if (n < 0)
		return tool_error(argv, from);
	target[n] = '\0';
	unlink(to);
	return symlink(target, to) < 0 ? tool_error(argv, to) : 0;
}

static int copy_tree(char **argv, const char *from, const char *to)
{
	struct stat st;
	int status;

	if ((cp.links ? lstat : stat)(from, &st) < 0)
		return tool_error(argv, from);
	if (S_ISDIR(st.st_mode)) {
		if (!cp.recursive)
			return tool_complain(argv, "%s: is a directory (-r copies it)", from);
		size_t n = strlen(from);

		if (!strncmp(to, from, n) && (to[n] == '/' || !to[n]))
			return tool_complain(argv, "%s: cannot be copied into itself", from);
		status = copy_directory(argv, from, &st, to);
	} else if (S_ISLNK(st.st_mode)) {
		status = copy_link(argv, from, to);
	} else if (S_ISREG(st.st_mode) || !cp.recursive) {
		status = copy_regular(argv, from, &st, to);
	} else {
		status = mknod(to, st.st_mode, st.st_rdev) < 0 ? tool_error(argv, to) : 0;
	}
	if (!status)
		copy_times(&st, to);
	if (!status && cp.verbose)
		printf("%s -> %s\n", from, to);
	return status;
}

// Calls f for each source with its target: the last word, or a name in it if it is a directory.
static int each_target(int argc, char **argv, const char *synopsis,
		       int (*f)(char **argv, const char *from, const char *to))
{
	struct stat st;
	int status = 0, count = argc - optind;

	if (count < 2)
		return tool_usage(argv, synopsis);
	const char *last = argv[argc - 1];
	bool directory = stat(last, &st) == 0 && S_ISDIR(st.st_mode);

	if (count > 2 && !directory)
		return tool_complain(argv, "%s: is no directory", last);
	for (int i = optind; i < argc - 1; i++) {
		char *to = directory ? path_join(last, path_base(argv[i])) : xstrdup(last);

		status |= f(argv, argv[i], to);
		free(to);
	}
	return status;
}

int cp_main(int argc, char **argv)
{
	static const char synopsis[] = "[-afpPrv] SOURCE... TARGET";
	int c;

	tool_help(argc, argv, synopsis,
		  "Copies files.\n\n  -r  directories and all in them   -p  with owner, mode and "
		  "times\n"
		  "  -P  links as links   -a  as -rpP   -f  replaces what cannot be written   -v  "
		  "tells\n");
	while ((c = getopt_long(argc, argv, "afpPrRvdi", NULL, NULL)) != -1) {
		if (c == '?')
			return 2;
		cp.recursive |= c == 'a' || c == 'r' || c == 'R';
		cp.preserve |= c == 'a' || c == 'p';
		cp.links |= c == 'a' || c == 'P' || c == 'd';
		cp.force |= c == 'f';
		cp.verbose |= c == 'v';
	}
	return each_target(argc, argv, synopsis, copy_tree);
}

static int move(char **argv, const char *from, const char *to)
{
	if (rename(from, to) == 0)
		return 0;
	if (errno != EXDEV)
		return tool_error(argv, from);
	cp.recursive = cp.preserve = cp.links = true;
	int status = copy_tree(argv, from, to);

	return status ? status : remove_tree(argv, from, true, false, false);
}

int mv_main(int argc, char **argv)
{
	static const char synopsis[] = "[-f] SOURCE... TARGET";
	int c;

	tool_help(argc, argv, synopsis, "Renames files, or moves them into a directory.\n");
	while ((c = getopt_long(argc, argv, "fi", NULL, NULL)) != -1) {
		if (c == '?')
			return 2;
	}
	return each_target(argc, argv, synopsis, move);
}

static struct {
	bool symbolic, force;
} ln;

static int make_link(char **argv, const char *from, const char *to)
{
	if (ln.force)
		unlink(to);
	if ((ln.symbolic ? symlink : link)(from, to) < 0)
		return tool_error(argv, to);
	return 0;
}

int ln_main(int argc, char **argv)
{
	static const char synopsis[] = "[-sf] TARGET... NAME";
	int c;

	tool_help(argc, argv, synopsis,
		  "Makes other names of files.\n\n  -s  symbolic links   -f  replaces what is "
		  "there\n");
	while ((c = getopt_long(argc, argv, "sfn", NULL, NULL)) != -1) {
		if (c == '?')
			return 2;
		ln.symbolic |= c == 's';
		ln.force |= c == 'f';
	}
	if (argc - optind == 1) {
		char *here = xstrdup(path_base(argv[optind]));

		return make_link(argv, argv[optind], here);
	}
	return each_target(argc, argv, synopsis, make_link);
}

// --- Modes and owners ---

struct change {
	const char *mode;
	uid_t uid;
	gid_t gid;
	bool recursive;
};

static int change_path(char **argv, const struct change *change, const char *path)
{
	struct stat st;
	int status = 0;

	if (lstat(path, &st) < 0)
		return tool_error(argv, path);
	if (change->mode && !S_ISLNK(st.st_mode)) {
		long mode = mode_parse(change->mode, st.st_mode, S_ISDIR(st.st_mode));

		if (chmod(path, (unsigned)mode) < 0)
			status = tool_error(argv, path);
	} else if (!change->mode) {
		if (lchown(path, change->uid, change->gid) < 0)
			status = tool_error(argv, path);
	}
	DIR *dir = change->recursive && S_ISDIR(st.st_mode) ? opendir(path) : NULL;

	for (struct dirent *e; dir && (e = readdir(dir));) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		char *below = path_join(path, e->d_name);

		status |= change_path(argv, change, below);
		free(below);
	}
	if (dir)
		closedir(dir);
	return status;
}

static int change_all(int argc, char **argv, const struct change *change)
{
	int status = 0;

	for (int i = optind; i < argc; i++)
		status |= change_path(argv, change, argv[i]);
	return status;
}

int chmod_main(int argc, char **argv)
{
	static const char synopsis[] = "[-R] MODE FILE...";
	struct change change = {0};

	tool_help(argc, argv, synopsis,
		  "Changes who may do what with files. MODE is octal, or as in u+x,go-w.\n\n"
		  "  -R  and with all below\n");
	if (argc > 1 && !strcmp(argv[1], "-R")) {
		change.recursive = true;
		optind++;
	}
	if (argc - optind < 2)
		return tool_usage(argv, synopsis);
	change.mode = argv[optind++];
	if (mode_parse(change.mode, 0, false) < 0)
		return tool_complain(argv, "%s: is no mode", change.mode);
	return change_all(argc, argv, &change);
}

static bool take_id(const char *text, const char *end, u32 *out)
{
	char *stop;

	if (end - text == 4 && !strncmp(text, "root", 4)) {
		*out = 0;
		return true;
	}
	*out = (u32)strtoul(text, &stop, 10);
	return text == end || (isdigit(*text) && stop == end);
}

int chown_main(int argc, char **argv)
{
	static const char synopsis[] = "[-R] UID[:GID] FILE...";
	struct change change = {.uid = ~0u, .gid = ~0u};

	tool_help(argc, argv, synopsis,
		  "Changes the owner of files, by number (or root).\n\n  -R  and of all below\n");
	if (argc > 1 && !strcmp(argv[1], "-R")) {
		change.recursive = true;
		optind++;
	}
	if (argc - optind < 2)
		return tool_usage(argv, synopsis);
	const char *owner = argv[optind++], *colon = strchrnul(owner, ':');
	const char *end = owner + strlen(owner);

	if ((colon > owner && !take_id(owner, colon, &change.uid)) ||
	    (*colon && colon[1] && !take_id(colon + 1, end, &change.gid)))
		return tool_complain(argv, "%s: is no owner", owner);
	return change_all(argc, argv, &change);
}

int touch_main(int argc, char **argv)
{
	static const char synopsis[] = "[-c] [-d @SECONDS] FILE...";
	struct timespec times[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
	bool create = true;
	int c, status = 0;

	tool_help(argc, argv, synopsis,
		  "Sets the times of files to now; makes those that are missing.\n\n"
		  "  -c  makes none   -d @SECONDS  another time, in seconds since 1970\n");
	while ((c = getopt_long(argc, argv, "cd:", NULL, NULL)) != -1) {
		if (c == 'c')
			create = false;
		else if (c != 'd' || *optarg != '@')
			return tool_usage(argv, synopsis);
		else
			times[0] = times[1] = (struct timespec){strtol(optarg + 1, NULL, 10), 0};
	}
	if (optind == argc)
		return tool_usage(argv, synopsis);
	for (; optind < argc; optind++) {
		if (utimensat(AT_FDCWD, argv[optind], times, 0) == 0)
			continue;
		int fd = errno == ENOENT && create
				 ? open(argv[optind], O_WRONLY | O_CREAT | O_CLOEXEC, 0666)
				 : -1;

		if (errno == ENOENT && !create)
			continue;
		if (fd < 0 || utimensat(AT_FDCWD, argv[optind], times, 0) < 0)
			status = tool_error(argv, argv[optind]);
		if (fd >= 0)
			close(fd);
	}
	return status;
}

int mknod_main(int argc, char **argv)
{
	static const char synopsis[] = "NAME b|c MAJOR MINOR | NAME p";

	tool_help(argc, argv, synopsis, "Makes a device's node, or a pipe with a name.\n");
	bool device = argc == 5 && (*argv[2] == 'b' || *argv[2] == 'c');

	if (!device && !(argc == 3 && *argv[2] == 'p'))
		return tool_usage(argv, synopsis);
	unsigned type = *argv[2] == 'b' ? S_IFBLK : *argv[2] == 'c' ? S_IFCHR : S_IFIFO;
	u64 number = device ? makedev(strtoul(argv[3], NULL, 0), strtoul(argv[4], NULL, 0)) : 0;

	return mknod(argv[1], type | 0666, number) < 0 ? tool_error(argv, argv[1]) : 0;
}

int mkfifo_main(int argc, char **argv)
{
	static const char synopsis[] = "[-m MODE] NAME...";
	long mode = 0666;
	int c, status = 0;

	tool_help(argc, argv, synopsis, "Makes pipes with a name.\n\n  -m MODE  with this mode\n");
	while ((c = getopt_long(argc, argv, "m:", NULL, NULL)) != -1) {
		if (c != 'm' || (mode = mode_parse(optarg, 0666, false)) < 0)
			return tool_usage(argv, synopsis);
	}
	if (optind == argc)
		return tool_usage(argv, synopsis);
	for (; optind < argc; optind++) {
		if (mkfifo(argv[optind], 0666) < 0)
			status = tool_error(argv, argv[optind]);
		else if (mode != 0666)
			chmod(argv[optind], (unsigned)mode);
	}
	return status;
}

int readlink_main(int argc, char **argv)
{
	char target[PATH_MAX];
	int status = 0;

	tool_help(argc, argv, "NAME...", "Prints where symbolic links lead.\n");
	if (argc < 2)
		return tool_usage(argv, "NAME...");
	for (int i = 1; i < argc; i++) {
		ssize_t n = readlink(argv[i], target, sizeof(target) - 1);

		if (n < 0) {
			status = tool_error(argv, argv[i]);
			continue;
		}
		target[n] = '\0';
		puts(target);
	}
	return status;
}

static void put_stat_time(const char *what, s64 seconds, u64 ns)
{
	char text[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%F %T", &tm);
	printf("%s: %s.%09lu +0000\n", what, text, ns);
}

int stat_main(int argc, char **argv)
{
	int status = 0;

	tool_help(argc, argv, "FILE...", "Prints all that the system knows about files.\n");
	if (argc < 2)
		return tool_usage(argv, "FILE...");
	for (int i = 1; i < argc; i++) {
		struct stat st;
		char mode[11];
		const char *kind;

		if (lstat(argv[i], &st) < 0) {
			status = tool_error(argv, argv[i]);
			continue;
		}
		kind = S_ISREG(st.st_mode)    ? "regular file"
		       : S_ISDIR(st.st_mode)  ? "directory"
		       : S_ISLNK(st.st_mode)  ? "symbolic link"
		       : S_ISCHR(st.st_mode)  ? "character device"
		       : S_ISBLK(st.st_mode)  ? "block device"
		       : S_ISFIFO(st.st_mode) ? "pipe"
					      : "socket";
		mode_format(st.st_mode, mode);
		printf("  File: %s\n  Size: %-10ld Blocks: %-8ld IO Block: %d  %s\n", argv[i],
		       st.st_size, st.st_blocks, st.st_blksize, kind);
		printf("Device: %u,%u  Inode: %-10lu Links: %u", major(st.st_dev), minor(st.st_dev),
		       st.st_ino, st.st_nlink);
		if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
			printf("  Device type: %u,%u", major(st.st_rdev), minor(st.st_rdev));
		printf("\nAccess: (%04o/%s)  Uid: %u  Gid: %u\n", st.st_mode & 07777, mode,
		       st.st_uid, st.st_gid);
		put_stat_time("Access", st.st_atime_sec, st.st_atime_nsec);
		put_stat_time("Modify", st.st_mtime_sec, st.st_mtime_nsec);
		put_stat_time("Change", st.st_ctime_sec, st.st_ctime_nsec);
	}
	return status;
}
