/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the core offers the kernel side: one of the two headers that kmod/linux (C) and kmod/core
 * (C++) share. The other, kmod/boundary/kernel.h, goes the other way. Plain data and plain
 * functions.
 */
#ifndef TLBLAB_BOUNDARY_CORE_H
#define TLBLAB_BOUNDARY_CORE_H

#include <tlblab/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The caller's side of one operation; opaque here, defined in kmod/linux. */
struct lab_session;

/* A range that was found to lie in one lab VMA. @vma is opaque: equal means the same VMA. */
struct lab_piece {
	__u64 start;		/* address, page-aligned */
	__u64 end;		/* address past the last byte; above start */
	void *vma;
};

/* An interval of addresses to invalidate, page-aligned, not empty. */
struct lab_interval {
	__u64 start;
	__u64 end;
};

/*
 * What the lab knows about an entry, which may be empty for several reasons. Kept beside the entry,
 * with its frame.
 */
enum lab_entry_state {
	LAB_ENTRY_SET,			/* maps its frame, as its VMA allows */
	LAB_ENTRY_READ_ONLY,		/* maps it, and is not writable though its VMA is */
	LAB_ENTRY_BUSY,			/* empty while an operation is at work on it */
	LAB_ENTRY_ASIDE,		/* empty, its content is kept elsewhere */
	LAB_ENTRY_EMPTY,		/* nothing was ever there, or it was unmapped */
};

/* What to do about a fault. */
enum lab_fault_answer {
	LAB_FAULT_REFUSE,		/* SIGBUS */
	LAB_FAULT_LOOK_AGAIN,		/* the entry was set meanwhile, or is about to change */
	LAB_FAULT_WAIT,			/* until the entry is no longer busy; then look again */
};

/*
 * What operations may have left in the TLBs of an address space: kmod/core/safety/leftovers.hh. 0
 * at first; shared words that only the core changes.
 */
struct lab_leftovers {
	__u64 marked;
	__u64 flushed;
};

/* What an operation needs of its caller. */
struct lab_needs {
	bool writes_vmas;	/* mmap_lock for writing; else for reading */
	bool claims_ranges;	/* exclusive use of its ranges */
	__u32 ceiling_pages;	/* effective: the lower of the request's and the machine's */
	__u64 max_intervals;	/* lengths of the lists that it works with: no more than these, */
	__u64 max_frames;	/* nor than the entries set in its ranges, but at least 1 */
};

/*
 * One operation, checked by lab_core_prepare(), with all the memory that it will use: the core
 * allocates nothing. The lists are scratch and need not be cleared.
 */
struct lab_plan {
	const struct tlblab_request *request;
	const struct lab_piece *pieces;	/* ascending, disjoint */
	__u64 nr_pieces;		/* at least 1 */
	__u32 page_shift;		/* of a base page: 12, 14 or 16 */
	__u32 entries_per_table;	/* of a leaf table; a power of 2 */
	__u32 ceiling_pages;		/* lab_needs.ceiling_pages */
	__u64 max_frames;		/* length of @frames; that of @intervals is as needed */
	struct lab_interval *intervals;
	void **frames;
};

/*
 * Checks the request and says what it needs. Returns 0; -22 (EINVAL) for values that are unknown or
 * don't go together; -95 (EOPNOTSUPP) for a composition that is not in @can. Any context.
 */
int lab_core_prepare(const struct tlblab_request *request, const struct tlblab_capabilities *can,
		     struct lab_needs *needs);

/*
 * The same for lab_core_populate(). Its lists are long enough for any request on what was
 * populated, so that timed operations allocate nothing.
 */
void lab_core_prepare_populate(const struct tlblab_capabilities *can, struct lab_needs *needs);

/*
 * Fills in the core's capabilities: operations, gathers, extents, releases, faults, flags. Any
 * context.
 */
void lab_core_describe(struct tlblab_capabilities *can);

/*
 * Performs the operation and adds what it did to @account, which starts as zeroes. Returns 0; -4
 * (EINTR) if lab_resched_point() said to stop: what was cleared until then is still flushed and
 * released; -117 (EUCLEAN) if entries were left because they are not this arena's. Marks in
 * @leftovers, which are the address space's, that something was performed. Sleeps; mmap_lock is
 * held as lab_needs says, and the ranges are claimed if it says so. Takes and drops page-table
 * locks one at a time. With a pace in the request each step but TLBLAB_STEP_RETURN, which is the
 * caller's, is announced by lab_stop_before().
 */
int lab_core_perform(struct lab_session *session, const struct lab_plan *plan,
		     struct lab_leftovers *leftovers, struct tlblab_account *account);

/*
 * Sets those entries of the pieces that are empty, and adds how many to @populated. Before that the
 * address space is flushed if anything was performed in it since the last such flush. Returns 0;
 * -12 (ENOMEM) or -4 (EINTR), having set some; -117 (EUCLEAN), having set all but those that are
 * not this arena's. Sleeps; the caller holds mmap_lock for reading and owns the ranges.
 */
int lab_core_populate(struct lab_session *session, const struct lab_piece *pieces, __u64 nr_pieces,
		      __u32 page_shift, struct lab_leftovers *leftovers, __u64 *populated);

/*
 * A lab VMA is about to go: flushes the whole address space if anything was performed in it since
 * the last such flush, so that no stale translation is left for the next mapping of its addresses.
 * Doesn't sleep; interrupts are enabled.
 */
void lab_core_forget(struct lab_session *session, struct lab_leftovers *leftovers);

/* The same, and releases what its entries had mapped when munmap() or exit emptied them. Sleeps. */
void lab_core_close(struct lab_session *session, struct lab_leftovers *leftovers, void *vma);

/* A CPU faulted on an entry that was in @state a moment ago; @write: on a write. Any context. */
enum lab_fault_answer lab_core_fault(enum lab_entry_state state, bool write);

/*
 * Gives the frames in quarantine back to the kernel, after every CPU has flushed everything. One
 * caller at a time; sleeps. Returns the number of frames.
 */
__u64 lab_core_drain(void);

#ifdef __cplusplus
}
#endif

#endif
