// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocations that fail on demand. Debian's kernels have no fault injection of their own, and a
 * path that no test has taken is not known to work.
 */
#include <linux/atomic.h>
#include <linux/module.h>

#include "kmod/linux/lab.h"

static atomic_t lab_fail_countdown = ATOMIC_INIT(0);

static int lab_fail_set(const char *value, const struct kernel_param *param)
{
	unsigned int nth;
	int err = kstrtouint(value, 0, &nth);

	if (!err)
		atomic_set(&lab_fail_countdown, nth);
	return err;
}

static int lab_fail_get(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%d\n", atomic_read(&lab_fail_countdown));
}

static const struct kernel_param_ops lab_fail_ops = {
	.set = lab_fail_set,
	.get = lab_fail_get,
};

module_param_cb(fail_allocation, &lab_fail_ops, NULL, 0600);
MODULE_PARM_DESC(fail_allocation, "Fail the n-th allocation from now on, once; 0: none");

bool lab_should_fail(void)
{
	return atomic_read(&lab_fail_countdown) > 0 &&
	       atomic_dec_if_positive(&lab_fail_countdown) == 0;
}
