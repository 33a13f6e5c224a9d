// Call stacks, each kept once and named by a number: so that an object can remember in four bytes who
// allocated it. Any context; takes no locks that are checked.
#pragma once

#include <lib/base.h>

#define STACK_DEPTH 12

#if CONFIG_KASAN
// The stack of the caller. 0: the store is full.
u32 stack_save(void);

// Prints it to the log; nothing for 0.
void stack_print(u32 stack);
#else
static inline u32 stack_save(void)
{
	return 0;
}
#endif
