// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/tlblab: the module's beginning and end, and its calls, which copy arguments in and out.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include <tlblab/version.h>

#include "kmod/linux/arch.h"
#include "kmod/linux/lab.h"

/* The first version of each struct, for ever: no caller's is shorter. */
#define LAB_CAPABILITIES_V1 80
#define LAB_REQUEST_V1 320
#define LAB_POPULATE_V1 40
#define LAB_TOTALS_V1 328

static_assert(sizeof(struct tlblab_range) == 16);
static_assert(sizeof(struct tlblab_account) == 256);
static_assert(sizeof(struct tlblab_tag) == 48);
static_assert(sizeof(struct tlblab_capabilities) == LAB_CAPABILITIES_V1);
static_assert(sizeof(struct tlblab_request) == LAB_REQUEST_V1);
static_assert(sizeof(struct tlblab_populate) == LAB_POPULATE_V1);
static_assert(sizeof(struct tlblab_totals) == LAB_TOTALS_V1);

/* Any call's argument. */
union lab_argument {
	u32 size;
	struct tlblab_capabilities capabilities;
	struct tlblab_request request;
	struct tlblab_populate populate;
	struct tlblab_totals totals;
};

static int lab_copy_in(union lab_argument *argument, size_t known, size_t least,
		       const void __user *from)
{
	u32 size;
	int err;

	if (get_user(size, (const u32 __user *)from))
		return -EFAULT;
	if (size < least)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(argument, known, from, size);
	/* As checked, whatever became of it in the meantime. */
	argument->size = size;
	return err;
}

static int lab_copy_out(void __user *to, const union lab_argument *argument, size_t known)
{
	return copy_to_user(to, argument, min_t(size_t, known, argument->size)) ? -EFAULT : 0;
}

static int lab_call_query(union lab_argument *argument)
{
	u32 size = argument->size;

	memset(argument, 0, sizeof(*argument));
	argument->size = size;
	lab_describe(&argument->capabilities);
	return 0;
}

static int lab_call_totals(union lab_argument *argument)
{
	u32 size = argument->size;

	if (argument->totals.reserved)
		return -EINVAL;
	memset(argument, 0, sizeof(*argument));
	argument->size = size;
	lab_totals_read(&argument->totals);
	lab_frames_books(&argument->totals);
	argument->totals.stale_writes = lab_oracle_stale_writes();
	return 0;
}

static long lab_ioctl(struct file *file, unsigned int command, unsigned long address)
{
	void __user *user = (void __user *)address;
	union lab_argument argument;
	size_t known, least;
	int err;

	switch (command) {
	case TLBLAB_QUERY:
		known = sizeof(argument.capabilities);
		least = LAB_CAPABILITIES_V1;
		break;
	case TLBLAB_PERFORM:
		known = sizeof(argument.request);
		least = LAB_REQUEST_V1;
		break;
	case TLBLAB_POPULATE:
		known = sizeof(argument.populate);
		least = LAB_POPULATE_V1;
		break;
	case TLBLAB_TOTALS:
		known = sizeof(argument.totals);
		least = LAB_TOTALS_V1;
		break;
	default:
		return -ENOTTY;
	}

	err = lab_copy_in(&argument, known, least, user);
	if (err)
		return err;
	switch (command) {
	case TLBLAB_QUERY:
		err = lab_call_query(&argument);
		break;
	case TLBLAB_PERFORM:
		err = lab_perform(file, &argument.request, address);
		break;
	case TLBLAB_POPULATE:
		err = lab_populate(file, &argument.populate);
		break;
	case TLBLAB_TOTALS:
		err = lab_call_totals(&argument);
		break;
	}
	return err ?: lab_copy_out(user, &argument, known);
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

static int __init lab_init(void)
{
	int err = lab_arch_init();

	if (err)
		return err;
	err = lab_frames_init();
	if (err)
		return err;
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
