// The files by which a group is looked at and controlled; cgroups(7).

#include <lib/parse.h>
#include <lib/string.h>
#include <sched/pid.h>
#include <uapi/errno.h>

#include "internal.h"

// A small whole number. -EINVAL; -ERANGE outside of min..max.
static int take_number(const char *text, s64 min, s64 max, s64 *out)
{
	int error = parse_s64(text, NULL, 0, out);

	if (error)
		return error;
	return *out < min || *out > max ? -ERANGE : 0;
}

// --- Kinds, controllers ---

static void show_type(struct seq *seq, struct cgroup *cgroup)
{
	seq_puts(seq, cgroup_is_threaded(cgroup)        ? "threaded\n"
		      : !cgroup_is_valid_domain(cgroup) ? "domain invalid\n"
		      : cgroup_is_thread_root(cgroup)   ? "domain threaded\n"
							: "domain\n");
}

static int write_type(struct file *file, struct cgroup *cgroup, char *text)
{
	(void)file;
	return strcmp(text, "threaded") ? -EINVAL : cgroup_set_threaded(cgroup);
}

static void show_mask(struct seq *seq, u32 mask)
{
	if (mask & CGROUP_PIDS)
		seq_puts(seq, "pids\n");
}

static void show_controllers(struct seq *seq, struct cgroup *cgroup)
{
	show_mask(seq, cgroup_available(cgroup));
}

static void show_control(struct seq *seq, struct cgroup *cgroup)
{
	show_mask(seq, cgroup->control);
}

static int write_control(struct file *file, struct cgroup *cgroup, char *text)
{
	u32 enable = 0, disable = 0;
	char *word;

	(void)file;
	while ((word = strsep(&text, " "))) {
		if (!*word)
			continue;
		if (strcmp(word + 1, "pids") || (*word != '+' && *word != '-'))
			return -EINVAL;
		enable = *word == '+' ? CGROUP_PIDS : 0;
		disable = *word == '-' ? CGROUP_PIDS : 0;
	}
	return cgroup_set_control(cgroup, enable, disable);
}

// --- Limits on the tree ---

static void show_limit(struct seq *seq, int limit)
{
	if (limit == CGROUP_UNLIMITED)
		seq_puts(seq, "max\n");
	else
		seq_printf(seq, "%d\n", limit);
}

static int take_limit(const char *text, int *limit)
{
	s64 value = CGROUP_UNLIMITED;
	int error = strcmp(text, "max") ? take_number(text, 0, INT32_MAX, &value) : 0;

	if (!error)
		*limit = value;
	return error;
}

static void show_max_depth(struct seq *seq, struct cgroup *cgroup)
{
	show_limit(seq, cgroup->max_depth);
}

static int write_max_depth(struct file *file, struct cgroup *cgroup, char *text)
{
	(void)file;
	return take_limit(text, &cgroup->max_depth);
}

static void show_max_descendants(struct seq *seq, struct cgroup *cgroup)
{
	show_limit(seq, cgroup->max_descendants);
}

static int write_max_descendants(struct file *file, struct cgroup *cgroup, char *text)
{
	(void)file;
	return take_limit(text, &cgroup->max_descendants);
}

static void show_stat(struct seq *seq, struct cgroup *cgroup)
{
	seq_printf(seq, "nr_descendants %u\nnr_dying_descendants %d\n", cgroup->descendants,
		   atomic_read(&cgroup->dying));
}

// --- Events, the freezer, kill ---

static void show_events(struct seq *seq, struct cgroup *cgroup)
{
	spin_lock_irq(&cgroup_members_lock);
	seq_printf(seq, "populated %d\nfrozen %d\n", cgroup_populated(cgroup), cgroup->frozen);
	spin_unlock_irq(&cgroup_members_lock);
}

static struct cgroup_event *events_of(struct cgroup *cgroup)
{
	return &cgroup->events;
}

static void show_freeze(struct seq *seq, struct cgroup *cgroup)
{
	seq_printf(seq, "%d\n", cgroup->freeze);
}

static int write_freeze(struct file *file, struct cgroup *cgroup, char *text)
{
	s64 value;
	int error = take_number(text, 0, 1, &value);

	(void)file;
	if (!error)
		cgroup_freeze(cgroup, value);
	return error;
}

static int write_kill(struct file *file, struct cgroup *cgroup, char *text)
{
	s64 value;
	int error = take_number(text, 1, 1, &value);

	(void)file;
	if (!error && cgroup_is_threaded(cgroup))
		error = -EOPNOTSUPP; // it could kill a part of a process only
	if (!error)
		cgroup_kill(cgroup);
	return error;
}

// --- pids ---

static void show_pids_max(struct seq *seq, struct cgroup *cgroup)
{
	u64 max = READ_ONCE(cgroup->pids.max);

	if (max == PIDS_UNLIMITED)
		seq_puts(seq, "max\n");
	else
		seq_printf(seq, "%lu\n", max);
}

static int write_pids_max(struct file *file, struct cgroup *cgroup, char *text)
{
	s64 value = PIDS_UNLIMITED;

	(void)file;
	if (strcmp(text, "max")) {
		int error = parse_s64(text, NULL, 0, &value);

		if (error)
			return error;
		if (value < 0 || value > PID_MAX_LIMIT)
			return -EINVAL;
	}
	WRITE_ONCE(cgroup->pids.max, value);
	return 0;
}

static void show_pids_current(struct seq *seq, struct cgroup *cgroup)
{
	seq_printf(seq, "%ld\n", (long)atomic64_read(&cgroup->pids.current));
}

static void show_pids_peak(struct seq *seq, struct cgroup *cgroup)
{
	seq_printf(seq, "%lu\n", READ_ONCE(cgroup->pids.peak));
}

static void show_failures(struct seq *seq, struct cgroup *cgroup, struct atomic64 *count)
{
	if (READ_ONCE(cgroup_options) & CGROUP_PIDS_LOCAL_EVENTS)
		count = &cgroup->pids.failed_here;
	seq_printf(seq, "max %ld\n", (long)atomic64_read(count));
}

static void show_pids_events(struct seq *seq, struct cgroup *cgroup)
{
	show_failures(seq, cgroup, &cgroup->pids.events);
}

static void show_pids_events_local(struct seq *seq, struct cgroup *cgroup)
{
	show_failures(seq, cgroup, &cgroup->pids.events_local);
}

static struct cgroup_event *pids_events_of(struct cgroup *cgroup)
{
	return &cgroup->pids.changed;
}

static struct cgroup_event *pids_events_local_of(struct cgroup *cgroup)
{
	return &cgroup->pids.changed_local;
}

#define OF_PIDS (CGROUP_NOT_ON_ROOT | CGROUP_OF_PIDS)

const struct cgroup_file cgroup_control_files[] = {
	{.name = "cgroup.controllers", .mode = 0444, .show = show_controllers},
	{.name = "cgroup.events",
	 .mode = 0444,
	 .flags = CGROUP_NOT_ON_ROOT,
	 .show = show_events,
	 .event = events_of},
	{.name = "cgroup.freeze",
	 .mode = 0644,
	 .flags = CGROUP_NOT_ON_ROOT,
	 .show = show_freeze,
	 .write = write_freeze},
	{.name = "cgroup.kill", .mode = 0200, .flags = CGROUP_NOT_ON_ROOT, .write = write_kill},
	{.name = "cgroup.max.depth",
	 .mode = 0644,
	 .show = show_max_depth,
	 .write = write_max_depth},
	{.name = "cgroup.max.descendants",
	 .mode = 0644,
	 .show = show_max_descendants,
	 .write = write_max_descendants},
	{.name = "cgroup.stat", .mode = 0444, .show = show_stat},
	{.name = "cgroup.subtree_control",
	 .mode = 0644,
	 .flags = CGROUP_DELEGATED,
	 .show = show_control,
	 .write = write_control},
	{.name = "cgroup.type",
	 .mode = 0644,
	 .flags = CGROUP_NOT_ON_ROOT,
	 .show = show_type,
	 .write = write_type},
	{.name = "pids.current", .mode = 0444, .flags = OF_PIDS, .show = show_pids_current},
	{.name = "pids.events",
	 .mode = 0444,
	 .flags = OF_PIDS,
	 .show = show_pids_events,
	 .event = pids_events_of},
	{.name = "pids.events.local",
	 .mode = 0444,
	 .flags = OF_PIDS,
	 .show = show_pids_events_local,
	 .event = pids_events_local_of},
	{.name = "pids.max",
	 .mode = 0644,
	 .flags = OF_PIDS,
	 .show = show_pids_max,
	 .write = write_pids_max},
	{.name = "pids.peak", .mode = 0444, .flags = OF_PIDS, .show = show_pids_peak},
};
const unsigned cgroup_control_count = ARRAY_SIZE(cgroup_control_files);
_Static_assert(ARRAY_SIZE(cgroup_control_files) + 2 <= CGROUP_FILES_MAX, "places of inodes");
