// Every capability check with and without: extended attributes, numbers of mounts, mounts that join the
// sharing of others.

#include "caps.h"
#include <linux/mount.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

#define DO(name, call)               \
	static long name(void)       \
	{                            \
		return (long)(call); \
	}

#ifndef MOVE_MOUNT_SET_GROUP
#define MOVE_MOUNT_SET_GROUP 0x100
#endif
#define NR_LISTMOUNT    458
#define NR_STATMOUNT    457
#define ALL_MOUNTS      (~0ull)
#define NEXT_MOUNT_NS   _IOR(0xb7, 11, struct mount_ns)
#define NUMBER_OF_NS    _IOR(0xb7, 5, uint64_t)
#define STATMOUNT_BASIC 2

struct mount_ns {
	uint32_t size, mounts;
	uint64_t id;
};

struct request {
	uint32_t size, fd;
	uint64_t mount, param, ns;
};

// --- Extended attributes ---

// As a file with capabilities has it: effective, NET_RAW, revision 2.
static const uint32_t caps_of_file[] = {0x02000001, 1 << 13, 0, 0, 0};

static void owned_file(void)
{
	caps_make_file("f", 1000, 0666);
}

static void attributed_file(void)
{
	caps_make_file("f", 1000, 0666);
	setxattr("f", "trusted.t", "1", 1, 0);
	setxattr("f", "security.s", "1", 1, 0);
	setxattr("f", "security.capability", caps_of_file, sizeof(caps_of_file), 0);
}

static void sticky_folder(void)
{
	mkdir("d", 0755);
	chown("d", 2000, 2000);
	chmod("d", 01777);
}

DO(set_trusted, setxattr("f", "trusted.t", "2", 1, 0))
DO(get_trusted, getxattr("f", "trusted.t", NULL, 0))
DO(remove_trusted, removexattr("f", "trusted.t"))
DO(set_security, setxattr("f", "security.s", "2", 1, 0))
DO(get_security, getxattr("f", "security.s", NULL, 0))
DO(remove_security, removexattr("f", "security.s"))
DO(set_caps, setxattr("f", "security.capability", caps_of_file, sizeof(caps_of_file), 0))
DO(remove_caps, removexattr("f", "security.capability"))
DO(set_on_sticky, setxattr("d", "user.u", "1", 1, 0))
// Whether it tells of attributes for administrators.
DO(list_all, listxattr("f", NULL, 0) > (long)sizeof("security.s security.capability"))

static const struct cap_case xattr_cases[] = {
	{"set trusted", "permission", CAP_SYS_ADMIN, 0, 0, owned_file, set_trusted},
	{"get trusted", "permission", CAP_SYS_ADMIN, 0, 0, attributed_file, get_trusted},
	{"remove trusted", "permission", CAP_SYS_ADMIN, 0, 0, attributed_file, remove_trusted},
	{"set security", "xattr_set", CAP_SYS_ADMIN, 0, 0, owned_file, set_security},
	{"get security", "", CAP_SYS_ADMIN, 0, 0, attributed_file, get_security},
	{"remove security", "xattr_remove", CAP_SYS_ADMIN, 0, 0, attributed_file, remove_security},
	{"set capabilities", "file_caps_from_user", CAP_SETFCAP, 0, 0, owned_file, set_caps},
	{"remove capabilities", "xattr_remove", CAP_SETFCAP, 0, 0, attributed_file, remove_caps},
	{"set on a sticky folder", "permission", CAP_FOWNER, 0, 0, sticky_folder, set_on_sticky},
	{"list", "xattr_list", CAP_SYS_ADMIN, 0, 0, attributed_file, list_all},
};

ABI_TEST(capable, attributes)
{
	CAPS_TRY(xattr_cases);
}

// --- Mounts by number ---

static int other_ns = -1, own_ns = -1;

static void two_namespaces(void)
{
	mkdir("p", 0755);
	mount("p", "p", "proc", 0, NULL);
	own_ns = open("p/self/ns/mnt", O_RDONLY);
	int ready[2];

	pipe(ready);
	pid_t pid = fork();
	if (!pid) {
		unshare(CLONE_NEWNS);
		write(ready[1], "", 1);
		pause();
	}
	char c, path[64];

	read(ready[0], &c, 1);
	snprintf(path, sizeof(path), "p/%d/ns/mnt", pid);
	other_ns = open(path, O_RDONLY);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	umount2("p", MNT_DETACH);
}

static uint64_t number_of_ns(int fd)
{
	uint64_t number = 0;

	ioctl(fd, NUMBER_OF_NS, &number);
	return number;
}

static long list_in(int ns)
{
	struct request request = {.size = 32, .mount = ALL_MOUNTS, .ns = number_of_ns(ns)};
	uint64_t found[4];
	long got = syscall(NR_LISTMOUNT, &request, found, 1, 0);

	return got < 0 ? got : got > 0;
}

static long status_in(int ns)
{
	struct request request = {
		.size = 32, .mount = 1, .param = STATMOUNT_BASIC, .ns = number_of_ns(ns)};
	char out[1024];

	return syscall(NR_STATMOUNT, &request, out, sizeof(out), 0);
}

DO(list_others, list_in(other_ns))
DO(status_of_others, status_in(other_ns))

static long next_namespace(void)
{
	struct mount_ns info = {.size = sizeof(info)};
	long fd = ioctl(own_ns, NEXT_MOUNT_NS, &info);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static const struct cap_case number_cases[] = {
	{"listmount elsewhere", "listmount", CAP_SYS_ADMIN, 0, 0, two_namespaces, list_others},
	{"statmount elsewhere", "may_see_all", CAP_SYS_ADMIN, 0, 0, two_namespaces,
	 status_of_others},
	{"next namespace", "open_neighbour", CAP_SYS_ADMIN, 0, 0, two_namespaces, next_namespace},
};

ABI_TEST(capable, mount_numbers)
{
	CAPS_TRY(number_cases);
}

// --- Sharing that is given ---

static void two_mounts(void)
{
	mkdir("a", 0755);
	mkdir("b", 0755);
	mount("m", "a", "tmpfs", 0, NULL);
	mount("a", "b", NULL, MS_BIND, NULL);
	mount(NULL, "b", NULL, MS_PRIVATE, NULL);
	mount(NULL, "a", NULL, MS_SHARED, NULL);
}

DO(give_group, syscall(SYS_move_mount, AT_FDCWD, "a", AT_FDCWD, "b", MOVE_MOUNT_SET_GROUP))

static const struct cap_case group_cases[] = {
	{"set group", "check_set_group", CAP_SYS_ADMIN, 0, 0, two_mounts, give_group},
};

ABI_TEST(capable, sharing_given)
{
	CAPS_TRY(group_cases);
}
