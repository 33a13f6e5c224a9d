// Memory, numbers, the environment, the end of a program.
#pragma once

#include <lib/base.h>

#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1

void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t size);
void free(void *p);
// As malloc and kin, but a program that gets no memory says so and exits with 2.
void *xmalloc(size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);

NORETURN void exit(int status);
NORETURN void _exit(int status);
NORETURN void abort(void);
int atexit(void (*function)(void));

long strtol(const char *s, char **end, int base);
unsigned long strtoul(const char *s, char **end, int base);
long long strtoll(const char *s, char **end, int base);
int atoi(const char *s);
void qsort(void *base, size_t n, size_t size, int (*cmp)(const void *a, const void *b));

extern char **environ;
char *getenv(const char *name);
int setenv(const char *name, const char *value, int replace);
int unsetenv(const char *name);
int clearenv(void);
int mkstemp(char *template);
