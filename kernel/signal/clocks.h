// Clocks by their numbers, and times as user space writes them.
#pragma once

#include <core/timer.h>
#include <sched/pid.h>

// Negative numbers stand for the CPU time of a process or a thread: bits 0-1 say which time, bit 2
// that it is a thread's, and the rest is the complement of the pid; 0 is current's own.
#define CPU_CLOCK_PROF       0
#define CPU_CLOCK_VIRT       1
#define CPU_CLOCK_SCHED      2
#define CPU_CLOCK_FD         3 // a descriptor of a clock device: there are none
#define CPU_CLOCK_PER_THREAD 4

static inline bool clock_is_cpu(int clock)
{
	return clock < 0 || clock == 2 || clock == 3; // CLOCK_{PROCESS,THREAD}_CPUTIME_ID
}

// A timespec or an itimerspec's half: nanoseconds, cut at a value that sums do not overflow.
// -EFAULT, -EINVAL for what is no time.
int timespec_from_user(u64 address, u64 *ns);
// The same as a monotonic deadline from now.
int deadline_from_user(u64 address, u64 *deadline);

// What a CPU clock measures.
struct cpu_clock {
	struct pid *pid; // counted
	u8 which;        // CPU_CLOCK_PROF...
	bool per_thread;
};
// Resolves the number of a CPU clock, with a reference to its pid. -EINVAL: no such clock, process
// or thread. `reading`: a process may be named by the tid of current.
int cpu_clock_find(int clock, bool reading, struct cpu_clock *out);
// Reads it; 0 when its owner is gone.
u64 cpu_clock_read(const struct cpu_clock *clock);

// The time of any clock. -EINVAL: no such clock.
int clock_read(int clock, u64 *ns);
