// Clocks: monotonic time is the machine's time base counted from boot; real time adds an offset
// that is set by a real-time clock driver and by settimeofday(2).

#include <arch/timer.h>
#include <core/panic.h>
#include <core/timer.h>

static u64 boot_ns; // machine time at boot; written once, before other harts run
static bool started;
static u64 realtime_offset; // [a] a single word: readers need no lock
static struct spinlock listeners_lock = SPINLOCK_INIT(LOCK_CLOCK);
static struct clock_listener *listeners; // [listeners_lock to add; never removed]

void clock_init(void)
{
	boot_ns = arch_ticks_to_ns(arch_time_read());
	started = true;
}

bool clock_has_started(void)
{
	return started;
}

u64 clock_monotonic_ns(void)
{
	return arch_ticks_to_ns(arch_time_read()) - boot_ns;
}

u64 clock_boottime_ns(void)
{
	return clock_monotonic_ns();
}

u64 clock_to_machine(u64 monotonic_ns)
{
	return monotonic_ns + boot_ns;
}

u64 clock_realtime_offset_ns(void)
{
	return READ_ONCE(realtime_offset);
}

u64 clock_realtime_ns(void)
{
	return clock_monotonic_ns() + READ_ONCE(realtime_offset);
}

u64 clock_resolution_ns(void)
{
	u64 ns = arch_ticks_to_ns(1);

	return ns ? ns : 1;
}

void clock_settime(u64 realtime_ns)
{
	WRITE_ONCE(realtime_offset, realtime_ns - clock_monotonic_ns());
	for (struct clock_listener *l = __atomic_load_n(&listeners, __ATOMIC_ACQUIRE); l;
	     l = l->next)
		l->fn();
}

void clock_listen(struct clock_listener *listener)
{
	unsigned long flags = spin_lock_irqsave(&listeners_lock);

	listener->next = listeners;
	__atomic_store_n(&listeners, listener, __ATOMIC_RELEASE);
	spin_unlock_irqrestore(&listeners_lock, flags);
}
