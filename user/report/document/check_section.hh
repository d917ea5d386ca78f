// SPDX-License-Identifier: GPL-2.0-only
// "Is it correct?": a check as a part of a report.
#pragma once

#include "user/analysis/check_analysis.hh"
#include "user/report/document/document.hh"

namespace tlblab::report {

Section check_section(const CheckResult& check);

}  // namespace tlblab::report
