// The running task, and the hart it runs on.
#pragma once

#include <asm/current.h> // struct arch_task, current, arch_this_hart()
