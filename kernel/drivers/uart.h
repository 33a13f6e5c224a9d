// A serial line: what a driver offers, and how it hands over what it received.
#pragma once

#include <lib/base.h>

#define UARTS_MAX 8

// What the line said of a byte.
#define UART_BREAK 1 // no byte, but a break
#define UART_ERROR 2 // parity or framing

struct uart {
	const char *name;
	void (*write)(struct uart *uart, const char *text, size_t n); // waits until it is out
	// Registered by the terminal: a byte has come in. Interrupt context.
	void (*receive)(struct uart *uart, u8 byte, u32 condition);
	void *terminal;
};

// The line of the console; NULL until a driver has bound.
extern struct uart *console_uart;

// All lines, in the order of their names. Grows at boot only.
extern struct uart *uarts[UARTS_MAX];
extern unsigned uart_count;
// Adds a line; the first one becomes the console's. False: there are too many.
bool uart_register(struct uart *uart);
