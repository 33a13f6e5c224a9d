// Buffered streams. Floating point is not formatted.
#pragma once

#include <lib/printf.h>
#include <stdarg.h>

#define EOF    (-1)
#define BUFSIZ 4096

#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2

typedef struct stream FILE;

extern FILE *const stdin, *const stdout, *const stderr;

FILE *fopen(const char *path, const char *mode);
FILE *fdopen(int fd, const char *mode);
int fclose(FILE *f);
int fflush(FILE *f); // NULL: all
int fileno(FILE *f);
int feof(FILE *f);
int ferror(FILE *f);
void clearerr(FILE *f);
// Forgets what is buffered: for a child that must not write it again.
void fpurge(FILE *f);

size_t fread(void *p, size_t size, size_t n, FILE *f);
size_t fwrite(const void *p, size_t size, size_t n, FILE *f);
int getc(FILE *f);
int ungetc(int c, FILE *f);
int putc(int c, FILE *f);
int fputs(const char *s, FILE *f);
int puts(const char *s);
char *fgets(char *s, int size, FILE *f);
ssize_t getdelim(char **line, size_t *room, int delimiter, FILE *f);
ssize_t getline(char **line, size_t *room, FILE *f);

#define fgetc(f)    getc(f)
#define fputc(c, f) putc(c, f)
#define getchar()   getc(stdin)
#define putchar(c)  putc(c, stdout)

int printf(const char *fmt, ...) PRINTF_LIKE(1, 2);
int fprintf(FILE *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
int dprintf(int fd, const char *fmt, ...) PRINTF_LIKE(2, 3);
int vprintf(const char *fmt, va_list args);
int vfprintf(FILE *f, const char *fmt, va_list args);
// *out is from malloc. -1 without memory.
int asprintf(char **out, const char *fmt, ...) PRINTF_LIKE(2, 3);
int vasprintf(char **out, const char *fmt, va_list args);
void perror(const char *what);
int remove(const char *path);
int rename(const char *from, const char *to);
