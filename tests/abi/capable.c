// Every capability check with and without: files, and who may do what with those of others.

#include "caps.h"
#include <linux/falloc.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/time.h>

#define STRANGER 2000

#define DO(name, call)               \
	static long name(void)       \
	{                            \
		return (long)(call); \
	}

static int kept = -1; // a descriptor that the preparation opened

// --- CHOWN ---

static void file_of_stranger(void)
{
	caps_make_file("f", STRANGER, 0644);
}

static void file_of_user(void)
{
	caps_make_file("f", 1000, 0644);
}

static void file_of_caller_group(void)
{
	caps_make_file("f", 1000, 06755);
}

DO(give_away, chown("f", 1000, -1))
DO(take, chown("f", 0, 0))
DO(change_group, chown("f", -1, 77))
DO(change_nothing, chown("f", -1, -1))
DO(same_owner, chown("f", 1000, -1))
DO(same_group, chown("f", -1, 1000))
DO(own_both, chown("f", 1000, 1000))

static const struct cap_case chown_cases[] = {
	{"chown of another's", "may_change_owner", CAP_CHOWN, 0, 0, file_of_stranger, take},
	{"chown to the user", "may_change_owner", CAP_CHOWN, 0, 0, file_of_stranger, give_away},
	{"chgrp of another's", "may_change_owner", CAP_CHOWN, 0, 0, file_of_stranger, change_group},
	{"chgrp of one's own", "may_change_owner", CAP_CHOWN, 0, 0, file_of_user, change_group},
	{"chown -1 -1", "may_change_owner", CAP_CHOWN, 0, 0, file_of_stranger, change_nothing},
	{"chown to the owner", "may_change_owner", CAP_CHOWN, 0, 0, file_of_user, same_owner},
	{"chgrp to the group", "may_change_owner", CAP_CHOWN, 0, 0, file_of_user, same_group},
	{"chown to both", "may_change_owner", CAP_CHOWN, 0, 0, file_of_caller_group, own_both},
};

ABI_TEST(capable, owners)
{
	CAPS_TRY(chown_cases);
}

// --- DAC_OVERRIDE, DAC_READ_SEARCH ---

static void secret_file(void)
{
	caps_make_file("f", STRANGER, 0600);
}

static void closed_file(void)
{
	caps_make_file("f", STRANGER, 0);
}

static void own_closed_file(void)
{
	caps_make_file("f", 0, 0);
}

static void secret_folder(void)
{
	mkdir("d", 0700);
	caps_make_file("d/f", STRANGER, 0666);
	chown("d", STRANGER, STRANGER);
}

static void open_folder(void)
{
	secret_folder();
	chmod("d", 0755);
}

static void copy_program(mode_t mode)
{
	static const char script[] = "#!/proc/self/exe\n";
	int fd = open("p", O_CREAT | O_RDWR, 0700);

	write(fd, script, sizeof(script) - 1);
	fchown(fd, STRANGER, STRANGER);
	fchmod(fd, mode);
	close(fd);
}

static void program_of_owner(void)
{
	copy_program(0100);
}

static void program_of_none(void)
{
	copy_program(0600);
}

// Whether exec would be allowed; the call itself would not come back.
DO(may_exec, faccessat(AT_FDCWD, "p", X_OK, AT_EACCESS))
DO(open_read, caps_open("f", O_RDONLY))
DO(open_write, caps_open("f", O_WRONLY))
DO(open_both, caps_open("f", O_RDWR))
DO(open_truncate, caps_open("f", O_RDONLY | O_TRUNC))
DO(truncate_it, truncate("f", 0))
DO(list, caps_open("d", O_RDONLY | O_DIRECTORY))
DO(search, access("d/f", F_OK))
DO(stat_inside, caps_open("d/f", O_RDONLY))
DO(make_inside, caps_open("d/new", O_CREAT | O_EXCL | O_RDWR))
DO(folder_inside, mkdir("d/new", 0755))
DO(link_inside, symlink("x", "d/new"))
DO(remove_inside, unlink("d/f"))
DO(rename_inside, rename("d/f", "d/g"))
DO(nameless_inside, caps_open("d", O_TMPFILE | O_RDWR))
DO(go_inside, chdir("d"))
DO(access_write, faccessat(AT_FDCWD, "f", W_OK, AT_EACCESS))
DO(access_real, access("f", W_OK))
DO(touch_now, utimes("f", NULL))

static const struct cap_case dac_cases[] = {
	{"read 0600", "inode_mode_permission", CAP_DAC_OVERRIDE, 0, CAP(CAP_DAC_READ_SEARCH),
	 secret_file, open_read},
	{"read 0600", "inode_mode_permission", CAP_DAC_READ_SEARCH, 0, CAP(CAP_DAC_OVERRIDE),
	 secret_file, open_read},
	{"write 0600", "inode_mode_permission", CAP_DAC_OVERRIDE, 0, 0, secret_file, open_write},
	{"write 0600", "inode_mode_permission", CAP_DAC_READ_SEARCH, 0, 0, secret_file, open_write},
	{"read and write 0600", "inode_mode_permission", CAP_DAC_OVERRIDE, 0, 0, secret_file,
	 open_both},
	{"read 0000", "inode_mode_permission", CAP_DAC_OVERRIDE, 0, CAP(CAP_DAC_READ_SEARCH),
	 closed_file, open_read},
	{"read one's own 0000", "inode_mode_permission", CAP_DAC_READ_SEARCH, 0,
	 CAP(CAP_DAC_OVERRIDE), own_closed_file, open_read},
	{"truncating open", "inode_mode_permission", CAP_DAC_OVERRIDE, 0, 0, secret_file,
	 open_truncate},
	{"truncate", "inode_mode_permission", CAP_DAC_OVERRIDE, 0, 0, secret_file, truncate_it},
	{"list 0700", "inode_mode_permission", CAP_DAC_READ_SEARCH, 0, CAP(CAP_DAC_OVERRIDE),
	 secret_folder, list},
	{"list 0700", "inode_mode_permission", CAP_DAC_OVERRIDE, 0, CAP(CAP_DAC_READ_SEARCH),
	 secret_folder, list},
	{"search 0700", "inode_mode_permission", CAP_DAC_READ_SEARCH, 0, CAP(CAP_DAC_OVERRIDE),
	 secret_folder, search},
	{"open in 0700", "inode_mode_permission", CAP_DAC_READ_SEARCH, 0, CAP(CAP_DAC_OVERRIDE),
	 secret_folder, stat_inside},
	{"chdir to 0700", "inode_mode_permission", CAP_DAC_READ_SEARCH, 0, CAP(CAP_DAC_OVERRIDE),
	 secret_folder, go_inside},
	{"create in 0755", "inode_mode_permission", CAP_DAC_OVERRIDE, 0, 0, open_folder,
	 make_inside},
	{"create in 0755", "inode_mode_permission", CAP_DAC_READ_SEARCH, 0, 0, open_folder,
	 make_inside},
	{"mkdir in 0755", "inode_mode_permission", CAP_DAC_OVERRIDE, 0, 0, open_folder,
	 folder_inside},
	{"symlink in 0755", "inode_mode_permission", CAP_DAC_OVERRIDE, 0, 0, open_folder,
	 link_inside},
	{"unlink in 0755", "inode_mode_permission", CAP_DAC_OVERRIDE, 0, 0, open_folder,
	 remove_inside},
	{"rename in 0755", "inode_mode_permission", CAP_DAC_OVERRIDE, 0, 0, open_folder,
	 rename_inside},
	{"tmpfile in 0755", "inode_mode_permission", CAP_DAC_OVERRIDE, 0, 0, open_folder,
	 nameless_inside},
	{"exec 0100", "inode_mode_permission", CAP_DAC_OVERRIDE, 0, 0, program_of_owner, may_exec},
	{"exec 0100", "inode_mode_permission", CAP_DAC_READ_SEARCH, 0, 0, program_of_owner,
	 may_exec},
	{"exec 0600", "inode_mode_permission", CAP_DAC_OVERRIDE, 0, 0, program_of_none, may_exec},
	{"access as effective", "inode_mode_permission", CAP_DAC_OVERRIDE, 0, 0, secret_file,
	 access_write},
	// Root's real id has all that is permitted, others' none.
	{"access as real", "inode_mode_permission", CAP_DAC_OVERRIDE, 0, 0, secret_file,
	 access_real},
	{"touch", "inode_mode_permission", CAP_DAC_OVERRIDE, 0, CAP(CAP_FOWNER), secret_file,
	 touch_now},
};

ABI_TEST(capable, dac)
{
	CAPS_TRY(dac_cases);
}

// --- FOWNER, FSETID ---

static void sticky_folder(void)
{
	mkdir("d", 0777);
	caps_make_file("d/f", STRANGER, 0666);
	caps_make_file("d/h", STRANGER, 0666);
	chown("d", STRANGER, STRANGER);
	chmod("d", 01777);
}

static void file_of_all(void)
{
	caps_make_file("f", STRANGER, 0666);
	kept = open("f", O_RDONLY);
}

static void readable_file(void)
{
	caps_make_file("f", STRANGER, 0444);
	kept = open("f", O_RDONLY);
}

static long cache_state(void)
{
	uint64_t range[2] = {0, 4096}, state[5];

	return syscall(451, kept, range, state, 0);
}

static long set_times(void)
{
	struct timeval past[2] = {{1000, 0}, {1000, 0}};

	return utimes("f", past);
}

static long modes_after(const char *path, long result)
{
	struct stat st;

	if (result < 0)
		return -1;
	stat(path, &st);
	return st.st_mode & 07777;
}

DO(change_mode, chmod("f", 0600))
DO(change_mode_open, fchmod(kept, 0600))
DO(remove_sticky, unlink("d/f"))
DO(rename_sticky, rename("d/f", "d/g"))
DO(rename_over_sticky, rename("d/f", "d/h"))
DO(no_atime, caps_open("f", O_RDONLY | O_NOATIME))
DO(no_atime_later, fcntl(kept, F_SETFL, O_NOATIME))
DO(link_of_others, link("f", "l"))
DO(touch_all, utimes("f", NULL))

static const struct cap_case fowner_cases[] = {
	{"chmod", "change_mode", CAP_FOWNER, 0, 0, file_of_stranger, change_mode},
	{"fchmod", "change_mode", CAP_FOWNER, 0, 0, file_of_all, change_mode_open},
	{"utimes", "change_times", CAP_FOWNER, 0, 0, file_of_all, set_times},
	{"utimes now of 0644", "change_times", CAP_FOWNER, 0, CAP(CAP_DAC_OVERRIDE),
	 file_of_stranger, touch_all},
	{"utimes now of 0666", "change_times", CAP_FOWNER, 0, CAP(CAP_DAC_OVERRIDE), file_of_all,
	 touch_all},
	{"unlink sticky", "name_may_remove", CAP_FOWNER, 0, 0, sticky_folder, remove_sticky},
	{"rename sticky", "name_may_remove", CAP_FOWNER, 0, 0, sticky_folder, rename_sticky},
	{"rename over sticky", "name_may_remove", CAP_FOWNER, 0, 0, sticky_folder,
	 rename_over_sticky},
	{"O_NOATIME", "check_open", CAP_FOWNER, 0, 0, file_of_all, no_atime},
	{"F_SETFL O_NOATIME", "flags_set", CAP_FOWNER, 0, 0, file_of_all, no_atime_later},
	{"chown to both", "change_owner_locked", CAP_FOWNER, CAP(CAP_CHOWN), 0,
	 file_of_caller_group, own_both},
	{"cachestat", "may_know_cache", CAP_FOWNER, 0, CAP(CAP_DAC_OVERRIDE), readable_file,
	 cache_state},
	{"link of another's file", "may_link_to", CAP_FOWNER, 0, 0, file_of_stranger,
	 link_of_others},
};

ABI_TEST(capable, fowner)
{
	CAPS_TRY(fowner_cases);
}

static void own_file_other_group(void)
{
	caps_make_file("f", 1000, 0755);
	chown("f", 0, 77);
	kept = open("f", O_RDWR);
}

static void users_file_other_group(void)
{
	caps_make_file("f", 1000, 0755);
	chown("f", 1000, 77);
}

static void setid_file(mode_t mode)
{
	caps_make_file("f", STRANGER, 0777);
	kept = open("f", O_RDWR);
	write(kept, "x", 1);
	chmod("f", mode);
}

static void setuid_file(void)
{
	setid_file(06777);
}

static void mandatory_file(void)
{
	setid_file(06767);
}

static void setgid_folder(void)
{
	mkdir("d", 0777);
	chown("d", STRANGER, STRANGER);
	chmod("d", 02777);
}

static long make_setgid(void)
{
	umask(0);
	int fd = open("d/f", O_CREAT | O_RDWR, 02775);

	close(fd);
	return modes_after("d/f", fd);
}

static long make_setgid_node(void)
{
	umask(0);
	return modes_after("d/f", mknod("d/f", S_IFREG | 06775, 0));
}

static long make_setgid_no_exec(void)
{
	umask(0);
	return modes_after("d/f", mknod("d/f", S_IFREG | 02764, 0));
}

static long make_folder(void)
{
	umask(0);
	return modes_after("d/f", mkdir("d/f", 0755));
}

static long make_nameless(void)
{
	struct stat st;

	umask(0);
	int fd = open("d", O_TMPFILE | O_RDWR, 02775);
	if (fd < 0 || fstat(fd, &st))
		return -1;
	return st.st_mode & 07777;
}

static long write_mapped(void)
{
	char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, kept, 0);

	*at = 'x';
	return modes_after("f", 0);
}

static long copy_into(void)
{
	int from = open("from", O_CREAT | O_RDWR, 0600);

	write(from, "abc", 3);
	lseek(from, 0, SEEK_SET);
	return modes_after("f", copy_file_range(from, NULL, kept, NULL, 3, 0));
}

DO(keep_setgid, modes_after("f", chmod("f", 02755)))
DO(keep_setuid, modes_after("f", chmod("f", 06755)))
DO(write_clears, modes_after("f", write(kept, "y", 1)))
DO(write_nothing, modes_after("f", write(kept, "", 0)))
DO(truncate_clears, modes_after("f", ftruncate(kept, 0)))
DO(truncate_path_clears, modes_after("f", truncate("f", 0)))
DO(open_clears, modes_after("f", caps_open("f", O_WRONLY | O_TRUNC)))
DO(allocate_clears, modes_after("f", fallocate(kept, 0, 0, 4096)))
DO(punch_clears,
   modes_after("f", fallocate(kept, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1)))
DO(chown_clears, modes_after("f", chown("f", 0, 0)))
DO(chown_same_clears, modes_after("f", chown("f", -1, -1)))

static const struct cap_case fsetid_cases[] = {
	{"chmod g+s, root's", "change_mode", CAP_FSETID, 0, 0, own_file_other_group, keep_setgid},
	{"chmod ug+s, user's", "change_mode", CAP_FSETID, CAP(CAP_FOWNER), 0,
	 users_file_other_group, keep_setuid},
	{"write", "inode_drop_privileges", CAP_FSETID, 0, 0, setuid_file, write_clears},
	{"write of nothing", "inode_drop_privileges", CAP_FSETID, 0, 0, setuid_file, write_nothing},
	{"write, no g+x", "inode_drop_privileges", CAP_FSETID, 0, 0, mandatory_file, write_clears},
	{"ftruncate", "inode_drop_privileges", CAP_FSETID, 0, 0, setuid_file, truncate_clears},
	{"truncate", "inode_drop_privileges", CAP_FSETID, 0, 0, setuid_file, truncate_path_clears},
	{"O_TRUNC", "inode_drop_privileges", CAP_FSETID, 0, 0, setuid_file, open_clears},
	{"fallocate", "inode_drop_privileges", CAP_FSETID, 0, 0, setuid_file, allocate_clears},
	{"punch", "inode_drop_privileges", CAP_FSETID, 0, 0, setuid_file, punch_clears},
	{"copy_file_range", "inode_drop_privileges", CAP_FSETID, 0, 0, setuid_file, copy_into},
	{"mapped write", "inode_drop_privileges", CAP_FSETID, 0, 0, setuid_file, write_mapped},
	{"chown", "change_owner_locked", CAP_FSETID, CAP(CAP_CHOWN), 0, setuid_file, chown_clears},
	{"chown, no g+x", "change_owner_locked", CAP_FSETID, CAP(CAP_CHOWN), 0, mandatory_file,
	 chown_clears},
	{"chown -1 -1", "change_owner_locked", CAP_FSETID, 0, 0, setuid_file, chown_same_clears},
	{"open in a g+s folder", "mode_within", CAP_FSETID, 0, 0, setgid_folder, make_setgid},
	{"mknod in a g+s folder", "mode_within", CAP_FSETID, 0, 0, setgid_folder, make_setgid_node},
	{"mknod, no g+x", "mode_within", CAP_FSETID, 0, 0, setgid_folder, make_setgid_no_exec},
	{"mkdir in a g+s folder", "mode_within", CAP_FSETID, 0, 0, setgid_folder, make_folder},
	{"tmpfile in a g+s folder", "mode_within", CAP_FSETID, 0, 0, setgid_folder, make_nameless},
};

ABI_TEST(capable, fsetid)
{
	CAPS_TRY(fsetid_cases);
}

// A link that a stranger left in a folder of all is not followed, whatever one may.
static void link_of_stranger(void)
{
	mkdir("d", 0777);
	chmod("d", 01777);
	caps_make_file("d/f", STRANGER, 0666);
	symlink("f", "d/l");
	lchown("d/l", STRANGER, STRANGER);
	symlink("d/l", "outer");
	mkdir("d/sub", 0777);
	symlink("sub", "d/s");
	lchown("d/s", STRANGER, STRANGER);
}

DO(open_link, caps_open("d/l", O_RDONLY))
DO(open_link_of_link, caps_open("outer", O_RDONLY))
DO(create_link, caps_open("d/l", O_CREAT | O_RDWR))
DO(through_link, caps_open("d/s/", O_RDONLY))
DO(past_link, caps_open("d/s/new", O_CREAT | O_RDWR))
DO(read_link, readlink("d/l", (char[8]){0}, 8))
DO(open_no_link, caps_open("d/l", O_RDONLY | O_NOFOLLOW))

static const struct cap_case link_cases[] = {
	{"open", "", CAP_DAC_OVERRIDE, 0, 0, link_of_stranger, open_link},
	{"open by another link", "", CAP_DAC_OVERRIDE, 0, 0, link_of_stranger, open_link_of_link},
	{"create", "", CAP_DAC_OVERRIDE, 0, 0, link_of_stranger, create_link},
	{"open of a folder", "", CAP_DAC_OVERRIDE, 0, 0, link_of_stranger, through_link},
	{"create past it", "", CAP_DAC_OVERRIDE, 0, 0, link_of_stranger, past_link},
	{"readlink", "", CAP_DAC_OVERRIDE, 0, 0, link_of_stranger, read_link},
	{"O_NOFOLLOW", "", CAP_DAC_OVERRIDE, 0, 0, link_of_stranger, open_no_link},
};

ABI_TEST(capable, sticky_links)
{
	CAPS_TRY(link_cases);
}

// --- MKNOD, SYS_CHROOT, LEASE, SYS_RESOURCE over pipes ---

static void make_pipe(void)
{
	int ends[2];

	pipe(ends);
	kept = ends[0];
}

static void a_folder(void)
{
	mkdir("d", 0755);
}

static void devices(void)
{
	mknod("n", S_IFCHR | 0666, 0x103);
	chmod("n", 0666);
}

// How large a new pipe is where only small ones are for all.
static long new_pipe(void)
{
	int ends[2];

	if (pipe(ends))
		return -1;
	return fcntl(ends[0], F_GETPIPE_SZ);
}

static void small_pipes(void)
{
	caps_put("/proc/sys/fs/pipe-max-size", "4096");
}

static void pipes_as_before(void)
{
	caps_put("/proc/sys/fs/pipe-max-size", "1048576");
}

DO(make_character, mknod("n", S_IFCHR | 0600, 0x103))
DO(make_block, mknod("n", S_IFBLK | 0600, 0x700))
DO(make_whiteout, mknod("n", S_IFCHR | 0600, 0))
DO(make_fifo, mknod("n", S_IFIFO | 0600, 0))
DO(open_device, caps_open("n", O_RDWR))
DO(change_root, chroot("d"))
DO(pipe_size, fcntl(kept, F_SETPIPE_SZ, 2 << 20))
DO(pipe_size_below, fcntl(kept, F_SETPIPE_SZ, 1 << 20))

static const struct cap_case node_cases[] = {
	{"mknod c", "make_locked", CAP_MKNOD, 0, 0, NULL, make_character},
	{"mknod b", "make_locked", CAP_MKNOD, 0, 0, NULL, make_block},
	{"mknod 0:0", "make_locked", CAP_MKNOD, 0, 0, NULL, make_whiteout},
	{"mknod fifo", "make_locked", CAP_MKNOD, 0, 0, NULL, make_fifo},
	{"open of a device", "make_locked", CAP_MKNOD, 0, 0, devices, open_device},
	{"chroot", "chroot", CAP_SYS_CHROOT, 0, 0, a_folder, change_root},
	{"F_SETPIPE_SZ", "pipe_resize", CAP_SYS_RESOURCE, 0, 0, make_pipe, pipe_size},
	{"pipe", "pipe_new", CAP_SYS_RESOURCE, 0, 0, small_pipes, new_pipe},
	{"pipe", "pipe_new", CAP_SYS_RESOURCE, 0, 0, pipes_as_before, new_pipe},
	{"F_SETPIPE_SZ below", "pipe_resize", CAP_SYS_RESOURCE, 0, 0, make_pipe, pipe_size_below},
};

ABI_TEST(capable, nodes)
{
	CAPS_TRY(node_cases);
}
