// System V shared memory.
#pragma once

#include <fs/path.h>

#include "ipc_ns.h"

// Legend: [I], [lock] object.lock.
struct shm_segment {
	struct ipc_object object;
	struct ipc_ns *ns;        // [I] not counted: an attachment counts it
	u64 size;                 // [I] bytes
	u64 attached;             // [lock] areas that map it
	s64 atime, dtime;         // [lock]
	struct pid *maker, *last; // [I], [lock] counted
	struct path path;         // [I] the file of memory, counted
	bool doomed;              // [lock] goes with its last attachment
};

// IPC_RMID. Marks it, or removes it at once if nobody has it.
void shm_remove(struct shm_segment *segment);
// shmat(2): flags SHM_*, the address as the user gave it. Takes the reference to the segment.
long shm_attach(struct shm_segment *segment, u64 address, int flags, u64 *at);
long shm_detach(u64 address);
// Pages that are there.
u64 shm_resident(const struct shm_segment *segment);
