// SPDX-License-Identifier: GPL-2.0-only
// Which cells there are, and in which order.
#include "user/oracle/check.hh"

#include <fmt/format.h>

#include "include/tlblab/catalogue.hh"
#include "user/oracle/planted_faults.hh"

namespace tlblab::oracle {
namespace {

std::string describe(const CheckCell& cell) {
  const std::string scheme = tlblab::name(cell.scheme);
  if (cell.fault == 0) return fmt::format("{}, {}", scheme, name(cell.load));
  return fmt::format("fault {} in {}, {}", planted_fault(cell.fault).name, scheme, name(cell.load));
}

}  // namespace

LabComposition faulty_scheme() {
  LabComposition scheme;
  scheme.gather = TLBLAB_MERGED;
  return scheme;
}

std::vector<LabComposition> sound_schemes(std::uint64_t mechanisms) {
  std::vector<LabComposition> schemes;
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    for (const bool dsb_each : {false, true}) {
      if (dsb_each && !catalogue::has(mechanisms, TLBLAB_TLBI_DSB_EACH)) continue;
      for (const catalogue::Value& extent : catalogue::kExtents) {
        if (!catalogue::has(gather.extents, extent.value)) continue;
        LabComposition scheme;
        scheme.gather = static_cast<tlblab_gather>(gather.value);
        scheme.extent = static_cast<tlblab_extent>(extent.value);
        scheme.dsb_each = dsb_each;
        schemes.push_back(scheme);
      }
    }
  }
  return schemes;
}

std::vector<CheckCell> cells_of(const CheckPlan& plan) {
  std::vector<CheckCell> cells;
  for (const PlantedFault& fault : planted_faults()) {
    for (const Load load : kLoads) {
      if (fault.needs_same_ranges && load != Load::kTwoSame) continue;
      cells.push_back({faulty_scheme(), load, fault.fault, plan.defuse_faults});
    }
  }
  for (const LabComposition& scheme : plan.schemes) {
    for (const Load load : kLoads) cells.push_back({scheme, load});
  }
  return cells;
}

void run_check(const TargetFactory& targets, const CheckPlan& plan,
               const std::function<void(const CheckProgress&)>& progress,
               const std::function<void(CheckedCell)>& keep) {
  const std::vector<CheckCell> cells = cells_of(plan);
  CheckProgress now;
  now.total = cells.size();
  for (const CheckCell& cell : cells) {
    now.what = describe(cell);
    progress(now);
    CheckedCell checked = check_cell(targets, cell, plan.cpus, plan.effort, [&] { progress(now); });
    const bool escaped = checked.escaped();
    keep(std::move(checked));
    ++now.done;
    if (escaped) return;
  }
}

}  // namespace tlblab::oracle
