// SPDX-License-Identifier: GPL-2.0-only
// A finished figure, for a renderer to place.
#pragma once

#include <string>
#include <vector>

#include "user/report/document/document.hh"

namespace tlblab::report {

/// Colours by role. A script names one by its code, which is no colour anybody would see; finish()
/// puts the theme's in its place. Text and axes that gnuplot draws black count as kInk.
enum class Ink { kInk = 1, kGrid, kArmA, kArmB, kAccent, kPaper };
/// One line of a figure's key. The page draws the sample itself.
struct KeyEntry {
  std::string name;
  Ink ink = Ink::kInk;
  bool square = false;
  bool control = false;
  bool line = true;
  bool mark = true;
};

struct Picture {
  std::string title;
  std::string svg;  ///< inline_svg()
};

/// Pictures that belong together under one key.
struct Figure {
  FigureSlot slot = FigureSlot::kMain;
  bool small = false;
  std::string title;  ///< empty where the section's own title says it
  std::vector<KeyEntry> key;
  std::vector<Picture> pictures;
  std::string caption;
};

/// What was drawn of a study. Titles, names and captions are clean() text, not escaped.
struct Figures {
  std::vector<Figure> on_page;  ///< in order; none for a study without a cell
  /// The main figure as a file of its own: dark on white, with its key. Empty when there is none.
  std::string standalone;
};

}  // namespace tlblab::report
