// Capability checks as tables: what each kind of caller gets for one operation.
#pragma once

#include "abi.h"
#include <linux/capability.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mount.h>

#define CAPS_ALL (((uint64_t)1 << (CAP_LAST_CAP + 1)) - 1)
#define CAP(cap) ((uint64_t)1 << (cap))

// An operation that a capability allows. tests/style/capabilities.py reads the first three fields.
struct cap_case {
	const char *name;
	const char *sites;     // the functions of the kernel whose check this is
	int cap;               // what is needed
	uint64_t with;         // what is needed besides
	uint64_t instead;      // what would do as well, and is taken away with it
	void (*prepare)(void); // as root, before anything is given up
	long (*attempt)(void); // its result, -1 with errno
};

// Tries each case as each kind of caller, each time in a process of its own with an empty file
// system as its working directory, and prints a line for each.
void caps_try(const struct cap_case *cases, size_t count);
#define CAPS_TRY(cases) caps_try(cases, sizeof(cases) / sizeof(*(cases)))

// Makes the caller root of a new user namespace in which all ids are what they are outside.
void caps_enter_user_ns(int flags);
// Gives up all effective and permitted capabilities but these.
void caps_keep(uint64_t caps);
// Becomes an ordinary user throughout, with these capabilities only.
void caps_become(uid_t uid, uint64_t caps);
// Writes a text to a file; -1 with errno.
long caps_put(const char *path, const char *text);
// Opens, closes, and tells of it.
long caps_open(const char *path, int flags);
// A process of user 2000 that lives as long as the caller, and what a parent knows of it.
extern pid_t caps_victim;
void caps_make_victim(void);
// The same of root with all capabilities.
void caps_make_root_victim(void);
// Of the ordinary user, with a capability that he has not.
void caps_make_capable_victim(void);
// A path in the victim's /proc.
const char *caps_victim_file(const char *name);
// A file of a user, with a mode.
void caps_make_file(const char *path, uid_t uid, mode_t mode);
