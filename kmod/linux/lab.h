/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel side's private header: its objects, and what its files offer each other.
 *
 * Locks, outermost first:
 *   claim on ranges (a sleeping lock of our own) > mmap_lock > lab_arena.spaces_lock
 *   mmap_lock > page-table lock > xa_lock of lab_arena.frames > the books' lock (frames.c)
 *   the drain lock (frames.c) > the books' lock; the drain lock > lab_arena.vmas_lock
 * Only the planted fault TLBLAB_RELEASE_FIRST holds the last three of the second line together: it
 * releases under the page-table lock where the gather flushes there. A request with
 * TLBLAB_TRUST_NONE takes no claim, so the holder of a claim must not rely on entries to stay as
 * they are. Any allocation may take the drain lock, through the shrinker and with any locks held;
 * so nothing is allocated under it.
 */
#ifndef TLBLAB_LAB_H
#define TLBLAB_LAB_H

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "kmod/boundary/kernel.h"

/* Entries of one span: the bits of its masks. */
#define LAB_SPAN 64

/* ---- frames.c: where frames come from, and the safety rule ---- */

/*
 * A frame, and all that we know about it. We keep nothing in struct page: others look at its
 * fields, and newer kernels remove them.
 */
struct lab_frame {
	struct list_head link;		/* in the quarantine, or on the way there */
	struct lab_arena *arena;	/* which it keeps alive */
	struct page *page;
	unsigned long pfn;
	unsigned long entry_bits;	/* of an entry that maps it, without the VMA's */
	pgoff_t pgoff;			/* in its arena, in pages */
	unsigned long nr_mappings;	/* entries that map it or are about to. Under xa_lock */
	bool unmapped;			/* no slot was found that names it. Under the drain lock */
	u64 number;			/* unique since load */
	unsigned long tag;		/* oracle.c's; 0: none */
};

/* Prepares the quarantine and its shrinker. -ENOMEM. */
int lab_frames_init(void);

/* At unload: returns every frame, and says in the kernel log whether the books balance. */
void lab_frames_exit(void);

/*
 * Takes a zeroed frame of @node, or of this CPU's node or one near it (NUMA_NO_NODE), with no
 * mapping. Charged to the caller's memory cgroup. Sleeps. NULL without memory, past the cap, or
 * when killed; never causes an OOM kill.
 */
struct lab_frame *lab_frame_take(int node);

/*
 * Gives @nr frames, linked by ->link, to the quarantine. Entries that mapped them are cleared; CPUs
 * may still use them, which the quarantine makes harmless. Any context with interrupts enabled.
 */
void lab_frames_quarantine(struct list_head *frames, unsigned long nr);

/* Empties the quarantine when the last arena is gone. Sleeps. */
void lab_frames_trim(void);

/* Fills in the counts of frames, all as of one instant. Any context. */
void lab_frames_books(struct tlblab_totals *totals);

/* ---- oracle.c: tags in frames (struct tlblab_tag) ---- */

/* Writes the tag of a new, zeroed frame that nobody maps. */
void lab_oracle_tag(struct lab_frame *frame);

/*
 * An entry of each of the @nr frames was just cleared: records the time for frames that have a tag.
 * Any context.
 */
void lab_oracle_cleared(struct lab_frame *const *frames, u32 nr);

/*
 * Re-tags those of the frames, linked by ->link, that have a tag, because they are being released.
 * To be called when nothing maps them and before they are in quarantine. Any context.
 */
void lab_oracle_released(const struct list_head *frames);

/*
 * The frame leaves the quarantine after every CPU has flushed everything: checks whether its guard
 * was written since it was re-tagged. The frame has no tag from here on. Any context.
 */
void lab_oracle_forget(struct lab_frame *frame);

/* The number of frames whose guard was written. Any context. */
u64 lab_oracle_stale_writes(void);

/* ---- arena.c: one open file, its frames and its VMAs ---- */

struct lab_arena {
	refcount_t refs;		/* the file's, and each frame's, also in quarantine */
	struct mutex vmas_lock;		/* of vmas; no lock is taken under it */
	struct list_head vmas;		/* struct lab_vma */
	u64 searched;			/* by that drain. Under the drain lock */
	struct xarray frames;		/* those with mappings, by offset in pages */
	struct mutex spaces_lock;
	struct list_head spaces;	/* struct lab_space */
	struct mutex claims_lock;
	struct list_head claims;	/* struct lab_claim, granted */
	unsigned long claims_dropped;	/* under claims_lock; waiters watch it change */
	wait_queue_head_t claims_wait;
	wait_queue_head_t busy_wait;	/* faults on busy entries wait here */
};

/* Slots in one chunk of a VMA's side table. */
#define LAB_CHUNK 512

/*
 * One mmap() of an arena. A split, a move or a fork never leaves a second VMA for long, so
 * addresses are fixed for life.
 */
struct lab_vma {
	refcount_t refs;		/* mremap() copies a VMA before it learns that it may not */
	struct list_head link;		/* in its arena's vmas */
	struct lab_arena *arena;
	struct lab_space *space;	/* of its mm */
	unsigned long start;
	unsigned long nr_pages;
	pgoff_t pgoff;			/* of start, in the arena */
	unsigned long entry_bits;	/* of its entries, but for the frame's */
	atomic_long_t nr_mapped;	/* entries set; their frames are in chunks */
	unsigned long nr_looked_at;	/* by lab_take_left(), when it goes */
	/*
	 * What we know about each entry: its frame, if we have set it or are about to, and its
	 * state. When munmap() clears entries we are not told which, and an entry may hold
	 * something that is not ours to take. An entry is set, or emptied, before its slot says so,
	 * both under its page-table lock; from empty to busy a slot changes without the lock.
	 * Chunks of LAB_CHUNK, made by populate; NULL where nothing was populated.
	 */
	unsigned long *chunks[];
};

/*
 * A slot's word: a pointer to the frame's record, and the state in the bits that its alignment
 * leaves.
 */
#define LAB_STATE_MASK 3UL
static_assert(__alignof__(struct lab_frame) > LAB_STATE_MASK);
static_assert(LAB_ENTRY_SET == 0 && LAB_ENTRY_ASIDE <= LAB_STATE_MASK);

static inline struct lab_frame *lab_slot_frame(unsigned long word)
{
	return (struct lab_frame *)(word & ~LAB_STATE_MASK);
}

static inline enum lab_entry_state lab_slot_state(unsigned long word)
{
	return word ? word & LAB_STATE_MASK : LAB_ENTRY_EMPTY;
}

/* The slot of an entry, or NULL where nothing was populated. @index: in pages from start. */
static inline unsigned long *lab_vma_slot(const struct lab_vma *lab, unsigned long index)
{
	unsigned long *chunk = READ_ONCE(lab->chunks[index / LAB_CHUNK]);

	return chunk ? &chunk[index % LAB_CHUNK] : NULL;
}

/* To be called when entries are no longer busy: faults on them look again. Any context. */
void lab_wake_faults(struct lab_arena *arena);

/*
 * Clears ->unmapped of each frame that an entry of the arena's VMAs is set to, or about to be: one
 * look at each slot. The drain lock is held, so that no frame's record goes away. Sleeps, and
 * allocates nothing.
 */
void lab_arena_find_mapped(struct lab_arena *arena);

struct lab_arena *lab_arena_create(void);
/* Drops the file's last reference, or that of a frame that left the quarantine. Any context. */
void lab_arena_put(struct lab_arena *arena);

/* The file is gone, and with it every VMA. Sleeps. */
void lab_arena_destroy(struct lab_arena *arena);

/*
 * mmap() of the device. -EINVAL: private, PROT_NONE, or past TLBLAB_MAX_BYTES; -EACCES: executable;
 * -ENOMEM.
 */
int lab_arena_mmap(struct file *file, struct vm_area_struct *vma);

/* The lab VMA behind @vma if it is one of @file's, else NULL. */
struct lab_vma *lab_vma_of(struct vm_area_struct *vma, struct file *file);

/*
 * The frame at that offset, with the mapping to come counted. Taken if there is none yet, and then
 * tagged if @tag. Sleeps. NULL without memory.
 */
struct lab_frame *lab_arena_frame(struct lab_arena *arena, pgoff_t pgoff, int node, bool tag);

/* See lab_release_frames(). With @oracle, frames that have a tag are re-tagged. */
u64 lab_arena_release(struct lab_arena *arena, struct lab_frame *const *frames, u32 nr,
		      bool oracle);

/* ---- space.c: what outlives a call, for each (arena, address space) ---- */

/*
 * Lists that an operation works with, kept for the next one, so that timed operations allocate
 * nothing. Used by one operation at a time.
 */
struct lab_scratch {
	struct list_head link;		/* in its space, while not in use */
	struct tlblab_range *ranges;
	struct lab_piece *pieces;
	void **frames;
	struct lab_interval *intervals;
	u64 max_ranges;			/* lengths */
	u64 max_pieces;
	u64 max_frames;
	u64 max_intervals;
};

/* Lives as long as a lab VMA of the arena in the mm does, or a call on it. */
struct lab_space {
	struct list_head link;		/* in its arena */
	struct mm_struct *mm;		/* users of a space have the mm, too */
	unsigned long nr_users;		/* under the arena's spaces_lock */
	struct lab_leftovers leftovers;
	spinlock_t lock;		/* of scratches; no lock is taken under it */
	struct list_head scratches;	/* those not in use, the last used first */
};

/*
 * Takes a reference to the space of @mm in the arena; made if there is none. NULL without memory.
 * Sleeps.
 */
struct lab_space *lab_space_get(struct lab_arena *arena, struct mm_struct *mm);
void lab_space_put(struct lab_arena *arena, struct lab_space *space);

/*
 * Takes a scratch that is not in use: the last used if there is one. NULL without memory. May
 * sleep.
 */
struct lab_scratch *lab_scratch_get(struct lab_space *space);
void lab_scratch_put(struct lab_space *space, struct lab_scratch *scratch);

/*
 * Makes each list at least that long. A list that is too short is replaced, and its content lost;
 * otherwise nothing is allocated. -ENOMEM. May sleep.
 */
int lab_scratch_fit_ranges(struct lab_scratch *scratch, u64 nr);
int lab_scratch_fit_pieces(struct lab_scratch *scratch, u64 nr);
int lab_scratch_fit_core(struct lab_scratch *scratch, u64 nr_frames, u64 nr_intervals);

/* ---- ranges.c: from the caller's list to pieces of VMAs ---- */

/* A caller's list of ranges, copied and checked; the list is the scratch's. */
struct lab_ranges {
	const struct tlblab_range *list;
	u64 nr;
	u64 nr_pages;			/* in all of them */
};

/* -EINVAL, -E2BIG, -EFAULT, -ENOMEM as the ABI says. Sleeps; holds no lock. */
int lab_ranges_copy(struct lab_ranges *ranges, struct lab_scratch *scratch, u64 user_list, u64 nr);

/* Whether any byte of [@start, @start + @len) lies in the ranges. */
bool lab_ranges_touch(const struct lab_ranges *ranges, u64 start, u64 len);

/* Held while an operation works on its ranges; others on overlapping ranges wait. */
struct lab_claim {
	struct list_head link;
	struct mm_struct *mm;
	const struct lab_ranges *ranges;
};

/*
 * Waits until all ranges are free, and claims them at once, so that no two callers deadlock. -EINTR
 * if killed.
 */
int lab_claim(struct lab_arena *arena, struct lab_claim *claim);
void lab_unclaim(struct lab_arena *arena, struct lab_claim *claim);

/* Ranges found in their VMAs; the list is the scratch's. */
struct lab_pieces {
	const struct lab_piece *list;	/* as long as the ranges */
	u64 nr;
	u64 max_mapped;			/* no more entries than this are set in them */
};

/*
 * Finds each range's VMA. -EFAULT: a range isn't inside a lab VMA of @file; -EBUSY: the mm has MMU
 * notifiers, or the VMA is registered with userfaultfd; -ENOMEM. The mm's mmap_lock is held, and
 * must stay so as long as the pieces are in use.
 */
int lab_pieces_find(struct lab_pieces *pieces, struct lab_scratch *scratch,
		    const struct lab_ranges *ranges, struct mm_struct *mm, struct file *file);

/*
 * Whether only VMAs of @file share page tables with those of the pieces. The mmap_lock is still
 * held.
 */
bool lab_pieces_are_alone(const struct lab_pieces *pieces, struct mm_struct *mm,
			  struct file *file);

/* ---- pagetable.c: entries ---- */

/* The frame's part of an entry that maps it: struct lab_frame.entry_bits. Any context. */
unsigned long lab_frame_bits(unsigned long pfn);

/* ---- pace.c: operations that the caller controls step by step ---- */

/* The caller's struct tlblab_pace, and how far the operation is. */
struct lab_pacer {
	struct page *page;		/* pinned; NULL: not paced */
	struct tlblab_pace *pace;	/* in @page; the caller writes to it, too */
	u32 limit_ms;			/* as given at the start, or the default */
	u32 nr_stops;
	unsigned long left;		/* jiffies that it may still wait */
	bool over;			/* goes on by itself: late, or killed */
	bool late;
};

/*
 * Pins the caller's pace. -EINVAL: misaligned, in two pages, or with too long a limit; -EFAULT: not
 * ordinary, writable memory; -ENOMEM, -EINTR. May sleep and take mmap_lock.
 */
int lab_pacer_begin(struct lab_pacer *pacer, u64 user_pace);
/* To be called whether or not it began; @pacer was all 0 before that. Sleeps. */
void lab_pacer_end(struct lab_pacer *pacer);

/* As lab_stop_before(), but @subject is the ABI's. */
void lab_pacer_stop(struct lab_pacer *pacer, u32 step, u64 subject, bool may_yield);

/* ---- perform.c, populate.c: the two calls that change entries ---- */

struct lab_session {
	struct lab_arena *arena;
	struct mm_struct *mm;
	bool oracle;			/* TLBLAB_ORACLE */
	struct lab_pacer *pacer;	/* valid only if the request has a pace */
	const struct tlblab_populate *populate;	/* valid only in a populate call */
};

/* The argument was copied in. lab_perform() calls the engine that the request names. */
int lab_perform(struct file *file, struct tlblab_request *request, u64 user_argument);
int lab_populate(struct file *file, struct tlblab_populate *populate);

/* ---- work.c: what both do first ---- */

/*
 * Ranges copied, claimed and found, with mmap_lock held as the operation needs it: the state in
 * which both calls work.
 */
struct lab_work {
	const struct lab_needs *needs;
	struct lab_arena *arena;
	struct mm_struct *mm;
	struct lab_space *space;
	struct lab_scratch *scratch;
	struct lab_ranges ranges;
	struct lab_claim claim;
	struct lab_pieces pieces;
};

/*
 * Takes the caller's space and copies its list. @needs outlives the work. Errors as
 * lab_ranges_copy(). Sleeps.
 */
int lab_work_copy(struct lab_work *work, struct file *file, u64 user_list, u64 nr,
		  const struct lab_needs *needs);
/* Claims and finds what was copied. -EINTR, and errors as lab_pieces_find(). Sleeps. */
int lab_work_begin(struct lab_work *work, struct file *file);
/*
 * Makes the scratch's lists for the core as long as the operation needs them for that many entries.
 * -ENOMEM. May sleep.
 */
int lab_work_fit(struct lab_work *work, u64 nr_entries);
void lab_work_end(struct lab_work *work);
/* To be called whether or not it began. */
void lab_work_drop(struct lab_work *work);

/* ---- capabilities.c ---- */

/* Finds out what this module can do here. Once, at load. */
void lab_capabilities_init(void);
/* Fills in what it can do now; leaves the size alone. Any context. */
void lab_capabilities(struct tlblab_capabilities *can);

/* ---- totals.c: the account of all operations, in per-CPU counters ---- */

/* Any context. */
void lab_totals_add(const struct tlblab_account *account);
void lab_totals_read(struct tlblab_totals *totals);

/* ---- fail_allocation.c: allocations that fail on demand, to test what happens then ---- */

/* True if the allocation that the caller is about to make must fail. */
bool lab_should_fail(void);

#endif
