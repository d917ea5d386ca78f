// SPDX-License-Identifier: GPL-2.0-only
/*
 * TLBLAB_PERFORM: gives a request to its engine. The lab's checks it, and calls the core with all
 * that it needs.
 */
#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "kmod/linux/lab.h"

static int lab_run_core(struct lab_work *work, struct tlblab_request *request,
			const struct tlblab_capabilities *can, struct lab_pacer *pacer)
{
	struct lab_session session = {
		.arena = work->arena,
		.mm = work->mm,
		.oracle = request->flags & TLBLAB_ORACLE,
		.pacer = pacer,
	};
	int err = lab_work_fit(work, work->pieces.max_mapped);
	const struct lab_plan plan = {
		.request = request,
		.pieces = work->pieces.list,
		.nr_pieces = work->pieces.nr,
		.page_shift = PAGE_SHIFT,
		.entries_per_table = can->entries_per_table,
		.ceiling_pages = work->needs->ceiling_pages,
		.max_frames = min(work->scratch->max_frames, work->needs->max_frames),
		.intervals = work->scratch->intervals,
		.frames = work->scratch->frames,
	};

	if (err)
		return err;
	err = lab_core_perform(&session, &plan, &work->space->leftovers, &request->account);
	lab_totals_add(&request->account);
	return err;
}

/* If the ranges contain the request or the pace: the account and pace could not be written. */
static bool lab_in_its_own_way(const struct lab_work *work, const struct tlblab_request *request,
			       u64 user_argument)
{
	return lab_ranges_touch(&work->ranges, user_argument, request->size) ||
	       (request->pace &&
		lab_ranges_touch(&work->ranges, request->pace, sizeof(struct tlblab_pace)));
}

static int lab_perform_work(struct lab_work *work, struct file *file,
			    struct tlblab_request *request, const struct tlblab_capabilities *can,
			    struct lab_pacer *pacer)
{
	int err = request->pace ? lab_pacer_begin(pacer, request->pace) : 0;

	err = err ?: lab_work_begin(work, file);
	if (err)
		return err;
	if (pacer->limit_ms > TLBLAB_USUAL_PACE_MS &&
	    !lab_pieces_are_alone(&work->pieces, work->mm, file)) {
		lab_work_end(work);
		return -EINVAL;
	}
	err = lab_run_core(work, request, can, pacer);
	lab_work_end(work);
	if (request->pace)
		lab_pacer_stop(pacer, TLBLAB_STEP_RETURN, 0, true);
	return !err && pacer->late ? -ETIMEDOUT : err;
}

static int lab_perform_lab(struct file *file, struct tlblab_request *request, u64 user_argument)
{
	struct tlblab_capabilities can = {};
	struct lab_pacer pacer = {};
	struct lab_needs needs;
	struct lab_work work;
	int err;

	lab_capabilities(&can);
	err = lab_core_prepare(request, &can, &needs);
	if (err)
		return err;
	if ((request->fault || request->pace) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = lab_work_copy(&work, file, request->ranges, request->nr_ranges, &needs);
	if (err)
		return err;
	if (lab_in_its_own_way(&work, request, user_argument))
		err = -EINVAL;
	else
		err = lab_perform_work(&work, file, request, &can, &pacer);
	lab_pacer_end(&pacer);
	lab_work_drop(&work);
	return err;
}

int lab_perform(struct file *file, struct tlblab_request *request, u64 user_argument)
{
	might_sleep();
	if (memchr_inv(&request->account, 0, sizeof(request->account)))
		return -EINVAL;
	switch (request->engine) {
	case TLBLAB_ENGINE_LAB:
		return lab_perform_lab(file, request, user_argument);
	default:
		return -EINVAL;
	}
}
