// Output before there are drivers, through the firmware. Any context.
#pragma once

#include <lib/base.h>

void arch_early_puts(const char *text, size_t n);
int arch_early_getc(void); // -1: nothing there
