/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel side's own header: its objects, and what its files offer each other.
 *
 * Locks, outermost first:
 *   claim on ranges (a sleeping lock of our own) > mmap_lock > lab_arena.spaces_lock
 *   mmap_lock > page-table lock > xa_lock of lab_arena.frames > the books' lock (frames.c)
 *   the drain lock (frames.c) > the books' lock; the drain lock > lab_arena.vmas_lock
 * The last three of the second line are held together by nobody but the planted fault
 * TLBLAB_RELEASE_FIRST, which releases under the page-table lock where the gather flushes there. A
 * request with TLBLAB_TRUST_NONE takes no claim: who holds one must not rely on entries to stay as
 * they are. Whoever allocates memory may come to the drain lock by the shrinker, and hold anything;
 * so nothing is allocated under it.
 */
#ifndef TLBLAB_LAB_H
#define TLBLAB_LAB_H

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "kmod/boundary/kernel.h"

/* Entries of one span: the bits of its masks. */
#define LAB_SPAN 64

/* ---- frames.c: where frames come from, and the safety rule ---- */

/*
 * A frame, and all that is known of it. Nothing of ours is kept in struct page, whose fields others
 * look at and newer kernels take away.
 */
struct lab_frame {
	struct list_head link;		/* in the quarantine, or on the way there */
	struct lab_arena *arena;	/* which it keeps alive */
	struct page *page;
	unsigned long pfn;
	unsigned long entry_bits;	/* of an entry that maps it, but for the VMA's */
	pgoff_t pgoff;			/* in its arena, in pages */
	unsigned long nr_mappings;	/* entries that map it or are about to. Under xa_lock */
	u64 number;			/* no two frames since load had the same */
	unsigned long tag;		/* oracle.c's; 0: none */
};

/* Prepares the quarantine and its shrinker. -ENOMEM. */
int lab_frames_init(void);

/* At unload: returns every frame, and says in the kernel log whether the books balance. */
void lab_frames_exit(void);

/*
 * A zeroed frame of that node, or of this CPU's or one near it (NUMA_NO_NODE), with no mapping.
 * Charged to the caller's memory cgroup. Sleeps. NULL without memory, past the cap, or when killed;
 * there is no OOM kill.
 */
struct lab_frame *lab_frame_take(int node);

/*
 * Gives @nr frames, linked by ->link, to the quarantine. Entries that mapped them are cleared,
 * though CPUs may go on using them: the quarantine is what makes that harmless. Any context with
 * interrupts enabled.
 */
void lab_frames_quarantine(struct list_head *frames, unsigned long nr);

/* Empties the quarantine when the last arena is gone. Sleeps. */
void lab_frames_trim(void);

/* Fills in the frames' books, as of one instant. Any context. */
void lab_frames_books(struct tlblab_totals *totals);

/* ---- oracle.c: tags in frames (struct tlblab_tag) ---- */

/* Writes the tag of a new, zeroed frame that nobody maps. */
void lab_oracle_tag(struct lab_frame *frame);

/*
 * Notes the time for those of the @nr frames that have a tag: an entry of each was just cleared.
 * Any context.
 */
void lab_oracle_cleared(struct lab_frame *const *frames, u32 nr);

/*
 * Re-tags those of the frames, linked by ->link, that have a tag: they are being released. To be
 * called when nothing maps them and before they are in quarantine. Any context.
 */
void lab_oracle_released(const struct list_head *frames);

/*
 * The frame leaves the quarantine, every CPU has flushed everything: was its guard written since it
 * was re-tagged? It has no tag from here on. Any context.
 */
void lab_oracle_forget(struct lab_frame *frame);

/* Frames whose guard was. Any context. */
u64 lab_oracle_stale_writes(void);

/* ---- arena.c: one open file, its frames and its VMAs ---- */

struct lab_arena {
	refcount_t refs;		/* the file's, and each frame's, also in quarantine */
	spinlock_t vmas_lock;		/* of the next; nothing is taken under it */
	struct rb_root_cached vmas;	/* struct lab_vma by the offsets that they map */
	struct xarray frames;		/* those with mappings, by offset in pages */
	struct mutex spaces_lock;
	struct list_head spaces;	/* struct lab_space */
	struct mutex claims_lock;
	struct list_head claims;	/* struct lab_claim, granted */
	unsigned long claims_dropped;	/* under claims_lock; waiters watch it change */
	wait_queue_head_t claims_wait;
	wait_queue_head_t busy_wait;	/* faults on busy entries wait here */
};

/* Entries whose slots one chunk of a VMA's side table holds. */
#define LAB_CHUNK 512

/*
 * One mmap() of an arena. Of a split, a move or a fork there is never a second VMA for long, so
 * addresses are fixed for life.
 */
struct lab_vma {
	refcount_t refs;		/* mremap() copies a VMA before it hears that it may not */
	struct rb_node rb;		/* in its arena's vmas */
	unsigned long subtree_last;
	struct lab_arena *arena;
	struct lab_space *space;	/* of its mm */
	unsigned long start;
	unsigned long nr_pages;
	pgoff_t pgoff;			/* of start, in the arena */
	unsigned long entry_bits;	/* of its entries, but for the frame's */
	atomic_long_t nr_mapped;	/* entries set; their frames are in the last */
	unsigned long nr_looked_at;	/* by lab_take_left(), when it goes */
	/*
	 * What we know of each entry: its frame, if we have set it or are about to, and its state.
	 * When munmap() clears entries nobody tells us which, and what else may be in an entry is
	 * not ours to take. An entry is set before and emptied before its slot says so, both under
	 * its page-table lock; from empty to busy it goes without. Chunks of LAB_CHUNK, made by
	 * populate; NULL where it never came.
	 */
	unsigned long *chunks[];
};

/* A slot's word: the frame's record, which is aligned, and the state in the bits that leaves. */
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

/* The slot of an entry, or NULL where populate never came. @index: in pages from start. */
static inline unsigned long *lab_vma_slot(const struct lab_vma *lab, unsigned long index)
{
	unsigned long *chunk = READ_ONCE(lab->chunks[index / LAB_CHUNK]);

	return chunk ? &chunk[index % LAB_CHUNK] : NULL;
}

/* After entries ceased to be busy: faults on them look again. Any context. */
void lab_wake_faults(struct lab_arena *arena);

/*
 * Whether an entry of any VMA that maps the frame's offset is set to it, or about to be. Any
 * context.
 */
bool lab_frame_is_mapped(struct lab_frame *frame);

struct lab_arena *lab_arena_create(void);
/* The file's last reference, or that of a frame that left the quarantine. Any context. */
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
 * The frame at that offset, with a mapping counted that is to come; made if there is none, and then
 * tagged if @tag says so. Sleeps. NULL without memory.
 */
struct lab_frame *lab_arena_frame(struct lab_arena *arena, pgoff_t pgoff, int node, bool tag);

/* See lab_release_frames(). With @oracle frames that have a tag are re-tagged. */
u64 lab_arena_release(struct lab_arena *arena, struct lab_frame *const *frames, u32 nr,
		      bool oracle);

/* ---- space.c: what outlives a call, for each (arena, address space) ---- */

/*
 * Lists that an operation works with, kept from one to the next, so that what is timed allocates
 * nothing. One operation at a time has it.
 */
struct lab_scratch {
	struct list_head link;		/* in its space, while nobody has it */
	struct tlblab_range *ranges;
	struct lab_piece *pieces;
	void **frames;
	struct lab_interval *intervals;
	u64 max_ranges;			/* lengths */
	u64 max_pieces;
	u64 max_frames;
	u64 max_intervals;
};

/* Lives while a lab VMA of the arena in the mm does, or a call on it. */
struct lab_space {
	struct list_head link;		/* in its arena */
	struct mm_struct *mm;		/* who has a space has the mm, too */
	unsigned long nr_users;		/* under the arena's spaces_lock */
	struct lab_leftovers leftovers;
	spinlock_t lock;		/* of the next; nothing is taken under it */
	struct list_head scratches;	/* those not in use, the last used first */
};

/*
 * The space of @mm in the arena, with one user more; made if there is none. NULL without memory.
 * Sleeps.
 */
struct lab_space *lab_space_get(struct lab_arena *arena, struct mm_struct *mm);
void lab_space_put(struct lab_arena *arena, struct lab_space *space);

/* One that nobody else has: the one last used if there is one. NULL without memory. May sleep. */
struct lab_scratch *lab_scratch_get(struct lab_space *space);
void lab_scratch_put(struct lab_space *space, struct lab_scratch *scratch);

/*
 * Makes room for so many of each, in lists that are too short; what was in those is lost. Allocates
 * nothing if they aren't. -ENOMEM. May sleep.
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

/* Held while an operation works on its ranges; others on overlapping ones wait. */
struct lab_claim {
	struct list_head link;
	struct mm_struct *mm;
	const struct lab_ranges *ranges;
};

/* Waits until the ranges are free, all at once, so that nobody deadlocks. -EINTR if killed. */
int lab_claim(struct lab_arena *arena, struct lab_claim *claim);
void lab_unclaim(struct lab_arena *arena, struct lab_claim *claim);

/* Ranges found in their VMAs; the list is the scratch's. */
struct lab_pieces {
	const struct lab_piece *list;	/* as long as the ranges */
	u64 nr;
	u64 max_mapped;			/* no more entries than this are set in them */
};

/*
 * Finds each range's VMA. -EFAULT: one isn't inside a lab VMA of @file; -EBUSY: the mm has MMU
 * notifiers, or the VMA is registered with userfaultfd; -ENOMEM. The mm's mmap_lock is held, and
 * must be until the pieces are done with.
 */
int lab_pieces_find(struct lab_pieces *pieces, struct lab_scratch *scratch,
		    const struct lab_ranges *ranges, struct mm_struct *mm, struct file *file);

/* Whether no VMA but @file's shares a page table with theirs. The mmap_lock is held still. */
bool lab_pieces_are_alone(const struct lab_pieces *pieces, struct mm_struct *mm,
			  struct file *file);

/* ---- pagetable.c: entries ---- */

/* What entries that map this frame have of it: struct lab_frame.entry_bits. Any context. */
unsigned long lab_frame_bits(unsigned long pfn);

/* ---- pace.c: operations that somebody else leads step by step ---- */

/* The caller's struct tlblab_pace, and how far it is. */
struct lab_pacer {
	struct page *page;		/* pinned; NULL: not paced */
	struct tlblab_pace *pace;	/* in it. Written by the caller, too */
	u32 limit_ms;			/* as it said at the start, or the usual */
	u32 nr_stops;
	unsigned long left;		/* jiffies that it may still wait */
	bool over;			/* goes on by itself: late, or killed */
	bool late;
};

/*
 * Pins the caller's pace. -EINVAL: misaligned, in two pages, or with too long a limit; -EFAULT: no
 * ordinary memory that can be written; -ENOMEM, -EINTR. May sleep and take mmap_lock.
 */
int lab_pacer_begin(struct lab_pacer *pacer, u64 user_pace);
/* Whether or not it began; @pacer was all 0 before. Sleeps. */
void lab_pacer_end(struct lab_pacer *pacer);

/* As lab_stop_before(), but that @subject is the ABI's. */
void lab_pacer_stop(struct lab_pacer *pacer, u32 step, u64 subject, bool may_yield);

/* ---- perform.c, populate.c: the two calls that do something ---- */

struct lab_session {
	struct lab_arena *arena;
	struct mm_struct *mm;
	bool oracle;			/* TLBLAB_ORACLE */
	struct lab_pacer *pacer;	/* of use only if the request has a pace */
	const struct tlblab_populate *populate;	/* of use only if that was called */
};

/* With the argument copied in. lab_perform() asks the engine that the request names. */
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
 * The scratch's lists for the core, as long as the operation needs them for so many entries.
 * -ENOMEM. May sleep.
 */
int lab_work_fit(struct lab_work *work, u64 nr_entries);
void lab_work_end(struct lab_work *work);
/* Whether or not it began. */
void lab_work_drop(struct lab_work *work);

/* ---- capabilities.c ---- */

/* Finds out what this module can do here. Once, at load. */
void lab_capabilities_init(void);
/* What it can do now, but for the size. Any context. */
void lab_capabilities(struct tlblab_capabilities *can);

/* ---- totals.c: the account of all operations, a counter a CPU ---- */

/* Any context. */
void lab_totals_add(const struct tlblab_account *account);
void lab_totals_read(struct tlblab_totals *totals);

/* ---- fail_allocation.c: allocations that fail on demand, to test what happens then ---- */

/* True if the allocation that the caller is about to make shall fail. */
bool lab_should_fail(void);

#endif
