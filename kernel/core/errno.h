// Error codes. Functions return 0 or a negative code. The ones below never reach user space: the
// exit to user mode turns them into EINTR or restarts the system call.
#pragma once

#include <uapi/errno.h>

#define ERESTARTSYS           512 // restart if the handler has SA_RESTART or there is none
#define ERESTARTNOINTR        513 // always restart
#define ERESTARTNOHAND        514 // restart only if no handler runs
#define ENOIOCTLCMD           515 // not a command that this part knows: ask the next
#define ERESTART_RESTARTBLOCK 516 // as NOHAND, but continue with task.restart
