// SPDX-License-Identifier: GPL-2.0-only
/*
 * What both calls that do something begin with: the caller's list copied before any lock, claimed,
 * found; and what this module can do here.
 */
#include <linux/cache.h>
#include <linux/init.h>
#include <linux/sched.h>

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
	/* Somebody may have changed it since. */
	can->ceiling_pages = lab_arch_ceiling_pages();
}

int lab_work_copy(struct lab_work *work, struct file *file, u64 user_list, u64 nr)
{
	int err = -ENOMEM;

	might_sleep();
	*work = (struct lab_work){ .arena = file->private_data, .mm = current->mm };
	work->space = lab_space_get(work->arena, work->mm);
	if (!work->space)
		return -ENOMEM;
	work->scratch = lab_scratch_get(work->space);
	if (work->scratch)
		err = lab_ranges_copy(&work->ranges, work->scratch, user_list, nr);
	if (err)
		lab_work_drop(work);
	return err;
}

void lab_work_drop(struct lab_work *work)
{
	if (work->scratch)
		lab_scratch_put(work->space, work->scratch);
	lab_space_put(work->arena, work->space);
}

int lab_work_begin(struct lab_work *work, struct file *file, bool claim)
{
	int err;

	work->claim.mm = work->mm;
	work->claim.ranges = &work->ranges;
	work->claimed = claim;
	err = claim ? lab_claim(work->arena, &work->claim) : 0;
	if (err)
		return err;
	err = mmap_read_lock_killable(work->mm);
	if (err)
		goto unclaim;
	err = lab_pieces_find(&work->pieces, work->scratch, &work->ranges, work->mm, file);
	if (!err)
		return 0;
	mmap_read_unlock(work->mm);
unclaim:
	if (claim)
		lab_unclaim(work->arena, &work->claim);
	return err;
}

void lab_work_end(struct lab_work *work)
{
	mmap_read_unlock(work->mm);
	if (work->claimed)
		lab_unclaim(work->arena, &work->claim);
}
