// /proc/PID/timens_offsets: how far the clocks of the time namespace for a process's children are
// ahead; see time_namespaces(7).

#include <fs/procfs/procfs.h>
#include <lib/parse.h>
#include <lib/string.h>
#include <ns/cred.h>
#include <ns/nsproxy.h>
#include <ns/time_ns.h>
#include <ns/user_ns.h>
#include <uapi/errno.h>

// With a reference; NULL: the task has exited.
static struct time_ns *children_ns(struct task *task)
{
	struct nsproxy *nsproxy = task_nsproxy_get(task);
	struct time_ns *ns = nsproxy ? time_ns_get(nsproxy->time_for_children) : NULL;

	nsproxy_put(nsproxy);
	return ns;
}

static void show_offset(struct seq *seq, const char *clock, s64 ns)
{
	s64 part = ns % (s64)NSEC_PER_SEC, seconds = ns / (s64)NSEC_PER_SEC;

	if (part < 0) {
		part += NSEC_PER_SEC;
		seconds--;
	}
	seq_printf(seq, "%-10s %10ld %9ld\n", clock, seconds, part);
}

int proc_show_timens_offsets(struct seq *seq, struct task *task)
{
	struct time_ns *ns = children_ns(task);
	struct time_ns_offsets offsets;

	if (!ns)
		return 0;
	time_ns_offsets(ns, &offsets);
	show_offset(seq, "monotonic", offsets.monotonic_ns);
	show_offset(seq, "boottime", offsets.boottime_ns);
	ns_put(&ns->common);
	return 0;
}

// "CLOCK SECONDS NANOSECONDS", with the clock by its name or number. What follows does not matter.
// -EINVAL, or -ERANGE for what no clock could show (told only if the rest is right).
static int parse_line(const char *line, struct time_ns_offsets *offsets, bool *too_far)
{
	const char *at = str_skip_blanks(line);
	size_t length = MIN(strcspn(at, " \t"), 9ul);
	bool monotonic = (length == 9 && !memcmp(at, "monotonic", 9)) ||
			 (length == 1 && *at == '1');
	bool boottime = (length == 8 && !memcmp(at, "boottime", 8)) || (length == 1 && *at == '7');
	s64 seconds, ns;
	u64 part;

	if (!monotonic && !boottime)
		return -EINVAL;
	if (parse_s64(str_skip_blanks(at + length), &at, 10, &seconds))
		return -EINVAL;
	if (parse_u64(str_skip_blanks(at), &at, 10, &part) || part >= NSEC_PER_SEC)
		return -EINVAL;
	if (__builtin_mul_overflow(seconds, (s64)NSEC_PER_SEC, &ns) ||
	    __builtin_add_overflow(ns, (s64)part, &ns))
		*too_far = true;
	if (monotonic)
		offsets->monotonic_ns = ns;
	else
		offsets->boottime_ns = ns;
	offsets->set_monotonic |= monotonic;
	offsets->set_boottime |= boottime;
	return 0;
}

// At most two lines are taken; a write of more is told to be shorter.
static int parse_lines(char *text, size_t *n, struct time_ns_offsets *offsets, bool *too_far)
{
	char *line = text;

	for (int lines = 1; line; lines++) {
		char *next = strchr(line, '\n');

		if (next)
			*next++ = '\0';
		if (next && !*next)
			next = NULL;
		int error = parse_line(line, offsets, too_far);
		if (error)
			return error;
		if (lines == 2 && next)
			*n = next - text;
		line = lines == 2 ? NULL : next;
	}
	return 0;
}

ssize_t proc_write_timens_offsets(struct file *file, struct task *task, char *text, size_t n)
{
	struct time_ns_offsets offsets = {0};
	bool too_far = false;

	if (((struct proc_text *)file->private)->write_at)
		return -EINVAL;
	int error = parse_lines(text, &n, &offsets, &too_far);
	if (error)
		return error;
	struct time_ns *ns = children_ns(task);
	if (!ns)
		return -ESRCH;
	if (!cred_capable(file->cred, ns->common.owner, CAP_SYS_TIME))
		error = -EPERM;
	else
		error = too_far ? -ERANGE : time_ns_set_offsets(ns, &offsets);
	ns_put(&ns->common);
	return error ?: (ssize_t)n;
}
