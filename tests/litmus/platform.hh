// SPDX-License-Identifier: GPL-2.0-only
// A platform of the core that only writes down what each primitive is on arm64: running the core on
// it gives a column of a litmus test.
//
//   primitive               instructions                why these
//   clear_span, each entry  STR to PTE(x)               the kernel's is an exchange without any
//                                                       order (SWP, LDXR and STXR): the same
//                                                       store and a load more, which can only
//                                                       forbid more
//   publish                 DSB ISHST                   as in the module's object
//   read_asid               none                        the model knows of one ASID
//   invalidate, each page   LSR, TLBI VALE1IS           as in the module's object; the model
//                                                       wants the page's number alone
//   invalidate_mm           TLBI VMALLE1IS              the module's is ASIDE1IS; with one ASID
//                                                       that is the same, and herd7 takes its
//                                                       operand for an address
//   complete                DSB ISH                     as in the module's object
//   release, each frame     STR to x_next               its next owner may do anything; that is
//                                                       a store by the same CPU, with no
//                                                       barrier in between
//   lock and unlock_table   none                        a lock can only forbid more
//   load                    LDR, LDAR                   Linux's READ_ONCE() and
//                                                       smp_load_acquire()
//   store                   STR, STLR                   WRITE_ONCE(), smp_store_release()
//   add, exchange_if, ...   LDADDAL, CASAL, and so on;  Linux's atomics with LSE and
//                           or LDXR, STLXR, DMB ISH     without
//
// mapping.hh compares what is marked "as in the module's object", and the words' operations, with
// the object.
//
// A load returns the value that the scenario sets, so that the code takes the path in question. The
// value becomes part of the test's condition, and no branch is written down for it. So the test is
// never stronger than the code: it may allow what the code does not. Where code relies on its
// branch, a scenario has to say so: branch_on_loads().
//
// A word that no other CPU of the test touches is not written down but kept here. That also drops
// the order of its accesses, and lets herd7 finish.
#pragma once

#include <deque>
#include <string>

#include "kmod/core/flush/broadcast.hh"
#include "kmod/core/platform.hh"
#include "kmod/core/words.hh"
#include "tests/litmus/test.hh"

namespace tlblab::litmus {

using core::Order;

/// The core's pages; their size does not matter.
inline constexpr u32 kPageShift = 12;
inline constexpr u64 kPageBytes = u64{1} << kPageShift;
inline constexpr u32 kEntriesPerTable = 512;
inline constexpr u64 kTableBytes = kEntriesPerTable * kPageBytes;

/// What the platform can be made to do wrongly or differently. Bits.
enum Change : u32 {
  kUnchanged = 0,
  kOmitPublish = 1U << 0,     ///< no DSB ISHST before the TLBI
  kOmitCompletion = 1U << 1,  ///< no DSB ISH after it
  kOmitLastPage = 1U << 2,    ///< an interval's last page is not invalidated
  kLocal = 1U << 3,           ///< the TLBI is for this CPU alone
  kPublishAll = 1U << 4,      ///< DSB ISH in place of DSB ISHST
  kFenceFirst = 1U << 5,      ///< DMB ISH before the DSB ISHST
  kWithoutLse = 1U << 6,      ///< atomics by exclusive loads and stores
  kRepeatTlbi = 1U << 7,      ///< as for cores with broken completion
  kLoadForAdd = 1U << 8,      ///< words: adding 0 is a load with acquire, and no more
  kWeakAcquire = 1U << 9,     ///< words: a load with acquire has no order
  kOmitTlbi = 1U << 10,       ///< no TLBI
};

/// A word of a protocol. `name` in the test; empty if one CPU alone touches it.
struct Word {
  std::string name;
  u64 value = 0;  ///< without a name: what is in it
};

class Platform {
 public:
  static constexpr bool kOneIntervalPerRequest = false;
  using Word = litmus::Word;

  Platform(Test& test, u32 cpu, u32 changes = kUnchanged)
      : test_(test), column_(test.column(cpu)), cpu_(cpu), changes_(changes) {}

  // --- For scenarios

  /// How flush() completes its invalidations.
  void complete_each(bool each) { completion_.each = each; }
  /// The next load, or atomic, of a shared word finds this in it.
  void finds(u64 value) { finds_.push_back({value, true}); }
  /// The same, and it is not written down: it takes herd7 too long, and the test can do without the
  /// order that it makes. No other CPU of the test may need what it writes.
  void finds_silently(u64 value) { finds_.push_back({value, false}); }
  /// From here on the code branches on what it loads: so does the test, to its end.
  void branch_on_loads() { branches_ = true; }
  /// Where such branches go.
  void end_of_code() {
    if (branches_) column_.emit(end_label() + ":");
  }
  /// The next owners, last of all, look whether what they wrote is still there.
  void look_at_released();

  /// Back to the program: an exception return, which the CPU's own later translations wait for.
  void return_to_user() { column_.emit("ISB"); }

  /// Each in a table of its own.
  static u64 address(u32 page) { return (u64{page} + 1) * kTableBytes; }
  static lab_interval interval(u32 page) { return {address(page), address(page) + kPageBytes}; }

  void clear(u32 page);
  void release(u32 page);

  // --- core::Platform

  bool lock_table(void* vma, u64 start, u64 end, lab_table& table) {
    table = {.start = start, .end = end, .entries = nullptr, .lock = nullptr, .vma = vma};
    return true;
  }
  void unlock_table(lab_table&) {}
  lab_span clear_span(lab_table&, u64 address, u32 nr, void** frames);
  lab_flush_cost flush(const lab_flush& request) {
    return core::broadcast_flush(*this, request, completion_);
  }
  /// One request of the whole address space.
  void flush_mm() {
    lab_flush request{};
    request.whole = true;
    flush(request);
  }
  u64 release(void* const* frames, u32 nr);
  bool resched_point() { return true; }
  u64 clock_ns() { return 0; }

  // --- core::Broadcaster

  void publish();
  u64 read_asid() { return 0; }
  u64 invalidate(u64 asid, const lab_interval& interval, bool repeat);
  u64 invalidate_mm(u64 asid, bool repeat);
  u64 complete(bool repeat);

  // --- core::Words

  u64 load(const Word& word, Order order);
  void store(Word& word, u64 value, Order order);
  u64 add(Word& word, u64 delta, Order order);
  void set_bits(Word& word, u64 bits, Order order);
  void clear_bits(Word& word, u64 bits, Order order);
  bool exchange_if(Word& word, u64 expected, u64 desired, Order order);

 private:
  [[nodiscard]] bool is(Change change) const { return (changes_ & change) != 0; }
  [[nodiscard]] std::string end_label() const { return "END" + std::to_string(cpu_); }
  struct Found {
    u64 value;
    bool is_written_down;
  };

  Found take_found();
  void found(u32 number, u64 value);
  u64 modify(const Word& word, const char* lse, const char* operation, u64 operand, Order order);

  Test& test_;
  Column& column_;
  u32 cpu_;
  u32 changes_;
  core::Completion completion_;
  std::deque<Found> finds_;
  bool branches_ = false;
};

static_assert(core::GathersOn<Platform> && core::Broadcaster<Platform> && core::Words<Platform>);

}  // namespace tlblab::litmus
