/*
 * Model of pagetable_huge.c for SPIN: address spaces that share a block of two pages after fork, by
 * huge entries and, once these were split, by leaf tables of their own. Faults, forks and exits of
 * each come in any order, with no lock in common.
 *
 *	spin -a pagetable_huge.pml && cc -w -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m200000
 *
 * Flushes are in pagetable_share.pml; here what an entry allows is used at once. What is one step
 * here is one atomic operation there. Each space writes to either page and must read there what it
 * wrote last, whatever the others do.
 */
#ifndef SPACES
#define SPACES 3
#endif
#ifndef STEPS
#define STEPS  5	/* faults, forks and exits altogether */
#endif
#define PAGES  2

mtype = { GONE, HUGE, SMALL };
mtype state[SPACES] = GONE;
bool huge_writable[SPACES];
typedef page_of_space {
	bool own;		/* a copy of its own, not the block's page */
	bool writable;		/* the leaf entry */
	bool copy;		/* contents of the copy */
	bool want		/* what the space must read */
};
typedef space {
	page_of_space page[PAGES]
};
space at[SPACES];
bool claimed[SPACES];
byte steps;

byte maps = 1;			/* huge entries of the block */
byte refs[PAGES];		/* of its pages; 0 = free */
bool data[PAGES];

inline put(p) {
	atomic { assert(refs[p] > 0); refs[p]-- }
}

/* huge_put(): the last entry takes the common references away. */
inline put_share(last) {
	atomic { assert(maps > 0); maps--; last = (maps == 0) };
	if
	:: last -> put(0); put(1)
	:: else -> skip
	fi
}

/* huge_split() */
inline split(a, last) {
	if
	:: maps == 1 -> maps = 0	/* the common references are the table's now */
	:: else ->
		refs[0]++;
		refs[1]++;
		put_share(last)
	fi;
	atomic {
		state[a] = SMALL;
		at[a].page[0].writable = huge_writable[a];
		at[a].page[1].writable = huge_writable[a]
	}
}

/* A write fault: huge_fault(), then fault_copy_on_write() for page p. */
inline write_fault(a, p, last) {
	if
	:: state[a] == HUGE && !huge_writable[a] ->
		if
		:: maps == 1 ->
			if
			:: refs[0] == 1 ->
				if
				:: refs[1] == 1 -> huge_writable[a] = true
				:: else -> split(a, last)
				fi
			:: else -> split(a, last)
			fi
		:: else -> split(a, last)
		fi
	:: else -> skip
	fi;
	if
	:: state[a] == SMALL && !at[a].page[p].own && !at[a].page[p].writable ->
		if
		:: refs[p] == 1 -> at[a].page[p].writable = true
		:: else ->
			at[a].page[p].copy = data[p];
			at[a].page[p].own = true;
			put(p)
		fi
	:: else -> skip
	fi;
	atomic {
		at[a].page[p].want = 1 - at[a].page[p].want;
		if
		:: at[a].page[p].own -> at[a].page[p].copy = at[a].page[p].want
		:: else -> data[p] = at[a].page[p].want
		fi
	}
}

/* The leaf table is copied, with a reference to each of its pages. */
inline fork_page(a, c, p) {
	atomic {
		at[c].page[p].own = at[a].page[p].own;
		at[c].page[p].copy = at[a].page[p].copy;
		at[c].page[p].want = at[a].page[p].want;
		at[c].page[p].writable = false;
		at[a].page[p].writable = false;
		if
		:: state[a] == SMALL && !at[a].page[p].own -> refs[p]++
		:: else -> skip
		fi
	}
}

inline fork_space(a, c) {
	if
	:: state[a] == HUGE -> maps++; huge_writable[a] = false
	:: else -> skip
	fi;
	fork_page(a, c, 0);
	fork_page(a, c, 1);
	atomic { huge_writable[c] = false; state[c] = state[a] }
}

inline leave(a, last) {
	if
	:: state[a] == HUGE -> put_share(last)
	:: else ->
		if
		:: !at[a].page[0].own -> put(0)
		:: else -> skip
		fi;
		if
		:: !at[a].page[1].own -> put(1)
		:: else -> skip
		fi
	fi;
	state[a] = GONE
}

inline check(a, p) {
	assert(at[a].page[p].own || refs[p] > 0);
	assert((at[a].page[p].own -> at[a].page[p].copy : data[p]) == at[a].page[p].want)
}

proctype kernel(byte a) {
	bool last;

end_unborn:
	state[a] != GONE;
	do
	:: atomic { steps < STEPS -> steps++ };
		d_step { check(a, 0); check(a, 1); last = false };
		if
		:: true -> write_fault(a, 0, last)
		:: true -> write_fault(a, 1, last)
		:: atomic { a == 0 && !claimed[1] -> claimed[1] = true }; fork_space(a, 1)
		:: atomic { a < SPACES - 1 && !claimed[SPACES - 1] -> claimed[SPACES - 1] = true };
			fork_space(a, (SPACES - 1))
		:: true -> leave(a, last); goto end_gone
		fi
	:: atomic { steps >= STEPS -> check(a, 0); check(a, 1) }; break
	od;
	leave(a, last);
end_gone:
	skip
}

init {
	atomic {
		refs[0] = 1;
		refs[1] = 1;
		state[0] = HUGE;
		huge_writable[0] = true;
		byte i;
		for (i : 0 .. SPACES - 1) {
			run kernel(i)
		}
		i = 0
	};
	/* When nothing can go on, everybody who was born has gone, and nothing is left. */
	timeout;
	assert(maps == 0 && refs[0] == 0 && refs[1] == 0)
}
