// SPDX-License-Identifier: GPL-2.0-only
/*
 * x86: the kernel's own shootdown. It knows about lazy CPUs, PCIDs, page-table isolation and
 * hypervisors, and interrupts the CPUs that have the mm loaded. Intel SDM vol. 3, 4.10.4.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/static_call.h>

#include <asm/tlbflush.h>

#include "kmod/arch/x86/types.h"
#include "kmod/linux/arch.h"
#include "kmod/linux/compat.h"
#include "kmod/arch/x86/symbols.h"

/*
 * The ceiling if we can't read the kernel's own: the default of tlb_single_page_flush_ceiling in
 * every version that has it.
 */
#define LAB_USUAL_CEILING 33

static void lab_no_flush_of_range(struct mm_struct *mm, unsigned long start, unsigned long end,
				  unsigned int stride_shift, bool freed_tables)
{
}

static void lab_no_flush_of_all(void)
{
}

/*
 * Direct calls once resolved, so that IBT has nothing to check. The second function is exported up
 * to 6.18, and since then to the kernel's own hypervisor only.
 */
DEFINE_STATIC_CALL(lab_flush_tlb_mm_range, lab_no_flush_of_range);
DEFINE_STATIC_CALL(lab_flush_tlb_all, lab_no_flush_of_all);

/* The kernel's variable, which root may change at any time (debugfs); NULL: out of reach. */
static const unsigned long *lab_kernel_ceiling __ro_after_init;

int lab_arch_init(void)
{
	lab_flush_tlb_mm_range_fn *flush_range = lab_find_function("flush_tlb_mm_range");
	lab_flush_tlb_all_fn *flush_all = lab_find_function("__flush_tlb_all");

	if (!flush_range || !flush_all)
		return -ENOENT;
	static_call_update(lab_flush_tlb_mm_range, flush_range);
	static_call_update(lab_flush_tlb_all, flush_all);
	lab_kernel_ceiling = lab_find_variable("tlb_single_page_flush_ceiling");
	return 0;
}

void lab_arch_describe(struct tlblab_capabilities *can)
{
	can->mechanisms = BIT_ULL(TLBLAB_KERNEL_SHOOTDOWN);
	if (lab_kernel_ceiling)
		can->features |= TLBLAB_KNOWS_CEILING;
}

u32 lab_arch_ceiling_pages(void)
{
	if (!lab_kernel_ceiling)
		return LAB_USUAL_CEILING;
	return min_t(unsigned long, READ_ONCE(*lab_kernel_ceiling), U32_MAX);
}

/*
 * The other CPUs that the kernel is about to consider; it decides later which of them are lazy.
 * With a broadcast (INVLPGB) the number of CPUs that listen is unknown, and no interrupt is sent.
 */
static u64 lab_targets(struct mm_struct *mm)
{
	unsigned int cpu;
	u64 targets;

	if (lab_mm_is_broadcast(mm))
		return TLBLAB_UNKNOWN;
	cpu = get_cpu();
	/* CPUs come and go meanwhile: any of the values is right. */
	targets = data_race(cpumask_weight(mm_cpumask(mm)) - cpumask_test_cpu(cpu, mm_cpumask(mm)));
	put_cpu();
	return targets;
}

struct lab_flush_cost lab_shootdown(struct lab_session *session, const struct lab_flush *request)
{
	struct lab_flush_cost cost = { .targets = lab_targets(session->mm) };
	unsigned long start = request->whole ? 0 : request->intervals->start;
	unsigned long end = request->whole ? TLB_FLUSH_ALL : request->intervals->end;

	lockdep_assert_irqs_enabled();
	static_call(lab_flush_tlb_mm_range)(session->mm, start, end, request->stride_shift,
					    request->tables_freed);
	return cost;
}

void lab_arch_flush_everything(void)
{
	static_call(lab_flush_tlb_all)();
}
