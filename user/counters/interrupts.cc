// SPDX-License-Identifier: GPL-2.0-only
// Reading and parsing /proc/interrupts.
#include "user/counters/interrupts.hh"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace tlblab::counters {
namespace {

constexpr std::string_view kBlanks = " \t";

/// Takes the first word off `line`; empty at its end.
std::string_view take_word(std::string_view& line) {
  const auto begin = line.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return line = {};
  line.remove_prefix(begin);
  const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
  line.remove_prefix(word.size());
  return word;
}

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

/// Which number in a row belongs to `cpu`: the header "CPU0 CPU2 CPU3" names those that are online.
std::optional<std::size_t> find_column(std::string_view header, int cpu) {
  for (std::size_t column = 0;; ++column) {
    const std::string_view word = take_word(header);
    if (word.empty()) return std::nullopt;
    int number = -1;
    if (word.substr(0, 3) == "CPU") {
      std::from_chars(word.data() + 3, word.data() + word.size(), number);
    }
    if (number == cpu) return column;
  }
}

/// The label of a row without its colon; leaves the numbers and the description in `line`.
std::string_view take_label(std::string_view& line) {
  std::string_view label = take_word(line);
  if (!label.empty() && label.back() == ':') label.remove_suffix(1);
  return label;
}

bool is_number(std::string_view word) {
  return !word.empty() &&
         std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<std::uint64_t> interrupt_count(std::string_view text, std::string_view label,
                                             int cpu) {
  const std::optional<std::size_t> column = find_column(take_line(text), cpu);
  if (!column) return std::nullopt;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    if (take_label(line) != label) continue;
    std::string_view word;
    for (std::size_t i = 0; i <= *column; ++i) {
      word = take_word(line);
      if (!is_number(word)) return std::nullopt;
    }
    std::uint64_t count = 0;
    std::from_chars(word.data(), word.data() + word.size(), count);
    return count;
  }
  return std::nullopt;
}

std::string find_interrupt_label(std::string_view text, std::string_view description) {
  take_line(text);
  while (!text.empty()) {
    std::string_view line = take_line(text);
    const std::string_view label = take_label(line);
    std::string_view rest = line;
    while (is_number(take_word(line))) rest = line;
    const auto begin = rest.find_first_not_of(kBlanks);
    if (begin != std::string_view::npos && rest.substr(begin, description.size()) == description) {
      return std::string(label);
    }
  }
  return {};
}

InterruptsFile::InterruptsFile() : fd_(::open("/proc/interrupts", O_RDONLY | O_CLOEXEC)) {}

InterruptsFile::~InterruptsFile() {
  if (fd_ >= 0) ::close(fd_);
}

void InterruptsFile::read(std::vector<char>& snapshot) {
  constexpr std::size_t least_bytes = 8192;
  snapshot.resize(std::max(least_bytes, snapshot.capacity()));
  std::size_t used = 0;
  while (fd_ >= 0) {
    if (used == snapshot.size()) snapshot.resize(2 * used);
    const ssize_t got =
        ::pread(fd_, snapshot.data() + used, snapshot.size() - used, static_cast<off_t>(used));
    if (got <= 0) break;
    used += static_cast<std::size_t>(got);
  }
  snapshot.resize(used);
}

}  // namespace tlblab::counters
