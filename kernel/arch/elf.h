// What executables are told of the machine.
#pragma once

#include <lib/base.h>

u64 arch_hwcap(void); // AT_HWCAP
