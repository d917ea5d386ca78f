// SPDX-License-Identifier: GPL-2.0-only
// The report as plain text for a mailing list.
#pragma once

#include <cstddef>
#include <string>

#include "user/report/document/document.hh"

namespace tlblab::report {

inline constexpr std::size_t kMailColumns = 72;

/// No line is longer than kMailColumns. A word that does not fit is broken with a backslash at the
/// line's end, as a shell would read it.
std::string render_mail(const Document& document);

}  // namespace tlblab::report
