// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where frames come from and where they go.
 *
 * The safety rule: if a scheme is wrong, a CPU can still reach a frame that was released. So a
 * released frame goes to the quarantine, and back to the kernel only after every CPU has flushed
 * everything that it holds, and only if no entry of any VMA is set to it. The order is that of
 * kmod/core/safety/quarantine.hh; its steps are here. They are taken when a caller wants a frame,
 * when the last arena goes, or when the kernel is short of memory, never by a timer: the global
 * flush must not fall into a timed window without need.
 *
 * An experiment must not exhaust the machine: there is a cap, part of the memory is left alone,
 * there is a shrinker, and the caller's memory cgroup is charged.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/shrinker.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "kmod/linux/arch.h"
#include "kmod/linux/compat.h"
#include "kmod/linux/lab.h"

/* This much memory in quarantine is worth a global flush. */
#define LAB_QUARANTINE_BYTES SZ_16M

/* Memory is checked every LAB_LOOK_FRAMES frames; 1/LAB_SPARE_PART of it is left alone. */
#define LAB_LOOK_FRAMES 64
#define LAB_SPARE_PART 32

/* Allocations fail early rather than reclaim hard. */
#define LAB_GFP (GFP_KERNEL_ACCOUNT | __GFP_NOWARN | __GFP_NORETRY)

/* By default 1/LAB_USUAL_PART of the machine's memory may be taken. */
#define LAB_USUAL_PART 4

static unsigned int lab_max_mib;
module_param_named(max_mib, lab_max_mib, uint, 0644);
MODULE_PARM_DESC(max_mib, "Most memory that frames may take, in MiB; 0: a quarter of the machine's");

/* Where the frames are. At any instant: taken = returned + quarantined + in use. */
static DEFINE_SPINLOCK(lab_books_lock);
static struct {
	u64 taken;
	u64 returned;
	u64 quarantined;
	u64 in_use;
} lab_books;
static LIST_HEAD(lab_quarantined);	/* under the books' lock */

/* One drain at a time: the second caller finds the first one's frames given back. */
static DEFINE_MUTEX(lab_drain_lock);
static LIST_HEAD(lab_drained);		/* under the drain lock: set aside by this drain */
static u64 lab_nr_searches;		/* under the drain lock: drains that searched arenas */

static struct kmem_cache *lab_frame_cache;
static atomic64_t lab_frame_numbers;
static atomic_long_t lab_global_flushes;
static atomic_long_t lab_pressure_flushes;

static u64 lab_max_frames(void)
{
	unsigned int mib = READ_ONCE(lab_max_mib);

	return mib ? (u64)mib * SZ_1M >> PAGE_SHIFT : totalram_pages() / LAB_USUAL_PART;
}

/* One of the books' counts. */
static u64 lab_read_book(const u64 *count)
{
	u64 nr;

	spin_lock(&lab_books_lock);
	nr = *count;
	spin_unlock(&lab_books_lock);
	return nr;
}

u64 lab_quarantine_take(void)
{
	u64 nr;

	lockdep_assert_held(&lab_drain_lock);
	spin_lock(&lab_books_lock);
	list_splice_init(&lab_quarantined, &lab_drained);
	/* All on lab_drained: the last drain left none there. In the books until given back. */
	nr = lab_books.quarantined;
	spin_unlock(&lab_books_lock);
	return nr;
}

static void lab_flush_on_this_cpu(void *unused)
{
	lab_arch_flush_everything();
}

void lab_flush_everything(void)
{
	lockdep_assert_held(&lab_drain_lock);
	lockdep_assert_irqs_enabled();
	on_each_cpu(lab_flush_on_this_cpu, NULL, 1);
	atomic_long_inc(&lab_global_flushes);
}

/* Something still maps it, whatever the books say: better lost than shared. */
static void lab_lose_frame(void)
{
	pr_err_once("leak: a frame came out of quarantine and an entry is still set to it: it is kept, and so is any other such\n");
	spin_lock(&lab_books_lock);
	lab_books.quarantined--;
	lab_books.in_use++;
	spin_unlock(&lab_books_lock);
}

/*
 * Settles ->unmapped of the drained frames. Each arena is searched once, so the cost is that of its
 * side tables' memory, which their owner is charged for, and not that of VMAs times frames: a
 * process may map one arena 65 000 times, and others wait for memory meanwhile.
 */
static void lab_find_mapped(void)
{
	struct lab_frame *frame;

	lab_nr_searches++;
	list_for_each_entry(frame, &lab_drained, link) {
		frame->unmapped = true;
		cond_resched();
	}
	list_for_each_entry(frame, &lab_drained, link) {
		if (frame->arena->searched != lab_nr_searches)
			lab_arena_find_mapped(frame->arena);
		frame->arena->searched = lab_nr_searches;
		cond_resched();
	}
}

void lab_quarantine_give_back(void)
{
	struct lab_frame *frame, *next;

	lockdep_assert_held(&lab_drain_lock);
	might_sleep();
	lab_find_mapped();
	list_for_each_entry_safe(frame, next, &lab_drained, link) {
		list_del(&frame->link);
		lab_oracle_forget(frame);
		if (!frame->unmapped) {
			lab_lose_frame();
			continue;
		}
		lab_arena_put(frame->arena);
		__free_page(frame->page);
		kmem_cache_free(lab_frame_cache, frame);
		spin_lock(&lab_books_lock);
		lab_books.quarantined--;
		lab_books.returned++;
		spin_unlock(&lab_books_lock);
		cond_resched();
	}
}

/* Returns how many frames went back; 0 too if killed while waiting. Sleeps. */
static u64 lab_drain(void)
{
	u64 nr;

	if (mutex_lock_killable(&lab_drain_lock))
		return 0;
	nr = lab_core_drain();
	mutex_unlock(&lab_drain_lock);
	return nr;
}

static unsigned long lab_shrink_count(struct shrinker *shrinker, struct shrink_control *control)
{
	return lab_read_book(&lab_books.quarantined) ?: SHRINK_EMPTY;
}

/*
 * All or nothing: the flush costs the same for one frame as for all of them. Reclaim waits for a
 * drain that is under way, even kswapd's, and counts what that frees as its own: otherwise it would
 * see no progress, and a process would be killed for memory that is about to be free. A drain
 * allocates nothing, so it never waits for itself.
 */
static unsigned long lab_shrink_scan(struct shrinker *shrinker, struct shrink_control *control)
{
	u64 before = lab_read_book(&lab_books.returned), freed;

	if (lab_drain())
		atomic_long_inc(&lab_pressure_flushes);
	freed = lab_read_book(&lab_books.returned) - before;
	if (!freed)
		return SHRINK_STOP;
	lab_account_reclaimed(freed);
	control->nr_scanned = freed;
	return freed;
}

/* Memory that counts as available but is not for us: our frames can't be moved or lie in CMA. */
static unsigned long lab_not_for_us(void)
{
	unsigned long nr = global_zone_page_state(NR_FREE_CMA_PAGES);
	int node;

	for_each_online_node(node) {
		struct zone *zone = &NODE_DATA(node)->node_zones[ZONE_MOVABLE];

		if (populated_zone(zone))
			nr += zone_page_state(zone, NR_FREE_PAGES) +
			      zone_page_state(zone, NR_ZONE_INACTIVE_FILE) +
			      zone_page_state(zone, NR_ZONE_ACTIVE_FILE);
	}
	return nr;
}

/*
 * Fail rather than have the OOM killer choose a victim because of an experiment: the machine keeps
 * a part of its memory, among others for the page tables of what we took. Checked every
 * LAB_LOOK_FRAMES frames.
 */
static bool lab_memory_is_short(u64 taken)
{
	if (taken % LAB_LOOK_FRAMES)
		return false;
	return si_mem_available() - (long)lab_not_for_us() <
	       (long)(totalram_pages() / LAB_SPARE_PART);
}

static void lab_unbook_frame(void)
{
	spin_lock(&lab_books_lock);
	lab_books.taken--;
	lab_books.in_use--;
	spin_unlock(&lab_books_lock);
}

/* Books a frame that is about to be taken, if there is room for it. */
static bool lab_book_frame(void)
{
	u64 max = lab_max_frames(), taken;
	bool room;

	spin_lock(&lab_books_lock);
	room = lab_books.taken - lab_books.returned < max;
	taken = lab_books.taken;
	if (room) {
		lab_books.taken++;
		lab_books.in_use++;
	}
	spin_unlock(&lab_books_lock);
	if (!room || !lab_memory_is_short(taken))
		return room;
	lab_unbook_frame();
	return false;
}

/* A node that was asked for is binding; otherwise any node nearby will do. */
static struct page *lab_page_take(int node)
{
	return node == NUMA_NO_NODE ? alloc_pages(LAB_GFP | __GFP_ZERO, 0) :
		alloc_pages_node(node, LAB_GFP | __GFP_ZERO | __GFP_THISNODE, 0);
}

static struct lab_frame *lab_frame_from_kernel(int node)
{
	struct lab_frame *frame;

	if (!lab_book_frame())
		return NULL;
	frame = kmem_cache_zalloc(lab_frame_cache, LAB_GFP);
	if (frame)
		frame->page = lab_page_take(node);
	if (frame && frame->page) {
		frame->pfn = page_to_pfn(frame->page);
		frame->entry_bits = lab_frame_bits(frame->pfn);
		frame->number = atomic64_inc_return(&lab_frame_numbers);
		return frame;
	}
	if (frame)
		kmem_cache_free(lab_frame_cache, frame);
	lab_unbook_frame();
	return NULL;
}

struct lab_frame *lab_frame_take(int node)
{
	struct lab_frame *frame;

	might_sleep();
	if (lab_should_fail())
		return NULL;
	if (lab_read_book(&lab_books.quarantined) >= LAB_QUARANTINE_BYTES >> PAGE_SHIFT)
		lab_drain();
	frame = lab_frame_from_kernel(node);
	/* No memory, or past the cap: the quarantine may hold frames that can go back. */
	if (!frame && lab_drain())
		frame = lab_frame_from_kernel(node);
	return frame;
}

void lab_frames_quarantine(struct list_head *frames, unsigned long nr)
{
	lockdep_assert_irqs_enabled();
	spin_lock(&lab_books_lock);
	list_splice_tail(frames, &lab_quarantined);
	lab_books.in_use -= nr;
	lab_books.quarantined += nr;
	spin_unlock(&lab_books_lock);
}

void lab_frames_trim(void)
{
	mutex_lock(&lab_drain_lock);
	lab_core_drain();
	mutex_unlock(&lab_drain_lock);
}

void lab_frames_books(struct tlblab_totals *totals)
{
	spin_lock(&lab_books_lock);
	totals->frames_taken = lab_books.taken;
	totals->frames_returned = lab_books.returned;
	totals->frames_quarantined = lab_books.quarantined;
	totals->frames_in_use = lab_books.in_use;
	spin_unlock(&lab_books_lock);
	totals->max_frames = lab_max_frames();
	totals->global_flushes = atomic_long_read(&lab_global_flushes);
	totals->pressure_flushes = atomic_long_read(&lab_pressure_flushes);
}

static struct lab_shrinker lab_shrinker;

int lab_frames_init(void)
{
	int err;

	lab_frame_cache = kmem_cache_create("tlblab_frame", sizeof(struct lab_frame), 0, 0, NULL);
	if (!lab_frame_cache)
		return -ENOMEM;
	err = lab_shrinker_register(&lab_shrinker, "tlblab", lab_shrink_count, lab_shrink_scan);
	if (err)
		kmem_cache_destroy(lab_frame_cache);
	return err;
}

void lab_frames_exit(void)
{
	struct tlblab_totals totals = {};

	lab_shrinker_unregister(&lab_shrinker);
	lab_frames_trim();
	lab_frames_books(&totals);
	if (totals.frames_taken == totals.frames_returned && !totals.frames_in_use)
		pr_info("unloaded: %llu frames taken, all returned\n", totals.frames_taken);
	else
		pr_err("leak: %llu frames taken, %llu returned, %llu in use\n",
		       totals.frames_taken, totals.frames_returned, totals.frames_in_use);
	kmem_cache_destroy(lab_frame_cache);
}
