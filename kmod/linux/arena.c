// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arena: the frames of one open file and the VMAs that map them.
 *
 * Entries are special (a PFN map), so that the kernel leaves the frames alone: no rmap, no LRU, no
 * gup, no NUMA hints. What the kernel may do to a lab VMA is munmap() it whole, and exit. Everything
 * else is refused by a flag or a hook here.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

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
	mutex_init(&arena->spaces_lock);
	INIT_LIST_HEAD(&arena->spaces);
	mutex_init(&arena->claims_lock);
	INIT_LIST_HEAD(&arena->claims);
	init_waitqueue_head(&arena->claims_wait);
	atomic_inc(&lab_nr_arenas);
	return arena;
}

void lab_arena_destroy(struct lab_arena *arena)
{
	/*
	 * Frames go with their last mapping. One that something still maps must never be used again:
	 * better lost than shared.
	 */
	if (!xa_empty(&arena->frames))
		pr_err_once("leak: an arena is gone, and frames of it are still mapped\n");
	xa_destroy(&arena->frames);
	mutex_destroy(&arena->spaces_lock);
	mutex_destroy(&arena->claims_lock);
	kfree(arena);
	if (atomic_dec_and_test(&lab_nr_arenas))
		lab_frames_trim();
}

struct lab_frame *lab_arena_frame(struct lab_arena *arena, pgoff_t pgoff, int node, bool tag)
{
	struct lab_frame *frame, *fresh = NULL;
	int err;

	might_sleep();
	for (;;) {
		xa_lock(&arena->frames);
		frame = xa_load(&arena->frames, pgoff);
		if (frame)
			frame->nr_mappings++;
		xa_unlock(&arena->frames);
		if (frame)
			break;
		if (!fresh) {
			fresh = lab_frame_take(node);
			if (!fresh)
				return NULL;
			fresh->pgoff = pgoff;
			fresh->nr_mappings = 1;
			if (tag)
				lab_oracle_tag(fresh);
		}
		err = lab_should_fail() ? -ENOMEM :
			xa_insert(&arena->frames, pgoff, fresh, GFP_KERNEL_ACCOUNT);
		if (!err)
			return fresh;
		if (err != -EBUSY)
			break;
	}
	/* Another process was faster, or the index has no memory. */
	if (fresh) {
		LIST_HEAD(unused);

		list_add(&fresh->link, &unused);
		lab_frames_quarantine(&unused, 1);
	}
	return frame;
}

u64 lab_arena_release(struct lab_arena *arena, struct lab_frame *const *frames, u32 nr, bool oracle)
{
	LIST_HEAD(last);
	u32 i, nr_last = 0;

	/* Under the lock a frame can't gain a mapping, see lab_arena_frame(). */
	xa_lock(&arena->frames);
	for (i = 0; i < nr; i++) {
		struct lab_frame *frame = frames[i];

		if (!--frame->nr_mappings) {
			__xa_erase(&arena->frames, frame->pgoff);
			list_add_tail(&frame->link, &last);
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

int lab_vma_make_slots(struct lab_vma *lab, unsigned long index, u32 nr)
{
	unsigned long chunk;

	might_sleep();
	for (chunk = index / LAB_CHUNK; chunk <= (index + nr - 1) / LAB_CHUNK; chunk++) {
		struct lab_frame **slots;

		if (READ_ONCE(lab->chunks[chunk]))
			continue;
		slots = lab_should_fail() ? NULL :
			kcalloc(LAB_CHUNK, sizeof(*slots), GFP_KERNEL_ACCOUNT);
		if (!slots)
			return -ENOMEM;
		/* Two that populate neighbouring ranges may want the same. */
		if (cmpxchg(&lab->chunks[chunk], NULL, slots))
			kfree(slots);
	}
	return 0;
}

static unsigned long lab_vma_nr_chunks(unsigned long nr_pages)
{
	return DIV_ROUND_UP(nr_pages, LAB_CHUNK);
}

static void lab_vma_open(struct vm_area_struct *vma)
{
	struct lab_vma *lab = vma->vm_private_data;

	refcount_inc(&lab->refs);
}

/* Releases what a chunk's entries mapped. */
static void lab_chunk_release(struct lab_arena *arena, struct lab_frame *const *chunk)
{
	struct lab_frame *frames[LAB_SPAN];
	u32 i, nr = 0;

	for (i = 0; i < LAB_CHUNK; i++) {
		if (chunk[i])
			frames[nr++] = chunk[i];
		if (nr == LAB_SPAN || (nr && i == LAB_CHUNK - 1)) {
			lab_arena_release(arena, frames, nr, false);
			nr = 0;
		}
	}
}

/*
 * munmap() or exit has cleared the entries and flushed: what it found, that is. What schemes left
 * behind, knowingly or not, would else serve the next mapping of these addresses with our frames.
 */
static void lab_vma_close(struct vm_area_struct *vma)
{
	struct lab_vma *lab = vma->vm_private_data;
	struct lab_session session = { .arena = lab->arena, .mm = vma->vm_mm };
	unsigned long i;

	might_sleep();
	lab_core_forget(&session, &lab->space->leftovers);
	if (!refcount_dec_and_test(&lab->refs))
		return;
	for (i = 0; i < lab_vma_nr_chunks(lab->nr_pages); i++) {
		if (lab->chunks[i]) {
			lab_chunk_release(lab->arena, lab->chunks[i]);
			kfree(lab->chunks[i]);
		}
		cond_resched();
	}
	lab_space_put(lab->arena, lab->space);
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

	mmap_assert_write_locked(vma->vm_mm);
	lab = lab_should_fail() ? NULL :
		kvzalloc(struct_size(lab, chunks, lab_vma_nr_chunks(nr_pages)), GFP_KERNEL_ACCOUNT);
	if (!lab)
		return -ENOMEM;
	lab->arena = file->private_data;
	lab->space = lab_space_get(lab->arena, vma->vm_mm);
	if (!lab->space) {
		kvfree(lab);
		return -ENOMEM;
	}
	refcount_set(&lab->refs, 1);
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
