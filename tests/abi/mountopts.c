// Options of file systems, as mount(2) takes them in one text and fsconfig(2) one by one: which are
// known, with which values, what /proc/self/mountinfo says of them, and what a remount changes.

#include "mounts.h"
#include <dirent.h>
#include <grp.h>
#include <linux/mount.h>
#include <sys/vfs.h>

// Mounts with these options, shows how, and takes it away.
static void try_flags(const char *type, unsigned long flags, const char *options)
{
	int result = mount("source", "a", type, flags, options);

	printf("%s %#lx \"%s\": %s\n", type, flags, options,
	       result ? strerrorname_np(errno) : "ok");
	if (result)
		return;
	show();
	umount("a");
}

static void try_all(const char *type, const char *const *options)
{
	for (; *options; options++)
		try_flags(type, 0, *options);
}

// Changes options of what is mounted on "a".
static void again(const char *options)
{
	int result = mount(NULL, "a", NULL, MS_REMOUNT, options);

	printf("remount \"%s\": %s\n", options, result ? strerrorname_np(errno) : "ok");
	show();
}

static const char *const nothing_known[] = {"",         ",",           ",,",
					    "nonesuch", "nonesuch=1",  "=",
					    "=1",       "size=1",      "mode=700",
					    "source",   "source=x",    "ro",
					    "rw",       "ro,rw",       "ro=1",
					    "sync",     "async",       "dirsync",
					    "mand",     "lazytime",    "lazytime,nolazytime",
					    "nomand",   "noexec",      "defaults",
					    "silent",   "ro,nonesuch", NULL};

ABI_TEST(mountopts, words_of_all)
{
	arena();
	try_all("tmpfs", nothing_known);
	try_all("proc", nothing_known);
	try_all("mqueue", nothing_known);
	try_all("devpts", nothing_known);
	for (unsigned long flag = 1; flag < 1UL << 26; flag <<= 1) {
		if (!(flag & (MS_REMOUNT | MS_BIND | MS_MOVE | MS_UNBINDABLE | MS_PRIVATE |
			      MS_SLAVE | MS_SHARED)))
			try_flags("tmpfs", flag, "");
	}
}

ABI_TEST(mountopts, tmpfs)
{
	static const char *const options[] = {"size=64k",
					      "size=65537",
					      "size=0",
					      "size=1m,size=2m",
					      "size=",
					      "size",
					      "size=x",
					      "size=1x",

					      "size=1%x",
					      "size=-1",
					      "size=0x10000",
					      "size=1g",
					      "nr_blocks=4",
					      "nr_blocks=1k",
					      "nr_blocks=0",
					      "nr_blocks=1%",
					      "nr_blocks=x",
					      "nr_inodes=5",
					      "nr_inodes=2k",
					      "nr_inodes=0",
					      "nr_inodes=1",
					      "nr_inodes=x",
					      "mode=755",
					      "mode=0755",
					      "mode=1777",
					      "mode=7777",
					      "mode=17777",
					      "mode=8",
					      "mode=",
					      "mode=-1",
					      "mode=0x1",
					      "uid=1",
					      "uid=0x10",
					      "uid=010",
					      "uid=1k",
					      "uid=-1",
					      "uid=4294967295",
					      "uid=4294967294",
					      "uid=4294967296",
					      "uid=x",
					      "uid=",
					      "uid",
					      "gid=7",
					      "gid=1k",
					      "gid=-1",
					      "gid=x",
					      "inode64",
					      "inode64=1",
					      "inode32=1",
					      "noswap",
					      "noswap=1",
					      "huge=nonesuch",
					      "huge=never",
					      "huge",
					      "mpol=nonesuch",
					      "mpol=default,size=64k",
					      "size=64k,5=1",
					      "mode=700,uid=3,gid=4,size=8k,nr_inodes=9",
					      " size=64k",
					      "size= 64k",
					      "size=64k ",
					      "SIZE=64k",
					      "size=64k,,mode=700",
					      "size=64k,",
					      "nr_inodes=4%",

					      NULL};

	arena();
	try_all("tmpfs", options);
}

ABI_TEST(mountopts, tmpfs_limits_hold)
{
	struct statfs s;
	char *block = calloc(1, 8192);

	arena();
	R(mount("x", "a", "tmpfs", 0, "size=8k,nr_inodes=3"));
	statfs("a", &s);
	printf("%ld %ld %ld %ld\n", (long)s.f_blocks, (long)s.f_bfree, (long)s.f_files,
	       (long)s.f_ffree);
	int fd = R(open("a/f", O_CREAT | O_RDWR, 0600) > 0) ? open("a/f", O_RDWR) : -1;
	R(write(fd, block, 8192));
	R(write(fd, block, 1));
	R(mkdir("a/d", 0700));
	R(mkdir("a/e", 0700));
	again("size=4k");
	again("nr_inodes=1");
	again("size=12k,nr_inodes=4");
	R(write(fd, block, 1));
	R(mkdir("a/e", 0700));
	again("size=0");
	again("nr_inodes=0");
	again("size=16k");
	again("mode=700,uid=5,gid=6");
	again("nonesuch");
	again("ro");
	again("noswap");
	again("inode64");
	again("huge=never");
	close(fd);
	again("ro");
	again("rw,size=64k");
	again(NULL);
	struct stat st;
	stat("a", &st);
	printf("%o %d %d\n", st.st_mode, st.st_uid, st.st_gid);
	R(mount(NULL, "a", NULL,
		MS_REMOUNT | MS_SYNCHRONOUS | MS_DIRSYNC | MS_LAZYTIME | MS_MANDLOCK, NULL));
	show();
	R(mount(NULL, "a", NULL, MS_REMOUNT, NULL));
	show();
}

ABI_TEST(mountopts, devpts)
{
	static const char *const options[] = {
		"newinstance",  "newinstance=1",
		"mode=620",     "mode=0620",
		"mode=7777",    "mode=8",
		"mode=",        "mode",
		"ptmxmode=666", "ptmxmode=7777",
		"ptmxmode=9",   "uid=3",
		"uid=-1",       "uid=x",
		"gid=5",        "gid=4294967295",
		"uid=1k",       "uid=0x10",
		"uid=0",        "gid=0",
		"max=3",        "max=0",
		"max=-1",       "max=1048576",
		"max=1048577",  "max=0x10",
		"max=010",      "max=x",
		"max",          "newinstance,ptmxmode=0666,mode=0620,gid=5",
		"size=1",       "mode=620,",
		"mode=+620",    NULL};

	arena();
	try_all("devpts", options);
	R(mount("x", "a", "devpts", 0, "mode=620,ptmxmode=666,gid=5,max=1"));
	show();
	int first = R(open("a/ptmx", O_RDWR | O_NOCTTY) > 0);
	R(open("a/ptmx", O_RDWR | O_NOCTTY));
	struct stat s;
	stat("a/0", &s);
	printf("%o %d %d\n", s.st_mode, s.st_uid, s.st_gid);
	stat("a/ptmx", &s);
	printf("%o\n", s.st_mode);
	again("max=2");
	R(open("a/ptmx", O_RDWR | O_NOCTTY) > 0);
	again("mode=600,uid=9,ptmxmode=644");
	stat("a/ptmx", &s);
	printf("%o\n", s.st_mode);
	stat("a/1", &s);
	printf("%o %d %d\n", s.st_mode, s.st_uid, s.st_gid);
	again("newinstance");
	again("nonesuch");
	again("max=x");
	again("ro");
	again("");
	again(NULL);
	(void)first;
}

ABI_TEST(mountopts, devtmpfs)
{
	static const char *const options[] = {"",         "nonesuch", "size=64k", "size=x",
					      "mode=700", "mode=x",   "uid=4",    "nr_inodes=4",
					      "ro",       "rw",       NULL};
	struct stat s;

	arena();
	for (const char *const *o = options; *o; o++) {
		int result = mount("source", "a", "devtmpfs", 0, *o);

		printf("\"%s\": %s\n", *o, result ? strerrorname_np(errno) : "ok");
		if (result)
			continue;
		stat("a", &s);
		printf("%o %d\n", s.st_mode, s.st_uid);
		printf("%d\n", close(open("a/new", O_CREAT, 0600)));
		unlink("a/new");
		umount("a");
	}
}

ABI_TEST(mountopts, mqueue_and_cgroup)
{
	arena();
	R(mount("x", "a", "mqueue", 0, NULL));
	again("");
	again("nonesuch");
	again("size=4");
	again("ro");
	again("rw");
	again(NULL);
	umount("a");
	static const char *const options[] = {"nonesuch", "nsdelegate=1", "nsdelegate,nonesuch",
					      "size=1", NULL};
	try_all("cgroup2", options);
}

// Which of these directories and files of a /proc a process sees, as whoever it is now.
static void look(const char *who, const char *proc, pid_t other)
{
	char path[64];
	int listed = 0;
	DIR *dir = opendir(proc);

	for (struct dirent *d; dir && (d = readdir(dir));)
		listed |= atoi(d->d_name) == other;
	closedir(dir);
	printf("%s: listed %d", who, listed);
	static const char *const files[] = {"",      "/stat", "/cmdline", "/status",
					    "/task", "/ns",   "/fd"};
	for (unsigned i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct stat s;

		snprintf(path, sizeof(path), "%s/%d%s", proc, other, files[i]);
		int gone = stat(path, &s) ? errno : 0;
		int fd = open(path, O_RDONLY | O_CLOEXEC), error = errno;
		printf(" %s:%s/%s", files[i], gone ? strerrorname_np(gone) : "ok",
		       fd < 0 ? strerrorname_np(error) : "ok");
		close(fd);
	}
	snprintf(path, sizeof(path), "%s/self/stat", proc);
	printf(" self %d", access(path, R_OK));
	snprintf(path, sizeof(path), "%s/thread-self/stat", proc);
	printf(" thread-self %d", access(path, R_OK));
	snprintf(path, sizeof(path), "%s/uptime", proc);
	printf(" uptime %d", access(path, R_OK));
	snprintf(path, sizeof(path), "%s/sys", proc);
	printf(" sys %d\n", access(path, R_OK));
	fflush(stdout);
}

static void look_as(const char *who, uid_t uid, gid_t gid, gid_t group, pid_t other)
{
	pid_t pid = fork();

	if (!pid) {
		setgroups(group ? 1 : 0, &group);
		setresgid(gid, gid, gid);
		setresuid(uid, uid, uid);
		look(who, "a", other);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void look_around(pid_t other)
{
	look_as("same", 1000, 1000, 0, other);
	look_as("other", 2000, 2000, 0, other);
	look_as("group", 2000, 7, 0, other);
	look_as("groups", 2000, 2000, 7, other);
	look_as("root", 0, 0, 0, other); // last: what it looked up may stay in a cache
}

ABI_TEST(mountopts, proc_values)
{
	static const char *const options[] = {"hidepid=0",
					      "hidepid=1",
					      "hidepid=2",
					      "hidepid=3",
					      "hidepid=4",
					      "hidepid=5",
					      "hidepid=-1",
					      "hidepid=off",
					      "hidepid=noaccess",
					      "hidepid=invisible",
					      "hidepid=ptraceable",
					      "hidepid=nonesuch",
					      "hidepid=",
					      "hidepid",
					      "hidepid=01",
					      "hidepid=0x1",
					      "hidepid=1 ",
					      "gid=7",
					      "gid=0",
					      "gid=-1",
					      "gid=x",
					      "gid=4294967295",
					      "gid=1k",
					      "gid=",
					      "gid",
					      "subset=pid",
					      "subset=nonesuch",
					      "subset=",
					      "subset",
					      "subset=pid,hidepid=2,gid=3",
					      "hidepid=2,hidepid=0",
					      "uid=3",
					      "subset=pid:pid",
					      "subset=pid:x",
					      "pidns=",

					      "pidns=/",
					      "pidns",
					      NULL};

	arena();
	try_all("proc", options);
	R(mount("x", "a", "proc", 0, "hidepid=1"));
	again("hidepid=2");
	again("gid=7");
	again("hidepid=0,gid=0");
	again("subset=pid");
	R(access("a/uptime", F_OK));
	again("hidepid=9");
	again("nonesuch");
	again("ro");
	again("rw");
	again("");
}

ABI_TEST(mountopts, proc_hides)
{
	static const char *const options[] = {"hidepid=0",
					      "hidepid=1",
					      "hidepid=2",
					      "hidepid=4",
					      "hidepid=1,gid=7",
					      "hidepid=2,gid=7",
					      "hidepid=4,gid=7",
					      "subset=pid",
					      "subset=pid,hidepid=2",
					      NULL};

	arena();
	chmod(".", 0755);
	pid_t other = fork();
	if (!other) {
		setgroups(0, NULL);
		setresgid(1000, 1000, 1000);
		setresuid(1000, 1000, 1000);
		pause();
	}
	usleep(50000);
	for (const char *const *o = options; *o; o++) {
		printf("-- %s: ", *o);
		R(mount("x", "a", "proc", 0, *o));
		look_around(other);
		umount("a");
	}
	R(mount("x", "a", "proc", 0, ""));
	look_as("other", 2000, 2000, 0, other);
	R(mount(NULL, "a", NULL, MS_REMOUNT, "hidepid=2"));
	look_as("other", 2000, 2000, 0, other);
	R(mount(NULL, "a", NULL, MS_REMOUNT, "hidepid=0"));
	look_as("other", 2000, 2000, 0, other);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
}

static long config(int fd, unsigned command, const void *key, const void *value, int aux)
{
	return syscall(SYS_fsconfig, fd, command, key, value, aux);
}

// One option by fsconfig(2), as a word if it has no value, and what comes of it.
static void try_config(const char *type, const char *key, const char *value)
{
	int fd = syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	long set = config(fd, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0);
	int error = errno;

	printf("%s %s=%s: %s", type, key, value ?: "(none)", set ? strerrorname_np(error) : "ok");
	long made = config(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	printf(" %s\n", made ? strerrorname_np(errno) : "ok");
	int mounted = made ? -1 : syscall(SYS_fsmount, fd, FSMOUNT_CLOEXEC, 0);
	if (mounted >= 0 &&
	    !syscall(SYS_move_mount, mounted, "", AT_FDCWD, "a", MOVE_MOUNT_F_EMPTY_PATH)) {
		close(mounted);
		show();
		umount("a");
	}
	close(fd);
}

ABI_TEST(mountopts, one_by_one)
{
	static const struct {
		const char *type, *key, *value;
	} options[] = {
		{"proc", "hidepid", "2"},
		{"proc", "hidepid", "nonesuch"},
		{"proc", "hidepid", NULL},
		{"proc", "gid", "7"},
		{"proc", "subset", "pid"},
		{"proc", "subset", "x"},
		{"proc", "nonesuch", "1"},
		{"proc", "nonesuch", NULL},
		{"proc", "ro", NULL},
		{"proc", "ro", "1"},
		{"proc", "sync", NULL},
		{"mqueue", "nonesuch", NULL},
		{"mqueue", "ro", NULL},
		{"mqueue", "size", "1"},
		{"mqueue", "rw", NULL},
		{"devpts", "newinstance", NULL},
		{"devpts", "newinstance", "1"},
		{"devpts", "mode", "620"},
		{"devpts", "max", "0"},
		{"devpts", "max", "x"},
		{"devpts", "nonesuch", NULL},
		{"devpts", "ptmxmode", "666"},
		{"devpts", "uid", "1"},
		{"tmpfs", "mode", "x"},
		{"tmpfs", "uid", "1k"},
		{"tmpfs", "huge", "never"},
		{"tmpfs", "noswap", NULL},
		{"tmpfs", "lazytime", NULL},
		{"tmpfs", "size", "1,2"},
		{"tmpfs", "source", NULL},
		{"tmpfs", "", "x"},
		{"tmpfs", "", NULL},
		{"devtmpfs", "nonesuch", NULL},
		{"cgroup2", "nonesuch", NULL},
		{"cgroup2", "nsdelegate", "1"},
	};

	arena();
	for (unsigned i = 0; i < sizeof(options) / sizeof(*options); i++) {
		if (strcmp(options[i].type, "devtmpfs"))
			try_config(options[i].type, options[i].key, options[i].value);
	}
}
