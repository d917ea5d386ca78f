// SPDX-License-Identifier: GPL-2.0-only
// The words of a check.
#include "user/report/document/check_words.hh"

#include <fmt/format.h>

#include "user/model/cpu_list.hh"
#include "user/report/document/format.hh"

namespace tlblab::report {

std::string fault_text(const CheckedCell& cell, bool emulated) {
  if (!cell.counts.not_run.empty()) return "not shown: " + cell.counts.not_run;
  if (cell.escaped()) return fmt::format("ESCAPED in {} rounds", cell.counts.rounds);
  std::string text = fmt::format("caught in {} of {} rounds, first in round {}", cell.nr_caught(),
                                 cell.counts.rounds, cell.first_catch);
  if (!emulated) text += fmt::format(" after {}", duration(cell.first_catch_seconds * 1e9));
  return text;
}

std::string verdict_text(const CheckedCell& cell) {
  const CheckVerdict verdict = judge(cell.counts);
  std::string text = words(verdict, cell.counts);
  if (verdict.outcome == Outcome::kNoneSeen) {
    text += fmt::format(", < {} of rounds", percent(round_bound_95(cell.counts)));
  }
  return text;
}

std::string yardstick_text(const CheckResult& check, Load load, Observation observation) {
  const CheckedCell* cell = hardest_fault(check, load, observation);
  if (cell == nullptr) return "-";
  const double rate =
      static_cast<double>(cell->nr_caught()) / static_cast<double>(cell->counts.rounds);
  return fmt::format("in {} of rounds ({})", percent(rate), cell->fault);
}

std::string bad_read_text(const BadRead& bad_read, bool emulated) {
  const auto since = [&](std::uint64_t ns) {
    return emulated ? std::string("n/a (emulated)")
                    : duration(static_cast<double>(bad_read.seen_ns) - static_cast<double>(ns));
  };
  std::string text = fmt::format("round {}, CPU {}, page {:#x}: {}", bad_read.round + 1,
                                 bad_read.cpu, bad_read.address, name(bad_read.observation));
  if (bad_read.generation == 0) {
    text += ", gone before its tag was read";
  } else {
    text += fmt::format(", frame {:#x}, generation {}", bad_read.frame, bad_read.generation);
  }
  if (bad_read.cleared_ns != 0)
    text += fmt::format("; since cleared {}", since(bad_read.cleared_ns));
  if (bad_read.released_ns != 0)
    text += fmt::format(", since released {}", since(bad_read.released_ns));
  return text + (bad_read.returned_ns == 0
                     ? "; its call had not returned"
                     : fmt::format("; since its call returned {}", since(bad_read.returned_ns)));
}

std::string setting_text(const CheckSetting& setting) {
  return fmt::format("shape {}, CPUs {} (initiators first, the others witness), {}",
                     setting.shape.name(), format_cpu_list(setting.cpus),
                     setting.rounds > 0 ? fmt::format("{} rounds per cell", setting.rounds)
                                        : fmt::format("{} s per cell", setting.seconds));
}

std::string conclusion(const CheckResult& check) {
  switch (exit_status(check)) {
    case ExitStatus::kVoid: {
      std::string text = "VOID: the oracle did not see what was planted";
      for (const CheckedCell& cell : check.faults) {
        if (!cell.escaped()) continue;
        text += fmt::format("; {} escaped under {}", cell.fault, name(cell.load));
      }
      return text +
             ". Nothing may be concluded here. More --seconds, or a larger --shape, give a "
             "fault more chances to show.";
    }
    case ExitStatus::kViolation:
      return "VIOLATION: a sound scheme let a page be reached that it had given away.";
    case ExitStatus::kInconclusive:
      if (!is_complete(check)) return "inconclusive: the check was cut short.";
      return "inconclusive: where witnesses were there, nothing was seen.";
    default:
      return "clean: every planted fault was caught, and no sound scheme showed anything.";
  }
}

}  // namespace tlblab::report
