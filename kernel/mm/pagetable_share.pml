/*
 * Model of pagetable_share.c for SPIN: address spaces that share a leaf table after fork, while
 * the kernel handles faults, forks and exits in each of them, and another hart runs user code in
 * each, with a translation cache.
 *
 *	spin -a pagetable_share.pml && cc -w -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m200000
 *
 * One entry a table stands for all, since entries of a table do not influence each other. What is
 * one step here is one store or one atomic operation there. Names of invariants as in the C file.
 */
#ifndef SPACES
#define SPACES 2
#endif
#ifndef STEPS
#define STEPS  6	/* faults, forks and exits altogether */
#endif
#define TABLES (SPACES + 1)
#define PAGES  (SPACES + 1)
#define NONE   255

byte entry[SPACES] = NONE;	/* which table */
bool valid[SPACES];		/* or else a link */
bool alive[SPACES];
bool claimed[SPACES];		/* forked once: each is used for one child */
byte want[SPACES];		/* what the address space must read */
byte steps;

byte sharers[TABLES];		/* 0 = free */
bool wrprot[TABLES], writable[TABLES];
byte maps[TABLES];		/* the page that the entry in the table maps */

byte refs[PAGES];		/* 0 = free */
byte data[PAGES];

byte tlb[SPACES] = NONE;	/* page, as a hart of the address space remembers it */
bool tlb_writable[SPACES];
bool walking[SPACES];		/* the hart is in a walk: a flush waits */

inline new_table(t) {
	d_step {
		t = 0;
		do
		:: t < TABLES && sharers[t] > 0 -> t++
		:: else -> break
		od;
		assert(t < TABLES);
		sharers[t] = 1;
	}
}

inline new_page(p) {
	d_step {
		p = 0;
		do
		:: p < PAGES && refs[p] > 0 -> p++
		:: else -> break
		od;
		assert(p < PAGES);
		refs[p] = 1;
	}
}

/* I6: an interrupt that waits. */
inline flush(a) {
	atomic { !walking[a]; tlb[a] = NONE; tlb_writable[a] = false }
}

inline drop(t) {
	atomic {
		assert(sharers[t] > 0);
		if
		:: sharers[t] == 1 ->
			assert(refs[maps[t]] > 0);
			refs[maps[t]]--;
			writable[t] = false;
			wrprot[t] = false;
			sharers[t] = 0
		:: else -> sharers[t]--
		fi
	}
}

/* leaf_own() */
inline own(a, t, n, was_valid) {
	t = entry[a];
	if
	:: sharers[t] == 1 -> valid[a] = true
	:: else ->
		was_valid = valid[a];
		new_table(n);
		writable[t] = false;
		atomic { refs[maps[t]]++; maps[n] = maps[t] };
		wrprot[t] = true;
		wrprot[n] = true;
		writable[n] = false;
		atomic { entry[a] = n; valid[a] = true };
		if
		:: was_valid -> flush(a)
		:: else
		fi;
		drop(t);
		t = n
	fi
}

inline read_fault(a, t) {
	t = entry[a];
	if
	:: sharers[t] == 1 -> valid[a] = true
	:: else ->
		if
		:: !wrprot[t] ->
			writable[t] = false;
			wrprot[t] = true
		:: else
		fi;
		valid[a] = true
	fi
}

/* I5: in place if nobody else reaches the page, or a copy. */
inline write_fault(a, t, n, p, q, was_valid) {
	own(a, t, n, was_valid);
	p = maps[t];
	if
	:: writable[t]
	:: !writable[t] && refs[p] == 1 ->
		wrprot[t] = false;
		writable[t] = true
	:: !writable[t] && refs[p] > 1 ->
		new_page(q);
		data[q] = data[p];
		wrprot[t] = false;
		atomic { maps[t] = q; writable[t] = true };
		flush(a);
		atomic { assert(refs[p] > 0); refs[p]-- }
	fi
}

/* tables_share(); the child is known to nobody until the end. */
inline fork_space(a, c, t, was_valid) {
	t = entry[a];
	sharers[t]++;
	was_valid = valid[a] && !wrprot[t];
	if
	:: was_valid -> valid[a] = false
	:: else
	fi;
	entry[c] = t;
	valid[c] = valid[a];
	if
	:: was_valid -> flush(a)
	:: else
	fi;
	atomic { want[c] = want[a]; alive[c] = true }
}

inline leave(a, t) {
	t = entry[a];
	entry[a] = NONE;
	flush(a);
	drop(t);
	alive[a] = false
}

/* The kernel, working for one address space: its locks make this one thing after the other. */
proctype kernel(byte a) {
	byte t, n, p, q;
	bool was_valid;

end_unborn:
	alive[a];
	do
	:: atomic { steps < STEPS -> steps++ };
		if
		:: read_fault(a, t)
		:: write_fault(a, t, n, p, q, was_valid)
		:: atomic { a == 0 && !claimed[1] -> claimed[1] = true };
			fork_space(a, 1, t, was_valid)
		:: atomic { a < SPACES - 1 && !claimed[SPACES - 1] -> claimed[SPACES - 1] = true };
			fork_space(a, (SPACES - 1), t, was_valid)
		:: a > 0 -> leave(a, t); goto end_gone
		fi;
		d_step {
			assert(!valid[a] || sharers[entry[a]] == 1 || wrprot[entry[a]]); /* I2 */
			t = 0; n = 0; p = 0; q = 0; was_valid = false
		}
	:: steps >= STEPS -> break
	od;
end_gone:
	skip
}

/* User code on a hart of the address space: it uses what it remembers, or walks. */
proctype user(byte a) {
	byte t, p;
	bool w;

end_idle:
	do
	:: atomic { alive[a] && tlb[a] != NONE ->
		assert(refs[tlb[a]] > 0);
		assert(data[tlb[a]] == want[a]) }
	:: atomic { alive[a] && tlb[a] != NONE && tlb_writable[a] ->
		data[tlb[a]] = 1 - data[tlb[a]];
		want[a] = 1 - want[a] }
	:: atomic { alive[a] && valid[a] && entry[a] != NONE -> walking[a] = true; t = entry[a] };
		assert(sharers[t] > 0);
		d_step { p = maps[t]; w = writable[t] };
		atomic { tlb[a] = p; tlb_writable[a] = w; walking[a] = false; t = 0; p = 0; w = false }
	od
}

init {
	atomic {
		sharers[0] = 1;
		refs[0] = 1;
		maps[0] = 0;
		writable[0] = true;
		entry[0] = 0;
		valid[0] = true;
		alive[0] = true;
		byte i;
		for (i : 0 .. SPACES - 1) {
			run kernel(i);
			run user(i)
		}
		i = 0
	}
}
