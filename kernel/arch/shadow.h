// Shadow memory of builds with -Dkasan=true (mm/kasan.h): where it is, and how it gets pages.
#pragma once

#include <asm/layout.h>
#include <lib/base.h>

struct pte;

// Gives shadow pages start..end (of the vmap area) memory of their own, filled with zeroes, which
// they keep for ever. -ENOMEM.
int arch_shadow_populate(u64 start, u64 end);
