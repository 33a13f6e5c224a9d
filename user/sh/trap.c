// Signals of the shell: what it ignores for itself, and the commands of trap, which run between
// two commands and never within the handler.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sh.h"

#define TRAPS 65 // 0 is EXIT

static char *traps[TRAPS]; // NULL: none; "": ignored
static volatile sig_atomic_t came[TRAPS];
static volatile sig_atomic_t any_came;
static bool ignored_before[TRAPS]; // at the start: stays so

// What an interactive shell does not let kill or stop it.
static const int own[] = {SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU};

static void on_signal(int signal)
{
	came[signal] = 1;
	any_came = 1;
	if (signal == SIGINT && !traps[SIGINT])
		sh.interrupted = true;
}

// A handler without SA_RESTART: a wait or a read of the shell ends.
static void catch (int signal)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(signal, &action, NULL);
}

static bool is_own(int signal)
{
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		if (own[i] == signal)
			return true;
	}
	return false;
}

static void set_default(int number)
{
	if (sh.interactive && number == SIGINT)
		catch (number);
	else
		signal(number, sh.interactive && is_own(number) ? SIG_IGN : SIG_DFL);
}

void signals_init(void)
{
	struct sigaction action;

	for (int i = 1; i < TRAPS; i++)
		ignored_before[i] = sigaction(i, NULL, &action) == 0 &&
				    action.sa_handler == SIG_IGN && !sh.interactive;
	if (!sh.interactive)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		set_default(own[i]);
	set_default(SIGINT);
}

void signals_default(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		if (!ignored_before[own[i]] && !(traps[own[i]] && !*traps[own[i]]))
			signal(own[i], SIG_DFL);
	}
	for (int i = 1; i < TRAPS; i++) {
		if ((traps[i] && *traps[i]) || (i == SIGINT && !traps[i] && !ignored_before[i]))
			signal(i, SIG_DFL);
	}
}

bool trap_pending(void)
{
	for (int i = 0; i < TRAPS; i++) {
		if (traps[i] && *traps[i])
			return true;
	}
	return false;
}

// In a child only what is ignored stays.
void traps_reset(void)
{
	any_came = 0;
	for (int i = 0; i < TRAPS; i++) {
		came[i] = 0;
		if (traps[i] && *traps[i]) {
			if (i)
				signal(i, SIG_DFL);
			traps[i] = NULL;
		}
	}
}

static void run_trap(int number)
{
	char *command = xstrdup(traps[number]);
	int status = sh.status;
	enum unwind unwind = sh.unwind;

	sh.unwind = UNWIND_NONE;
	run_text(command, "trap");
	free(command);
	if (!sh.unwind) {
		sh.unwind = unwind;
		sh.status = status;
	}
}

void traps_run(void)
{
	if (!any_came)
		return;
	any_came = 0;
	for (int i = 1; i < TRAPS; i++) {
		if (!came[i])
			continue;
		came[i] = 0;
		if (traps[i] && *traps[i])
			run_trap(i);
	}
}

void traps_exit(void)
{
	if (!traps[0] || !*traps[0])
		return;
	char *command = traps[0];

	traps[0] = NULL;
	sh.unwind = UNWIND_NONE;
	sh.interrupted = false;
	int status = sh.status;

	run_text(command, "trap");
	if (sh.unwind != UNWIND_EXIT)
		sh.status = status;
	free(command);
}

static int trap_number(const char *name)
{
	if (!strcasecmp(name, "EXIT"))
		return 0;
	return signal_number(name);
}

static void trap_set(int number, const char *command)
{
	free(traps[number]);
	traps[number] = command ? xstrdup(command) : NULL;
	if (!number || ignored_before[number])
		return;
	if (!command)
		set_default(number);
	else if (*command)
		catch (number);
	else
		signal(number, SIG_IGN);
}

static void show_quoted(const char *s)
{
	putchar('\'');
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*s);
	}
	putchar('\'');
}

int builtin_trap(int argc, char **argv)
{
	int i = 1, status = 0;
	const char *command = NULL;

	if (argc > 1 && !strcmp(argv[1], "--"))
		i++;
	if (i >= argc) {
		for (int n = 0; n < TRAPS; n++) {
			if (!traps[n])
				continue;
			fputs("trap -- ", stdout);
			show_quoted(traps[n]);
			if (n && !signal_name(n))
				printf(" %d\n", n);
			else
				printf(" %s\n", n ? signal_name(n) : "EXIT");
		}
		return 0;
	}
	// A number as the first word, or a single word, resets.
	if (argc - i > 1 && trap_number(argv[i]) < 0) {
		command = strcmp(argv[i], "-") ? argv[i] : NULL;
		i++;
	} else if (argc - i > 1 && !signal_name(trap_number(argv[i])) && *argv[i] != '0') {
		i++;
	}
	for (; i < argc; i++) {
		int number = trap_number(argv[i]);

		if (number < 0 || number >= TRAPS || number == SIGKILL || number == SIGSTOP) {
			shell_error("trap: %s: is no signal that can be caught", argv[i]);
			status = 1;
		} else {
			trap_set(number, command);
		}
	}
	return status;
}
