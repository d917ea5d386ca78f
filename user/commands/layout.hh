// SPDX-License-Identifier: GPL-2.0-only
// Aligned and wrapped text for the terminal.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tlblab {

/// Columns of the terminal behind a file descriptor; nothing where there is none.
std::optional<std::size_t> columns_of(int fd);

/// Columns to fill: the terminal's, between 60 and 100; 100 where stdout is not one.
std::size_t terminal_width();

/// `text` broken at spaces into lines of at most `width` columns, every line but the first indented
/// by `indent` columns. The first line is assumed to begin at column `indent`, too. A word longer
/// than a line stays whole.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width);

/// "  name      value", the value wrapped and aligned at column `indent`, with a newline.
std::string named_line(std::string_view name, std::string_view value, std::size_t indent,
                       std::size_t width);

}  // namespace tlblab
