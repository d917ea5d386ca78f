/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Types of kernel functions that are hidden from modules; types.c checks them against the kernel's.
 */
#ifndef TLBLAB_X86_TYPES_H
#define TLBLAB_X86_TYPES_H

#include <linux/types.h>

struct mm_struct;

/* kallsyms_lookup_name(): 0 if there is none. Any context. */
typedef unsigned long lab_kallsyms_lookup_name_fn(const char *name);

/* flush_tlb_mm_range(). Any context with interrupts enabled, doesn't sleep. */
typedef void lab_flush_tlb_mm_range_fn(struct mm_struct *mm, unsigned long start,
				       unsigned long end, unsigned int stride_shift,
				       bool freed_tables);

/* __flush_tlb_all(). Interrupts off. */
typedef void lab_flush_tlb_all_fn(void);

#endif
