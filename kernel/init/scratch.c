// Stands in for what is not linked yet.
#include <core/panic.h>
#include <signal/signal.h>
#include <syscall/dispatch.h>
void start_user_space(void);
void start_user_space(void)
{
	panic("no user space yet");
}
void signal_force_fault(int sig, int code, u64 addr)
{
}
void syscall_dispatch(struct trapframe *tf)
{
}
void exit_to_user_work(struct trapframe *tf)
{
}
