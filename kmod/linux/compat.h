/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every difference between the kernels that the module builds for, in one place. Macros tell what a
 * kernel has, or Kbuild, which looks into its headers and defines LAB_HAS_*.
 */
#ifndef TLBLAB_COMPAT_H
#define TLBLAB_COMPAT_H

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/shrinker.h>
#include <linux/swap.h>
#include <linux/version.h>

/* The lines that it was tried on. dkms.conf has them, too. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "tlblab needs Linux 6.1 or later: KDIR= names another kernel's build folder"
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 4, 0) && !defined(LAB_ANY_KERNEL)
#error "tlblab was tried on Linux 6.1 to 7.3, this is newer: ANY_KERNEL=yes builds it all the same"
#endif
#ifndef CONFIG_64BIT
#error "tlblab builds for 64-bit kernels only"
#endif
#if defined(CONFIG_ARM64) && defined(CONFIG_DEBUG_VM)
#error "arm64 with CONFIG_DEBUG_VM: modules can't set entries there; choose another with KDIR="
#endif
#ifndef CONFIG_MMU_NOTIFIER
#error "tlblab needs a kernel with CONFIG_MMU_NOTIFIER, to refuse memory that other MMUs share"
#endif

/* 6.3 made vm_flags private. */
static inline void lab_vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
#ifdef LAB_HAS_vm_flags_set
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

static inline void lab_vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
#ifdef LAB_HAS_vm_flags_set
	vm_flags_clear(vma, flags);
#else
	vma->vm_flags &= ~flags;
#endif
}

/*
 * Since 6.7 the kernel allocates shrinkers; before that they were static objects of their owners.
 */
struct lab_shrinker {
#ifdef LAB_HAS_shrinker_alloc
	struct shrinker *it;
#else
	struct shrinker it;
#endif
};

typedef unsigned long lab_shrink_fn(struct shrinker *shrinker, struct shrink_control *control);

/* 0 or -ENOMEM. Sleeps. */
static inline int lab_shrinker_register(struct lab_shrinker *shrinker, const char *name,
					lab_shrink_fn *count, lab_shrink_fn *scan)
{
#ifdef LAB_HAS_shrinker_alloc
	shrinker->it = shrinker_alloc(0, "%s", name);
	if (!shrinker->it)
		return -ENOMEM;
	shrinker->it->count_objects = count;
	shrinker->it->scan_objects = scan;
	shrinker_register(shrinker->it);
	return 0;
#else
	shrinker->it.count_objects = count;
	shrinker->it.scan_objects = scan;
	shrinker->it.seeks = DEFAULT_SEEKS;
	return register_shrinker(&shrinker->it, "%s", name);
#endif
}

static inline void lab_shrinker_unregister(struct lab_shrinker *shrinker)
{
#ifdef LAB_HAS_shrinker_alloc
	shrinker_free(shrinker->it);
#else
	unregister_shrinker(&shrinker->it);
#endif
}

/*
 * Tells reclaim that a shrinker has freed whole pages, which it would not count otherwise. Renamed
 * in 6.4.
 */
static inline void lab_account_reclaimed(unsigned long nr_pages)
{
#ifdef LAB_HAS_mm_account_reclaimed_pages
	mm_account_reclaimed_pages(nr_pages);
#else
	if (current->reclaim_state)
		current->reclaim_state->reclaimed_slab += nr_pages;
#endif
}

/* 6.6 gave pte_mkwrite() the VMA, for shadow stacks; a lab VMA is never one. */
static inline pte_t lab_pte_mkwrite(pte_t pte)
{
#ifdef LAB_HAS_pte_mkwrite_novma
	return pte_mkwrite_novma(pte);
#else
	return pte_mkwrite(pte);
#endif
}

#ifdef CONFIG_X86
#include <asm/tlbflush.h>

/* Since 6.15 the kernel may switch an mm to AMD's INVLPGB, at a time of its choice. */
static inline bool lab_mm_is_broadcast(struct mm_struct *mm)
{
#ifdef CONFIG_BROADCAST_TLB_FLUSH
	/* mm_global_asid() is hidden from modules. */
	return READ_ONCE(mm->context.global_asid);
#else
	return false;
#endif
}
#endif

#ifdef CONFIG_ARM64
#include <asm/cpufeature.h>
#include <asm/tlbflush.h>

/*
 * Cores with broken completion of broadcast TLBI: stable updates of mid-2026 (mainline
 * a8f78680ee6b) moved the repetition from __tlbi() to the completion.
 */
#ifdef __repeat_tlbi_sync
#define LAB_TLBI_REPEATS_ITSELF 0
#define lab_repeat_tlbi() __repeat_tlbi_sync(vale1is, 0)
#else
#define LAB_TLBI_REPEATS_ITSELF 1
#define lab_repeat_tlbi() do { } while (0)
#endif

/* Which cores these are; renamed in 7.2. */
#ifdef ARM64_WORKAROUND_REPEAT_TLBI_SYNC
#define LAB_CAP_REPEAT_TLBI ARM64_WORKAROUND_REPEAT_TLBI_SYNC
#else
#define LAB_CAP_REPEAT_TLBI ARM64_WORKAROUND_REPEAT_TLBI
#endif

/* Without range TLBI the kernel flushes the whole mm from this many pages on. */
#ifdef MAX_DVM_OPS
#define LAB_MAX_TLBI MAX_DVM_OPS
#else
#define LAB_MAX_TLBI MAX_TLBI_OPS
#endif

/* 6.3 renamed the test by an alternative. @cap: a constant. */
#ifdef LAB_HAS_alternative_has_cap_unlikely
#define lab_has_cap(cap) alternative_has_cap_unlikely(cap)
#else
#define lab_has_cap(cap) alternative_has_feature_unlikely(cap)
#endif

/* __TLBI_VADDR(), which newer headers undefine at their end. The address counts units of 4 KiB. */
static inline unsigned long lab_tlbi_operand(unsigned long address, u64 asid)
{
	return (address >> 12 & GENMASK_ULL(43, 0)) | asid << 48;
}
#endif

#endif
