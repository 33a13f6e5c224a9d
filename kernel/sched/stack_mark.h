// How deep kernel stacks get (debug builds).
#pragma once

#include <lib/base.h>

struct task;

#if CONFIG_DEBUG
// A stack was given to the task: marks its end, and fills it if it is new.
void stack_mark_prepare(struct task *task);

// A task is dead and off its stack: looks whether no other has used as much, and says so.
void stack_mark_check(const struct task *task);

// The most that any task that has ended had used, in bytes, and its name.
u32 stack_mark_deepest(char name[16]);
#else
// clang-format off
static inline void stack_mark_prepare(struct task *task) { (void)task; }
static inline void stack_mark_check(const struct task *task) { (void)task; }
static inline u32 stack_mark_deepest(char name[16]) { name[0] = '\0'; return 0; }
// clang-format on
#endif
