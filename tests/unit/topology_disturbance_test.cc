// SPDX-License-Identifier: GPL-2.0-only
// Every check of the doctor, with a fault planted for it: it must react, and no other may.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "user/topology/disturbance.hh"
#include "user/topology/kernel_judgement.hh"
#include "user/topology/machine.hh"
#include "user/topology/placement.hh"

namespace tlblab {
namespace {

using ::testing::HasSubstr;

/// All that the doctor looks at.
struct Patient : Disturbance {
  std::vector<FlushFact> flushing;
};

std::vector<MachineFinding> examine(const Patient& patient) {
  std::vector<MachineFinding> findings = judge(patient);
  findings.push_back(judge_flushes(patient.flushing, patient.module_rules));
  findings.push_back(judge_module(patient.module_rules));
  return findings;
}

/// Four CPUs of their own cores on a quiet machine.
Patient healthy() {
  Patient d;
  d.seconds = 1;
  for (int cpu = 0; cpu < 4; ++cpu) {
    CpuDisturbance one;
    one.spin = {.cpu = cpu,
                .ran = true,
                .seconds = 1.0,
                .lost_ns = 3'000'000,
                .longest_gap_ns = 20'000,
                .nr_gaps = 1000,
                .own_cpu_ns = 997'000'000};
    one.steal_share = 0;
    one.others_share = 0.004;
    one.governor = "performance";
    d.cpus.push_back(one);
  }
  d.clock_source = "tsc";
  d.clock_read_ns = 22;
  d.huge_pages = "madvise";
  d.memory_available_bytes = 8ull << 30;
  d.perf_event_paranoid = 2;
  d.privileged = true;
  d.module_rules = {.lockdown = {.text = "none", .problem = {}},
                    .secure_boot = {.text = "off", .problem = {}},
                    .sig_enforce = {.text = "N", .problem = {}},
                    .disabled = {.text = "0", .problem = {}}};
  d.flushing = {{"page-table isolation", "off", "flag pti"}, {"INVLPGB", "not possible", "CPUID"}};
  return d;
}

MachineFinding find(const std::vector<MachineFinding>& findings, const std::string& check) {
  for (const MachineFinding& finding : findings) {
    if (finding.check == check) return finding;
  }
  ADD_FAILURE() << "no check named " << check;
  return {};
}

struct Fault {
  const char* what;
  std::function<void(Patient&)> plant;
  const char* check;
  Severity severity;
};

const std::vector<Fault>& faults() {
  static const std::vector<Fault> list = {
      {"one CPU only", [](Disturbance& d) { d.cpus.resize(1); }, "CPUs", Severity::kTrouble},
      {"two CPUs", [](Disturbance& d) { d.cpus.resize(2); }, "CPUs", Severity::kNote},
      {"a responder half of the time away",
       [](Disturbance& d) { d.cpus[2].spin.lost_ns = 500'000'000; }, "scheduling",
       Severity::kTrouble},
      {"a responder away now and then", [](Disturbance& d) { d.cpus[3].spin.lost_ns = 50'000'000; },
       "scheduling", Severity::kWarning},
      {"one long gap", [](Disturbance& d) { d.cpus[1].spin.longest_gap_ns = 50'000'000; },
       "scheduling", Severity::kWarning},
      {"a CPU that never ran us", [](Disturbance& d) { d.cpus[1].spin = {.cpu = 1}; }, "scheduling",
       Severity::kTrouble},
      {"a busy neighbour", [](Disturbance& d) { d.cpus[1].others_share = 0.5; }, "neighbours",
       Severity::kTrouble},
      {"a small neighbour", [](Disturbance& d) { d.cpus[0].others_share = 0.08; }, "neighbours",
       Severity::kWarning},
      {"heavy steal", [](Disturbance& d) { d.cpus[2].steal_share = 0.3; }, "steal time",
       Severity::kTrouble},
      {"light steal", [](Disturbance& d) { d.cpus[2].steal_share = 0.02; }, "steal time",
       Severity::kWarning},
      {"a quota below the CPUs", [](Disturbance& d) { d.quota.cpus = 2.0; }, "CPU quota",
       Severity::kTrouble},
      {"stopped by a quota above",
       [](Disturbance& d) {
         d.quota.cpus = 4.0;
         d.new_throttled = 1;
       },
       "CPU quota", Severity::kTrouble},
      {"a slow clock source", [](Disturbance& d) { d.clock_source = "hpet"; }, "clock",
       Severity::kWarning},
      {"a slow clock reading", [](Disturbance& d) { d.clock_read_ns = 350; }, "clock",
       Severity::kWarning},
      {"a governor that saves power", [](Disturbance& d) { d.cpus[3].governor = "schedutil"; },
       "governor", Severity::kWarning},
      {"two of our CPUs on one core",
       [](Disturbance& d) { d.siblings.push_back({.cpu = 0, .sibling = 2, .ours = true}); }, "SMT",
       Severity::kNote},
      {"a busy thread beside ours",
       [](Disturbance& d) {
         d.siblings.push_back({.cpu = 0, .sibling = 8, .ours = false, .busy_share = 0.4});
       },
       "SMT", Severity::kWarning},
      {"huge pages always", [](Disturbance& d) { d.huge_pages = "always"; }, "memory settings",
       Severity::kNote},
      {"NUMA balancing over two nodes",
       [](Disturbance& d) {
         d.numa_balancing = true;
         d.nr_nodes = 2;
       },
       "memory settings", Severity::kWarning},
      {"little memory", [](Disturbance& d) { d.memory_available_bytes = 100u << 20; }, "memory",
       Severity::kWarning},
      {"hardly any memory", [](Disturbance& d) { d.memory_available_bytes = 10u << 20; }, "memory",
       Severity::kTrouble},
      {"no privilege", [](Disturbance& d) { d.privileged = false; }, "counting", Severity::kNote},
      {"no perf", [](Disturbance& d) { d.perf_event_paranoid.reset(); }, "counting",
       Severity::kNote},
      {"an emulator", [](Disturbance& d) { d.kind = MachineKind::kEmulated; }, "machine",
       Severity::kWarning},
      {"a guest", [](Disturbance& d) { d.kind = MachineKind::kVirtual; }, "machine",
       Severity::kNote},
      {"a kernel that repeats each flush",
       [](Patient& d) {
         d.flushing.push_back({"TLBI completion repeated", "yes", "log"});
       },
       "flushes", Severity::kNote},
      {"lockdown", [](Disturbance& d) { d.module_rules.lockdown.text = "integrity"; }, "module",
       Severity::kNote},
      {"signatures enforced", [](Disturbance& d) { d.module_rules.sig_enforce.text = "Y"; },
       "module", Severity::kNote},
  };
  return list;
}

TEST(Doctor, OneCpuByChoiceIsNoTrouble) {
  Patient disturbance = healthy();
  disturbance.cpus.resize(1);
  disturbance.alone = true;
  EXPECT_EQ(find(examine(disturbance), "CPUs").severity, Severity::kOk);
}

TEST(Doctor, HealthyMachineHasNothingToSay) {
  const std::vector<MachineFinding> findings = examine(healthy());
  for (const MachineFinding& finding : findings) {
    EXPECT_EQ(finding.severity, Severity::kOk) << finding.check << ": " << finding.seen;
    EXPECT_NE(finding.seen, "") << finding.check;
    EXPECT_EQ(finding.advice, "") << finding.check;
  }
  EXPECT_EQ(worst(findings), Severity::kOk);
}

TEST(Doctor, EveryPlantedFaultIsFoundByItsCheckAlone) {
  for (const Fault& fault : faults()) {
    SCOPED_TRACE(fault.what);
    Patient disturbance = healthy();
    fault.plant(disturbance);
    const std::vector<MachineFinding> findings = examine(disturbance);
    for (const MachineFinding& finding : findings) {
      if (finding.check == fault.check) {
        EXPECT_EQ(finding.severity, fault.severity) << finding.seen;
        EXPECT_NE(finding.advice, "");
      } else {
        EXPECT_EQ(finding.severity, Severity::kOk) << finding.check << ": " << finding.seen;
      }
    }
    EXPECT_EQ(worst(findings), fault.severity);
  }
}

TEST(Doctor, EveryCheckHasAPlantedFault) {
  std::set<std::string> planted;
  for (const Fault& fault : faults()) planted.insert(fault.check);
  for (const MachineFinding& finding : examine(healthy()))
    EXPECT_EQ(planted.count(finding.check), 1u) << finding.check;
}

TEST(Doctor, LockdownSaysWhatItClosesAndHowToSign) {
  Patient d = healthy();
  d.flushing.push_back({"flush ceiling", "unknown: the default is 33 pages", "debugfs"});
  EXPECT_EQ(find(examine(d), "flushes").severity, Severity::kOk);
  EXPECT_THAT(find(examine(d), "flushes").seen, HasSubstr("unknown: flush ceiling"));
  d.module_rules.lockdown.text = "confidentiality";
  EXPECT_THAT(find(examine(d), "counting").advice, HasSubstr("closes tracefs"));
  EXPECT_THAT(find(examine(d), "module").advice, HasSubstr("docs/secure-boot.md"));
  EXPECT_THAT(find(examine(d), "flushes").seen, HasSubstr("confidentiality closes debugfs"));
}

TEST(Doctor, NeighboursAreNamedBusiestFirst) {
  Patient d = healthy();
  d.cpus[1].others_share = 0.5;
  EXPECT_THAT(find(examine(d), "neighbours").advice, HasSubstr("outside this container"));
  d.processes = {{.name = "hog", .pid = 77, .last_cpu = 1, .share = 0.48}};
  const MachineFinding finding = find(examine(d), "neighbours");
  EXPECT_THAT(finding.seen, HasSubstr("hog (pid 77, CPU 1) 48.0 %"));
  EXPECT_THAT(finding.advice, HasSubstr("taskset"));
}

TEST(Doctor, WorstCpusComeFirstAndManyAreCutShort) {
  Patient d = healthy();
  for (int cpu = 4; cpu < 64; ++cpu) {
    d.cpus.push_back(d.cpus[0]);
    d.cpus.back().spin.cpu = cpu;
  }
  d.cpus[50].spin.lost_ns = 400'000'000;
  const std::string seen = find(examine(d), "scheduling").seen;
  EXPECT_THAT(seen, ::testing::StartsWith("CPU 50 lost 40.0 %"));
  EXPECT_THAT(seen, HasSubstr("60 CPUs less"));
}

TEST(Doctor, UnknownIsNotCalledGood) {
  Patient d = healthy();
  for (CpuDisturbance& cpu : d.cpus) {
    cpu.steal_share.reset();
    cpu.others_share.reset();
  }
  d.memory_available_bytes.reset();
  d.module_rules.lockdown = {.text = {}, .problem = "no securityfs"};
  const std::vector<MachineFinding> findings = examine(d);
  EXPECT_THAT(find(findings, "module").seen, HasSubstr("unknown: no securityfs"));
  EXPECT_THAT(find(findings, "steal time").seen, HasSubstr("unknown"));
  EXPECT_THAT(find(findings, "neighbours").seen, HasSubstr("unknown"));
  EXPECT_THAT(find(findings, "memory").seen, HasSubstr("unknown"));
}

TEST(Doctor, MeasuresEveryCpuItIsGiven) {
  const std::vector<int> cpus = placement_order();
  const Disturbance d = measure_disturbance(cpus, 0.05);
  ASSERT_EQ(d.cpus.size(), cpus.size());
  for (std::size_t i = 0; i < cpus.size(); ++i) {
    EXPECT_EQ(d.cpus[i].spin.cpu, cpus[i]);
    EXPECT_LE(d.cpus[i].spin.longest_gap_ns, d.cpus[i].spin.lost_ns);
    EXPECT_GT(d.cpus[i].lost_share(), -1e-9);
  }
  EXPECT_GT(d.clock_read_ns, 0);
  EXPECT_EQ(judge(d).size(), judge(healthy()).size());
}

TEST(Machine, DescribesItselfWithoutGaps) {
  const Machine machine = describe_machine();
  for (const std::string& value :
       {machine.hostname, machine.arch, machine.cpu_model, machine.kernel, machine.kernel_version,
        machine.distribution, machine.config_digest, machine.microcode, machine.clock_source}) {
    EXPECT_NE(value, "");
  }
  EXPECT_EQ(machine.nr_cpus_allowed, allowed_cpus().size());
  EXPECT_GE(machine.nr_cpus_online, 1u);
  EXPECT_GE(machine.nr_nodes, 1u);
  EXPECT_FALSE(machine.virtualization.evidence.empty());
  for (const auto* facts :
       {&machine.topology, &machine.tlb, &machine.mitigations, &machine.settings}) {
    EXPECT_FALSE(facts->empty());
    for (const auto& [name, value] : *facts) {
      EXPECT_NE(name, "");
      EXPECT_NE(value, "") << name;
    }
  }
  EXPECT_FALSE(machine.flushing.empty());
  EXPECT_EQ(describe_machine().hostname, machine.hostname);
  EXPECT_EQ(machine.kernel.rfind(std::to_string(kernel_release().first) + ".", 0), 0u);
}

}  // namespace
}  // namespace tlblab
