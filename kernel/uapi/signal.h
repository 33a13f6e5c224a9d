// Signals: numbers, flags, structures (Linux riscv64; asm-generic/signal.h, siginfo.h).
#pragma once

#include <uapi/types.h>

#define SIGHUP    1
#define SIGINT    2
#define SIGQUIT   3
#define SIGILL    4
#define SIGTRAP   5
#define SIGABRT   6
#define SIGBUS    7
#define SIGFPE    8
#define SIGKILL   9
#define SIGUSR1   10
#define SIGSEGV   11
#define SIGUSR2   12
#define SIGPIPE   13
#define SIGALRM   14
#define SIGTERM   15
#define SIGSTKFLT 16
#define SIGCHLD   17
#define SIGCONT   18
#define SIGSTOP   19
#define SIGTSTP   20
#define SIGTTIN   21
#define SIGTTOU   22
#define SIGURG    23
#define SIGXCPU   24
#define SIGXFSZ   25
#define SIGVTALRM 26
#define SIGPROF   27
#define SIGWINCH  28
#define SIGIO     29
#define SIGPOLL   SIGIO
#define SIGPWR    30
#define SIGSYS    31
#define SIGRTMIN  32
#define SIGRTMAX  64
#define _NSIG     64

#define SIG_BLOCK   0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

#define SA_NOCLDSTOP      0x00000001ul
#define SA_NOCLDWAIT      0x00000002ul
#define SA_SIGINFO        0x00000004ul
#define SA_ONSTACK        0x08000000ul
#define SA_RESTART        0x10000000ul
#define SA_NODEFER        0x40000000ul
#define SA_RESETHAND      0x80000000ul
#define SA_EXPOSE_TAGBITS 0x00000800ul
#define SA_KNOWN                                                                                  \
	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_EXPOSE_TAGBITS | SA_ONSTACK | SA_RESTART | \
	 SA_NODEFER | SA_RESETHAND)

#define SS_ONSTACK    1
#define SS_DISABLE    2
#define SS_AUTODISARM (1u << 31)
#define MINSIGSTKSZ   2048
#define SIGSTKSZ      8192

typedef struct {
	void *ss_sp;
	int ss_flags;
	size_t ss_size;
} stack_t;

// What rt_sigaction takes; riscv has no restorer.
struct kernel_sigaction {
	uint64_t handler;
	uint64_t flags;
	uint64_t mask;
};

union sigval {
	int sival_int;
	uint64_t sival_ptr;
};

// The part of siginfo_t that can say anything. User space sees SIGINFO_SIZE bytes, the rest zero.
#define SIGINFO_SIZE 128
struct siginfo {
	int si_signo;
	int si_errno;
	int si_code;
	int si_pad;
	union {
		struct {
			int pid;
			uint32_t uid;
			union {
				union sigval value; // SI_QUEUE and kin
				struct {            // SIGCHLD
					int status;
					int64_t utime, stime;
				};
			};
		} from;
		struct {
			int id, overrun;
			union sigval value;
			int sys_private;
		} timer;
		struct {
			uint64_t addr;
			int16_t addr_lsb;
		} fault;
		struct {
			int64_t band;
			int fd;
		} poll;
		struct {
			uint64_t call_addr;
			int syscall;
			uint32_t arch;
		} sys;
	} fields;
};

#define si_pid         fields.from.pid
#define si_uid         fields.from.uid
#define si_value       fields.from.value
#define si_status      fields.from.status
#define si_utime       fields.from.utime
#define si_stime       fields.from.stime
#define si_addr        fields.fault.addr
#define si_timerid     fields.timer.id
#define si_overrun     fields.timer.overrun
#define si_timer_value fields.timer.value
#define si_band        fields.poll.band
#define si_fd          fields.poll.fd

_Static_assert(sizeof(struct siginfo) == 48, "siginfo");

// si_code of signals about files.
#define POLL_IN  1
#define POLL_OUT 2
#define POLL_MSG 3
#define POLL_ERR 4
#define POLL_PRI 5
#define POLL_HUP 6

#define SI_USER     0
#define SI_KERNEL   0x80
#define SI_QUEUE    (-1)
#define SI_TIMER    (-2)
#define SI_MESGQ    (-3)
#define SI_ASYNCIO  (-4)
#define SI_SIGIO    (-5)
#define SI_TKILL    (-6)
#define SI_DETHREAD (-7)
#define SI_ASYNCNL  (-60)

#define ILL_ILLOPC    1
#define ILL_ILLTRP    4
#define NSIGILL       11
#define NSIGFPE       15
#define NSIGSEGV      10
#define NSIGBUS       5
#define NSIGTRAP      6
#define NSIGCHLD      6
#define NSIGPOLL      6
#define NSIGSYS       2
#define FPE_INTDIV    1
#define SEGV_MAPERR   1
#define SEGV_ACCERR   2
#define BUS_ADRALN    1
#define BUS_ADRERR    2
#define TRAP_BRKPT    1
#define TRAP_TRACE    2
#define CLD_EXITED    1
#define CLD_KILLED    2
#define CLD_DUMPED    3
#define CLD_TRAPPED   4
#define CLD_STOPPED   5
#define CLD_CONTINUED 6

#define SIGEV_SIGNAL    0
#define SIGEV_NONE      1
#define SIGEV_THREAD    2
#define SIGEV_THREAD_ID 4

struct sigevent {
	union sigval sigev_value;
	int sigev_signo;
	int sigev_notify;
	int sigev_tid;
	int sigev_pad[11];
};
