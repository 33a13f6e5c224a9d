// eventfd(2) (Linux).
#pragma once

#include <uapi/types.h>
