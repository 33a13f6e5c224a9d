// One process of the fuzzer.
#pragma once

#include "fuzz.h"
#include <grp.h>
#include <unistd.h>

// Makes about `call_total` random calls, in some threads, and exits.
void worker_main(uint64_t seed, unsigned call_total) __attribute__((noreturn));

static inline int setgroups_none(void)
{
	return setgroups(0, NULL);
}
static inline int setresgid_all(gid_t gid)
{
	return setresgid(gid, gid, gid);
}
static inline int setresuid_all(uid_t uid)
{
	return setresuid(uid, uid, uid);
}
