// Page faults.
#pragma once

#include <lib/base.h>

struct mm;

enum fault_access {
	FAULT_READ = 1 << 0,
	FAULT_WRITE = 1 << 1,
	FAULT_EXEC = 1 << 2,
	FAULT_USER = 1 << 3,  // by the program itself, not by the kernel on its behalf
	FAULT_QUIET = 1 << 4, // not counted: nobody touched the page, it is filled beforehand
};

enum fault_result {
	FAULT_OK,
	FAULT_SEGV_MAPERR, // nothing is mapped there
	FAULT_SEGV_ACCERR, // the mapping does not allow it
	FAULT_BUS,         // beyond the end of the file
	FAULT_OOM,
};

// Makes the access possible, or says why not. Takes mm's map lock; may sleep. Mechanisms return
// results, the trap handler decides on a signal.
enum fault_result mm_fault(struct mm *mm, u64 address, unsigned access);

// Whether the access needs no fault now.
bool mm_page_allows(struct mm *mm, u64 address, unsigned access);
