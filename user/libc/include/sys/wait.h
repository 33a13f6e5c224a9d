// Waiting for children.
#pragma once

#include <uapi/resource.h>
#include <uapi/signal.h>
#include <uapi/wait.h>

#define WEXITSTATUS(s)  ((s) >> 8 & 0xff)
#define WTERMSIG(s)     ((s)&0x7f)
#define WSTOPSIG(s)     WEXITSTATUS(s)
#define WIFEXITED(s)    (!WTERMSIG(s))
#define WIFSTOPPED(s)   (((s)&0xff) == 0x7f)
#define WIFSIGNALED(s)  (((s)&0xff) != 0x7f && ((s)&0xff) != 0 && (s) != 0xffff)
#define WIFCONTINUED(s) ((s) == 0xffff)
#define WCOREDUMP(s)    ((s)&0x80)

pid_t wait(int *status);
pid_t waitpid(pid_t pid, int *status, int options);
pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage);
