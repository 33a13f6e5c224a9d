// Variables of which each hart has its own copy. They lie together in one section; the boot hart
// uses the copy that is linked into the image, the others get a zeroed area at boot, and struct
// hart holds the distance between the two. So they have no initialisers: all start as zero, and
// what must not is set by a function that runs on each hart.
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

// Gives a secondary hart its copy, before it starts: `area` is memory of perhart_size() bytes,
// aligned to 64, which is zeroed here.
size_t perhart_size(void);
void perhart_set_area(struct hart *hart, void *area);
