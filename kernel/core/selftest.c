// Runs the tests that live inside the kernel; see selftest.h.

#include <arch/power.h>
#include <arch/smp.h>
#include <core/cmdline.h>
#include <core/panic.h>
#include <core/selftest.h>
#include <lib/string.h>

extern const struct selftest selftest_start[], selftest_end[];

void selftest_failed(struct selftest_run *run, const char *file, int line, const char *what)
{
	run->failures++;
	pr_err("# %s: %s:%d: failed: %s\n", run->name, file, line, what);
}

bool selftest_wanted(void)
{
	return cmdline_get("selftest") != NULL;
}

// Whether the test is in a list of names with commas between, or the list is "all".
static bool chosen(const char *list, const struct selftest *test)
{
	const char *name = test->name;
	size_t n = strlen(name);

	if (!strcmp(list, "all"))
		return !test->fatal;
	while (*list) {
		if (!strncmp(list, name, n) && (list[n] == ',' || !list[n]))
			return true;
		list = strchr(list, ',');
		if (!list)
			return false;
		list++;
	}
	return false;
}

NORETURN void selftest_run_all(void)
{
	const char *list = cmdline_get("selftest");
	unsigned number = 0, failed = 0;

	for (const struct selftest *test = selftest_start; test < selftest_end; test++) {
		struct selftest_run run = {.name = test->name};

		if (!chosen(list, test))
			continue;
		test->fn(&run);
		failed += run.failures != 0;
		printk(LOG_EMERG, "%s %u - %s%s%s\n", run.failures ? "not ok" : "ok", ++number,
		       test->name, run.skipped ? " # SKIP " : "", run.skipped ?: "");
	}
	printk(LOG_EMERG, "1..%u\n", number);
	arch_poweroff(number && !failed && !kernel_was_faulty());
	arch_hart_park();
}
