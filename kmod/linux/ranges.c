// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the caller's list to pieces of VMAs: the list is copied before any lock is taken, checked,
 * claimed against other initiators, and found in the address space.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
/* If userfaultfd is not configured, this does not include what it uses. */
#include <linux/userfaultfd_k.h>

#include "kmod/linux/lab.h"

/* Aligned, not empty, no wrap, ascending, disjoint. */
static int lab_ranges_check(struct lab_ranges *ranges)
{
	u64 i, end = 0;

	ranges->nr_pages = 0;
	for (i = 0; i < ranges->nr; i++) {
		const struct tlblab_range *range = &ranges->list[i];

		if (!range->len_bytes || (range->start | range->len_bytes) & ~PAGE_MASK ||
		    range->start < end || range->start + range->len_bytes <= range->start)
			return -EINVAL;
		end = range->start + range->len_bytes;
		ranges->nr_pages += range->len_bytes >> PAGE_SHIFT;
	}
	return 0;
}

int lab_ranges_copy(struct lab_ranges *ranges, struct lab_scratch *scratch, u64 user_list, u64 nr)
{
	int err;

	might_sleep();
	if (!nr)
		return -EINVAL;
	if (nr > TLBLAB_MAX_RANGES)
		return -E2BIG;
	err = lab_scratch_fit_ranges(scratch, nr);
	if (err)
		return err;
	ranges->nr = nr;
	ranges->list = scratch->ranges;
	if (copy_from_user(scratch->ranges, u64_to_user_ptr(user_list),
			   nr * sizeof(*scratch->ranges)))
		return -EFAULT;
	return lab_ranges_check(ranges);
}

bool lab_ranges_touch(const struct lab_ranges *ranges, u64 start, u64 len)
{
	u64 i;

	for (i = 0; i < ranges->nr; i++) {
		const struct tlblab_range *range = &ranges->list[i];

		if (start < range->start + range->len_bytes && range->start < start + len)
			return true;
	}
	return false;
}

/* Both lists are ascending: one pass over the two. */
static bool lab_ranges_overlap(const struct lab_ranges *a, const struct lab_ranges *b)
{
	u64 i = 0, j = 0;

	while (i < a->nr && j < b->nr) {
		const struct tlblab_range *x = &a->list[i], *y = &b->list[j];

		if (x->start + x->len_bytes <= y->start)
			i++;
		else if (y->start + y->len_bytes <= x->start)
			j++;
		else
			return true;
	}
	return false;
}

static bool lab_claimable(const struct lab_arena *arena, const struct lab_claim *claim)
{
	const struct lab_claim *other;

	lockdep_assert_held(&arena->claims_lock);
	list_for_each_entry(other, &arena->claims, link) {
		if (other->mm == claim->mm && lab_ranges_overlap(other->ranges, claim->ranges))
			return false;
		/* The lists may be long, and there is one per caller. */
		cond_resched();
	}
	return true;
}

int lab_claim(struct lab_arena *arena, struct lab_claim *claim)
{
	unsigned long seen;
	bool granted;

	for (;;) {
		if (mutex_lock_killable(&arena->claims_lock))
			return -EINTR;
		granted = lab_claimable(arena, claim);
		if (granted)
			list_add_tail(&claim->link, &arena->claims);
		seen = arena->claims_dropped;
		mutex_unlock(&arena->claims_lock);
		if (granted)
			return 0;
		if (wait_event_killable(arena->claims_wait,
					READ_ONCE(arena->claims_dropped) != seen))
			return -EINTR;
	}
}

void lab_unclaim(struct lab_arena *arena, struct lab_claim *claim)
{
	mutex_lock(&arena->claims_lock);
	list_del(&claim->link);
	WRITE_ONCE(arena->claims_dropped, arena->claims_dropped + 1);
	mutex_unlock(&arena->claims_lock);
	wake_up_all(&arena->claims_wait);
}

int lab_pieces_find(struct lab_pieces *pieces, struct lab_scratch *scratch,
		    const struct lab_ranges *ranges, struct mm_struct *mm, struct file *file)
{
	struct vm_area_struct *vma = NULL;
	struct lab_vma *lab = NULL;
	u64 i;

	mmap_assert_locked(mm);
	/* We would not flush another MMU's translations. */
	if (mm_has_notifiers(mm))
		return -EBUSY;
	if (lab_scratch_fit_pieces(scratch, ranges->nr))
		return -ENOMEM;
	pieces->list = scratch->pieces;
	pieces->nr = ranges->nr;
	pieces->max_mapped = 0;
	for (i = 0; i < ranges->nr; i++) {
		u64 start = ranges->list[i].start, end = start + ranges->list[i].len_bytes;

		if (!vma || start >= vma->vm_end) {
			vma = find_vma(mm, start);
			lab = vma ? lab_vma_of(vma, file) : NULL;
			/* userfaultfd may set entries that aren't ours, and wants to see faults. */
			if (lab && userfaultfd_armed(vma))
				return -EBUSY;
			if (lab)
				pieces->max_mapped += atomic_long_read(&lab->nr_mapped);
		}
		if (!lab || start < vma->vm_start || end > vma->vm_end)
			return -EFAULT;
		scratch->pieces[i] = (struct lab_piece){ .start = start, .end = end, .vma = lab };
	}
	pieces->max_mapped = min(pieces->max_mapped, ranges->nr_pages);
	return 0;
}

bool lab_pieces_are_alone(const struct lab_pieces *pieces, struct mm_struct *mm,
			  struct file *file)
{
	unsigned long seen_until = 0;
	u64 i;

	mmap_assert_locked(mm);
	for (i = 0; i < pieces->nr; i++) {
		const struct vm_area_struct *vma = find_vma(mm, pieces->list[i].start);
		unsigned long start = max(vma->vm_start & PMD_MASK, seen_until);
		unsigned long end = ALIGN(vma->vm_end, PMD_SIZE);
		struct vm_area_struct *other;

		/*
		 * A fault under the lock of a shared table would wait for us. Each VMA is looked at
		 * once.
		 */
		for (other = find_vma(mm, start); other && other->vm_start < end;
		     other = find_vma(mm, other->vm_end))
			if (!lab_vma_of(other, file))
				return false;
		seen_until = end;
	}
	return true;
}
