// SPDX-License-Identifier: GPL-2.0-only
/* TLBLAB_POPULATE: frames for the entries of ranges. */
#include <linux/nodemask.h>

#include "kmod/linux/lab.h"

int lab_populate(struct file *file, struct tlblab_populate *populate)
{
	struct tlblab_capabilities can = {};
	struct lab_needs needs;
	struct lab_work work;
	int err;

	might_sleep();
	if (populate->flags & ~TLBLAB_TAG || populate->reserved || populate->populated)
		return -EINVAL;
	if (populate->node != NUMA_NO_NODE &&
	    (populate->node < 0 || populate->node >= MAX_NUMNODES ||
	     !node_state(populate->node, N_MEMORY)))
		return -EINVAL;
	lab_capabilities(&can);
	lab_core_prepare_populate(&can, &needs);
	err = lab_work_copy(&work, file, populate->ranges, populate->nr_ranges, &needs);
	if (err)
		return err;
	err = lab_work_begin(&work, file);
	if (!err) {
		struct lab_session session = {
			.arena = work.arena,
			.mm = work.mm,
			.populate = populate,
		};

		err = lab_core_populate(&session, work.pieces.list, work.pieces.nr, PAGE_SHIFT,
					&work.space->leftovers, &populate->populated);
		lab_work_end(&work);
		/* So that performing on these ranges allocates nothing, under any scheme. */
		err = err ?: lab_work_fit(&work, work.ranges.nr_pages);
	}
	lab_work_drop(&work);
	return err;
}
