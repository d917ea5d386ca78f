/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions and variables that the kernel does not export. */
#ifndef TLBLAB_SYMBOLS_H
#define TLBLAB_SYMBOLS_H

/*
 * The address of a function by its name, or NULL, with the reason in the kernel log. To be called
 * by a static_call only: where the kernel uses IBT an indirect call to it could fault. Sleeps.
 */
void *lab_find_function(const char *name);

/*
 * The address of a variable by its name, or NULL if the kernel can't tell (no kallsyms of data).
 * Sleeps.
 */
const void *lab_find_variable(const char *name);

#endif
