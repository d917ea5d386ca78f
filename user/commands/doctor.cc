// SPDX-License-Identifier: GPL-2.0-only
// `tlblab doctor`.
#include "user/commands/doctor.hh"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "user/commands/layout.hh"
#include "user/model/cpu_list.hh"
#include "user/support/error.hh"
#include "user/support/interruption.hh"
#include "user/topology/disturbance.hh"
#include "user/topology/kernel_judgement.hh"
#include "user/topology/placement.hh"

namespace tlblab {
namespace {

using nlohmann::json;

json number_or_null(const std::optional<double>& value) {
  return value ? json(*value) : json(nullptr);
}

json cpu_json(const CpuDisturbance& cpu) {
  return {{"cpu", cpu.spin.cpu},
          {"ran", cpu.spin.ran},
          {"lost_share", cpu.lost_share()},
          {"gaps", cpu.spin.nr_gaps},
          {"longest_gap_ns", cpu.spin.longest_gap_ns},
          {"switches_unwanted", cpu.spin.switches_unwanted},
          {"switches_wanted", cpu.spin.switches_wanted},
          {"steal_share", number_or_null(cpu.steal_share)},
          {"others_share", number_or_null(cpu.others_share)},
          {"governor", cpu.governor}};
}

void print_json(const Disturbance& disturbance, const std::vector<MachineFinding>& findings,
                ExitStatus status) {
  json cpus = json::array();
  for (const CpuDisturbance& cpu : disturbance.cpus) cpus.push_back(cpu_json(cpu));
  json processes = json::array();
  for (const BusyProcess& process : disturbance.processes) {
    processes.push_back({{"name", process.name},
                         {"pid", process.pid},
                         {"last_cpu", process.last_cpu},
                         {"share", process.share}});
  }
  json list = json::array();
  for (const MachineFinding& finding : findings) {
    list.push_back({{"check", finding.check},
                    {"severity", name(finding.severity)},
                    {"seen", finding.seen},
                    {"advice", finding.advice}});
  }
  const json all{{"seconds", disturbance.seconds},
                 {"worst", name(worst(findings))},
                 {"findings", list},
                 {"cpus", cpus},
                 {"processes", processes},
                 {"clock_read_ns", disturbance.clock_read_ns},
                 {"exit_status", static_cast<int>(status)}};
  fmt::print("{}\n", all.dump(2, ' ', false, json::error_handler_t::replace));
}

std::string conclusion(Severity severity) {
  switch (severity) {
    case Severity::kTrouble:
      return "A run now would be void or pointless: see the trouble above.";
    case Severity::kWarning:
      return "A run can be made; the warnings above will widen or narrow what it can say.";
    case Severity::kNote:
    case Severity::kOk:
      return "Nothing stands in the way of a run.";
  }
  return "";
}

void print_text(const Disturbance& disturbance, const std::vector<MachineFinding>& findings) {
  constexpr std::size_t indent = 30;
  const std::size_t width = terminal_width();
  std::vector<int> cpus;
  for (const CpuDisturbance& cpu : disturbance.cpus) cpus.push_back(cpu.spin.cpu);
  fmt::print("looked for {:.3g} s, spinning on CPUs {}\n\n", disturbance.seconds,
             format_cpu_list(cpus));
  for (const MachineFinding& finding : findings) {
    const std::string label = fmt::format("{:<9}{}", name(finding.severity), finding.check);
    fmt::print("{}", named_line(label, finding.seen, indent, width));
    if (!finding.advice.empty()) {
      fmt::print("{:{}}-> {}\n", "", indent, wrapped(finding.advice, indent + 3, width));
    }
  }
  fmt::print("\n{}\n", conclusion(worst(findings)));
}

}  // namespace

int run_doctor(const DoctorOptions& options) {
  const std::vector<int> cpus = options.cpus.empty() ? placement_order() : options.cpus;
  const Disturbance disturbance = measure_disturbance(cpus, options.seconds);
  if (interrupted()) {
    throw Error(ExitStatus::kInterrupted, "interrupted before the time was over",
                "Nothing was changed; a shorter look is `tlblab doctor --seconds 0.5`.");
  }
  std::vector<MachineFinding> findings = judge(disturbance);
  findings.push_back(judge_flushes(describe_machine().flushing, disturbance.module_rules));
  findings.push_back(judge_module(disturbance.module_rules));
  const ExitStatus status =
      worst(findings) == Severity::kTrouble ? ExitStatus::kMachine : ExitStatus::kOk;
  if (options.as_json) {
    print_json(disturbance, findings, status);
  } else {
    print_text(disturbance, findings);
  }
  return static_cast<int>(status);
}

}  // namespace tlblab
