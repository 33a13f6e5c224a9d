// Faults in what makes objects of IPC: segments, sets and queues, attachments, undo entries,
// messages, and a whole namespace.

#include "fault.h"
#include <mqueue.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

static const int no_memory[] = {ENOMEM, ENFILE, 0};

// --- Shared memory ---

static long shmget_call(void *arg)
{
	(void)arg;
	return shmget(IPC_PRIVATE, 10000, 0600);
}

static void shmget_undo(void *arg, long id)
{
	(void)arg;
	shmctl(id, IPC_RMID, NULL);
}

static long shmat_call(void *arg)
{
	return (long)shmat(*(int *)arg, NULL, 0);
}

static void shmat_undo(void *arg, long at)
{
	(void)arg;
	shmdt((void *)at);
}

FAULT_TEST(ipc, shared_memory)
{
	struct fault_call get = {.call = shmget_call, .undo = shmget_undo, .errors = no_memory};
	struct fault_call attach = {.call = shmat_call, .undo = shmat_undo, .errors = no_memory};
	int id = shmget(IPC_PRIVATE, 10000, 0600);

	fault_replay("shmget()", &get, NULL);
	fault_replay("shmat()", &attach, &id);
	shmctl(id, IPC_RMID, NULL);
}

// --- Semaphores ---

static long semget_call(void *arg)
{
	(void)arg;
	return semget(IPC_PRIVATE, 20, 0600);
}

static void semget_undo(void *arg, long id)
{
	(void)arg;
	semctl(id, 0, IPC_RMID);
}

// Sixteen operations are too many for the stack.
static long semop_call(void *arg)
{
	struct sembuf ops[16];

	for (int i = 0; i < 16; i++)
		ops[i] = (struct sembuf){i, 1, SEM_UNDO};
	return semop(*(int *)arg, ops, 16);
}

static void semop_undo(void *arg, long result)
{
	static unsigned short zero[20];

	(void)result;
	semctl(*(int *)arg, 0, SETALL, zero);
}

static long setall_call(void *arg)
{
	static unsigned short values[20];

	return semctl(*(int *)arg, 0, SETALL, values);
}

FAULT_TEST(ipc, semaphores)
{
	struct fault_call get = {.call = semget_call, .undo = semget_undo, .errors = no_memory};
	struct fault_call op = {.call = semop_call, .undo = semop_undo, .errors = no_memory};
	struct fault_call all = {.call = setall_call, .errors = no_memory};
	int id = semget(IPC_PRIVATE, 20, 0600);

	fault_replay("semget()", &get, NULL);
	fault_replay("semop(SEM_UNDO)", &op, &id);
	fault_replay("semctl(SETALL)", &all, &id);
	semctl(id, 0, IPC_RMID);
}

// --- Messages ---

struct letter {
	long type;
	char text[3000];
};

static long msgget_call(void *arg)
{
	(void)arg;
	return msgget(IPC_PRIVATE, 0600);
}

static void msgget_undo(void *arg, long id)
{
	(void)arg;
	msgctl(id, IPC_RMID, NULL);
}

static long msgsnd_call(void *arg)
{
	static struct letter letter = {.type = 1};

	return msgsnd(*(int *)arg, &letter, sizeof(letter.text), IPC_NOWAIT);
}

static void msgsnd_undo(void *arg, long result)
{
	static struct letter letter;

	(void)result;
	msgrcv(*(int *)arg, &letter, sizeof(letter.text), 0, IPC_NOWAIT);
}

FAULT_TEST(ipc, messages)
{
	struct fault_call get = {.call = msgget_call, .undo = msgget_undo, .errors = no_memory};
	struct fault_call send = {.call = msgsnd_call, .undo = msgsnd_undo, .errors = no_memory};
	int id = msgget(IPC_PRIVATE, 0600);

	fault_replay("msgget()", &get, NULL);
	fault_replay("msgsnd()", &send, &id);
	msgctl(id, IPC_RMID, NULL);
}

// --- POSIX queues ---

static long mq_open_call(void *arg)
{
	struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 100};

	(void)arg;
	return mq_open("/fault", O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
}

static void mq_open_undo(void *arg, long queue)
{
	(void)arg, (void)queue;
	close(queue);
}

static void mq_open_tidy(void *arg)
{
	(void)arg;
	mq_unlink("/fault");
}

static long mq_send_call(void *arg)
{
	return mq_send(*(int *)arg, "message", 7, 1);
}

static void mq_send_undo(void *arg, long result)
{
	char text[8192];

	(void)result;
	mq_receive(*(int *)arg, text, sizeof(text), NULL);
}

FAULT_TEST(ipc, posix_queues)
{
	struct fault_call open = {.call = mq_open_call,
				  .undo = mq_open_undo,
				  .tidy = mq_open_tidy,
				  .errors = no_memory};
	struct fault_call send = {.call = mq_send_call, .undo = mq_send_undo, .errors = no_memory};

	fault_replay("mq_open()", &open, NULL);
	int queue = mq_open("/other", O_RDWR | O_CREAT, 0600, NULL);
	fault_replay("mq_send()", &send, &queue);
	mq_unlink("/other");
}

// --- A namespace ---

static long clone_call(void *arg)
{
	long pid = syscall(SYS_clone, SIGCHLD | *(unsigned long *)arg, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid;
}

static void reap(void *arg, long pid)
{
	(void)arg;
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
}

FAULT_TEST(ipc, namespaces)
{
	struct fault_call call = {
		.call = clone_call, .undo = reap, .errors = FAULT_ERRORS(ENOMEM, EAGAIN)};
	unsigned long new = CLONE_NEWIPC, undo = CLONE_SYSVSEM;

	fault_replay("clone(NEWIPC)", &call, &new);
	fault_replay("clone(SYSVSEM)", &call, &undo);
}
