// SPDX-License-Identifier: GPL-2.0-only
// The lines of a result file, plain or gzip'ed.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace tlblab::records {

/// A reader refuses another major number. The minor one grows with records, fields and columns that
/// a reader who does not know them may skip.
inline constexpr int kSchema = 1;
inline constexpr int kSchemaMinor = 1;

/// Gives the header line to `header` and each whole line after it to `record`. Returns warnings: a
/// torn last line, which is left out. Throws Error(kUsage): not there, empty, not readable, or
/// damaged at line N, which is where `record` threw a std::exception; Error(kInterrupted) when a
/// signal came.
std::vector<std::string> read_lines(const std::string& path,
                                    const std::function<void(const std::string&)>& header,
                                    const std::function<void(const std::string&)>& record);

/// The first line alone. Throws as read_lines() does.
std::string read_header_line(const std::string& path);

}  // namespace tlblab::records
