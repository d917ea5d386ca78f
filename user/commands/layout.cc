// SPDX-License-Identifier: GPL-2.0-only
// Aligning and wrapping.
#include "user/commands/layout.hh"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

namespace tlblab {

std::optional<std::size_t> columns_of(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
  return size.ws_col;
}

std::size_t terminal_width() {
  constexpr std::size_t least = 60;
  constexpr std::size_t most = 100;
  return std::clamp(columns_of(STDOUT_FILENO).value_or(most), least, most);
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  std::string result;
  std::size_t column = indent;
  while (!text.empty()) {
    const auto blank = text.find(' ');
    const std::string_view word = text.substr(0, blank);
    text.remove_prefix(blank == std::string_view::npos ? text.size() : blank + 1);
    if (word.empty()) continue;
    if (column > indent && column + 1 + word.size() > width) {
      result += '\n';
      result.append(indent, ' ');
      column = indent;
    } else if (column > indent) {
      result += ' ';
      ++column;
    }
    result += word;
    column += word.size();
  }
  return result;
}

std::string named_line(std::string_view name, std::string_view value, std::size_t indent,
                       std::size_t width) {
  const std::size_t name_width = indent > 4 ? indent - 4 : 0;  // two spaces before, two after
  return fmt::format("  {:<{}}  {}\n", name, name_width, wrapped(value, indent, width));
}

}  // namespace tlblab
