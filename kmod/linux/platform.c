// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel offers the core (kernel.h): the calls that take a line or two. Entries are in
 * pagetable.c, the quarantine's steps in frames.c, flushes in kmod/arch.
 */
#include <linux/atomic.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>

#include "kmod/linux/lab.h"

u64 lab_release_frames(struct lab_session *session, void *const *frames, u32 nr)
{
	return lab_arena_release(session->arena, (struct lab_frame *const *)frames, nr,
				 session->oracle);
}

bool lab_resched_point(struct lab_session *session)
{
	might_sleep();
	cond_resched();
	return !fatal_signal_pending(current);
}

void lab_stop_before(struct lab_session *session, u32 step, u64 subject, bool may_yield)
{
	lockdep_assert_irqs_enabled();
	if (step == TLBLAB_STEP_RELEASE)
		subject = ((const struct lab_frame *)subject)->number;
	lab_pacer_stop(session->pacer, step, subject, may_yield);
}

u64 lab_clock_ns(void)
{
	return ktime_get_ns();
}

u64 lab_word_load(const u64 *word)
{
	/* The contract's own order: see Words in kmod/core/words.hh. */
	return smp_load_acquire(word);
}

u64 lab_word_add(u64 *word, u64 delta)
{
	return atomic64_add_return(delta, (atomic64_t *)word);
}

bool lab_word_exchange_if(u64 *word, u64 expected, u64 desired)
{
	return cmpxchg(word, expected, desired) == expected;
}
