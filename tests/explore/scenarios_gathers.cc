// SPDX-License-Identifier: GPL-2.0-only
// Sound: every gather with every extent and mechanism, alone against a CPU that reads and walks all
// the time; with several batches; with page tables that differ; with writes; and two initiators on
// one range, which they claim.
#include <tlblab/catalogue.hh>

#include "tests/explore/scenario.hh"
#include "tests/explore/switching.hh"
#include "tests/explore/unmap_body.hh"

namespace tlblab::explore {

namespace {

constexpr u64 kTable1 = kTableBytes;

// Two VMAs of two pages in one table, with a gap, so that an envelope covers more than was cleared.
const Config kNear = {.nr_pages = 4, .page_address = {0x0000, 0x1000, 0x4000, 0x5000}};
// Two VMAs, each in a table of its own: past the ceiling, an envelope is the whole mm.
const Config kFar = {.nr_pages = 4, .page_address = {0x0000, 0x1000, kTable1, kTable1 + 0x1000}};

// Preemptions in the scenario that is too large for all.
constexpr u32 kHugeBound = 0;

template <Mechanism kMechanism>
void add_scheme(std::vector<Scenario>& list, const catalogue::Gather& gather,
                const catalogue::Value& extent_row) {
  const u32 extent = extent_row.value;
  const std::string name =
      scheme_name(gather) + "," + extent_row.name + "," + mechanism_name(kMechanism);
  const auto add = [&](const std::string& shape, Config config, const Unmap& unmap) {
    config.arch = ModelPlatform<kMechanism>::kArch;
    list.push_back({.name = name + "," + shape,
                    .config = config,
                    .bodies = {unmap_body<kMechanism>(unmap)},
                    .about = gather.summary});
  };
  const Unmap unmap = {.gather = gather.value, .extent = extent, .ranges = {{0, 0, 1}, {1, 2, 3}}};
  add("near", kNear, unmap);
  add("far", kFar, unmap);
  Unmap batched = unmap;
  batched.batch_pages = 1;
  add("batch", kNear, batched);

  // Two CPUs that read.
  Config wide = kNear;
  wide.nr_cpus = 3;
  wide.nr_pages = 3;
  wide.loaded = 0x7;
  const Unmap narrow = {.gather = gather.value, .extent = extent, .ranges = {{0, 0, 1}, {1, 2, 2}}};
  add("two-readers", wide, narrow);

  const Unmap both = {.gather = gather.value, .extent = extent, .ranges = {{0, 0, 1}}};
  if (kMechanism == Mechanism::kIpi) {
    // Writes set dirty bits; arm64's plain clear is for hardware that sets none.
    Config writing = kNear;
    writing.nr_pages = 2;
    writing.writing = 0x2;
    writing.split_walks = true;
    add("writes", writing, both);
    // A CPU that comes and goes; arm64 keeps no mask.
    Config switching = kNear;
    switching.nr_pages = 2;
    switching.loaded = 0x1;
    switching.tlb = 0x3;
    list.push_back(
        {.name = name + ",switching",
         .config = switching,
         .bodies = {unmap_body<kMechanism>(both), switching_cpu(kNothing, Seen::kWhenEntering)},
         .about = std::string("a CPU comes and goes; ") + gather.summary});
  }

  // Two initiators on the same two pages, and one CPU that reads.
  Config two = kNear;
  two.arch = ModelPlatform<kMechanism>::kArch;
  two.nr_cpus = 3;
  two.nr_pages = 2;
  two.loaded = 0x7;
  const Unmap second = {.gather = gather.value, .extent = extent, .ranges = {{0, 1, 1}}};
  list.push_back(
      {.name = name + ",two-initiators",
       .config = two,
       .bodies = {claimed_unmap_body<kMechanism>(both), claimed_unmap_body<kMechanism>(second)},
       .about = std::string("two initiators, ranges claimed; ") + gather.summary});

  // Two initiators that work at the same time, each on a VMA of its own.
  Config disjoint = two;
  disjoint.nr_pages = 3;
  disjoint.page_address = {0x0000, 0x1000, kTable1, 0};
  const Unmap other = {.gather = gather.value, .extent = extent, .ranges = {{1, 2, 2}}};
  list.push_back({.name = name + ",two-disjoint",
                  .config = disjoint,
                  .bodies = {unmap_body<kMechanism>(both), unmap_body<kMechanism>(other)},
                  .about = std::string("two initiators at once; ") + gather.summary});

  // Three at once, each on a page of its own; then with more pages, too large for every
  // interleaving.
  if (kMechanism != Mechanism::kIpi || extent != TLBLAB_ENVELOPE) return;
  const auto on_pages = [&](u32 first, u32 last) {
    return unmap_body<kMechanism>(
        {.gather = gather.value, .extent = extent, .ranges = {{0, first, last}}});
  };
  Config three = disjoint;
  three.speculating = 0x6;
  Scenario scenario = {.name = name + ",three-disjoint",
                       .config = three,
                       .bodies = {on_pages(0, 0), on_pages(1, 1), on_pages(2, 2)},
                       .about = std::string("three initiators at once; ") + gather.summary};
  list.push_back(scenario);
  scenario.name = name + ",three-disjoint-large";
  scenario.config.nr_pages = 4;
  scenario.config.page_address = kFar.page_address;
  scenario.config.speculating = 0x5;
  scenario.bodies = {on_pages(0, 1), on_pages(2, 2), on_pages(3, 3)};
  list.push_back(scenario);
  if (gather.value != TLBLAB_PER_TABLE) return;
  scenario.name = name + ",three-disjoint-huge";
  scenario.config.speculating = 0x7;
  scenario.bound = kHugeBound;
  list.push_back(scenario);
}

}  // namespace

std::vector<Scenario> gather_scenarios() {
  std::vector<Scenario> list;
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    for (const catalogue::Value& extent : catalogue::kExtents) {
      if (!catalogue::has(gather.extents, extent.value)) continue;
      add_scheme<Mechanism::kIpi>(list, gather, extent);
      add_scheme<Mechanism::kDsbEach>(list, gather, extent);
      add_scheme<Mechanism::kDsbOnce>(list, gather, extent);
    }
  }
  return list;
}

}  // namespace tlblab::explore
