// Arguments that are structures, or one of a list: mostly as a call wants them, with a field here and
// there that is not.

#include "fuzz.h"
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// Of terminals, pipes, namespaces, pidfds and of any file.
static const uint32_t requests[] = {
	0x5401,     0x5402,     0x5403,     0x5404,     0x5405,     0x5406,     0x5409,
	0x540a,     0x540b,     0x540c,     0x540d,     0x540e,     0x540f,     0x5410,
	0x5411,     0x5412,     0x5413,     0x5414,     0x5415,     0x5416,     0x5417,
	0x5418,     0x5419,     0x541a,     0x541b,     0x5420,     0x5421,     0x5422,
	0x5423,     0x5424,     0x5425,     0x5427,     0x5428,     0x5429,     0x5450,
	0x5451,     0x5452,     0x5456,     0x5457,     0x5460,     0x5437,     0x80045430,
	0x40045431, 0x80045432, 0x40045436, 0x80045438, 0x80045439, 0x80045440, 0x5441,
	0xb701,     0xb702,     0xb703,     0xb704,     0x8008b705, 0x8004b706, 0x8004b707,
	0x8004b708, 0x8004b709, 0xff01,     0xff02,     0xff03,     0xff04,     0xff05,
	0xff06,     0xff07,     0xff08,     0xff09,     0xff0a,     0xc060660f, 0xc0606610,
};

// Those that are not among the first hundred.
static const uint64_t options[] = {0x59616d61, 0x53564d41, 0x41555856};

static const char *const keys[] = {"size",       "mode",        "uid",   "gid",     "nr_inodes",
				   "source",     "ro",          "rw",    "hidepid", "subset",
				   "ptmxmode",   "newinstance", "nodev", "nosuid",  "max",
				   "nsdelegate", "pid",         ""};
static const char *const xattrs[] = {
	"user.a", "user.b",   "trusted.a", "security.a", "security.capability",
	"user.",  "system.a", ""};
static const char *const settings[] = {
	"1M", "0",    "50%",  "700", "01777", "1000", "-1",
	"2",  "none", "pids", "d0",  "name",  "",     "99999999999999999999"};

static uint64_t pick(struct random *r, const char *const *strings, size_t count)
{
	return (uint64_t)strings[random_below(r, count)];
}

// One field in sixteen is odd.
static uint64_t field(struct random *r, uint64_t usual)
{
	return random_below(r, 16) ? usual : argument_odd(r);
}

static uint64_t make_attr(struct random *r)
{
	uint64_t *attr = (uint64_t *)argument_room(r, 32);
	static const uint64_t known = 0x2000ff;

	if (!argument_in_arena(attr, 32))
		return (uint64_t)attr;
	attr[0] = field(r, random_next(r) & random_next(r) & known);
	attr[1] = field(r, random_next(r) & random_next(r) & known);
	attr[2] = field(r, random_below(r, 4) ? 0 : 1ull << (17 + random_below(r, 4)));
	attr[3] = field(r, random_below(r, 24));
	if (random_below(r, 10) == 0)
		attr[0] |= 0x100000; // an idmapped mount, of the user namespace of a descriptor
	return (uint64_t)attr;
}

static uint64_t make_sched(struct random *r)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
		uint32_t low, high;
	} *attr = (void *)argument_room(r, sizeof(*attr));

	if (!argument_in_arena(attr, sizeof(*attr)))
		return (uint64_t)attr;
	attr->size = field(r, random_below(r, 2) ? 48 : 56);
	attr->policy = field(r, random_below(r, 7));
	attr->flags = field(r, random_below(r, 3) ? 0 : random_next(r) & 0x7f);
	attr->nice = (int32_t)field(r, random_below(r, 20));
	// A real-time worker must not keep the one that looks after it from running.
	attr->priority = attr->policy == SCHED_FIFO || attr->policy == SCHED_RR
				 ? 1 + random_below(r, 50)
				 : field(r, 0);
	attr->runtime = field(r, random_below(r, 2) ? 0 : 700000);
	attr->deadline = field(r, 10000000);
	attr->period = field(r, 10000000);
	attr->low = attr->high = field(r, random_below(r, 1025));
	return (uint64_t)attr;
}

static uint64_t make_notice(struct random *r)
{
	struct sigevent *event = (void *)argument_room(r, sizeof(*event));

	if (random_below(r, 6) == 0)
		return 0;
	if (!argument_in_arena(event, sizeof(*event)))
		return (uint64_t)event;
	memset(event, 0, sizeof(*event));
	event->sigev_notify = (int)field(r, random_below(r, 5));
	event->sigev_signo = (int)field(r, 34 + random_below(r, 8));
	event->sigev_value.sival_ptr = event;
	event->_sigev_un._tid = (pid_t)field(r, syscall(SYS_gettid));
	return (uint64_t)event;
}

static uint64_t make_waiters(struct random *r)
{
	struct {
		uint64_t value, address;
		uint32_t flags, reserved;
	} *waiters = (void *)argument_room(r, 4 * sizeof(*waiters));

	for (int i = 0; i < 4 && argument_in_arena(waiters + i, sizeof(*waiters)); i++) {
		struct argument word = {WORD, 0};

		waiters[i].address = argument_make(r, &word);
		waiters[i].value = field(r, random_below(r, 3));
		waiters[i].flags = (uint32_t)field(r, random_below(r, 3) ? 0x82
									 : random_next(r) & 0x8f);
		waiters[i].reserved = (uint32_t)field(r, 0);
	}
	return (uint64_t)waiters;
}

// A list that leads to words of the arena, in a ring as often as not.
static uint64_t make_robust(struct random *r)
{
	struct {
		uint64_t next;
		int64_t offset;
		uint64_t pending;
	} *head = (void *)argument_room(r, sizeof(*head));
	struct argument word = {WORD, 0};

	if (!argument_in_arena(head, sizeof(*head)))
		return (uint64_t)head;
	head->next = field(r, random_below(r, 2) ? (uint64_t)head : argument_make(r, &word));
	head->offset = (int64_t)field(r, random_below(r, 3) * 8);
	head->pending = field(r, random_below(r, 2) ? 0 : argument_make(r, &word));
	return (uint64_t)head;
}

// A value and its size, for setxattrat(2) and getxattrat(2).
static uint64_t make_xattr_args(struct random *r)
{
	struct {
		uint64_t value;
		uint32_t size, flags;
	} *args = (void *)argument_room(r, sizeof(*args));

	if (!argument_in_arena(args, sizeof(*args)))
		return (uint64_t)args;
	args->value = field(r, (uint64_t)argument_room(r, 64));
	args->size = field(r, random_below(r, 64));
	args->flags = field(r, random_below(r, 4) ? 0 : random_below(r, 4));
	return (uint64_t)args;
}

uint64_t structure_make(struct random *r, enum kind kind)
{
	switch (kind) {
	case REQUEST:
		return requests[random_below(r, COUNT(requests))];
	case OPTION:
		return random_below(r, 10) ? random_below(r, 80)
					   : options[random_below(r, COUNT(options))];
	case KEY:
		return pick(r, keys, COUNT(keys));
	case XATTR:
		return pick(r, xattrs, COUNT(xattrs));
	case XARGS:
		return make_xattr_args(r);
	case SETTING:
		return pick(r, settings, COUNT(settings));
	case ATTR:
		return make_attr(r);
	case SCHED:
		return make_sched(r);
	case NOTICE:
		return make_notice(r);
	case WAITERS:
		return make_waiters(r);
	case ROBUST:
		return make_robust(r);
	default:
		return 0;
	}
}
