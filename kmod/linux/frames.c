// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where frames come from and where they go.
 *
 * The safety rule: a scheme may be wrong, and then a CPU still reaches a frame that was released. So
 * a released frame goes to the quarantine, and leaves it only after every CPU has flushed everything
 * that it holds. From there it goes to the pool of its node, to be zeroed and used again, or back to
 * the kernel. The global flush is made when a caller wants a frame, never by a timer: it must not
 * fall into a timed window.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "kmod/linux/arch.h"
#include "kmod/linux/lab.h"

/* So many released frames make one global flush worth while: 16 MiB. */
#define LAB_QUARANTINE_FRAMES 4096
/* Clean frames kept for the next populate, a node: 64 MiB. */
#define LAB_POOL_FRAMES 16384

/* A look at the machine's memory each so many frames, and the part of it that is left alone. */
#define LAB_LOOK_FRAMES 64
#define LAB_SPARE_PART 32

/* Frames linked by page->lru. */
struct lab_pool {
	spinlock_t lock;
	struct list_head frames;
	unsigned long nr;
};

static struct lab_pool lab_quarantine;
static struct lab_pool *lab_pools;	/* by node */

/* One global flush at a time: the second caller finds the first one's frames in the pool. */
static DEFINE_MUTEX(lab_drain_lock);

static atomic_long_t lab_frames_taken;
static atomic_long_t lab_frames_returned;
static atomic_long_t lab_frames_in_use;
static atomic_long_t lab_global_flushes;

static void lab_pool_init(struct lab_pool *pool)
{
	spin_lock_init(&pool->lock);
	INIT_LIST_HEAD(&pool->frames);
	pool->nr = 0;
}

static void lab_pool_put(struct lab_pool *pool, struct page *page)
{
	spin_lock(&pool->lock);
	list_add_tail(&page->lru, &pool->frames);
	pool->nr++;
	spin_unlock(&pool->lock);
}

static struct page *lab_pool_get(struct lab_pool *pool)
{
	struct page *page;

	spin_lock(&pool->lock);
	page = list_first_entry_or_null(&pool->frames, struct page, lru);
	if (page) {
		list_del(&page->lru);
		pool->nr--;
	}
	spin_unlock(&pool->lock);
	return page;
}

/* Moves everything to @to, which is empty. */
static void lab_pool_take_all(struct lab_pool *pool, struct list_head *to)
{
	spin_lock(&pool->lock);
	list_splice_init(&pool->frames, to);
	pool->nr = 0;
	spin_unlock(&pool->lock);
}

static void lab_frame_return(struct page *page)
{
	page->index = 0;
	__free_page(page);
	atomic_long_inc(&lab_frames_returned);
}

static void lab_flush_on_this_cpu(void *unused)
{
	lab_arch_flush_everything();
}

/* Flushes everything everywhere; then what was in quarantine is clean. Sleeps. */
static void lab_quarantine_drain(void)
{
	struct page *page, *next;
	LIST_HEAD(frames);

	mutex_lock(&lab_drain_lock);
	lab_pool_take_all(&lab_quarantine, &frames);
	if (!list_empty(&frames)) {
		on_each_cpu(lab_flush_on_this_cpu, NULL, 1);
		atomic_long_inc(&lab_global_flushes);
	}
	list_for_each_entry_safe(page, next, &frames, lru) {
		struct lab_pool *pool = &lab_pools[page_to_nid(page)];

		list_del(&page->lru);
		lab_oracle_forget(page);
		if (READ_ONCE(pool->nr) < LAB_POOL_FRAMES)
			lab_pool_put(pool, page);
		else
			lab_frame_return(page);
		cond_resched();
	}
	mutex_unlock(&lab_drain_lock);
}

/*
 * Rather fail than have the OOM killer choose somebody for an experiment: the machine keeps a part
 * of its memory, for the page tables of what we took among others. Looked at now and then.
 */
static bool lab_memory_is_short(void)
{
	long available;

	if (atomic_long_read(&lab_frames_taken) % LAB_LOOK_FRAMES)
		return false;
	/* Memory for contiguous allocations counts as available, but not to us. */
	available = si_mem_available() - (long)global_zone_page_state(NR_FREE_CMA_PAGES);
	return available < (long)(totalram_pages() / LAB_SPARE_PART);
}

static struct page *lab_frame_from_kernel(int node)
{
	struct page *page;

	if (lab_memory_is_short())
		return NULL;
	page = alloc_pages_node(node, GFP_KERNEL | __GFP_ZERO | __GFP_RETRY_MAYFAIL |
				__GFP_NOWARN | __GFP_THISNODE, 0);
	if (page)
		atomic_long_inc(&lab_frames_taken);
	return page;
}

static struct page *lab_frame_from_pool(int node)
{
	struct page *page = lab_pool_get(&lab_pools[node]);

	if (page)
		clear_highpage(page);
	return page;
}

struct page *lab_frame_take(int node)
{
	struct page *page;

	if (lab_should_fail())
		return NULL;
	if (node == NUMA_NO_NODE)
		node = numa_mem_id();
	if (READ_ONCE(lab_quarantine.nr) >= LAB_QUARANTINE_FRAMES)
		lab_quarantine_drain();
	page = lab_frame_from_pool(node);
	if (!page)
		page = lab_frame_from_kernel(node);
	if (!page) {
		/* The kernel has none left; we may hold some ourselves. */
		lab_quarantine_drain();
		page = lab_frame_from_pool(node);
	}
	if (page)
		atomic_long_inc(&lab_frames_in_use);
	return page;
}

void lab_frames_quarantine(struct list_head *frames, unsigned long nr)
{
	atomic_long_sub(nr, &lab_frames_in_use);
	spin_lock(&lab_quarantine.lock);
	list_splice_tail(frames, &lab_quarantine.frames);
	lab_quarantine.nr += nr;
	spin_unlock(&lab_quarantine.lock);
}

void lab_frames_trim(void)
{
	struct page *page, *next;
	int node;

	lab_quarantine_drain();
	for_each_node(node) {
		LIST_HEAD(frames);

		lab_pool_take_all(&lab_pools[node], &frames);
		list_for_each_entry_safe(page, next, &frames, lru) {
			list_del(&page->lru);
			lab_frame_return(page);
			cond_resched();
		}
	}
}

void lab_frames_books(struct tlblab_totals *totals)
{
	int node;

	totals->frames_taken = atomic_long_read(&lab_frames_taken);
	totals->frames_returned = atomic_long_read(&lab_frames_returned);
	totals->frames_quarantined = READ_ONCE(lab_quarantine.nr);
	totals->frames_in_use = atomic_long_read(&lab_frames_in_use);
	totals->frames_pooled = 0;
	for_each_node(node)
		totals->frames_pooled += READ_ONCE(lab_pools[node].nr);
	totals->global_flushes = atomic_long_read(&lab_global_flushes);
}

int lab_frames_init(void)
{
	int node;

	lab_pool_init(&lab_quarantine);
	lab_pools = kcalloc(nr_node_ids, sizeof(*lab_pools), GFP_KERNEL);
	if (!lab_pools)
		return -ENOMEM;
	for_each_node(node)
		lab_pool_init(&lab_pools[node]);
	return 0;
}

void lab_frames_exit(void)
{
	struct tlblab_totals totals = {};

	lab_frames_trim();
	lab_frames_books(&totals);
	kfree(lab_pools);
	if (totals.frames_taken == totals.frames_returned && !totals.frames_in_use)
		pr_info("unloaded: %llu frames taken, all returned\n", totals.frames_taken);
	else
		pr_err("leak: %llu frames taken, %llu returned, %llu in use\n",
		       totals.frames_taken, totals.frames_returned, totals.frames_in_use);
}
