// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 32-bit caller of the module on x86-64: the ABI has no field whose place or width depends on the
 * caller. Without a C library, because Debian's 32-bit one can't be installed beside cross
 * compilers.
 * Exit status: 0, or the number of the step that failed.
 */
#include <tlblab/abi.h>

#define NR_EXIT 1
#define NR_OPEN 5
#define NR_IOCTL 54
#define NR_MMAP2 192
#define O_RDWR 2
#define PROT_READ_WRITE 3
#define MAP_SHARED 1
#define NR_PAGES 4

static long call(long number, long a, long b, long c, long d, long e)
{
	long result;

	/* The sixth argument, in ebp, is mmap2's offset: 0 by a detour, as ebp can't be named. */
	asm volatile("push %%ebp\n\txor %%ebp, %%ebp\n\tint $0x80\n\tpop %%ebp"
		     : "=a"(result)
		     : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
		     : "memory");
	return result;
}

static int run(void)
{
	struct tlblab_capabilities can = { .size = sizeof(can) };
	struct tlblab_populate populate = { .size = sizeof(populate), .nr_ranges = 1, .node = -1 };
	struct tlblab_request request = {
		.size = sizeof(request),
		.operation = TLBLAB_UNMAP,
		.gather = TLBLAB_MERGED,
		.extent = TLBLAB_ENVELOPE,
		.release = TLBLAB_STRICT,
		.mechanism = TLBLAB_KERNEL_SHOOTDOWN,
		.nr_ranges = 1,
	};
	struct tlblab_range range = { .len_bytes = NR_PAGES * 4096 };
	long fd = call(NR_OPEN, (long)TLBLAB_DEVICE, O_RDWR, 0, 0, 0);
	long at;

	if (fd < 0)
		return 1;
	if (call(NR_IOCTL, fd, TLBLAB_QUERY, (long)&can, 0, 0) ||
	    can.abi_version != TLBLAB_ABI_VERSION || can.ceiling_pages != 33)
		return 2;
	at = call(NR_MMAP2, 0, NR_PAGES * 4096, PROT_READ_WRITE, MAP_SHARED, fd);
	if (at < 0 && at > -4096)
		return 3;
	range.start = (unsigned long)at;
	populate.ranges = (unsigned long)&range;
	if (call(NR_IOCTL, fd, TLBLAB_POPULATE, (long)&populate, 0, 0) ||
	    populate.populated != NR_PAGES)
		return 4;
	request.ranges = (unsigned long)&range;
	if (call(NR_IOCTL, fd, TLBLAB_PERFORM, (long)&request, 0, 0) ||
	    request.account.cleared != NR_PAGES || request.account.requests != 1)
		return 5;
	return 0;
}

void _start(void)
{
	call(NR_EXIT, run(), 0, 0, 0, 0);
	__builtin_unreachable();
}
