// Ids and capabilities: who may change what, and what exec makes of it.

#include "abi.h"
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void show(void)
{
	uid_t r, e, s;
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	getresuid(&r, &e, &s);
	printf("uid %u %u %u ", r, e, s);
	getresgid(&r, &e, &s);
	printf("gid %u %u %u ", r, e, s);
	syscall(SYS_capget, &header, data);
	printf("caps e %x.%x p %x.%x i %x.%x\n", data[1].effective, data[0].effective,
	       data[1].permitted, data[0].permitted, data[1].inheritable, data[0].inheritable);
}

ABI_TEST(cred, reuid)
{
	R(setreuid(-1, 1000));
	show();
	R(setreuid(1000, 0));
	show();
	R(setreuid(2000, -1));
	show();
	R(setregid(-1, 50));
	R(setregid(60, -1));
	show();
	R(setreuid(3000, 3000));
	show();
	R(setreuid(0, -1));
	R(setreuid(-1, 0));
	R(setregid(0, -1));
	R(setregid(50, 60));
	R(setregid(70, 70));
	show();
}

ABI_TEST(cred, fsuid)
{
	R(setfsuid(1000));
	show();
	R(setfsuid(-1));
	R(setfsuid(0));
	show();
	R(setfsgid(5));
	R(setfsgid(-1));
	R(setresuid(1, 2, 3));
	R(setfsuid(9));
	R(setfsuid(3));
	R(setfsuid(-1));
	show();
}

ABI_TEST(cred, capset)
{
	struct __user_cap_header_struct header = {0x1234, 0};
	struct __user_cap_data_struct data[2] = {{0}};

	R(syscall(SYS_capget, &header, NULL));
	printf("%x\n", header.version);
	header.version = 1;
	R(syscall(SYS_capget, &header, data));
	R(syscall(SYS_capget, BAD, data));
	R(syscall(SYS_capget, &header, BAD));
	header.pid = -1;
	R(syscall(SYS_capget, &header, data));
	header.pid = 1 << 22;
	R(syscall(SYS_capget, &header, data));
	R(syscall(SYS_capset, &header, data));
	header.pid = 0;
	R(syscall(SYS_capset, &header, BAD));
	data[0] = (struct __user_cap_data_struct){0x10, 0x30, 0x70};
	R(syscall(SYS_capset, &header, data));
	show();
	R(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 4, 0, 0));
	R(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 6, 0, 0));
	R(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 64, 0, 0));
	R(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 4, 0, 0));
	R(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 5, 0, 0));
	R(prctl(PR_CAP_AMBIENT, 9, 5, 0, 0));
	R(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 5, 0, 0));
	data[0].permitted = 0x40;
	R(syscall(SYS_capset, &header, data));
	data[0] = (struct __user_cap_data_struct){0x20, 0x10, 0};
	R(syscall(SYS_capset, &header, data));
	data[0] = (struct __user_cap_data_struct){0, 0x20, 0x80};
	R(syscall(SYS_capset, &header, data));
	data[0] = (struct __user_cap_data_struct){0, 0x20, 0x20};
	R(syscall(SYS_capset, &header, data));
	R(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 4, 0, 0));
	show();
}

// Becomes another user, execs itself (perhaps with set-id bits), and shows what it is then.
static void over_exec(const char *test, mode_t mode, uid_t owner, int keep)
{
	char *argv[] = {"x", (char *)test, NULL};

	if (getenv("AGAIN")) {
		show();
		printf("dumpable %d\n", prctl(PR_GET_DUMPABLE));
		return;
	}
	setenv("AGAIN", "1", 1);
	FILE *in = fopen("/proc/self/exe", "r"), *out = fopen("copy", "w");
	static char buffer[65536];
	for (size_t n; (n = fread(buffer, 1, sizeof(buffer), in)) > 0;)
		fwrite(buffer, 1, n, out);
	fclose(in);
	fclose(out);
	chown("copy", owner, owner);
	chmod("copy", mode);
	if (keep)
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	setgid(1000);
	setuid(1000);
	fflush(stdout);
	execv("copy", argv);
	R(execv("copy", argv));
}

ABI_TEST(cred, exec_plain)
{
	over_exec("cred/exec_plain", 0755, 0, 0);
}

ABI_TEST(cred, exec_setuid_root)
{
	over_exec("cred/exec_setuid_root", 04755, 0, 0);
}

ABI_TEST(cred, exec_setuid_other)
{
	over_exec("cred/exec_setuid_other", 06755, 77, 0);
}

ABI_TEST(cred, exec_no_new_privs)
{
	over_exec("cred/exec_no_new_privs", 06755, 0, 1);
}

ABI_TEST(cred, exec_unreadable)
{
	over_exec("cred/exec_unreadable", 0711, 0, 0);
}

ABI_TEST(cred, process_limit_at_exec)
{
	char *argv[] = {"x", "none", NULL};

	R(setrlimit(RLIMIT_NPROC, &(struct rlimit){0, 0}));
	pid_t pid = fork(); // root may

	if (pid == 0)
		_exit(0);
	abi_reap(pid);
	fflush(stdout);
	R(setuid(4321));
	R(execv("/proc/self/none", argv));
	R(fork());
}
