// What a futex word is identified by.
#pragma once

#include <lib/base.h>

// Of a `shared` word whose page belongs to an object: a number that only this object ever has, and the
// offset in it, so that all who map it mean the same. Otherwise current's address space and the
// address. -EFAULT: a shared word that cannot be read (`write`: nor written), or that is private and
// cannot be written. Takes the map lock; may sleep.
int futex_key_of(u64 address, bool shared, bool write, u64 *object, u64 *offset);
