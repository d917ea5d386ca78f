// SPDX-License-Identifier: GPL-2.0-only
// The lines of a result file, packed or plain.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tlblab::records {

/// A reader refuses a greater major number. The minor one grows with records, fields and columns
/// that a reader who does not know them may skip. Schema 1 had a line for each trial; it is read.
inline constexpr int kSchema = 2;
inline constexpr int kSchemaMinor = 1;
inline constexpr int kFirstSchema = 1;

/// Bytes behind a line that its parser may read, whatever they are.
inline constexpr std::size_t kLinePadding = 64;

/// Gives the header line to `header` and each whole line after it, with kLinePadding bytes behind
/// it, to `record`. Returns warnings: a torn last line, which is left out. Throws Error(kUsage):
/// not there, empty, not readable, or damaged at line N, which is where `record` threw a
/// std::exception that is no Error; Error(kInterrupted) when a signal came; what `record` throws.
std::vector<std::string> read_lines(const std::string& path,
                                    const std::function<void(const std::string&)>& header,
                                    const std::function<void(std::string_view)>& record);

/// The first line alone. Throws as read_lines() does.
std::string read_header_line(const std::string& path);

}  // namespace tlblab::records
