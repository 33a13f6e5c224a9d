// Reading a flattened device tree (Devicetree Specification, chapter 5). fdt_check() walks the
// whole structure block once; the accessors then rely on tokens being in bounds and nested.

#include <lib/bits.h>
#include <lib/fdt.h>
#include <lib/string.h>
#include <uapi/errno.h>

#define FDT_MAGIC  0xd00dfeed
#define BEGIN_NODE 1
#define END_NODE   2
#define PROP       3
#define NOP        4
#define END        9

struct header {
	u32 magic, totalsize, off_struct, off_strings, off_reserved, version, last_compatible,
		boot_hart, size_strings, size_struct;
};

static u32 be32(const void *at)
{
	return load_be32(at);
}

static u64 be64(const void *at)
{
	return (u64)be32(at) << 32 | be32((const char *)at + 4);
}

static u32 field(const void *fdt, size_t offset)
{
	return be32((const char *)fdt + offset);
}

#define HEADER(fdt, name) field(fdt, offsetof(struct header, name))

static const char *structure(const void *fdt)
{
	return (const char *)fdt + HEADER(fdt, off_struct);
}

size_t fdt_size(const void *fdt)
{
	return HEADER(fdt, totalsize);
}

// The token at `at`, and where the next one begins. END if it would leave the block.
static u32 token(const void *fdt, int at, int *next)
{
	u32 size = HEADER(fdt, size_struct), token, length;

	if (at < 0 || (u32)at + 4 > size)
		return END;
	token = be32(structure(fdt) + at);
	*next = at + 4;
	if (token == BEGIN_NODE) {
		const char *name = structure(fdt) + at + 4;
		size_t n = strnlen(name, size - at - 4);

		if (n == size - at - 4)
			return END;
		*next = ALIGN_UP(at + 4 + (int)n + 1, 4);
	} else if (token == PROP) {
		if ((u32)at + 12 > size)
			return END;
		length = be32(structure(fdt) + at + 4);
		if (length > size - at - 12)
			return END;
		*next = ALIGN_UP(at + 12 + (int)length, 4);
	}
	return token;
}

static bool check_header(const void *fdt, size_t max)
{
	if (max < sizeof(struct header))
		return false;
	if (HEADER(fdt, magic) != FDT_MAGIC || HEADER(fdt, last_compatible) > 17 ||
	    HEADER(fdt, version) < 17)
		return false;
	u64 total = HEADER(fdt, totalsize);
	u64 structure_end = (u64)HEADER(fdt, off_struct) + HEADER(fdt, size_struct);
	u64 strings_end = (u64)HEADER(fdt, off_strings) + HEADER(fdt, size_strings);
	u64 reserved = HEADER(fdt, off_reserved);

	return total <= max && total >= sizeof(struct header) && structure_end <= total &&
	       strings_end <= total && reserved < total && HEADER(fdt, size_struct) < 1u << 30;
}

static bool check_property(const void *fdt, int at)
{
	u32 name = be32(structure(fdt) + at + 8), size = HEADER(fdt, size_strings);
	const char *strings = (const char *)fdt + HEADER(fdt, off_strings);

	return name < size && strnlen(strings + name, size - name) < size - name;
}

int fdt_check(const void *fdt, size_t max)
{
	int at = 0, next = 0, depth = 0;
	bool seen_root = false;

	if (((uintptr_t)fdt & 7) || !check_header(fdt, max))
		return -EINVAL;
	for (;; at = next) {
		switch (token(fdt, at, &next)) {
		case BEGIN_NODE:
			if ((depth == 0 && seen_root) || ++depth > FDT_DEPTH_MAX)
				return -EINVAL;
			seen_root = true;
			break;
		case END_NODE:
			if (depth-- == 0)
				return -EINVAL;
			break;
		case PROP:
			if (depth == 0 || !check_property(fdt, at))
				return -EINVAL;
			break;
		case NOP:
			break;
		case END:
			if (depth || !seen_root || (u32)at + 4 > HEADER(fdt, size_struct) ||
			    be32(structure(fdt) + at) != END)
				return -EINVAL;
			return 0;
		default:
			return -EINVAL;
		}
	}
}

// --- Walking ---

int fdt_root(const void *fdt)
{
	int at = 0, next;

	while (token(fdt, at, &next) == NOP)
		at = next;
	return at;
}

int fdt_next_node(const void *fdt, int node, int *depth)
{
	int at, next;

	token(fdt, node, &at);
	for (;; at = next) {
		switch (token(fdt, at, &next)) {
		case BEGIN_NODE:
			if (depth)
				++*depth;
			return at;
		case END_NODE:
			if (depth)
				--*depth;
			break;
		case END:
			return -1;
		}
	}
}

int fdt_first_subnode(const void *fdt, int node)
{
	int depth = 0, next = fdt_next_node(fdt, node, &depth);

	return depth == 1 ? next : -1;
}

int fdt_next_subnode(const void *fdt, int node)
{
	int depth = 0;

	do {
		node = fdt_next_node(fdt, node, &depth);
	} while (node >= 0 && depth > 0);
	return depth == 0 ? node : -1;
}

int fdt_parent(const void *fdt, int wanted)
{
	int stack[FDT_DEPTH_MAX + 1], depth = 0, node = fdt_root(fdt);

	while (node >= 0 && node != wanted) {
		stack[depth] = node;
		int change = 0;
		node = fdt_next_node(fdt, node, &change);
		depth += change;
		if (depth < 0 || depth > FDT_DEPTH_MAX)
			return -1;
	}
	return node == wanted && depth > 0 ? stack[depth - 1] : -1;
}

static const char *property_name(const void *fdt, int at)
{
	return (const char *)fdt + HEADER(fdt, off_strings) + be32(structure(fdt) + at + 8);
}

const char *fdt_node_name(const void *fdt, int node)
{
	return structure(fdt) + node + 4;
}

static bool name_matches(const char *name, const char *wanted, size_t n)
{
	if (strncmp(name, wanted, n))
		return false;
	return !name[n] || (name[n] == '@' && !memchr(wanted, '@', n));
}

// The node that the first word of a path without a leading '/' is an alias for; *path moves on. The
// root if there is no such alias.
static int alias_node(const void *fdt, const char **path)
{
	int aliases = fdt_path_node(fdt, "/aliases"), at, next;
	size_t n = strcspn(*path, "/");

	if (aliases < 0)
		return fdt_root(fdt);
	token(fdt, aliases, &at);
	for (;; at = next) {
		u32 kind = token(fdt, at, &next);

		if (kind == NOP)
			continue;
		if (kind != PROP)
			return fdt_root(fdt);
		const char *name = property_name(fdt, at);
		if (strncmp(name, *path, n) || name[n])
			continue;
		const char *target = fdt_getprop_string(fdt, aliases, name);
		// An alias is a full path: it cannot lead here again.
		if (!target || target[0] != '/')
			return -1;
		*path += n;
		return fdt_path_node(fdt, target);
	}
}

int fdt_path_node(const void *fdt, const char *path)
{
	int node = *path == '/' ? fdt_root(fdt) : alias_node(fdt, &path), child;

	while (*path == '/')
		path++;
	while (*path && node >= 0) {
		size_t n = strcspn(path, "/");

		fdt_for_each_subnode (child, fdt, node) {
			if (name_matches(fdt_node_name(fdt, child), path, n))
				break;
		}
		node = child;
		path += n;
		while (*path == '/')
			path++;
	}
	return node;
}

int fdt_phandle_node(const void *fdt, u32 phandle)
{
	int node;
	u32 value;

	fdt_for_each_node (node, fdt) {
		if (fdt_getprop_u32(fdt, node, "phandle", &value) && value == phandle)
			return node;
	}
	return -1;
}

// --- Properties ---

const void *fdt_getprop(const void *fdt, int node, const char *name, int *length)
{
	int at, next;

	token(fdt, node, &at);
	for (;; at = next) {
		u32 kind = token(fdt, at, &next);

		if (kind == NOP)
			continue;
		if (kind != PROP)
			return NULL;
		const char *property = structure(fdt) + at;
		if (strcmp(property_name(fdt, at), name))
			continue;
		if (length)
			*length = be32(property + 4);
		return property + 12;
	}
}

const char *fdt_getprop_string(const void *fdt, int node, const char *name)
{
	int length;
	const char *text = fdt_getprop(fdt, node, name, &length);

	return text && length && !text[length - 1] ? text : NULL;
}

bool fdt_getprop_u32(const void *fdt, int node, const char *name, u32 *value)
{
	int length;
	const void *at = fdt_getprop(fdt, node, name, &length);

	if (!at || length != 4)
		return false;
	*value = be32(at);
	return true;
}

bool fdt_node_is_compatible(const void *fdt, int node, const char *compatible)
{
	int length;
	const char *at = fdt_getprop(fdt, node, "compatible", &length);

	if (!at || !length || at[length - 1])
		return false;
	for (const char *end = at + length; at < end; at += strlen(at) + 1) {
		if (!strcmp(at, compatible))
			return true;
	}
	return false;
}

bool fdt_node_is_available(const void *fdt, int node)
{
	const char *status = fdt_getprop_string(fdt, node, "status");

	return !fdt_getprop(fdt, node, "status", NULL) ||
	       (status && (!strcmp(status, "okay") || !strcmp(status, "ok")));
}

// --- Addresses ---

static u32 cells(const void *fdt, int node, const char *name, u32 absent)
{
	u32 value;

	return node >= 0 && fdt_getprop_u32(fdt, node, name, &value) ? value : absent;
}

static u64 read_cells(const u8 *at, u32 count)
{
	return count == 2 ? be64(at) : count == 1 ? be32(at) : 0;
}

// From the addresses of `bus` to those of its parent. An empty ranges maps one to one.
static bool translate(const void *fdt, int bus, int parent, u64 *address)
{
	u32 child_cells = cells(fdt, bus, "#address-cells", 2);
	u32 size_cells = cells(fdt, bus, "#size-cells", 1);
	u32 parent_cells = cells(fdt, parent, "#address-cells", 2);
	u32 entry = 4 * (child_cells + parent_cells + size_cells);
	int length;
	const u8 *ranges = fdt_getprop(fdt, bus, "ranges", &length);

	if (!ranges)
		return false;
	if (!length)
		return true;
	if (child_cells > 2 || parent_cells > 2 || size_cells > 2 || !entry)
		return false;
	for (; length >= (int)entry; ranges += entry, length -= entry) {
		u64 from = read_cells(ranges, child_cells);
		u64 to = read_cells(ranges + 4 * child_cells, parent_cells);
		u64 size = read_cells(ranges + 4 * (child_cells + parent_cells), size_cells);

		if (*address - from < size) {
			*address += to - from;
			return true;
		}
	}
	return false;
}

int fdt_reg(const void *fdt, int node, int i, u64 *address, u64 *size)
{
	int parent = fdt_parent(fdt, node), length;
	u32 address_cells = cells(fdt, parent, "#address-cells", 2);
	u32 size_cells = cells(fdt, parent, "#size-cells", 1);
	u32 entry = 4 * (address_cells + size_cells);
	const u8 *reg = fdt_getprop(fdt, node, "reg", &length);

	if (!reg)
		return -ENOENT;
	if (address_cells > 2 || size_cells > 2 || !entry)
		return -EINVAL;
	if (length / (int)entry <= i)
		return -ENOENT;
	reg += entry * i;
	*address = read_cells(reg, address_cells);
	*size = read_cells(reg + 4 * address_cells, size_cells);
	while (parent > fdt_root(fdt)) {
		int above = fdt_parent(fdt, parent);

		if (!translate(fdt, parent, above, address))
			return -EINVAL;
		parent = above;
	}
	return 0;
}

int fdt_reservation(const void *fdt, int i, u64 *address, u64 *size)
{
	u64 offset = (u64)HEADER(fdt, off_reserved) + 16ul * i;

	if (offset + 16 > fdt_size(fdt))
		return -ENOENT;
	*address = be64((const char *)fdt + offset);
	*size = be64((const char *)fdt + offset + 8);
	return *address || *size ? 0 : -ENOENT;
}

// --- Interrupts ---

#define INTERRUPT_CELLS_MAX 16

static int interrupt_extended(const void *fdt, int node, int i, int *controller, u32 *number)
{
	int length;
	const u8 *at = fdt_getprop(fdt, node, "interrupts-extended", &length);

	while (at && length >= 4) {
		*controller = fdt_phandle_node(fdt, be32(at));
		u32 count = cells(fdt, *controller, "#interrupt-cells", 1);
		if (*controller < 0 || count > INTERRUPT_CELLS_MAX || length < 4 + 4 * (int)count)
			return -EINVAL;
		if (i-- == 0) {
			*number = count ? be32(at + 4) : 0;
			return 0;
		}
		at += 4 + 4 * count;
		length -= 4 + 4 * count;
	}
	return -ENOENT;
}

int fdt_interrupt(const void *fdt, int node, int i, int *controller, u32 *number)
{
	int length, error = interrupt_extended(fdt, node, i, controller, number);
	const u8 *at = fdt_getprop(fdt, node, "interrupts", &length);
	u32 phandle;

	if (error != -ENOENT || !at)
		return error;
	for (int up = node; up >= 0; up = fdt_parent(fdt, up)) {
		if (!fdt_getprop_u32(fdt, up, "interrupt-parent", &phandle))
			continue;
		*controller = fdt_phandle_node(fdt, phandle);
		u32 count = cells(fdt, *controller, "#interrupt-cells", 1);
		if (*controller < 0 || !count || count > INTERRUPT_CELLS_MAX)
			return -EINVAL;
		if (i >= length / (4 * (int)count))
			return -ENOENT;
		*number = be32(at + 4 * count * i);
		return 0;
	}
	return -EINVAL;
}
