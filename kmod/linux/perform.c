// SPDX-License-Identifier: GPL-2.0-only
/* TLBLAB_PERFORM: a request checked, and handed to the core with all that it needs. */
#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "kmod/linux/lab.h"

/* Lists of the scratch, as long as this request needs them. */
static int lab_plan_lists(struct lab_plan *plan, struct lab_work *work)
{
	struct lab_scratch *scratch = work->scratch;
	int err;

	/* Slots for all that can be set, and a span more: only batch_pages makes a batch full. */
	plan->max_frames = lab_core_frames(plan->request, plan->entries_per_table,
					   work->pieces.max_mapped + LAB_SPAN);
	plan->max_intervals = lab_core_intervals(plan->request, plan->ceiling_pages,
						 work->pieces.max_mapped + LAB_SPAN);
	err = lab_scratch_fit_core(scratch, plan->max_frames, plan->max_intervals);
	plan->frames = scratch->frames;
	plan->intervals = scratch->intervals;
	return err;
}

static int lab_run_core(struct lab_work *work, struct tlblab_request *request,
			const struct tlblab_capabilities *can, struct lab_pacer *pacer)
{
	struct lab_session session = {
		.arena = work->arena,
		.mm = work->mm,
		.oracle = request->flags & TLBLAB_ORACLE,
		.pacer = pacer,
	};
	struct lab_plan plan = {
		.request = request,
		.pieces = work->pieces.list,
		.nr_pieces = work->pieces.nr,
		.page_shift = PAGE_SHIFT,
		.entries_per_table = can->entries_per_table,
		.ceiling_pages = can->ceiling_pages,
	};
	int err;

	if (request->ceiling_pages && request->ceiling_pages < can->ceiling_pages)
		plan.ceiling_pages = request->ceiling_pages;
	err = lab_plan_lists(&plan, work);
	if (err)
		return err;
	err = lab_core_perform(&session, &plan, &work->space->leftovers, &request->account);
	lab_totals_add(&request->account);
	return err;
}

/* Neither account nor pace would have a page to be written to. */
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

	err = err ?: lab_work_begin(work, file, request->fault != TLBLAB_TRUST_NONE);
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

int lab_perform(struct file *file, struct tlblab_request *request, u64 user_argument)
{
	struct tlblab_capabilities can = {};
	struct lab_pacer pacer = {};
	struct lab_work work;
	int err;

	might_sleep();
	if (memchr_inv(&request->account, 0, sizeof(request->account)))
		return -EINVAL;
	lab_capabilities(&can);
	err = lab_core_check(request, &can);
	if (err)
		return err;
	if ((request->fault || request->pace) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = lab_work_copy(&work, file, request->ranges, request->nr_ranges);
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
