// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds unexported functions by a kprobe: registered disabled, so that nothing is patched, it gives
 * the address and is unregistered again. Variables can't have a kprobe; the kernel's own table of
 * symbols has them, and its look-up is such a function.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kprobes.h>
#include <linux/static_call.h>

#include "kmod/arch/x86/types.h"
#include "kmod/arch/x86/symbols.h"

#ifndef CONFIG_KPROBES
#error "tlblab needs a kernel with CONFIG_KPROBES, to find flush_tlb_mm_range()"
#endif

void *lab_find_function(const char *name)
{
	struct kprobe probe = { .symbol_name = name, .flags = KPROBE_FLAG_DISABLED };
	int err = register_kprobe(&probe);
	void *address = probe.addr;

	if (err) {
		pr_err("%s() can't be found in this kernel (%d): kprobes are refused, or it is not a kernel that this version knows; `tlblab list` shows what works without the module\n",
		       name, err);
		return NULL;
	}
	unregister_kprobe(&probe);
	return address;
}

static unsigned long lab_no_lookup(const char *name)
{
	return 0;
}

DEFINE_STATIC_CALL(lab_kallsyms_lookup_name, lab_no_lookup);

const void *lab_find_variable(const char *name)
{
	lab_kallsyms_lookup_name_fn *lookup = lab_find_function("kallsyms_lookup_name");

	if (!lookup)
		return NULL;
	static_call_update(lab_kallsyms_lookup_name, lookup);
	return (const void *)static_call(lab_kallsyms_lookup_name)(name);
}
