// A serial line: what a driver offers, and how it hands over what it received.
#pragma once

#include <core/printk.h>
#include <core/spinlock.h>
#include <lib/base.h>

#define UARTS_MAX 8

// What the line said of a byte.
#define UART_BREAK 1 // no byte, but a break
#define UART_ERROR 2 // parity or framing

// Set before uart_register() and constant: name, put, write. By the terminal, once: terminal, receive.
struct uart {
	const char *name;
	void (*put)(struct uart *uart, u8 byte);                      // waits for room
	void (*write)(struct uart *uart, const char *text, size_t n); // NULL: byte by byte
	// A byte has come in. Interrupt context.
	void (*receive)(struct uart *uart, u8 byte, u32 condition);
	void *terminal;
	struct spinlock lock;   // output of user space
	struct console console; // output of the kernel, which takes no lock
};

// The line of the console; NULL until a driver has bound.
extern struct uart *console_uart;

// All lines, in the order of their names. Grows at boot only.
extern struct uart *uarts[UARTS_MAX];
extern unsigned uart_count;
// Adds a line; the first one becomes the console's. False: there are too many.
bool uart_register(struct uart *uart);
// Makes the line the log's console, if it is the console's. Kernel messages take no lock of ours: the log
// has its own, and a panic must get through.
void uart_console_register(struct uart *uart);
// Writes what user space wrote: waits until it is with the device. Any context.
void uart_write(struct uart *uart, const char *text, size_t n);
