// SPDX-License-Identifier: GPL-2.0-only
// Gathers with planted faults, those of the module (kmod/core/wrap/faults.hh) and more: the
// explorer must find each. Also their sound forms, where scenarios_gathers.cc does not have them.
#include "tests/explore/scenario.hh"
#include "tests/explore/unmap_body.hh"

namespace tlblab::explore {

namespace {

const Config kPair = {.nr_pages = 2};

/// A flush with interrupts off, which kmod/boundary/kernel.h forbids.
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
  const auto plant = [&](const char* name, const Config& config, const Unmap& unmap,
                         const char* about) {
    add(name, config, unmap_body<Mechanism::kIpi>(unmap), about);
    list.back().requests = {unmap};
  };
  plant("fault:no-flush", kPair, {.fault = TLBLAB_NO_FLUSH, .ranges = {{0, 0, 1}}},
        "frames are released and nothing was flushed");
  plant("fault:release-before-flush", kPair, {.fault = TLBLAB_RELEASE_FIRST, .ranges = {{0, 0, 1}}},
        "ARM before 'delay page freeing for SMP and ARMv7 CPUs' (thread 004)");
  add("fault:short-extent", kPair, unmap_body<Mechanism::kIpi>(both, kOmitLastPage),
      "the envelope ends one page early");
  const Unmap early = {.fault = TLBLAB_EARLY_FULL_FLUSH, .ranges = {{0, 0, 0}}};
  plant("fault:full-mm-early,mm-in-use", {.nr_pages = 1}, early,
        "s390's early flush (thread 004) with the mm in use elsewhere: it is loaded again");
  plant("fault:full-mm-early,own-walker", {.nr_cpus = 1, .nr_pages = 1, .loaded = 0x1}, early,
        "the same with no other CPU: the initiator's own walker loads it again");
  list.push_back({.name = "fault:flush-with-interrupts-off",
                  .kind = Kind::kFault,
                  .config = kPair,
                  .bodies = {masked_unmap_body(0), masked_unmap_body(1)},
                  .expected = Violation::kDeadlock,
                  .about = "two initiators wait for each other, with interrupts off"});
  list.push_back({.name = "full-mm-early,mm-not-loaded",
                  .kind = Kind::kSound,
                  .config = {.nr_pages = 1, .loaded = 0},
                  .bodies = {unmap_body<Mechanism::kIpi>(early)},
                  .about = "s390's early flush where it is sound: no CPU has the mm loaded"});

  // Two initiators on the same pages, without claims (thread 002).
  const Config three = {.nr_cpus = 3, .nr_pages = 2, .loaded = 0x7};
  const Unmap first = {.fault = TLBLAB_TRUST_NONE, .ranges = {{0, 0, 1}}};
  const Unmap second = {.fault = TLBLAB_TRUST_NONE, .ranges = {{0, 1, 1}}};
  list.push_back(
      {.name = "fault:nested,trusts-empty-entries",
       .kind = Kind::kFault,
       .config = three,
       .bodies = {requested_body<Mechanism::kIpi>(first), requested_body<Mechanism::kIpi>(second)},
       .expected = Violation::kAfterReturn,
       .about = "'skip entries since pte_none() was true', without ranges claimed (thread 002)",
       .requests = {first, second}});
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    if (gather.flush_at > catalogue::Boundary::kTable) continue;
    const Unmap x = {.gather = gather.value, .ranges = {{0, 0, 1}}};
    const Unmap y = {.gather = gather.value, .ranges = {{0, 1, 1}}};
    list.push_back({.name = std::string("nested,flush-under-lock,") + gather.name,
                    .kind = Kind::kSound,
                    .config = three,
                    .bodies = {unmap_body<Mechanism::kIpi>(x), unmap_body<Mechanism::kIpi>(y)},
                    .about = "'TLB invalidate under pte_lock' needs no claim (thread 002)"});
  }
  return list;
}

}  // namespace tlblab::explore
