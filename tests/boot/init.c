// The smallest first process for boot tests: it needs no C library, prints what it was given, and
// powers the machine off, so that a boot is proved by text and by QEMU's exit status.

#define SYS_WRITE        64
#define SYS_REBOOT       142
#define SYS_GETPID       172
#define SYS_SYNC         81
#define REBOOT_MAGIC1    0xfee1dead
#define REBOOT_MAGIC2    672274793
#define REBOOT_POWER_OFF 0x4321fedc

static long call(long number, long a, long b, long c, long d)
{
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = d;
	register long a7 __asm__("a7") = number;

	__asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a7) : "memory");
	return a0;
}

static void print(const char *text)
{
	long length = 0;

	while (text[length])
		length++;
	call(SYS_WRITE, 1, (long)text, length, 0);
}

__attribute__((used)) static void run(long *stack)
{
	char **argv = (char **)(stack + 1);

	print("boot-test: init runs as ");
	print(stack[0] > 0 ? argv[0] : "?");
	print(call(SYS_GETPID, 0, 0, 0, 0) == 1 ? ", pid 1\n" : ", not pid 1\n");
	for (long i = 1; i < stack[0]; i++) {
		print("boot-test: argument ");
		print(argv[i]);
		print("\n");
	}
	call(SYS_SYNC, 0, 0, 0, 0);
	call(SYS_REBOOT, REBOOT_MAGIC1, REBOOT_MAGIC2, REBOOT_POWER_OFF, 0);
	for (;;)
		;
}

__asm__(".globl _start\n_start: mv a0, sp\nj run\n");
