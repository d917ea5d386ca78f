// SPDX-License-Identifier: GPL-2.0-only
// Trials of schema 1: an array, one line.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "user/records/trial.hh"

namespace simdjson::dom {
class array;
}

namespace tlblab::records {

/// Reads trial lines by the names of their columns, as the file's header has them.
class EarlyTrialReader {
 public:
  /// Throws a std::exception when one that is needed is not there.
  EarlyTrialReader(const std::vector<std::string>& trial_columns,
                   const std::vector<std::string>& responder_columns);

  /// The start of the result counts from the "cell" record. Throws a std::exception.
  [[nodiscard]] std::pair<TrialPlace, Trial> decode(const simdjson::dom::array& columns) const;

 private:
  std::array<std::size_t, 9> trial_at_{};
  std::array<std::size_t, 3> responder_at_{};
};

}  // namespace tlblab::records
