// The code of the vDSO: a small shared object that the kernel maps into every program, so that
// clocks can be read without a system call. It runs in user mode and has no data of its own.

#define VDSO_CODE
#include "vdso_data.h"

#define NR_GETCPU        168
#define NR_GETTIMEOFDAY  169
#define NR_CLOCK_GETTIME 113
#define NR_CLOCK_GETRES  114
#define NR_HWPROBE       258
#define NR_FLUSH_ICACHE  259
#define NSEC_PER_SEC     1000000000ul

struct timespec {
	long tv_sec, tv_nsec;
};

long __vdso_clock_gettime(int clock, struct timespec *ts);
long __vdso_clock_getres(int clock, struct timespec *ts);
long __vdso_gettimeofday(struct timespec *tv, void *tz);
long __vdso_getcpu(u32 *cpu, u32 *node, void *unused);
long __vdso_flush_icache(void *start, void *end, u64 flags);
long __vdso_riscv_hwprobe(void *pairs, u64 count, u64 set_size, void *set, u32 flags);

// The image begins with its ELF header; the data page lies below. (In assembly, for C would have it
// that nothing lies before the beginning of an object.)
static const struct vdso_data *data_page(void)
{
	const char *image;

	__asm__("lla %0, __ehdr_start" : "=r"(image));
	return (const struct vdso_data *)(image - 4096);
}

static long system_call(long nr, u64 x0, u64 x1, u64 x2, u64 x3, u64 x4)
{
	register u64 a0 __asm__("a0") = x0;
	register u64 a1 __asm__("a1") = x1;
	register u64 a2 __asm__("a2") = x2;
	register u64 a3 __asm__("a3") = x3;
	register u64 a4 __asm__("a4") = x4;
	register long a7 __asm__("a7") = nr;

	__asm__ volatile("ecall"
			 : "+r"(a0)
			 : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a7)
			 : "memory");
	return a0;
}

// Whether the clock can be read here; its time, if so.
static int read_clock(int clock, u64 *ns)
{
	const struct vdso_data *data = data_page();
	u64 ticks;
	u32 sequence;

	if ((u32)clock >= VDSO_CLOCKS)
		return 0;
	do {
		do
			sequence = __atomic_load_n(&data->sequence, __ATOMIC_ACQUIRE);
		while (sequence & 1);
		if (!(data->clocks >> clock & 1))
			return 0;
		__asm__ volatile("rdtime %0" : "=r"(ticks)::"memory");
		*ns = ticks * data->ns_per_tick + data->offset[clock];
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (sequence != __atomic_load_n(&data->sequence, __ATOMIC_RELAXED));
	return 1;
}

long __vdso_clock_gettime(int clock, struct timespec *ts)
{
	u64 ns;

	if (!read_clock(clock, &ns))
		return system_call(NR_CLOCK_GETTIME, clock, (u64)ts, 0, 0, 0);
	ts->tv_sec = ns / NSEC_PER_SEC;
	ts->tv_nsec = ns % NSEC_PER_SEC;
	return 0;
}

long __vdso_clock_getres(int clock, struct timespec *ts)
{
	const struct vdso_data *data = data_page();

	if ((u32)clock >= VDSO_CLOCKS || !(data->clocks >> clock & 1))
		return system_call(NR_CLOCK_GETRES, clock, (u64)ts, 0, 0, 0);
	if (ts) {
		ts->tv_sec = 0;
		ts->tv_nsec = data->resolution[clock];
	}
	return 0;
}

long __vdso_gettimeofday(struct timespec *tv, void *tz)
{
	u64 ns;

	if (tz || !tv || !read_clock(0, &ns))
		return system_call(NR_GETTIMEOFDAY, (u64)tv, (u64)tz, 0, 0, 0);
	tv->tv_sec = ns / NSEC_PER_SEC;
	tv->tv_nsec = ns % NSEC_PER_SEC / 1000;
	return 0;
}

// The hart may change at any moment, and nothing in user mode tells which it is.
long __vdso_getcpu(u32 *cpu, u32 *node, void *unused)
{
	return system_call(NR_GETCPU, (u64)cpu, (u64)node, (u64)unused, 0, 0);
}

long __vdso_flush_icache(void *start, void *end, u64 flags)
{
	return system_call(NR_FLUSH_ICACHE, (u64)start, (u64)end, flags, 0, 0);
}

long __vdso_riscv_hwprobe(void *pairs, u64 count, u64 set_size, void *set, u32 flags)
{
	return system_call(NR_HWPROBE, (u64)pairs, count, set_size, (u64)set, flags);
}

__asm__(".hidden __ehdr_start");

// Where signal handlers return to. Unwinders know the frame by these two instructions.
__asm__(".text\n"
	".balign 4\n"
	".globl __vdso_rt_sigreturn\n"
	".type __vdso_rt_sigreturn, @function\n"
	"__vdso_rt_sigreturn:\n"
	".option push\n"
	".option norvc\n"
	"	li	a7, 139\n"
	"	ecall\n"
	".option pop\n"
	".size __vdso_rt_sigreturn, . - __vdso_rt_sigreturn\n");
