// SPDX-License-Identifier: GPL-2.0-only
// Reading the small text files by which the kernel describes the machine, with the reason in words
// when one can't be read: containers and unprivileged users lack many of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tlblab {

/// A file's text, or why there is none. Exactly one of the two is meaningful.
struct FileText {
  std::string text;     ///< without trailing newlines and NULs
  std::string problem;  ///< empty when the file was read

  [[nodiscard]] bool ok() const { return problem.empty(); }
};

/// The text, or "unknown: " and the problem.
std::string text_or_problem(const FileText& file);

/// Reads a file of /proc, /sys or the like to its end. Never throws.
FileText read_kernel_file(const std::string& path);

/// "no such file", "needs root", ... for the errno of a failed open or read of such a file.
std::string explain_read_error(int error);

/// The value of "key<spaces>: value" in /proc/cpuinfo-like text, of its first occurrence; empty
/// when the key is missing.
std::string value_of_key(std::string_view text, std::string_view key);

/// Whether `word` is in a list of words separated by spaces.
bool has_word(std::string_view words, std::string_view word);

/// The chosen one of "always [madvise] never": "madvise". The whole text when none is bracketed.
std::string bracketed_choice(const std::string& text);

/// "0-2,5" as /sys lists CPUs -> {0, 1, 2, 5}. What can't be parsed is left out.
std::vector<int> parse_kernel_cpu_list(std::string_view text);

}  // namespace tlblab
