// SPDX-License-Identifier: GPL-2.0-only
// One timed operation, and why some are set apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "user/model/arm.hh"

namespace tlblab {

/// Trials come in runs of one arm. The first of a run leads in: it takes what the other arm left
/// behind, is recorded as such, and enters nothing. Four runs make a quad, ABBA or BAAB.
inline constexpr std::size_t kTrialsPerRun = 5;
inline constexpr std::size_t kRunsPerQuad = 4;
inline constexpr std::size_t kQuadsPerBlock = 4;
inline constexpr std::size_t kRunsPerBlock = kRunsPerQuad * kQuadsPerBlock;
inline constexpr std::size_t kTrialsPerBlock = kTrialsPerRun * kRunsPerBlock;
inline constexpr std::size_t kMeasuredPerBlock = kTrialsPerBlock - kRunsPerBlock;

/// Whether the trial at this place of a block (0, 1, ...) leads its run in.
constexpr bool leads_in(std::size_t order) { return order % kTrialsPerRun == 0; }

/// Why a trial was set apart; kOk for one that counts. A set-apart trial stays in the file.
enum class TrialState : std::uint8_t {
  kOk,
  kNotLoaded,  ///< a responder did not read the right tag from every page before the operation
  kStalled,    ///< a responder's heart did not beat between the two clock reads
  kSwitched,   ///< a responder was context-switched and away for too much of the window
  kMigrated,   ///< a responder found itself on another CPU
  kInitiatorSwitched,  ///< the scheduler took the initiator's CPU away
  kInitiatorMigrated,  ///< the initiator found itself on another CPU
  kInitiatorFaulted,   ///< the initiator took a page fault
  kLeadIn,             ///< the first of a run: not measured, whatever else befell it
};
inline constexpr std::size_t kTrialStates = 9;
std::string_view name(TrialState state);
std::optional<TrialState> parse_trial_state(std::string_view text);

/// What one responder saw of one trial, by its own clock.
struct ResponderSample {
  std::uint32_t stolen_ns = 0;   ///< sum of the gaps in its loop that were interruptions
  std::uint32_t interrupts = 0;  ///< number of such gaps
  std::uint32_t heartbeats = 0;  ///< loop turns inside the window
};

/// One trial of the timing pass.
struct Trial {
  std::uint32_t block = 0;
  std::uint8_t order = 0;  ///< place in the block, 0..kTrialsPerBlock - 1
  Arm arm = Arm::kA;
  TrialState state = TrialState::kOk;
  std::uint64_t start_ns = 0;    ///< CLOCK_MONOTONIC; in a file, ns since its "cell" record
  std::uint64_t latency_ns = 0;  ///< window length less the median cost of an empty window
  std::vector<ResponderSample> responders;
};

}  // namespace tlblab
