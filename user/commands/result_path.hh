// SPDX-License-Identifier: GPL-2.0-only
// Where a result file goes.
#pragma once

#include <string>

namespace tlblab {

/// Default folder for results; created when needed, ignored by git.
inline constexpr const char* kResultsFolder = "results/local";

/// `output` where it is given, else kResultsFolder/<stem>-<local time>-<pid>.jsonl.zst, which no
/// other command has, not even in the same second. Makes the folder.
/// Throws Error(kMachine) when it can't, Error(kUsage) when `output` ends in something else.
std::string new_result_path(const std::string& output, const std::string& stem);

}  // namespace tlblab
