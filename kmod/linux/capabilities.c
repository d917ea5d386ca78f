// SPDX-License-Identifier: GPL-2.0-only
/* What this module can do on this machine. */
#include <linux/cache.h>
#include <linux/init.h>
#include <linux/mm.h>

#include "kmod/linux/arch.h"
#include "kmod/linux/lab.h"

static struct tlblab_capabilities lab_can __ro_after_init;

void __init lab_capabilities_init(void)
{
	lab_can.abi_version = TLBLAB_ABI_VERSION;
	lab_can.page_bytes = PAGE_SIZE;
	lab_can.entries_per_table = PTRS_PER_PTE;
	lab_can.features = TLBLAB_HAS_PACE;
	lab_core_describe(&lab_can);
	lab_arch_describe(&lab_can);
}

void lab_capabilities(struct tlblab_capabilities *can)
{
	u32 size = can->size;

	*can = lab_can;
	can->size = size;
	/* Root may have changed it since load. */
	can->ceiling_pages = lab_arch_ceiling_pages();
}
