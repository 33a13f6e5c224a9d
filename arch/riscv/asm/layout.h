// Where things are in the virtual address space (Sv39), and sizes that assembly shares with C.
//
//	0000_0000_0000_0000  user, up to USER_TOP
//	ffff_ffc0_0000_0000  direct map of physical memory, 128 GiB
//	ffff_ffe0_0000_0000  vmap: kernel stacks, devices, large allocations
//	ffff_ffe8_0000_0000  shadow memory, with -Dkasan=true only
//	ffff_ffff_8000_0000  the kernel image
#pragma once

#define USER_TOP        0x0000004000000000
#define DIRECT_MAP_BASE 0xffffffc000000000
#define DIRECT_MAP_SIZE 0x0000002000000000
#define VMAP_BASE       0xffffffe000000000
#define VMAP_SIZE       0x0000000200000000
#define KERNEL_BASE     0xffffffff80000000

#if CONFIG_KASAN
// Shadow memory of the upper half, an eighth of it (mm/kasan.h): (address >> 3) + SHADOW_OFFSET. The
// compiler is told the offset in meson.build.
#define SHADOW_BASE   0xffffffe800000000
#define SHADOW_SIZE   0x0000000800000000
#define SHADOW_OFFSET 0xdffffff000000000
#endif

// A kernel stack lies in the lower half of a slot of twice its size, and the upper half of the
// slot below it is not mapped: an overflow is seen by one bit of the stack pointer.
#if CONFIG_KASAN
#define KSTACK_SHIFT 15 // frames are larger
#else
#define KSTACK_SHIFT 14
#endif
#define KSTACK_SIZE (1 << KSTACK_SHIFT)
#define KSTACK_SLOT (2 * KSTACK_SIZE)

// Offsets in struct arch_task and struct trapframe; asserted in context.c.
#define TASK_KERNEL_SP 0
#define TASK_USER_SP   8
#define TASK_HART      16
#define TASK_CTX_RA    24
#define TASK_CTX_SP    32
#define TASK_CTX_S     40
#define TASK_CTX_GP    136
#define TASK_CANARY    408 // the same number stands in meson.build
#define TASK_WORK      420 // task.work, an u32

#define TF_PC      0
#define TF_RA      8
#define TF_SP      16
#define TF_GP      24
#define TF_TP      32
#define TF_T0      40
#define TF_S0      64
#define TF_A0      80
#define TF_S2      144
#define TF_T3      224
#define TF_STATUS  256
#define TF_TVAL    264
#define TF_CAUSE   272
#define TF_ORIG_A0 280
#define TF_SIZE    288
