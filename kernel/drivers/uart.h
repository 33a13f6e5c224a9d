// A serial line: what a driver offers, and how it hands over what it received.
#pragma once

#include <lib/base.h>

struct uart {
	const char *name;
	void (*write)(struct uart *uart, const char *text, size_t n); // waits until it is out
	// Registered by the terminal: a byte has come in. Interrupt context.
	void (*receive)(struct uart *uart, u8 byte);
	void *terminal;
};

// The line of the console; NULL until a driver has bound.
extern struct uart *console_uart;
