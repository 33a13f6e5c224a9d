// The image of the vDSO, as scripts/gen-vdso.py makes it.
#pragma once

#include <lib/base.h>

extern const u8 vdso_image[];
extern const u32 vdso_image_size;
extern const u32 vdso_sigreturn_offset; // of rt_sigreturn's trampoline in the image
