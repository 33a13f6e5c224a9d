// Strings that the kernel does not need.

#include <lib/errname.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *stpcpy(char *dst, const char *src)
{
	size_t n = strlen(src);

	memcpy(dst, src, n + 1);
	return dst + n;
}

char *strcpy(char *dst, const char *src)
{
	stpcpy(dst, src);
	return dst;
}

char *strcat(char *dst, const char *src)
{
	strcpy(dst + strlen(dst), src);
	return dst;
}

char *strncpy(char *dst, const char *src, size_t n)
{
	size_t length = strnlen(src, n);

	memcpy(dst, src, length);
	memset(dst + length, 0, n - length);
	return dst;
}

char *strndup(const char *s, size_t n)
{
	size_t length = strnlen(s, n);
	char *copy = malloc(length + 1);

	if (copy) {
		memcpy(copy, s, length);
		copy[length] = '\0';
	}
	return copy;
}

char *strdup(const char *s)
{
	return strndup(s, strlen(s));
}

char *strpbrk(const char *s, const char *accept)
{
	s += strcspn(s, accept);
	return *s ? (char *)s : NULL;
}

char *strchrnul(const char *s, int c)
{
	char *found = strchr(s, c);

	return found ? found : (char *)s + strlen(s);
}

char *strtok_r(char *s, const char *delimiters, char **state)
{
	if (!s)
		s = *state;
	s += strspn(s, delimiters);
	char *end = s + strcspn(s, delimiters);

	*state = *end ? end + 1 : end;
	*end = '\0';
	return end > s ? s : NULL;
}

const char *strerror(int error)
{
	static char unknown[32];
	const char *text = errno_message(error);

	if (text)
		return text;
	snprintf(unknown, sizeof(unknown), "Unknown error %d", error);
	return unknown;
}
