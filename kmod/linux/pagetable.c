// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries: finds and locks leaf tables, clears and sets spans of entries. All by the kernel's own
 * helpers, so that paravirt and page-table checks see what we do.
 *
 * Why a table that was found stays: mmap_lock is held for reading, so no VMA goes or shrinks. A
 * munmap() that has downgraded its lock frees tables up to the neighbouring VMAs and no further
 * (its floor and ceiling). khugepaged and the kernel's reclaim of empty tables (PT_RECLAIM, from
 * 6.14 on) take only tables that lie wholly in a VMA of their own, anonymous or of a file that they
 * may collapse; ours is neither. So no second look is needed after the table's lock is taken, as
 * pte_offset_map_lock() would take, which modules can't call. Any other way to free a table that
 * maps part of a lab VMA would break this.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/pgtable.h>

#include "kmod/linux/compat.h"
#include "kmod/linux/lab.h"

/*
 * The table of @address, or NULL; then *next is the first address past the hole that was found.
 * Lab VMAs have no huge entries.
 */
static pmd_t *lab_find_table(struct mm_struct *mm, unsigned long address, unsigned long end,
			     unsigned long *next)
{
	pgd_t *pgd = pgd_offset(mm, address);
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd;

	*next = pgd_addr_end(address, end);
	if (pgd_none(READ_ONCE(*pgd)))
		return NULL;
	p4d = p4d_offset(pgd, address);
	*next = p4d_addr_end(address, end);
	if (p4d_none(READ_ONCE(*p4d)))
		return NULL;
	pud = pud_offset(p4d, address);
	*next = pud_addr_end(address, end);
	if (pud_none(READ_ONCE(*pud)))
		return NULL;
	pmd = pmd_offset(pud, address);
	*next = pmd_addr_end(address, end);
	return pmd_none(READ_ONCE(*pmd)) ? NULL : pmd;
}

bool lab_table_lock(struct lab_session *session, void *vma, u64 start, u64 end,
		    struct lab_table *table)
{
	unsigned long address, next;

	mmap_assert_locked(session->mm);
	for (address = start; address < end; address = next) {
		pmd_t *pmd = lab_find_table(session->mm, address, end, &next);
		spinlock_t *lock;

		if (!pmd)
			continue;
		lock = pte_lockptr(session->mm, pmd);
		spin_lock(lock);
		*table = (struct lab_table){
			.start = address,
			.end = next,
			.entries = pte_offset_kernel(pmd, address),
			.lock = lock,
			.vma = vma,
		};
		return true;
	}
	return false;
}

void lab_table_unlock(struct lab_session *session, struct lab_table *table)
{
	spin_unlock(table->lock);
}

unsigned long lab_frame_bits(unsigned long pfn)
{
	return pte_val(pfn_pte(pfn, __pgprot(0)));
}

/*
 * Young and dirty from the start, so that no walker has to write to the entry in a timed window.
 * Special last and inline: arm64's set_pte_at() then does none of what it does for other entries,
 * which modules can't call.
 */
static __always_inline pte_t lab_entry(const struct vm_area_struct *vma, unsigned long pfn)
{
	pte_t entry = pte_mkyoung(pfn_pte(pfn, vma->vm_page_prot));

	if (vma->vm_flags & VM_WRITE)
		entry = lab_pte_mkwrite(pte_mkdirty(entry));
	return pte_mkspecial(entry);
}

/*
 * Whether an entry that is not as we set it is still ours: the kernel may have cleared an accessed
 * or soft-dirty bit. If it is not ours, says so in the log.
 */
static noinline bool lab_is_ours(const struct lab_vma *lab, unsigned long index, pte_t entry,
				 const struct lab_frame *frame)
{
	if (frame && pte_present(entry) && pte_special(entry) && pte_pfn(entry) == frame->pfn)
		return true;
	pr_warn_once("an entry at %#lx of %s (%d) is not the lab's (%#llx): it and any other such is left alone; something else writes to lab VMAs' page tables, userfaultfd perhaps\n",
		     lab->start + (index << PAGE_SHIFT), current->comm, task_pid_nr(current),
		     (u64)pte_val(entry));
	return false;
}

/* Slots where nothing was populated, so that the loop below need not ask for each. Only read. */
static const unsigned long lab_no_slots[LAB_CHUNK];

struct lab_span lab_clear_span(struct lab_session *session, struct lab_table *table, u64 address,
			       u32 nr, void **frames)
{
	pte_t *entry = (pte_t *)table->entries + ((address - table->start) >> PAGE_SHIFT);
	struct lab_vma *lab = table->vma;
	unsigned long index = (address - lab->start) >> PAGE_SHIFT;
	unsigned long vma_bits = READ_ONCE(lab->entry_bits);
	struct lab_span span = {};
	void **end = frames;
	u64 bit = 1;

	lockdep_assert_held((spinlock_t *)table->lock);
	/* Even with a wrong count or page size: never beyond the table's part of the piece. */
	nr = min_t(u64, nr, (table->end - address) >> PAGE_SHIFT);
	while (nr) {
		unsigned long *slot = lab_vma_slot(lab, index) ?: (unsigned long *)lab_no_slots;
		u32 run = min_t(unsigned long, nr, LAB_CHUNK - index % LAB_CHUNK);

		nr -= run;
		for (; run; run--, index++, entry++, slot++, bit <<= 1) {
			struct lab_frame *frame = lab_slot_frame(*slot);
			pte_t old = ptep_get(entry);

			if (!pte_none(old)) {
				if (likely(frame &&
					   pte_val(old) == (frame->entry_bits | vma_bits)) ||
				    lab_is_ours(lab, index, old, frame)) {
					ptep_get_and_clear(session->mm,
							   lab->start + (index << PAGE_SHIFT),
							   entry);
					WRITE_ONCE(*slot, 0);
					*end++ = frame;
					span.cleared |= bit;
				} else {
					span.foreign |= bit;
				}
			}
		}
	}
	if (end != frames) {
		atomic_long_sub(end - frames, &lab->nr_mapped);
		if (unlikely(session->oracle))
			lab_oracle_cleared((struct lab_frame *const *)frames, end - frames);
	}
	return span;
}

/* What lab_set_entry() works with. */
struct lab_setting {
	struct mm_struct *mm;
	struct vm_area_struct *vma;
	unsigned long address;		/* of the first entry of the span */
	u64 reserved;
	struct lab_set set;
};

/* Called with the entry's table locked. */
static int lab_set_entry(pte_t *entry, unsigned long address, void *data)
{
	struct lab_setting *setting = data;
	struct lab_vma *lab = setting->vma->vm_private_data;
	unsigned long index = (address - lab->start) >> PAGE_SHIFT;
	u64 bit = BIT_ULL((address - setting->address) >> PAGE_SHIFT);
	unsigned long *slot = lab_vma_slot(lab, index);
	struct lab_frame *frame = lab_slot_frame(READ_ONCE(*slot));
	pte_t old = ptep_get(entry);

	if (!pte_none(old)) {
		if (!lab_is_ours(lab, index, old, frame))
			setting->set.foreign |= bit;
		return 0;
	}
	if (!(setting->reserved & bit))
		return 0;
	set_pte_at(setting->mm, address, entry, lab_entry(setting->vma, frame->pfn));
	WRITE_ONCE(*slot, (unsigned long)frame | LAB_ENTRY_SET);
	atomic_long_inc(&lab->nr_mapped);
	setting->set.mask |= bit;
	return 0;
}

struct lab_set lab_set_span(struct lab_session *session, void *lab_vma, u64 address, u32 nr,
			    u64 reserved)
{
	struct lab_vma *lab = lab_vma;
	struct lab_setting setting = {
		.mm = session->mm,
		.vma = find_vma(session->mm, address),
		.address = address,
		.reserved = reserved,
	};

	mmap_assert_locked(session->mm);
	if (lab_should_fail()) {
		setting.set.error = -ENOMEM;
		return setting.set;
	}
	WRITE_ONCE(lab->entry_bits, pte_val(lab_entry(setting.vma, 0)));
	setting.set.error = apply_to_page_range(session->mm, address,
						(unsigned long)nr << PAGE_SHIFT, lab_set_entry,
						&setting);
	if (setting.set.mask)
		lab_wake_faults(session->arena);
	return setting.set;
}
