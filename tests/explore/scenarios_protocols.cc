// SPDX-License-Identifier: GPL-2.0-only
// The protocols, each in its right form and in the wrong ones.
#include "kmod/core/credit.hh"
#include "tests/explore/protocols/generation.hh"
#include "tests/explore/protocols/nesting.hh"
#include "tests/explore/protocols/pending.hh"
#include "tests/explore/protocols/table_release.hh"
#include "tests/explore/protocols/wrong_forms.hh"
#include "tests/explore/scenario.hh"
#include "tests/explore/switching.hh"
#include "tests/explore/unmap_body.hh"

namespace tlblab::explore {

namespace {

using X86 = ModelPlatform<Mechanism::kIpi>;
using Arm64 = ModelPlatform<Mechanism::kDsbOnce>;
static_assert(core::Platform<X86> && core::Words<X86> && core::TablePlatform<X86>);
static_assert(core::Platform<Arm64> && core::Words<Arm64> && core::TablePlatform<Arm64>);

constexpr u64 kTable1 = kTableBytes;

/// Empties one entry under its table's lock, by the core's calls; `locked` runs under the lock.
template <class P, class Locked>
void empty_entry(P& platform, u32 page, Locked locked) {
  const u64 address = platform.machine().config().page_address[page];
  lab_table table;
  void* frame = nullptr;
  platform.lock_table(nullptr, address, address + kPageBytes, table);
  platform.clear_span(table, address, 1, &frame);
  locked();
  platform.unlock_table(table);
}

lab_interval page_interval(const Machine& machine, u32 page) {
  const u64 address = machine.config().page_address[page];
  return {address, address + kPageBytes};
}

void release_page(Machine& machine, u32 page) { machine.perform(OpKind::kRelease, page); }

// --- CPU mask and generation (thread 000, the first bug)

/// Each of its flushes goes to the CPUs that mask and generation select.
Machine::Body generation_initiator(u32 page, u32 omissions) {
  return unmap_body<Mechanism::kIpi>({.ranges = {{0, page, page}}}, omissions);
}

void add_generation(std::vector<Scenario>& list) {
  Scenario scenario = {
      .name = "generation",
      .config = {.nr_cpus = 2, .nr_pages = 1, .loaded = 0x1, .tlb = 0x1},
      .bodies = {generation_initiator(0, kNothing), switching_cpu(kNothing, Seen::kWhenEntering)},
      .about = "CPU mask and generation; a CPU comes, goes and comes again, with PCID"};
  list.push_back(scenario);

  Scenario two = scenario;
  two.name = "generation,two-initiators";
  two.config.nr_cpus = 3;
  two.config.nr_pages = 2;
  two.config.loaded = 0x5;
  two.config.tlb = 0x3;
  two.bodies.push_back(generation_initiator(1, kNothing));
  list.push_back(two);

  scenario.kind = Kind::kFault;
  scenario.expected = Violation::kLeak;
  scenario.name = "fault:generation,relaxed-bump";
  scenario.about = "no barrier between the generation and the read of the mask (thread 000, bug 1)";
  scenario.bodies = {generation_initiator(0, kWeakIncrement),
                     switching_cpu(kNothing, Seen::kWhenEntering)};
  list.push_back(scenario);

  scenario.name = "fault:generation,seen-when-leaving";
  scenario.about = "a CPU takes the generation at which it leaves for the one it has flushed for";
  scenario.bodies = {generation_initiator(0, kNothing),
                     switching_cpu(kNothing, Seen::kWhenLeaving)};
  list.push_back(scenario);

  scenario.kind = Kind::kMutant;
  scenario.name = "mutant:generation,no-barrier-when-entering";
  scenario.about = "no barrier between the mask and the read of the generation";
  scenario.bodies = {generation_initiator(0, kNothing),
                     switching_cpu(kOmitWordFence, Seen::kWhenEntering)};
  list.push_back(scenario);
}

// --- Pending and flushed (thread 000, the second bug)

/// Every page table is settled when its lock is taken.
template <class Pair>
class SettlingPlatform : public X86 {
 public:
  SettlingPlatform(Machine& machine, Pair& pair) : X86(machine), pair_(pair) {}
  bool lock_table(void* vma, u64 start, u64 end, lab_table& table) {
    if (!X86::lock_table(vma, start, end, table)) return false;
    pair_.settle([&] { flush_mm(); });
    return true;
  }

 private:
  Pair& pair_;
};

/// Unmaps A, then B, each by an operation of its own.
template <class Pair>
Machine::Body settling_initiator() {
  return [](Machine& machine) {
    X86 words(machine);
    u8 word = kWordCell;
    Pair pair(words, word);
    SettlingPlatform<Pair> platform(machine, pair);
    for (u32 page = 0; page < 2; ++page) {
      const Unmap unmap = {.ranges = {{page, page, page}}};
      perform_unmap(platform, unmap);
      machine.perform(OpKind::kReturn, unmap.pages());
    }
  };
}

/// Empties A and B, remembers that a flush is pending, and flushes last of all.
template <class Pair>
Machine::Body reclaimer() {
  return [](Machine& machine) {
    X86 platform(machine);
    u8 word = kWordCell;
    Pair pair(platform, word);
    u32 emptied = 0;
    for (u32 page = 0; page < 2; ++page) {
      const lab_interval at = page_interval(machine, page);
      lab_table table;
      void* frame = nullptr;
      platform.lock_table(nullptr, at.start, at.end, table);
      if (platform.clear_span(table, at.start, 1, &frame).cleared != 0) {
        pair.add();
        emptied |= 1U << page;
      }
      platform.unlock_table(table);
    }
    platform.flush_mm();
    for (u32 page = 0; page < 2; ++page) {
      if ((emptied >> page & 1) != 0) release_page(machine, page);
    }
  };
}

void add_pending(std::vector<Scenario>& list) {
  using Sound = core::Pending<X86, 8>;   // the model's words have 16 bits
  using Narrow = core::Pending<X86, 2>;  // starts again at every addition
  using Faulty = FlagClearedAfterFlush<X86>;
  const Config config = {.nr_cpus = 3,
                         .nr_pages = 2,
                         .page_address = {0x0000, kTable1, 0, 0},
                         .loaded = 0x7,
                         .speculating = 0x4};
  list.push_back({.name = "pending",
                  .config = config,
                  .bodies = {settling_initiator<Sound>(), reclaimer<Sound>()},
                  .about = "pending and flushed, counted; munmap beside reclaim",
                  .words = {"pending/flushed"}});
  list.push_back({.name = "fault:pending,flag-cleared-after-flush",
                  .kind = Kind::kFault,
                  .config = config,
                  .bodies = {settling_initiator<Faulty>(), reclaimer<Faulty>()},
                  .expected = Violation::kAfterReturn,
                  .about = "one flag, cleared after the flush (thread 000, bug 2)",
                  .words = {"the pending flag"}});
  list.push_back({.name = "fault:pending,counts-too-narrow",
                  .kind = Kind::kFault,
                  .config = config,
                  .bodies = {settling_initiator<Narrow>(), reclaimer<Narrow>()},
                  .expected = Violation::kAfterReturn,
                  .about = "the counters wrap within one flush and read as before",
                  .words = {"pending/flushed"}});
}

// --- Nested gathers (thread 002)

template <class P>
Machine::Body nesting_body(const Unmap& unmap, u32 omissions) {
  return [unmap, omissions](Machine& machine) {
    P platform(machine, omissions);
    u8 word = kWordCell;
    core::Nesting<P> nesting(platform, word);
    nesting.enter();
    perform_unmap(platform, unmap);
    nesting.leave([&] { platform.flush_mm(); });
    machine.perform(OpKind::kReturn, unmap.pages());
  };
}

template <class P>
Scenario nesting_scenario(const char* name, u32 omissions) {
  const Unmap both = {.ranges = {{0, 0, 1}}};
  const Unmap second = {.ranges = {{0, 1, 1}}};
  return {
      .name = name,
      .config = {.arch = P::kArch, .nr_cpus = 3, .nr_pages = 2, .loaded = 0x7, .speculating = 0x4},
      .bodies = {nesting_body<P>(both, omissions), nesting_body<P>(second, omissions)},
      .about = "two gathers on one unclaimed range: one that is not alone flushes the whole mm",
      .words = {"gathers under way"}};
}

void add_nesting(std::vector<Scenario>& list) {
  list.push_back(nesting_scenario<X86>("nesting,ipi", kNothing));
  list.push_back(nesting_scenario<Arm64>("nesting,dsb-once", kNothing));
  Scenario unlocked = nesting_scenario<Arm64>("mutant:nesting,no-table-lock", kOmitTableLock);
  unlocked.kind = Kind::kMutant;
  unlocked.expected = Violation::kReleasedTwice;
  unlocked.about = "two initiators empty one entry, and both release its frame";
  list.push_back(unlocked);
}

// --- Page tables given back (thread 004)

enum class TableWay : u8 { kSound, kFaulty };

template <class P>
Machine::Body table_body(u32 omissions, TableWay way, TableFault fault) {
  return [omissions, way, fault](Machine& machine) {
    P platform(machine, omissions);
    const Unmap unmap = {.ranges = {{0, 0, 0}}};
    perform_unmap(platform, unmap);
    const u32 table = 0;
    if (way == TableWay::kSound) {
      core::release_tables(platform, &table, 1, 0, kTableBytes);
    } else {
      release_table_wrongly(platform, fault, table, 0, kTableBytes);
    }
    machine.perform(OpKind::kReturn, unmap.pages());
  };
}

template <class P>
void add_tables_on(std::vector<Scenario>& list, const std::string& mechanism) {
  // A second table that stays.
  const Config config = {.arch = P::kArch, .nr_pages = 2, .page_address = {0x0000, kTable1, 0, 0}};
  const auto add = [&](const std::string& name, Kind kind, Machine::Body body, const char* about) {
    list.push_back({.name = name + "," + mechanism,
                    .kind = kind,
                    .config = config,
                    .bodies = {std::move(body)},
                    .expected = kind == Kind::kSound ? Violation::kNone : Violation::kWalkInFreed,
                    .about = about});
  };
  const auto fault_body = [](TableFault fault) {
    return table_body<P>(kNothing, TableWay::kFaulty, fault);
  };
  const auto sound_body = [](u32 omissions) {
    return table_body<P>(omissions, TableWay::kSound, TableFault::kNoFlushAfter);
  };
  add("tables", Kind::kSound, sound_body(kNothing), "unhooked, flushed, freed");
  add("fault:tables,freed-after-only-flush", Kind::kFault, fault_body(TableFault::kNoFlushAfter),
      "no flush after the table is unhooked (thread 004, ARM)");
  add("fault:tables,flushed-before-unhooked", Kind::kFault, fault_body(TableFault::kFlushBefore),
      "walkers load the pointer again between the two");
  add("fault:tables,freed-before-flush", Kind::kFault, fault_body(TableFault::kFreeBeforeFlush),
      "walk caches still point there");
  if (P::kArch != Arch::kArm64) return;
  add("fault:tables,last-level-only", Kind::kFault, sound_body(kLeafOnly),
      "a TLBI of the last level leaves the walk caches alone");
  add("mutant:tables,no-dsb-ishst", Kind::kMutant, sound_body(kOmitStoreFence),
      "the walkers may still see the pointer when the TLBI is done");
}

// --- Credit for flushes

template <class Credit>
Machine::Body deferring_initiator() {
  return [](Machine& machine) {
    X86 platform(machine);
    u8 changed = kWordCell;
    u8 settled = kWordCell + 1;
    Credit credit(platform, changed, settled);
    empty_entry(platform, 0, [] {});
    const u64 change = credit.change();
    credit.need(change, [&] { platform.flush_mm(); });
    release_page(machine, 0);
  };
}

template <class Credit>
Machine::Body ranged_initiator() {
  return [](Machine& machine) {
    X86 platform(machine);
    u8 changed = kWordCell;
    u8 settled = kWordCell + 1;
    Credit credit(platform, changed, settled);
    empty_entry(platform, 1, [] {});
    const u64 change = credit.change();
    const lab_interval at = page_interval(machine, 1);
    lab_flush request{};
    request.intervals = &at;
    request.nr_intervals = 1;
    request.stride_shift = kPageShift;
    platform.flush(request);
    credit.flushed_range(change);
    release_page(machine, 1);
  };
}

void add_credit(std::vector<Scenario>& list) {
  const Config config = {.nr_cpus = 3, .nr_pages = 2, .loaded = 0x7, .speculating = 0x4};
  list.push_back(
      {.name = "credit",
       .config = config,
       .bodies = {deferring_initiator<core::Credit<X86>>(), ranged_initiator<core::Credit<X86>>()},
       .about = "a deferred flush is not needed if one that covers it has completed",
       .words = {"changed", "settled"}});
  list.push_back(
      {.name = "fault:credit,range-for-whole",
       .kind = Kind::kFault,
       .config = config,
       .bodies = {deferring_initiator<CoarseCredit<X86>>(), ranged_initiator<CoarseCredit<X86>>()},
       .expected = Violation::kLeak,
       .about = "a ranged flush credited to a coarser generation",
       .words = {"changed", "settled"}});
}

}  // namespace

std::vector<Scenario> protocol_scenarios() {
  std::vector<Scenario> list;
  add_generation(list);
  add_pending(list);
  add_nesting(list);
  add_tables_on<X86>(list, "ipi");
  add_tables_on<Arm64>(list, "dsb-once");
  add_credit(list);
  return list;
}

}  // namespace tlblab::explore
