// SPDX-License-Identifier: GPL-2.0-only
// A summary in Google Benchmark's JSON, so that its compare.py can be used on studies:
//
//   compare.py benchmarks before.json after.json
//   compare.py filters study.json munmap:per-vma munmap:merged
#pragma once

#include <string>

#include "user/analysis/analysis.hh"

namespace tlblab::report {

/// One entry per cell, scheme and session, named "<scheme>/<shape>/R<n>"; sessions are its
/// repetitions and real_time the session's level in ns. cpu_time repeats it: compare.py wants one,
/// and no CPU time is measured. Cells that show no time have no entry.
std::string render_gbench(const StudyResult& study);

}  // namespace tlblab::report
