// The system-call fuzzer: what its parts share.
#pragma once

#include <stddef.h>
#include <stdint.h>

// How an argument is made up.
enum kind {
	NONE,
	VALUE,   // always the mask
	TYPE,    // name of a file system
	INT,     // any small number, or an odd one
	FLAGS,   // bits, mostly those of a mask
	FD,      // a descriptor, mostly open
	DIRFD,   // a directory's, or AT_FDCWD
	PATH,    // a name, mostly of a file that is there
	IN,      // a buffer to read from, filled at random
	OUT,     // a buffer to write to
	LENGTH,  // of a buffer
	OFFSET,  // in a file
	MODE,    // of a file
	PID,     // of a process or thread of ours
	SIGNO,   // a signal
	ADDRESS, // of an area, page-aligned mostly
	SIZE,    // of an area
	WORD,    // address of a 32-bit word that all threads share
	TIME,    // struct timespec, short
	SIGSET,  // set of signals
	IOVEC,   // array of struct iovec
	STRINGS, // argv
	ID,      // user or group
	EVENT,   // struct epoll_event
	REQUEST, // of an ioctl that some file knows
	OPTION,  // of prctl
	KEY,     // an option of a file system, for fsconfig
	XATTR,   // name of an extended attribute
	XARGS,   // struct xattr_args
	SETTING, // what it is set to
	ATTR,    // struct mount_attr
	SCHED,   // struct sched_attr
	NOTICE,  // struct sigevent
	WAITERS, // array of struct futex_waitv
	ROBUST,  // struct robust_list_head
	KINDS
};

struct argument {
	enum kind kind;
	uint64_t mask; // FLAGS: the known bits; INT: the largest usual value
};

struct random;

struct call {
	const char *name;
	long number;
	unsigned weight; // how often it comes, 1..
	struct argument argument[6];
	long (*run)(struct random *r); // in the place of a call: several that belong together
};

extern const struct call calls[];
extern const size_t call_count;

// How often each call was made, and how often it worked; in memory that all workers share.
struct tally {
	unsigned made, worked;
};
extern struct tally *tallies;

// A generator of numbers: the same seed, the same numbers.
struct random {
	uint64_t state;
};
uint64_t random_next(struct random *r);
// A number below n.
uint64_t random_below(struct random *r, uint64_t n);

// What the arguments of one process are made of; shared by its threads on purpose, so that calls
// get in each other's way.
void arguments_prepare(void);
uint64_t argument_make(struct random *r, const struct argument *argument);
// A number that is at a limit of something.
uint64_t argument_odd(struct random *r);
// Room for `size` bytes in the memory that all calls share; it may run over its end (in_arena).
char *argument_room(struct random *r, size_t size);
int argument_in_arena(const void *at, size_t size);
// Fills one of the structures of structures.c; `kind` is from REQUEST on.
uint64_t structure_make(struct random *r, enum kind kind);

// Calls that belong together (actions.c): each returns what its last call did.
long action_write_text(struct random *r);
long action_read_file(struct random *r);
long action_namespace(struct random *r);
long action_mount(struct random *r);
long action_mount_tree(struct random *r);
long action_cgroup(struct random *r);
long action_limit(struct random *r);
long action_scheduler(struct random *r);
long action_handler(struct random *r);
long action_queue(struct random *r);
long action_terminal(struct random *r);
long action_seal(struct random *r);
long action_core(struct random *r);
