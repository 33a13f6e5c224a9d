// ioprio_get(2), ioprio_set(2) (Linux; linux/ioprio.h): class in the upper bits, data below: three
// bits of level, then a hint.
#pragma once

#define IOPRIO_CLASS_SHIFT        13
#define IOPRIO_CLASS(value)       ((value) >> IOPRIO_CLASS_SHIFT & 7)
#define IOPRIO_LEVEL(value)       ((value)&7)
#define IOPRIO_VALUE(class, data) ((class) << IOPRIO_CLASS_SHIFT | (data))

#define IOPRIO_CLASS_NONE 0
#define IOPRIO_CLASS_RT   1
#define IOPRIO_CLASS_BE   2
#define IOPRIO_CLASS_IDLE 3

#define IOPRIO_LEVELS 8
#define IOPRIO_NORM   4

#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_WHO_PGRP    2
#define IOPRIO_WHO_USER    3
