// SPDX-License-Identifier: GPL-2.0-only
/*
 * What outlives a call, for each (arena, address space): what schemes may have left in its TLBs,
 * and the lists that operations work with.
 */
#include <linux/slab.h>

#include "kmod/linux/lab.h"

struct lab_space *lab_space_get(struct lab_arena *arena, struct mm_struct *mm)
{
	struct lab_space *space, *found = NULL;

	might_sleep();
	mutex_lock(&arena->spaces_lock);
	list_for_each_entry(space, &arena->spaces, link) {
		if (space->mm == mm) {
			found = space;
			break;
		}
	}
	if (!found && !lab_should_fail())
		found = kzalloc(sizeof(*found), GFP_KERNEL_ACCOUNT);
	if (found && !found->nr_users++) {
		found->mm = mm;
		spin_lock_init(&found->lock);
		INIT_LIST_HEAD(&found->scratches);
		list_add(&found->link, &arena->spaces);
	}
	mutex_unlock(&arena->spaces_lock);
	return found;
}

static void lab_scratch_free(struct lab_scratch *scratch)
{
	kvfree(scratch->ranges);
	kvfree(scratch->pieces);
	kvfree(scratch->frames);
	kvfree(scratch->intervals);
	kfree(scratch);
}

void lab_space_put(struct lab_arena *arena, struct lab_space *space)
{
	struct lab_scratch *scratch, *next;
	bool last;

	mutex_lock(&arena->spaces_lock);
	last = !--space->nr_users;
	if (last)
		list_del(&space->link);
	mutex_unlock(&arena->spaces_lock);
	if (!last)
		return;
	list_for_each_entry_safe(scratch, next, &space->scratches, link)
		lab_scratch_free(scratch);
	kfree(space);
}

struct lab_scratch *lab_scratch_get(struct lab_space *space)
{
	struct lab_scratch *scratch;

	spin_lock(&space->lock);
	scratch = list_first_entry_or_null(&space->scratches, struct lab_scratch, link);
	if (scratch)
		list_del(&scratch->link);
	spin_unlock(&space->lock);
	if (scratch || lab_should_fail())
		return scratch;
	return kzalloc(sizeof(*scratch), GFP_KERNEL_ACCOUNT);
}

void lab_scratch_put(struct lab_space *space, struct lab_scratch *scratch)
{
	spin_lock(&space->lock);
	list_add(&scratch->link, &space->scratches);
	spin_unlock(&space->lock);
}

/* Makes *list hold at least @nr elements of @size bytes. */
static int lab_fit(void **list, u64 *max, u64 nr, size_t size)
{
	if (nr <= *max)
		return 0;
	might_sleep();
	kvfree(*list);
	*list = NULL;
	*max = 0;
	/* kvmalloc() warns past INT_MAX, and any caller could cause that. */
	if (nr > INT_MAX / size || lab_should_fail())
		return -ENOMEM;
	*list = kvmalloc(nr * size, GFP_KERNEL_ACCOUNT);
	if (!*list)
		return -ENOMEM;
	*max = nr;
	return 0;
}

int lab_scratch_fit_ranges(struct lab_scratch *scratch, u64 nr)
{
	return lab_fit((void **)&scratch->ranges, &scratch->max_ranges, nr,
		       sizeof(*scratch->ranges));
}

int lab_scratch_fit_pieces(struct lab_scratch *scratch, u64 nr)
{
	return lab_fit((void **)&scratch->pieces, &scratch->max_pieces, nr,
		       sizeof(*scratch->pieces));
}

int lab_scratch_fit_core(struct lab_scratch *scratch, u64 nr_frames, u64 nr_intervals)
{
	return lab_fit((void **)&scratch->frames, &scratch->max_frames, nr_frames,
		       sizeof(*scratch->frames)) ?:
	       lab_fit((void **)&scratch->intervals, &scratch->max_intervals, nr_intervals,
		       sizeof(*scratch->intervals));
}
