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
	KINDS
};

struct argument {
	enum kind kind;
	uint64_t mask; // FLAGS: the known bits; INT: the largest usual value
};

struct call {
	const char *name;
	long number;
	unsigned weight; // how often it comes, 1..
	struct argument argument[6];
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
