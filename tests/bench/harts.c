// The same work on each hart at the same time: apart from each other, and on one common thing. Only
// where the command line says how many (harts=2); wall time, for several harts and counting instructions
// do not go together.

#include <linux/futex.h>
#include <pthread.h>

#include "bench.h"

// Each job does the same amount of work; `jobs` of them run at the same time.
struct job {
	void (*work)(void);
	int *start;
};

static int word;      // of the contended futex
static char *commons; // memory of the contended faults
static int next_page;

#define FORKS        200
#define PAGES        2048
#define FUTEX_ROUNDS 20000

static void forks(void)
{
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		reap(pid);
	}
}

static void faults(void)
{
	for (int round = 0; round < 4; round++) {
		char *p = touched(PAGES / 4 * 4096);
		munmap(p, PAGES / 4 * 4096);
	}
}

// One memory for all: the pages are given out by a counter.
static void faults_contended(void)
{
	for (int i = 0; i < PAGES; i++)
		commons[4096ul * __atomic_fetch_add(&next_page, 1, __ATOMIC_RELAXED)] = 1;
}

static void futexes_on(int *at)
{
	for (int i = 0; i < FUTEX_ROUNDS; i++)
		syscall(SYS_futex, at, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void futexes(void)
{
	int own;

	futexes_on(&own);
}

static void futexes_contended(void)
{
	futexes_on(&word);
}

static void *run_job(void *data)
{
	struct job *job = data;

	while (!__atomic_load_n(job->start, __ATOMIC_ACQUIRE))
		sched_yield();
	job->work();
	return NULL;
}

// Threads of this process: whatever the work touches of it is contended.
static void run_as_threads(struct job *job, int jobs)
{
	pthread_t thread[8];

	for (int i = 0; i < jobs; i++)
		pthread_create(&thread[i], NULL, run_job, job);
	__atomic_store_n(job->start, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < jobs; i++)
		pthread_join(thread[i], NULL);
}

static void run_as_processes(struct job *job, int jobs)
{
	pid_t pid[8];

	for (int i = 0; i < jobs; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			run_job(job);
			_exit(0);
		}
	}
	__atomic_store_n(job->start, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < jobs; i++)
		waitpid(pid[i], NULL, 0);
}

static void measure_jobs(const char *name, void (*work)(void), int jobs, int threads)
{
	static int *start;
	char full[64];

	if (!start)
		start = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*start = 0;
	struct job job = {work, start};
	unsigned long begin = now();
	(threads ? run_as_threads : run_as_processes)(&job, jobs);
	snprintf(full, sizeof(full), "harts_%s", name);
	report(full, now() - begin);
}

// As many jobs as there are harts: on a machine that scales, the time stays as it is with one.
void measure_harts(void)
{
	int jobs = getenv("harts") ? atoi(getenv("harts")) : 0;

	if (jobs < 1 || jobs > 8)
		return;
	commons = mmap(NULL, 8ul * PAGES * 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	report("harts", jobs);
	measure_jobs("forks_independent", forks, jobs, 0);
	measure_jobs("forks_contended", forks, jobs, 1);
	measure_jobs("faults_independent", faults, jobs, 0);
	measure_jobs("faults_contended", faults_contended, jobs, 1);
	measure_jobs("futexes_independent", futexes, jobs, 0);
	measure_jobs("futexes_contended", futexes_contended, jobs, 1);
}
