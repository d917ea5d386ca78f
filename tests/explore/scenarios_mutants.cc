// SPDX-License-Identifier: GPL-2.0-only
// Mutation tests of the explorer: the real core on a platform that drops a lock, a fence, a wait or
// a flush. One that is not found means that the explorer is blind there.
#include <tlblab/catalogue.hh>

#include "tests/explore/scenario.hh"
#include "tests/explore/unmap_body.hh"

namespace tlblab::explore {

namespace {

template <Mechanism kMechanism>
void add_mutant(std::vector<Scenario>& list, const std::string& name, u32 gather, u32 omissions,
                const char* about) {
  Unmap unmap = {.gather = gather, .ranges = {{0, 0, 1}}};
  list.push_back({.name = "mutant:" + name,
                  .kind = Kind::kMutant,
                  .config = {.arch = ModelPlatform<kMechanism>::kArch, .nr_pages = 2},
                  .bodies = {unmap_body<kMechanism>(unmap, omissions)},
                  .expected = Violation::kLeak,
                  .about = about});
  // The only one of these that the module has as a fault.
  if (omissions != kOmitFlush) return;
  unmap.fault = TLBLAB_NO_FLUSH;
  list.back().requests = {unmap};
}

}  // namespace

std::vector<Scenario> mutant_scenarios() {
  std::vector<Scenario> list;
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    const std::string name = scheme_name(gather);
    add_mutant<Mechanism::kIpi>(list, name + ",ipi,no-flush", gather.value, kOmitFlush,
                                "the flush is dropped");
    add_mutant<Mechanism::kIpi>(list, name + ",ipi,no-targets", gather.value, kOmitTargets,
                                "only the initiator's CPU is flushed");
    add_mutant<Mechanism::kIpi>(list, name + ",ipi,no-wait", gather.value, kOmitCompletion,
                                "the other CPUs are not waited for");
    add_mutant<Mechanism::kDsbEach>(list, name + ",dsb-each,no-flush", gather.value, kOmitFlush,
                                    "the flush is dropped");
    add_mutant<Mechanism::kDsbOnce>(list, name + ",dsb-once,no-dsb-ishst", gather.value,
                                    kOmitStoreFence,
                                    "the walkers may still see the entries when the TLBI is done");
    add_mutant<Mechanism::kDsbOnce>(list, name + ",dsb-once,no-dsb-ish", gather.value,
                                    kOmitCompletion, "the TLBI's completion is not waited for");
    if (gather.flush_at <= catalogue::Boundary::kTable)
      continue;  // they need no claim (thread 002)
    const Unmap both = {.gather = gather.value, .ranges = {{0, 0, 1}}};
    const Unmap second = {
        .gather = gather.value, .fault = TLBLAB_TRUST_NONE, .ranges = {{0, 1, 1}}};
    list.push_back(
        {.name = "mutant:" + name + ",ipi,no-claim",
         .kind = Kind::kMutant,
         .config = {.nr_cpus = 3, .nr_pages = 2, .loaded = 0x7},
         .bodies = {requested_body<Mechanism::kIpi>(both), requested_body<Mechanism::kIpi>(second)},
         .expected = Violation::kAfterReturn,
         .about = "one of two initiators does not claim its range",
         .requests = {both, second}});
  }
  list.push_back({.name = "mutant:split-clear",
                  .kind = Kind::kMutant,
                  .config = {.nr_pages = 1, .writing = 0x2},
                  .bodies = {unmap_body<Mechanism::kIpi>({}, kSplitClear)},
                  .expected = Violation::kLostWrite,
                  .about = "an entry is emptied by a load and a store: a dirty bit is lost"});
  return list;
}

}  // namespace tlblab::explore
