// SPDX-License-Identifier: GPL-2.0-only
/* TLBLAB_POPULATE: frames for the entries of ranges. */
#include <linux/nodemask.h>
#include <linux/sched/signal.h>

#include "kmod/linux/arch.h"
#include "kmod/linux/lab.h"

/* Drops the mappings of frames that found their entry set already, or no table. */
static void lab_put_unused(struct lab_arena *arena, struct lab_frame **frames, u32 nr)
{
	struct lab_frame *unused[LAB_SPAN];
	u32 i, nr_unused = 0;

	for (i = 0; i < nr; i++)
		if (frames[i])
			unused[nr_unused++] = frames[i];
	if (nr_unused)
		lab_arena_release(arena, unused, nr_unused, false);
}

/* Sets the empty ones of at most LAB_SPAN entries. */
static int lab_populate_span(struct lab_work *work, struct vm_area_struct *vma,
			     unsigned long address, u32 nr, struct tlblab_populate *populate)
{
	struct lab_vma *lab = vma->vm_private_data;
	unsigned long index = (address - lab->start) >> PAGE_SHIFT;
	struct lab_frame *frames[LAB_SPAN] = {};
	int err = lab_vma_make_slots(lab, index, nr);
	u32 i, wanted = 0;
	int map_err;

	for (i = 0; i < nr && !err; i++) {
		/* Our claim keeps it as it is, but for those who trust none. */
		if (READ_ONCE(*lab_vma_slot(lab, index + i)))
			continue;
		frames[i] = lab_arena_frame(work->arena, lab->pgoff + index + i, populate->node,
					    populate->flags & TLBLAB_TAG);
		if (frames[i])
			wanted++;
		else
			err = -ENOMEM;
	}
	if (!wanted)
		return err;
	map_err = lab_map_span(work->mm, vma, address, nr, frames);
	for (i = 0; i < nr; i++)
		wanted -= !!frames[i];
	populate->populated += wanted;
	lab_put_unused(work->arena, frames, nr);
	return err ?: map_err;
}

static int lab_populate_piece(struct lab_work *work, const struct lab_piece *piece,
			      struct tlblab_populate *populate)
{
	struct vm_area_struct *vma = find_vma(work->mm, piece->start);
	unsigned long address = piece->start;
	int foreign = 0;
	int err = 0;

	while (address < piece->end && !err) {
		u32 nr = min_t(u64, LAB_SPAN, (piece->end - address) >> PAGE_SHIFT);

		err = lab_populate_span(work, vma, address, nr, populate);
		address += (unsigned long)nr << PAGE_SHIFT;
		cond_resched();
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		/* The rest is populated all the same. */
		if (err == -EUCLEAN) {
			foreign = err;
			err = 0;
		}
	}
	return err ?: foreign;
}

static int lab_populate_pieces(struct lab_work *work, struct tlblab_populate *populate)
{
	struct lab_session session = { .arena = work->arena, .mm = work->mm };
	int foreign = 0;
	int err = 0;
	u64 i;

	/* Else a CPU could go on using what a scheme left it, and miss what we map. */
	lab_core_forget(&session, &work->space->leftovers);
	for (i = 0; i < work->pieces.nr && !err; i++) {
		err = lab_populate_piece(work, &work->pieces.list[i], populate);
		if (err == -EUCLEAN) {
			foreign = err;
			err = 0;
		}
	}
	return err ?: foreign;
}

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
		err = lab_populate_pieces(&work, populate);
		lab_work_end(&work);
		err = err ?: lab_make_ready(&work);
	}
	lab_work_drop(&work);
	return err;
}
