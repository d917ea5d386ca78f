// SPDX-License-Identifier: GPL-2.0-only
// Draws with gnuplot, run as a child process, and makes its SVG fit to stand inside a page.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "user/report/draw/figure.hh"

namespace tlblab::report {

/// For a script: "'#030303'".
std::string code(Ink ink);

struct Canvas {
  int width = 0;
  int height = 0;
  std::string script;  ///< gnuplot commands and data, without the terminal
};

/// One raw SVG per canvas, in order, from a single gnuplot process without its user's settings.
/// Throws Error(kMachine) when gnuplot is missing or refuses a script.
std::vector<std::string> draw(std::span<const Canvas> canvases);

/// What a figure says to somebody who can't see it.
struct Spoken {
  std::string title;
  std::string description;
};

/// For a page: colours are CSS variables (--ink, --grid, --arm-a, --arm-b, --accent, --paper), ids
/// begin with `id`, fonts are inherited, no background, no namespace address.
std::string inline_svg(std::string_view raw, std::string_view id, const Spoken& spoken);

/// For a file of its own: dark ink on white paper.
std::string standalone_svg_of(std::string_view raw, const Spoken& spoken);

}  // namespace tlblab::report
