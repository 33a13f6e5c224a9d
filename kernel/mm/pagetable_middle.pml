/*
 * Model of pagetable_share.c for SPIN, one level up: address spaces whose middle tables are shared
 * after fork, so that an unshare of the middle table runs against exits, forks and unshares of the
 * leaf table below it in other address spaces, and against a hart of each that walks all levels.
 * The leaf level alone is in pagetable_share.pml, from which the names are.
 *
 *	spin -a pagetable_middle.pml && cc -w -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m200000
 *
 * One entry stands for all in tables of both levels. A root is its owner's alone. With SPACES 2 and
 * STEPS 3 it takes a minute.
 */
#ifndef SPACES
#define SPACES 3
#endif
#ifndef STEPS
#define STEPS  2	/* faults, forks and exits altogether, after the first fork */
#endif
#ifndef USERS
#define USERS  2	/* so many address spaces run on a hart */
#endif
#define TABLES (SPACES + 1)
#define PAGES  (SPACES + 1)
#define NONE   255

byte root[SPACES] = NONE;	/* which middle table */
bool root_valid[SPACES];	/* or else a link */
bool alive[SPACES];
bool claimed[SPACES];		/* forked once: each is used for one child */
byte want[SPACES];		/* what the address space must read */
byte steps;

byte mid_sharers[TABLES];	/* 0 = free */
bool mid_freeing[TABLES];
byte mid_entry[TABLES];		/* which leaf table */
bool mid_valid[TABLES];		/* or else a link */

byte sharers[TABLES];		/* of leaf tables; 0 = free */
bool wrprot[TABLES], writable[TABLES];
byte maps[TABLES];		/* the page that the entry in the table maps */

byte refs[PAGES];		/* 0 = free */
byte data[PAGES];

byte tlb[SPACES] = NONE;	/* page, as a hart of the address space remembers it */
bool tlb_writable[SPACES];
bool walking[SPACES];		/* the hart is in a walk: a flush waits */

/* Whether another address space than `a` has the page in its tables. */
#define REACHES(b, p) (alive[b] && root[b] != NONE && maps[mid_entry[root[b]]] == p)
#define OTHER_REACHES(a, p) \
	((a != 0 && REACHES(0, p)) || (a != 1 && REACHES(1, p)) || \
	 (a != SPACES - 1 && REACHES(SPACES - 1, p)))

inline new_leaf(t) {
	d_step {
		t = 0;
		do
		:: t < TABLES && sharers[t] > 0 -> t++
		:: else -> break
		od;
		assert(t < TABLES);
		sharers[t] = 1
	}
}

inline new_middle(m) {
	d_step {
		m = 0;
		do
		:: m < TABLES && (mid_sharers[m] > 0 || mid_freeing[m]) -> m++
		:: else -> break
		od;
		assert(m < TABLES);
		mid_sharers[m] = 1
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
		refs[p] = 1
	}
}

/* I6: an interrupt that waits. */
inline flush(a) {
	atomic { !walking[a]; tlb[a] = NONE; tlb_writable[a] = false }
}

inline drop_leaf(t) {
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

/* table_drop() of a middle table: the last one drops what it holds. */
inline drop_middle(m, last) {
	atomic {
		assert(mid_sharers[m] > 0);
		mid_sharers[m]--;
		last = mid_sharers[m] == 0;
		mid_freeing[m] = last
	};
	if
	:: last ->
		drop_leaf(mid_entry[m]);
		atomic { mid_valid[m] = false; mid_freeing[m] = false }
	:: else
	fi
}

/* leaf_share(): one more entry will lead to the leaf table; `v` is whether both are valid. */
inline leaf_share(m, t, v, changed) {
	atomic { t = mid_entry[m]; v = mid_valid[m]; sharers[t]++ };
	if
	:: atomic { v && !wrprot[t] -> v = false; changed = true }; mid_valid[m] = false
	:: atomic { else -> skip }
	fi
}

/* middle_own(): `m` is the table then. */
inline own_middle(a, m, n, t, v, ignored) {
	if
	:: atomic { root_valid[a] -> m = root[a] }
	:: atomic { !root_valid[a] && mid_sharers[root[a]] == 1 -> m = root[a]; root_valid[a] = true }
	:: atomic { !root_valid[a] && mid_sharers[root[a]] > 1 -> m = root[a] };
		new_middle(n);
		leaf_share(m, t, v, ignored);
		atomic { mid_entry[n] = t; mid_valid[n] = v; root[a] = n; root_valid[a] = true };
		drop_middle(m, v);
		m = n
	fi
}

/* leaf_own(), below a middle table that is ours. */
inline own_leaf(a, m, t, n, v) {
	if
	:: atomic { sharers[mid_entry[m]] == 1 -> t = mid_entry[m]; mid_valid[m] = true }
	:: atomic { sharers[mid_entry[m]] > 1 -> t = mid_entry[m]; v = mid_valid[m] };
		new_leaf(n);
		writable[t] = false;
		atomic { refs[maps[t]]++; maps[n] = maps[t]; wrprot[n] = true; writable[n] = false };
		wrprot[t] = true;
		atomic { mid_entry[m] = n; mid_valid[m] = true };
		if
		:: v -> flush(a)
		:: else
		fi;
		drop_leaf(t);
		t = n
	fi
}

/* table_map_shared() */
inline read_fault(a, m, n, t, v, changed) {
	own_middle(a, m, n, t, v, changed);
	if
	:: atomic { sharers[mid_entry[m]] == 1 -> mid_valid[m] = true }
	:: atomic { sharers[mid_entry[m]] > 1 -> t = mid_entry[m] };
		if
		:: atomic { !wrprot[t] -> writable[t] = false }; wrprot[t] = true
		:: atomic { wrprot[t] -> skip }
		fi;
		mid_valid[m] = true
	fi
}

inline write_fault(a, m, n, t, v, changed, p, q) {
	own_middle(a, m, n, t, v, changed);
	own_leaf(a, m, t, n, v);
	if
	:: writable[t]
	:: atomic { !writable[t] && refs[maps[t]] == 1 -> wrprot[t] = false; writable[t] = true }
	:: atomic { !writable[t] && refs[maps[t]] > 1 -> p = maps[t] };
		new_page(q);
		data[q] = data[p];
		atomic { wrprot[t] = false; maps[t] = q; writable[t] = true };
		flush(a);
		atomic { assert(refs[p] > 0); refs[p]-- }
	fi
}

/* tables_share(): the middle table is shared, or, if it has few entries, copied. */
inline fork_space(a, c, m, n, t, v, changed) {
	if
	:: atomic { m = root[a]; changed = root_valid[a]; mid_sharers[m]++ };
		atomic { root_valid[a] = false; root[c] = m; root_valid[c] = false }
	:: atomic { root_valid[a] -> m = root[a] };
		new_middle(n);
		leaf_share(m, t, v, changed);
		atomic {
			mid_entry[n] = t; mid_valid[n] = v;
			root[c] = n; root_valid[c] = true
		}
	fi;
	if
	:: changed -> flush(a)
	:: else
	fi;
	atomic { want[c] = want[a]; alive[c] = true }
}

inline leave(a, m, last) {
	atomic { m = root[a]; root[a] = NONE };
	flush(a);
	drop_middle(m, last);
	alive[a] = false
}

/* The kernel, working for one address space: its locks make this one thing after the other. */
proctype kernel(byte a) {
	byte m, n, t, p, q;
	bool v, changed;

end_unborn:
	alive[a];
	do
	:: atomic { steps < STEPS -> steps++ };
		if
		:: read_fault(a, m, n, t, v, changed)
		:: write_fault(a, m, n, t, v, changed, p, q)
		:: atomic { a == 0 && !claimed[1] -> claimed[1] = true };
			fork_space(a, 1, m, n, t, v, changed)
		:: atomic { a < SPACES - 1 && !claimed[SPACES - 1] -> claimed[SPACES - 1] = true };
			fork_space(a, (SPACES - 1), m, n, t, v, changed)
		:: a > 0 -> leave(a, m, v); goto end_gone
		fi;
		d_step {
			m = root[a];
			assert(!root_valid[a] || mid_sharers[m] == 1); /* I1 */
			assert(!root_valid[a] || !mid_valid[m] || sharers[mid_entry[m]] == 1 ||
			       wrprot[mid_entry[m]]); /* I2 */
			assert(data[maps[mid_entry[m]]] == want[a]);
			m = 0; n = 0; t = 0; p = 0; q = 0; v = false; changed = false
		}
	:: steps >= STEPS -> break
	od;
end_gone:
	skip
}

/* User code on a hart of the address space: it uses what it remembers, or walks. */
proctype user(byte a) {
	byte m, t, p;
	bool w;

end_idle:
	do
	:: atomic { alive[a] && tlb[a] != NONE ->
		assert(refs[tlb[a]] > 0);
		assert(data[tlb[a]] == want[a]) }
	:: atomic { alive[a] && tlb[a] != NONE && tlb_writable[a] ->
		assert(!OTHER_REACHES(a, tlb[a])); /* I5 */
		data[tlb[a]] = 1 - data[tlb[a]];
		want[a] = 1 - want[a] }
	:: atomic { alive[a] && root[a] != NONE && root_valid[a] -> walking[a] = true; m = root[a] };
		if
		:: atomic { !mid_valid[m] -> assert(mid_sharers[m] > 0); walking[a] = false; m = 0 }
		:: atomic { mid_valid[m] -> assert(mid_sharers[m] > 0); t = mid_entry[m] };
			assert(sharers[t] > 0);
			d_step { p = maps[t]; w = writable[t] };
			atomic {
				tlb[a] = p; tlb_writable[a] = w; walking[a] = false;
				m = 0; t = 0; p = 0; w = false
			}
		fi
	od
}

init {
	atomic {
		/* The first fork has just shared the middle table. */
		mid_sharers[0] = 2;
		sharers[0] = 1;
		refs[0] = 1;
		if
		:: writable[0] = true
		:: wrprot[0] = true
		fi;
		root[0] = 0;
		root[1] = 0;
		mid_valid[0] = true;
		alive[0] = true;
		alive[1] = true;
		claimed[1] = true;
		byte i;
		for (i : 0 .. SPACES - 1) {
			run kernel(i);
			if
			:: i < USERS -> run user(i)
			:: else
			fi
		}
		i = 0
	}
}
