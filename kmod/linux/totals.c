// SPDX-License-Identifier: GPL-2.0-only
/*
 * The account of all operations since the module was loaded. Each operation counts for itself and
 * is added here once, to the counters of its CPU, so that no cache line moves between CPUs
 * meanwhile.
 */
#include <linux/percpu.h>

#include "kmod/linux/lab.h"

#define LAB_ACCOUNT_TERMS (sizeof(struct tlblab_account) / sizeof(u64))

union lab_account_terms {
	struct tlblab_account account;
	u64 terms[LAB_ACCOUNT_TERMS];
};

struct lab_cpu_totals {
	u64 operations;
	union lab_account_terms sum;
};

static DEFINE_PER_CPU(struct lab_cpu_totals, lab_cpu_totals);

/* If a part is unknown, so is the sum. Each CPU writes its own sums while others may read them. */
static void lab_terms_add(u64 *sum, const u64 *terms)
{
	size_t i;

	for (i = 0; i < LAB_ACCOUNT_TERMS; i++) {
		u64 term = READ_ONCE(terms[i]);

		if (sum[i] == TLBLAB_UNKNOWN || term == TLBLAB_UNKNOWN)
			WRITE_ONCE(sum[i], TLBLAB_UNKNOWN);
		else
			WRITE_ONCE(sum[i], sum[i] + term);
	}
}

void lab_totals_add(const struct tlblab_account *account)
{
	const union lab_account_terms *add = (const union lab_account_terms *)account;
	struct lab_cpu_totals *mine = get_cpu_ptr(&lab_cpu_totals);

	WRITE_ONCE(mine->operations, mine->operations + 1);
	lab_terms_add(mine->sum.terms, add->terms);
	put_cpu_ptr(&lab_cpu_totals);
}

void lab_totals_read(struct tlblab_totals *totals)
{
	union lab_account_terms sum = {};
	int cpu;

	totals->operations = 0;
	for_each_possible_cpu(cpu) {
		const struct lab_cpu_totals *other = per_cpu_ptr(&lab_cpu_totals, cpu);

		totals->operations += READ_ONCE(other->operations);
		lab_terms_add(sum.terms, other->sum.terms);
	}
	totals->account = sum.account;
}
