// Control and status registers of the RISC-V privileged architecture, supervisor level.
#pragma once

#ifdef __ASSEMBLER__
#define UL(n) n
#else
#define UL(n) n##ul
#endif

#define SSTATUS_SIE        UL(0x00000002) // interrupts on
#define SSTATUS_SPIE       UL(0x00000020) // interrupts on after sret
#define SSTATUS_SPP        UL(0x00000100) // sret goes to supervisor mode
#define SSTATUS_FS         UL(0x00006000) // state of the floating-point unit:
#define SSTATUS_FS_OFF     UL(0x00000000)
#define SSTATUS_FS_INITIAL UL(0x00002000)
#define SSTATUS_FS_CLEAN   UL(0x00004000)
#define SSTATUS_FS_DIRTY   UL(0x00006000)
#define SSTATUS_VS         UL(0x00000600)
#define SSTATUS_SUM        UL(0x00040000) // never set: see mm/uaccess.c
#define SSTATUS_UXL_64     UL(0x200000000)

#define SIE_SSIE UL(0x002) // software interrupt (IPI)
#define SIE_STIE UL(0x020) // timer
#define SIE_SEIE UL(0x200) // external

#define CAUSE_INTERRUPT        (UL(1) << 63)
#define IRQ_SOFTWARE           1
#define IRQ_TIMER              5
#define IRQ_EXTERNAL           9
#define CAUSE_FETCH_MISALIGNED 0
#define CAUSE_FETCH_ACCESS     1
#define CAUSE_ILLEGAL          2
#define CAUSE_BREAKPOINT       3
#define CAUSE_LOAD_MISALIGNED  4
#define CAUSE_LOAD_ACCESS      5
#define CAUSE_STORE_MISALIGNED 6
#define CAUSE_STORE_ACCESS     7
#define CAUSE_USER_ECALL       8
#define CAUSE_FETCH_PAGE       12
#define CAUSE_LOAD_PAGE        13
#define CAUSE_STORE_PAGE       15

#define SATP_SV39       (UL(8) << 60)
#define SATP_ASID_SHIFT 44
#define SATP_ASID_MASK  UL(0xffff)

#ifndef __ASSEMBLER__
#define csr_read(csr)                                                       \
	({                                                                  \
		unsigned long csr_v;                                        \
		__asm__ volatile("csrr %0, " #csr : "=r"(csr_v)::"memory"); \
		csr_v;                                                      \
	})
#define csr_write(csr, v) \
	__asm__ volatile("csrw " #csr ", %0" ::"rK"((unsigned long)(v)) : "memory")
#define csr_set(csr, v) __asm__ volatile("csrs " #csr ", %0" ::"rK"((unsigned long)(v)) : "memory")
#define csr_clear(csr, v) \
	__asm__ volatile("csrc " #csr ", %0" ::"rK"((unsigned long)(v)) : "memory")
#define csr_swap(csr, v)                                                                           \
	({                                                                                         \
		unsigned long csr_v = (v);                                                         \
		__asm__ volatile("csrrw %0, " #csr ", %1" : "=r"(csr_v) : "rK"(csr_v) : "memory"); \
		csr_v;                                                                             \
	})
#define csr_read_clear(csr, bits)                              \
	({                                                     \
		unsigned long csr_v;                           \
		__asm__ volatile("csrrc %0, " #csr ", %1"      \
				 : "=r"(csr_v)                 \
				 : "rK"((unsigned long)(bits)) \
				 : "memory");                  \
		csr_v;                                         \
	})
#endif
