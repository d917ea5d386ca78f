// SPDX-License-Identifier: GPL-2.0-only
/* The arena: the frames of one open file, by their offset in it. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "kmod/linux/lab.h"

/* When the last one goes, the quarantine is emptied. */
static atomic_t lab_nr_arenas;

struct lab_arena *lab_arena_create(void)
{
	struct lab_arena *arena = lab_should_fail() ? NULL : kzalloc(sizeof(*arena), GFP_KERNEL);

	if (!arena)
		return NULL;
	refcount_set(&arena->refs, 1);
	mutex_init(&arena->vmas_lock);
	INIT_LIST_HEAD(&arena->vmas);
	xa_init(&arena->frames);
	mutex_init(&arena->spaces_lock);
	INIT_LIST_HEAD(&arena->spaces);
	mutex_init(&arena->claims_lock);
	INIT_LIST_HEAD(&arena->claims);
	init_waitqueue_head(&arena->claims_wait);
	init_waitqueue_head(&arena->busy_wait);
	atomic_inc(&lab_nr_arenas);
	return arena;
}

void lab_arena_put(struct lab_arena *arena)
{
	if (!refcount_dec_and_test(&arena->refs))
		return;
	mutex_destroy(&arena->vmas_lock);
	kfree(arena);
}

void lab_arena_destroy(struct lab_arena *arena)
{
	/*
	 * Frames go with their last mapping. One that something still maps must never be used
	 * again: better lost than shared.
	 */
	if (!xa_empty(&arena->frames))
		pr_err_once("leak: an arena is gone, and frames of it are still mapped\n");
	xa_destroy(&arena->frames);
	mutex_destroy(&arena->spaces_lock);
	mutex_destroy(&arena->claims_lock);
	lab_arena_put(arena);
	if (atomic_dec_and_test(&lab_nr_arenas))
		lab_frames_trim();
}

struct lab_frame *lab_arena_frame(struct lab_arena *arena, pgoff_t pgoff, int node, bool tag)
{
	struct lab_frame *frame, *fresh = NULL;
	int err;

	might_sleep();
	for (;;) {
		xa_lock(&arena->frames);
		frame = xa_load(&arena->frames, pgoff);
		if (frame)
			frame->nr_mappings++;
		xa_unlock(&arena->frames);
		if (frame)
			break;
		if (!fresh) {
			fresh = lab_frame_take(node);
			if (!fresh)
				return NULL;
			refcount_inc(&arena->refs);
			fresh->arena = arena;
			fresh->pgoff = pgoff;
			fresh->nr_mappings = 1;
			if (tag)
				lab_oracle_tag(fresh);
		}
		err = lab_should_fail() ? -ENOMEM :
			xa_insert(&arena->frames, pgoff, fresh, GFP_KERNEL_ACCOUNT);
		if (!err)
			return fresh;
		if (err != -EBUSY)
			break;
	}
	/* Another process was faster, or the index has no memory. */
	if (fresh) {
		LIST_HEAD(unused);

		list_add(&fresh->link, &unused);
		lab_frames_quarantine(&unused, 1);
	}
	return frame;
}

u64 lab_arena_release(struct lab_arena *arena, struct lab_frame *const *frames, u32 nr, bool oracle)
{
	LIST_HEAD(last);
	u32 i, nr_last = 0;

	/* Under the lock a frame can't gain a mapping, see lab_arena_frame(). */
	xa_lock(&arena->frames);
	for (i = 0; i < nr; i++) {
		struct lab_frame *frame = frames[i];

		if (!--frame->nr_mappings) {
			__xa_erase(&arena->frames, frame->pgoff);
			list_add_tail(&frame->link, &last);
			nr_last++;
		}
	}
	xa_unlock(&arena->frames);
	if (!nr_last)
		return 0;
	if (oracle)
		lab_oracle_released(&last);
	lab_frames_quarantine(&last, nr_last);
	return nr_last;
}
