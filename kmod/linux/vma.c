// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lab VMAs: their hooks, and what is known about each of their entries.
 *
 * Entries are special (a PFN map), so that the kernel leaves the frames alone: no rmap, no LRU, no
 * gup, no NUMA hints. Only munmap() of a whole lab VMA and exit are allowed. Everything else is
 * refused by a flag or a hook here.
 */
#include <linux/slab.h>
#include <linux/wait.h>

#include "kmod/linux/compat.h"
#include "kmod/linux/lab.h"

static unsigned long lab_vma_nr_chunks(unsigned long nr_pages)
{
	return DIV_ROUND_UP(nr_pages, LAB_CHUNK);
}

static void lab_vma_find_mapped(const struct lab_vma *lab)
{
	unsigned long chunk, i;

	for (chunk = 0; chunk < lab_vma_nr_chunks(lab->nr_pages); chunk++) {
		const unsigned long *slots = READ_ONCE(lab->chunks[chunk]);

		cond_resched();
		for (i = 0; slots && i < LAB_CHUNK; i++) {
			struct lab_frame *frame = lab_slot_frame(READ_ONCE(slots[i]));

			/* Written only where it changes: most are in use by others. */
			if (frame && frame->unmapped)
				frame->unmapped = false;
		}
	}
}

void lab_arena_find_mapped(struct lab_arena *arena)
{
	const struct lab_vma *lab;

	might_sleep();
	mutex_lock(&arena->vmas_lock);
	list_for_each_entry(lab, &arena->vmas, link)
		lab_vma_find_mapped(lab);
	mutex_unlock(&arena->vmas_lock);
}

/* Makes the slots of [@index, @index + @nr). -ENOMEM. */
static int lab_make_slots(struct lab_vma *lab, unsigned long index, u32 nr)
{
	unsigned long chunk;

	for (chunk = index / LAB_CHUNK; chunk <= (index + nr - 1) / LAB_CHUNK; chunk++) {
		unsigned long *slots;

		if (READ_ONCE(lab->chunks[chunk]))
			continue;
		slots = lab_should_fail() ? NULL :
			kcalloc(LAB_CHUNK, sizeof(*slots), GFP_KERNEL_ACCOUNT);
		if (!slots)
			return -ENOMEM;
		/* Two callers that populate neighbouring ranges may want the same. */
		if (cmpxchg(&lab->chunks[chunk], NULL, slots))
			kfree(slots);
	}
	return 0;
}

struct lab_reserved lab_reserve_span(struct lab_session *session, void *lab_vma, u64 address,
				     u32 nr)
{
	const struct tlblab_populate *populate = session->populate;
	struct lab_vma *lab = lab_vma;
	unsigned long index = (address - lab->start) >> PAGE_SHIFT;
	struct lab_reserved reserved = { .error = lab_make_slots(lab, index, nr) };
	u32 i;

	might_sleep();
	for (i = 0; i < nr && !reserved.error; i++) {
		unsigned long *slot = lab_vma_slot(lab, index + i);
		struct lab_frame *frame;

		/* Our claim keeps it as it is, except from requests with TLBLAB_TRUST_NONE. */
		if (READ_ONCE(*slot))
			continue;
		frame = lab_arena_frame(session->arena, lab->pgoff + index + i, populate->node,
					populate->flags & TLBLAB_TAG);
		if (frame) {
			WRITE_ONCE(*slot, (unsigned long)frame | LAB_ENTRY_BUSY);
			reserved.mask |= BIT_ULL(i);
		} else {
			reserved.error = -ENOMEM;
		}
	}
	return reserved;
}

void lab_unreserve_span(struct lab_session *session, void *lab_vma, u64 address, u64 reserved)
{
	struct lab_vma *lab = lab_vma;
	unsigned long index = (address - lab->start) >> PAGE_SHIFT;
	struct lab_frame *frames[LAB_SPAN];
	u32 nr = 0;

	for (; reserved; reserved &= reserved - 1) {
		unsigned long *slot = lab_vma_slot(lab, index + __ffs64(reserved));

		frames[nr++] = lab_slot_frame(*slot);
		WRITE_ONCE(*slot, 0);
	}
	lab_arena_release(session->arena, frames, nr, false);
	lab_wake_faults(session->arena);
}

u32 lab_take_left(struct lab_session *session, void *lab_vma, void **frames)
{
	struct lab_vma *lab = lab_vma;
	u32 nr = 0;

	might_sleep();
	for (; lab->nr_looked_at < lab->nr_pages && nr < LAB_SPAN; lab->nr_looked_at++) {
		unsigned long *slot = lab_vma_slot(lab, lab->nr_looked_at);

		/* A VMA of 1 TiB has half a million chunks. */
		if (lab->nr_looked_at % LAB_CHUNK == 0)
			cond_resched();
		if (!slot) {
			lab->nr_looked_at |= LAB_CHUNK - 1;
		} else if (*slot) {
			frames[nr++] = lab_slot_frame(*slot);
			*slot = 0;
		}
	}
	return nr;
}

void lab_wake_faults(struct lab_arena *arena)
{
	if (wq_has_sleeper(&arena->busy_wait))
		wake_up_all(&arena->busy_wait);
}

static void lab_vma_open(struct vm_area_struct *vma)
{
	struct lab_vma *lab = vma->vm_private_data;

	refcount_inc(&lab->refs);
}

/*
 * munmap() or exit has cleared and flushed the entries that it found set. Any other translation
 * that schemes left behind, knowingly or not, would lead from the next mapping of these addresses
 * to our frames.
 */
static void lab_vma_close(struct vm_area_struct *vma)
{
	struct lab_vma *lab = vma->vm_private_data;
	struct lab_session session = { .arena = lab->arena, .mm = vma->vm_mm };
	unsigned long i;

	might_sleep();
	if (!refcount_dec_and_test(&lab->refs)) {
		lab_core_forget(&session, &lab->space->leftovers);
		return;
	}
	lab_core_close(&session, &lab->space->leftovers, lab);
	mutex_lock(&lab->arena->vmas_lock);
	list_del(&lab->link);
	mutex_unlock(&lab->arena->vmas_lock);
	for (i = 0; i < lab_vma_nr_chunks(lab->nr_pages); i++) {
		kfree(lab->chunks[i]);
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

static enum lab_entry_state lab_state(const unsigned long *slot)
{
	return slot ? lab_slot_state(READ_ONCE(*slot)) : LAB_ENTRY_EMPTY;
}

/*
 * Waits with mmap_lock, or the VMA's lock, held for reading. So does the operation that made the
 * entry busy, and it takes no more of these locks.
 */
static vm_fault_t lab_vma_fault(struct vm_fault *vmf)
{
	const struct lab_vma *lab = vmf->vma->vm_private_data;
	const unsigned long *slot = lab_vma_slot(lab, (vmf->address - lab->start) >> PAGE_SHIFT);

	switch (lab_core_fault(lab_state(slot), vmf->flags & FAULT_FLAG_WRITE)) {
	case LAB_FAULT_WAIT:
		/* If killed, it looks again on the way to its end. */
		wait_event_killable(lab->arena->busy_wait, lab_state(slot) != LAB_ENTRY_BUSY);
		return VM_FAULT_NOPAGE;
	case LAB_FAULT_LOOK_AGAIN:
		return VM_FAULT_NOPAGE;
	case LAB_FAULT_REFUSE:
		break;
	}
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

	/* No PROT_NONE entries: the kernel takes them for NUMA hints and resolves them. */
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
	 * PFNMAP: struct page is not used. IO: no gup, and madvise() can't undo DONTCOPY.
	 * DONTEXPAND, DONTCOPY: mremap() can't grow it, fork() doesn't share it.
	 */
	lab_vm_flags_set(vma, VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTCOPY | VM_DONTDUMP);
	lab_vm_flags_clear(vma, VM_MAYEXEC);
	mutex_lock(&lab->arena->vmas_lock);
	list_add(&lab->link, &lab->arena->vmas);
	mutex_unlock(&lab->arena->vmas_lock);
	vma->vm_private_data = lab;
	vma->vm_ops = &lab_vm_ops;
	return 0;
}
