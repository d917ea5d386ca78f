/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel offers the core: one of the two headers that kmod/linux (C) and kmod/core (C++)
 * share. It needs no Linux header. The contract of these calls, for any machine below the core, is
 * kmod/core/platform.hh; the comments here say only what the kernel adds to it.
 */
#ifndef TLBLAB_BOUNDARY_KERNEL_H
#define TLBLAB_BOUNDARY_KERNEL_H

#include "kmod/boundary/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A leaf page table, locked, and the part of a piece that it maps. */
struct lab_table {
	__u64 start;		/* first address of the piece in this table */
	__u64 end;		/* past the last one; above start */
	void *entries;		/* the entry of @start */
	void *lock;
	void *vma;
};

/* One flush request: what it covers, and how it is made. */
struct lab_flush {
	const struct lab_interval *intervals;	/* ascending, disjoint; ignored if @whole */
	__u32 nr_intervals;		/* at least 1 unless @whole */
	__u32 mechanism;		/* enum tlblab_mechanism; 0: any */
	__u32 stride_shift;		/* of what one entry maps; ignored if @whole */
	bool whole;			/* the whole address space */
	bool tables_freed;		/* and what walks cached of freed page tables */
	bool executable;		/* and instruction caches: an entry was executable */
};

/* What one flush request cost, to be added to the account. */
struct lab_flush_cost {
	__u64 targets;		/* other CPUs in the mm's mask, or TLBLAB_UNKNOWN */
	__u64 tlbi;
	__u64 dsb_ishst;
	__u64 dsb_ish;
	__u64 repeats;
};

/* What was found in a span of entries: bit i is page i. */
struct lab_span {
	__u64 cleared;		/* this arena's: empty now */
	__u64 foreign;		/* not this arena's: unchanged */
};

/* What lab_reserve_span() reserved. */
struct lab_reserved {
	__u64 mask;			/* bit i: the entry of page i */
	__s32 error;			/* 0; -12 (ENOMEM): no memory for the rest */
};

/* What lab_set_span() set. */
struct lab_set {
	__u64 mask;			/* these map their frames now */
	__u64 foreign;			/* not this arena's: unchanged */
	__s32 error;			/* 0; -12 (ENOMEM): no page table for the rest */
};

/*
 * Finds the first existing leaf table that maps part of [@start, @end), and locks it with the
 * kernel's own page-table lock. Returns false, with nothing locked, if there is none. Doesn't
 * sleep.
 */
bool lab_table_lock(struct lab_session *session, void *vma, __u64 start, __u64 end,
		    struct lab_table *table);
void lab_table_unlock(struct lab_session *session, struct lab_table *table);

/*
 * Clears those of the @nr entries (1 to 64) from @address in a locked table that are present,
 * special, and map the frame that the arena has set there. Writes their frames, in order and
 * packed, to @frames. Never goes beyond the table's end, whatever @nr is.
 */
struct lab_span lab_clear_span(struct lab_session *session, struct lab_table *table, __u64 address,
			       __u32 nr, void **frames);

/*
 * x86. One flush request, complete on return, of one interval at most. Doesn't sleep; may be called
 * under a page-table lock; interrupts are enabled.
 */
struct lab_flush_cost lab_shootdown(struct lab_session *session, const struct lab_flush *request);

/*
 * arm64. The steps of a flush request (kmod/core/flush/broadcast.hh), each out of line, so that its
 * object code can be compared with what the memory model was asked about. Context as above.
 */
void lab_publish(void);
__u64 lab_read_asid(struct lab_session *session);
__u64 lab_invalidate(__u64 asid, const struct lab_interval *interval, bool repeat);
__u64 lab_invalidate_mm(__u64 asid, bool repeat);
__u64 lab_complete(bool repeat);

/*
 * Drops one mapping of each of the @nr frames (1 to 64; one may occur several times); frames
 * without another mapping go to the quarantine. Returns how many did. Takes spinlocks, doesn't
 * sleep.
 */
__u64 lab_release_frames(struct lab_session *session, void *const *frames, __u32 nr);

/*
 * For each of the @nr entries (1 to 64) from @address that is empty: takes a frame of the arena,
 * counts the mapping to come, records the frame in the entry's slot, and makes the entry busy.
 * Sleeps.
 */
struct lab_reserved lab_reserve_span(struct lab_session *session, void *vma, __u64 address,
				     __u32 nr);
/* Maps what is reserved of those entries. Sleeps, mmap_lock held. */
struct lab_set lab_set_span(struct lab_session *session, void *vma, __u64 address, __u32 nr,
			    __u64 reserved);
/* Gives back what is still reserved: it was not mapped. Sleeps. */
void lab_unreserve_span(struct lab_session *session, void *vma, __u64 address, __u64 reserved);

/*
 * Takes up to 64 of the frames that @vma's entries mapped when munmap() or exit emptied them.
 * Returns how many; 0: no more. Sleeps.
 */
__u32 lab_take_left(struct lab_session *session, void *vma, void **frames);

/* May sleep. False: a fatal signal is pending, stop soon. */
bool lab_resched_point(struct lab_session *session);

/*
 * Stops a paced operation before a step until its caller lets it go on: see struct tlblab_pace.
 * @step: enum tlblab_step. @subject: as there, but the frame's handle before a release. @may_yield:
 * no page-table lock is held. Interrupts are enabled.
 */
void lab_stop_before(struct lab_session *session, __u32 step, __u64 subject, bool may_yield);

/*
 * Monotonic, in ns. Only differences on one initiator are used: a CPU's own cheap clock would do.
 */
__u64 lab_clock_ns(void);

/*
 * Shared words, as in kmod/core/words.hh: a load with acquire order; an addition that returns the
 * sum, and a compare-and-exchange, both with full order.
 */
__u64 lab_word_load(const __u64 *word);
__u64 lab_word_add(__u64 *word, __u64 delta);
bool lab_word_exchange_if(__u64 *word, __u64 expected, __u64 desired);

/* The quarantine's steps (kmod/core/safety/quarantine.hh). The last two sleep. */
__u64 lab_quarantine_take(void);
void lab_flush_everything(void);
void lab_quarantine_give_back(void);

#ifdef __cplusplus
}
#endif

#endif
