// Device trees from anywhere: fdt_check() lets pass only what can be walked safely.
#include "../host/fdt_walk.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	fdt_check_and_walk(data, size);
	return 0;
}
