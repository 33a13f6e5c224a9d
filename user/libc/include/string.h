// Strings: those of lib/, and what only programs need.
#pragma once

#include <lib/string.h>

char *strcpy(char *dst, const char *src);
char *stpcpy(char *dst, const char *src);
char *strcat(char *dst, const char *src);
char *strncpy(char *dst, const char *src, size_t n);
char *strdup(const char *s);
char *strndup(const char *s, size_t n);
char *strpbrk(const char *s, const char *accept);
char *strchrnul(const char *s, int c);
char *strtok_r(char *s, const char *delimiters, char **state);

// Never NULL. An unknown number gives "Unknown error N" in a buffer that the next call reuses.
const char *strerror(int error);
// "Terminated", or "Unknown signal N" as above. The short form is "TERM", or NULL.
const char *strsignal(int signal);
const char *signal_name(int signal);
// The number for "TERM", "SIGTERM" or "15"; -1 if it is none. 0 is a number.
int signal_number(const char *name);
