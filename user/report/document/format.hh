// SPDX-License-Identifier: GPL-2.0-only
// One place for how numbers, units and text are written, in every report.
//
// Texts are UTF-8 ("µs", "×", "−"); mail passes them through to_ascii(). A value that is not finite
// is written kNotAvailable; whoever shows it also says why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "user/model/interval.hh"

namespace tlblab::report {

inline constexpr std::string_view kNotAvailable = "n/a";
inline constexpr std::string_view kNoInterval = "no interval";

/// Three significant digits, whole from 1000 on: "0.0123", "5.04", "43.6", "31 740". Zero is "0".
std::string significant(double value);
std::string count(std::uint64_t value);

/// "412 ns", "43.6 µs", "1.23 ms", "2.00 s". `duration_signed` writes "+" before a positive value.
std::string duration(double ns);
std::string duration_signed(double ns);
/// "161 µs [158, 164]": one unit for all three. Enough digits to tell the bounds apart.
std::string duration_interval(const Interval& ns);
std::string duration_interval_signed(const Interval& ns);

/// "5.04×", and "5.04× [4.91, 5.17]".
std::string ratio(double value);
std::string ratio_interval(const Interval& value);

/// A share as "1.2 %"; `change` is signed and relative to 1: 1.04 is "+4.0 %".
std::string percent(double share);
std::string change(double ratio);
std::string p_value(double p);

/// Labels for an axis whose ticks are `step` apart: enough digits to tell neighbours apart.
std::string tick_duration(double ns, double step);
std::string tick_number(double value, double step);

/// "1 responder", "2 responders": the noun gets an "s" unless the count is one.
std::string plural(std::uint64_t number, std::string_view noun);

/// Everything foreign (kernel command line, CPU model, argv) goes through here once, on its way
/// into the document: control characters become a space and broken UTF-8 becomes U+FFFD.
std::string clean(std::string_view text);
/// Replaces the signs that tlblab itself writes by ASCII ones: "us", "x", "-". Others stay.
std::string to_ascii(std::string_view text);
std::string html_escape(std::string_view text);

/// Code points, which is what a column of a mail holds. Assumes clean() text.
std::size_t display_width(std::string_view text);

/// The first `columns` code points of a text, and what is left.
std::pair<std::string, std::string> split_at(const std::string& text, std::size_t columns);

/// argv as one line that a shell would split the same way.
std::string shell_command(const std::vector<std::string>& argv);

}  // namespace tlblab::report
