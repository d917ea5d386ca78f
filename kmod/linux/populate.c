// SPDX-License-Identifier: GPL-2.0-only
/* TLBLAB_POPULATE: frames for the entries of ranges. */
#include <linux/nodemask.h>

#include "kmod/linux/arch.h"
#include "kmod/linux/lab.h"

/* So that performing on these ranges, by whatever scheme, allocates nothing. */
static int lab_make_ready(struct lab_work *work)
{
	u64 nr = work->ranges.nr_pages + LAB_SPAN;

	return lab_scratch_fit_core(work->scratch, nr, min_t(u64, nr, lab_arch_ceiling_pages()));
}

int lab_populate(struct file *file, struct tlblab_populate *populate)
{
	struct lab_work work;
	int err;

	might_sleep();
	if (populate->flags & ~TLBLAB_TAG || populate->reserved || populate->populated)
		return -EINVAL;
	if (populate->node != NUMA_NO_NODE &&
	    (populate->node < 0 || populate->node >= MAX_NUMNODES ||
	     !node_state(populate->node, N_MEMORY)))
		return -EINVAL;
	err = lab_work_copy(&work, file, populate->ranges, populate->nr_ranges);
	if (err)
		return err;
	err = lab_work_begin(&work, file, true);
	if (!err) {
		struct lab_session session = {
			.arena = work.arena,
			.mm = work.mm,
			.populate = populate,
		};

		err = lab_core_populate(&session, work.pieces.list, work.pieces.nr, PAGE_SHIFT,
					&work.space->leftovers, &populate->populated);
		lab_work_end(&work);
		err = err ?: lab_make_ready(&work);
	}
	lab_work_drop(&work);
	return err;
}
