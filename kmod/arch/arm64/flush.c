// SPDX-License-Identifier: GPL-2.0-only
/*
 * arm64: TLBI broadcast to the inner-shareable domain, complete after a DSB. No CPU is interrupted
 * and no mask of CPUs is kept. Arm ARM (DDI 0487), D8.14 TLB maintenance. The kernel's own inlines
 * refer to a symbol that it doesn't export since 6.6; its macros can be had.
 */
#include <linux/mm.h>

#include <asm/barrier.h>
#include <asm/tlbflush.h>

#include "kmod/linux/arch.h"

/* The kernel flushes the whole mm from MAX_DVM_OPS (the entries of a table) pages on. */
#define LAB_CEILING_PAGES (PTRS_PER_PTE - 1)

int lab_arch_init(void)
{
	return 0;
}

void lab_arch_describe(struct tlblab_capabilities *can)
{
	can->mechanisms = BIT_ULL(TLBLAB_TLBI_DSB_EACH) | BIT_ULL(TLBLAB_TLBI_DSB_ONCE);
	can->features |= TLBLAB_HAS_BROADCAST;
	can->ceiling_pages = LAB_CEILING_PAGES;
}

struct lab_flush_cost lab_arch_flush_intervals(struct mm_struct *mm, u32 mechanism,
					       const struct lab_interval *intervals, u32 nr)
{
	struct lab_flush_cost cost = { .targets = TLBLAB_UNKNOWN, .dsb_ishst = 1 };
	bool each = mechanism == TLBLAB_TLBI_DSB_EACH;
	unsigned long asid = ASID(mm);
	unsigned long address;
	u32 i;

	/* The walkers of all CPUs must see the cleared entries before they may be asked again. */
	dsb(ishst);
	for (i = 0; i < nr; i++) {
		for (address = intervals[i].start; address < intervals[i].end;
		     address += PAGE_SIZE) {
			unsigned long operand = __TLBI_VADDR(address, asid);

			/* Leaf entries only: no table was freed. */
			__tlbi(vale1is, operand);
			__tlbi_user(vale1is, operand);
			cost.tlbi++;
			if (each) {
				dsb(ish);
				cost.dsb_ish++;
			}
		}
	}
	if (!each) {
		dsb(ish);
		cost.dsb_ish++;
	}
	return cost;
}

struct lab_flush_cost lab_arch_flush_mm(struct mm_struct *mm)
{
	struct lab_flush_cost cost = {
		.targets = TLBLAB_UNKNOWN, .tlbi = 1, .dsb_ishst = 1, .dsb_ish = 1,
	};
	unsigned long operand = __TLBI_VADDR(0, ASID(mm));

	dsb(ishst);
	__tlbi(aside1is, operand);
	__tlbi_user(aside1is, operand);
	dsb(ish);
	return cost;
}

void lab_arch_flush_everything(void)
{
	dsb(ishst);
	__tlbi(vmalle1is);
	dsb(ish);
	isb();
}
