// SPDX-License-Identifier: GPL-2.0-only
// Judging a disturbance: one small function per check, each with its limits beside it.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "user/model/cpu_list.hh"
#include "user/topology/disturbance.hh"
#include "user/topology/kernel_judgement.hh"
#include "user/topology/placement.hh"

namespace tlblab {

namespace {

// A trial lasts some 0.1 ms and is set apart when a responder was away. With a fifth of the time
// lost, so many trials are set apart that the rest is a selection; a fiftieth only costs time.
constexpr double kLostTrouble = 0.20;
constexpr double kLostWarning = 0.02;
// A whole scheduler slice or more: a block of trials falls into it, not a single one.
constexpr double kLongGapNs = 20e6;
constexpr double kOthersTrouble = 0.25;
constexpr double kOthersWarning = 0.05;  // /proc/stat counts ticks: 2 % is rounding
constexpr double kStealTrouble = 0.10;
constexpr double kStealWarning = 0.01;
constexpr double kSiblingBusy = 0.10;
constexpr double kClockReadNs = 100;  // the timed window reads it twice
constexpr double kMib = 1024.0 * 1024.0;
constexpr double kMemoryTroubleMib = 64;
constexpr double kMemoryWarningMib = 256;

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

MachineFinding ok(std::string check, std::string seen) {
  return {Severity::kOk, std::move(check), std::move(seen), ""};
}

Severity by_limits(double value, double warning, double trouble) {
  if (value >= trouble) return Severity::kTrouble;
  return value >= warning ? Severity::kWarning : Severity::kOk;
}

std::vector<int> cpu_numbers(const Disturbance& d) {
  std::vector<int> cpus;
  for (const CpuDisturbance& cpu : d.cpus) cpus.push_back(cpu.spin.cpu);
  return cpus;
}

MachineFinding judge_cpu_count(const Disturbance& d) {
  const std::string check = "CPUs";
  const std::string list = format_cpu_list(cpu_numbers(d));
  if (d.alone) return ok(check, fmt::format("CPU {}: one initiator, no responder as asked", list));
  if (d.cpus.size() <= 1) {
    return {Severity::kTrouble, check,
            fmt::format("only CPU {} may be used: there is no other CPU to respond", list),
            "Give the process or the virtual machine at least two CPUs (taskset, cpuset, --cpus)."};
  }
  if (d.cpus.size() == 2) {
    return {Severity::kNote, check, fmt::format("CPUs {}: one initiator, one responder", list),
            "Nothing can be said here about how the cost grows with more responders."};
  }
  return ok(check,
            fmt::format("CPUs {}: one initiator, up to {} responders", list, d.cpus.size() - 1));
}

/// The busiest processes, as "name (pid 12, CPU 1) 49 %".
std::string culprits(const Disturbance& d) {
  constexpr std::size_t most_shown = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(most_shown, d.processes.size()); ++i) {
    const BusyProcess& process = d.processes[i];
    text += fmt::format("{}{} (pid {}, CPU {}) {}", text.empty() ? "" : ", ", process.name,
                        process.pid, process.last_cpu, percent(process.share));
  }
  return text;
}

/// The first few, and of the others only how many: a machine may have hundreds of CPUs.
std::string few(const std::vector<std::string>& texts) {
  constexpr std::size_t most_shown = 4;
  std::string joined;
  for (std::size_t i = 0; i < std::min(most_shown, texts.size()); ++i) {
    joined += (joined.empty() ? "" : "; ") + texts[i];
  }
  if (texts.size() > most_shown) joined += fmt::format("; {} CPUs less", texts.size() - most_shown);
  return joined;
}

std::vector<CpuDisturbance> sorted_by(const Disturbance& d,
                                      double (*key)(const CpuDisturbance& cpu)) {
  std::vector<CpuDisturbance> cpus = d.cpus;
  std::stable_sort(cpus.begin(), cpus.end(),
                   [key](const auto& a, const auto& b) { return key(a) > key(b); });
  return cpus;
}

MachineFinding judge_scheduling(const Disturbance& d) {
  MachineFinding finding{Severity::kOk, "scheduling", "", ""};
  std::vector<std::string> seen;
  for (const CpuDisturbance& cpu :
       sorted_by(d, [](const CpuDisturbance& c) { return c.lost_share(); })) {
    const auto longest_ns = static_cast<double>(cpu.spin.longest_gap_ns);
    Severity severity = by_limits(cpu.lost_share(), kLostWarning, kLostTrouble);
    if (severity == Severity::kOk && longest_ns >= kLongGapNs) severity = Severity::kWarning;
    finding.severity = std::max(finding.severity, severity);
    seen.push_back(cpu.spin.ran
                       ? fmt::format("CPU {} lost {} in {} gaps (longest {:.2f} ms, {} switches)",
                                     cpu.spin.cpu, percent(cpu.lost_share()), cpu.spin.nr_gaps,
                                     longest_ns / 1e6,
                                     cpu.spin.switches_wanted + cpu.spin.switches_unwanted)
                       : fmt::format("CPU {} never ran our thread", cpu.spin.cpu));
  }
  finding.seen = few(seen);
  if (finding.severity == Severity::kTrouble) {
    finding.advice =
        "Responders would not be running when it counts. Neighbours, steal time and CPU quota "
        "below "
        "say who takes the CPU.";
  } else if (finding.severity == Severity::kWarning) {
    finding.advice =
        "Trials hit by this are set apart, so a run takes longer. Neighbours and steal time below "
        "say who takes the CPU.";
  }
  return finding;
}

MachineFinding judge_neighbours(const Disturbance& d) {
  MachineFinding finding{Severity::kOk, "neighbours", "", ""};
  std::vector<std::string> seen;
  for (const CpuDisturbance& cpu :
       sorted_by(d, [](const CpuDisturbance& c) { return c.others_share.value_or(2); })) {
    finding.severity = std::max(
        finding.severity, by_limits(cpu.others_share.value_or(0), kOthersWarning, kOthersTrouble));
    seen.push_back(cpu.others_share
                       ? fmt::format("CPU {} {}", cpu.spin.cpu, percent(*cpu.others_share))
                       : fmt::format("CPU {} unknown, /proc/stat lacks it", cpu.spin.cpu));
  }
  finding.seen = "used by others while we spun: " + few(seen);
  if (finding.severity == Severity::kOk) return finding;
  if (d.processes.empty()) {
    finding.advice =
        "No process that is still here used them: short-lived ones, interrupts, or something "
        "outside this container did. Look again, then there.";
  } else {
    finding.seen += "; busiest: " + culprits(d);
    finding.advice =
        "Stop them, move them off with taskset, or choose other CPUs for the run with --cpus.";
  }
  return finding;
}

MachineFinding judge_steal(const Disturbance& d) {
  double most = 0;
  int where = -1;
  bool known = false;
  for (const CpuDisturbance& cpu : d.cpus) {
    known = known || cpu.steal_share.has_value();
    if (cpu.steal_share.value_or(0) > most) {
      most = *cpu.steal_share;
      where = cpu.spin.cpu;
    }
  }
  MachineFinding finding{by_limits(most, kStealWarning, kStealTrouble), "steal time", "", ""};
  if (!known) {
    finding.seen = "unknown: /proc/stat does not list these CPUs";
  } else if (where < 0) {
    finding.seen = "none";
  } else {
    finding.seen = fmt::format("the hypervisor took up to {} (CPU {})", percent(most), where);
  }
  if (finding.severity != Severity::kOk) {
    finding.advice =
        "Other guests of the host compete for its CPUs. Run at a quieter time, or on an instance "
        "with dedicated CPUs.";
  }
  return finding;
}

MachineFinding judge_quota(const Disturbance& d) {
  const std::string check = "CPU quota";
  if (!d.quota.cpus) return ok(check, "none");
  const std::string seen =
      fmt::format("{:.2f} CPUs' worth of time for {} CPUs ({}), stopped {} times while measuring",
                  *d.quota.cpus, d.cpus.size(), d.quota.where, d.new_throttled);
  if (d.new_throttled == 0 && *d.quota.cpus >= static_cast<double>(d.cpus.size())) {
    return ok(check, seen);
  }
  return {Severity::kTrouble, check, seen,
          "All CPUs of a run spin all the time, so the kernel will stop them in every period. Lift "
          "the quota (cpu.max, --cpus of the container), or use fewer CPUs with --cpus."};
}

MachineFinding judge_clock(const Disturbance& d) {
  constexpr std::array<std::string_view, 4> good_sources = {"tsc", "arch_sys_counter", "kvm-clock",
                                                            "hyperv_clocksource_tsc_page"};
  const std::string seen =
      fmt::format("{}, {:.0f} ns a reading",
                  d.clock_source.empty() ? "source unknown" : d.clock_source, d.clock_read_ns);
  const bool good_source =
      d.clock_source.empty() ||
      std::find(good_sources.begin(), good_sources.end(), d.clock_source) != good_sources.end();
  if (good_source && d.clock_read_ns <= kClockReadNs) return ok("clock", seen);
  return {Severity::kWarning, "clock", seen,
          "Readings probably go through the kernel. Where the CPU's counter is sound, choose it: "
          "/sys/devices/system/clocksource/clocksource0/current_clocksource, or clocksource=tsc on "
          "the kernel's command line."};
}

MachineFinding judge_governor(const Disturbance& d) {
  std::vector<int> others;
  std::string governor;
  bool any = false;
  for (const CpuDisturbance& cpu : d.cpus) {
    any = any || !cpu.governor.empty();
    if (cpu.governor.empty() || cpu.governor == "performance") continue;
    others.push_back(cpu.spin.cpu);
    governor = cpu.governor;
  }
  if (!any) return ok("governor", "no cpufreq here: the host or the firmware decides");
  if (others.empty()) return ok("governor", "performance");
  return {
      Severity::kWarning, "governor",
      fmt::format("{} on CPUs {}", governor, format_cpu_list(others)),
      "The frequency may change during a run. `cpupower frequency-set -g performance` fixes it."};
}

MachineFinding judge_siblings(const Disturbance& d) {
  std::string shared;
  std::string busy;
  for (const Sibling& pair : d.siblings) {
    if (pair.ours) {
      shared += fmt::format("{}{}+{}", shared.empty() ? "" : ", ", pair.cpu, pair.sibling);
    } else if (pair.busy_share >= kSiblingBusy) {
      busy += fmt::format("{}CPU {} beside CPU {} {}", busy.empty() ? "" : ", ", pair.sibling,
                          pair.cpu, percent(pair.busy_share));
    }
  }
  if (!busy.empty()) {
    return {Severity::kWarning, "SMT", "busy threads beside ours: " + busy,
            "They share our cores' units and TLBs. Keep them idle, or choose CPUs of idle cores."};
  }
  if (!shared.empty()) {
    return {
        Severity::kNote, "SMT", "CPUs that share a core: " + shared,
        "A spinning responder slows its core's other thread. Compare only runs that use the same "
        "CPUs, or name one thread per core with --cpus."};
  }
  return ok("SMT", "no two of these CPUs share a core");
}

MachineFinding judge_memory_settings(const Disturbance& d) {
  MachineFinding finding{Severity::kOk, "memory settings", "", ""};
  finding.seen = fmt::format("transparent huge pages {}, NUMA balancing {}",
                             d.huge_pages.empty() ? "not in this kernel" : d.huge_pages,
                             d.numa_balancing ? "on" : "off");
  if (d.huge_pages == "always") {
    finding.severity = Severity::kNote;
    finding.advice =
        "A run asks for small pages itself, but khugepaged may work meanwhile: \"madvise\" in "
        "/sys/kernel/mm/transparent_hugepage/enabled keeps it quiet.";
  }
  if (d.numa_balancing && d.nr_nodes > 1) {
    finding.severity = Severity::kWarning;
    finding.advice =
        "NUMA balancing unmaps pages to see who uses them, with flushes of its own: "
        "`sysctl kernel.numa_balancing=0`.";
  }
  return finding;
}

MachineFinding judge_memory(const Disturbance& d) {
  if (!d.memory_available_bytes) return ok("memory", "unknown: /proc/meminfo does not tell");
  const double mib = static_cast<double>(*d.memory_available_bytes) / kMib;
  MachineFinding finding = ok("memory", fmt::format("{:.0f} MiB available", mib));
  if (mib >= kMemoryWarningMib) return finding;
  finding.severity = mib < kMemoryTroubleMib ? Severity::kTrouble : Severity::kWarning;
  finding.advice = "Reclaim sends flushes of its own, and a run may fail. Free some memory.";
  return finding;
}

MachineFinding judge_machine(const Disturbance& d) {
  const std::string seen =
      fmt::format("{}{}{}", name(d.kind), d.hypervisor.empty() ? "" : ", ", d.hypervisor);
  if (d.kind == MachineKind::kEmulated) {
    return {Severity::kWarning, "machine", seen,
            "An emulator's times say nothing of any hardware; counts and correctness do."};
  }
  if (d.kind == MachineKind::kVirtual) {
    return {Severity::kNote, "machine", seen,
            "An interrupt costs several times what it does on bare metal, so results hold for this "
            "kind of machine."};
  }
  return ok("machine", seen);
}

}  // namespace

std::vector<MachineFinding> judge(const Disturbance& disturbance) {
  return {judge_cpu_count(disturbance),       judge_scheduling(disturbance),
          judge_neighbours(disturbance),      judge_steal(disturbance),
          judge_quota(disturbance),           judge_clock(disturbance),
          judge_governor(disturbance),        judge_siblings(disturbance),
          judge_memory_settings(disturbance), judge_memory(disturbance),
          judge_counting(disturbance),        judge_machine(disturbance)};
}

Severity worst(const std::vector<MachineFinding>& findings) {
  Severity severity = Severity::kOk;
  for (const MachineFinding& finding : findings) severity = std::max(severity, finding.severity);
  return severity;
}

}  // namespace tlblab
