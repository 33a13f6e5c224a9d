// What the files of arch/riscv share about booting.
#pragma once

#include <lib/base.h>

// Linker script.
extern char image_start[], text_start[], text_end[], rodata_start[], rodata_end[];
extern char data_start[], image_end[], bss_start[], bss_end[], kernel_end[];
extern char initramfs_start[], initramfs_end[];
extern char boot_stack[];

void mmu_init(void);
#if CONFIG_KASAN
struct pte;
void shadow_map_early(struct pte *root); // before paging
void shadow_map(struct pte *root);       // into the real tables
void shadow_start(void);                 // these are in use
#else
#define shadow_map_early(root)
#define shadow_map(root)
#define shadow_start()
#endif
// A device, through the early tables. NULL: it is beyond them.
void *mmu_early_device(u64 pa, size_t size);
void mmu_forget_early_device(void);
void power_find_early(const void *dt);
// Before the device tree is read.
void power_find_emulator(void);
void power_forget_early(void);
u64 boot_satp(void);     // of the kernel's own tables
u64 boot_image_pa(void); // where the image is

// What a secondary hart finds at entry; offsets are known to head.S.
struct hart_boot {
	u64 satp;
	u64 sp;
	u64 tp;
};

void trap_init_hart(void);
void timer_arch_init(void);
void smp_enumerate(u64 boot_hwid);
