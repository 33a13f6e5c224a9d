// Tables that the linker collects: files put entries into them with a macro, and core walks them.
// The linker script (arch/riscv/kernel.lds) must lay each out, kept, in read-only data:
//
//	section           from              to                entries
//	.table.initcall   initcall_start    initcall_end      core/init.h
//	.table.param      param_start       param_end         core/cmdline.h
//	.table.selftest   selftest_start    selftest_end      core/selftest.h
//	.table.driver     driver_start      driver_end        drivers/driver.h
//	.table.shrinker   shrinker_start    shrinker_end      mm/shrinker.h
//
//	.init_array       constructors_start .._end        functions that compilers add, core/init.h
//
// and in read-write data, aligned to 64 bytes:
//
//	.perhart          perhart_start     perhart_end       core/perhart.h
//
// In general: `.table.X` between X_start and X_end, aligned to 8.
#pragma once

#define TABLE_ENTRY(table) __attribute__((section(".table." #table), used, aligned(8)))
