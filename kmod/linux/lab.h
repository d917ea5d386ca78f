/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel side's own header: its objects, and what its files offer each other.
 *
 * Locks, outermost first:
 *   claim on ranges (a sleeping lock of our own) > mmap_lock > page-table lock > xa_lock of
 *   lab_arena.frames > lab_quarantine's lock.
 * The last three are held together by nobody but the planted fault TLBLAB_RELEASE_FIRST, which
 * releases under the page-table lock where the gather flushes there. A request with
 * TLBLAB_TRUST_NONE takes no claim: who holds one must not rely on entries to stay as they are.
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

#include "kmod/linux/kernel.h"

/* ---- frames.c: where frames come from, and the safety rule ---- */

/* Prepares the pools. -ENOMEM. */
int lab_frames_init(void);

/* At unload: returns every frame, and says in the kernel log whether the books balance. */
void lab_frames_exit(void);

/*
 * A zeroed frame of that node (NUMA_NO_NODE: this CPU's), with one reference. Sleeps. NULL without
 * memory; then there is no OOM kill.
 */
struct page *lab_frame_take(int node);

/*
 * Gives @nr frames, linked by page->lru, to the quarantine. Each holds its last reference; entries
 * that mapped it are cleared, though CPUs may go on using them: the quarantine is what makes that
 * harmless. Any context with interrupts enabled.
 */
void lab_frames_quarantine(struct list_head *frames, unsigned long nr);

/* Empties quarantine and pools when the last arena is gone. Sleeps. */
void lab_frames_trim(void);

/* Fills in the frames' books. */
void lab_frames_books(struct tlblab_totals *totals);

/* ---- oracle.c: tags in frames (struct tlblab_tag) ---- */

/* Writes the tag of a new, zeroed frame that nobody maps. */
void lab_oracle_tag(struct page *page);

/*
 * Notes the time for those of the @nr frames that have a tag: an entry of each was just cleared.
 * Any context.
 */
void lab_oracle_cleared(void *const *frames, u32 nr);

/*
 * Re-tags those of the frames, linked by page->lru, that have a tag: they are being released. To be
 * called when nothing maps them and before they are in quarantine. Any context.
 */
void lab_oracle_released(const struct list_head *frames);

/*
 * The frame leaves the quarantine, every CPU has flushed everything: was its guard written since it
 * was re-tagged? It has no tag from here on. Any context.
 */
void lab_oracle_forget(struct page *page);

/* Frames whose guard was. Any context. */
u64 lab_oracle_stale_writes(void);

/* ---- arena.c: one open file, its frames and its VMAs ---- */

struct lab_arena {
	struct xarray frames;		/* struct page by offset in pages; one reference each, and
					 * one for each entry that maps it */
	struct mutex claims_lock;
	struct list_head claims;	/* struct lab_claim, granted */
	unsigned long claims_dropped;	/* under claims_lock; waiters watch it change */
	wait_queue_head_t claims_wait;
	bool stale;			/* a planted fault was performed: CPUs may hold translations
					 * of this arena for good. Set once, under mmap_lock */
};

/*
 * One mmap() of an arena. Of a split, a move or a fork there is never a second VMA for long, so
 * addresses are fixed for life.
 */
struct lab_vma {
	refcount_t refs;		/* mremap() copies the VMA before it hears that it may not */
	struct lab_arena *arena;
	unsigned long start;
	unsigned long nr_pages;
	pgoff_t pgoff;			/* of start, in the arena */
	atomic_long_t nr_mapped;	/* entries set; bits in the next */
	atomic_long_t mapped[];		/* a bit for each entry that is set. Written under the entry's
					 * page-table lock: when munmap() clears entries nobody tells
					 * us which, and this does */
};

struct lab_arena *lab_arena_create(void);

/* The last reference to the file is gone, and with it every VMA. Sleeps. */
void lab_arena_destroy(struct lab_arena *arena);

/*
 * mmap() of the device. -EINVAL: private, PROT_NONE, or past TLBLAB_MAX_BYTES; -EACCES: executable;
 * -ENOMEM.
 */
int lab_arena_mmap(struct file *file, struct vm_area_struct *vma);

/* The lab VMA behind @vma if it is one of @file's, else NULL. */
struct lab_vma *lab_vma_of(struct vm_area_struct *vma, struct file *file);

/*
 * The frame at that offset, with a reference for the mapping to come; made if there is none, and then
 * tagged if @tag says so. Sleeps. NULL without memory.
 */
struct page *lab_arena_frame(struct lab_arena *arena, pgoff_t pgoff, int node, bool tag);

/* See lab_release_frames(). With @oracle frames that have a tag are re-tagged. */
u64 lab_arena_release(struct lab_arena *arena, void *const *frames, u32 nr, bool oracle);

/* ---- ranges.c: from the caller's list to pieces of VMAs ---- */

/* A caller's list of ranges, copied and checked. */
struct lab_ranges {
	struct tlblab_range *list;
	u64 nr;
	u64 nr_pages;			/* in all of them */
};

/* -EINVAL, -E2BIG, -EFAULT, -ENOMEM as the ABI says. Sleeps; holds no lock. */
int lab_ranges_copy(struct lab_ranges *ranges, u64 user_list, u64 nr);
void lab_ranges_free(struct lab_ranges *ranges);

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

/* Ranges found in their VMAs. */
struct lab_pieces {
	struct lab_piece *list;		/* as long as the ranges */
	u64 nr;
	u64 max_mapped;			/* no more entries than this are set in them */
};

/*
 * Finds each range's VMA. -EFAULT: one isn't inside a lab VMA of @file; -EBUSY: the mm has MMU
 * notifiers; -ENOMEM. The mm's mmap_lock is held, and must be until the pieces are done with.
 */
int lab_pieces_find(struct lab_pieces *pieces, const struct lab_ranges *ranges,
		    struct mm_struct *mm, struct file *file);
void lab_pieces_free(struct lab_pieces *pieces);

/* ---- pagetable.c: entries ---- */

/*
 * Maps frames at [@address, @address + @nr pages) of the VMA, @nr at most 64. pages[i] may be NULL:
 * that entry stays. Those used are set to NULL; the entry has their reference now. Returns 0, or
 * -ENOMEM for a page table, having mapped some. Sleeps, mmap_lock held.
 */
int lab_map_span(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long address, u32 nr,
		 struct page **pages);

/* ---- pace.c: operations that somebody else leads step by step ---- */

/* The caller's struct tlblab_pace, and how far it is. */
struct lab_pacer {
	struct page *page;		/* pinned; NULL: not paced */
	struct tlblab_pace *pace;	/* in it. Written by the caller, too */
	u32 nr_stops;
	unsigned long left;		/* jiffies that it may still wait */
	bool over;			/* goes on by itself: late, or killed */
	bool late;
};

/*
 * Pins the caller's pace. -EINVAL: misaligned, or in two pages; -EFAULT: no ordinary memory that
 * can be written; -ENOMEM, -EINTR. May sleep and take mmap_lock.
 */
int lab_pacer_begin(struct lab_pacer *pacer, u64 user_pace);
/* Whether or not it began; @pacer was all 0 before. Sleeps. */
void lab_pacer_end(struct lab_pacer *pacer);

/* As lab_stop_before(), but that @subject is the ABI's. */
void lab_pacer_stop(struct lab_pacer *pacer, u32 step, u64 subject, bool may_yield);

/* ---- operation.c: the calls ---- */

struct lab_session {
	struct lab_arena *arena;
	struct mm_struct *mm;
	u32 mechanism;			/* enum tlblab_mechanism */
	bool oracle;			/* TLBLAB_ORACLE */
	struct lab_pacer *pacer;	/* of use only if the request has a pace */
};

/* Finds out, once, what this module can do here. */
void lab_operation_init(void);

/* What it found, but for the size. */
const struct tlblab_capabilities *lab_capabilities(void);

/* The two calls, with the argument copied in. */
int lab_perform(struct file *file, struct tlblab_request *request, u64 user_argument);
int lab_populate(struct file *file, struct tlblab_populate *populate);

/* ---- totals.c: the account of all operations, a counter a CPU ---- */

/* Any context. */
void lab_totals_add(const struct tlblab_account *account);
void lab_totals_read(struct tlblab_totals *totals);

/* ---- fail_allocation.c: allocations that fail on demand, to test what happens then ---- */

/* True if the allocation that the caller is about to make shall fail. */
bool lab_should_fail(void);

#endif
