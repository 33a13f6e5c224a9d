// Variables of which each hart has its own copy. They lie together in one section; the boot hart
// uses the copy that is linked into the image, the others get theirs at boot (a copy of the
// pristine initial values), and struct hart holds the distance between the two.
#pragma once

#include <core/hart.h>

// Defines (in one .c file, outside functions) and declares (in headers).
#define PER_HART(type, name)         __attribute__((section(".perhart"))) type name
#define PER_HART_DECLARE(type, name) extern __attribute__((section(".perhart"))) type name

#define perhart_at(name, hart) (*(typeof(name) *)((char *)&(name) + (hart)->perhart_offset))

// The variable of the hart that executes this, or of the hart with that index, as lvalues.
#define this_hart_var(name)   perhart_at(name, this_hart())
#define hart_var(name, index) perhart_at(name, &harts[index])

extern char perhart_start[], perhart_end[]; // linker script

// Gives hart `index` its copy of the per-hart section. `area` is memory of perhart_size() bytes,
// aligned to 64. Call for each secondary hart before it starts, and before the boot hart has
// changed variables that must start pristine: initial values are saved by perhart_init().
void perhart_init(void);
size_t perhart_size(void);
void perhart_set_area(struct hart *hart, void *area);
