// SPDX-License-Identifier: GPL-2.0-only
/*
 * x86: the kernel's own shootdown. It knows of lazy CPUs, PCIDs, page-table isolation and
 * hypervisors, and interrupts the CPUs that have the mm loaded. Intel SDM vol. 3, 4.10.4.
 */
#include <linux/mm.h>
#include <linux/static_call.h>

#include <asm/tlbflush.h>

#include "kmod/linux/arch.h"
#include "kmod/linux/symbols.h"

/* The kernel's default of tlb_single_page_flush_ceiling; the variable itself is out of reach. */
#define LAB_CEILING_PAGES 33

static void lab_not_resolved(struct mm_struct *mm, unsigned long start, unsigned long end,
			     unsigned int stride_shift, bool freed_tables)
{
}

/* A direct call once resolved, so that IBT has nothing to check. */
DEFINE_STATIC_CALL(lab_flush_tlb_mm_range, lab_not_resolved);

int lab_arch_init(void)
{
	void *function = lab_find_function("flush_tlb_mm_range");

	if (!function)
		return -ENOENT;
	static_call_update(lab_flush_tlb_mm_range, function);
	return 0;
}

void lab_arch_describe(struct tlblab_capabilities *can)
{
	can->mechanisms = BIT_ULL(TLBLAB_KERNEL_SHOOTDOWN);
	can->ceiling_pages = LAB_CEILING_PAGES;
}

/* Other CPUs that the kernel is about to consider; which of them are lazy is decided later. */
static u64 lab_targets(struct mm_struct *mm)
{
	unsigned int cpu = get_cpu();
	u64 targets = cpumask_weight(mm_cpumask(mm)) - cpumask_test_cpu(cpu, mm_cpumask(mm));

	put_cpu();
	return targets;
}

/* One interval a request: flush_tlb_mm_range() takes no list. */
struct lab_flush_cost lab_arch_flush_intervals(struct mm_struct *mm, u32 mechanism,
					       const struct lab_interval *intervals, u32 nr)
{
	struct lab_flush_cost cost = { .targets = lab_targets(mm) };

	static_call(lab_flush_tlb_mm_range)(mm, intervals->start, intervals->end, PAGE_SHIFT,
					    false);
	return cost;
}

struct lab_flush_cost lab_arch_flush_mm(struct mm_struct *mm)
{
	struct lab_flush_cost cost = { .targets = lab_targets(mm) };

	static_call(lab_flush_tlb_mm_range)(mm, 0, TLB_FLUSH_ALL, PAGE_SHIFT, false);
	return cost;
}

void lab_arch_flush_everything(void)
{
	__flush_tlb_all();
}
