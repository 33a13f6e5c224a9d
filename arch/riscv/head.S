// The first instructions, on the boot hart and on each other hart.
//
// Firmware enters at the start of the image, in supervisor mode, paging off, a0 = hart id,
// a1 = physical address of the device tree, at any address that is a multiple of 2 MiB. Everything
// before the jump to virtual addresses is relative to the program counter.

#include <asm/csr.h>
#include <asm/layout.h>

	.section .head.text, "ax"
	.globl image_start
image_start:
	// The header of the Linux/RISC-V boot protocol.
	j	boot_entry
	.balign	8
	.dword	0x200000		// wanted offset from the start of memory
	.dword	image_size_total	// with bss (linker script)
	.dword	0			// flags: little endian
	.word	2			// header version 0.2
	.word	0
	.dword	0
	.ascii	"RISCV\0\0\0"
	.ascii	"RSC\x05"
	.word	0

boot_entry:
	csrw	sie, zero
	csrw	sip, zero
	csrw	sscratch, zero
	li	t0, SSTATUS_FS | SSTATUS_VS | SSTATUS_SUM
	csrc	sstatus, t0
	// A second hart that comes in here was started by sbi_hart_start(): OpenSBI 1.1 may let it
	// go before it has stored where to. It finds what it missed in boot_pending.
	la	t0, boot_lottery
	li	t1, 1
	amoadd.w t1, t1, (t0)
	bnez	t1, stray
	mv	s0, a0
	mv	s1, a1

	// Clear bss; its bounds are aligned to 64.
	la	t0, bss_start
	la	t1, bss_end
1:	sd	zero, 0(t0)
	sd	zero, 8(t0)
	sd	zero, 16(t0)
	sd	zero, 24(t0)
	sd	zero, 32(t0)
	sd	zero, 40(t0)
	sd	zero, 48(t0)
	sd	zero, 56(t0)
	addi	t0, t0, 64
	bltu	t0, t1, 1b

	la	sp, boot_stack
	li	t0, KSTACK_SIZE
	add	sp, sp, t0
	la	a0, image_start
	mv	a1, s1
	la	tp, init_task		// still at its physical address; guarded functions look there
	call	boot_map_early		// returns satp

	// Turning on paging faults at once, for we run at a physical address: the trap goes on at
	// the virtual address of the next line.
	la	t1, image_start
	li	t2, KERNEL_BASE
	sub	t2, t2, t1		// virtual - physical
	la	t0, 1f
	add	t0, t0, t2
	csrw	stvec, t0
	add	sp, sp, t2
	sfence.vma
	csrw	satp, a0
	.balign	4
1:	la	tp, init_task
	la	t0, trap_entry
	csrw	stvec, t0
	mv	a0, s0
	mv	a1, s1
	mv	s0, zero
	mv	ra, zero
	tail	boot_main

stray:	la	t0, boot_pending
1:	ld	t1, 0(t0)
	bne	t1, a0, 1b
	fence	r, r
	ld	a1, 8(t0)
	// Falls through

// A secondary hart: a0 = hart id, a1 = physical address of its struct hart_boot.
	.balign	4
	.globl	secondary_entry
secondary_entry:
	csrw	sie, zero
	csrw	sip, zero
	csrw	sscratch, zero
	li	t0, SSTATUS_FS | SSTATUS_VS | SSTATUS_SUM
	csrc	sstatus, t0
	ld	a0, 0(a1)		// satp
	ld	sp, 8(a1)
	ld	tp, 16(a1)
	la	t1, image_start
	li	t2, KERNEL_BASE
	sub	t2, t2, t1
	la	t0, 1f
	add	t0, t0, t2
	csrw	stvec, t0
	sfence.vma
	csrw	satp, a0
	.balign	4
1:	la	t0, trap_entry
	csrw	stvec, t0
	mv	s0, zero
	mv	ra, zero
	tail	secondary_main

	.section .data
	.balign	8
	// The hart that is being started and its struct hart_boot; see smp.c.
	.globl	boot_pending
boot_pending:
	.dword	-1, 0
boot_lottery:
	.word	0

	.section .bss.stack, "aw", @nobits
	.balign	KSTACK_SLOT
	.globl	boot_stack
boot_stack:
	.space	KSTACK_SIZE

// bool csr_stimecmp_works(void): whether the comparator may be written. A device tree may name the
// extension although the firmware has not enabled it; then the write traps, to the label below.
	.text
	.balign	4
	.globl	csr_stimecmp_works
csr_stimecmp_works:
	la	t0, 1f
	csrrw	t1, stvec, t0
	li	t2, -1
	li	a0, 0
	csrw	0x14d, t2
	li	a0, 1
	.balign	4
1:	csrw	stvec, t1
	ret
