/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The ABI of /dev/tlblab: plain data, used by the module (C and C++), the driver and the tests.
 *
 * The device. One open file is one *arena*: frames belong to (file, offset in pages). Open it for
 * reading and writing. Each mmap() of the file (base pages; any number, from any process that has
 * the file) is one *lab VMA*. mmap() fails with EINVAL unless it is MAP_SHARED, with PROT_READ or
 * PROT_WRITE, and at most TLBLAB_MAX_BYTES; with EACCES for PROT_EXEC. A lab VMA begins with empty
 * entries, and touching an empty entry raises SIGBUS. TLBLAB_POPULATE sets entries, TLBLAB_PERFORM
 * and munmap() clear them. A lab VMA cannot be unmapped in part, moved, grown or protected, and
 * madvise() cannot drop its entries (EINVAL; EFAULT for growing). A child of fork() does not get
 * it.
 *
 * The calls. Every argument is a pointer to a struct whose first field is its size in bytes as the
 * compiled into the caller. A struct shorter than the module's is read as if the rest were zero; a
 * longer one is accepted if the rest is zero and refused with E2BIG otherwise. So later schemes add
 * values and fields, not calls.
 *
 * Errors common to all calls:
 *   ENOTTY  no such command
 *   EFAULT  the argument can't be read or written
 *   E2BIG   a field that this module does not know is not zero
 *   EINVAL  a size smaller than the struct's first version; an unknown flag or value; a field
 *           marked "must be zero" is not
 */
#ifndef TLBLAB_ABI_H
#define TLBLAB_ABI_H

#if defined(__KERNEL__) && defined(__cplusplus)
/* The kernel's own linux/types.h is not C++. Same widths, from the compiler. */
typedef __UINT32_TYPE__ __u32;
typedef __INT32_TYPE__ __s32;
typedef __UINT64_TYPE__ __u64;
#else
#include <linux/ioctl.h>
#include <linux/types.h>
#endif

/* This header describes the module if TLBLAB_QUERY answers this version. */
#define TLBLAB_ABI_VERSION 2

#define TLBLAB_DEVICE "/dev/tlblab"

/*
 * The choices that make a scheme. No choice has the value 0, so that a field never set is refused.
 * For each, TLBLAB_QUERY gives a mask with bit (1 << value) set for what this module has here.
 * Threads are listed in docs/sources.md.
 */

/* Who performs a request. The exception: 0 is the module's own schemes on its own memory. */
enum tlblab_engine {
	TLBLAB_ENGINE_LAB = 0,
};

enum tlblab_operation {
	/* Clear every entry of the ranges; release the frames that no entry maps any longer. */
	TLBLAB_UNMAP = 1,
};

/* When the pending flush is issued. None is issued if nothing was cleared since the last one. */
enum tlblab_gather {
	TLBLAB_PER_PAGE = 1,	/* after each entry, under the page-table lock (thread 002) */
	TLBLAB_PER_TABLE = 2,	/* before each page table's lock is dropped (thread 002) */
	TLBLAB_PER_VMA = 3,	/* when the VMA is left (threads 000, 004) */
	TLBLAB_MERGED = 4,	/* once, at the end, over all VMAs (thread 004) */
	TLBLAB_FULL_MM = 5,	/* once, at the end, the whole address space (thread 004) */
};

/* What one flush invalidates. */
enum tlblab_extent {
	TLBLAB_ENVELOPE = 1,	/* from the first cleared entry to the last, gaps included */
	TLBLAB_EXACT = 2,	/* the cleared entries' intervals; x86: one request for each */
};

/* When the frames may be used again. */
enum tlblab_release {
	TLBLAB_STRICT = 1,	/* unhook, flush, release, before the call returns (thread 004) */
};

/* How the other CPUs are told. */
enum tlblab_mechanism {
	TLBLAB_KERNEL_SHOOTDOWN = 1,	/* x86: flush_tlb_mm_range() */
	TLBLAB_TLBI_DSB_EACH = 2,	/* arm64: broadcast TLBI, each with its completing DSB */
	TLBLAB_TLBI_DSB_ONCE = 3,	/* arm64: broadcast TLBIs, one completing DSB a request */
};

/*
 * Planted faults: wrong on purpose, to prove that the oracle detects them. For CAP_SYS_ADMIN only;
 * the safety rule keeps them from harming anybody. Requests are counted as if there were no fault;
 * their costs (targets, tlbi, dsb_*, repeats) are those of what was really done.
 */
enum tlblab_fault {
	TLBLAB_NO_FLUSH = 1,		/* requests are counted but not made */
	TLBLAB_RELEASE_FIRST = 2,	/* frames are released before the flush that covers them */
	TLBLAB_EARLY_FULL_FLUSH = 3,	/* the whole mm is flushed first, and nothing after that
					 * (full-mm-early, thread 004, with the mm in use) */
	TLBLAB_TRUST_NONE = 4,		/* ranges are not claimed: an entry that another initiator
					 * has cleared and not yet flushed is taken as flushed
					 * (thread 002) */
	TLBLAB_NO_REPEAT = 5,		/* arm64 cores with broken completion of broadcast TLBI
					 * (erratum 4118414 and its like, CVE-2025-10263): the
					 * repetition that they need is left out. Only there */
};

/* Bits of tlblab_request.flags. */
#define TLBLAB_TIME_PHASES (1u << 0) /* fill clear_ns, flush_ns, release_ns; costs clock reads */
#define TLBLAB_ORACLE (1u << 1)	     /* re-tag each frame when it is released */

/* Bits of tlblab_populate.flags. */
#define TLBLAB_TAG (1u << 0) /* write a struct tlblab_tag to the start of each new frame */

/* Bits of tlblab_capabilities.features. */
#define TLBLAB_HAS_BROADCAST (1u << 0) /* flushes are broadcast in hardware: no targets, no IPIs */
#define TLBLAB_HAS_PACE (1u << 1)      /* tlblab_request.pace is known */
#define TLBLAB_KNOWS_CEILING (1u << 2) /* ceiling_pages is the running kernel's own, just read */

/*
 * How long a paced operation is held up: by default, and at most. Both are well below the kernel's
 * watchdogs. More than the default is allowed only where no other VMA shares a page table with the
 * ranges' VMAs: a fault there would spin for as long.
 */
#define TLBLAB_USUAL_PACE_MS 500u
#define TLBLAB_MAX_PACE_MS 5000u

/* Most ranges of one call. */
#define TLBLAB_MAX_RANGES 65536u
/* Most bytes of one lab VMA, and of one arena's offsets. */
#define TLBLAB_MAX_BYTES (1ull << 40)

/*
 * A piece of the caller's address space: [start, start + len_bytes). Both are multiples of the page
 * size, len_bytes is not 0. A list of ranges is in ascending order, without overlap, and each range
 * lies within one lab VMA of the file that the call is made on, in the calling process. Two ranges
 * may lie in the same VMA.
 */
struct tlblab_range {
	__u64 start;		/* in: address */
	__u64 len_bytes;	/* in */
};

/* TLBLAB_QUERY: what this module can do on this machine. What is missing is no error. */
struct tlblab_capabilities {
	__u32 size;		/* in: sizeof(struct tlblab_capabilities) */
	__u32 abi_version;	/* out: TLBLAB_ABI_VERSION */
	__u64 operations;	/* out: mask of enum tlblab_operation */
	__u64 gathers;		/* out: mask of enum tlblab_gather */
	__u64 extents;		/* out: mask of enum tlblab_extent */
	__u64 releases;		/* out: mask of enum tlblab_release */
	__u64 mechanisms;	/* out: mask of enum tlblab_mechanism */
	__u64 faults;		/* out: mask of enum tlblab_fault */
	__u64 flags;		/* out: mask of known tlblab_request.flags */
	__u32 features;		/* out: TLBLAB_HAS_* */
	__u32 ceiling_pages;	/* out: a request of more pages than this flushes the whole mm,
				 * unless the request sets a lower ceiling. With
				 * TLBLAB_KNOWS_CEILING it is the kernel's own at this call; else
				 * the kernel's is unknown (range TLBI, or a variable out of
				 * reach), and this is the lab's */
	__u32 page_bytes;	/* out: base page size */
	__u32 entries_per_table; /* out: entries of one leaf page table */
};

/* Account of one operation, all fields out. What cannot be counted here is TLBLAB_UNKNOWN. */
#define TLBLAB_UNKNOWN (~0ull)

struct tlblab_account {
	__u64 vmas;		/* VMA visits: consecutive ranges in one VMA are one visit */
	__u64 tables;		/* (VMA visit, page table) pieces locked; relocks not counted */
	__u64 cleared;		/* entries found present and cleared */
	__u64 empty;		/* entries found empty; absent tables' entries included */
	__u64 requests;		/* flush requests issued: forced and regular */
	__u64 forced;		/* of requests: because the batch was full */
	__u64 full;		/* of requests: of the whole mm */
	__u64 flushed_pages;	/* pages in the requests' extents; full ones add none */
	__u64 targets;		/* other CPUs in the mm's mask at each request, summed;
				 * TLBLAB_UNKNOWN where hardware broadcasts: TLBLAB_HAS_BROADCAST,
				 * or x86's INVLPGB for this mm */
	__u64 tlbi;		/* arm64: TLBI issued, without repetitions; the pair that KPTI
				 * needs counts as one */
	__u64 dsb_ishst;	/* arm64: barriers before a request's TLBIs */
	__u64 dsb_ish;		/* arm64: completing barriers, without repetitions */
	__u64 released;		/* frames released: their last entry was cleared */
	__u64 resched_points;	/* places where the operation offered to yield the CPU */
	__u64 clear_ns;		/* walking and clearing; 0 without TLBLAB_TIME_PHASES */
	__u64 flush_ns;		/* in flush requests; 0 without TLBLAB_TIME_PHASES */
	__u64 release_ns;	/* releasing frames; 0 without TLBLAB_TIME_PHASES */
	__u64 repeats;		/* arm64: repetitions for cores with broken completion: one for
				 * each completing barrier, or for each TLBI where the kernel's
				 * headers repeat those */
	__u64 foreign;		/* entries found that are not this arena's; left alone */
	__u64 reserved[13];	/* 0; room for later terms */
};

/*
 * TLBLAB_PERFORM: one operation under one scheme. Sleeps: waits for initiators on overlapping
 * ranges and for memory. Errors besides the common ones:
 *   EINVAL      misaligned, empty, wrapping, unordered or overlapping ranges; nr_ranges is 0; this
 *               struct lies in one of the ranges
 *   EFAULT      a range is not inside one lab VMA of this file in the calling process
 *   E2BIG       more than TLBLAB_MAX_RANGES
 *   EOPNOTSUPP  a value that this machine does not support (see TLBLAB_QUERY)
 *   EPERM       a planted fault, or a pace, without CAP_SYS_ADMIN
 *   EBUSY       the address space has MMU notifiers (KVM, RDMA, ...), or a VMA of the ranges is
 *               registered with userfaultfd: use a process or a VMA without them
 *   EUCLEAN     entries in the ranges are not this arena's (account.foreign); they were left alone,
 *               and the kernel log says once what they are. All else was done; the account is valid
 *   ENOMEM      no memory for the operation's lists; nothing was changed
 *   EINTR       a fatal signal came: what was done until then is flushed, released and accounted
 *   ETIMEDOUT   paced, and a step was not allowed in time: the rest was done without pacing
 * After EINTR (the process is dying) and ETIMEDOUT the account is not written back, but is in
 * TLBLAB_TOTALS.
 */
struct tlblab_request {
	__u32 size;		/* in: sizeof(struct tlblab_request) */
	__u32 flags;		/* in: TLBLAB_TIME_PHASES, TLBLAB_ORACLE */
	__u32 operation;	/* in: enum tlblab_operation */
	__u32 gather;		/* in: enum tlblab_gather */
	__u32 extent;		/* in: enum tlblab_extent; ENVELOPE for FULL_MM and PER_PAGE */
	__u32 release;		/* in: enum tlblab_release */
	__u32 mechanism;	/* in: enum tlblab_mechanism */
	__u32 ceiling_pages;	/* in: flush the whole mm for more pages than this. 0, or more
				 * than tlblab_capabilities.ceiling_pages, stands for the latter */
	__u64 batch_pages;	/* in: most cleared entries pending; then flush, release and start
				 * again. 0: no limit (8 bytes of memory a page) */
	__u64 ranges;		/* in: address of an array of struct tlblab_range */
	__u64 nr_ranges;	/* in: its length */
	__u32 fault;		/* in: enum tlblab_fault, or 0. EPERM without CAP_SYS_ADMIN */
	__u32 engine;		/* in: enum tlblab_engine */
	struct tlblab_account account; /* out; in: must be zero */
	__u64 pace;		/* in: address of a struct tlblab_pace, or 0. EPERM without
				 * CAP_SYS_ADMIN */
};

/* What a paced operation is about to do, and what tlblab_pace.subject then holds. */
enum tlblab_step {
	TLBLAB_STEP_CLEAR = 1,	 /* read one entry, clear it if it is set. Subject: its address */
	TLBLAB_STEP_FLUSH = 2,	 /* make one flush request, and wait until it is complete. Subject:
				  * address of the first page that it covers, 0 for the whole mm */
	TLBLAB_STEP_RELEASE = 3, /* release one frame. Subject: its number, as in its tag */
	TLBLAB_STEP_RETURN = 4,	 /* return; all is done, and the ranges are unclaimed. Subject: 0 */
};

/*
 * The pace of one operation, in ordinary memory of the caller: 8-aligned and within one page, and
 * not in the ranges (else EINVAL); writable, and not in other lab memory (else EFAULT). A paced
 * operation stops before each step that other CPUs can notice; each single entry and frame has a
 * step. Steps are counted from 0, in the order in which the operation really takes them, faults
 * included. Before step k it fills in step and subject, sets stopped to k + 1 (store-release), and
 * continues as soon as allowed is above k (load-acquire). A load-acquire that finds stopped at k +
 * 1 therefore shows that the steps before k are complete. allowed = ~0 allows all steps.
 *
 * A stopped operation spins. Except before TLBLAB_STEP_RETURN it holds its claim on the ranges and
 * mmap_lock for reading; before an entry, and before what is done under its lock, a page table's
 * lock as well. Interrupts stay enabled, so that other CPUs' flushes reach its CPU. Meanwhile
 * writers of mmap_lock wait, and page faults behind them. After waiting for limit_ms, or on a fatal
 * signal, it continues without pacing.
 */
struct tlblab_pace {
	__u32 stopped;		/* out: stops made so far, this one included; in: 0 */
	__u32 allowed;		/* in: steps that may be taken, at any time; only ever grows */
	__u32 step;		/* out: enum tlblab_step, of the step that comes next */
	__u32 limit_ms;		/* in: longest wait in all, read at the start; 0 stands for
				 * TLBLAB_USUAL_PACE_MS. EINVAL if more than TLBLAB_MAX_PACE_MS, or
				 * more than the usual where another VMA shares a page table */
	__u64 subject;		/* out: what the step is about */
};

/*
 * TLBLAB_POPULATE: gives every entry of the ranges a frame, writable if the VMA is; entries that
 * are already set stay. New frames are zeroed, and charged to the caller's memory cgroup. If
 * anything was performed in this address space since its last full flush, it is flushed whole
 * first, as when a lab VMA is unmapped: translations that a scheme left behind never serve another
 * mapping. Allocates what a TLBLAB_PERFORM on as many ranges and entries needs, so that the latter
 * allocates nothing. Sleeps. Errors besides the common ones:
 *   EINVAL, EFAULT, E2BIG, EBUSY, EUCLEAN  as for TLBLAB_PERFORM; EINVAL: no such node
 *   ENOMEM      no frame: the machine is short of memory, the caller's memory cgroup is at its
 *               limit, or the module at its own (parameter max_mib). Entries that this call has set
 *               stay set, and are released with the VMA
 *   EINTR       a fatal signal came
 */
struct tlblab_populate {
	__u32 size;		/* in: sizeof(struct tlblab_populate) */
	__u32 flags;		/* in: TLBLAB_TAG or 0 */
	__u64 ranges;		/* in: address of an array of struct tlblab_range */
	__u64 nr_ranges;	/* in: its length */
	__s32 node;		/* in: NUMA node of new frames, -1: the calling CPU's */
	__u32 reserved;		/* must be zero */
	__u64 populated;	/* out: entries set by this call; in: must be zero */
};

/*
 * What the oracle writes to the start of a frame: TLBLAB_POPULATE with TLBLAB_TAG writes it when
 * the frame is new, TLBLAB_PERFORM with TLBLAB_ORACLE when a scheme releases the frame, before
 * anything else may happen to it. Without these flags nothing is written. A read of TLBLAB_RELEASED
 * through any translation is a leak. Times are CLOCK_MONOTONIC.
 */
enum tlblab_tag_state {
	TLBLAB_LIVE = 1,
	TLBLAB_RELEASED = 2,
};

struct tlblab_tag {
	__u64 state;		/* enum tlblab_tag_state; written last */
	__u64 frame;		/* its number, unique since load */
	__u64 generation;	/* the module's count of tagged frames: each use has its own */
	__u64 cleared_ns;	/* when its last entry was cleared, in steps of 4 ns; or 0 */
	__u64 released_ns;	/* 0 while live */
	__u64 guard;		/* for witnesses that write: set on release, never to 0; must be
				 * unchanged when the frame leaves the quarantine */
};

/*
 * TLBLAB_TOTALS: the module's books since it was loaded, all arenas together. The frames' books
 * balance at any instant: taken = returned + quarantined + in_use.
 */
struct tlblab_totals {
	__u32 size;		/* in: sizeof(struct tlblab_totals) */
	__u32 reserved;		/* must be zero */
	__u64 operations;	/* out: operations performed, including those cut short */
	struct tlblab_account account; /* out: summed over them */
	__u64 frames_taken;	/* out: from the kernel */
	__u64 frames_returned;	/* out: to the kernel */
	__u64 max_frames;	/* out: the most that may be taken and not returned (max_mib) */
	__u64 frames_quarantined; /* out: released, waiting for the global flush */
	__u64 frames_in_use;	/* out: in arenas */
	__u64 global_flushes;	/* out: flushes of everything on every CPU, for the quarantine */
	__u64 pressure_flushes;	/* out: of these, made because the kernel was short of memory */
	__u64 stale_writes;	/* out: frames whose guard was written after their release. Found
				 * when they leave the quarantine, at the latest when the last
				 * arena is closed */
};

#define TLBLAB_IOCTL_TYPE 0xB7
#define TLBLAB_QUERY _IO(TLBLAB_IOCTL_TYPE, 0)	  /* struct tlblab_capabilities */
#define TLBLAB_PERFORM _IO(TLBLAB_IOCTL_TYPE, 1)  /* struct tlblab_request */
#define TLBLAB_POPULATE _IO(TLBLAB_IOCTL_TYPE, 2) /* struct tlblab_populate */
#define TLBLAB_TOTALS _IO(TLBLAB_IOCTL_TYPE, 3)	  /* struct tlblab_totals */

#endif
