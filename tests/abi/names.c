// Names: making, removing, renaming and linking files, and what happens when many do it at once.

#include "abi.h"
#include <dirent.h>
#include <sys/wait.h>

static long rename2(const char *from, const char *to, unsigned flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void make_file(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);

	write(fd, text, strlen(text));
	close(fd);
}

static void show_file(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY);

	if (fd < 0) {
		printf("%s: %s\n", path, strerrorname_np(errno));
		return;
	}
	read(fd, text, sizeof(text) - 1);
	printf("%s: \"%s\"\n", path, text);
	close(fd);
}

static void show_links(const char *path)
{
	struct stat status = {0};

	R(lstat(path, &status));
	printf("%s mode %o links %d\n", path, status.st_mode, (int)status.st_nlink);
}

ABI_TEST(names, rename_files)
{
	make_file("a", "one");
	make_file("b", "two");
	R(rename("none", "x"));
	R(rename("a", "b"));
	show_file("a");
	show_file("b");
	R(rename("b", "b"));
	R(link("b", "c"));
	R(rename("b", "c")); // the same file: nothing happens
	show_links("b");
	R(rename("b", "d/"));
	R(rename("b/", "d"));
	R(rename("b/x", "d"));
	R(rename("b", "none/d"));
	R(rename(".", "d"));
	R(rename("b", "."));
	R(rename("b", ".."));
	R(rename("b", ""));
	R(rename(BAD, "d"));
	R(rename("b", "/proc/x"));
	R(rename2("b", "c", RENAME_NOREPLACE));
	R(rename2("b", "e", RENAME_NOREPLACE));
	R(rename2("e", ".", RENAME_NOREPLACE));
	R(rename2("e", "f", RENAME_NOREPLACE | RENAME_EXCHANGE));
	R(rename2("e", "f", 8));
	show_file("e");
}

ABI_TEST(names, rename_directories)
{
	mkdir("a", 0755);
	mkdir("a/b", 0755);
	mkdir("c", 0755);
	make_file("f", "x");
	R(rename("a", "a/b/c"));
	R(rename("a", "a"));
	R(rename("a/b", "a"));
	R(rename("a", "f"));
	R(rename("f", "c"));
	R(rename("c", "a"));
	R(rename("a", "c"));
	show_links("c");
	show_links(".");
	R(rename("c/b", "./b/"));
	show_links("c");
	show_links("b");
	R(rename("b", "c/."));
	R(rename("b", "c/.."));
}

ABI_TEST(names, exchange)
{
	mkdir("d", 0755);
	mkdir("d/sub", 0755);
	make_file("d/sub/f", "inner");
	make_file("a", "outer");
	R(rename2("a", "none", RENAME_EXCHANGE));
	R(rename2("a", "d/sub", RENAME_EXCHANGE));
	show_file("d/sub");
	show_file("a/f");
	show_links("d");
	show_links(".");
	R(rename2("d", "d/sub", RENAME_EXCHANGE));
	R(rename2("d/sub", "d", RENAME_EXCHANGE));
	R(rename2("a", "d", RENAME_EXCHANGE));
	show_file("a/sub");
	show_file("d/f");
	make_file("a-name-that-is-longer-than-the-room-inside-a-dentry", "long");
	R(rename2("a-name-that-is-longer-than-the-room-inside-a-dentry", "d/f", RENAME_EXCHANGE));
	show_file("a-name-that-is-longer-than-the-room-inside-a-dentry");
	show_file("d/f");
}

ABI_TEST(names, links)
{
	struct stat status;

	make_file("a", "text");
	mkdir("d", 0755);
	R(link("a", "b"));
	show_links("a");
	R(link("a", "b"));
	R(link("d", "e"));
	R(link("none", "e"));
	R(link("a", "d/"));
	R(link("a", "e/"));
	R(link("a", "."));
	R(symlink("a", "s"));
	R(symlink("", "t"));
	R(symlink("a", "s"));
	R(symlink("a", "t/"));
	R(linkat(AT_FDCWD, "s", AT_FDCWD, "s2", 0));
	show_links("s2");
	R(linkat(AT_FDCWD, "s", AT_FDCWD, "s3", AT_SYMLINK_FOLLOW));
	show_links("s3");
	R(linkat(AT_FDCWD, "s", AT_FDCWD, "s4", 1));
	R(link("a", "/proc/x"));
	R(unlink("d"));
	R(rmdir("a"));
	R(rmdir("d/."));
	R(rmdir("d/.."));
	R(rmdir("/"));
	R(unlink("."));
	R(unlink("a/"));
	R(unlink("none/"));
	R(unlink(""));
	R(unlinkat(AT_FDCWD, "a", 1));
	R(rmdir("d/"));
	R(stat("d", &status));
	R(unlink("/proc/self"));
	R(mkdir("/proc/x", 0755));
	R(rmdir("/proc"));
}

ABI_TEST(names, removed_directory)
{
	char text[256];

	R(mkdir("gone", 0755));
	close(open("kept", O_CREAT | O_WRONLY, 0644));
	mkdir("kept_too", 0755);
	R(chdir("gone"));
	R(rmdir("../gone"));
	R(open("f", O_CREAT | O_WRONLY, 0644));
	R(mkdir("d", 0755));
	R(symlink("a", "b"));
	R(open(".", O_RDONLY) >= 0 ? 0 : -1);
	R(syscall(SYS_getcwd, text, sizeof(text)));
	R(rename("../x", "y"));
	R(rename("../kept", "y"));
	R(rename("../kept_too", "y"));
	R(link("../kept", "y"));
	R(open(".", O_TMPFILE | O_RDWR, 0600) >= 0 ? 0 : -1);
	R(chdir(".."));
	R(unlink("kept"));
	R(rmdir("kept_too"));
}

ABI_TEST(names, create_through_links)
{
	mkdir("d", 0755);
	R(symlink("target", "s"));
	R(symlink("d/target", "deep"));
	R(symlink("none/target", "nowhere"));
	R(symlink("loop2", "loop1"));
	R(symlink("loop1", "loop2"));
	R(symlink("s", "twice"));
	R(open("s", O_RDONLY));
	R(open("s", O_CREAT | O_EXCL | O_WRONLY, 0644));
	R(open("s", O_CREAT | O_NOFOLLOW | O_WRONLY, 0644));
	R(open("nowhere", O_CREAT | O_WRONLY, 0644));
	R(open("loop1", O_CREAT | O_WRONLY, 0644));
	OK(open("twice", O_CREAT | O_WRONLY, 0644));
	show_links("target");
	OK(open("deep", O_CREAT | O_WRONLY, 0644));
	show_links("d/target");
	R(open("d", O_CREAT | O_WRONLY, 0644));
	R(open("d", O_CREAT | O_RDONLY, 0644));
	R(open("x/", O_CREAT | O_WRONLY, 0644));
	R(mkdir("s", 0755));
	R(mkdir("nowhere", 0755));
}

ABI_TEST(names, file_without_name)
{
	char path[64], text[8] = "";
	struct stat status;

	R(open(".", O_TMPFILE | O_RDONLY, 0600));
	R(open("none", O_TMPFILE | O_RDWR, 0600));
	R(open("/proc", O_TMPFILE | O_RDWR, 0600));
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);
	OK(fd);
	R(write(fd, "data", 4));
	R(fstat(fd, &status));
	printf("links %d mode %o\n", (int)status.st_nlink, status.st_mode);
	sprintf(path, "/proc/self/fd/%d", fd);
	R(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	show_file("named");
	show_links("named");
	R(unlink("named"));
	R(linkat(AT_FDCWD, path, AT_FDCWD, "again", AT_SYMLINK_FOLLOW));
	int hidden = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	sprintf(path, "/proc/self/fd/%d", hidden);
	R(linkat(AT_FDCWD, path, AT_FDCWD, "hidden", AT_SYMLINK_FOLLOW));
	R(pread(fd, text, 4, 0));
}

ABI_TEST(names, sticky)
{
	mkdir("t", 0755);
	chmod("t", 01777);
	make_file("t/root", "r");
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		R(setresgid(1000, 1000, 1000));
		R(setresuid(1000, 1000, 1000));
		R(unlink("t/root"));
		R(rename("t/root", "t/mine"));
		R(open("t/own", O_CREAT | O_WRONLY, 0600) >= 0 ? 0 : -1);
		R(rename("t/own", "t/root"));
		R(rename("t/own", "t/other"));
		R(unlink("t/other"));
		R(mkdir("x", 0755));
		fflush(stdout);
		_exit(0);
	}
	abi_reap(pid);
}

ABI_TEST(names, many_entries)
{
	enum {
		N = 600
	};
	static char seen[N];
	char name[64];
	int count = 0, twice = 0, missing = 0;

	mkdir("many", 0755);
	for (int i = 0; i < N; i++) {
		sprintf(name, "many/entry-%d", i);
		make_file(name, "");
	}
	// Names that go while the directory is read hide no others.
	DIR *dir = opendir("many");
	for (struct dirent *entry; (entry = readdir(dir));) {
		int i;

		if (sscanf(entry->d_name, "entry-%d", &i) != 1)
			continue;
		twice += seen[i]++;
		count++;
		sprintf(name, "many/entry-%d", i);
		unlink(name);
	}
	closedir(dir);
	for (int i = 0; i < N; i++)
		missing += !seen[i];
	printf("count %d twice %d missing %d\n", count, twice, missing);
	R(rmdir("many"));
}

// Several processes move directories about, remove and make them; the tree stays a tree, and
// nothing is left when all names are removed.
static void empty_directory(void)
{
	DIR *dir = opendir(".");

	for (struct dirent *entry; (entry = readdir(dir));) {
		const char *name = entry->d_name;

		if (!strcmp(name, ".") || !strcmp(name, "..") || !unlink(name) || errno != EISDIR)
			continue;
		if (rmdir(name) == 0)
			continue;
		chdir(name);
		empty_directory();
		chdir("..");
		rmdir(name);
	}
	closedir(dir);
}

static void storm_worker(unsigned seed)
{
	static const char *const names[] = {"a",     "b",     "a/x",     "a/y",
					    "b/x",   "b/y",   "a/x/p",   "b/x/p",
					    "a/y/q", "b/y/q", "a/x/p/r", "b/x/p/r"};
	enum {
		COUNT = sizeof(names) / sizeof(names[0])
	};

	for (int i = 0; i < 1500; i++) {
		seed = seed * 1103515245 + 12345;
		const char *one = names[(seed >> 8) % COUNT], *two = names[(seed >> 16) % COUNT];
		switch ((seed >> 24) % 6) {
		case 0:
		case 1:
			mkdir(one, 0755);
			break;
		case 2:
			rmdir(one);
			break;
		case 3:
			rename(one, two);
			break;
		case 4:
			rename2(one, two, RENAME_EXCHANGE);
			break;
		case 5:
			close(open(one, O_CREAT | O_WRONLY, 0644));
			unlink(two);
			break;
		}
	}
	_exit(0);
}

ABI_TEST(names, rename_storm)
{
	mkdir("storm", 0755);
	chdir("storm");
	for (unsigned i = 0; i < 4; i++) {
		if (fork() == 0)
			storm_worker(i * 7919 + 1);
	}
	for (int i = 0; i < 4; i++)
		abi_reap(-1);
	empty_directory();
	chdir("..");
	R(rmdir("storm"));
}
