// SPDX-License-Identifier: GPL-2.0-only
// What a check says of its cells, in words: for the terminal and for reports.
#pragma once

#include <string>

#include "user/analysis/check_analysis.hh"

namespace tlblab::report {

/// "caught in 9 of 9 rounds, first in round 1 after 250 µs", "ESCAPED in 30 rounds", "not shown:
/// ...". Without a time if `emulated`.
std::string fault_text(const CheckedCell& cell, bool emulated);

/// "none seen in 8123 eligible reads, < 0.12 % of rounds", "LEAK in 3 of 12 rounds".
std::string verdict_text(const CheckedCell& cell);

/// How often the most elusive planted fault that shows so was caught under a load:
/// "in 25 % of rounds (release-first)", or "-".
std::string yardstick_text(const CheckResult& check, Load load, Observation observation);

/// One bad read as a sentence: who, where, what, when.
std::string bad_read_text(const BadRead& bad_read, bool emulated);

/// "shape 6x2+1, CPUs 0-3 (initiators first, the others witness), 1 s per cell".
std::string setting_text(const CheckSetting& setting);

/// What the whole check comes to, one to three sentences.
std::string conclusion(const CheckResult& check);

}  // namespace tlblab::report
