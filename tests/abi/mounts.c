// Propagation of mounts: peer groups, masters and slaves, and what mounting, binding, moving and
// unmounting below them does elsewhere.

#include "mounts.h"

ABI_TEST(mounts, kinds)
{
	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	show();
	R(mount(NULL, "a", NULL, MS_SHARED, NULL));
	show();
	R(mount(NULL, "a", NULL, MS_SLAVE, NULL));
	show();
	R(mount(NULL, "a", NULL, MS_SHARED, NULL));
	R(mount("a", "b", NULL, MS_BIND, NULL));
	show();
	R(mount(NULL, "b", NULL, MS_SLAVE, NULL));
	show();
	R(mount(NULL, "b", NULL, MS_SLAVE, NULL));
	R(mount(NULL, "b", NULL, MS_SHARED, NULL));
	show();
	R(mount("b", "c", NULL, MS_BIND, NULL));
	show();
	R(mount(NULL, "a", NULL, MS_UNBINDABLE, NULL));
	show();
	R(mount("a", "d", NULL, MS_BIND, NULL));
	R(mount("a", "d", NULL, MS_BIND | MS_REC, NULL));
	R(mount(NULL, "a", NULL, MS_SLAVE, NULL));
	show();
	R(mount(NULL, "a", NULL, MS_SHARED, NULL));
	show();
	R(mount(NULL, "a", NULL, MS_UNBINDABLE, NULL));
	R(mount(NULL, "a", NULL, MS_PRIVATE, NULL));
	show();
}

ABI_TEST(mounts, kinds_refused)
{
	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	mkdir("a/in", 0755);
	R(mount(NULL, "a/in", NULL, MS_SHARED, NULL));
	R(mount(NULL, "a", NULL, MS_SHARED | MS_PRIVATE, NULL));
	R(mount(NULL, "a", NULL, MS_SHARED | MS_RDONLY, NULL));
	R(mount(NULL, "a", NULL, MS_SLAVE | MS_UNBINDABLE, NULL));
	R(mount(NULL, "a", NULL, MS_SHARED | MS_REC | MS_SILENT, NULL));
	R(mount(NULL, "none", NULL, MS_SHARED, NULL));
	R(mount(NULL, BAD, NULL, MS_SHARED, NULL));
	show();
}

ABI_TEST(mounts, recursive_kinds)
{
	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	mkdir("a/1", 0755);
	R(mount("a1", "a/1", "tmpfs", 0, NULL));
	mkdir("a/1/2", 0755);
	R(mount("a2", "a/1/2", "tmpfs", 0, NULL));
	R(mount(NULL, "a", NULL, MS_REC | MS_SHARED, NULL));
	show();
	R(mount("a", "b", NULL, MS_BIND | MS_REC, NULL));
	show();
	R(mount("a/1", "c", NULL, MS_BIND, NULL));
	R(mount(NULL, "b", NULL, MS_REC | MS_SLAVE, NULL));
	show();
	R(mount(NULL, "a/1", NULL, MS_UNBINDABLE, NULL));
	R(mount("a", "d", NULL, MS_BIND | MS_REC, NULL));
	show();
	R(umount2("b/1/2", 0));
	R(umount2("a/1/2", 0));
	show();
	R(mount(NULL, "a", NULL, MS_REC | MS_PRIVATE, NULL));
	show();
}

ABI_TEST(mounts, mount_below_shared)
{
	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	mkdir("a/1", 0755);
	mkdir("a/2", 0755);
	R(mount(NULL, "a", NULL, MS_SHARED, NULL));
	R(mount("a", "b", NULL, MS_BIND, NULL));
	R(mount("a", "c", NULL, MS_BIND, NULL));
	R(mount(NULL, "c", NULL, MS_SLAVE, NULL));
	R(mount("c", "d", NULL, MS_BIND, NULL));
	R(mount(NULL, "d", NULL, MS_SHARED, NULL));
	R(mount("d", "e", NULL, MS_BIND, NULL));
	show();
	R(mount("x", "a/1", "tmpfs", 0, NULL));
	show();
	R(mount("y", "c/2", "tmpfs", 0, NULL));
	R(mount("z", "e/2", "tmpfs", 0, NULL));
	show();
	R(umount2("a/1", 0));
	show();
	R(umount2("d/2", 0));
	show();
	R(umount2("a/2", 0));
}

ABI_TEST(mounts, subtree_shared)
{
	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	mkdir("a/1", 0755);
	mkdir("a/1/x", 0755);
	mkdir("a/2", 0755);
	R(mount(NULL, "a", NULL, MS_SHARED, NULL));
	R(mount("a/1", "b", NULL, MS_BIND, NULL));
	show();
	R(mount("x", "a/1/x", "tmpfs", 0, NULL));
	R(mount("y", "a/2", "tmpfs", 0, NULL));
	show();
	R(umount2("b/x", 0));
	R(mount("x", "b/x", "tmpfs", 0, NULL));
	show();
}

ABI_TEST(mounts, bind_below_shared)
{
	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	mkdir("a/1", 0755);
	mkdir("a/2", 0755);
	R(mount(NULL, "a", NULL, MS_SHARED, NULL));
	R(mount("a", "b", NULL, MS_BIND, NULL));
	R(mount("s", "c", "tmpfs", 0, NULL));
	mkdir("c/in", 0755);
	R(mount("t", "c/in", "tmpfs", 0, NULL));
	R(mount("c", "a/1", NULL, MS_BIND, NULL));
	R(mount("c", "a/2", NULL, MS_BIND | MS_REC, NULL));
	show();
	// Into itself: its own copies receive nothing.
	R(mount("a", "a/1", NULL, MS_BIND | MS_REC, NULL));
	show();
	R(umount2("a/1", MNT_DETACH));
	R(umount2("a", MNT_DETACH));
	show();
}

ABI_TEST(mounts, moves)
{
	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	mkdir("a/1", 0755);
	mkdir("a/2", 0755);
	R(mount("b", "b", "tmpfs", 0, NULL));
	mkdir("b/in", 0755);
	R(mount("bb", "b/in", "tmpfs", 0, NULL));
	R(mount("b", "a/1", NULL, MS_MOVE, NULL));
	show();
	R(mount("a/1", "b", NULL, MS_MOVE, NULL));
	R(mount(NULL, "a", NULL, MS_SHARED, NULL));
	R(mount("a", "c", NULL, MS_BIND, NULL));
	R(mount("b", "a/1", NULL, MS_MOVE, NULL));
	show();
	R(mount("a/1", "b", NULL, MS_MOVE, NULL)); // out of a shared parent
	R(mount("a", "a/2", NULL, MS_MOVE, NULL));
	R(mount("d", "d", "tmpfs", 0, NULL));
	R(mount(NULL, "d", NULL, MS_UNBINDABLE, NULL));
	R(mount("d", "a/2", NULL, MS_MOVE, NULL));
	R(mount("d", "e", NULL, MS_MOVE, NULL));
	R(mount("none", "e", NULL, MS_MOVE, NULL));
	R(mount("a/2", "e", NULL, MS_MOVE, NULL));
	close(open("file", O_CREAT | O_RDWR, 0600));
	R(mount("e", "file", NULL, MS_MOVE, NULL));
	show();
}

ABI_TEST(mounts, new_namespace)
{
	int pipes[2];

	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	mkdir("a/1", 0755);
	mkdir("a/2", 0755);
	R(mount(NULL, "a", NULL, MS_SHARED, NULL));
	R(mount("s", "b", "tmpfs", 0, NULL));
	R(mount(NULL, "b", NULL, MS_UNBINDABLE, NULL));
	pipe(pipes);
	int pid = fork();
	if (pid == 0) {
		char c;

		R(unshare(CLONE_NEWNS));
		show();
		R(mount("x", "a/1", "tmpfs", 0, NULL));
		fflush(stdout);
		kill(getppid(), SIGUSR1);
		close(pipes[1]);
		read(pipes[0], &c, 1);
		show();
		R(mount(NULL, "a", NULL, MS_SLAVE | MS_REC, NULL));
		show();
		R(umount2("a/2", 0));
		fflush(stdout);
		_exit(0);
	}
	wait_for(SIGUSR1);
	close(pipes[0]);
	show();
	R(mount("y", "a/2", "tmpfs", 0, NULL));
	fflush(stdout);
	close(pipes[1]);
	abi_reap(pid);
	show();
}

ABI_TEST(mounts, less_privileged_namespace)
{
	int pipes[2];

	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	mkdir("a/1", 0755);
	mkdir("a/2", 0755);
	R(mount(NULL, "a", NULL, MS_SHARED, NULL));
	pipe(pipes);
	int pid = fork();
	if (pid == 0) {
		char c;

		R(unshare(CLONE_NEWNS | CLONE_NEWUSER));
		show();
		R(mount("x", "a/1", "tmpfs", 0, NULL));
		fflush(stdout);
		kill(getppid(), SIGUSR1);
		close(pipes[1]);
		read(pipes[0], &c, 1);
		show();
		R(umount2("a/2", 0)); // what came from above is locked only below its top
		R(umount2("a/2/in", 0));
		R(umount2("a", 0));
		R(umount2("a", MNT_DETACH));
		R(mount("a", "c", NULL, MS_BIND, NULL));
		R(mount("a", "c", NULL, MS_BIND | MS_REC, NULL));
		show();
		fflush(stdout);
		_exit(0);
	}
	wait_for(SIGUSR1);
	close(pipes[0]);
	show();
	R(mount("y", "b", "tmpfs", 0, NULL));
	mkdir("b/in", 0755);
	R(mount("z", "b/in", "tmpfs", 0, NULL));
	R(mount("b", "a/2", NULL, MS_BIND | MS_REC, NULL));
	fflush(stdout);
	close(pipes[1]);
	abi_reap(pid);
}

ABI_TEST(mounts, umount_propagates)
{
	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	mkdir("a/1", 0755);
	R(mount(NULL, "a", NULL, MS_SHARED, NULL));
	R(mount("a", "b", NULL, MS_BIND, NULL));
	R(mount("a", "c", NULL, MS_BIND, NULL));
	R(mount(NULL, "c", NULL, MS_SLAVE, NULL));
	R(mount("x", "a/1", "tmpfs", 0, NULL));
	mkdir("a/1/in", 0755);
	// The slave's copy keeps something that the others have not.
	R(mount("own", "c/1/in", "tmpfs", 0, NULL));
	show();
	int fd = open("b/1", O_RDONLY);
	R(umount2("a/1", 0)); // busy by way of a peer
	close(fd);
	R(umount2("a/1", 0));
	show();
	R(umount2("c/1/in", 0));
	R(umount2("c/1", 0));
	// Covered: what lies on top slips down.
	R(mount("x", "a/1", "tmpfs", 0, NULL));
	R(mount("top", "c/1", "tmpfs", 0, NULL));
	show();
	R(umount2("a/1", 0));
	show();
	R(umount2("c/1", 0));
	// Under what the slave mounted first.
	R(mount("under", "c/1", "tmpfs", 0, NULL));
	R(mount("x", "a/1", "tmpfs", 0, NULL));
	show();
	R(umount2("c/1", 0));
	show();
}

ABI_TEST(mounts, detach_propagates)
{
	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	mkdir("a/1", 0755);
	R(mount(NULL, "a", NULL, MS_SHARED, NULL));
	R(mount("a", "b", NULL, MS_BIND, NULL));
	R(mount("a", "c", NULL, MS_BIND, NULL));
	R(mount(NULL, "c", NULL, MS_SLAVE, NULL));
	R(mount("x", "a/1", "tmpfs", 0, NULL));
	mkdir("a/1/2", 0755);
	mkdir("a/1/3", 0755);
	R(mount("y", "a/1/2", "tmpfs", 0, NULL));
	R(mount("own", "c/1/3", "tmpfs", 0, NULL));
	show();
	int fd = open("b/1", O_RDONLY | O_DIRECTORY);
	mkdirat(fd, "2/y", 0755);
	R(umount2("a/1", 0));
	R(umount2("a/1", MNT_DETACH));
	show();
	R(faccessat(fd, "2", F_OK, 0));
	R(faccessat(fd, "2/y", F_OK, 0));
	R(faccessat(fd, "../1", F_OK, 0));
}

ABI_TEST(mounts, propagate_from)
{
	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	mkdir("a/b", 0755);
	R(mount(NULL, "a", NULL, MS_SHARED, NULL));
	R(mount("a", "b", NULL, MS_BIND, NULL));
	R(mount(NULL, "b", NULL, MS_SLAVE, NULL));
	R(mount(NULL, "b", NULL, MS_SHARED, NULL));
	R(mount("b", "c", NULL, MS_BIND, NULL));
	R(mount(NULL, "c", NULL, MS_SLAVE, NULL));
	show();
	R(umount2("b", 0));
	show();
	R(mount("b", "b", "tmpfs", 0, NULL));
	mkdir("b/1", 0755);
	mkdir("b/2", 0755);
	R(mount("a", "b/1", NULL, MS_BIND, NULL));
	R(mount("b/1", "d", NULL, MS_BIND, NULL));
	R(mount(NULL, "d", NULL, MS_SLAVE, NULL));
	R(mount(NULL, "d", NULL, MS_SHARED, NULL));
	R(mount("d", "b/2", NULL, MS_BIND, NULL));
	R(mount(NULL, "b/2", NULL, MS_SLAVE, NULL));
	show();
	R(chroot("b"));
	show();
}

ABI_TEST(mounts, master_leaves)
{
	arena();
	R(mount("a", "a", "tmpfs", 0, NULL));
	mkdir("a/1", 0755);
	R(mount(NULL, "a", NULL, MS_SHARED, NULL));
	R(mount("a", "b", NULL, MS_BIND, NULL));
	R(mount("b", "c", NULL, MS_BIND, NULL));
	R(mount(NULL, "c", NULL, MS_SLAVE, NULL));
	R(mount("c", "d", NULL, MS_BIND, NULL));
	R(mount(NULL, "d", NULL, MS_SHARED, NULL));
	show();
	R(mount(NULL, "b", NULL, MS_PRIVATE, NULL));
	show();
	R(mount("x", "a/1", "tmpfs", 0, NULL));
	show();
	R(umount2("a", MNT_DETACH));
	show();
	R(mount("x", "d/1", "tmpfs", 0, NULL));
	show();
}
