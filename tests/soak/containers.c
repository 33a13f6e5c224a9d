// The soak's containers: all kinds of namespaces at once, a root of its own that is pivoted to, a /proc,
// something of each kind left in it, and its end.

#include "soak.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ALL_KINDS                                                                   \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | \
	 CLONE_NEWCGROUP | CLONE_NEWTIME)
#define ENDED_WELL 33

// Ends the container with a number that says where it went wrong.
static int step; // of this process

static void must(int result)
{
	step++;
	if (result < 0)
		_exit(step);
}

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	int result = write(fd, text, strlen(text)) < 0 ? -1 : 0;

	close(fd);
	return result;
}

// The root that a kernel begins with hangs on nothing and cannot be left by pivot_root: so first we make
// another one our root.
static void build_root(void)
{
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)); // step 4
	must(mount("stage", "/container", "tmpfs", 0, "size=256k"));
	must(chdir("/container"));
	must(chroot("."));
	must(mkdir("new", 0755));
	must(mount("root", "new", "tmpfs", 0, "size=256k"));
	must(chdir("new")); // step 10
	must(mkdir("proc", 0755));
	must(mkdir("old", 0755));
	must(mkdir("shared", 0755));
	must(mount("proc", "proc", "proc", 0, NULL));
	must(mount("s", "shared", "tmpfs", 0, NULL));
	must(mount(NULL, "shared", NULL, MS_SHARED, NULL));
	must(syscall(SYS_pivot_root, ".", "old"));
	must(chdir("/"));
	must(umount2("/old", MNT_DETACH)); // step 19
}

static int container_main(void)
{
	char text[16] = "";

	must(put("/proc/self/setgroups", "deny"));
	must(put("/proc/self/uid_map", "0 0 1"));
	must(put("/proc/self/gid_map", "0 0 1"));
	build_root();
	must(sethostname("container", 9));
	must(semget(7, 3, IPC_CREAT | 0600));
	must(shmget(7, 4096, IPC_CREAT | 0600));
	must(close(open("/file", O_CREAT | O_RDWR, 0600)));
	must(readlink("/proc/self", text, sizeof(text) - 1) == 1 && text[0] == '1' ? 0 : -1);
	must(access("/old/new", F_OK) ? 0 : -1); // step 25: the outside cannot be seen
	pid_t pid = fork();
	must(pid);
	if (!pid) {
		unshare(CLONE_NEWNS); // a second tree, with a slave of what is shared here
		mount(NULL, "/shared", NULL, MS_SLAVE, NULL);
		pause(); // it dies with its init
	}
	return ENDED_WELL;
}

static int container(void)
{
	struct clone_args args = {.flags = ALL_KINDS, .exit_signal = SIGCHLD};
	int status;
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (!pid)
		_exit(container_main());
	if (pid < 0) {
		printf("  clone3: %s\n", strerror(errno));
		return 1;
	}
	if (waitpid(pid, &status, 0) != pid || status != ENDED_WELL << 8) {
		printf("  a container ended with %x\n", status);
		return 1;
	}
	return 0;
}

long containers(long count)
{
	long wrong = 0;

	for (long i = 0; i < count; i++)
		wrong += container();
	return wrong;
}
