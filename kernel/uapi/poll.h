// poll(2), epoll (Linux; asm-generic/poll.h, linux/eventpoll.h).
#pragma once

#include <uapi/types.h>

#define POLLIN           1
#define POLLPRI          2
#define POLLOUT          4
#define POLLERR          8
#define POLLHUP          16
#define POLLNVAL         32
#define POLLRDNORM       64
#define POLLRDBAND       128
#define POLLWRNORM       0x100
#define POLLWRBAND       0x200
#define POLLMSG          0x400
#define POLLREMOVE       0x1000
#define POLLRDHUP        0x2000
#define POLLFREE         0x4000
#define POLL_BUSY_LOOP   0x8000
#define EPOLL_CLOEXEC    0x80000
#define EPOLL_CTL_ADD    1
#define EPOLL_CTL_DEL    2
#define EPOLL_CTL_MOD    3
#define EPOLLIN          1
#define EPOLLPRI         2
#define EPOLLOUT         4
#define EPOLLERR         8
#define EPOLLHUP         16
#define EPOLLNVAL        32
#define EPOLLRDNORM      64
#define EPOLLRDBAND      128
#define EPOLLWRNORM      0x100
#define EPOLLWRBAND      0x200
#define EPOLLMSG         0x400
#define EPOLLRDHUP       0x2000
#define EPOLL_URING_WAKE 0x8000000
#define EPOLLEXCLUSIVE   0x10000000
#define EPOLLWAKEUP      0x20000000
#define EPOLLONESHOT     0x40000000
#define EPOLLET          0x80000000u

struct pollfd {
	int fd;
	int16_t events;
	int16_t revents;
};

struct epoll_event {
	uint32_t events;
	uint64_t data;
};
