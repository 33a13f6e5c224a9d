// What the compiler calls where behaviour is undefined, in builds with -Dubsan=true. Each place is
// reported once, with the source line that the compiler has noted; the kernel goes on.

#include <core/panic.h>
#include <core/printk.h>
#include <core/selftest.h>

// The compiler's own layouts.
struct source_place {
	const char *file;
	u32 line, column; // ~0 in column once it was reported
};

#define REPORTED (~0u)

// Volatile: to the compiler, its own calls of the handlers neither read nor write anything.
static volatile unsigned reports;
static volatile bool captured; // the self-test commits these: count, but say nothing

static void report(struct source_place *place, const char *what)
{
	if (captured) {
		reports++;
		return;
	}
	u32 column = __atomic_exchange_n(&place->column, REPORTED, __ATOMIC_RELAXED);
	if (column == REPORTED)
		return;
	reports++;
	kernel_fault_noted();
	pr_emerg("UBSan: %s at %s:%u:%u\n", what, place->file, place->line, column);
	dump_stack();
}

// Every description begins with the place.
#define HANDLER(name, what)                                        \
	void __ubsan_handle_##name(void *place, void *a, void *b); \
	void __ubsan_handle_##name(void *place, void *a, void *b)  \
	{                                                          \
		(void)a, (void)b;                                  \
		report(place, what);                               \
	}

HANDLER(type_mismatch_v1, "access through a null, misaligned or short pointer")
HANDLER(out_of_bounds, "index beyond an array")
HANDLER(shift_out_of_bounds, "shift by too much or of a negative number")
HANDLER(add_overflow, "overflow of +")
HANDLER(sub_overflow, "overflow of -")
HANDLER(mul_overflow, "overflow of *")
HANDLER(negate_overflow, "overflow of a negation")
HANDLER(divrem_overflow, "division by zero or overflow")
HANDLER(pointer_overflow, "overflow of a pointer")
HANDLER(load_invalid_value, "value that its type has not")
HANDLER(vla_bound_not_positive, "array of no length")
HANDLER(nonnull_arg, "null where it is forbidden")
HANDLER(invalid_builtin, "builtin with a forbidden argument")

NORETURN void __ubsan_handle_builtin_unreachable(struct source_place *place);
NORETURN void __ubsan_handle_builtin_unreachable(struct source_place *place)
{
	panic("UBSan: reached what cannot be reached, at %s:%u", place->file, place->line);
}

// --- Self-test: commits the crimes ---

static unsigned committed(void (*crime)(void))
{
	unsigned before = reports;

	captured = true;
	crime();
	captured = false;
	return reports - before;
}

static volatile int sink, amount = 70, largest = 0x7fffffff;
// What is behind the row is there to be touched: only the index is wrong.
static struct {
	int row[4], behind[4];
} rows;

static NOINLINE void crime_shift(void)
{
	sink = 1 << amount;
}

static NOINLINE void crime_overflow(void)
{
	sink = largest + 1;
}

static NOINLINE void crime_index(void)
{
	sink = rows.row[(amount & 3) + 4];
}

static NOINLINE void crime_alignment(void)
{
	sink = *(volatile int *)((char *)rows.row + (amount & 1) + 1);
}

static void test_ubsan(struct selftest_run *t)
{
	CHECK(t, !reports); // nothing was found on the way here
	CHECK(t, committed(crime_shift) == 1);
	CHECK(t, committed(crime_overflow) == 1);
	CHECK(t, committed(crime_index) >= 1);
	CHECK(t, committed(crime_alignment) == 1);
}
SELFTEST(ubsan, test_ubsan);
