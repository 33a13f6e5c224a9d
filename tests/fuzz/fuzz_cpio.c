// Archives from anywhere: each entry that cpio_next() shows lies inside of the archive, entries do
// not overlap, and the walk ends.
#include <lib/cpio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static volatile u8 sink; // so that the reads are made

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct cpio_reader reader;
	struct cpio_entry entry;
	const u8 *last = data;
	int result;

	cpio_init(&reader, data, size);
	while ((result = cpio_next(&reader, &entry)) > 0) {
		const u8 *name = (const u8 *)entry.name, *contents = entry.data;

		if (name < last + 110 || contents < name + entry.name_length ||
		    contents > data + size || entry.size > (size_t)(data + size - contents) ||
		    strlen(entry.name) != entry.name_length)
			abort();
		for (size_t i = 0; i < entry.size; i++)
			sink ^= contents[i];
		last = contents + entry.size;
	}
	if ((result < 0) != (reader.reason != NULL))
		abort();
	return 0;
}
