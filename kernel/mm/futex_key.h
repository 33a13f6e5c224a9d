// What a futex word is identified by.
#pragma once

#include <lib/base.h>

// Of a word in a shared area: the object and the offset in it, so that all who map it mean the same.
// Otherwise current's address space and the address (also for `shared` words in private memory: a
// page may be replaced by a copy, so its frame says nothing). -EFAULT: nothing is mapped there.
// Takes the map lock.
int futex_key_of(u64 address, bool shared, u64 *object, u64 *offset);
