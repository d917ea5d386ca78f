// SPDX-License-Identifier: GPL-2.0-only
// The modelled machine: a few CPUs with their TLBs, walkers and store buffers, two page tables, a
// few pages, and the kernel code that runs on some of the CPUs as fibres.
//
// It guarantees the least that hardware guarantees, so that nothing is correct by luck:
//   TLB          each translation that a CPU ever loaded stays usable until a flush that covers it
//                has completed on that CPU. Nothing is evicted.
//   walk cache   the same for pointers to leaf tables; the walker may use any pointer it has
//   speculation  any CPU that has the mm loaded may load any present entry at any time, the
//                initiator too
//   stores       wait in a FIFO per CPU until they are drained, at any time; the CPU's own loads
//                see them, other CPUs and walkers do not. Locked operations and fences wait until
//                the FIFO is empty (x86-TSO).
//   flushes      a request is posted to each target; each target carries it out at any time when
//                its interrupts are on (arm64: at any time); then the initiator may go on
//   ASIDs        arm64: a CPU tags what it loads with the ASID that the mm had when the CPU
//                loaded it; an invalidation under another ASID does not touch that
//
// A step is atomic: one operation of one fibre, or one action of the hardware. The machine says
// which steps are possible, the search chooses one. The state is plain data.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <vector>

#include "kmod/core/platform.hh"
#include "tests/explore/fibre.hh"

namespace tlblab::explore {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using core::u32;
using core::u64;

inline constexpr u32 kMaxCpus = 4;
inline constexpr u32 kMaxPages = 4;
inline constexpr u32 kMaxTables = 2;
inline constexpr u32 kMaxBuffered = 4;

enum class Arch : u8 { kX86, kArm64 };

// Cells: shared memory, one value each.
inline constexpr u8 kEntryCell = 0;        ///< + page: its entry
inline constexpr u8 kPointerCell = 4;      ///< + table: the entry of the upper level, 1 if hooked
inline constexpr u8 kTableLockCell = 6;    ///< + table: 1 if taken
inline constexpr u8 kClaimCell = 8;        ///< the claim on the address range
inline constexpr u8 kCpusCell = 9;         ///< the mm's CPU mask
inline constexpr u8 kGenerationCell = 10;  ///< the mm's generation, 1 at first
inline constexpr u8 kWordCell = 11;        ///< + n: a protocol's words, 0 at first
inline constexpr u8 kAsidCell = 15;        ///< the mm's ASID, kFirstAsid at first
inline constexpr u32 kCells = 16;

inline constexpr u8 kFirstAsid = 1;

// The model's pages.
inline constexpr u32 kPageShift = 12;
inline constexpr u64 kPageBytes = u64{1} << kPageShift;
inline constexpr u32 kTableEntries = 512;
inline constexpr u64 kTableBytes = kTableEntries * kPageBytes;

// An entry.
inline constexpr u16 kPresent = 1;
inline constexpr u16 kAccessed = 2;
inline constexpr u16 kDirty = 4;

enum class OpKind : u8 {
  kDone,         ///< the fibre's function has returned
  kLoad,         ///< a: cell. Result: its value
  kStore,        ///< a: cell, value
  kAdd,          ///< locked. a: cell, value. Result: the sum
  kOr,           ///< locked. a: cell, value
  kAnd,          ///< locked. a: cell, value
  kExchangeIf,   ///< locked. a: cell, b: expected, value. Result: 1 if it was as expected
  kFence,        ///< waits until the CPU's own stores are visible
  kLock,         ///< locked. a: cell; waits until it is 0
  kClearLocked,  ///< a: page. x86: swaps its entry with 0. Result: 1 if it was present
  kClearPlain,   ///< a: page. arm64 without hardware dirty bits: load, then a buffered store
  kClearRead,    ///< a: page. Fault: the first half of a clear that is not atomic
  kClearWrite,   ///< a: page. The second
  kPost,  ///< a: pages, b: tables, value: target CPUs, ASID << 8. A request is posted, or added
          ///< to one that is not done everywhere. kEverything as tables: all, of any mm
  kWait,  ///< waits until the request is done everywhere, and flushes this CPU. a: 1: on
          ///< cores with broken completion it doesn't wait
  kFlushHere,   ///< everything on this CPU alone
  kRelease,     ///< a: page. Its frame goes to somebody else. Result: 1
  kReturn,      ///< a: pages. The operation on them has returned
  kFreeTable,   ///< a: table. It goes to somebody else
  kInterrupts,  ///< a: 1 on, 0 off
  kMm,  ///< a: 1: this CPU loads the mm, 0: leaves it. Its TLB is kept, as with PCID. b: the
        ///< ASID under which it comes, having flushed all it had; 0: as it was
};

struct Op {
  OpKind kind;
  u8 a;
  u16 b;
  u16 value;
};

/// What violates the rule. The search stops at the first.
enum class Violation : u8 {
  kNone,
  kLeak,           ///< a CPU can use a translation to a frame that was released
  kAfterReturn,    ///< a CPU can use a translation of pages whose unmap has returned
  kWalkInFreed,    ///< a walker can read in a table that was freed
  kLostWrite,      ///< a frame was written, and released as if it were clean
  kReleasedTwice,  ///< a frame was released twice
  kDeadlock,       ///< a fibre waits for ever
};
const char* violation_name(Violation violation);

/// Tables of a request that is for everything that its targets hold, whatever mm it is of.
inline constexpr u8 kEverything = 0xff;

/// Flush request of the fibre on one CPU. At most one at a time.
struct Request {
  u8 pages;
  u8 tables;
  u8 outstanding;  ///< CPUs that have not carried it out
  u8 asid;         ///< that it names; x86: 0
};

/// All that steps read and write, but for the fibres' stacks. Those follow from history.
struct State {
  u16 cell[kCells];
  u32 buffer[kMaxCpus][kMaxBuffered];  ///< oldest first: cell << 16 | value; unused ones 0
  u8 buffered[kMaxCpus];
  u8 tlb[kMaxCpus];        ///< pages whose translation is there
  u8 tlb_dirty[kMaxCpus];  ///< of these: known to be dirty, so that writes don't look at the entry
  u8 pointers[kMaxCpus];   ///< walk cache: tables
  u8 walk[kMaxCpus];       ///< with split walks: 1 + page whose entry was read and not yet filled
  u8 asid[kMaxCpus];       ///< under which all these are kept
  Request request[kMaxCpus];
  u8 loaded;              ///< CPUs that have the mm loaded
  u8 masked;              ///< CPUs with interrupts off
  u8 released;            ///< pages whose frame is somebody else's
  u8 written;             ///< pages whose frame was written
  u8 harvested;           ///< pages whose dirty bit was seen when their entry was cleared
  u8 freed;               ///< tables that are somebody else's
  u8 returned;            ///< pages whose unmap has returned
  u8 last_fibre;          ///< which ran last, for counting preemptions; kMaxCpus at first
  u64 history[kMaxCpus];  ///< of values that each fibre got: its position follows from them

  // Not part of the key: follows from the above.
  Op pending[kMaxCpus];  ///< what each fibre does next
  Violation violation;
};
static_assert(std::is_trivially_copyable_v<State>);

/// What does not change in a run.
struct Config {
  Arch arch = Arch::kX86;
  u32 nr_cpus = 2;
  u32 nr_pages = 2;
  std::array<u64, kMaxPages> page_address = {0x0000, 0x1000, 0x4000, 0x5000};
  u8 loaded = 0x3;                 ///< CPUs that have the mm loaded at first, and are in its mask
  u8 speculating = 0xf;            ///< CPUs whose walkers act
  u8 tlb = 0;                      ///< pages that every CPU's TLB holds at first
  u8 writing = 0;                  ///< CPUs that write to pages through their TLB
  bool split_walks = false;        ///< reading an entry and filling the TLB are two steps
  bool broken_completion = false;  ///< arm64: the first wait for a request does not wait
};

/// Steps are numbered, so that sets of them are words.
using StepId = u8;
inline constexpr StepId kFibreStep = 0;     ///< + CPU: its fibre's pending operation
inline constexpr StepId kDrainStep = 4;     ///< + CPU: the oldest store of its buffer
inline constexpr StepId kDeliverStep = 8;   ///< + initiator * 4 + CPU: it carries out a request
inline constexpr StepId kPointerStep = 24;  ///< + CPU * 2 + table: the walker reads the pointer
inline constexpr StepId kFillStep = 32;     ///< + CPU * 4 + page: the walker reads its entry, fills
inline constexpr StepId kWriteStep = 48;    ///< + CPU * 4 + page: the CPU writes through its TLB
inline constexpr u32 kStepIds = 64;

/// Which parts of the state a step reads and writes; bits as numbered in footprint.cc.
struct Footprint {
  u64 reads;
  u64 writes;
};
constexpr bool are_independent(const Footprint& x, const Footprint& y) {
  return (x.writes & (y.reads | y.writes)) == 0 && (x.reads & y.writes) == 0;
}

class Machine {
 public:
  using Body = std::function<void(Machine&)>;

  /// `bodies[i]` runs as a fibre on CPU i.
  Machine(const Config& config, const std::vector<Body>& bodies);

  /// Back to the beginning: every fibre stands before its first operation.
  void reset();

  // --- For fibres.

  /// Offers the step to the search; goes on, with the operation's result, when it was chosen.
  u16 perform(OpKind kind, u32 a = 0, u32 b = 0, u32 value = 0);

  [[nodiscard]] u32 cpu() const { return running_; }
  [[nodiscard]] const Config& config() const { return config_; }
  [[nodiscard]] u32 table_of(u32 page) const { return config_.page_address[page] >> 21 ? 1 : 0; }
  [[nodiscard]] u8 all_pages() const { return static_cast<u8>((1U << config_.nr_pages) - 1); }
  [[nodiscard]] u8 all_cpus() const { return static_cast<u8>((1U << config_.nr_cpus) - 1); }

  // --- For the search.

  [[nodiscard]] u64 enabled() const;  ///< mask of steps
  void step(StepId id);
  /// Whether a step, of those enabled, is a switch from a fibre that could go on to another.
  [[nodiscard]] bool preempts(StepId id, u64 enabled_steps) const {
    const u32 last = state.last_fibre;
    return id < kDrainStep && last < kMaxCpus && last != id && (enabled_steps >> last & 1) != 0;
  }
  /// CPUs whose walkers act, from now on.
  void set_speculating(u8 cpus) { config_.speculating = cpus; }
  /// Whether every store becomes visible before anything else happens, from now on.
  void set_prompt_stores(bool prompt) { prompt_stores_ = prompt; }
  [[nodiscard]] Footprint footprint(StepId id) const;
  [[nodiscard]] bool finished() const;  ///< every fibre's function has returned
  [[nodiscard]] u64 key(bool with_last_fibre) const;

  State state;

  [[nodiscard]] u32 nr_fibres() const { return nr_fibres_; }
  Fibre& fibre(u32 cpu) { return fibres_[cpu]; }

 private:
  [[nodiscard]] bool can_perform(u32 cpu) const;
  u16 execute(u32 cpu, const Op& op);
  void flush(u32 cpu, const Request& request);
  void deliver(u32 initiator, u32 cpu);
  void fill(u32 cpu, u32 page);
  void write_page(u32 cpu, u32 page);
  void check();

  Config config_;
  std::vector<std::function<void()>> bodies_;
  std::array<Fibre, kMaxCpus> fibres_;
  u32 nr_fibres_;
  bool prompt_stores_ = false;
  u32 running_ = 0;
  u16 result_ = 0;
};

}  // namespace tlblab::explore
