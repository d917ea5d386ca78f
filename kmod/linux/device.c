// SPDX-License-Identifier: GPL-2.0-only
/* /dev/tlblab: the module's init and exit, and its calls, which copy arguments in and out. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <linux/utsname.h>

#include <generated/utsrelease.h>

#include <tlblab/version.h>

#include "kmod/linux/arch.h"
#include "kmod/linux/lab.h"

/* Size of the first version of each struct. It never changes: no caller's struct is shorter. */
#define LAB_CAPABILITIES_V1 80
#define LAB_REQUEST_V1 320
#define LAB_POPULATE_V1 40
#define LAB_TOTALS_V1 336

static_assert(sizeof(struct tlblab_range) == 16);
static_assert(sizeof(struct tlblab_account) == 256);
static_assert(sizeof(struct tlblab_tag) == 48);
static_assert(sizeof(struct tlblab_capabilities) == LAB_CAPABILITIES_V1);
static_assert(sizeof(struct tlblab_pace) == 24);
static_assert(sizeof(struct tlblab_request) == LAB_REQUEST_V1 + sizeof(__u64));
static_assert(sizeof(struct tlblab_populate) == LAB_POPULATE_V1);
static_assert(sizeof(struct tlblab_totals) == LAB_TOTALS_V1);

/* @to is one of the structs. Its first field is the size of the caller's. */
static int lab_copy_in(void *to, size_t known, size_t least, const void __user *from)
{
	u32 size;
	int err;

	if (get_user(size, (const u32 __user *)from))
		return -EFAULT;
	if (size < least)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(to, known, from, size);
	/* The size that was checked, even if the caller has changed it meanwhile. */
	*(u32 *)to = size;
	return err;
}

static int lab_copy_out(void __user *to, const void *from, size_t known)
{
	return copy_to_user(to, from, min_t(size_t, known, *(const u32 *)from)) ? -EFAULT : 0;
}

static int lab_call_query(void __user *user)
{
	struct tlblab_capabilities can;
	int err = lab_copy_in(&can, sizeof(can), LAB_CAPABILITIES_V1, user);

	if (err)
		return err;
	lab_capabilities(&can);
	return lab_copy_out(user, &can, sizeof(can));
}

static int lab_call_perform(struct file *file, void __user *user)
{
	struct tlblab_request request;
	int err = lab_copy_in(&request, sizeof(request), LAB_REQUEST_V1, user);

	err = err ?: lab_perform(file, &request, (unsigned long)user);
	/* With foreign entries the rest was done, and the account says so. */
	if (err && err != -EUCLEAN)
		return err;
	return lab_copy_out(user, &request, sizeof(request)) ?: err;
}

static int lab_call_populate(struct file *file, void __user *user)
{
	struct tlblab_populate populate;
	int err = lab_copy_in(&populate, sizeof(populate), LAB_POPULATE_V1, user);

	err = err ?: lab_populate(file, &populate);
	if (err && err != -EUCLEAN)
		return err;
	return lab_copy_out(user, &populate, sizeof(populate)) ?: err;
}

static int lab_call_totals(void __user *user)
{
	struct tlblab_totals totals;
	int err = lab_copy_in(&totals, sizeof(totals), LAB_TOTALS_V1, user);

	if (err)
		return err;
	if (totals.reserved)
		return -EINVAL;
	lab_totals_read(&totals);
	lab_frames_books(&totals);
	totals.stale_writes = lab_oracle_stale_writes();
	return lab_copy_out(user, &totals, sizeof(totals));
}

static long lab_ioctl(struct file *file, unsigned int command, unsigned long address)
{
	void __user *user = (void __user *)address;

	switch (command) {
	case TLBLAB_QUERY:
		return lab_call_query(user);
	case TLBLAB_PERFORM:
		return lab_call_perform(file, user);
	case TLBLAB_POPULATE:
		return lab_call_populate(file, user);
	case TLBLAB_TOTALS:
		return lab_call_totals(user);
	default:
		return -ENOTTY;
	}
}

static int lab_open(struct inode *inode, struct file *file)
{
	file->private_data = lab_arena_create();
	return file->private_data ? 0 : -ENOMEM;
}

static int lab_release(struct inode *inode, struct file *file)
{
	lab_arena_destroy(file->private_data);
	return 0;
}

static const struct file_operations lab_fops = {
	.owner = THIS_MODULE,
	.open = lab_open,
	.release = lab_release,
	.mmap = lab_arena_mmap,
	.unlocked_ioctl = lab_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice lab_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "tlblab",
	.fops = &lab_fops,
	.mode = 0600,
};

/*
 * Symbol versions let a module into later updates of its kernel. They do not cover functions that
 * are found by name, whose types were checked when this was built.
 */
static int __init lab_check_release(void)
{
	const char *built_for = UTS_RELEASE;

	/* A string, where a test can change it, and not words in the code. */
	OPTIMIZER_HIDE_VAR(built_for);
	if (!strcmp(init_utsname()->release, built_for))
		return 0;
	pr_err("built for Linux %s, and this is %s: build it for this one, by `make module` or DKMS\n",
	       built_for, init_utsname()->release);
	return -EINVAL;
}

static int __init lab_init(void)
{
	int err = lab_check_release() ?: lab_arch_init();

	if (err)
		return err;
	err = lab_frames_init();
	if (err)
		return err;
	lab_capabilities_init();
	err = misc_register(&lab_device);
	if (err)
		lab_frames_exit();
	return err;
}

static void __exit lab_exit(void)
{
	misc_deregister(&lab_device);
	lab_frames_exit();
}

module_init(lab_init);
module_exit(lab_exit);

MODULE_DESCRIPTION("Laboratory for TLB shootdowns");
MODULE_AUTHOR("The tlblab authors");
MODULE_VERSION(TLBLAB_VERSION);
MODULE_LICENSE("GPL");
