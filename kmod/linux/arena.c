// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arena: the frames of one open file and the VMAs that map them.
 *
 * Entries are special (a PFN map), so that the kernel leaves the frames alone: no rmap, no LRU, no
 * gup, no NUMA hints. What the kernel may do to a lab VMA is munmap() it whole, and exit. Everything
 * else is refused by a flag or a hook here.
 */
#include <linux/bitops.h>
#include <linux/slab.h>

#include "kmod/linux/arch.h"
#include "kmod/linux/compat.h"
#include "kmod/linux/lab.h"

/* When there are none any more, no frame is kept back. */
static atomic_t lab_nr_arenas;

struct lab_arena *lab_arena_create(void)
{
	struct lab_arena *arena = lab_should_fail() ? NULL : kzalloc(sizeof(*arena), GFP_KERNEL);

	if (!arena)
		return NULL;
	xa_init(&arena->frames);
	mutex_init(&arena->claims_lock);
	INIT_LIST_HEAD(&arena->claims);
	init_waitqueue_head(&arena->claims_wait);
	atomic_inc(&lab_nr_arenas);
	return arena;
}

void lab_arena_destroy(struct lab_arena *arena)
{
	unsigned long pgoff, nr = 0;
	LIST_HEAD(frames);
	struct page *page;

	/* Only frames that a failed populate made and never mapped are left here. */
	xa_for_each(&arena->frames, pgoff, page) {
		/* One that something still maps must never be used again: better lost than shared. */
		if (WARN_ONCE(page_ref_count(page) != 1, "tlblab: leak: a frame is still mapped"))
			continue;
		list_add_tail(&page->lru, &frames);
		nr++;
	}
	lab_frames_quarantine(&frames, nr);
	xa_destroy(&arena->frames);
	mutex_destroy(&arena->claims_lock);
	kfree(arena);
	if (atomic_dec_and_test(&lab_nr_arenas))
		lab_frames_trim();
}

struct page *lab_arena_frame(struct lab_arena *arena, pgoff_t pgoff, int node, bool tag)
{
	struct page *page, *fresh = NULL;
	int err;

	for (;;) {
		xa_lock(&arena->frames);
		page = xa_load(&arena->frames, pgoff);
		if (page)
			get_page(page);
		xa_unlock(&arena->frames);
		if (page)
			break;
		if (!fresh) {
			fresh = lab_frame_take(node);
			if (!fresh)
				return NULL;
			fresh->index = pgoff;
			if (tag)
				lab_oracle_tag(fresh);
		}
		err = lab_should_fail() ? -ENOMEM :
			xa_insert(&arena->frames, pgoff, fresh, GFP_KERNEL);
		if (!err)
			fresh = NULL;
		else if (err != -EBUSY)
			break;
	}
	/* Another process was faster, or the index has no memory. */
	if (fresh) {
		LIST_HEAD(unused);

		list_add(&fresh->lru, &unused);
		lab_frames_quarantine(&unused, 1);
	}
	return page;
}

u64 lab_arena_release(struct lab_arena *arena, void *const *frames, u32 nr, bool oracle)
{
	LIST_HEAD(last);
	u32 i, nr_last = 0;

	/* Under the lock a frame can't gain a mapping, see lab_arena_frame(). */
	xa_lock(&arena->frames);
	for (i = 0; i < nr; i++) {
		struct page *page = frames[i];

		if (page_ref_dec_return(page) == 1) {
			__xa_erase(&arena->frames, page->index);
			list_add_tail(&page->lru, &last);
			nr_last++;
		}
	}
	xa_unlock(&arena->frames);
	if (!nr_last)
		return 0;
	if (oracle)
		lab_oracle_released(&last);
	lab_frames_quarantine(&last, nr_last);
	return nr_last;
}

static void lab_vma_open(struct vm_area_struct *vma)
{
	struct lab_vma *lab = vma->vm_private_data;

	refcount_inc(&lab->refs);
}

/*
 * munmap() or exit has cleared the entries and flushed: what it found, that is. What a planted fault
 * left behind would else serve the next mapping of these addresses with our frames.
 */
static void lab_vma_close(struct vm_area_struct *vma)
{
	struct lab_vma *lab = vma->vm_private_data;
	unsigned long word, nr_words = BITS_TO_LONGS(lab->nr_pages);

	if (READ_ONCE(lab->arena->stale))
		lab_arch_flush_mm(vma->vm_mm);
	if (!refcount_dec_and_test(&lab->refs))
		return;
	for (word = 0; word < nr_words; word++) {
		unsigned long bits = atomic_long_read(&lab->mapped[word]);
		void *frames[BITS_PER_LONG];
		unsigned int bit;
		u32 nr = 0;

		for_each_set_bit(bit, &bits, BITS_PER_LONG) {
			pgoff_t pgoff = lab->pgoff + word * BITS_PER_LONG + bit;

			frames[nr++] = xa_load(&lab->arena->frames, pgoff);
		}
		if (nr)
			lab_arena_release(lab->arena, frames, nr, false);
		cond_resched();
	}
	kvfree(lab);
}

static int lab_vma_may_split(struct vm_area_struct *vma, unsigned long address)
{
	return -EINVAL;
}

static int lab_vma_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

static int lab_vma_mprotect(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			    unsigned long flags)
{
	return -EINVAL;
}

static vm_fault_t lab_vma_fault(struct vm_fault *vmf)
{
	return VM_FAULT_SIGBUS;
}

static const struct vm_operations_struct lab_vm_ops = {
	.open = lab_vma_open,
	.close = lab_vma_close,
	.may_split = lab_vma_may_split,
	.mremap = lab_vma_mremap,
	.mprotect = lab_vma_mprotect,
	.fault = lab_vma_fault,
};

struct lab_vma *lab_vma_of(struct vm_area_struct *vma, struct file *file)
{
	return vma->vm_ops == &lab_vm_ops && vma->vm_file == file ? vma->vm_private_data : NULL;
}

int lab_arena_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long nr_pages = vma_pages(vma);
	struct lab_vma *lab;

	/* No PROT_NONE entries: the kernel takes them for NUMA hints and mends them. */
	if (!(vma->vm_flags & VM_SHARED) || !(vma->vm_flags & (VM_READ | VM_WRITE)))
		return -EINVAL;
	if (nr_pages > TLBLAB_MAX_BYTES >> PAGE_SHIFT ||
	    vma->vm_pgoff > (TLBLAB_MAX_BYTES >> PAGE_SHIFT) - nr_pages)
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EACCES;

	lab = lab_should_fail() ? NULL :
		kvzalloc(struct_size(lab, mapped, BITS_TO_LONGS(nr_pages)), GFP_KERNEL_ACCOUNT);
	if (!lab)
		return -ENOMEM;
	refcount_set(&lab->refs, 1);
	lab->arena = file->private_data;
	lab->start = vma->vm_start;
	lab->nr_pages = nr_pages;
	lab->pgoff = vma->vm_pgoff;

	/*
	 * PFNMAP: no struct page for anybody. IO: no gup, and madvise() can't undo DONTCOPY.
	 * DONTEXPAND, DONTCOPY: mremap() can't grow it, fork() doesn't share it.
	 */
	lab_vm_flags_set(vma, VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTCOPY | VM_DONTDUMP);
	lab_vm_flags_clear(vma, VM_MAYEXEC);
	vma->vm_private_data = lab;
	vma->vm_ops = &lab_vm_ops;
	return 0;
}
