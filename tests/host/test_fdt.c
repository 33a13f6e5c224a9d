// lib/fdt on a tree made by dtc, on QEMU's own, and on damaged ones.
//	test_fdt BOARD.dtb ZERO-CELLS.dtb [VIRT.dtb]
#include "check.h"
#include "fdt_walk.h"
#include <uapi/errno.h>

static u8 *board, *zero_cells, *virt;
static size_t board_size, zero_cells_size, virt_size;

static void check_reg(const void *fdt, const char *path, int i, int error, u64 address, u64 size)
{
	u64 got_address = 0, got_size = 0;
	int node = fdt_path_node(fdt, path);

	if (!CHECK(node >= 0) || !CHECK_EQ(fdt_reg(fdt, node, i, &got_address, &got_size), error)) {
		printf("\tpath %s, range %d\n", path, i);
	} else if (!error) {
		CHECK_EQ(got_address, address);
		CHECK_EQ(got_size, size);
	}
}

static void check_interrupt(const void *fdt, const char *path, int i, int error,
			    const char *controller, u32 number)
{
	int node = fdt_path_node(fdt, path), got = -1;
	u32 got_number = 0;

	CHECK(node >= 0);
	if (!CHECK_EQ(fdt_interrupt(fdt, node, i, &got, &got_number), error))
		printf("\tpath %s, interrupt %d\n", path, i);
	if (!error) {
		CHECK_EQ(got, fdt_path_node(fdt, controller));
		CHECK_EQ(got_number, number);
	}
}

static void test_nodes(void)
{
	static const char *const names[] = {"",
					    "aliases",
					    "chosen",
					    "memory@80000000",
					    "cpus",
					    "cpu@0",
					    "interrupt-controller",
					    "cpu@7",
					    "interrupt-controller",
					    "soc",
					    "serial@1000",
					    "plic@4000",
					    "outside@30000",
					    "bus@20000",
					    "device@20014",
					    "opaque@5000",
					    "device@0"};
	size_t i = 0;
	int node, count = 0;

	CHECK_EQ(fdt_check(board, board_size), 0);
	CHECK_EQ(fdt_size(board), board_size);
	fdt_for_each_node (node, board) {
		if (CHECK(i < ARRAY_SIZE(names)))
			CHECK_STR(fdt_node_name(board, node), names[i++]);
	}
	CHECK_EQ(i, ARRAY_SIZE(names));
	fdt_for_each_subnode (node, board, fdt_path_node(board, "/soc")) {
		CHECK_EQ(fdt_parent(board, node), fdt_path_node(board, "/soc"));
		count++;
	}
	CHECK_EQ(count, 5);
	CHECK(fdt_parent(board, fdt_root(board)) < 0);
	CHECK(fdt_first_subnode(board, fdt_path_node(board, "/chosen")) < 0);
}

static void test_paths(void)
{
	int serial = fdt_path_node(board, "/soc/serial@1000");

	CHECK_STR(fdt_node_name(board, serial), "serial@1000");
	CHECK_EQ(fdt_path_node(board, "/soc/serial"), serial);
	CHECK_EQ(fdt_path_node(board, "//soc//serial/"), serial);
	CHECK_EQ(fdt_path_node(board, "serial0"), serial);
	CHECK_EQ(fdt_path_node(board, "/"), fdt_root(board));
	CHECK(fdt_path_node(board, "/soc/serial@1001") < 0);
	CHECK(fdt_path_node(board, "/soc/seri") < 0);
	CHECK(fdt_path_node(board, "/so") < 0);
	CHECK(fdt_path_node(board, "serial0/x") < 0);
	CHECK(fdt_path_node(board, "broken") < 0);
	CHECK(fdt_path_node(board, "serial1") < 0);
}

static void test_properties(void)
{
	int chosen = fdt_path_node(board, "/chosen"), length = -1;
	u32 value = 0;

	CHECK_STR(fdt_getprop_string(board, chosen, "stdout-path"), "/soc/serial@1000");
	CHECK(fdt_getprop_u32(board, chosen, "number", &value));
	CHECK_EQ(value, 42);
	CHECK(!fdt_getprop_u32(board, chosen, "wide", &value));
	CHECK(fdt_getprop(board, chosen, "unterminated", &length));
	CHECK_EQ(length, 2);
	CHECK(!fdt_getprop_string(board, chosen, "unterminated"));
	CHECK(fdt_getprop(board, chosen, "empty", &length));
	CHECK_EQ(length, 0);
	CHECK(!fdt_getprop_string(board, chosen, "empty"));
	CHECK(!fdt_getprop(board, chosen, "absent", NULL));
	// Not those of children.
	CHECK(!fdt_getprop(board, fdt_path_node(board, "/cpus"), "reg", NULL));

	CHECK(fdt_node_is_compatible(board, fdt_root(board), "cloven,board"));
	CHECK(fdt_node_is_compatible(board, fdt_root(board), "cloven,generic"));
	CHECK(!fdt_node_is_compatible(board, fdt_root(board), "cloven"));
	CHECK(!fdt_node_is_compatible(board, chosen, "cloven,board"));
	CHECK(fdt_node_is_available(board, fdt_path_node(board, "/cpus/cpu@0")));
	CHECK(!fdt_node_is_available(board, fdt_path_node(board, "/cpus/cpu@7")));
	CHECK(fdt_node_is_available(board, fdt_path_node(board, "serial0")));
}

static void test_addresses(void)
{
	u64 address, size;

	check_reg(board, "/memory", 0, 0, 0x80000000, 0x8000000);
	check_reg(board, "/memory", 1, 0, 0x100000000, 0x1000);
	check_reg(board, "/memory", 2, -ENOENT, 0, 0);
	check_reg(board, "/cpus/cpu@7", 0, -EINVAL, 0, 0); // no ranges: not an address of ours
	check_reg(board, "/soc/serial", 0, 0, 0x10001000, 0x100);
	check_reg(board, "/soc/bus/device", 0, 0, 0x100000014, 4);
	check_reg(board, "/soc/outside", 0, -EINVAL, 0, 0);
	check_reg(board, "/soc/opaque", 0, 0, 0x10005000, 0x100);
	check_reg(board, "/soc/opaque/device", 0, -EINVAL, 0, 0);
	check_reg(board, "/chosen", 0, -ENOENT, 0, 0);

	CHECK_EQ(fdt_reservation(board, 0, &address, &size), 0);
	CHECK_EQ(address, 0x80000000);
	CHECK_EQ(fdt_reservation(board, 1, &address, &size), 0);
	CHECK_EQ(size, 0x2000);
	CHECK_EQ(fdt_reservation(board, 2, &address, &size), -ENOENT);
}

static void test_interrupts(void)
{
	check_interrupt(board, "/soc/serial", 0, 0, "/soc/plic", 10);
	check_interrupt(board, "/soc/serial", 1, 0, "/soc/plic", 11);
	check_interrupt(board, "/soc/serial", 2, -ENOENT, NULL, 0);
	check_interrupt(board, "/soc/plic", 0, 0, "/cpus/cpu@0/interrupt-controller", 11);
	check_interrupt(board, "/soc/plic", 1, 0, "/cpus/cpu@7/interrupt-controller", 9);
	check_interrupt(board, "/soc/plic", 2, -ENOENT, NULL, 0);
	check_interrupt(board, "/chosen", 0, -ENOENT, NULL, 0);
}

static void test_zero_cells(void)
{
	CHECK_EQ(fdt_check(zero_cells, zero_cells_size), 0);
	check_reg(zero_cells, "/outer/inner/device", 0, -EINVAL, 0, 0);
	check_reg(zero_cells, "/outer", 0, -ENOENT, 0, 0);
	CHECK_EQ(fdt_check_and_walk(zero_cells, zero_cells_size), 0);
}

// What QEMU's virt gives with -smp 4 -m 256.
static void test_virt(void)
{
	int node, cpus = 0;

	if (!virt)
		return;
	CHECK_EQ(fdt_check(virt, virt_size), 0);
	check_reg(virt, "/memory", 0, 0, 0x80000000, 256 * MIB);
	const char *uart = fdt_getprop_string(virt, fdt_path_node(virt, "/chosen"), "stdout-path");

	if (CHECK(uart)) {
		check_reg(virt, uart, 0, 0, 0x10000000, 0x100);
		check_interrupt(virt, uart, 0, 0, "/soc/plic", 10);
	}
	check_interrupt(virt, "/soc/plic", 1, 0, "/cpus/cpu@0/interrupt-controller", 9);
	check_interrupt(virt, "/soc/plic", 7, 0, "/cpus/cpu@3/interrupt-controller", 9);
	check_interrupt(virt, "/soc/plic", 8, -ENOENT, NULL, 0);
	fdt_for_each_subnode (node, virt, fdt_path_node(virt, "/cpus")) {
		const char *type = fdt_getprop_string(virt, node, "device_type");

		cpus += type && !strcmp(type, "cpu");
	}
	CHECK_EQ(cpus, 4);
	CHECK_EQ(fdt_check_and_walk(virt, virt_size), 0);
}

// Each length that is too short; each byte of the header changed; many random changes.
static void test_damaged(void)
{
	u8 *bad = malloc(board_size);

	for (size_t n = 0; n < board_size; n++)
		CHECK_EQ(fdt_check_and_walk(board, n), -EINVAL);
	for (size_t at = 0; at < 40; at++) {
		for (int value = 0; value < 256; value++) {
			memcpy(bad, board, board_size);
			bad[at] = (u8)value;
			fdt_check_and_walk(bad, board_size);
		}
	}
	for (int i = 0; i < 20000; i++) {
		memcpy(bad, board, board_size);
		for (u64 k = random_below(4) + 1; k; k--) {
			size_t at = random_below(board_size);

			if (random_below(2))
				bad[at] = (u8)random_next();
			else
				bad[at] = (u8)random_below(10);
		}
		fdt_check_and_walk(bad, board_size);
	}
	free(bad);
}

// Builds a tree from words: a header and nothing else around them.
static int check_words(const u32 *words, size_t n)
{
	u8 blob[2000] = {0};
	u32 header[10] = {0xd00dfeed, 0, 64, 0, 40, 17, 16, 0, 8, 0};

	header[1] = (u32)(64 + 4 * n + 8);
	header[3] = (u32)(64 + 4 * n);
	header[9] = (u32)(4 * n);
	for (size_t i = 0; i < 10; i++) {
		u32 big = __builtin_bswap32(header[i]);

		memcpy(blob + 4 * i, &big, 4);
	}
	for (size_t i = 0; i < n; i++) {
		u32 big = __builtin_bswap32(words[i]);

		memcpy(blob + 64 + 4 * i, &big, 4);
	}
	memcpy(blob + 64 + 4 * n, "reg", 4);
	return fdt_check_and_walk(blob, 64 + 4 * n + 8);
}

static void test_structure(void)
{
	u32 deep[2 * 40 + 40 + 1];
	size_t n = 0;

	CHECK_EQ(check_words((u32[]){1, 0, 2, 9}, 4), 0);
	CHECK_EQ(check_words((u32[]){4, 1, 0, 4, 3, 0, 0, 2, 4, 9}, 10), 0);
	CHECK_EQ(check_words((u32[]){9}, 1), -EINVAL);
	CHECK_EQ(check_words((u32[]){1, 0, 2}, 3), -EINVAL);
	CHECK_EQ(check_words((u32[]){1, 0, 9}, 3), -EINVAL);
	CHECK_EQ(check_words((u32[]){2, 9}, 2), -EINVAL);
	CHECK_EQ(check_words((u32[]){1, 0, 2, 1, 0, 2, 9}, 7), -EINVAL); // two roots
	CHECK_EQ(check_words((u32[]){1, 0, 5, 2, 9}, 5), -EINVAL);
	CHECK_EQ(check_words((u32[]){1, 0x61616161, 0x62626262}, 3), -EINVAL);
	CHECK_EQ(check_words((u32[]){1, 0, 3, 0xffffffff, 0, 2, 9}, 7), -EINVAL);
	CHECK_EQ(check_words((u32[]){1, 0, 3, 4, 0, 1, 2, 9}, 8), 0);
	CHECK_EQ(check_words((u32[]){1, 0, 3, 4, 8, 1, 2, 9}, 8), -EINVAL); // name offset
	CHECK_EQ(check_words((u32[]){3, 0, 0, 1, 0, 2, 9}, 7), -EINVAL);
	for (int i = 0; i < 40; i++)
		deep[n++] = 1, deep[n++] = 0;
	for (int i = 0; i < 40; i++)
		deep[n++] = 2;
	deep[n++] = 9;
	CHECK_EQ(check_words(deep, n), -EINVAL);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{"nodes", test_nodes},
		{"paths", test_paths},
		{"properties", test_properties},
		{"addresses", test_addresses},
		{"interrupts", test_interrupts},
		{"zero cells", test_zero_cells},
		{"virt", test_virt},
		{"damaged", test_damaged},
		{"structure", test_structure},
	};

	if (argc < 3)
		return 2;
	board = read_file(argv[1], &board_size);
	zero_cells = read_file(argv[2], &zero_cells_size);
	if (argc > 3)
		virt = read_file(argv[3], &virt_size);
	int status = run_tests(tests, ARRAY_SIZE(tests));

	free(board), free(zero_cells), free(virt);
	return status;
}
