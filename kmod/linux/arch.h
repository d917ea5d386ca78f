/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the architectures: kmod/arch/x86/flush.c and kmod/arch/arm64/flush.c have
 * these functions, in this order.
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

/* A request of more pages flushes the whole mm, as of now; see TLBLAB_KNOWS_CEILING. */
u32 lab_arch_ceiling_pages(void);

/*
 * Drops every translation that this CPU holds of any address space, and waits for accesses through
 * them. Interrupts are off: it is called on all CPUs, by IPI.
 */
void lab_arch_flush_everything(void);

/* Each also has its part of kernel.h: lab_shootdown() and so on, or lab_publish() and so on. */

#endif
