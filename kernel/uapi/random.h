// getrandom(2) (Linux; linux/random.h).
#pragma once

#include <uapi/types.h>

#define GRND_NONBLOCK 1
#define GRND_RANDOM   2
#define GRND_INSECURE 4
