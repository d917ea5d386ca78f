// SPDX-License-Identifier: GPL-2.0-only
// Planted faults of the gathers: each must be found. And what they are the faulty form of, where
// scenarios_gathers.cc does not have it.
#include "tests/explore/scenario.hh"
#include "tests/explore/unmap_body.hh"

namespace tlblab::explore {

namespace {

const Config kPair = {.nr_pages = 2};

/// The whole mm is flushed before anything is cleared, and nothing after (s390 in thread 004).
Machine::Body flush_early_body() {
  return [](Machine& machine) {
    ModelPlatform<Mechanism::kIpi> platform(machine, kNothing);
    platform.flush_mm();
    const Unmap unmap = {.ranges = {{0, 0, 0}}};
    ModelPlatform<Mechanism::kIpi> unflushed(machine, kOmitFlush);
    perform_unmap(unflushed, unmap);
    machine.perform(OpKind::kReturn, unmap.pages());
  };
}

/// A flush with interrupts off, which kmod/linux/kernel.h forbids.
Machine::Body masked_unmap_body(u32 page) {
  return [page](Machine& machine) {
    ModelPlatform<Mechanism::kIpi> platform(machine);
    machine.perform(OpKind::kInterrupts, 0);
    perform_unmap(platform, {.ranges = {{0, page, page}}});
    machine.perform(OpKind::kInterrupts, 1);
    machine.perform(OpKind::kReturn, 1U << page);
  };
}

}  // namespace

std::vector<Scenario> fault_scenarios() {
  std::vector<Scenario> list;
  const auto add = [&](const char* name, const Config& config, Machine::Body body,
                       const char* about) {
    list.push_back({.name = name,
                    .kind = Kind::kFault,
                    .config = config,
                    .bodies = {std::move(body)},
                    .expected = Violation::kLeak,
                    .about = about});
  };
  const Unmap both = {.ranges = {{0, 0, 1}}};
  add("fault:no-flush", kPair, unmap_body<Mechanism::kIpi>(both, kOmitFlush),
      "frames are released and nothing was flushed");
  add("fault:release-before-flush", kPair, unmap_body<Mechanism::kIpi>(both, kFlushAfterRelease),
      "ARM before 'delay page freeing for SMP and ARMv7 CPUs' (thread 004)");
  add("fault:short-extent", kPair, unmap_body<Mechanism::kIpi>(both, kOmitLastPage),
      "the envelope ends one page early");
  add("fault:full-mm-early,mm-in-use", {.nr_pages = 1}, flush_early_body(),
      "s390's early flush (thread 004) with the mm in use elsewhere: it is loaded again");
  add("fault:full-mm-early,own-walker", {.nr_cpus = 1, .nr_pages = 1, .loaded = 0x1},
      flush_early_body(), "the same with no other CPU: the initiator's own walker loads it again");
  list.push_back({.name = "fault:flush-with-interrupts-off",
                  .kind = Kind::kFault,
                  .config = kPair,
                  .bodies = {masked_unmap_body(0), masked_unmap_body(1)},
                  .expected = Violation::kDeadlock,
                  .about = "two initiators wait for each other, with interrupts off"});
  list.push_back({.name = "full-mm-early,mm-not-loaded",
                  .kind = Kind::kSound,
                  .config = {.nr_pages = 1, .loaded = 0},
                  .bodies = {flush_early_body()},
                  .about = "s390's early flush where it is sound: no CPU has the mm loaded"});

  // Two initiators on the same pages, and nobody claims them (thread 002).
  const Config three = {.nr_cpus = 3, .nr_pages = 2, .loaded = 0x7};
  const Unmap second = {.ranges = {{0, 1, 1}}};
  list.push_back(
      {.name = "fault:nested,trusts-empty-entries",
       .kind = Kind::kFault,
       .config = three,
       .bodies = {unmap_body<Mechanism::kIpi>(both), unmap_body<Mechanism::kIpi>(second)},
       .expected = Violation::kAfterReturn,
       .about = "'skip entries since pte_none() was true', without ranges claimed (thread 002)"});
  for (const u32 gather : {TLBLAB_PER_PAGE, TLBLAB_PER_TABLE}) {
    const Unmap x = {.gather = gather, .ranges = {{0, 0, 1}}};
    const Unmap y = {.gather = gather, .ranges = {{0, 1, 1}}};
    list.push_back({.name = std::string("nested,flush-under-lock,") +
                            (gather == TLBLAB_PER_PAGE ? "per-page" : "per-table"),
                    .kind = Kind::kSound,
                    .config = three,
                    .bodies = {unmap_body<Mechanism::kIpi>(x), unmap_body<Mechanism::kIpi>(y)},
                    .about = "'TLB invalidate under pte_lock' needs no claim (thread 002)"});
  }
  return list;
}

}  // namespace tlblab::explore
