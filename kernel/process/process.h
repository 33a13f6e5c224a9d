// Processes as others may ask about them: the services of this folder that are called from the
// system-call files, /proc and the boot code.
#pragma once

#include <lib/base.h>
#include <sched/process.h>

void process_objects_init(void);

// Whether nobody is left to continue a process group. Takes tasklist_lock.
bool pgrp_is_orphaned(struct pid *pgrp);
