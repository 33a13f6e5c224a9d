// memfd_create(2) (Linux; linux/memfd.h).
#pragma once

#include <uapi/types.h>

#define MFD_CLOEXEC       1
#define MFD_ALLOW_SEALING 2
#define MFD_HUGETLB       4
#define MFD_NOEXEC_SEAL   8
#define MFD_EXEC          16
#define MFD_HUGE_SHIFT    26
#define MFD_HUGE_MASK     63
#define MFD_HUGE_64KB     0x40000000
#define MFD_HUGE_512KB    0x4c000000
#define MFD_HUGE_1MB      0x50000000
#define MFD_HUGE_2MB      0x54000000
#define MFD_HUGE_8MB      0x5c000000
#define MFD_HUGE_16MB     0x60000000
#define MFD_HUGE_32MB     0x64000000
#define MFD_HUGE_256MB    0x70000000
#define MFD_HUGE_512MB    0x74000000
#define MFD_HUGE_1GB      0x78000000
#define MFD_HUGE_2GB      2080374784
#define MFD_HUGE_16GB     0x88000000u
