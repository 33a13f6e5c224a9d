// POSIX message queues (Linux; linux/mqueue.h).
#pragma once

#include <uapi/types.h>

#define MQ_PRIO_MAX 32768

struct mq_attr {
	int64_t mq_flags, mq_maxmsg, mq_msgsize, mq_curmsgs, reserved[4];
};
