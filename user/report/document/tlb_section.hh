// SPDX-License-Identifier: GPL-2.0-only
// What the processor's counters showed of the TLBs.
#pragma once

#include "user/analysis/analysis.hh"
#include "user/report/document/document.hh"
#include "user/report/document/tables.hh"

namespace tlblab::report {

/// Misses, walks and walk cycles in the window, of the initiator and of the responders, in the
/// headline cell and in every cell; what was not counted, each with its reason. The study has a
/// headline cell.
Section tlb_section(const StudyResult& study, const Labels& labels);

}  // namespace tlblab::report
