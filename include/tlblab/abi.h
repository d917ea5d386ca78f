/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The ABI of /dev/tlblab: plain data, used by the module (C and C++), the driver and the tests.
 *
 * The device. One open file is one *arena*: frames belong to (file, offset in pages). Open it for
 * reading and writing. Each mmap() of the file (base pages; as many as one likes, from any process
 * that has the file) is one *lab VMA*; EINVAL unless MAP_SHARED, with PROT_READ or PROT_WRITE, up to
 * TLBLAB_MAX_BYTES; EACCES with PROT_EXEC. A lab VMA begins with empty entries, and touching an
 * empty entry is SIGBUS: entries are set by TLBLAB_POPULATE and cleared by TLBLAB_PERFORM or
 * munmap(). A lab VMA can't be unmapped in part, moved, grown or protected, nor can its entries be
 * dropped by madvise() (EINVAL; EFAULT for growing), and a child of fork() does not get it.
 *
 * The calls. Every argument is a pointer to a struct whose first field is its size in bytes as the
 * caller was compiled. A shorter struct than the module knows is read as if the rest were zero; a
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

/* What the module must answer to TLBLAB_QUERY for this header to describe it. */
#define TLBLAB_ABI_VERSION 2

#define TLBLAB_DEVICE "/dev/tlblab"

/*
 * The choices that make a scheme. 0 is kept free in each, so that a field never set is refused.
 * TLBLAB_QUERY gives for each a mask with bit (1 << value) for what this module has here.
 */

enum tlblab_operation {
	/* Clear every entry of the ranges; release the frames that no entry maps any more. */
	TLBLAB_UNMAP = 1,
};

/* When the pending flush is issued. Nothing cleared since the last flush: nothing is issued. */
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
 * Planted faults: ways to be wrong, on purpose, to prove that the oracle sees. For CAP_SYS_ADMIN
 * only; the safety rule keeps them from harming anybody. Requests are counted as if all were well;
 * their costs (targets, tlbi, dsb_*, repeats) are of what was really done.
 */
enum tlblab_fault {
	TLBLAB_NO_FLUSH = 1,		/* requests are accounted for and not made */
	TLBLAB_RELEASE_FIRST = 2,	/* frames are released before the flush that covers them */
	TLBLAB_EARLY_FULL_FLUSH = 3,	/* the whole mm is flushed first, and nothing after that
					 * (full-mm-early, thread 004, with the mm in use) */
	TLBLAB_TRUST_NONE = 4,		/* ranges are not claimed: an entry that another initiator
					 * has emptied and not yet flushed owes nothing (thread 002) */
	TLBLAB_NO_REPEAT = 5,		/* arm64 cores with broken completion of broadcast TLBI
					 * (erratum 4118414 and its like, CVE-2025-10263): the
					 * repetition that they need is left out. Offered there alone */
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
 * Longest that a paced operation is held up if it says nothing, and at all: well before the kernel's
 * watchdogs bark. More than the former only where no other VMA shares a page table with the ranges'
 * VMAs: whoever faults there would spin for as long.
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

/* TLBLAB_QUERY: what this module can do on this machine. Never fails for lack of anything. */
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
	__u32 ceiling_pages;	/* out: more pages than this in one request flush the whole mm,
				 * unless the request says fewer. With TLBLAB_KNOWS_CEILING it is
				 * the kernel's own as of this call; else the kernel's is unknown
				 * (range TLBI, or a variable out of reach), and this is the lab's */
	__u32 page_bytes;	/* out: base page size */
	__u32 entries_per_table; /* out: entries of one leaf page table */
};

/* Account of one operation, all fields out. A term that can't be counted here is TLBLAB_UNKNOWN, never 0. */
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
	__u64 tlbi;		/* arm64: TLBI issued, one counted for the pair that KPTI needs;
				 * repeated ones not */
	__u64 dsb_ishst;	/* arm64: barriers before a request's TLBIs */
	__u64 dsb_ish;		/* arm64: completing barriers; repeated ones not */
	__u64 released;		/* frames released: their last entry was cleared */
	__u64 resched_points;	/* places where the operation offered to yield the CPU */
	__u64 clear_ns;		/* walking and clearing; 0 without TLBLAB_TIME_PHASES */
	__u64 flush_ns;		/* in flush requests; 0 without TLBLAB_TIME_PHASES */
	__u64 release_ns;	/* releasing frames; 0 without TLBLAB_TIME_PHASES */
	__u64 repeats;		/* arm64: invalidations and barriers made once more, because of
				 * cores with broken completion; one for each completing barrier,
				 * or for each TLBI where the kernel's headers repeat those */
	__u64 foreign;		/* entries found that are not this arena's: left as they were */
	__u64 reserved[13];	/* 0; room for the terms of later schemes */
};

/*
 * TLBLAB_PERFORM: one operation under one scheme. Sleeps: waits for the ranges (other initiators on
 * overlapping ones) and for memory. Errors besides the common ones:
 *   EINVAL      misaligned, empty, wrapping, unordered or overlapping ranges; nr_ranges is 0; this
 *               struct lies in one of the ranges
 *   EFAULT      a range is not inside one lab VMA of this file in the calling process
 *   E2BIG       more than TLBLAB_MAX_RANGES
 *   EOPNOTSUPP  a value that exists but not on this machine (see TLBLAB_QUERY)
 *   EPERM       a planted fault, or a pace, without CAP_SYS_ADMIN
 *   EBUSY       the address space has MMU notifiers (KVM, RDMA, ...), or a VMA of the ranges is
 *               registered with userfaultfd: use a process, or a VMA, without
 *   EUCLEAN     entries in the ranges are not this arena's (account.foreign); they were left, and
 *               the kernel log says once what they are. All else was done, and the account delivered
 *   ENOMEM      no memory for the operation's lists; nothing was changed
 *   EINTR       a fatal signal came: what was done until then is flushed, released and accounted
 *   ETIMEDOUT   paced, and not let go on in time: from there on it was not paced, and all was done
 * After EINTR (the process is dying) and ETIMEDOUT the account is not delivered, but is in
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
	__u32 ceiling_pages;	/* in: flush the whole mm past so many pages; 0, or more than
				 * tlblab_capabilities.ceiling_pages: that */
	__u64 batch_pages;	/* in: most cleared entries pending; then flush, release and start
				 * again. 0: no limit (8 bytes of memory a page) */
	__u64 ranges;		/* in: address of an array of struct tlblab_range */
	__u64 nr_ranges;	/* in: its length */
	__u32 fault;		/* in: enum tlblab_fault, or 0: none. EPERM without CAP_SYS_ADMIN */
	__u32 reserved;		/* must be zero */
	struct tlblab_account account; /* out; in: must be zero */
	__u64 pace;		/* in: address of a struct tlblab_pace, or 0: none. EPERM without
				 * CAP_SYS_ADMIN */
};

/* What a paced operation is about to do; what tlblab_pace.subject is then. */
enum tlblab_step {
	TLBLAB_STEP_CLEAR = 1,	 /* look at one entry, and empty it if it is set. Its address */
	TLBLAB_STEP_FLUSH = 2,	 /* make one flush request, and wait until it is complete. Address
				  * of the first page that it covers; 0: the whole mm */
	TLBLAB_STEP_RELEASE = 3, /* release one frame. Its number, as in its tag */
	TLBLAB_STEP_RETURN = 4,	 /* return; all is done, and the ranges are free for others. 0 */
};

/*
 * The pace of one operation, in ordinary memory of the caller: 8-aligned and within one page, and
 * not in the ranges (else EINVAL); writable, and not in other lab memory (else EFAULT). With it the
 * operation stops before each step that other CPUs can notice, and there is a step for each single
 * entry and frame. Before step k, counted from 0 in the order in which the operation really goes,
 * faults included, it fills in step and subject, sets stopped to k + 1 (release), and goes on as
 * soon as allowed is above k (read with acquire). So who sees stopped at k + 1 (acquire) knows that
 * the steps before k are complete. allowed = ~0 lets everything go.
 *
 * A stopped operation spins. Everywhere but before TLBLAB_STEP_RETURN it holds its claim on the
 * ranges and mmap_lock for reading; before an entry, and before what is done under its lock, a page
 * table's lock as well. Interrupts stay enabled: others' flushes reach its CPU. Whatever wants
 * mmap_lock for writing meanwhile waits, and page faults behind it. After limit_ms of waiting, or
 * when a fatal signal comes, it goes on by itself.
 */
struct tlblab_pace {
	__u32 stopped;		/* out: stops made so far, this one included; in: 0 */
	__u32 allowed;		/* in: steps that may be taken, at any time; only ever grows */
	__u32 step;		/* out: enum tlblab_step, of the step that comes next */
	__u32 limit_ms;		/* in: most that is waited in all, read at the start; 0:
				 * TLBLAB_USUAL_PACE_MS. EINVAL if more than TLBLAB_MAX_PACE_MS, or
				 * more than the usual where another VMA shares a page table */
	__u64 subject;		/* out: what the step is about */
};

/*
 * TLBLAB_POPULATE: give every entry of the ranges a frame, writable if the VMA is; entries that are
 * set already stay. New frames are zeroed, and charged to the caller's memory cgroup. If anything was
 * performed in this address space since its last full flush, it is flushed whole first, as it is when
 * a lab VMA is unmapped: what a scheme left behind, rightly or not, never serves another mapping.
 * Makes the memory that a TLBLAB_PERFORM on as many ranges and entries needs, so that that allocates
 * nothing. Sleeps. Errors besides the common ones:
 *   EINVAL, EFAULT, E2BIG, EBUSY, EUCLEAN  as for TLBLAB_PERFORM; EINVAL: no such node
 *   ENOMEM      no frame: the machine is short of memory, the caller's memory cgroup is at its limit,
 *               or the module at its own (parameter max_mib). Entries that were set by this call stay
 *               set, and are released with the VMA
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
 * What the oracle writes to the start of a frame: by TLBLAB_POPULATE with TLBLAB_TAG when the frame
 * is new, and by TLBLAB_PERFORM with TLBLAB_ORACLE at the instant at which a scheme releases it,
 * before anything else may happen to it. A read of TLBLAB_RELEASED through any translation is a leak. Times are CLOCK_MONOTONIC. Without these flags nothing is written.
 */
enum tlblab_tag_state {
	TLBLAB_LIVE = 1,
	TLBLAB_RELEASED = 2,
};
struct tlblab_tag {
	__u64 state;		/* enum tlblab_tag_state; written last */
	__u64 frame;		/* its number: no two frames since load had the same */
	__u64 generation;	/* the module's count of tagged frames, so that no two uses are alike */
	__u64 cleared_ns;	/* when its last entry was found and cleared, in steps of 4 ns; 0
				 * while live */
	__u64 released_ns;	/* 0 while live */
	__u64 guard;		/* for witnesses that write: what a released frame's guard was set
				 * to, never 0, must still be there when it leaves the quarantine */
};

/*
 * TLBLAB_TOTALS: the module's books since it was loaded, all arenas together. The frames' books
 * balance at any instant: taken = returned + quarantined + in_use.
 */
struct tlblab_totals {
	__u32 size;		/* in: sizeof(struct tlblab_totals) */
	__u32 reserved;		/* must be zero */
	__u64 operations;	/* out: operations performed, cut short ones included */
	struct tlblab_account account; /* out: summed over them */
	__u64 frames_taken;	/* out: from the kernel */
	__u64 frames_returned;	/* out: to the kernel */
	__u64 max_frames;	/* out: the most that may be taken and not returned (max_mib) */
	__u64 frames_quarantined; /* out: released, waiting for the global flush */
	__u64 frames_in_use;	/* out: in arenas */
	__u64 global_flushes;	/* out: flushes of everything on every CPU, for the quarantine */
	__u64 pressure_flushes;	/* out: of these: made because the kernel was short of memory */
	__u64 stale_writes;	/* out: frames whose guard was written after they were released. Found
				 * when they leave the quarantine: at the latest when the last arena
				 * is closed */
};

#define TLBLAB_IOCTL_TYPE 0xB7
#define TLBLAB_QUERY _IO(TLBLAB_IOCTL_TYPE, 0)	  /* struct tlblab_capabilities */
#define TLBLAB_PERFORM _IO(TLBLAB_IOCTL_TYPE, 1)  /* struct tlblab_request */
#define TLBLAB_POPULATE _IO(TLBLAB_IOCTL_TYPE, 2) /* struct tlblab_populate */
#define TLBLAB_TOTALS _IO(TLBLAB_IOCTL_TYPE, 3)	  /* struct tlblab_totals */

#endif
