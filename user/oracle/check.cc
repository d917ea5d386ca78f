// SPDX-License-Identifier: GPL-2.0-only
// Which cells there are, in which order, and what they add up to.
#include "user/oracle/check.hh"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "include/tlblab/catalogue.hh"

namespace tlblab::oracle {
namespace {

struct Step {
  CellPlan plan;
  std::optional<Sight> sought;
};

std::vector<Step> fault_steps(const CheckPlan& plan) {
  std::vector<Step> steps;
  for (const PlantedFault& fault : planted_faults()) {
    for (const Load load : kLoads) {
      if (fault.needs_same_ranges && load != Load::kTwoSame) continue;
      steps.push_back({{faulty_scheme(), load, fault.fault, plan.defuse_faults}, fault.shows});
    }
  }
  return steps;
}

std::vector<Step> sound_steps(const CheckPlan& plan) {
  std::vector<Step> steps;
  for (const LabComposition& scheme : plan.schemes) {
    for (const Load load : kLoads) steps.push_back({{scheme, load}, std::nullopt});
  }
  return steps;
}

std::string describe(const CellPlan& cell) {
  const std::string scheme = tlblab::name(cell.scheme);
  if (cell.fault == 0) return fmt::format("{}, {}", scheme, name(cell.load));
  return fmt::format("fault {} in {}, {}", planted_fault(cell.fault).name, scheme, name(cell.load));
}

}  // namespace

std::span<const PlantedFault> planted_faults() {
  static const std::vector<PlantedFault> faults = [] {
    std::vector<PlantedFault> list;
    for (const catalogue::Fault& fault : catalogue::kFaults) {
      if (!catalogue::has(catalogue::faults_anywhere(), fault.value)) continue;
      // Without claims nothing is released too early, but another initiator returns too early.
      const bool two = fault.breaks == catalogue::Breaks::kClaim;
      list.push_back({fault.value, fault.name, fault.summary,
                      two ? Sight::kAfterReturn : Sight::kReleased, two});
    }
    return list;
  }();
  return faults;
}

const PlantedFault& planted_fault(std::uint32_t fault) {
  const auto faults = planted_faults();
  return *std::find_if(faults.begin(), faults.end(),
                       [fault](const PlantedFault& f) { return f.fault == fault; });
}

LabComposition faulty_scheme() {
  LabComposition scheme;
  scheme.gather = TLBLAB_MERGED;
  return scheme;
}

std::vector<LabComposition> sound_schemes(bool broadcast) {
  std::vector<LabComposition> schemes;
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    for (const bool dsb_each : {false, true}) {
      if (dsb_each && !broadcast) continue;
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

bool escaped(const CellRecord& cell) {
  return cell.sought && cell.counts.not_run.empty() && cell.nr_caught() == 0;
}

bool is_void(const CheckRecord& record) {
  return std::any_of(record.faults.begin(), record.faults.end(), escaped);
}

ExitStatus exit_status(const CheckRecord& record) {
  if (is_void(record)) return ExitStatus::kVoid;
  ExitStatus status = ExitStatus::kOk;
  for (const CellRecord& cell : record.cells) {
    const Word word = judge(cell.counts).word;
    if (is_violation(word)) return ExitStatus::kViolation;
    if (word == Word::kInconclusive) status = ExitStatus::kInconclusive;
  }
  return status;
}

const CellRecord* hardest_fault(const CheckRecord& record, Load load, Sight sight) {
  const CellRecord* hardest = nullptr;
  const auto rate = [](const CellRecord& cell) {
    return static_cast<double>(cell.nr_caught()) / static_cast<double>(cell.counts.rounds);
  };
  for (const CellRecord& cell : record.faults) {
    if (cell.plan.load != load || cell.sought != sight || cell.counts.rounds == 0) continue;
    if (hardest == nullptr || rate(cell) < rate(*hardest)) hardest = &cell;
  }
  return hardest;
}

CheckRecord run_check(const Land& land, const CheckPlan& plan,
                      const std::function<void(const CheckProgress&)>& progress) {
  const std::vector<Step> faults = fault_steps(plan);
  const std::vector<Step> sound = sound_steps(plan);
  CheckProgress now;
  now.total = faults.size() + sound.size();
  const auto play = [&](const std::vector<Step>& steps, std::vector<CellRecord>& into) {
    for (const Step& step : steps) {
      now.what = describe(step.plan);
      progress(now);
      into.push_back(
          play_cell(land, step.plan, plan.cpus, plan.effort, step.sought, [&] { progress(now); }));
      ++now.done;
      if (escaped(into.back())) return;
    }
  };
  CheckRecord record;
  play(faults, record.faults);
  if (!is_void(record)) play(sound, record.cells);
  return record;
}

}  // namespace tlblab::oracle
