// SPDX-License-Identifier: GPL-2.0-only
// Studies for the tests of the report. Every figure in them is invented: it comes from the little
// formulas below and from no machine. Plausible in shape only, so that a page can be looked at.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "user/analysis/analysis.hh"

namespace tlblab::report::fixture {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr std::string_view kHostile =
    "<script>alert('x')</script> & \"quoted\" | `tick` \x01";

inline Interval around(double value, double relative) {
  return {value, value - std::abs(value) * relative, value + std::abs(value) * relative};
}

/// Invented latency: so much per VMA, per page and per interrupt.
inline double invented_ns(bool merged, const Shape& shape, unsigned nr_responders) {
  const double calls = merged ? 1 : shape.nr_vmas;
  const double interrupts = nr_responders > 0 ? calls * (1 + 0.3 * nr_responders) : 0;
  return 900 + 1300 * calls + 700.0 * shape.nr_vmas + 60.0 * static_cast<double>(shape.nr_pages()) +
         7000 * interrupts;
}

inline ArmResult invented_arm(const std::string& scheme, const Shape& shape, unsigned nr_responders,
                              double level_ns) {
  const bool merged = scheme.find("merged") != std::string::npos;
  const double calls = merged ? 1 : shape.nr_vmas;
  ArmResult arm;
  arm.scheme = scheme;
  arm.latency_ns = around(level_ns, 0.02);
  arm.quantiles = {level_ns * 0.94, level_ns * 0.97, level_ns,       level_ns * 1.05,
                   level_ns * 1.3,  level_ns * 2.2,  level_ns * 14.5};
  arm.stolen_ns = around(calls * 1900.0 * nr_responders, 0.03);
  arm.interrupts_seen = calls * nr_responders * 1.01;
  arm.nr_trials = 20480;
  arm.nr_apart = {0, 0, 7, merged ? 3U : 5U};
  const auto exactly = static_cast<std::uint64_t>(calls);
  arm.initiator_counts["tlb_flush.local_mm"] = {calls, exactly, exactly, 64};
  if (nr_responders > 0) {
    const double handled = calls * nr_responders * 0.994;
    arm.responder_counts["TLB"] = {handled, 0, exactly * nr_responders, 64};
  }
  arm.counting_latency_ns = level_ns * 1.083;
  arm.expected_requests = exactly;
  arm.extent_pages = merged ? shape.envelope_pages() : shape.pages_per_vma;
  arm.expectation_note = merged ? "one gather over all VMAs" : "one call, one flush per VMA";
  return arm;
}

/// Adds what the tracepoints of function calls show of it: each request named every responder, of
/// which one flush was skipped, one was coalesced, and one of another process was handled.
inline void add_calls(ArmResult& arm, unsigned nr_responders) {
  const auto add = [](CountMeans& counts, const char* event, std::uint64_t count) {
    counts[event] = {static_cast<double>(count), count, count, 64};
  };
  const std::uint64_t requests = *arm.expected_requests;
  const std::uint64_t targeted = requests * nr_responders;
  add(arm.initiator_counts, "tlb_flush.remote_send", requests);
  add(arm.initiator_counts, "csd_queue.flush", targeted + 4);
  add(arm.initiator_counts, "csd_queue.table_sync", 6);
  add(arm.responder_counts, "csd_queue", targeted + 1);
  add(arm.responder_counts, "csd_queue.flush", targeted - 1);
  add(arm.responder_counts, "csd_queue.table_sync", 2);
  add(arm.responder_counts, "ipi_send_cpu", targeted - 1);
  add(arm.responder_counts, "ipi_send_cpumask", 1);
  add(arm.responder_counts, "call_function_entry", 1);
  add(arm.responder_counts, "call_function_single_entry", targeted);
  add(arm.responder_counts, "csd_entry", targeted + 9);
  add(arm.responder_counts, "csd_entry.flush", targeted);
  add(arm.responder_counts, "csd_entry.table_sync", 2);
  add(arm.responder_counts, "csd_entry.perf_read", 3);
  add(arm.responder_counts, "tlb_flush.remote", targeted - 3);
  add(arm.responder_counts, "tlb_flush.remote_wrong_cpu", 1);
}

/// `lift` multiplies arm B, so that a cell can lose.
inline CellResult invented_cell(const std::string& a, const std::string& b, const Shape& shape,
                                unsigned nr_responders, unsigned nr_sessions, double lift = 1) {
  CellResult cell;
  cell.plan.a = a;
  cell.plan.b = b;
  cell.plan.shape = shape;
  cell.plan.nr_responders = nr_responders;
  if (nr_responders > 0) cell.distances = {{1, "same L3 cache"}};
  if (nr_responders > 1) cell.distances.push_back({nr_responders - 1, "other node"});
  cell.plan.id = a + "~" + b + "/" + shape.name() + "/R" + std::to_string(nr_responders);
  const bool b_merged = b.find("merged") != std::string::npos;
  const bool a_merged = a.find("merged") != std::string::npos;
  const double level_a = invented_ns(a_merged, shape, nr_responders);
  const double level_b = invented_ns(b_merged, shape, nr_responders) * lift;
  cell.a = invented_arm(a, shape, nr_responders, level_a);
  cell.b = invented_arm(b, shape, nr_responders, level_b);

  std::mt19937_64 random(20240607 + shape.nr_vmas * 131 + nr_responders);
  std::normal_distribution<double> noise(0, 1);
  for (unsigned number = 1; number <= nr_sessions; ++number) {
    const double regime = number % 3 == 0 ? 0.88 : 1;  // an invented regime change, in A only
    SessionResult session;
    session.session = number;
    session.start_s = 400.0 * (number - 1);
    session.seconds = 5.1;
    session.nr_blocks = 64;
    session.level_a_ns = level_a * regime * (1 + 0.003 * noise(random));
    session.level_b_ns = level_b * (1 + 0.003 * noise(random));
    session.ratio = around(session.level_a_ns / session.level_b_ns, 0.008);
    session.ln_ratio_mean = std::log(session.ratio.estimate);
    session.difference_mean_ns = session.level_a_ns - session.level_b_ns;
    session.calibrator_ns = nr_responders > 0 ? 6100 * regime : 0;
    session.rho = 0.08;
    session.state = statistics::State::kSteady;
    session.counts = true;
    session.stop_reason = number % 2 == 0 ? "width" : "time";
    cell.sessions.push_back(session);
    for (unsigned block = 0; block < session.nr_blocks; ++block) {
      BlockPoint point;
      point.session = number;
      point.time_s = session.start_s + 0.08 * block;
      point.a_ns = session.level_a_ns * (1 + 0.006 * noise(random));
      point.b_ns = session.level_b_ns * (1 + 0.009 * noise(random));
      point.calibrator_ns = session.calibrator_ns * (1 + 0.004 * noise(random));
      cell.blocks.push_back(point);
    }
  }
  for (int arm = 0; arm < 2; ++arm) {
    for (int i = 0; i <= 100; ++i) {
      const double tail = i > 90 ? std::pow(1.35, i - 90) : 1;
      const double level = arm == 0 ? level_a : level_b;
      cell.ecdf[arm].emplace_back(level * (0.9 + 0.002 * i) * tail, i / 100.0);
    }
  }

  double sum = 0;
  double squares = 0;
  for (const SessionResult& session : cell.sessions) {
    sum += session.ln_ratio_mean;
    squares += session.ln_ratio_mean * session.ln_ratio_mean;
  }
  const double mean = sum / nr_sessions;
  const double spread = std::sqrt(std::max(0.0, squares / nr_sessions - mean * mean));
  const double ratio = std::exp(mean);
  cell.ratio = around(ratio, nr_sessions > 1 ? 2.4 * spread / std::sqrt(nr_sessions) : 0.008);
  cell.mean_ratio = around(ratio, 0.01);
  cell.tail_ratio = around(ratio, 0.1);
  cell.outside_ns = around(1500, 0.2);
  cell.position = around(1, 0.004);
  cell.state = statistics::State::kSteady;
  cell.nr_sessions_counted = nr_sessions;
  cell.span_s = 400.0 * (nr_sessions - 1);
  cell.nr_boots = 1;
  cell.scope = nr_sessions == 1  ? statistics::Scope::kThisSession
               : nr_sessions < 8 ? statistics::Scope::kTheseSessions
                                 : statistics::Scope::kMachine;
  if (nr_sessions > 1) cell.next_session = around(ratio, 0.15);
  cell.difference_ns = around(level_a - level_b, 0.05);
  if (nr_responders > 0) {
    cell.interrupts_source = "TLB";
    cell.interrupts_avoided =
        cell.a.responder_counts["TLB"].mean - cell.b.responder_counts["TLB"].mean;
    if (cell.interrupts_avoided > 0.5) {
      cell.per_interrupt_ns = around(cell.difference_ns.estimate / cell.interrupts_avoided, 0.05);
    }
  }
  cell.smallest_detectable = 0.012;
  cell.p_value = 1e-9;
  cell.adjusted_p = 4e-8;
  cell.verdict = std::abs(ratio - 1) > 0.05 ? statistics::Verdict::kDifferent
                                            : statistics::Verdict::kEquivalent;
  cell.verdict_reason = "invented: the interval decided";
  return cell;
}

inline StudyResult frame(unsigned nr_sessions) {
  StudyResult study;
  study.plan.name = "batching";
  study.plan.question = "Does one flush over all VMAs beat one flush per VMA on this machine?";
  study.plan.seed = 7;
  study.plan.nr_sessions = nr_sessions;
  study.plan.cpus = {0, 1};
  study.tool_version = "0.0-fixture";
  study.git_revision = "0123456789abcdef";
  study.started_utc = "2001-02-03T04:05:06Z";
  study.command = {"tlblab",
                   "study",
                   "batching",
                   "--sessions",
                   std::to_string(nr_sessions),
                   "--output",
                   "results/an invented name with blanks.jsonl"};
  study.machine_kind = "virtual machine";
  study.machine_line = "Invented CPU 9000, 2 CPUs, Linux 9.9.9-fixture, hypervisor KVM";
  study.machine = {{"Machine",
                    {{"kind", "virtual machine: the CPU says so (fixture)"},
                     {"CPU", "Invented CPU 9000"},
                     {"kernel", "9.9.9-fixture"},
                     {"command line", "root=/dev/fixture quiet"}}},
                   {"TLB", {{"L1 dTLB", "4K: 64 entries (fixture)"}}},
                   {"Flushes", {{"flush ceiling", "33 pages [debugfs]"}, {"PCID", "yes [CPUID]"}}},
                   {"Mitigations", {{"l1tf", "Not affected"}, {"meltdown", "Mitigation: PTI"}}}};
  study.counters_missing = {{"dtlb_walks", "no PMU in this invented guest"}};
  study.flush_ceiling_pages = 33;
  study.complete = true;
  study.nr_steps = study.nr_steps_done = nr_sessions * 4;
  return study;
}

/// Winning, losing, equivalent, inconclusive, void and wandering cells, with controls.
inline StudyResult study(unsigned nr_sessions) {
  const std::string a = "syscall/munmap:per-vma";
  const std::string b = "syscall/munmap:merged";
  StudyResult out = frame(nr_sessions);
  for (unsigned pages : {1U, 4U, 16U}) {
    for (unsigned vmas : {1U, 2U, 4U, 8U, 16U, 32U, 64U}) {
      for (unsigned responders : {0U, 1U}) {
        const bool loses = pages == 16 && vmas <= 2 && responders == 1;
        out.cells.push_back(
            invented_cell(a, b, {vmas, pages, 1}, responders, nr_sessions, loses ? 2.4 : 1));
        CellResult& cell = out.cells.back();
        cell.plan.headline = pages == 4 && vmas == 16 && responders == 1;
        if (pages == 16 && vmas == 32 && responders == 1) {
          cell.state = statistics::State::kWandering;
          cell.sessions.front().state = statistics::State::kWandering;
        }
        if (pages == 16 && vmas == 64 && responders == 1) {
          cell.verdict = statistics::Verdict::kVoid;
          cell.verdict_reason = "invented: responders did not run";
          cell.ratio.low = -kInfinity;
          cell.ratio.high = kInfinity;
          cell.b.responder_counts.clear();  // unknown, which is not zero
          cell.interrupts_source.clear();
        }
        if (pages == 1 && vmas == 2 && responders == 0) {
          cell.verdict = statistics::Verdict::kInconclusive;
        }
      }
    }
  }
  for (unsigned vmas : {1U, 4U, 16U, 64U}) {
    out.cells.push_back(invented_cell("syscall/madvise:per-vma", "syscall/madvise:merged",
                                      {vmas, 4, 1}, 1, nr_sessions, 1.1));
  }
  out.cells.push_back(invented_cell(a, a, {16, 4, 1}, 1, nr_sessions));
  out.cells.back().plan.role = CellRole::kSame;
  for (const CellResult& cell : out.cells) out.plan.cells.push_back(cell.plan);
  out.warnings = {"Invented warning: the last line was torn and is left out."};
  return out;
}

/// As `tlblab ab` leaves it: one cell, one session.
inline StudyResult single_cell() {
  StudyResult out = frame(1);
  out.plan.name = "ab";
  out.cells.push_back(
      invented_cell("syscall/munmap:per-vma", "syscall/munmap:merged", {16, 4, 1}, 1, 1));
  out.plan.cells.push_back(out.cells.front().plan);
  return out;
}

/// As `tlblab run` leaves it: one scheme, whose two arms are the same.
inline StudyResult one_scheme() {
  StudyResult out = frame(1);
  out.plan.name = "run";
  out.cells.push_back(
      invented_cell("syscall/munmap:merged", "syscall/munmap:merged", {16, 4, 1}, 1, 1));
  out.cells.front().plan.role = CellRole::kSame;
  out.plan.cells.push_back(out.cells.front().plan);
  return out;
}

/// A machine with many CPUs, so that the number of responders is a dimension too.
inline StudyResult many_responders() {
  StudyResult out = frame(2);
  for (unsigned responders : {0U, 1U, 2U, 4U, 8U, 16U, 31U}) {
    for (unsigned vmas : {4U, 16U, 64U}) {
      out.cells.push_back(invented_cell("syscall/munmap:per-vma", "syscall/munmap:merged",
                                        {vmas, 4, 1}, responders, 2));
      out.cells.back().plan.headline = responders == 31 && vmas == 16;
      out.plan.cells.push_back(out.cells.back().plan);
    }
  }
  return out;
}

inline StudyResult emulated() {
  StudyResult out = study(2);
  out.emulated = true;
  out.machine_kind = "emulation";
  out.machine_line = "Invented emulated CPU, 2 CPUs, Linux 9.9.9-fixture, TCG";
  return out;
}

inline StudyResult empty() {
  StudyResult out = frame(1);
  out.complete = false;
  out.nr_steps_done = 0;
  return out;
}

/// The only cell has no usable block: all its trials were set apart.
inline StudyResult nothing_usable() {
  StudyResult out = single_cell();
  CellResult& cell = out.cells.front();
  const Interval unknown{std::nan(""), -kInfinity, kInfinity};
  for (ArmResult* arm : {&cell.a, &cell.b}) {
    arm->latency_ns = arm->stolen_ns = unknown;
    arm->quantiles = {};
    arm->nr_trials = 0;
    arm->nr_apart = {0, 0, 640};
  }
  cell.ratio = cell.difference_ns = unknown;
  cell.per_interrupt_ns.reset();
  cell.smallest_detectable = std::nan("");
  cell.sessions.clear();
  cell.blocks.clear();
  cell.ecdf = {};
  cell.verdict = statistics::Verdict::kVoid;
  return out;
}

/// Everything that comes from outside is hostile or at least awkward.
inline StudyResult hostile() {
  StudyResult out = study(2);
  const std::string text(kHostile);
  out.plan.name = text;
  out.plan.question = text + "?";
  out.machine_line = text;
  out.git_revision = text;
  out.command = {"tlblab", "study", text, std::string(300, 'x'), "don't"};
  out.machine = {{text, {{"command line", "root=/dev/x " + text + std::string(200, 'y')}}}};
  out.counters_missing = {{text, text}};
  out.warnings = {text};
  for (CellResult& cell : out.cells) {
    cell.plan.a = cell.a.scheme = text + ":per-vma'\n plot";
    cell.plan.b = cell.b.scheme = text + ":merged";
    cell.verdict_reason = text;
    cell.a.expectation_note = text;
  }
  out.cells.front().ratio = {std::nan(""), -kInfinity, kInfinity};
  out.cells.front().difference_ns = {std::nan(""), -kInfinity, kInfinity};
  return out;
}

}  // namespace tlblab::report::fixture
