// When memory has run out: a process is killed so that the others can go on.
#pragma once

#include <lib/base.h>

struct mm;
struct task;

#define OOM_SCORE_ADJ_MIN (-1000) // never chosen
#define OOM_SCORE_ADJ_MAX 1000

// How much memory the end of a process would free, in pages, shifted by its oom_score_adj in
// thousandths of all memory. Negative: it is never chosen. Within rcu.
s64 oom_badness(struct task *leader);
u64 oom_kill_count(void); // since boot
// An mm has lost its last user and given its memory back: nobody waits for it any more.
void oom_mm_emptied(const struct mm *mm);
// Whether current has found no memory and nobody to kill since it was asked last: trying again would
// be for ever.
bool oom_gave_up(void);
