// SPDX-License-Identifier: GPL-2.0-only
// Which pictures a study gets, and what is drawn in each.
#pragma once

#include <string>
#include <vector>

#include "user/report/document/document.hh"
#include "user/report/draw/panel.hh"

namespace tlblab::report {

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

/// All figures, in order, from one run of gnuplot; none for a study without a cell. Titles, names
/// and captions are clean() text, not escaped. Throws Error(kMachine) without gnuplot.
std::vector<Figure> make_figures(const StudyResult& study);

/// The main figure as a file of its own: dark on white, with its key. Empty when there is none.
std::string standalone_svg(const StudyResult& study);

}  // namespace tlblab::report
