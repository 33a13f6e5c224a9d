// /proc/PID/task, /proc/thread-self, /proc/PID/fdinfo.

#include "abi.h"
#include <dirent.h>
#include <pthread.h>
#include <sys/eventfd.h>

static int count_entries(const char *path, int (*wanted)(const char *))
{
	DIR *dir = opendir(path);
	int n = 0;

	if (!dir)
		return -errno;
	for (struct dirent *e; (e = readdir(dir));)
		n += *e->d_name != '.' && (!wanted || wanted(e->d_name));
	closedir(dir);
	return n;
}

static pthread_barrier_t barrier;
static pid_t tids[3];

static void *thread_main(void *at)
{
	int *slot = at;
	char link[64] = "", wanted[64];

	*slot = gettid();
	if (slot == &tids[0]) {
		pthread_setname_np(pthread_self(), "first");
		snprintf(wanted, sizeof(wanted), "%d/task/%d", getpid(), gettid());
		R(readlink("/proc/thread-self", link, sizeof(link) - 1) > 0);
		R(strcmp(link, wanted));
	}
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void show_file(const char *path)
{
	char text[512];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n < 0) {
		printf("%s\n", strerrorname_np(errno));
		return;
	}
	text[n] = '\0';
	printf("%s", text);
	close(fd);
}

ABI_TEST(proc_task, threads)
{
	pthread_t threads[3];
	char path[128];
	struct stat st;

	R(count_entries("/proc/self/task", NULL));
	pthread_barrier_init(&barrier, NULL, 4);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, thread_main, &tids[i]);
	pthread_barrier_wait(&barrier);
	R(count_entries("/proc/self/task", NULL));
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tids[0]);
	show_file(path);
	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tids[1]);
	R(access(path, R_OK));
	snprintf(path, sizeof(path), "/proc/self/task/%d/task", tids[1]);
	R(access(path, F_OK));
	snprintf(path, sizeof(path), "/proc/self/task/%d/coredump_filter", tids[1]);
	R(access(path, F_OK));
	snprintf(path, sizeof(path), "/proc/self/task/%d/ns/uts", tids[1]);
	R(access(path, F_OK));
	snprintf(path, sizeof(path), "/proc/%d/task/%d", tids[1], getpid());
	R(access(path, F_OK));
	R(access("/proc/self/task/1", F_OK));
	R(access("/proc/self/task/x", F_OK));
	R(stat("/proc/self/task", &st));
	R(st.st_nlink);
	R(st.st_mode);
	R(mkdir("/proc/self/task/x", 0755));
	snprintf(path, sizeof(path), "/proc/self/task/%d", tids[2]);
	int dir = open(path, O_RDONLY | O_DIRECTORY);

	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 1000 && access(path, F_OK) == 0; i++)
		usleep(1000);
	R(access(path, F_OK));
	R(openat(dir, "comm", O_RDONLY));
	R(count_entries("/proc/self/task", NULL));
	close(dir);
}

ABI_TEST(proc_task, times_of_one_thread)
{
	char path[64], text[512];
	unsigned long user = 0, all = 0;
	clock_t until = clock() + CLOCKS_PER_SEC / 4;

	while (clock() < until) {
		for (volatile int i = 0; i < 100000; i++)
			continue;
	}
	for (int pass = 0; pass < 2; pass++) {
		snprintf(path, sizeof(path), pass ? "/proc/self/stat" : "/proc/self/task/%d/stat",
			 getpid());
		int fd = open(path, O_RDONLY);
		ssize_t n = read(fd, text, sizeof(text) - 1);

		close(fd);
		text[n > 0 ? n : 0] = '\0';
		char *at = strrchr(text, ')');

		sscanf(at ? at + 1 : "", " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu",
		       pass ? &all : &user);
	}
	R(user > 0);
	R(all >= user);
}

static void show_fdinfo(int fd)
{
	char path[64], text[512], *line, *rest = text;
	int info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY);
	ssize_t n = info < 0 ? -1 : read(info, text, sizeof(text) - 1);

	if (n < 0) {
		printf("fdinfo: %s\n", strerrorname_np(errno));
		return;
	}
	text[n] = '\0';
	close(info);
	while ((line = strsep(&rest, "\n"))) {
		// what has a number that depends on the kernel
		if (!strncmp(line, "mnt_id:", 7) || !strncmp(line, "ino:", 4) ||
		    !strncmp(line, "eventfd-id:", 11))
			printf("%.*s\n", (int)strcspn(line, "\t "), line);
		else if (*line)
			printf("%s\n", line);
	}
}

ABI_TEST(proc_task, fdinfo)
{
	int fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int file = open("/tmp/fdinfo", O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
	struct stat st;
	int fds[2];

	show_fdinfo(fd);
	R(write(file, "abcdef", 6));
	show_fdinfo(file);
	R(lseek(file, 2, SEEK_SET));
	show_fdinfo(file);
	R(fcntl(file, F_SETFL, O_NONBLOCK));
	show_fdinfo(file);
	int event = eventfd(7, EFD_NONBLOCK);

	show_fdinfo(event);
	R(pipe2(fds, O_NONBLOCK));
	show_fdinfo(fds[0]);
	show_fdinfo(fds[1]);
	show_fdinfo(-1);
	show_fdinfo(999);
	R(stat("/proc/self/fdinfo", &st));
	R(st.st_mode);
	R(stat("/proc/self/fdinfo/0", &st));
	R(st.st_mode);
	R(open("/proc/self/fdinfo/0", O_WRONLY));
	R(count_entries("/proc/self/fdinfo", NULL) == count_entries("/proc/self/fd", NULL));
	close(fd), close(file), close(event), close(fds[0]), close(fds[1]);
	unlink("/tmp/fdinfo");
}
