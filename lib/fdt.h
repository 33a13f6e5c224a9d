// Reading a flattened device tree. Nodes are offsets in the structure block; negative = none.
// After fdt_check() nothing in the blob, however hostile, makes these read outside of it.
#pragma once

#include <lib/base.h>

#define FDT_DEPTH_MAX 32

// Checks header, bounds and structure of a blob of at most `max` bytes. 0 or -EINVAL.
int fdt_check(const void *fdt, size_t max);
size_t fdt_size(const void *fdt);

// Walking: the root; the next node in order of the blob (*depth changes along, may be NULL).
int fdt_root(const void *fdt);
int fdt_next_node(const void *fdt, int node, int *depth);
int fdt_first_subnode(const void *fdt, int node);
int fdt_next_subnode(const void *fdt, int node);
int fdt_parent(const void *fdt, int node);
const char *fdt_node_name(const void *fdt, int node);
// By path; a component without @unit matches the first with that name. A path that does not begin
// with '/' may begin with an alias.
int fdt_path_node(const void *fdt, const char *path);
int fdt_phandle_node(const void *fdt, u32 phandle);

#define fdt_for_each_node(node, fdt) \
	for ((node) = fdt_root(fdt); (node) >= 0; (node) = fdt_next_node(fdt, node, NULL))
#define fdt_for_each_subnode(node, fdt, parent)                    \
	for ((node) = fdt_first_subnode(fdt, parent); (node) >= 0; \
	     (node) = fdt_next_subnode(fdt, node))

// A property's bytes, or NULL; *length may be NULL. A string property may be used as a string only
// if its last byte is NUL: fdt_getprop_string() makes sure.
const void *fdt_getprop(const void *fdt, int node, const char *name, int *length);
const char *fdt_getprop_string(const void *fdt, int node, const char *name);
bool fdt_getprop_u32(const void *fdt, int node, const char *name, u32 *value);
bool fdt_node_is_compatible(const void *fdt, int node, const char *compatible);
bool fdt_node_is_available(const void *fdt, int node); // status absent or okay

// The i-th address range of "reg", translated to the root's addresses. 0, -ENOENT, -EINVAL.
int fdt_reg(const void *fdt, int node, int i, u64 *address, u64 *size);
// The i-th interrupt: its controller's node and number, by interrupts-extended or
// interrupt-parent. 0, -ENOENT, -EINVAL.
int fdt_interrupt(const void *fdt, int node, int i, int *controller, u32 *number);
// The i-th memory reservation. 0 or -ENOENT.
int fdt_reservation(const void *fdt, int i, u64 *address, u64 *size);
