// The first instructions of a program, and its last.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <syscall.h>

#define ATEXIT_MAX 8

int errno;
char **environ;

static void (*at_exit[ATEXIT_MAX])(void);
static int at_exit_count;

int main(int argc, char **argv);

// The stack as exec leaves it: argc, argv, NULL, environment, NULL, auxiliary vector.
__attribute__((used)) static NORETURN void start(long *stack)
{
	int argc = (int)stack[0];
	char **argv = (char **)(stack + 1);

	environ = argv + argc + 1;
	exit(main(argc, argv));
}

__asm__(".globl _start\n"
	"_start:\n"
	".option push\n"
	".option norelax\n"
	"	la gp, __global_pointer$\n"
	".option pop\n"
	"	mv a0, sp\n"
	"	andi sp, sp, -16\n"
	"	j start\n");

int atexit(void (*function)(void))
{
	if (at_exit_count == ATEXIT_MAX)
		return -1;
	at_exit[at_exit_count++] = function;
	return 0;
}

NORETURN void exit(int status)
{
	while (at_exit_count)
		at_exit[--at_exit_count]();
	fflush(NULL);
	_exit(status);
}

NORETURN void _exit(int status)
{
	for (;;)
		syscall(SYS_exit_group, status);
}

long syscall_result(long answer)
{
	if (answer >= 0 || answer < -MAX_ERRNO)
		return answer;
	errno = (int)-answer;
	return -1;
}
