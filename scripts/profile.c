// A plugin for QEMU that counts the guest's instructions by function and by chain of calls.
// scripts/profile compiles and loads it, and draws what it writes; its arguments are the names of
// files: symbols=FILE (lines "address name", sorted) and out=FILE (lines "a;b;c instructions").
//
// Each translated block is counted as a whole when it starts. The chain of calls is followed by
// the last instruction of each block: a call pushes, a return pops the frame that waits for this
// address. A return for which none waits (the scheduler has switched stacks) starts a new chain,
// named "switched", until the next trap. So a function's own count is exact, but for blocks
// that a fault cuts short; the chain above it is what was seen since the last trap.

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What QEMU exports to plugins (version 1 of that interface), as far as it is used here.
typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef struct qemu_info_t qemu_info_t;
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   void (*fn)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*fn)(unsigned, void *),
					  int flags, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*fn)(qemu_plugin_id_t, void *),
				    void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
__attribute__((visibility("default"))) int qemu_plugin_version = 1;

#define VCPUS     16
#define DEPTH     128
#define KERNEL    0xffffffc000000000ul
#define FIRMWARE  0x80000000ul
#define FIRM_SIZE 0x100000ul

enum end {
	END_OTHER,
	END_CALL,
	END_RETURN,
	END_SRET
};

// Names below `first_symbol` are not functions of the kernel.
enum {
	NAME_USER,
	NAME_FIRMWARE,
	NAME_EARLY,
	NAME_SWITCHED,
	first_symbol
};

struct block {
	uint64_t start, after; // after: where a call at its end returns to
	uint32_t instructions, function;
	enum end end;
};

struct node {
	uint32_t function, parent, child, next; // node 0 is the root; 0 = none
	uint64_t cost;
};

struct frame {
	uint64_t returns_to;
	uint32_t node;
	bool trap;
};

struct vcpu {
	const struct block *last;
	int depth;
	struct frame frames[DEPTH];
};

static struct vcpu vcpus[VCPUS];
static uint64_t *addresses, trap_vector;
static char **names;
static uint32_t symbols;
static struct node *nodes;
static uint32_t node_count = 1, node_room;
static bool counting, kernel_seen; // before the kernel ran, low addresses are the firmware's
static const char *out_path;

static uint32_t function_of(uint64_t address)
{
	if (address < KERNEL) {
		if (address - FIRMWARE < FIRM_SIZE)
			return NAME_FIRMWARE;
		return address - FIRMWARE < 0x1000000 ? NAME_EARLY : NAME_USER;
	}
	uint32_t low = first_symbol, high = symbols;
	while (high - low > 1) {
		uint32_t middle = (low + high) / 2;

		if (addresses[middle] <= address)
			low = middle;
		else
			high = middle;
	}
	return low;
}

// --- The tree of chains ---

static uint32_t node_of(uint32_t parent, uint32_t function)
{
	for (uint32_t n = nodes[parent].child; n; n = nodes[n].next) {
		if (nodes[n].function == function)
			return n;
	}
	if (node_count == node_room) {
		node_room *= 2;
		nodes = realloc(nodes, node_room * sizeof(*nodes));
	}
	nodes[node_count] = (struct node){
		.function = function, .parent = parent, .next = nodes[parent].child};
	return nodes[parent].child = node_count++;
}

static uint32_t top_node(const struct vcpu *v)
{
	return v->depth ? v->frames[v->depth - 1].node : 0;
}

static void push(struct vcpu *v, uint32_t function, uint64_t returns_to, bool trap)
{
	if (v->depth == DEPTH)
		v->depth = 0; // lost: what is still above is not known
	v->frames[v->depth] = (struct frame){returns_to, node_of(top_node(v), function), trap};
	v->depth++;
}

static void returned(struct vcpu *v, const struct block *block)
{
	for (int i = v->depth; i-- > 1;) {
		if (v->frames[i].returns_to == block->start) {
			v->depth = i;
			return;
		}
		if (v->frames[i].trap)
			break;
	}
	v->depth = 0;
	push(v, NAME_SWITCHED, 0, true);
	push(v, block->function, 0, false);
}

static void trap_returned(struct vcpu *v)
{
	while (v->depth && !v->frames[--v->depth].trap)
		;
}

static void executed(unsigned index, void *data)
{
	const struct block *block = data;
	struct vcpu *v = &vcpus[index % VCPUS];
	const struct block *last = v->last;

	v->last = block;
	kernel_seen |= block->start >= KERNEL;
	if (block->function == NAME_USER && kernel_seen) {
		counting = true;
		v->depth = 0;
		push(v, NAME_USER, 0, false);
	} else if (block->start == trap_vector) {
		if (!last || last->start < KERNEL)
			v->depth = 0;
		push(v, block->function, 0, true);
	} else if (!last || !v->depth) {
		push(v, block->function, 0, false);
	} else if (last->end == END_SRET && last->function != NAME_FIRMWARE) {
		trap_returned(v);
	} else if (block->function == NAME_FIRMWARE && last->function != NAME_FIRMWARE) {
		push(v, block->function, 0, false);
	} else if (block->function != NAME_FIRMWARE && last->function == NAME_FIRMWARE) {
		v->depth--;
	} else if (last->end == END_CALL) {
		push(v, block->function, last->after, false);
	} else if (last->end == END_RETURN) {
		returned(v, block);
	}
	// A jump to another function takes its caller's place.
	if (!v->depth)
		push(v, block->function, 0, false);
	struct frame *top = &v->frames[v->depth - 1];
	if (nodes[top->node].function != block->function)
		top->node = node_of(nodes[top->node].parent, block->function);
	if (counting)
		nodes[top->node].cost += block->instructions;
}

// --- Blocks ---

static enum end end_of(const struct qemu_plugin_insn *insn)
{
	const uint8_t *bytes = qemu_plugin_insn_data(insn);

	if (qemu_plugin_insn_size(insn) == 2) {
		uint16_t code = bytes[0] | bytes[1] << 8;

		if (code == 0x8082)
			return END_RETURN; // c.jr ra
		return (code & 0xf07f) == 0x9002 && (code & 0xf80) ? END_CALL : END_OTHER; // c.jalr
	}
	uint32_t code = bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
	if (code == 0x10200073)
		return END_SRET;
	if (code == 0x00008067)
		return END_RETURN;
	// jal or jalr that leaves its return address in ra, or in t0 as millicode does
	uint32_t opcode = code & 0x7f, link = code >> 7 & 31;
	return (opcode == 0x6f || opcode == 0x67) && (link == 1 || link == 5) ? END_CALL
									      : END_OTHER;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	struct block *block = malloc(sizeof(*block));
	size_t count = qemu_plugin_tb_n_insns(tb);
	struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, count - 1);

	(void)id;
	block->start = qemu_plugin_tb_vaddr(tb);
	block->instructions = count;
	block->function = function_of(block->start);
	block->after = qemu_plugin_insn_vaddr(insn) + qemu_plugin_insn_size(insn);
	block->end = end_of(insn);
	qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, 0, block);
}

// --- Start and end ---

static void write_chain(FILE *out, uint32_t node)
{
	if (nodes[node].parent)
		write_chain(out, nodes[node].parent);
	fprintf(out, "%s%s", nodes[node].parent ? ";" : "", names[nodes[node].function]);
}

static void finish(qemu_plugin_id_t id, void *unused)
{
	FILE *out = fopen(out_path, "w");

	(void)id, (void)unused;
	for (uint32_t n = 1; out && n < node_count; n++) {
		if (!nodes[n].cost)
			continue;
		write_chain(out, n);
		fprintf(out, " %" PRIu64 "\n", nodes[n].cost);
	}
	if (out)
		fclose(out);
}

static bool read_symbols(const char *path)
{
	static const char *const fixed[] = {"user", "firmware", "early", "switched"};
	FILE *in = fopen(path, "r");
	uint32_t room = 1 << 16;
	char name[256];

	if (!in)
		return false;
	addresses = calloc(room, sizeof(*addresses));
	names = calloc(room, sizeof(*names));
	for (symbols = 0; symbols < first_symbol; symbols++)
		names[symbols] = strdup(fixed[symbols]);
	while (symbols < room && fscanf(in, "%" SCNx64 " %255s", &addresses[symbols], name) == 2) {
		if (!strcmp(name, "trap_entry"))
			trap_vector = addresses[symbols];
		names[symbols++] = strdup(name);
	}
	fclose(in);
	return symbols > first_symbol;
}

__attribute__((visibility("default"))) int
qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "symbols=", 8) && !read_symbols(argv[i] + 8))
			return -1;
		if (!strncmp(argv[i], "out=", 4))
			out_path = argv[i] + 4;
		if (!strcmp(argv[i], "boot=on"))
			counting = true;
	}
	if (!symbols || !out_path || !trap_vector)
		return -1;
	node_room = 4096;
	nodes = calloc(node_room, sizeof(*nodes));
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, finish, NULL);
	return 0;
}
