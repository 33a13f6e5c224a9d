// statmount and listmount, STATX_MNT_ID_UNIQUE, and the questions of namespace files about mount
// namespaces. Numbers that depend on chance are printed as the n-th that was met.

#include "mounts.h"
#include <grp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

// As in Linux 7.0's linux/mount.h, which the compiler's headers may be older than.
struct id_request {
	uint32_t size, mnt_fd;
	uint64_t mnt_id, param, mnt_ns_id;
};

struct mount_status {
	uint32_t size, mnt_opts;
	uint64_t mask;
	uint32_t sb_dev_major, sb_dev_minor;
	uint64_t sb_magic;
	uint32_t sb_flags, fs_type;
	uint64_t mnt_id, mnt_parent_id;
	uint32_t mnt_id_old, mnt_parent_id_old;
	uint64_t mnt_attr, mnt_propagation, mnt_peer_group, mnt_master, propagate_from;
	uint32_t mnt_root, mnt_point;
	uint64_t mnt_ns_id;
	uint32_t fs_subtype, sb_source, opt_num, opt_array, opt_sec_num, opt_sec_array;
	uint64_t supported_mask;
	uint32_t mnt_uidmap_num, mnt_uidmap, mnt_gidmap_num, mnt_gidmap;
	uint64_t spare[43];
	char text[4096];
};
#define FIXED ((size_t)offsetof(struct mount_status, text))
_Static_assert(FIXED == 512, "as Linux has it");

struct ns_info {
	uint32_t size, nr_mounts;
	uint64_t mnt_ns_id;
};

#define SM_SB_BASIC       0x1
#define SM_MNT_BASIC      0x2
#define SM_PROPAGATE_FROM 0x4
#define SM_MNT_ROOT       0x8
#define SM_MNT_POINT      0x10
#define SM_FS_TYPE        0x20
#define SM_MNT_NS_ID      0x40
#define SM_MNT_OPTS       0x80
#define SM_FS_SUBTYPE     0x100
#define SM_SB_SOURCE      0x200
#define SM_OPT_ARRAY      0x400
#define SM_OPT_SEC_ARRAY  0x800
#define SM_SUPPORTED      0x1000
#define SM_UIDMAP         0x2000
#define SM_GIDMAP         0x4000
#define SM_ALL            0x7fff
#define SM_BY_FD          1
#define LIST_ROOT         UINT64_MAX
#define LIST_REVERSE      1

#define ASK_MNTNS_ID 0x8008b705
#define ASK_INFO     0x8010b70a
#define ASK_NEXT     0x8010b70b
#define ASK_PREV     0x8010b70c
#define ASK_ID       0x8008b70d

static struct mount_status status;

static long stat_mount(const void *request, void *out, size_t size, unsigned flags)
{
	return syscall(457, request, out, size, flags);
}

static long list_mount(const void *request, uint64_t *ids, size_t count, unsigned flags)
{
	return syscall(458, request, ids, count, flags);
}

static uint64_t unique_id(const char *path)
{
	struct statx s = {0};

	statx(AT_FDCWD, path, AT_NO_AUTOMOUNT, 0x4000, &s);
	return s.stx_mnt_id;
}

static uint64_t ns_id(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t id = 0;

	ioctl(fd, ASK_MNTNS_ID, &id);
	close(fd);
	return id;
}

// The n-th number of its kind that was met; 0 stays 0.
static int met(int kind, uint64_t number)
{
	static uint64_t known[4][256];
	static int count[4];

	if (!number)
		return 0;
	for (int i = 0; i < count[kind]; i++) {
		if (known[kind][i] == number)
			return i + 1;
	}
	known[kind][count[kind]++] = number;
	return count[kind];
}

static const char *place_of(const char *path)
{
	const char *arena = strstr(path, "/arena");

	return arena ? arena : path;
}

static void print_text(const char *name, uint32_t offset)
{
	if (offset < sizeof(status.text))
		printf(" %s@%u \"%s\"", name, offset, place_of(status.text + offset));
}

static void print_status(uint64_t mask)
{
	const struct mount_status *s = &status;

	printf("  size %u mask %#lx\n", s->size, (long)s->mask);
	if (s->mask & SM_SB_BASIC)
		printf("  sb major %u magic %#lx flags %#x\n", s->sb_dev_major, (long)s->sb_magic,
		       s->sb_flags);
	if (s->mask & SM_MNT_BASIC)
		printf("  id %d parent %d old %d parent %d attr %#lx propagation %#lx group %d "
		       "master %d\n",
		       met(0, s->mnt_id), met(0, s->mnt_parent_id), met(1, s->mnt_id_old),
		       met(1, s->mnt_parent_id_old), (long)s->mnt_attr, (long)s->mnt_propagation,
		       met(2, s->mnt_peer_group), met(2, s->mnt_master));
	if (s->mask & SM_PROPAGATE_FROM)
		printf("  from %d\n", met(2, s->propagate_from));
	if (s->mask & SM_MNT_NS_ID)
		printf("  ns %d\n", met(3, s->mnt_ns_id));
	if (s->mask & SM_SUPPORTED)
		printf("  supported %#lx\n", (long)s->supported_mask);
	printf("  ");
	if (mask & SM_FS_TYPE)
		print_text("type", s->fs_type);
	if (mask & SM_MNT_ROOT)
		print_text("root", s->mnt_root);
	if (mask & SM_MNT_POINT)
		print_text("point", s->mnt_point);
	if (mask & SM_MNT_OPTS)
		print_text("opts", s->mnt_opts);
	if (mask & SM_FS_SUBTYPE)
		print_text("subtype", s->fs_subtype);
	if (mask & SM_SB_SOURCE)
		print_text("source", s->sb_source);
	if (mask & SM_OPT_ARRAY) {
		const char *at = s->text + s->opt_array;

		printf(" %u options@%u", s->opt_num, s->opt_array);
		for (unsigned i = 0; i < s->opt_num; i++, at += strlen(at) + 1)
			printf(" <%s>", at);
	}
	if (mask & SM_OPT_SEC_ARRAY)
		printf(" %u security@%u", s->opt_sec_num, s->opt_sec_array);
	if (mask & (SM_UIDMAP | SM_GIDMAP))
		printf(" maps %u@%u %u@%u", s->mnt_uidmap_num, s->mnt_uidmap, s->mnt_gidmap_num,
		       s->mnt_gidmap);
	printf("\n");
}

static void show_id(const char *what, uint64_t id, uint64_t ns, uint64_t mask)
{
	struct id_request request = {.size = 32, .mnt_id = id, .param = mask, .mnt_ns_id = ns};

	memset(&status, 0xee, sizeof(status));
	long result = stat_mount(&request, &status, sizeof(status), 0);
	printf("%s %#lx: %s\n", what, (long)mask, result ? strerrorname_np(errno) : "ok");
	if (!result)
		print_status(mask);
}

static void show_path(const char *path, uint64_t mask)
{
	show_id(path, unique_id(path), 0, mask);
}

ABI_TEST(statmount, what_it_tells)
{
	arena();
	mount("one", "a", "tmpfs", MS_NOSUID | MS_NODEV | MS_SYNCHRONOUS, "size=64k,mode=700");
	mkdir("a/in side", 0755);
	mount("a/in side", "b", NULL, MS_BIND, NULL);
	mount(NULL, "b", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOEXEC | MS_NOATIME, NULL);
	mount("two", "c", "tmpfs", MS_RDONLY | MS_STRICTATIME | MS_NODIRATIME, NULL);
	mount(NULL, "c", NULL, MS_SHARED, NULL);
	mount("c", "d", NULL, MS_BIND, NULL);
	mount(NULL, "d", NULL, MS_SLAVE, NULL);
	mount("d", "e", NULL, MS_BIND, NULL);
	mount(NULL, "e", NULL, MS_SHARED, NULL);
	mount("a\\b #x", "f", "tmpfs", MS_NOSYMFOLLOW | 0x2000000, NULL);
	mount(NULL, "f", NULL, MS_UNBINDABLE, NULL);
	met(3, ns_id("/proc/self/ns/mnt"));
	static const char *const places[] = {".", "a", "b", "c", "d", "e", "f"};
	for (unsigned i = 0; i < 7; i++)
		show_path(places[i], SM_ALL);
	for (uint64_t bit = 1; bit < 1 << 17; bit <<= 1)
		show_path("b", bit);
	for (uint64_t bit = 1; bit < 1 << 17; bit <<= 1)
		show_path("e", bit);
	show_path("b", 0);
	show_path("b", 1UL << 63);
	show_path("b", ~0UL);
	show_path("c", SM_MNT_POINT | SM_FS_TYPE);
	mkdir("a/x\ty", 0755);
	mount("s\tt", "a/x\ty", "tmpfs", 0, NULL);
	show_path("a/x\ty", SM_MNT_POINT | SM_SB_SOURCE | SM_MNT_ROOT);
	mount("p", "a/in side", "proc", 0, "hidepid=1,gid=4");
	show_path("a/in side", SM_ALL & ~SM_MNT_NS_ID & ~SM_PROPAGATE_FROM);
	rmdir("a/x\ty");
	umount2("a/in side", MNT_DETACH);
	rmdir("a/in side");
	show_path("b", SM_MNT_ROOT | SM_MNT_POINT);
}

ABI_TEST(statmount, other_types)
{
	arena();
	mount("q", "a", "mqueue", 0, NULL);
	mount(NULL, "b", "devpts", 0, "mode=620");
	mount("", "c", "tmpfs", 0, NULL);
	uint64_t mask = SM_ALL & ~(SM_SB_BASIC | SM_MNT_NS_ID);
	show_path("a", mask);
	show_path("b", mask);
	show_path("c", mask);
	for (uint64_t bit = 1; bit < 0x1000; bit <<= 1)
		show_path("a", bit & ~(SM_SB_BASIC | SM_MNT_NS_ID));
	show_path("a", SM_OPT_ARRAY | SM_MNT_OPTS);
	show_path("c", SM_SB_SOURCE);
}

ABI_TEST(statmount, room)
{
	struct id_request request = {.size = 32, .param = SM_ALL};

	arena();
	mount("one", "a", "tmpfs", 0, "size=64k,mode=700");
	request.mnt_id = unique_id("a");
	static const size_t sizes[] = {0,   1,   4,   8,   16,  100, 511, 512, 513, 520,
				       530, 540, 560, 570, 580, 590, 600, 640, 4096};
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		memset(&status, 0xee, sizeof(status));
		printf("%zu: ", sizes[i]);
		R(stat_mount(&request, &status, sizes[i], 0));
		size_t last = sizeof(status);
		while (last && ((unsigned char *)&status)[last - 1] == 0xee)
			last--;
		printf("written %zu size %#x mask %#lx\n", last, status.size, (long)status.mask);
	}
	request.param = SM_SB_BASIC | SM_MNT_BASIC;
	for (unsigned i = 0; i < 10; i++) {
		memset(&status, 0xee, sizeof(status));
		printf("%zu: ", sizes[i]);
		R(stat_mount(&request, &status, sizes[i], 0));
		printf("%#x %#lx\n", status.size, (long)status.mask);
	}
}

ABI_TEST(statmount, refusals)
{
	struct {
		struct id_request r;
		uint64_t more[600];
	} big = {0};
	struct id_request *r = &big.r;

	arena();
	mount("one", "a", "tmpfs", 0, "size=64k");
	uint64_t id = unique_id("a");
	*r = (struct id_request){.size = 32, .mnt_id = id, .param = SM_ALL};
	R(stat_mount(r, &status, sizeof(status), 0));
	R(stat_mount(BAD, &status, sizeof(status), 0));
	R(stat_mount(r, BAD, sizeof(status), 0));
	R(stat_mount(r, NULL, 0, 0));
	R(stat_mount(r, BAD, 0, 0));
	for (unsigned flag = 1; flag < 1 << 5; flag <<= 1)
		R(stat_mount(r, &status, sizeof(status), flag));
	static const uint32_t sizes[] = {0,  4,  8,  16, 20, 23,   24,   25,
					 28, 31, 32, 33, 40, 4096, 4097, 0xffffffff};
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		r->size = sizes[i];
		printf("%u: ", sizes[i]);
		R(stat_mount(r, &status, sizeof(status), 0));
		r->param = 0;
		printf("%u: ", sizes[i]);
		R(list_mount(r, big.more + 300, 0, 0));
		r->param = SM_ALL;
	}
	big.more[0] = 1;
	r->size = 40;
	R(stat_mount(r, &status, sizeof(status), 0));
	r->size = 32;
	static const uint64_t ids[] = {
		0,          1,        20, 0x7fffffff, 0x80000000, 0x80000001, UINT64_MAX - 1,
		UINT64_MAX, 1UL << 40};
	for (unsigned i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		r->mnt_id = ids[i];
		printf("id %#lx: ", (long)ids[i]);
		if (ids[i] == 0x80000001)
			OK(stat_mount(r, &status, sizeof(status), 0) == 0 || errno == ENOENT ||
					   errno == EPERM
				   ? 0
				   : -1);
		else
			R(stat_mount(r, &status, sizeof(status), 0));
	}
	r->mnt_id = id;
	static const uint64_t spaces[] = {1, 0xeffffff8, 1UL << 62, UINT64_MAX};
	for (unsigned i = 0; i < 4; i++) {
		r->mnt_ns_id = spaces[i];
		printf("ns %#lx: ", (long)spaces[i]);
		if (i)
			R(stat_mount(r, &status, sizeof(status), 0));
		else
			printf("\n");
	}
	r->mnt_ns_id = ns_id("/proc/self/ns/mnt");
	R(stat_mount(r, &status, sizeof(status), 0));
	r->mnt_ns_id = 0;
	r->mnt_fd = open("/proc/self/ns/mnt", O_RDONLY);
	R(stat_mount(r, &status, sizeof(status), 0));
	r->mnt_ns_id = ns_id("/proc/self/ns/mnt");
	R(stat_mount(r, &status, sizeof(status), 0));
	r->mnt_ns_id = 0;
	r->mnt_fd = open("/proc/self/ns/uts", O_RDONLY);
	R(stat_mount(r, &status, sizeof(status), 0));
	r->mnt_fd = open("a", O_RDONLY);
	R(stat_mount(r, &status, sizeof(status), 0));
	close(r->mnt_fd);
	r->mnt_fd = 99;
	R(stat_mount(r, &status, sizeof(status), 0));
	r->param = 0;
	R(list_mount(r, big.more, 1, 0));
	r->mnt_fd = open("/proc/self/ns/mnt", O_RDONLY);
	R(list_mount(r, big.more, 1, 0));
	r->mnt_ns_id = ns_id("/proc/self/ns/mnt");
	R(list_mount(r, big.more, 1, 0));
	r->mnt_ns_id = 1UL << 62;
	r->mnt_fd = 0;
	R(list_mount(r, big.more, 1, 0));
	r->mnt_ns_id = 0;
	r->param = SM_ALL;
	R(umount("a"));
	R(stat_mount(r, &status, sizeof(status), 0));
}

static void as_nobody(void)
{
	setgroups(0, NULL);
	setresgid(1000, 1000, 1000);
	setresuid(1000, 1000, 1000);
}

static void by_fd(const char *what, int fd)
{
	struct id_request r = {.size = 32, .mnt_fd = fd, .param = SM_ALL & ~SM_MNT_NS_ID};

	memset(&status, 0xee, sizeof(status));
	long result = stat_mount(&r, &status, sizeof(status), SM_BY_FD);
	printf("%s: %s\n", what, result ? strerrorname_np(errno) : "ok");
	if (!result)
		print_status(SM_ALL);
}

ABI_TEST(statmount, by_descriptor)
{
	int pipes[2];

	arena();
	mount("one", "a", "tmpfs", 0, "size=64k");
	mkdir("a/x", 0755);
	by_fd("root of mount", open("a", O_RDONLY));
	by_fd("within", open("a/x", O_PATH));
	by_fd("closed", 99);
	by_fd("negative", -1);
	pipe(pipes);
	by_fd("pipe", pipes[0]);
	int tree = syscall(SYS_open_tree, AT_FDCWD, "a", 1 | O_CLOEXEC);
	by_fd("detached", tree);
	int held = open("a", O_RDONLY);
	umount2("a", MNT_DETACH);
	by_fd("unmounted", held);
	mount("two", "b", "tmpfs", 0, NULL);
	int other = open("b", O_RDONLY);
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (!pid) {
			if (i)
				unshare(CLONE_NEWNS);
			else
				chroot("c");
			by_fd(i ? "elsewhere" : "out of reach", other);
			as_nobody();
			by_fd(i ? "elsewhere as nobody" : "out of reach as nobody", other);
			by_fd("unmounted as nobody", held);
			by_fd("detached as nobody", tree);
			fflush(stdout);
			_exit(0);
		}
		abi_reap(pid);
	}
	struct id_request r = {.size = 32, .mnt_fd = tree, .mnt_id = 1, .param = SM_ALL};
	R(stat_mount(&r, &status, sizeof(status), SM_BY_FD));
	r.mnt_id = 0;
	r.mnt_ns_id = 1;
	R(stat_mount(&r, &status, sizeof(status), SM_BY_FD));
}

static bool within; // in a changed root, where all places are ours

// The mounts of a list, by the places that they have now; others are passed over.
static void list(const char *what, uint64_t id, uint64_t last, uint64_t ns, size_t count,
		 unsigned flags)
{
	struct id_request r = {.size = 32, .mnt_id = id, .param = last, .mnt_ns_id = ns}, one;
	uint64_t ids[64] = {0};
	long n = list_mount(&r, ids, count, flags);

	printf("%s: ", what);
	if (n < 0) {
		printf("%s\n", strerrorname_np(errno));
		return;
	}
	for (long i = 0; i < n; i++) {
		one = (struct id_request){
			.size = 32, .mnt_id = ids[i], .param = SM_MNT_POINT, .mnt_ns_id = ns};
		if (stat_mount(&one, &status, sizeof(status), 0))
			printf(" %s", strerrorname_np(errno));
		else if (strstr(status.text + status.mnt_point, "arena"))
			printf(" %s", place_of(status.text + status.mnt_point));
		else if (within || !strcmp(status.text + status.mnt_point, "/"))
			printf(" %s", status.text + status.mnt_point);
	}
	printf("\n");
}

static void nest(void)
{
	arena();
	mount("x", "a", "tmpfs", 0, NULL);
	mkdir("a/1", 0755);
	mkdir("a/2", 0755);
	mount("x", "b", "tmpfs", 0, NULL);
	mount("x", "a/1", "tmpfs", 0, NULL);
	mount("x", "a/2", "tmpfs", 0, NULL);
	mkdir("a/1/z", 0755);
	mount("x", "a/1/z", "tmpfs", 0, NULL);
	mount("x", "b", "tmpfs", 0, NULL);
}

ABI_TEST(statmount, lists)
{
	static uint64_t ids[8]; // not on the stack: a million behind it would not be ours anywhere

	nest();
	uint64_t here = unique_id("."), a = unique_id("a"), one = unique_id("a/1"),
		 b = unique_id("b");
	list("arena", here, 0, 0, 64, 0);
	list("arena reversed", here, 0, 0, 64, LIST_REVERSE);
	list("a", a, 0, 0, 64, 0);
	list("a/1", one, 0, 0, 64, 0);
	list("top of b", b, 0, 0, 64, 0);
	list("two of a", a, 0, 0, 2, 0);
	list("a after a/1", a, one, 0, 64, 0);
	list("a before a/1", a, one, 0, 64, LIST_REVERSE);
	list("a before a/2", a, unique_id("a/2"), 0, 64, LIST_REVERSE);
	list("arena after a/1, two", here, one, 0, 2, 0);
	list("arena after nothing there", here, b + 100000, 0, 64, 0);
	list("arena after old number", here, 5, 0, 64, 0);
	list("all", LIST_ROOT, 0, 0, 64, 0);
	list("all reversed", LIST_ROOT, 0, 0, 64, LIST_REVERSE);
	list("by ns", here, 0, ns_id("/proc/self/ns/mnt"), 64, 0);
	list("no such", 1UL << 40, 0, 0, 64, 0);
	list("zero", 0, 0, 0, 64, 0);
	list("old", 30, 0, 0, 64, 0);
	struct id_request r = {.size = 32, .mnt_id = here};
	R(list_mount(&r, ids, 0, 0));
	R(list_mount(&r, BAD, 0, 0));
	R(list_mount(&r, BAD, 8, 0));
	R(list_mount(&r, ids, 8, 2));
	R(list_mount(&r, ids, 1UL << 40, 0));
	R(list_mount(&r, ids, 1000000, 0));
	R(list_mount(&r, ids, 1000001, 0));
	R(list_mount(BAD, ids, 8, 0));
	r.param = UINT64_MAX;
	R(list_mount(&r, ids, 8, 0));
	R(list_mount(&r, ids, 8, LIST_REVERSE));
	r.param = 0;
	r.size = 24;
	R(list_mount(&r, ids, 8, 0));
}

// What a process in a changed root sees, privileged or not.
static void view(const char *who, uint64_t outside, uint64_t inside)
{
	printf("-- %s\n", who);
	show_id("outside", outside, 0, SM_MNT_POINT | SM_MNT_ROOT | SM_MNT_BASIC);
	show_id("inside", inside, 0, SM_MNT_POINT | SM_MNT_ROOT | SM_MNT_BASIC);
	list("outside", outside, 0, 0, 64, 0);
	list("inside", inside, 0, 0, 64, 0);
	list("all", LIST_ROOT, 0, 0, 64, 0);
	fflush(stdout);
}

ABI_TEST(statmount, another_root)
{
	nest();
	uint64_t b = unique_id("b"), a = unique_id("a"), one = unique_id("a/1"),
		 ns = ns_id("/proc/self/ns/mnt");

	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (!pid) {
			chroot("a");
			chdir("/");
			within = true;
			if (i)
				as_nobody();
			view(i ? "nobody in a" : "root in a", b, one);
			list("all by ns", LIST_ROOT, 0, ns, 64, 0);
			show_id("a", a, 0, SM_MNT_POINT);
			_exit(0);
		}
		abi_reap(pid);
	}
	pid_t pid = fork();
	if (!pid) {
		chroot("a/1/z");
		within = true;
		view("root in a/1/z", a, one);
		_exit(0);
	}
	abi_reap(pid);
	pid = fork();
	if (!pid) {
		as_nobody();
		view("nobody", b, one);
		_exit(0);
	}
	abi_reap(pid);
}

ABI_TEST(statmount, other_namespaces)
{
	uint64_t ours, theirs, number;
	struct ns_info info;

	nest();
	ours = ns_id("/proc/self/ns/mnt");
	uint64_t place = unique_id("a");
	pid_t pid = fork();
	if (!pid) {
		unshare(CLONE_NEWNS);
		umount("a/2");
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(pid, NULL, WUNTRACED);
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	theirs = ns_id(path);
	int fd = R(open(path, O_RDONLY) >= 0) ? open(path, O_RDONLY) : -1;
	int own = open("/proc/self/ns/mnt", O_RDONLY), uts = open("/proc/self/ns/uts", O_RDONLY);
	printf("%d\n", ours != theirs && theirs > ours);
	R(ioctl(uts, ASK_MNTNS_ID, &number));
	R(ioctl(uts, ASK_INFO, &info));
	R(ioctl(uts, ASK_NEXT, &info));
	R(ioctl(own, ASK_MNTNS_ID, BAD));
	R(ioctl(own, ASK_INFO, BAD));
	R(ioctl(own, ASK_INFO, NULL));
	R(ioctl(uts, ASK_ID, &number));
	R(ioctl(own, ASK_ID, &number));
	printf("%d\n", number == ours);
	info = (struct ns_info){.size = 77, .nr_mounts = 77};
	R(ioctl(own, ASK_INFO, &info));
	uint32_t here = info.nr_mounts;
	printf("size %u %d\n", info.size, info.mnt_ns_id == ours);
	R(ioctl(fd, ASK_INFO, &info));
	printf("%d fewer, %d\n", (int)(here - info.nr_mounts), info.mnt_ns_id == theirs);
	int next = ioctl(own, ASK_NEXT, &info);
	printf("next %d: %d\n", next >= 0, info.mnt_ns_id == theirs);
	R(fcntl(next, F_GETFD));
	R(ioctl(next, ASK_NEXT, &info));
	int back = ioctl(next, ASK_PREV, &info);
	printf("back %d: %d\n", back >= 0, info.mnt_ns_id == ours);
	back = ioctl(next, ASK_PREV, NULL);
	printf("back without words: %s\n", back >= 0 ? "ok" : strerrorname_np(errno));
	back = ioctl(next, ASK_PREV, BAD);
	printf("back with bad words: %s\n", back >= 0 ? "ok" : strerrorname_np(errno));
	R(ioctl(own, 0x8004b70a, &info));
	struct {
		struct ns_info info;
		uint64_t more[3];
	} longer;
	memset(&longer, 0xee, sizeof(longer));
	R(ioctl(own, 0x8020b70a, &longer));
	printf("%u %#lx %#lx %#lx\n", longer.info.size, (long)longer.more[0], (long)longer.more[1],
	       (long)longer.more[2]);
	R(ioctl(own, 0xc010b70a, &info));
	list("theirs", LIST_ROOT, 0, theirs, 64, 0);
	show_id("ours in theirs", place, theirs, SM_MNT_POINT);
	fflush(stdout);
	pid_t nobody = fork();
	if (!nobody) {
		as_nobody();
		list("theirs as nobody", LIST_ROOT, 0, theirs, 64, 0);
		list("ours as nobody", LIST_ROOT, 0, ours, 64, 0);
		show_id("ours in theirs", place, theirs, SM_MNT_POINT);
		R(ioctl(own, ASK_INFO, &info));
		R(ioctl(own, ASK_NEXT, &info));
		R(ioctl(fd, ASK_INFO, &info));
		R(ioctl(fd, ASK_PREV, &info));
		R(ioctl(fd, ASK_MNTNS_ID, &number));
		fflush(stdout);
		_exit(0);
	}
	abi_reap(nobody);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

ABI_TEST(statmount, unique_numbers)
{
	struct statx old, new;

	arena();
	mount("x", "a", "tmpfs", 0, NULL);
	R(statx(AT_FDCWD, "a", 0, 0x1000, &old));
	printf("%#x\n", old.stx_mask & 0x5000);
	R(statx(AT_FDCWD, "a", 0, 0x4000, &new));
	printf("%#x %d\n", new.stx_mask & 0x5000, new.stx_mnt_id > 0x80000000);
	R(statx(AT_FDCWD, "a", 0, 0x5000, &new));
	printf("%#x %d\n", new.stx_mask & 0x5000, new.stx_mnt_id > 0x80000000);
	R(statx(AT_FDCWD, "a", 0, 0, &new));
	printf("%#x %d\n", new.stx_mask & 0x5000, new.stx_mnt_id == old.stx_mnt_id);
	int fd = open("a", O_RDONLY);
	R(statx(fd, "", AT_EMPTY_PATH, 0x4000, &new));
	printf("%d\n", new.stx_mnt_id == unique_id("a"));
	uint64_t before = unique_id("a");
	close(fd);
	umount("a");
	mount("x", "a", "tmpfs", 0, NULL);
	printf("%d\n", unique_id("a") > before);
}
