// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unexported functions found by way of a kprobe: registered disabled, so that nothing is patched,
 * it knows the address; then it goes.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kprobes.h>

#include "kmod/linux/symbols.h"

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
