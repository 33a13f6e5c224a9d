// Counting what read(2), write(2) and their kin move, for /proc/PID/io. `done` is what a call gives; one
// that was refused before the file was asked does not count.
#pragma once

#include <lib/base.h>
#include <sched/task.h>
#include <uapi/errno.h>

static inline void transfer_count_read(ssize_t done)
{
	if (likely(done >= 0)) {
		current->io_read_calls++;
		current->io_read_chars += done;
	} else if (done != -EBADF && done != -ESPIPE) {
		current->io_read_calls++;
	}
}

static inline void transfer_count_write(ssize_t done)
{
	if (likely(done >= 0)) {
		current->io_write_calls++;
		current->io_write_chars += done;
	} else if (done != -EBADF && done != -ESPIPE) {
		current->io_write_calls++;
	}
}
