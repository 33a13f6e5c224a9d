// Questions to namespace files (Linux; linux/nsfs.h).
#pragma once

#define NS_GET_USERNS          0xb701u
#define NS_GET_PARENT          0xb702u
#define NS_GET_NSTYPE          0xb703u
#define NS_GET_OWNER_UID       0xb704u
#define NS_GET_PID_FROM_PIDNS  0x8004b706u
#define NS_GET_TGID_FROM_PIDNS 0x8004b707u
#define NS_GET_PID_IN_PIDNS    0x8004b708u
#define NS_GET_TGID_IN_PIDNS   0x8004b709u
