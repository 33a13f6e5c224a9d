// Numbers in text, the environment, sorting.

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <lib/sort.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <syscall.h>

// Digits in any base; *overflow is set when they do not fit.
static unsigned long take_digits(const char **s, int base, bool *any, bool *overflow)
{
	unsigned long n = 0;

	*any = *overflow = false;
	for (; char_digit_value(**s) < (unsigned)base; (*s)++) {
		*any = true;
		if (__builtin_mul_overflow(n, (unsigned long)base, &n) ||
		    __builtin_add_overflow(n, (unsigned long)char_digit_value(**s), &n))
			*overflow = true;
	}
	return n;
}

static unsigned long parse(const char *s, char **end, int base, bool *negative, bool *overflow)
{
	const char *at = str_skip_blanks(s);
	bool any;

	*negative = *at == '-';
	at += *at == '-' || *at == '+';
	if ((base == 0 || base == 16) && at[0] == '0' && (at[1] | 32) == 'x' && isxdigit(at[2])) {
		at += 2;
		base = 16;
	} else if (base == 0) {
		base = *at == '0' ? 8 : 10;
	}
	unsigned long n = take_digits(&at, base, &any, overflow);

	if (end)
		*end = (char *)(any ? at : s);
	return n;
}

long strtol(const char *s, char **end, int base)
{
	bool negative, overflow;
	unsigned long n = parse(s, end, base, &negative, &overflow);
	unsigned long limit = (1ul << 63) - !negative;

	if (overflow || n > limit) {
		errno = ERANGE;
		n = limit;
	}
	return negative ? (long)-n : (long)n;
}

long long strtoll(const char *s, char **end, int base)
{
	return strtol(s, end, base);
}

unsigned long strtoul(const char *s, char **end, int base)
{
	bool negative, overflow;
	unsigned long n = parse(s, end, base, &negative, &overflow);

	if (overflow) {
		errno = ERANGE;
		return ~0ul;
	}
	return negative ? -n : n;
}

int atoi(const char *s)
{
	return (int)strtol(s, NULL, 10);
}

void qsort(void *base, size_t n, size_t size, int (*cmp)(const void *a, const void *b))
{
	sort(base, n, size, cmp);
}

// --- The environment ---

static bool environ_is_ours; // from malloc, with room for one more

static char **environ_find(const char *name, size_t n)
{
	for (char **e = environ; *e; e++) {
		if (!strncmp(*e, name, n) && (*e)[n] == '=')
			return e;
	}
	return NULL;
}

char *getenv(const char *name)
{
	size_t n = strlen(name);
	char **found = environ_find(name, n);

	return found ? *found + n + 1 : NULL;
}

// The old strings are not freed: who looked them up may hold them.
int setenv(const char *name, const char *value, int replace)
{
	size_t n = strlen(name), count = 0;
	char **found = environ_find(name, n);

	if (found && !replace)
		return 0;
	char *entry = malloc(n + strlen(value) + 2);

	if (!entry)
		return -1;
	stpcpy(stpcpy(stpcpy(entry, name), "="), value);
	if (found) {
		*found = entry;
		return 0;
	}
	while (environ[count])
		count++;
	char **new = realloc(environ_is_ours ? environ : NULL, (count + 2) * sizeof(*new));

	if (!new)
		return -1;
	if (!environ_is_ours)
		memcpy(new, environ, count * sizeof(*new));
	new[count] = entry;
	new[count + 1] = NULL;
	environ = new;
	environ_is_ours = true;
	return 0;
}

int unsetenv(const char *name)
{
	size_t n = strlen(name);
	char **at;

	while ((at = environ_find(name, n))) {
		for (; *at; at++)
			at[0] = at[1];
	}
	return 0;
}

int clearenv(void)
{
	*environ = NULL;
	return 0;
}

// --- Programs along PATH ---

static int exec_file(const char *path, char *const argv[], char *const envp[])
{
	execve(path, argv, envp);
	if (errno != ENOEXEC)
		return -1;
	size_t n = 0;

	while (argv[n])
		n++;
	char **words = malloc((n + 2) * sizeof(*words));

	if (!words)
		return -1;
	words[0] = "sh";
	words[1] = (char *)path;
	memcpy(words + 2, argv + (n ? 1 : 0), n * sizeof(*words));
	return execve("/bin/sh", words, envp);
}

int execvpe(const char *name, char *const argv[], char *const envp[])
{
	const char *path = getenv("PATH");
	char full[PATH_MAX];
	int error = ENOENT;

	if (strchr(name, '/'))
		return exec_file(name, argv, envp);
	if (!path)
		path = "/bin:/usr/bin";
	for (;;) {
		size_t n = strcspn(path, ":");

		if (n + strlen(name) + 2 < sizeof(full)) {
			memcpy(full, path, n);
			stpcpy(stpcpy(full + n, n ? "/" : ""), name);
			exec_file(full, argv, envp);
			if (errno != ENOENT && errno != ENOTDIR)
				error = errno;
		}
		if (!path[n])
			break;
		path += n + 1;
	}
	errno = error;
	return -1;
}

int execvp(const char *name, char *const argv[])
{
	return execvpe(name, argv, environ);
}

int mkstemp(char *template)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	char *x = template + strlen(template) - 6;

	for (int tries = 0; tries < 100; tries++) {
		u8 random[6] = {0};

		syscall(SYS_getrandom, random, sizeof(random), 0);
		for (int i = 0; i < 6; i++)
			x[i] = letters[random[i] % 36];
		int fd = open(template, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}
