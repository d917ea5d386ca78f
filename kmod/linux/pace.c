// SPDX-License-Identifier: GPL-2.0-only
/*
 * Paced operations: before each step the module tells the caller, in a word of the caller's memory,
 * and waits for it.
 *
 * The wait is a loop, because a page-table lock may be held. All waits of an operation together end
 * well before a watchdog would fire (a soft lockup takes 20 s, an RCU stall 21 s; both can be set
 * lower). Faults in other VMAs under the same lock spin meanwhile, so the limit is half a second
 * unless there are no such VMAs.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "kmod/linux/lab.h"

int lab_pacer_begin(struct lab_pacer *pacer, u64 user_pace)
{
	unsigned long offset = offset_in_page(user_pace);
	int nr;

	might_sleep();
	if (user_pace % sizeof(u64) || offset > PAGE_SIZE - sizeof(struct tlblab_pace))
		return -EINVAL;
	nr = pin_user_pages_fast(user_pace, 1, FOLL_WRITE, &pacer->page);
	if (nr != 1) {
		pacer->page = NULL;
		/* Other errors also say that this is not such memory. */
		return nr == -ENOMEM || nr == -EINTR ? nr : -EFAULT;
	}
	/* 64-bit kernels have all memory mapped, see compat.h. */
	pacer->pace = page_address(pacer->page) + offset;
	pacer->limit_ms = READ_ONCE(pacer->pace->limit_ms) ?: TLBLAB_USUAL_PACE_MS;
	pacer->left = msecs_to_jiffies(pacer->limit_ms);
	return pacer->limit_ms > TLBLAB_MAX_PACE_MS ? -EINVAL : 0;
}

void lab_pacer_end(struct lab_pacer *pacer)
{
	if (pacer->page)
		unpin_user_pages_dirty_lock(&pacer->page, 1, true);
}

void lab_pacer_stop(struct lab_pacer *pacer, u32 step, u64 subject, bool may_yield)
{
	struct tlblab_pace *pace = pacer->pace;
	unsigned long start = jiffies;
	unsigned long waited = 0;
	u32 nr = pacer->nr_stops++;

	lockdep_assert_irqs_enabled();
	if (may_yield)
		might_sleep();
	if (pacer->over)
		return;
	WRITE_ONCE(pace->step, step);
	WRITE_ONCE(pace->subject, subject);
	/* A reader of the stop's number also sees its step and subject. */
	smp_store_release(&pace->stopped, nr + 1);
	/* What the caller did before it allowed the step is visible after the loop. */
	while (smp_load_acquire(&pace->allowed) <= nr && !pacer->over) {
		waited = jiffies - start;
		pacer->late = waited >= pacer->left;
		pacer->over = pacer->late || fatal_signal_pending(current);
		if (may_yield)
			cond_resched();
		cpu_relax();
	}
	pacer->left -= min(waited, pacer->left);
}
