// Replays calls under injected faults; see fault.h. As init of a machine it runs all tests and
// powers the machine off.

#include "fault.h"
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>

#define STEPS_MAX 5000
#define WARM_UPS  3
#define FAR_AWAY  1000000

extern const struct fault_test *const __start_fault_tests[], *const __stop_fault_tests[];

static int nth_file, kinds_file;
static int wrong; // in this test

void fault_wrong(const char *format, ...)
{
	va_list args;

	wrong++;
	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

static void put(int file, const char *text)
{
	if (pwrite(file, text, strlen(text), 0) < 0)
		fault_wrong("cannot write '%s': %s", text, strerror(errno));
}

// Arms, or reads what is left: 0 when the fault was injected.
static void arm(int nth)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", nth);
	put(nth_file, text);
}

static int left(void)
{
	char text[16] = "";

	if (pread(nth_file, text, sizeof(text) - 1, 0) <= 0)
		fault_wrong("cannot read fail-nth: %s", strerror(errno));
	return atoi(text);
}

// --- What exists ---

void fault_census(char text[CENSUS_MAX])
{
	if (!census_take(text))
		fault_wrong("cannot read /proc/census: %s", strerror(errno));
}

// The lines of `a` that `b` has not.
static void print_missing(const char *a, const char *b, char mark)
{
	while (*a) {
		size_t length = strcspn(a, "\n");
		char line[128];

		snprintf(line, sizeof(line), "%.*s\n", (int)length, a);
		if (!strstr(b, line))
			printf("#   %c %s", mark, line);
		a += length + (a[length] == '\n');
	}
}

int fault_census_same(const char *what, const char *before)
{
	static char now[CENSUS_MAX];

	fault_census(now);
	if (!before || !strcmp(before, now))
		return 1;
	fault_wrong("%s: something was lost or has stayed:", what);
	print_missing(before, now, '-');
	print_missing(now, before, '+');
	return 0;
}

// --- Replaying ---

static int listed(int error, const int *errors)
{
	while (*errors && *errors != error)
		errors++;
	return *errors;
}

static long call_with_fault(const struct fault_call *call, void *arg, int nth, int *error,
			    int *injected)
{
	errno = 0;
	arm(nth);
	long result = call->call(arg);
	*error = errno;
	*injected = !left();
	arm(0);
	if (result >= 0 && call->undo)
		call->undo(arg, result);
	if (call->tidy)
		call->tidy(arg);
	return result;
}

// One kind of fault, n = 1, 2, 3... Returns how many there were.
static int replay_kind(const char *what, const struct fault_call *call, void *arg,
		       const int *errors)
{
	static char before[CENSUS_MAX];
	char step[160];

	fault_census_same("", NULL); // so that its buffer has a page
	for (int i = 0; i < WARM_UPS; i++) {
		int error, injected;
		long result = call_with_fault(call, arg, FAR_AWAY, &error, &injected);

		if (result < 0) {
			fault_wrong("%s fails without a fault: %s", what, strerrorname_np(error));
			return 0;
		}
		fault_census(before);
	}
	for (int nth = 1; nth < STEPS_MAX; nth++) {
		int error, injected;
		long result = call_with_fault(call, arg, nth, &error, &injected);

		snprintf(step, sizeof(step), "%s, fault %d", what, nth);
		if (result < 0 && !injected) {
			fault_wrong("%s: %s, and no fault was injected", step,
				    strerrorname_np(error));
			return nth;
		}
		if (result < 0 && !listed(error, errors))
			fault_wrong("%s: unexpected %s", step, strerrorname_np(error));
		if (!fault_census_same(step, before))
			fault_census(before);
		if (!injected)
			return nth - 1;
	}
	fault_wrong("%s: no end after %d faults", what, STEPS_MAX);
	return STEPS_MAX;
}

void fault_replay(const char *what, const struct fault_call *call, void *arg)
{
	int copy_errors[] = {call->copy_error ? call->copy_error : EFAULT, 0};

	put(kinds_file, "slab,page,vmap");
	int allocations = replay_kind(what, call, arg, call->errors);
	put(kinds_file, "usercopy");
	int copies = replay_kind(what, call, arg, copy_errors);
	put(kinds_file, "all");
	printf("# %s: %d allocations, %d copies\n", what, allocations, copies);
}

// --- Running ---

static void prepare_machine(void)
{
	mkdir("/proc", 0755);
	mkdir("/tmp", 0777);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
}

static int chosen(const char *name, char **words)
{
	if (!words[0])
		return 1;
	for (; *words; words++) {
		if (strncmp(name, *words, strlen(*words)) == 0)
			return 1;
	}
	return 0;
}

// Each test is a process of its own, with as little shared as can be.
static int run_one(const struct fault_test *test, int number)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		nth_file = open("/proc/self/fail-nth", O_RDWR);
		kinds_file = open("/proc/self/fail-kinds", O_RDWR);
		if (nth_file < 0 || kinds_file < 0)
			fault_wrong("this kernel has no fail-nth");
		else
			test->run();
		fflush(stdout);
		_exit(wrong ? 1 : 0);
	}
	waitpid(pid, &status, 0);
	printf("%s %d - %s", status ? "not ok" : "ok", number, test->name);
	printf(WIFSIGNALED(status) ? " # killed by signal %d\n" : "\n", WTERMSIG(status));
	return status != 0;
}

// The return addresses of all faults, for scripts/fault-sites.
static void print_sites(void)
{
	char line[32];
	FILE *sites = fopen("/proc/fault-sites", "r");

	while (sites && fgets(line, sizeof(line), sites))
		printf("@ %s", line);
	if (sites)
		fclose(sites);
}

int main(int argc, char **argv)
{
	int is_init = getpid() == 1, number = 0, failed = 0;

	(void)argc;
	setvbuf(stdout, NULL, _IOLBF, 1 << 14);
	if (is_init)
		prepare_machine();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (const struct fault_test *const *test = __start_fault_tests; test < __stop_fault_tests;
	     test++) {
		if (chosen((*test)->name, argv + 1))
			failed += run_one(*test, ++number);
	}
	print_sites();
	printf("1..%d\n# %d failed\n", number, failed);
	fflush(stdout);
	if (is_init)
		reboot(RB_POWER_OFF);
	return failed ? 1 : 0;
}
