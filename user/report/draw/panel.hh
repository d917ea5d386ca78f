// SPDX-License-Identifier: GPL-2.0-only
// One coordinate system with its lines, as a gnuplot script. Knows nothing of studies.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "user/report/draw/gnuplot.hh"

namespace tlblab::report {

struct Axis {
  double low = 0;
  double high = 1;
  bool log = false;
  std::vector<std::pair<double, std::string>> ticks;
  /// Where a value that is not positive is drawn on a log axis, labelled "0"; 0: there is none.
  double zero_at = 0;
};

/// The multiples of `step` from `low` to `high`, for ticks of one's own.
std::vector<double> multiples(double low, double high, double step);

/// Numbers of VMAs: log base 2, a tick at each value that has room.
Axis doubling_axis(std::vector<double> values);
/// Numbers of responders on a plain scale, zero in its place.
Axis number_axis(std::vector<double> values);
/// Names at 0, 1, 2, ...
Axis name_axis(const std::vector<std::string>& names);
/// Times in ns, the ticks labelled with their unit. Values that are not finite are left out.
Axis log_time_axis(const std::vector<double>& values);
/// The same on a plain scale that need not begin at zero.
Axis time_axis(const std::vector<double>& values);
/// From zero.
Axis time_axis_from_zero(const std::vector<double>& values);
/// Counts per operation on a log scale, with a place for zero when it occurs.
Axis count_axis(const std::vector<double>& values);
/// Ratios on a log scale; 1 gets a tick when it is inside.
Axis ratio_axis(const std::vector<double>& values);

struct Point {
  double x = 0;
  double y = 0;
  double low = 0;  ///< of the interval; not finite: no bar
  double high = 0;
};

enum class Stroke { kLine, kLineAndPoints, kPoints, kSteps };

struct Series {
  std::string name;  ///< for the key of a standalone figure
  Ink ink = Ink::kInk;
  Stroke stroke = Stroke::kLineAndPoints;
  bool control = false;       ///< dashed, open marks
  bool square = false;        ///< the mark; a circle otherwise. B's are square
  bool bars = false;          ///< draw low..high
  double size = 1;            ///< of the mark
  std::vector<Point> points;  ///< a NaN y breaks the line
};

/// A horizontal stripe, for an interval that holds for all x.
struct Band {
  double low = 0;
  double high = 0;
  Ink ink = Ink::kInk;
};

struct Panel {
  std::string title;    ///< above the axes, or empty
  std::string x_label;  ///< below, or empty
  Axis x;
  Axis y;
  std::vector<Band> bands;
  std::vector<double> levels;      ///< thin horizontal lines
  std::vector<double> separators;  ///< thin vertical lines
  std::vector<Series> series;
  bool key = false;  ///< names of the series, at the top of the whole picture
};

/// Commands that draw it into the whole canvas, or into the next place of a multiplot.
std::string script(const Panel& panel);

/// Panels above each other, their axes aligned, in one picture.
std::string stacked(const std::vector<Panel>& panels);
/// Panels beside each other with room for a key above all and a line of text below.
std::string side_by_side(const std::vector<Panel>& panels, const std::string& footer);

}  // namespace tlblab::report
