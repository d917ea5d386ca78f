// SPDX-License-Identifier: GPL-2.0-only
// `tlblab check`: options to a plan, progress, and the outcome.
#include "user/commands/check.hh"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <tlblab/catalogue.hh>

#include "user/analysis/check_analysis.hh"
#include "user/commands/check_text.hh"
#include "user/commands/layout.hh"
#include "user/commands/progress_bar.hh"
#include "user/commands/result_path.hh"
#include "user/experiment/header.hh"
#include "user/lab/lab_request.hh"
#include "user/oracle/check.hh"
#include "user/oracle/planted_faults.hh"
#include "user/records/checked_cell.hh"
#include "user/records/writer.hh"
#include "user/support/clock.hh"
#include "user/support/error.hh"
#include "user/topology/cpu_lock.hh"
#include "user/topology/placement.hh"

namespace tlblab {
namespace {

LabComposition parse_one(const std::string& name) {
  constexpr std::string_view engine = "lab/";
  const std::string bare = name.starts_with(engine) ? name.substr(engine.size()) : name;
  const std::optional<LabComposition> scheme = parse_lab_scheme(bare);
  if (!scheme) {
    throw Error(ExitStatus::kUsage, fmt::format("engine lab has no scheme \"{}\"", name),
                "`tlblab list` names its schemes; check works on those of engine lab only.");
  }
  return *scheme;
}

oracle::CheckPlan plan_of(const CheckOptions& options) {
  oracle::CheckPlan plan;
  for (const std::string& name : options.schemes) plan.schemes.push_back(parse_one(name));
  plan.cpus = options.cpus.empty() ? placement_order() : parse_cpu_list(options.cpus);
  plan.effort.seconds = options.quick ? kQuickSeconds : options.seconds;
  plan.effort.rounds = options.rounds;
  plan.effort.write = options.write;
  plan.defuse_faults = options.defuse_faults;
  return plan;
}

/// Chosen schemes must exist here; without a choice, all that the module has.
void settle_schemes(oracle::CheckPlan& plan, const tlblab_capabilities& can) {
  for (const LabComposition& scheme : plan.schemes) {
    const std::string refusal = lab_refusal(scheme, can);
    if (refusal.empty()) continue;
    throw Error(ExitStatus::kMachine, fmt::format("{}: {}", name(scheme), refusal),
                "`tlblab list` shows what can be done here.");
  }
  if (!plan.schemes.empty()) return;
  plan.schemes = oracle::sound_schemes(can.mechanisms);
  std::erase_if(plan.schemes,
                [&](const LabComposition& scheme) { return !lab_refusal(scheme, can).empty(); });
}

void need_faults(const tlblab_capabilities& can) {
  for (const oracle::PlantedFault& fault : oracle::planted_faults()) {
    if (catalogue::has(can.faults, fault.fault)) continue;
    throw Error(ExitStatus::kMachine,
                fmt::format("the loaded module can't plant the fault {}", fault.name),
                "Rebuild the module and load it again: without planted faults nothing shows that "
                "the oracle sees.");
  }
}

records::CheckHeader header_of(const CheckOptions& options, const oracle::CheckPlan& plan,
                               const Shape& shape) {
  CheckSetting setting;
  setting.shape = shape;
  setting.cpus = plan.cpus;
  setting.seconds = plan.effort.seconds;
  setting.rounds = plan.effort.rounds;
  setting.write = plan.effort.write;
  setting.faulty_scheme = name(oracle::faulty_scheme());
  setting.nr_cells = oracle::cells_of(plan).size();
  return {describe_run({options.argv, {}}), setting};
}

/// Appends each cell as it ends, so that a check that is cut short leaves what it has.
void check_into(const std::string& path, const oracle::TargetFactory& targets,
                const oracle::CheckPlan& plan) {
  records::Writer writer(path);
  writer.lock();
  ProgressBar bar;
  const std::uint64_t begin = now_ns();
  run_check(
      targets, plan,
      [&](const oracle::CheckProgress& progress) {
        const double elapsed_s = static_cast<double>(now_ns() - begin) * 1e-9;
        bar.show(StepProgress{progress.done, progress.total, elapsed_s, progress.what});
      },
      [&](const CheckedCell& cell) {
        writer.add_line(records::encode(cell));
        writer.commit();
      });
}

}  // namespace

int run_check_command(const CheckOptions& options) {
  oracle::CheckPlan plan = plan_of(options);
  const Shape shape = parse_shape(options.shape);
  const oracle::LabTargets targets(shape);
  settle_schemes(plan, targets.capabilities());
  need_faults(targets.capabilities());
  if (plan.cpus.size() < 2) {
    throw Error(ExitStatus::kMachine, "one CPU initiates, and none is left to witness",
                "Use a machine or --cpus with two CPUs at least, and three for two initiators.");
  }
  const CpuLock lock(plan.cpus);
  const std::string path = new_result_path(options.output, "check");
  records::Writer::create(path, records::encode(header_of(options, plan, shape)));
  check_into(path, targets, plan);
  const CheckResult check = analyse_check_file(path);
  if (options.as_json) {
    fmt::print("{}\n", check_json(check).dump(2));
  } else {
    fmt::print("{}\nraw:    {}\nreport: tlblab report {}\n", check_text(check, terminal_width()),
               path, path);
  }
  return static_cast<int>(exit_status(check));
}

}  // namespace tlblab
