// SPDX-License-Identifier: GPL-2.0-only
/*
 * The oracle's side in the module: tags in frames, for witnesses to read through their own TLBs.
 *
 * The module keeps what it must know about a tag in the frame's record, which no stale translation
 * reaches: two bits, and in the others the time at which the frame's last entry was cleared. A
 * frame that was never tagged has 0 there, and nothing is ever written to the frame.
 */
#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/timekeeping.h>

#include "kmod/linux/lab.h"

#define LAB_TAGGED 1ul		/* has a tag */
#define LAB_RETAGGED 2ul	/* and was released with the oracle on: its guard is set */
#define LAB_TAG_BITS (LAB_TAGGED | LAB_RETAGGED)

/* A released frame's guard: this, with the frame's number in the bits that are 0 here. */
#define LAB_GUARD 0x7ab1ed0000000000ull

static atomic64_t lab_tagged_frames;
static atomic64_t lab_stale_writes;

static u64 lab_guard(const struct lab_frame *frame)
{
	return LAB_GUARD ^ frame->number;
}

void lab_oracle_tag(struct lab_frame *frame)
{
	struct tlblab_tag *tag = page_address(frame->page);

	/* The rest is zero: the frame is new. Nobody maps it yet. */
	tag->frame = frame->number;
	tag->generation = atomic64_inc_return(&lab_tagged_frames);
	tag->state = TLBLAB_LIVE;
	frame->tag = LAB_TAGGED;
}

void lab_oracle_cleared(struct lab_frame *const *frames, u32 nr)
{
	unsigned long now_ns = ktime_get_ns() & ~LAB_TAG_BITS;
	u32 i;

	for (i = 0; i < nr; i++) {
		/*
		 * Another entry of the frame may be cleared at this moment, under another lock.
		 * Either time is right, and the last to release has written before.
		 */
		if (READ_ONCE(frames[i]->tag))
			WRITE_ONCE(frames[i]->tag, now_ns | LAB_TAGGED);
	}
}

void lab_oracle_released(const struct list_head *frames)
{
	u64 now_ns = ktime_get_ns();
	struct lab_frame *frame;

	list_for_each_entry(frame, frames, link) {
		struct tlblab_tag *tag = page_address(frame->page);

		if (!frame->tag)
			continue;
		/* A CPU that can still write to the frame may have spoilt any of it. */
		WRITE_ONCE(tag->cleared_ns, frame->tag & ~LAB_TAG_BITS);
		WRITE_ONCE(tag->released_ns, now_ns);
		WRITE_ONCE(tag->guard, lab_guard(frame));
		frame->tag |= LAB_RETAGGED;
		/* A witness that reads RELEASED sees the rest of the tag as written above. */
		smp_store_release(&tag->state, (u64)TLBLAB_RELEASED);
	}
}

void lab_oracle_forget(struct lab_frame *frame)
{
	const struct tlblab_tag *tag = page_address(frame->page);

	if (frame->tag & LAB_RETAGGED && READ_ONCE(tag->guard) != lab_guard(frame))
		atomic64_inc(&lab_stale_writes);
	frame->tag = 0;
}

u64 lab_oracle_stale_writes(void)
{
	return atomic64_read(&lab_stale_writes);
}
