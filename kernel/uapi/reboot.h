// reboot(2) (Linux; linux/reboot.h).
#pragma once

#include <uapi/types.h>

#define LINUX_REBOOT_MAGIC1         0xfee1deadu
#define LINUX_REBOOT_MAGIC2         672274793
#define LINUX_REBOOT_MAGIC2A        85072278
#define LINUX_REBOOT_MAGIC2B        369367448
#define LINUX_REBOOT_MAGIC2C        0x20112000
#define LINUX_REBOOT_CMD_RESTART    19088743
#define LINUX_REBOOT_CMD_HALT       0xcdef0123u
#define LINUX_REBOOT_CMD_CAD_ON     0x89abcdefu
#define LINUX_REBOOT_CMD_CAD_OFF    0
#define LINUX_REBOOT_CMD_POWER_OFF  1126301404
#define LINUX_REBOOT_CMD_RESTART2   0xa1b2c3d4u
#define LINUX_REBOOT_CMD_SW_SUSPEND 0xd000fce2u
#define LINUX_REBOOT_CMD_KEXEC      1163412803
