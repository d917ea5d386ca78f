/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is different from one architecture to the other: kmod/arch/x86/flush.c and
 * kmod/arch/arm64/flush.c have these functions, in this order.
 */
#ifndef TLBLAB_ARCH_H
#define TLBLAB_ARCH_H

#include "kmod/linux/lab.h"

/*
 * Finds what the mechanisms need. -ENOENT, or -EOPNOTSUPP for a machine on which they would be
 * wrong, with the reason in the kernel log. Sleeps.
 */
int lab_arch_init(void);

/* Fills in mechanisms and features; faults that only this machine has. */
void lab_arch_describe(struct tlblab_capabilities *can);

/* Above so many pages a request flushes the whole mm, as of now; see TLBLAB_KNOWS_CEILING. */
u32 lab_arch_ceiling_pages(void);

/*
 * Drops every translation that this CPU holds of any address space, and waits for what it does
 * through them. Interrupts off: in an IPI, for all CPUs.
 */
void lab_arch_flush_everything(void);

/* Besides, each has its part of kernel.h: lab_shootdown() and so on, or lab_publish() and so on. */

#endif
