// SPDX-License-Identifier: GPL-2.0-only
// What a machine and its kernel do to flushes beyond the number of requests: facts without which
// two results can't be compared.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tlblab {

/// Names that others look for.
inline constexpr const char* kInvlpgb = "INVLPGB";
inline constexpr const char* kHypervisorFlush = "remote flush by the hypervisor";

struct FlushFact {
  std::string name;    ///< of docs/flush-facts.md: "INVLPGB"
  std::string value;   ///< begins with "unknown" where it can't be told, and then says why
  std::string source;  ///< where it was read; may differ while the value is the same

  bool operator==(const FlushFact&) const = default;
  [[nodiscard]] bool known() const;
};

/// What the fact means for flushes, in one line; empty for a name of another tlblab.
std::string_view meaning_of_flush_fact(std::string_view name);

/// Whether such a value makes flushes cost or count otherwise than on most machines.
bool changes_flushes(const FlushFact& fact);

struct FactDifference {
  std::string name;
  std::string one;
  std::string other;
};

/// Facts that both know, with unlike values. None where one of the two lists is empty: files of
/// before 0.4 have no such facts.
std::vector<FactDifference> differing_facts(const std::vector<FlushFact>& one,
                                            const std::vector<FlushFact>& other);

/// "preemption model: full, none; INVLPGB: ..., ...": the one's value first. Empty for none.
std::string in_words(const std::vector<FactDifference>& differences);

}  // namespace tlblab
