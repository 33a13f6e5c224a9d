// What GCC's -fprofile-arcs wants of its run-time library. Each object file has counters, and a
// constructor that shows a description of them to __gcov_init(). They are only chained here: the
// counters stay where they are, and scripts/coverage reads them out of the guest's memory when it
// has ended, however it ended.

#include <lib/base.h>

// The beginning of the description, as GCC 10 and later lay it out.
struct gcov_info {
	u32 version;
	struct gcov_info *next;
};

struct gcov_info *gcov_first; // scripts/coverage looks for it by name

void __gcov_init(struct gcov_info *info);
void __gcov_merge_add(void *counters, u32 count);
void __gcov_exit(void);

void __gcov_init(struct gcov_info *info)
{
	info->next = gcov_first;
	gcov_first = info;
}

// The descriptions point to it, to say how two runs are added up. The host does that.
void __gcov_merge_add(void *counters, u32 count)
{
	(void)counters, (void)count;
}

// Called by destructors, which never run.
void __gcov_exit(void)
{
}
