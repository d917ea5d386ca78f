// SPDX-License-Identifier: GPL-2.0-only
// libpfm4's tables: which events a model of processor has, and how they are encoded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tlblab::counters {

struct PfmEncoding {
  std::uint32_t type = 0;  ///< of the kernel's PMU, as perf_event_open wants it
  std::uint64_t config = 0;
};

/// The models, by libpfm4's names, that it takes this machine's cores for. Empty: it knows none.
std::vector<std::string> pfm_models_here();

/// Whether its tables have that model: those of other architectures are not compiled in.
bool pfm_has_model(const std::string& model);

/// `event` as libpfm4 writes it, with its unit masks: "DTLB_LOAD_MISSES:WALK_ACTIVE". Works for any
/// model that it has, whatever this machine is. Empty: that model has no such event.
std::optional<PfmEncoding> pfm_encode(const std::string& model, const std::string& event);

}  // namespace tlblab::counters
