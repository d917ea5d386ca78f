// SPDX-License-Identifier: GPL-2.0-only
/*
 * What perform and populate begin with: the caller's list is copied before any lock is taken, then
 * claimed and found.
 */
#include <linux/sched.h>

#include "kmod/linux/lab.h"

int lab_work_copy(struct lab_work *work, struct file *file, u64 user_list, u64 nr,
		  const struct lab_needs *needs)
{
	int err = -ENOMEM;

	might_sleep();
	*work = (struct lab_work){
		.needs = needs,
		.arena = file->private_data,
		.mm = current->mm,
	};
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

static int lab_lock_mm(const struct lab_work *work)
{
	return work->needs->writes_vmas ? mmap_write_lock_killable(work->mm) :
		mmap_read_lock_killable(work->mm);
}

static void lab_unlock_mm(const struct lab_work *work)
{
	if (work->needs->writes_vmas)
		mmap_write_unlock(work->mm);
	else
		mmap_read_unlock(work->mm);
}

int lab_work_begin(struct lab_work *work, struct file *file)
{
	int err = 0;

	work->claim.mm = work->mm;
	work->claim.ranges = &work->ranges;
	if (work->needs->claims_ranges)
		err = lab_claim(work->arena, &work->claim);
	if (err)
		return err;
	err = lab_lock_mm(work);
	if (err)
		goto unclaim;
	err = lab_pieces_find(&work->pieces, work->scratch, &work->ranges, work->mm, file);
	if (!err)
		return 0;
	lab_unlock_mm(work);
unclaim:
	if (work->needs->claims_ranges)
		lab_unclaim(work->arena, &work->claim);
	return err;
}

int lab_work_fit(struct lab_work *work, u64 nr_entries)
{
	/* One span more, so that only a batch's own limit makes it full. */
	u64 nr = nr_entries + LAB_SPAN;

	return lab_scratch_fit_core(work->scratch, clamp(nr, 1ULL, work->needs->max_frames),
				    clamp(nr, 1ULL, work->needs->max_intervals));
}

void lab_work_end(struct lab_work *work)
{
	lab_unlock_mm(work);
	if (work->needs->claims_ranges)
		lab_unclaim(work->arena, &work->claim);
}
