// What a file tells poll(2), and how it makes the caller wait.
#pragma once

#include <sched/wait.h>
#include <uapi/poll.h>

struct file;

struct poll_table {
	// Registers on a queue; NULL: only look.
	void (*queue)(struct poll_table *table, struct wait_queue *wq);
};

static inline void poll_wait(struct file *file, struct wait_queue *wq, struct poll_table *table)
{
	(void)file;
	if (table && table->queue)
		table->queue(table, wq);
}
