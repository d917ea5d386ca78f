// SPDX-License-Identifier: GPL-2.0-only
// The modelled machine as a platform of the core: it implements core/platform.hh, and each shared
// access is a step that the search may delay. Likewise for the protocols' shared words and tables.
//
// x86: a locked exchange clears an entry; a request interrupts the CPUs that the core's CPU mask
// and generation select. arm64: a plain store clears an entry, as without hardware dirty bits;
// requests use the core's own protocol (broadcast.hh).
#pragma once

#include "kmod/core/flush/broadcast.hh"
#include "kmod/core/operation/unmap.hh"
#include "kmod/core/platform.hh"
#include "kmod/core/requests.hh"
#include "kmod/core/words.hh"
#include "tests/explore/machine.hh"
#include "tests/explore/protocols/generation.hh"

namespace tlblab::explore {

enum class Mechanism : u8 {
  kIpi,      ///< x86
  kDsbEach,  ///< arm64: TLBI and DSB for each page
  kDsbOnce,  ///< arm64: one DSB
};

/// What the model's platform can be made to leave out, for planted faults and mutants. Bits.
enum Omission : u32 {
  kNothing = 0,
  kOmitFlush = 1U << 0,       ///< no flush is issued
  kOmitLastPage = 1U << 1,    ///< a range's last page is left out
  kOmitTableLock = 1U << 2,   ///< page tables are not locked
  kOmitStoreFence = 1U << 3,  ///< arm64: no DSB ISHST before the TLBI
  kOmitCompletion = 1U << 4,  ///< flushes are not waited for
  kSplitClear = 1U << 5,      ///< x86: entries are emptied by a load and a store
  kWeakIncrement = 1U << 6,   ///< words: an increment is a load and a store, no barrier
  kOmitWordFence = 1U << 7,   ///< words: no full fences
  kLeafOnly = 1U << 8,        ///< arm64: flushes for freed tables leave the walk caches alone
  kOmitTargets = 1U << 9,     ///< x86: only this CPU is flushed
  kOmitRepeat = 1U << 10,     ///< arm64: no repetition for cores with broken completion
};

template <Mechanism kMechanism>
class ModelPlatform {
 public:
  static constexpr bool kOneIntervalPerRequest = kMechanism == Mechanism::kIpi;
  static constexpr Arch kArch = kMechanism == Mechanism::kIpi ? Arch::kX86 : Arch::kArm64;

  explicit ModelPlatform(Machine& machine, u32 omissions = kNothing)
      : machine_(machine), omissions_(omissions) {}

  // --- core::Platform

  bool lock_table(void* vma, u64 start, u64 end, lab_table& table) {
    for (u32 page = 0; page < machine_.config().nr_pages; ++page) {
      const u64 base = machine_.config().page_address[page] & ~(kTableBytes - 1);
      if (base >= end || base + kTableBytes <= start) continue;
      const u32 number = machine_.table_of(page);
      table = {.start = start > base ? start : base,
               .end = core::smaller(end, base + kTableBytes),
               .entries = nullptr,
               .lock = to_handle(number),
               .vma = vma};
      if (!omits(kOmitTableLock)) machine_.perform(OpKind::kLock, kTableLockCell + number);
      return true;
    }
    return false;
  }
  void unlock_table(lab_table& table) {
    if (omits(kOmitTableLock)) return;
    machine_.perform(OpKind::kStore, kTableLockCell + from_handle(table.lock), 0, 0);
  }
  lab_span clear_span(lab_table&, u64 address, u32 nr, void** frames) {
    lab_span span{};
    for (u32 page = 0; page < machine_.config().nr_pages; ++page) {
      const u64 at = machine_.config().page_address[page];
      if (at < address || at >= address + nr * kPageBytes) continue;
      if (!clear(page)) continue;
      span.cleared |= u64{1} << ((at - address) >> kPageShift);
      *frames++ = to_handle(page);
    }
    return span;
  }
  lab_flush_cost flush(const lab_flush& request) {
    if (omits(kOmitFlush)) return {};
    if constexpr (kMechanism != Mechanism::kIpi) {
      return core::broadcast_flush(*this, request, completion());
    }
    if (request.whole) {
      shoot_down(machine_.all_pages(), kAllTables);
      return {};
    }
    u32 pages = pages_in(request.intervals->start, request.intervals->end);
    if (omits(kOmitLastPage)) pages &= pages >> 1;
    shoot_down(pages, 0);
    return {};
  }
  /// One request of the whole address space.
  void flush_mm() {
    lab_flush request{};
    request.whole = true;
    flush(request);
  }
  u64 release(void* const* frames, u32 nr) {
    for (u32 i = 0; i < nr; ++i) machine_.perform(OpKind::kRelease, from_handle(frames[i]));
    return nr;
  }
  /// Frames enough. Of what is there already the model knows nothing.
  lab_reserved reserve_span(void*, u64 address, u32 nr) {
    lab_reserved reserved{};
    for (u32 page = 0; page < machine_.config().nr_pages; ++page) {
      const u64 at = machine_.config().page_address[page];
      if (at >= address && at < address + nr * kPageBytes) {
        reserved.mask |= u64{1} << ((at - address) >> kPageShift);
      }
    }
    return reserved;
  }
  /// From here on, whoever uses what the entry held before misses what it holds now: as if an
  /// operation had returned.
  lab_set set_span(void*, u64 address, u32 nr, u64 reserved) {
    machine_.perform(OpKind::kReturn, pages_in(address, address + nr * kPageBytes));
    return {.mask = reserved, .foreign = 0, .error = 0};
  }
  void unreserve_span(void*, u64, u64) {}
  /// Nothing that munmap() found: what schemes unmapped before, it does not find.
  u32 take_left(void*, void**) { return 0; }
  bool resched_point() { return true; }
  u64 clock_ns() { return 0; }

  // --- core::Broadcaster

  void publish() {
    if (!omits(kOmitStoreFence)) machine_.perform(OpKind::kFence);
  }
  u64 read_asid() { return machine_.perform(OpKind::kLoad, kAsidCell); }
  u64 invalidate(u64 asid, const lab_interval& interval, bool /*repeat*/) {
    const u32 pages = pages_in(interval.start, interval.end);
    if (pages != 0) tell_all(asid, pages, 0);
    return 0;
  }
  u64 invalidate_mm(u64 asid, bool /*repeat*/) {
    tell_all(asid, machine_.all_pages(), kAllTables);
    return 0;
  }
  u64 complete(bool repeat) {
    if (omits(kOmitCompletion)) return 0;
    machine_.perform(OpKind::kWait, machine_.config().broken_completion ? 1 : 0);
    if (!machine_.config().broken_completion || !repeat) return 0;
    machine_.perform(OpKind::kWait);
    return 1;
  }

  // --- core::Words

  using Word = u8;  ///< a cell

  u64 load(const Word& word, core::Order) { return machine_.perform(OpKind::kLoad, word); }
  void store(Word& word, u64 value, core::Order) {
    machine_.perform(OpKind::kStore, word, 0, static_cast<u32>(value));
  }
  u64 add(Word& word, u64 delta, core::Order) {
    if (!omits(kWeakIncrement)) {
      return machine_.perform(OpKind::kAdd, word, 0, static_cast<u32>(delta));
    }
    const u64 sum = machine_.perform(OpKind::kLoad, word) + delta;
    machine_.perform(OpKind::kStore, word, 0, static_cast<u32>(sum));
    return sum;
  }
  void set_bits(Word& word, u64 bits, core::Order) {
    if (!omits(kOmitWordFence)) {
      machine_.perform(OpKind::kOr, word, 0, static_cast<u32>(bits));
      return;
    }
    const u64 old = machine_.perform(OpKind::kLoad, word);
    machine_.perform(OpKind::kStore, word, 0, static_cast<u32>(old | bits));
  }
  void clear_bits(Word& word, u64 bits, core::Order) {
    machine_.perform(OpKind::kAnd, word, 0, static_cast<u32>(~bits));
  }
  bool exchange_if(Word& word, u64 expected, u64 desired, core::Order) {
    return machine_.perform(OpKind::kExchangeIf, word, static_cast<u32>(expected),
                            static_cast<u32>(desired)) != 0;
  }

  // --- core::TablePlatform

  void unhook_table(u32 table) {
    machine_.perform(OpKind::kStore, kPointerCell + table, 0, 0);
    if (kArch == Arch::kX86) machine_.perform(OpKind::kFence);
  }
  void flush_tables(u64 start, u64 end) {
    u32 tables = 0;
    for (u32 page = 0; page < machine_.config().nr_pages; ++page) {
      if ((pages_in(start, end) >> page & 1) != 0) tables |= 1U << machine_.table_of(page);
    }
    if constexpr (kMechanism == Mechanism::kIpi) {
      shoot_down(pages_in(start, end), tables);
    } else {
      publish();
      tell_all(read_asid(), pages_in(start, end), omits(kLeafOnly) ? 0 : tables);
      complete(true);
    }
  }
  void free_table(u32 table) { machine_.perform(OpKind::kFreeTable, table); }

  Machine& machine() { return machine_; }

 protected:
  static void* to_handle(u32 n) { return reinterpret_cast<void*>(u64{n} + 1); }
  static u32 from_handle(const void* handle) {
    return static_cast<u32>(reinterpret_cast<u64>(handle) - 1);
  }

 private:
  static constexpr u32 kAllTables = (1U << kMaxTables) - 1;

  [[nodiscard]] bool omits(Omission omission) const { return (omissions_ & omission) != 0; }
  [[nodiscard]] u32 pages_in(u64 start, u64 end) const {
    u32 pages = 0;
    for (u32 page = 0; page < machine_.config().nr_pages; ++page) {
      const u64 at = machine_.config().page_address[page];
      if (at >= start && at < end) pages |= 1U << page;
    }
    return pages;
  }

  bool clear(u32 page) {
    if (omits(kSplitClear)) {
      if (machine_.perform(OpKind::kClearRead, page) == 0) return false;
      machine_.perform(OpKind::kClearWrite, page);
      return true;
    }
    return machine_.perform(kArch == Arch::kX86 ? OpKind::kClearLocked : OpKind::kClearPlain,
                            page) != 0;
  }

  [[nodiscard]] core::Completion completion() const {
    return {.each = kMechanism == Mechanism::kDsbEach, .repeat = !omits(kOmitRepeat)};
  }

  void shoot_down(u32 pages, u32 tables) {
    Word generation_word = kGenerationCell;
    Word cpus_word = kCpusCell;
    core::Generation<ModelPlatform> generation(*this, generation_word, cpus_word);
    const auto targets = static_cast<u32>(generation.advance());
    machine_.perform(OpKind::kPost, pages, tables, omits(kOmitTargets) ? 0 : targets);
    if (!omits(kOmitCompletion)) machine_.perform(OpKind::kWait);
  }

  void tell_all(u64 asid, u32 pages, u32 tables) {
    machine_.perform(OpKind::kPost, pages, tables,
                     machine_.all_cpus() | static_cast<u32>(asid) << 8);
  }

  Machine& machine_;
  u32 omissions_;
};

}  // namespace tlblab::explore
