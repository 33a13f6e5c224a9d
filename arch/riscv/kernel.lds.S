/* The kernel image. Parts with different rights start on pages of their own. The table of symbols
 * comes last, so that it can be filled in after a first link without moving anything. */
#include <asm/layout.h>

OUTPUT_ARCH(riscv)
ENTRY(image_start)

SECTIONS
{
	. = KERNEL_BASE;
	text_start = .;
	.text : { *(.head.text) *(.text .text.*) }
	. = ALIGN(4096);
	text_end = .;
	rodata_start = .;
	.rodata : {
		*(.rodata .rodata.* .srodata .srodata.*)
		. = ALIGN(8);
		initcall_start = .;
		KEEP(*(.table.initcall))
		initcall_end = .;
		param_start = .;
		KEEP(*(.table.param))
		param_end = .;
		selftest_start = .;
		KEEP(*(.table.selftest))
		selftest_end = .;
		driver_start = .;
		KEEP(*(.table.driver))
		driver_end = .;
		shrinker_start = .;
		KEEP(*(.table.shrinker))
		shrinker_end = .;
		constructors_start = .;
		KEEP(*(.init_array .init_array.*))
		constructors_end = .;
	}
	.symbols : { KEEP(*(.symbols)) }
	. = ALIGN(4096);
	rodata_end = .;
	data_start = .;
	.data : { *(.data .data.*) *(.sdata .sdata.*) }
	. = ALIGN(64);
	.perhart : { perhart_start = .; *(.perhart) . = ALIGN(64); perhart_end = .; }
	.initramfs : { . = ALIGN(4096); initramfs_start = .; KEEP(*(.initramfs)) initramfs_end = .; }
	. = ALIGN(4096);
	image_end = .;
	. = ALIGN(64);
	bss_start = .;
	.bss : { *(.bss.stack) *(.bss .bss.* .sbss .sbss.* COMMON) . = ALIGN(64); }
	bss_end = .;
	. = ALIGN(4096);
	kernel_end = .;
	image_size_total = kernel_end - KERNEL_BASE;
	/DISCARD/ : { *(.fini_array .fini_array.*) *(.note .note.* .comment .eh_frame .eh_frame_hdr .interp .dynamic .riscv.attributes) }
}
