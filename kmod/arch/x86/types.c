// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks that the kernel's functions that we find by name have the types by which we call them.
 * This generates no code: if a kernel's headers differ, the module does not build, instead of
 * failing when it runs. The declarations are hidden from modules, hence the #undef.
 */
#undef MODULE

#include <linux/build_bug.h>
#include <linux/kallsyms.h>
#include <linux/mm.h>

#include <asm/tlbflush.h>

#include "kmod/arch/x86/types.h"

static_assert(__builtin_types_compatible_p(typeof(flush_tlb_mm_range), lab_flush_tlb_mm_range_fn),
	      "flush_tlb_mm_range() has changed: this kernel is not known to work");
static_assert(__builtin_types_compatible_p(typeof(__flush_tlb_all), lab_flush_tlb_all_fn),
	      "__flush_tlb_all() has changed: this kernel is not known to work");
static_assert(__builtin_types_compatible_p(typeof(kallsyms_lookup_name),
					   lab_kallsyms_lookup_name_fn),
	      "kallsyms_lookup_name() has changed: this kernel is not known to work");
