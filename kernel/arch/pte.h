// Page-table entries: constructors and accessors, no policy. Three levels of 512 entries; level 0
// maps 4 KiB pages, level 1 may map 2 MiB, level 2 1 GiB. An entry that is not present has 63 bits
// for whatever the owner likes.
#pragma once

#include <asm/pte.h>
