// How a system call is written:
//
//	SYSCALL3(read, int, fd, u64, buf, size_t, count)
//	{
//		...
//	}
//
// defines sys_read() for the table. The machine hands over six 64-bit registers, and a hostile
// program may leave anything in the upper halves: the wrapper narrows each to its declared type,
// so that the body never sees an int that is not one. User addresses are u64, never pointers.
// The name must stand in syscalls.tbl with "sys_<name>" to be reached.
#pragma once

#include <lib/base.h>

#define SYSCALL0(name)         \
	long sys_##name(void); \
	long sys_##name(void)

#define SYSCALL1(name, t1, a1)                        \
	static ALWAYS_INLINE long name##_body(t1 a1); \
	long sys_##name(u64 r1);                      \
	long sys_##name(u64 r1)                       \
	{                                             \
		return name##_body((t1)r1);           \
	}                                             \
	static ALWAYS_INLINE long name##_body(t1 a1)

#define SYSCALL2(name, t1, a1, t2, a2)                       \
	static ALWAYS_INLINE long name##_body(t1 a1, t2 a2); \
	long sys_##name(u64 r1, u64 r2);                     \
	long sys_##name(u64 r1, u64 r2)                      \
	{                                                    \
		return name##_body((t1)r1, (t2)r2);          \
	}                                                    \
	static ALWAYS_INLINE long name##_body(t1 a1, t2 a2)

#define SYSCALL3(name, t1, a1, t2, a2, t3, a3)                      \
	static ALWAYS_INLINE long name##_body(t1 a1, t2 a2, t3 a3); \
	long sys_##name(u64 r1, u64 r2, u64 r3);                    \
	long sys_##name(u64 r1, u64 r2, u64 r3)                     \
	{                                                           \
		return name##_body((t1)r1, (t2)r2, (t3)r3);         \
	}                                                           \
	static ALWAYS_INLINE long name##_body(t1 a1, t2 a2, t3 a3)

#define SYSCALL4(name, t1, a1, t2, a2, t3, a3, t4, a4)                     \
	static ALWAYS_INLINE long name##_body(t1 a1, t2 a2, t3 a3, t4 a4); \
	long sys_##name(u64 r1, u64 r2, u64 r3, u64 r4);                   \
	long sys_##name(u64 r1, u64 r2, u64 r3, u64 r4)                    \
	{                                                                  \
		return name##_body((t1)r1, (t2)r2, (t3)r3, (t4)r4);        \
	}                                                                  \
	static ALWAYS_INLINE long name##_body(t1 a1, t2 a2, t3 a3, t4 a4)

#define SYSCALL5(name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5)                    \
	static ALWAYS_INLINE long name##_body(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5); \
	long sys_##name(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5);                  \
	long sys_##name(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)                   \
	{                                                                         \
		return name##_body((t1)r1, (t2)r2, (t3)r3, (t4)r4, (t5)r5);       \
	}                                                                         \
	static ALWAYS_INLINE long name##_body(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5)

#define SYSCALL6(name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6)                   \
	static ALWAYS_INLINE long name##_body(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6); \
	long sys_##name(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, u64 r6);                 \
	long sys_##name(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, u64 r6)                  \
	{                                                                                \
		return name##_body((t1)r1, (t2)r2, (t3)r3, (t4)r4, (t5)r5, (t6)r6);      \
	}                                                                                \
	static ALWAYS_INLINE long name##_body(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6)
