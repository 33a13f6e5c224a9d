// Whole pages: eight registers at a time.
	.text
	.balign	4
	.globl	clear_page
clear_page:
	li	t0, 4096
	add	t0, a0, t0
1:
	.irp	n, 0,8,16,24,32,40,48,56,64,72,80,88,96,104,112,120
	sd	zero, \n(a0)
	.endr
	addi	a0, a0, 128
	bltu	a0, t0, 1b
	ret

	.globl	copy_page
copy_page:
	li	t0, 4096
	add	t0, a0, t0
1:
	.irp	base, 0,64
	ld	t1, \base(a1)
	ld	t2, \base+8(a1)
	ld	t3, \base+16(a1)
	ld	t4, \base+24(a1)
	ld	t5, \base+32(a1)
	ld	t6, \base+40(a1)
	ld	a2, \base+48(a1)
	ld	a3, \base+56(a1)
	sd	t1, \base(a0)
	sd	t2, \base+8(a0)
	sd	t3, \base+16(a0)
	sd	t4, \base+24(a0)
	sd	t5, \base+32(a0)
	sd	t6, \base+40(a0)
	sd	a2, \base+48(a0)
	sd	a3, \base+56(a0)
	.endr
	addi	a0, a0, 128
	addi	a1, a1, 128
	bltu	a0, t0, 1b
	ret
