// Reading directories: getdents64 a buffer at a time.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <syscall.h>
#include <unistd.h>

struct dir_stream {
	int fd;
	int at, end;
	char buf[4096] __attribute__((aligned(8)));
};

DIR *fdopendir(int fd)
{
	DIR *dir = malloc(sizeof(*dir));

	if (dir) {
		dir->fd = fd;
		dir->at = dir->end = 0;
	}
	return dir;
}

DIR *opendir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !dir)
		close(fd);
	return dir;
}

struct dirent *readdir(DIR *dir)
{
	if (dir->at >= dir->end) {
		dir->end = (int)syscall(SYS_getdents64, dir->fd, dir->buf, sizeof(dir->buf));
		dir->at = 0;
		if (dir->end <= 0)
			return NULL;
	}
	struct dirent *entry = (void *)(dir->buf + dir->at);

	dir->at += entry->d_reclen;
	return entry;
}

int closedir(DIR *dir)
{
	int result = close(dir->fd);

	free(dir);
	return result;
}

int dirfd(DIR *dir)
{
	return dir->fd;
}
