// Asks a device tree for everything that can be asked, in any order: what comes out does not
// matter, only that nothing is read outside of the blob. For the hostile blobs of test_fdt and
// fuzz_fdt.
#pragma once

#include <lib/fdt.h>
#include <stdlib.h>
#include <string.h>

#define FDT_WALK_NODES 200 // of each blob: the walk below is quadratic

static volatile unsigned fdt_walk_sink;

static inline void fdt_walk_node(const void *fdt, int node)
{
	int length, child, controller;
	u64 address, size;
	u32 number;

	fdt_walk_sink += (unsigned)strlen(fdt_node_name(fdt, node));
	fdt_for_each_subnode (child, fdt, node)
		fdt_walk_sink += (unsigned)child;
	fdt_walk_sink += (unsigned)fdt_parent(fdt, node);
	fdt_walk_sink += fdt_node_is_available(fdt, node);
	fdt_walk_sink += fdt_node_is_compatible(fdt, node, "simple-bus");
	const u8 *reg = fdt_getprop(fdt, node, "reg", &length);

	if (reg && length)
		fdt_walk_sink += reg[0] + reg[length - 1];
	const char *text = fdt_getprop_string(fdt, node, "compatible");

	if (text)
		fdt_walk_sink += (unsigned)strlen(text);
	for (int i = 0; i < 4; i++) {
		fdt_walk_sink += (unsigned)fdt_reg(fdt, node, i, &address, &size);
		fdt_walk_sink += (unsigned)fdt_interrupt(fdt, node, i, &controller, &number);
	}
	if (fdt_getprop_u32(fdt, node, "phandle", &number))
		fdt_walk_sink += (unsigned)fdt_phandle_node(fdt, number);
}

static inline void fdt_walk(const void *fdt)
{
	u64 address, size;
	int node, count = 0;

	for (int i = 0; fdt_reservation(fdt, i, &address, &size) == 0; i++)
		fdt_walk_sink += (unsigned)address;
	fdt_for_each_node (node, fdt) {
		if (++count > FDT_WALK_NODES)
			break;
		fdt_walk_node(fdt, node);
	}
	fdt_walk_sink += (unsigned)fdt_path_node(fdt, "/soc/serial");
	fdt_walk_sink += (unsigned)fdt_path_node(fdt, "serial0");
	fdt_walk_sink += (unsigned)fdt_path_node(fdt, "broken/x");
	fdt_walk_sink += (unsigned)fdt_path_node(fdt, "");
}

// Checks and walks n bytes, in a block of just that size.
static inline int fdt_check_and_walk(const void *data, size_t n)
{
	void *copy = malloc(n);
	int error;

	if (n)
		memcpy(copy, data, n);
	error = fdt_check(copy, n);
	if (!error)
		fdt_walk(copy);
	free(copy);
	return error;
}
