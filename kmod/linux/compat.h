/* SPDX-License-Identifier: GPL-2.0-only */
/* Every difference between the kernels that the module builds for, in one place. */
#ifndef TLBLAB_COMPAT_H
#define TLBLAB_COMPAT_H

#include <linux/mm.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "tlblab builds for Linux 6.1 and later: choose another kernel with KDIR="
#endif
#ifndef CONFIG_64BIT
#error "tlblab builds for 64-bit kernels only"
#endif
#ifndef CONFIG_MMU_NOTIFIER
#error "tlblab needs a kernel with CONFIG_MMU_NOTIFIER, to refuse memory that other MMUs share"
#endif

/* 6.3 made vm_flags private. */
static inline void lab_vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

static inline void lab_vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_clear(vma, flags);
#else
	vma->vm_flags &= ~flags;
#endif
}

/* 6.6 gave pte_mkwrite() the VMA, for shadow stacks, which a lab VMA never is. */
static inline pte_t lab_pte_mkwrite(pte_t pte)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	return pte_mkwrite_novma(pte);
#else
	return pte_mkwrite(pte);
#endif
}

#endif
