// uname(2).
#pragma once

#define UTS_NAME_SIZE 65

struct new_utsname {
	char sysname[UTS_NAME_SIZE];
	char nodename[UTS_NAME_SIZE];
	char release[UTS_NAME_SIZE];
	char version[UTS_NAME_SIZE];
	char machine[UTS_NAME_SIZE];
	char domainname[UTS_NAME_SIZE];
};
