// The maps of user namespaces: parsed, judged and published. A map is written once; its lower ids
// are translated to the kernel's when it is written, so that using it is one step at any depth. See
// user_namespaces(7), "User and group ID mappings".

#include <lib/parse.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <ns/cred.h>
#include <ns/id_map.h>
#include <ns/user_ns.h>
#include <sched/mutex.h>
#include <uapi/errno.h>

static struct mutex map_mutex = MUTEX_INIT(map_mutex, LOCK_SLEEPING_LAST);

static struct id_map *map_of(struct user_ns *ns, enum id_map_kind kind)
{
	return kind == MAP_UID ? &ns->uid_map : kind == MAP_GID ? &ns->gid_map : &ns->projid_map;
}

// --- Text ---

// Three numbers and nothing else.
static int parse_line(const char *line, struct id_extent *extent)
{
	u64 numbers[3];

	for (int i = 0; i < 3; i++) {
		line += strspn(line, " \t\r");
		if (parse_u64(line, &line, 10, &numbers[i]) || numbers[i] > UINT32_MAX ||
		    (*line && !strchr(" \t\r", *line)))
			return -EINVAL;
	}
	if (line[strspn(line, " \t\r")])
		return -EINVAL;
	*extent = (struct id_extent){numbers[0], numbers[1], numbers[2]};
	return 0;
}

static bool ranges_meet(u32 a, u32 b, u32 count_a, u32 count_b)
{
	return a <= b + count_b - 1 && b <= a + count_a - 1;
}

static int check_extent(const struct id_map *map, const struct id_extent *new)
{
	if (new->first == INVALID_ID || new->lower_first == INVALID_ID ||
	    new->first + new->count <= new->first ||
	    new->lower_first + new->count <= new->lower_first)
		return -EINVAL;
	for (u32 i = 0; i < map->count; i++) {
		const struct id_extent *old = &map->extents[i];

		if (ranges_meet(old->first, new->first, old->count, new->count) ||
		    ranges_meet(old->lower_first, new->lower_first, old->count, new->count))
			return -EINVAL;
	}
	return 0;
}

static int parse_map(char *text, struct id_map *map)
{
	while (text) {
		char *line = text, *end = strchr(text, '\n');

		if (end)
			*end++ = '\0';
		text = end && *end ? end : NULL;
		int error = parse_line(line, &map->extents[map->count]);
		if (!error)
			error = check_extent(map, &map->extents[map->count]);
		if (error)
			return error;
		map->count++;
		if (map->count == ID_MAP_MAX_EXTENTS && text)
			return -EINVAL;
	}
	return map->count ? 0 : -EINVAL;
}

// --- Permission; lower ids are still those of the parent ---

// To map the parent's root, even as somebody else, needs the right to give files capabilities.
static bool root_allowed(const struct user_ns *ns, const struct cred *opener,
			 const struct id_map *map)
{
	for (u32 i = 0; i < map->count; i++) {
		if (map->extents[i].lower_first == 0)
			return opener->user_ns == ns
				       ? ns->parent_could_setfcap
				       : cred_capable(opener, user_ns_parent(ns), CAP_SETFCAP);
	}
	return true;
}

// Anybody may map himself, and only himself; his group only if setgroups(2) is denied for good.
static bool maps_self(struct user_ns *ns, enum id_map_kind kind, const struct cred *opener,
		      const struct id_map *map)
{
	u32 id = map->extents[0].lower_first;

	if (map->count != 1 || map->extents[0].count != 1 || user_ns_owner(ns) != opener->euid)
		return false;
	if (kind == MAP_UID)
		return uid_from_user(user_ns_parent(ns), id) == opener->euid;
	return kind == MAP_GID && !ns->setgroups_allowed &&
	       gid_from_user(user_ns_parent(ns), id) == opener->egid;
}

static bool map_allowed(struct user_ns *ns, enum id_map_kind kind, const struct cred *opener,
			const struct id_map *map)
{
	int cap = kind == MAP_UID ? CAP_SETUID : CAP_SETGID;

	if (kind == MAP_UID && !root_allowed(ns, opener, map))
		return false;
	if (kind == MAP_PROJID || maps_self(ns, kind, opener, map))
		return true;
	return ns_capable(user_ns_parent(ns), cap) && cred_capable(opener, user_ns_parent(ns), cap);
}

// --- Publishing ---

// Turns the parent's ids into the kernel's: each extent must lie in one of the parent's.
static int translate(const struct id_map *parent, struct id_map *map)
{
	for (u32 i = 0; i < map->count; i++) {
		struct id_extent *extent = &map->extents[i];
		bool found = false;

		for (u32 j = 0; j < parent->count && !found; j++) {
			const struct id_extent *lower = &parent->extents[j];
			u32 offset = extent->lower_first - lower->first;

			if (offset >= lower->count || extent->count > lower->count - offset)
				continue;
			extent->lower_first = lower->lower_first + offset;
			found = true;
		}
		if (!found)
			return -EPERM;
	}
	return 0;
}

static int write_locked(struct user_ns *ns, enum id_map_kind kind, const struct cred *opener,
			char *text, struct id_map *new)
{
	struct id_map *map = map_of(ns, kind);

	if (map->count)
		return -EPERM;
	if (kind != MAP_PROJID && !cred_capable(opener, ns, CAP_SYS_ADMIN))
		return -EPERM;
	int error = parse_map(text, new);
	if (!error && !map_allowed(ns, kind, opener, new))
		error = -EPERM;
	if (!error)
		error = translate(map_of(user_ns_parent(ns), kind), new);
	if (error)
		return error;
	map->extents = new->extents;
	new->extents = NULL;
	__atomic_store_n(&map->count, new->count, __ATOMIC_RELEASE);
	return 0;
}

int id_map_write(struct user_ns *ns, enum id_map_kind kind, const struct cred *opener, char *text)
{
	struct user_ns *parent = user_ns_parent(ns);
	struct id_map new = {0};

	// Only from inside or from just outside, where the lower ids mean what is written.
	if (!parent || (opener->user_ns != ns && opener->user_ns != parent))
		return -EPERM;
	u32 lines = 1;
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	new.extents = kmalloc(MIN(lines, (u32)ID_MAP_MAX_EXTENTS) * sizeof(struct id_extent),
			      GFP_KERNEL);
	if (!new.extents)
		return -ENOMEM;
	mutex_lock(&map_mutex);
	int error = write_locked(ns, kind, opener, text, &new);
	mutex_unlock(&map_mutex);
	kfree(new.extents);
	return error;
}

int user_ns_set_setgroups(struct user_ns *ns, bool allow)
{
	int error = 0;

	mutex_lock(&map_mutex);
	if (allow)
		error = ns->setgroups_allowed ? 0 : -EPERM;
	else if (ns->gid_map.count)
		error = -EPERM;
	else
		WRITE_ONCE(ns->setgroups_allowed, false);
	mutex_unlock(&map_mutex);
	return error;
}

bool id_map_extent(struct user_ns *ns, enum id_map_kind kind, struct user_ns *viewer, u32 index,
		   u32 *first, u32 *lower, u32 *count)
{
	const struct id_map *map = map_of(ns, kind);

	if (index >= __atomic_load_n(&map->count, __ATOMIC_ACQUIRE))
		return false;
	if (viewer == ns && user_ns_parent(ns))
		viewer = user_ns_parent(ns);
	const struct id_extent *extent = &map->extents[index];
	*first = extent->first;
	*count = extent->count;
	*lower = kind == MAP_GID ? gid_to_user(viewer, extent->lower_first)
				 : uid_to_user(viewer, extent->lower_first);
	return true;
}
