// What user space may ask about the machine by numbers: the keys of riscv_hwprobe(2).
#pragma once

#include <lib/base.h>

// What all harts have in common. False: the key is not known.
bool arch_hwprobe(s64 key, u64 *value);
// Whether the value is a set of bits, of which one may ask for some.
bool arch_hwprobe_is_set(s64 key);
