// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two calls that do something, and what of the kernel the core calls meanwhile.
 */
#include <linux/cache.h>
#include <linux/capability.h>
#include <linux/init.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "kmod/linux/arch.h"
#include "kmod/linux/lab.h"

/* Entries of one span. */
#define LAB_SPAN 64

struct lab_flush_cost lab_flush_intervals(struct lab_session *session,
					  const struct lab_interval *intervals, u32 nr)
{
	return lab_arch_flush_intervals(session->mm, session->mechanism, intervals, nr);
}

struct lab_flush_cost lab_flush_mm(struct lab_session *session)
{
	return lab_arch_flush_mm(session->mm);
}

u64 lab_release_frames(struct lab_session *session, void *const *frames, u32 nr)
{
	return lab_arena_release(session->arena, frames, nr, session->oracle);
}

bool lab_resched_point(struct lab_session *session)
{
	cond_resched();
	return !fatal_signal_pending(current);
}

void lab_stop_before(struct lab_session *session, u32 step, u64 subject, bool may_yield)
{
	if (step == TLBLAB_STEP_RELEASE)
		subject = page_to_pfn((struct page *)subject);
	lab_pacer_stop(session->pacer, step, subject, may_yield);
}

u64 lab_clock_ns(void)
{
	return ktime_get_ns();
}

static struct tlblab_capabilities lab_can __ro_after_init;

void __init lab_operation_init(void)
{
	lab_can.abi_version = TLBLAB_ABI_VERSION;
	lab_can.page_bytes = PAGE_SIZE;
	lab_can.entries_per_table = PTRS_PER_PTE;
	lab_can.features = TLBLAB_HAS_PACE;
	lab_core_describe(&lab_can);
	lab_arch_describe(&lab_can);
}

const struct tlblab_capabilities *lab_capabilities(void)
{
	return &lab_can;
}

/* Ranges copied, claimed and found, with mmap_lock held: the state in which both calls work. */
struct lab_work {
	struct lab_arena *arena;
	struct mm_struct *mm;
	struct lab_ranges ranges;
	struct lab_claim claim;
	bool claimed;			/* false under TLBLAB_TRUST_NONE */
	struct lab_pieces pieces;
};

/* @ranges are copied. They stay the caller's if this fails. */
static int lab_work_begin(struct lab_work *work, struct file *file, bool claim)
{
	int err;

	work->arena = file->private_data;
	work->mm = current->mm;
	work->claim.mm = work->mm;
	work->claim.ranges = &work->ranges;
	work->claimed = claim;
	err = claim ? lab_claim(work->arena, &work->claim) : 0;
	if (err)
		return err;
	err = mmap_read_lock_killable(work->mm);
	if (err)
		goto unclaim;
	err = lab_pieces_find(&work->pieces, &work->ranges, work->mm, file);
	if (!err)
		return 0;
	mmap_read_unlock(work->mm);
unclaim:
	if (claim)
		lab_unclaim(work->arena, &work->claim);
	return err;
}

static void lab_work_end(struct lab_work *work)
{
	mmap_read_unlock(work->mm);
	if (work->claimed)
		lab_unclaim(work->arena, &work->claim);
	lab_pieces_free(&work->pieces);
}

static int lab_run_core(struct lab_work *work, struct tlblab_request *request,
			struct lab_pacer *pacer)
{
	struct lab_session session = {
		.arena = work->arena,
		.mm = work->mm,
		.mechanism = request->mechanism,
		.oracle = request->flags & TLBLAB_ORACLE,
		.pacer = pacer,
	};
	struct lab_plan plan = {
		.request = request,
		.pieces = work->pieces.list,
		.nr_pieces = work->pieces.nr,
		.ceiling_pages = lab_can.ceiling_pages,
	};
	int err = -ENOMEM;

	if (request->ceiling_pages && request->ceiling_pages < lab_can.ceiling_pages)
		plan.ceiling_pages = request->ceiling_pages;
	/* Slots for all that can be set, and a span more: only batch_pages makes a batch full. */
	plan.max_frames = lab_core_frames(request, work->pieces.max_mapped + LAB_SPAN);
	plan.max_intervals = lab_core_intervals(request, plan.ceiling_pages);
	plan.frames = lab_should_fail() ? NULL :
		kvmalloc_array(plan.max_frames, sizeof(*plan.frames), GFP_KERNEL_ACCOUNT);
	plan.intervals = lab_should_fail() ? NULL :
		kvmalloc_array(plan.max_intervals, sizeof(*plan.intervals), GFP_KERNEL_ACCOUNT);
	if (plan.frames && plan.intervals) {
		if (request->fault)
			WRITE_ONCE(work->arena->stale, true);
		err = lab_core_perform(&session, &plan, &request->account);
		lab_totals_add(&request->account);
	}
	kvfree(plan.intervals);
	kvfree(plan.frames);
	return err;
}

int lab_perform(struct file *file, struct tlblab_request *request, u64 user_argument)
{
	struct lab_pacer pacer = {};
	struct lab_work work;
	int err;

	if (memchr_inv(&request->account, 0, sizeof(request->account)))
		return -EINVAL;
	err = lab_core_check(request, &lab_can);
	if (err)
		return err;
	if ((request->fault || request->pace) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = lab_ranges_copy(&work.ranges, request->ranges, request->nr_ranges);
	if (err)
		return err;
	/* Neither account nor pace would have a page to be written to. */
	if (lab_ranges_touch(&work.ranges, user_argument, request->size) ||
	    (request->pace &&
	     lab_ranges_touch(&work.ranges, request->pace, sizeof(struct tlblab_pace))))
		err = -EINVAL;
	else if (request->pace)
		err = lab_pacer_begin(&pacer, request->pace);
	if (!err)
		err = lab_work_begin(&work, file, request->fault != TLBLAB_TRUST_NONE);
	if (!err) {
		err = lab_run_core(&work, request, &pacer);
		lab_work_end(&work);
		if (request->pace)
			lab_pacer_stop(&pacer, TLBLAB_STEP_RETURN, 0, true);
		if (!err && pacer.late)
			err = -ETIMEDOUT;
	}
	lab_pacer_end(&pacer);
	lab_ranges_free(&work.ranges);
	return err;
}

/* Drops the references of frames that found their entry set already, or no table. */
static void lab_put_unused(struct lab_arena *arena, struct page **pages, u32 nr)
{
	void *unused[LAB_SPAN];
	u32 i, nr_unused = 0;

	for (i = 0; i < nr; i++)
		if (pages[i])
			unused[nr_unused++] = pages[i];
	if (nr_unused)
		lab_arena_release(arena, unused, nr_unused, false);
}

/* Sets the empty ones of at most LAB_SPAN entries. */
static int lab_populate_span(struct lab_work *work, struct vm_area_struct *vma,
			     unsigned long address, u32 nr, struct tlblab_populate *populate)
{
	struct lab_vma *lab = vma->vm_private_data;
	unsigned long index = (address - lab->start) >> PAGE_SHIFT;
	struct page *pages[LAB_SPAN] = {};
	u32 i, wanted = 0;
	int err = 0;

	for (i = 0; i < nr && !err; i++) {
		/* Our claim keeps the bit as it is, but for those who trust none. */
		if (test_bit(index + i, (unsigned long *)lab->mapped))
			continue;
		pages[i] = lab_arena_frame(work->arena, lab->pgoff + index + i, populate->node,
					   populate->flags & TLBLAB_TAG);
		if (pages[i])
			wanted++;
		else
			err = -ENOMEM;
	}
	if (wanted) {
		int map_err = lab_map_span(work->mm, vma, address, nr, pages);

		for (i = 0; i < nr; i++)
			wanted -= !!pages[i];
		populate->populated += wanted;
		lab_put_unused(work->arena, pages, nr);
		err = err ?: map_err;
	}
	return err;
}

static int lab_populate_piece(struct lab_work *work, const struct lab_piece *piece,
			      struct tlblab_populate *populate)
{
	struct vm_area_struct *vma = find_vma(work->mm, piece->start);
	unsigned long address = piece->start;
	int err = 0;

	while (address < piece->end && !err) {
		u32 nr = min_t(u64, LAB_SPAN, (piece->end - address) >> PAGE_SHIFT);

		err = lab_populate_span(work, vma, address, nr, populate);
		address += (unsigned long)nr << PAGE_SHIFT;
		cond_resched();
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
	}
	return err;
}

int lab_populate(struct file *file, struct tlblab_populate *populate)
{
	struct lab_work work;
	u64 i;
	int err;

	if (populate->flags & ~TLBLAB_TAG || populate->reserved || populate->populated)
		return -EINVAL;
	if (populate->node != NUMA_NO_NODE &&
	    (populate->node < 0 || populate->node >= MAX_NUMNODES ||
	     !node_state(populate->node, N_MEMORY)))
		return -EINVAL;
	err = lab_ranges_copy(&work.ranges, populate->ranges, populate->nr_ranges);
	if (err)
		return err;
	err = lab_work_begin(&work, file, true);
	if (!err) {
		/* Else a CPU could go on using what a fault left it, and miss what we map. */
		if (READ_ONCE(work.arena->stale))
			lab_arch_flush_mm(work.mm);
		for (i = 0; i < work.pieces.nr && !err; i++)
			err = lab_populate_piece(&work, &work.pieces.list[i], populate);
		lab_work_end(&work);
	}
	lab_ranges_free(&work.ranges);
	return err;
}
