// SPDX-License-Identifier: GPL-2.0-only
// Numbers as OpenMetrics 1.0 text, which Prometheus and other collectors read: for dashboards.
#pragma once

#include <span>
#include <string>

#include "user/analysis/analysis.hh"

namespace tlblab::report {

struct StudyOfFile {
  std::string file;  ///< the `file` of every sample: tells studies apart, so no two may share it
  const StudyResult* study = nullptr;
};

/// Per cell: ratio, difference, each arm's latency, stolen time, interrupts and trials, and the
/// verdict; once per study what it is and on which machine. Base units (seconds). What is unknown
/// has no sample, and neither has a time that may not be shown.
std::string render_openmetrics(std::span<const StudyOfFile> studies);

}  // namespace tlblab::report
