// SPDX-License-Identifier: GPL-2.0-only
/*
 * The headline measured once more, by hand: 16 VMAs of a page with gaps of a page, unmapped by a
 * call each (A) or by one call over all of them (B), while one other CPU holds their translations.
 * It shares no code with the tool; agree.py holds one against the other.
 *   probe [-c INITIATOR,RESPONDER] [-s SECONDS] [-p PERCENT]
 * -p plants a fault: A takes so much longer. Prints one line of KEY=VALUE, operations and calls
 * with those that warm up. Exit status: 0 measured, 1 something is wrong, 77 can't tell here.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { FAILED = 1, SKIPPED = 77 };
enum { A, B, NR_ARMS };

#define NR_VMAS 16
#define PER_RUN 5 /* trials of one arm, the first of which leads in */
#define RUNS_PER_BLOCK 16
#define MEASURED_PER_ARM (RUNS_PER_BLOCK / NR_ARMS * (PER_RUN - 1))
#define PATIENCE_NS 5000000000u

static struct {
	unsigned long operations, calls, apart;
} arms[NR_ARMS];
static int cpus[2] = { -1, -1 }; /* initiator, responder */
static double seconds = 3, plant, clock_ns;
static char *first_vma;
static size_t page;

/* A cache line for each, since none is written by both threads. */
static _Alignas(64) atomic_ulong wanted; /* a trial's number: load its pages */
static _Alignas(64) atomic_ulong loaded;
static _Alignas(64) atomic_ulong turns; /* of the responder's loop */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static char *vma(int i)
{
	return first_vma + 2 * i * page;
}

/* Spins on the clock, and touches memory of a trial only when told to. */
static void *respond(void *unused __attribute__((unused)))
{
	unsigned long seen = 0, turn = 0, now;

	for (;;) {
		now_ns();
		atomic_store_explicit(&turns, ++turn, memory_order_relaxed);
		now = atomic_load_explicit(&wanted, memory_order_acquire);
		if (now == seen)
			continue;
		for (int i = 0; i < NR_VMAS; i++)
			if (*(volatile unsigned long *)vma(i) != now)
				errx(FAILED, "the responder reads a page of another trial");
		seen = now;
		atomic_store_explicit(&loaded, seen, memory_order_release);
	}
}

static void wait_for(atomic_ulong *counter, unsigned long value)
{
	uint64_t begin = now_ns();

	while (atomic_load_explicit(counter, memory_order_acquire) < value)
		if (now_ns() - begin > PATIENCE_NS)
			errx(SKIPPED, "CPU %d gave no answer in 5 s: others have it", cpus[1]);
}

static void map_all(unsigned long tag)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_FIXED_NOREPLACE;

	for (int i = 0; i < NR_VMAS; i++) {
		if (mmap(vma(i), page, PROT_READ | PROT_WRITE, flags, -1, 0) != vma(i))
			err(FAILED, "can't map a page");
		*(volatile unsigned long *)vma(i) = tag;
	}
}

static void unmap_all(int arm)
{
	int calls = arm == A ? NR_VMAS : 1;
	size_t length = arm == A ? page : (2 * NR_VMAS - 1) * page;

	for (int i = 0; i < calls; i++)
		if (munmap(vma(i), length))
			err(FAILED, "munmap");
	arms[arm].calls += calls;
	arms[arm].operations++;
}

/* In ns; below 0 if the responder was not seen to run within the window. */
static double trial(int arm)
{
	static unsigned long number;
	uint64_t from, to, until;
	unsigned long turn;

	map_all(++number);
	atomic_store_explicit(&wanted, number, memory_order_release);
	wait_for(&loaded, number);
	wait_for(&turns, atomic_load(&turns) + 2);

	turn = atomic_load_explicit(&turns, memory_order_relaxed);
	from = now_ns();
	unmap_all(arm);
	to = now_ns();
	if (arm == A && plant > 0)
		for (until = to + (to - from) * plant / 100; to < until;)
			to = now_ns();
	if (atomic_load_explicit(&turns, memory_order_relaxed) == turn)
		return -1;
	return to - from - clock_ns;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int n)
{
	qsort(values, n, sizeof(*values), compare);
	return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

/* Runs in random order. False unless both arms kept three quarters of their trials. */
static int block(double medians[NR_ARMS])
{
	double kept[NR_ARMS][MEASURED_PER_ARM];
	int order[RUNS_PER_BLOCK] = { 0 }, n[NR_ARMS] = { 0 };

	for (int i = 0; i < RUNS_PER_BLOCK; i++) {
		int other = random() % (i + 1);

		order[i] = order[other];
		order[other] = i % NR_ARMS;
	}
	for (int i = 0; i < RUNS_PER_BLOCK * PER_RUN; i++) {
		int arm = order[i / PER_RUN];
		double ns = trial(arm);

		if (i % PER_RUN == 0)
			continue;
		if (ns > 0)
			kept[arm][n[arm]++] = ns;
		else
			arms[arm].apart++;
	}
	for (int arm = A; arm <= B; arm++) {
		if (n[arm] < MEASURED_PER_ARM * 3 / 4)
			return 0;
		medians[arm] = median(kept[arm], n[arm]);
	}
	return 1;
}

/* The page tables keep neighbours that stay mapped, so that unmapping a trial frees none. */
static void reserve(void)
{
	size_t table = page / sizeof(void *) * page;
	char *got = mmap(NULL, 3 * table, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (got == MAP_FAILED)
		err(FAILED, "can't reserve address space");
	first_vma = (char *)(((uintptr_t)got + table) / table * table) + page;
	if (munmap(first_vma, (2 * NR_VMAS - 1) * page))
		err(FAILED, "munmap");
}

static void read_options(int argc, char **argv)
{
	int good = 1, option;

	while (good && (option = getopt(argc, argv, "c:s:p:")) != -1)
		if (option == 'c')
			good = sscanf(optarg, "%d,%d", &cpus[0], &cpus[1]) == 2 &&
			       cpus[0] != cpus[1];
		else
			good = option != '?' &&
			       sscanf(optarg, "%lf", option == 's' ? &seconds : &plant) == 1;
	if (!good || optind < argc || seconds <= 0 || plant < 0)
		errx(FAILED, "usage: probe [-c INITIATOR,RESPONDER] [-s SECONDS] [-p PERCENT]");
}

/* Without -c the first two of those that are allowed. */
static void choose_cpus(cpu_set_t sets[2])
{
	int found = cpus[0] < 0 ? 0 : 2;

	if (sched_getaffinity(0, sizeof(sets[0]), &sets[0]))
		err(SKIPPED, "can't tell which CPUs are allowed");
	for (int cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
		if (CPU_ISSET(cpu, &sets[0]))
			cpus[found++] = cpu;
	if (found < 2)
		errx(SKIPPED, "it takes two CPUs, and only one is allowed");
	for (int i = 0; i < 2; i++) {
		CPU_ZERO(&sets[i]);
		CPU_SET(cpus[i], &sets[i]);
	}
}

int main(int argc, char **argv)
{
	double medians[NR_ARMS], sum_ln[NR_ARMS] = { 0 }, empty[1001];
	unsigned long blocks = 0, dropped = 0;
	pthread_attr_t pinned;
	pthread_t responder;
	cpu_set_t sets[2];
	uint64_t begin;

	read_options(argc, argv);
	choose_cpus(sets);
	page = sysconf(_SC_PAGESIZE);
	srandom(now_ns());
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	reserve();
	if (sched_setaffinity(0, sizeof(sets[0]), &sets[0]))
		err(FAILED, "can't pin the initiator to CPU %d", cpus[0]);
	pthread_attr_init(&pinned);
	pthread_attr_setaffinity_np(&pinned, sizeof(sets[1]), &sets[1]);
	errno = pthread_create(&responder, &pinned, respond, NULL); /* ends with the process */
	if (errno)
		err(FAILED, "can't pin the responder to CPU %d", cpus[1]);

	for (int i = 0; i < 1001; i++) {
		begin = now_ns();
		empty[i] = now_ns() - begin;
	}
	clock_ns = median(empty, 1001);
	block(medians); /* warms up */
	for (begin = now_ns(); now_ns() - begin < seconds * 1e9;) {
		if (!block(medians)) {
			dropped++;
			continue;
		}
		blocks++;
		for (int arm = A; arm <= B; arm++)
			sum_ln[arm] += log(medians[arm]);
	}
	if (blocks == 0)
		errx(SKIPPED, "CPU %d is with others most of the time", cpus[1]);

	printf("ratio=%.5f cpus=%d,%d blocks=%lu dropped=%lu",
	       exp((sum_ln[A] - sum_ln[B]) / blocks), cpus[0], cpus[1], blocks, dropped);
	for (int arm = A; arm <= B; arm++)
		printf(" %1$c_ns=%2$.0f %1$c_operations=%3$lu %1$c_calls=%4$lu %1$c_apart=%5$lu",
		       "ab"[arm], exp(sum_ln[arm] / blocks), arms[arm].operations,
		       arms[arm].calls, arms[arm].apart);
	putchar('\n');
	return 0;
}
