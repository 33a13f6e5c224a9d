// Traps: from user mode and from the kernel itself, and the ways back.
//
// Convention: sscratch is 0 while in the kernel, and holds the task in user mode. tp is the task
// while in the kernel. Each stack slot's upper half is unmapped (asm/layout.h), so bit KSTACK_SHIFT
// of a stack pointer is clear on the stack itself and set below it: that is how an overflow is
// noticed before the registers would be stored into nowhere.

#include <asm/csr.h>
#include <asm/layout.h>
#include <syscall/table.h>

// A trapframe is stored in two parts. The first is what C may overwrite; the second is what C keeps
// for its caller (s0-s11), and gp, which it never touches. A trap from user mode stores only the
// first: while the kernel runs, the second is in the registers and in the frames of C functions, and
// it is back in the registers when C returns. It is stored when somebody will look at the frame:
// before signals are delivered and tasks are switched on the way out, and by the system calls that
// copy or replace the frame (whole_frame, below).
.macro save_scratch
	sd	ra, TF_RA(sp)
	sd	t0, TF_T0(sp)
	sd	t1, TF_T0+8(sp)
	sd	t2, TF_T0+16(sp)
	sd	a0, TF_A0(sp)
	sd	a1, TF_A0+8(sp)
	sd	a2, TF_A0+16(sp)
	sd	a3, TF_A0+24(sp)
	sd	a4, TF_A0+32(sp)
	sd	a5, TF_A0+40(sp)
	sd	a6, TF_A0+48(sp)
	sd	a7, TF_A0+56(sp)
	sd	t3, TF_T3(sp)
	sd	t4, TF_T3+8(sp)
	sd	t5, TF_T3+16(sp)
	sd	t6, TF_T3+24(sp)
.endm

.macro save_preserved
	sd	gp, TF_GP(sp)
	sd	s0, TF_S0(sp)
	sd	s1, TF_S0+8(sp)
	sd	s2, TF_S2(sp)
	sd	s3, TF_S2+8(sp)
	sd	s4, TF_S2+16(sp)
	sd	s5, TF_S2+24(sp)
	sd	s6, TF_S2+32(sp)
	sd	s7, TF_S2+40(sp)
	sd	s8, TF_S2+48(sp)
	sd	s9, TF_S2+56(sp)
	sd	s10, TF_S2+64(sp)
	sd	s11, TF_S2+72(sp)
.endm

// All of the scratch registers but a0.
.macro restore_scratch
	ld	ra, TF_RA(sp)
	ld	t0, TF_T0(sp)
	ld	t1, TF_T0+8(sp)
	ld	t2, TF_T0+16(sp)
	ld	a1, TF_A0+8(sp)
	ld	a2, TF_A0+16(sp)
	ld	a3, TF_A0+24(sp)
	ld	a4, TF_A0+32(sp)
	ld	a5, TF_A0+40(sp)
	ld	a6, TF_A0+48(sp)
	ld	a7, TF_A0+56(sp)
	ld	t3, TF_T3(sp)
	ld	t4, TF_T3+8(sp)
	ld	t5, TF_T3+16(sp)
	ld	t6, TF_T3+24(sp)
.endm

.macro restore_preserved
	ld	gp, TF_GP(sp)
	ld	s0, TF_S0(sp)
	ld	s1, TF_S0+8(sp)
	ld	s2, TF_S2(sp)
	ld	s3, TF_S2+8(sp)
	ld	s4, TF_S2+16(sp)
	ld	s5, TF_S2+24(sp)
	ld	s6, TF_S2+32(sp)
	ld	s7, TF_S2+40(sp)
	ld	s8, TF_S2+48(sp)
	ld	s9, TF_S2+56(sp)
	ld	s10, TF_S2+64(sp)
	ld	s11, TF_S2+72(sp)
.endm

// What sret goes back to. Interrupts off; overwrites t0 and t1.
.macro restore_machine_state
	ld	t0, TF_PC(sp)
	ld	t1, TF_STATUS(sp)
	csrw	sepc, t0
	csrw	sstatus, t1
.endm

// Clears a load reservation that an interrupted lr may have left: the code that is returned to must
// not succeed with an sc for what another context has loaded. A system call needs none of this, for
// no program may expect a reservation to outlive its ecall.
.macro clear_reservation
	sc.d	zero, t0, TF_PC(sp)
.endm

	.text
	.balign	4
	.globl	trap_entry
trap_entry:
	csrrw	tp, sscratch, tp
	beqz	tp, from_kernel

	// From user mode: sscratch now has the user's tp. (s0 stays the user's: a backtrace ends
	// where it does not point into the stack.)
	sd	sp, TASK_USER_SP(tp)
	ld	sp, TASK_KERNEL_SP(tp)
	addi	sp, sp, -TF_SIZE
	save_scratch
	ld	t0, TASK_USER_SP(tp)
	csrrw	t1, sscratch, zero
	csrr	t2, sepc
	csrr	t3, sstatus
	csrr	t4, scause
	li	t5, CAUSE_USER_ECALL
	sd	t0, TF_SP(sp)
	sd	t1, TF_TP(sp)
	sd	t3, TF_STATUS(sp)
	sd	t4, TF_CAUSE(sp)
	bne	t4, t5, user_trap

	// A system call: the arguments are where the C function wants them.
	addi	t2, t2, 4
	sd	t2, TF_PC(sp)
	sd	a0, TF_ORIG_A0(sp)
	csrsi	sstatus, SSTATUS_SIE
	li	t0, SYSCALL_COUNT
	bgeu	a7, t0, 1f
	la	t0, syscall_table
	slli	t1, a7, 3
	add	t0, t0, t1
	ld	t0, (t0)
	jalr	t0
syscall_done:
#if CONFIG_DEBUG
	sd	a0, TF_A0(sp)
	call	syscall_check
	ld	a0, TF_A0(sp)
#endif
	csrci	sstatus, SSTATUS_SIE
	lw	t0, TASK_WORK(tp)
	bnez	t0, 2f
	csrw	sscratch, tp
	restore_machine_state
	ld	tp, TF_TP(sp)
	restore_scratch
	ld	sp, TF_SP(sp)
	sret
1:	call	syscall_absent
	j	syscall_done
2:	sd	a0, TF_A0(sp)
	save_preserved
	j	user_work

// Anything else: an interrupt or a fault.
user_trap:
	csrr	t5, stval
	sd	t2, TF_PC(sp)
	sd	t5, TF_TVAL(sp)
	mv	a0, sp
	call	trap_from_user
	csrci	sstatus, SSTATUS_SIE
	lw	t0, TASK_WORK(tp)
	bnez	t0, 1f
	csrw	sscratch, tp
	restore_machine_state
	clear_reservation
	ld	tp, TF_TP(sp)
	restore_scratch
	ld	a0, TF_A0(sp)
	ld	sp, TF_SP(sp)
	sret
1:	save_preserved
user_work:
	mv	a0, sp
	call	exit_to_user_work

// All other ways to user mode, with a frame that is whole. Interrupts off, no work left; tp is the
// task, the frame is at the top of its stack.
return_whole:
	ld	sp, TASK_KERNEL_SP(tp)
	addi	sp, sp, -TF_SIZE
	csrw	sscratch, tp
	restore_machine_state
	clear_reservation
	ld	tp, TF_TP(sp)
	restore_preserved
	restore_scratch
	ld	a0, TF_A0(sp)
	ld	sp, TF_SP(sp)
	sret

// The same, with interrupts on and work that may have to be done.
return_to_user:
	csrci	sstatus, SSTATUS_SIE
	lw	t0, TASK_WORK(tp)
	bnez	t0, user_work
	j	return_whole

// The entries, in the table, of system calls that copy the frame or write another into it.
.macro whole_frame entry
	.globl	\entry\()_whole
\entry\()_whole:
	save_preserved
	call	\entry
	sd	a0, TF_A0(sp)
#if CONFIG_DEBUG
	call	syscall_check
#endif
	j	return_to_user
.endm

	whole_frame sys_clone
	whole_frame sys_clone3
	whole_frame sys_execve
	whole_frame sys_execveat
	whole_frame sys_rt_sigreturn

from_kernel:
	csrrw	tp, sscratch, zero	// tp is the task again, sscratch 0
	// Is there room? See above.
	addi	sp, sp, -TF_SIZE
	sd	t0, TASK_USER_SP(tp)
	srli	t0, sp, KSTACK_SHIFT
	andi	t0, t0, 1
	bnez	t0, overflow
	ld	t0, TASK_USER_SP(tp)
	save_scratch
	save_preserved
	addi	t0, sp, TF_SIZE
	sd	t0, TF_SP(sp)
	sd	tp, TF_TP(sp)
	csrr	t0, sepc
	csrr	t1, sstatus
	csrr	t2, scause
	csrr	t3, stval
	sd	t0, TF_PC(sp)
	sd	t1, TF_STATUS(sp)
	sd	t3, TF_TVAL(sp)
	sd	t2, TF_CAUSE(sp)
	// A frame record, so that a backtrace goes on through the trap.
	addi	sp, sp, -16
	sd	t0, 8(sp)
	sd	s0, 0(sp)
	addi	s0, sp, 16
	addi	a0, sp, 16
	call	trap_from_kernel
	addi	sp, sp, 16
	restore_machine_state
	clear_reservation
	restore_preserved
	restore_scratch
	ld	a0, TF_A0(sp)
	ld	sp, TF_SP(sp)
	sret

overflow:
	// On a stack of its own, for the report only; there is no way back.
	mv	a0, sp
	csrr	a1, sepc
	mv	a2, s0
	la	sp, overflow_stack + 8192
	call	kstack_overflow

// arch_switch_to(a0 = prev, a1 = next): returns prev in a0, on next's stack.
	.balign	4
	.globl	context_switch
context_switch:
	sd	ra, TASK_CTX_RA(a0)
	sd	sp, TASK_CTX_SP(a0)
	sd	s0, TASK_CTX_S(a0)
	sd	s1, TASK_CTX_S+8(a0)
	sd	s2, TASK_CTX_S+16(a0)
	sd	s3, TASK_CTX_S+24(a0)
	sd	s4, TASK_CTX_S+32(a0)
	sd	s5, TASK_CTX_S+40(a0)
	sd	s6, TASK_CTX_S+48(a0)
	sd	s7, TASK_CTX_S+56(a0)
	sd	s8, TASK_CTX_S+64(a0)
	sd	s9, TASK_CTX_S+72(a0)
	sd	s10, TASK_CTX_S+80(a0)
	sd	s11, TASK_CTX_S+88(a0)
	sd	gp, TASK_CTX_GP(a0)
	ld	ra, TASK_CTX_RA(a1)
	ld	sp, TASK_CTX_SP(a1)
	ld	s0, TASK_CTX_S(a1)
	ld	s1, TASK_CTX_S+8(a1)
	ld	s2, TASK_CTX_S+16(a1)
	ld	s3, TASK_CTX_S+24(a1)
	ld	s4, TASK_CTX_S+32(a1)
	ld	s5, TASK_CTX_S+40(a1)
	ld	s6, TASK_CTX_S+48(a1)
	ld	s7, TASK_CTX_S+56(a1)
	ld	s8, TASK_CTX_S+64(a1)
	ld	s9, TASK_CTX_S+72(a1)
	ld	s10, TASK_CTX_S+80(a1)
	ld	s11, TASK_CTX_S+88(a1)
	ld	gp, TASK_CTX_GP(a1)
	mv	tp, a1
	ret

// First code of a new task; a0 = the task that ran before. s1 = fn or 0, s2 = its argument.
	.globl	task_first_entry
task_first_entry:
	mv	s0, zero
	call	task_ret_from_fork
	beqz	s1, 1f
	mv	a0, s2
	jalr	s1
1:	ld	sp, TASK_KERNEL_SP(tp)
	addi	sp, sp, -TF_SIZE
	j	return_to_user

// fpu_store(a0 = state), fpu_load(a0): all registers, then fcsr as a double word. FS must not be off.
	.globl	fpu_store
fpu_store:
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	fsd	f\n, 8*\n(a0)
	.endr
	frcsr	t0
	sd	t0, 256(a0)
	ret
	.globl	fpu_load
fpu_load:
	lwu	t0, 256(a0)
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	fld	f\n, 8*\n(a0)
	.endr
	fscsr	t0
	ret

	.section .bss
	.balign	16
overflow_stack:
	.space	8192
