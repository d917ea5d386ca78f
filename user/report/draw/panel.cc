// SPDX-License-Identifier: GPL-2.0-only
// Axes with ticks that fit, and the gnuplot commands for a panel.
#include "user/report/draw/panel.hh"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "user/report/document/format.hh"

namespace tlblab::report {
namespace {

/// gnuplot's numbers of its closed marks; the open one is the number before.
constexpr int kClosedSquare = 5;
constexpr int kClosedCircle = 7;

/// Share of an axis that one tick label needs for itself.
constexpr double kTickRoom = 0.09;

std::vector<double> usable(const std::vector<double>& values, bool positive) {
  std::vector<double> out;
  std::copy_if(values.begin(), values.end(), std::back_inserter(out),
               [&](double v) { return std::isfinite(v) && (!positive || v > 0); });
  return out;
}

std::pair<double, double> range_of(const std::vector<double>& values) {
  if (values.empty()) return {1, 1};
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return {*low, *high};
}

/// 1, 2, 5 times a power of ten, so that about `wanted` of them fill `span`.
double nice_step(double span, int wanted) {
  const double raw = span / wanted;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  for (double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw) return factor * power;
  }
  return 10 * power;
}

/// Tick values on a log scale, the densest of three patterns that leaves room for the labels; on
/// less than a factor of three a plain grid reads better.
std::vector<std::pair<double, double>> log_ticks(double low, double high) {
  std::vector<std::pair<double, double>> ticks;  // value, step for its label
  if (high / low < 3) {
    const double step = nice_step(high - low, 5);
    for (double value : multiples(low, high, step)) ticks.emplace_back(value, step);
    return ticks;
  }
  const double decades = std::log10(high / low);
  const std::vector<double> factors = decades < 1.9   ? std::vector<double>{1, 2, 5}
                                      : decades < 3.5 ? std::vector<double>{1, 3}
                                                      : std::vector<double>{1};
  const int first = static_cast<int>(std::floor(std::log10(low)));
  const int last = static_cast<int>(std::floor(std::log10(high)));
  for (int exponent = first; exponent <= last; ++exponent) {
    const double power = std::pow(10.0, exponent);
    for (double factor : factors) {
      const double value = factor * power;
      if (value >= low && value <= high) ticks.emplace_back(value, power);
    }
  }
  return ticks;
}

Axis padded_log(const std::vector<double>& positive, double below, double above) {
  const auto [low, high] = range_of(positive);
  Axis axis;
  axis.log = true;
  axis.low = low / below;
  axis.high = high * above;
  return axis;
}

/// Adds a place for zero under everything else.
void make_room_for_zero(Axis& axis, double lowest) {
  axis.zero_at = lowest / 3;
  axis.low = axis.zero_at / 1.3;
}

/// In single quotes gnuplot takes everything literally but the quote itself.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (char c : clean(text)) {
    out += c;
    if (c == '\'') out += c;
  }
  return out + "'";
}

/// A tick's label is a format: a percent sign in it must be doubled.
std::string tick_list(const Axis& axis) {
  std::string out;
  for (const auto& [value, label] : axis.ticks) {
    std::string format;
    for (char c : label) format += c == '%' ? std::string("%%") : std::string(1, c);
    out += fmt::format("{}{} {:.10g}", out.empty() ? "" : ", ", quoted(format), value);
  }
  return out;
}

std::string axis_commands(char which, const Axis& axis) {
  std::string out;
  if (axis.log) out += fmt::format("set logscale {}\n", which);
  out += fmt::format("set {}range [{:.10g}:{:.10g}] noextend\n", which, axis.low, axis.high);
  out += axis.ticks.empty()
             ? fmt::format("unset {}tics\n", which)
             : fmt::format("set {}tics nomirror scale 0.4 ({})\n", which, tick_list(axis));
  return out;
}

double placed(double value, const Axis& axis) {
  return axis.log && !(value > 0) && axis.zero_at > 0 ? axis.zero_at : value;
}

std::string data_block(std::size_t index, const Series& series, const Panel& panel) {
  std::string out = fmt::format("$s{} << EOD\n", index);
  for (const Point& point : series.points) {
    const double y = placed(point.y, panel.y);
    if (!std::isfinite(y)) {
      out += "\n";  // an empty line breaks a line
      continue;
    }
    const bool bar = series.bars && std::isfinite(point.low) && std::isfinite(point.high);
    const double low = bar ? std::max(placed(point.low, panel.y), panel.y.low) : y;
    const double high = bar ? placed(point.high, panel.y) : y;
    out += fmt::format("{:.10g} {:.10g} {:.10g} {:.10g}\n", placed(point.x, panel.x), y, low, high);
  }
  return out + "EOD\n";
}

bool has_points(const Series& series) {
  return std::any_of(series.points.begin(), series.points.end(),
                     [](const Point& point) { return std::isfinite(point.y); });
}

/// Open marks are filled with paper, so that lines pass behind them.
std::string marks(const std::string& data, const Series& series, int closed) {
  const std::string ink = code(series.ink);
  if (!series.control) {
    return fmt::format("{} using 1:2 with points lc rgb {} pt {} ps {} notitle", data, ink, closed,
                       series.size);
  }
  return fmt::format(
      "{0} using 1:2 with points lc rgb {1} pt {2} ps {3} notitle, {0} using 1:2 with points lc "
      "rgb {4} pt {5} ps {3} lw 2 notitle",
      data, code(Ink::kPaper), closed, series.size, ink, closed - 1);
}

std::string plot_items(std::size_t index, const Series& series, bool key) {
  const std::string data = fmt::format("$s{}", index);
  const std::string ink = code(series.ink);
  const std::string dash = series.control ? "dt (8,5)" : "dt solid";
  const int closed = series.square ? kClosedSquare : kClosedCircle;
  std::string out;
  if (series.bars) {
    out += fmt::format("{} using 1:2:3:4 with yerrorbars lc rgb {} lw 1.4 pt 0 ps 0 notitle, ",
                       data, ink);
  }
  switch (series.stroke) {
    case Stroke::kLine:
      out += fmt::format("{} using 1:2 with lines lc rgb {} lw 1.5 {} notitle", data, ink, dash);
      break;
    case Stroke::kSteps:
      out += fmt::format("{} using 1:2 with steps lc rgb {} lw 2.2 {} notitle", data, ink, dash);
      break;
    case Stroke::kPoints:
      out += marks(data, series, closed);
      break;
    case Stroke::kLineAndPoints:
      out += fmt::format("{} using 1:2 with lines lc rgb {} lw 2.2 {} notitle, {}", data, ink, dash,
                         marks(data, series, closed));
      break;
  }
  if (key) {
    out += fmt::format(", NaN with linespoints lc rgb {} lw 2.2 {} pt {} ps {} title {}", ink, dash,
                       closed - (series.control ? 1 : 0), series.size, quoted(series.name));
  }
  return out;
}

std::string multiplot(const std::vector<Panel>& panels, const std::string& layout) {
  std::string out = "set multiplot " + layout + "\n";
  for (const Panel& panel : panels) {
    out += script(panel) + "unset object\nunset arrow\nunset label\nunset logscale\n";
  }
  return out + "unset multiplot\n";
}

}  // namespace

std::vector<double> multiples(double low, double high, double step) {
  std::vector<double> values;
  const double first = std::ceil(low / step);
  const auto number = static_cast<int>(std::floor(high / step) - first) + 1;
  values.reserve(static_cast<std::size_t>(std::max(number, 0)));
  for (int i = 0; i < number; ++i) values.push_back((first + i) * step);
  return values;
}

Axis doubling_axis(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  const std::vector<double> positive = usable(values, true);
  Axis axis = padded_log(positive, 1.25, 1.25);
  if (axis.high / axis.low < 2) {
    axis.low /= 1.6;
    axis.high *= 1.6;
  }
  const double room = std::log(axis.high / axis.low) * kTickRoom;
  double last = 0;
  for (double value : positive) {
    if (last > 0 && std::log(value / last) < room) continue;
    axis.ticks.emplace_back(value, count(static_cast<std::uint64_t>(value)));
    last = value;
  }
  return axis;
}

Axis number_axis(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  const auto [low, high] = range_of(values);
  const double margin = std::max(0.5, (high - low) * 0.05);
  Axis axis;
  axis.low = low - margin;
  axis.high = high + margin;
  const double room = (axis.high - axis.low) * kTickRoom;
  for (const double value : values) {
    if (!axis.ticks.empty() && value - axis.ticks.back().first < room) continue;
    axis.ticks.emplace_back(value, count(static_cast<std::uint64_t>(value)));
  }
  return axis;
}

Axis name_axis(const std::vector<std::string>& names) {
  Axis axis;
  axis.low = -0.5;
  axis.high = static_cast<double>(names.size()) - 0.5;
  for (std::size_t i = 0; i < names.size(); ++i) {
    axis.ticks.emplace_back(static_cast<double>(i), names[i]);
  }
  return axis;
}

Axis log_time_axis(const std::vector<double>& values) {
  Axis axis = padded_log(usable(values, true), 1.25, 1.25);
  for (const auto& [value, step] : log_ticks(axis.low, axis.high)) {
    axis.ticks.emplace_back(value, tick_duration(value, step));
  }
  return axis;
}

Axis time_axis(const std::vector<double>& values) {
  auto [low, high] = range_of(usable(values, false));
  // A series that does not move still gets a scale, of 1 % either way.
  const double margin = std::max((high - low) * 0.08, std::abs(high) * 0.01);
  Axis axis;
  axis.low = low - margin;
  axis.high = high + margin;
  const double step = nice_step(axis.high - axis.low, 4);
  for (double value : multiples(axis.low, axis.high, step)) {
    axis.ticks.emplace_back(value, tick_duration(value, step));
  }
  return axis;
}

Axis time_axis_from_zero(const std::vector<double>& values) {
  const double high = range_of(usable(values, false)).second;
  Axis axis;
  axis.high = high > 0 ? high * 1.08 : 1;
  const double step = nice_step(axis.high, 4);
  for (double value : multiples(0, axis.high, step)) {
    axis.ticks.emplace_back(value, tick_duration(value, step));
  }
  return axis;
}

Axis count_axis(const std::vector<double>& values) {
  const std::vector<double> positive = usable(values, true);
  Axis axis = padded_log(positive, 1.4, 1.4);
  for (const auto& [value, step] : log_ticks(axis.low, axis.high)) {
    axis.ticks.emplace_back(value, tick_number(value, step));
  }
  if (std::any_of(values.begin(), values.end(), [](double v) { return v == 0; })) {
    make_room_for_zero(axis, range_of(positive).first);
    axis.ticks.emplace_back(axis.zero_at, "0");
  }
  return axis;
}

Axis ratio_axis(const std::vector<double>& values) {
  const std::vector<double> positive = usable(values, true);
  const auto [low, high] = range_of(positive);
  // As much air as the values themselves take up, so that a narrow spread is not blown up to fill
  // the picture, nor a wide one cut.
  const double air = std::clamp(std::pow(high / low, 0.15), 1.01, 1.3);
  Axis axis = padded_log(positive, air, air);
  for (const auto& [value, step] : log_ticks(axis.low, axis.high)) {
    axis.ticks.emplace_back(value, tick_number(value, step) + "×");
  }
  return axis;
}

std::string script(const Panel& panel) {
  std::string out = fmt::format(
      "set border 3 lc rgb {0} lw 1\nset grid ytics lc rgb {1} lw 1 dt solid\nset tics textcolor "
      "rgb {0}\nset errorbars 0.6\n",
      code(Ink::kInk), code(Ink::kGrid));
  if (!panel.title.empty()) {
    out += fmt::format("set label 1 {} at graph 0, graph 1 left offset 0,0.8 textcolor rgb {}\n",
                       quoted(panel.title), code(Ink::kInk));
  }
  out += panel.x_label.empty() ? "unset xlabel\n"
                               : fmt::format("set xlabel {} offset 0,0.3\n", quoted(panel.x_label));
  out += panel.key ? "set key at screen 0.5, screen 0.985 center top vertical Left reverse maxrows "
                     "2 samplen 3\n"
                   : "unset key\n";
  out += axis_commands('x', panel.x) + axis_commands('y', panel.y);
  int tag = 0;
  for (const Band& band : panel.bands) {
    out += fmt::format(
        "set object {} rectangle from graph 0, first {:.10g} to graph 1, first {:.10g} behind "
        "fillcolor rgb {} fillstyle solid 0.16 noborder\n",
        ++tag, std::max(band.low, panel.y.low), std::min(band.high, panel.y.high), code(band.ink));
  }
  for (double level : panel.levels) {
    if (level < panel.y.low || level > panel.y.high) continue;
    out += fmt::format(
        "set arrow {} from graph 0, first {:.10g} to graph 1, first {:.10g} nohead lc rgb {} lw "
        "1.2 dt (3,3)\n",
        ++tag, level, level, code(Ink::kInk));
  }
  for (double x : panel.separators) {
    out += fmt::format(
        "set arrow {} from first {:.10g}, graph 0 to first {:.10g}, graph 1 nohead lc rgb {} lw "
        "1\n",
        ++tag, x, x, code(Ink::kGrid));
  }
  std::string items;
  for (std::size_t i = 0; i < panel.series.size(); ++i) {
    if (!has_points(panel.series[i])) continue;
    out += data_block(i, panel.series[i], panel);
    items += (items.empty() ? "" : ", ") + plot_items(i, panel.series[i], panel.key);
  }
  if (items.empty()) {
    out +=
        "unset xtics\nunset ytics\nset label 2 'no usable value' at graph 0.5, graph 0.5 center\n";
    items = "NaN notitle";  // gnuplot wants something to plot
  }
  out += "plot " + items + "\n";
  return out;
}

std::string stacked(const std::vector<Panel>& panels) {
  return multiplot(
      panels, fmt::format("layout {},1 margins 0.17,0.97,0.13,0.94 spacing 0,0.11", panels.size()));
}

std::string side_by_side(const std::vector<Panel>& panels, const std::string& footer) {
  return fmt::format("set label 99 {} at screen 0.012, screen 0.025 left font ',13'\n",
                     quoted(footer)) +
         multiplot(panels, fmt::format("layout 1,{} margins 0.08,0.985,0.2,0.76 spacing 0.09,0",
                                       panels.size()));
}

}  // namespace tlblab::report
