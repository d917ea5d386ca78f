/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is different from one architecture to the other: kmod/arch/x86/flush.c and
 * kmod/arch/arm64/flush.c have these functions, in this order.
 */
#ifndef TLBLAB_ARCH_H
#define TLBLAB_ARCH_H

#include "kmod/linux/lab.h"

/* Finds what the mechanisms need. -ENOENT, with the reason in the kernel log. Sleeps. */
int lab_arch_init(void);

/* Fills in mechanisms, features and ceiling_pages. */
void lab_arch_describe(struct tlblab_capabilities *can);

/* As lab_flush_intervals() and lab_flush_mm(). */
struct lab_flush_cost lab_arch_flush_intervals(struct mm_struct *mm, u32 mechanism,
					       const struct lab_interval *intervals, u32 nr);
struct lab_flush_cost lab_arch_flush_mm(struct mm_struct *mm);

/* Drops every translation that this CPU holds of any address space. In an IPI, for all CPUs. */
void lab_arch_flush_everything(void);

#endif
