// SPDX-License-Identifier: GPL-2.0-only
/*
 * arm64: TLBI broadcast to the inner-shareable domain, complete after a DSB. No CPU is interrupted
 * and no mask of CPUs is kept. Arm ARM (DDI 0487), D8.14 TLB maintenance. The kernel's own inlines
 * refer to a symbol that is not exported since 6.6; its macros can be used. The core decides on the
 * order of the steps (kmod/core/flush/broadcast.hh); here is one function per step.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>

#include <asm/barrier.h>
#include <asm/tlbflush.h>

#include "kmod/linux/arch.h"
#include "kmod/linux/compat.h"

/* Whether this machine's cores need invalidation and completion twice. */
static bool lab_needs_repeat(void)
{
	return lab_has_cap(LAB_CAP_REPEAT_TLBI);
}

int lab_arch_init(void)
{
#ifdef ARM64_WORKAROUND_4193714
	/* The kernel also interrupts CPUs, by sme_do_dvmsync(), which modules can't call. */
	if (lab_has_cap(ARM64_WORKAROUND_4193714)) {
		pr_err("these cores have erratum 4193714 (SME acknowledges DVMSync early, CVE-2026-0995): broadcast TLBI alone does not complete here; `tlblab list` shows what works without the module\n");
		return -EOPNOTSUPP;
	}
#endif
	return 0;
}

void lab_arch_describe(struct tlblab_capabilities *can)
{
	can->mechanisms = BIT_ULL(TLBLAB_TLBI_DSB_EACH) | BIT_ULL(TLBLAB_TLBI_DSB_ONCE);
	can->features |= TLBLAB_HAS_BROADCAST;
	/* With range TLBI, not used here, the kernel's ceiling differs in value and meaning. */
	if (!system_supports_tlb_range())
		can->features |= TLBLAB_KNOWS_CEILING;
	if (lab_needs_repeat())
		can->faults |= BIT_ULL(TLBLAB_NO_REPEAT);
}

u32 lab_arch_ceiling_pages(void)
{
	return LAB_MAX_TLBI - 1;
}

void lab_publish(void)
{
	dsb(ishst);
}

u64 lab_read_asid(struct lab_session *session)
{
	return ASID(session->mm);
}

/*
 * A TLBI of the last level, because no table was freed. Where the kernel's macro repeats it by
 * itself, the variant that doesn't is written out.
 */
static void lab_tlbi_page(unsigned long operand, bool repeat)
{
	if (LAB_TLBI_REPEATS_ITSELF && !repeat)
		asm volatile("tlbi vale1is, %x0" : : "rZ" (operand));
	else
		__tlbi(vale1is, operand);
}

static void lab_tlbi_asid(unsigned long operand, bool repeat)
{
	if (LAB_TLBI_REPEATS_ITSELF && !repeat)
		asm volatile("tlbi aside1is, %x0" : : "rZ" (operand));
	else
		__tlbi(aside1is, operand);
}

u64 lab_invalidate(u64 asid, const struct lab_interval *interval, bool repeat)
{
	unsigned long address;
	u64 repeats = 0;

	for (address = interval->start; address < interval->end; address += PAGE_SIZE) {
		unsigned long operand = lab_tlbi_operand(address, asid);

		lab_tlbi_page(operand, repeat);
		if (arm64_kernel_unmapped_at_el0())
			lab_tlbi_page(operand | USER_ASID_FLAG, repeat);
		repeats += LAB_TLBI_REPEATS_ITSELF && repeat && lab_needs_repeat();
	}
	return repeats;
}

u64 lab_invalidate_mm(u64 asid, bool repeat)
{
	unsigned long operand = lab_tlbi_operand(0, asid);

	lab_tlbi_asid(operand, repeat);
	if (arm64_kernel_unmapped_at_el0())
		lab_tlbi_asid(operand | USER_ASID_FLAG, repeat);
	return LAB_TLBI_REPEATS_ITSELF && repeat && lab_needs_repeat();
}

u64 lab_complete(bool repeat)
{
	dsb(ish);
	if (LAB_TLBI_REPEATS_ITSELF || !repeat)
		return 0;
	lab_repeat_tlbi();
	return lab_needs_repeat();
}

/* Local: every CPU runs this, and a broadcast from each would be a storm. */
void lab_arch_flush_everything(void)
{
	local_flush_tlb_all();
}
