// The numbers by which /proc/PID/ns tells namespaces apart.
#pragma once

#include <lib/base.h>

// A number that no other living or dead namespace has. The first ones have Linux's fixed numbers.
u64 ns_inode_next(void);
