// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries: leaf tables found and locked, spans of entries cleared and set, by the kernel's own
 * helpers, so that paravirt and page-table checks see what we do. mmap_lock is held, so tables stay.
 */
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

/* The side table's bits of [first, first + 64), those in @mask: at most two words. */
static void lab_vma_clear_bits(struct lab_vma *lab, unsigned long first, u64 mask)
{
	unsigned long word = first / BITS_PER_LONG;
	unsigned int shift = first % BITS_PER_LONG;

	atomic_long_andnot(mask << shift, &lab->mapped[word]);
	if (shift && mask >> (BITS_PER_LONG - shift))
		atomic_long_andnot(mask >> (BITS_PER_LONG - shift), &lab->mapped[word + 1]);
}

u64 lab_clear_span(struct lab_session *session, struct lab_table *table, u64 address, u32 nr,
		   void **frames)
{
	pte_t *entry = (pte_t *)table->entries + ((address - table->start) >> PAGE_SHIFT);
	struct lab_vma *lab = table->vma;
	u32 i, nr_cleared = 0;
	u64 mask = 0;

	for (i = 0; i < nr; i++, entry++) {
		pte_t old;

		if (pte_none(ptep_get(entry)))
			continue;
		old = ptep_get_and_clear(session->mm, address + ((u64)i << PAGE_SHIFT), entry);
		frames[nr_cleared++] = pfn_to_page(pte_pfn(old));
		mask |= BIT_ULL(i);
	}
	if (mask) {
		lab_vma_clear_bits(lab, (address - lab->start) >> PAGE_SHIFT, mask);
		atomic_long_sub(nr_cleared, &lab->nr_mapped);
		if (unlikely(session->oracle))
			lab_oracle_cleared(frames, nr_cleared);
	}
	return mask;
}

/* What lab_map_entry() is told. */
struct lab_map {
	struct mm_struct *mm;
	struct vm_area_struct *vma;
	struct page **pages;
	unsigned long address;		/* of pages[0] */
};

/* Called with the entry's table locked. */
static int lab_map_entry(pte_t *entry, unsigned long address, void *data)
{
	const struct lab_map *map = data;
	struct lab_vma *lab = map->vma->vm_private_data;
	struct page **page = &map->pages[(address - map->address) >> PAGE_SHIFT];
	unsigned long index = (address - lab->start) >> PAGE_SHIFT;
	pte_t pte;

	if (!*page || !pte_none(ptep_get(entry)))
		return 0;
	/* Young and dirty from birth: no walker has to write to the entry in a timed window. */
	pte = pte_mkyoung(pte_mkspecial(pfn_pte(page_to_pfn(*page), map->vma->vm_page_prot)));
	if (map->vma->vm_flags & VM_WRITE)
		pte = lab_pte_mkwrite(pte_mkdirty(pte));
	set_pte_at(map->mm, address, entry, pte);
	atomic_long_or(BIT(index % BITS_PER_LONG), &lab->mapped[index / BITS_PER_LONG]);
	atomic_long_inc(&lab->nr_mapped);
	*page = NULL;
	return 0;
}

int lab_map_span(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long address, u32 nr,
		 struct page **pages)
{
	struct lab_map map = { .mm = mm, .vma = vma, .pages = pages, .address = address };

	if (lab_should_fail())
		return -ENOMEM;
	return apply_to_page_range(mm, address, (unsigned long)nr << PAGE_SHIFT, lab_map_entry,
				   &map);
}
