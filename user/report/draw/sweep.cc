// SPDX-License-Identifier: GPL-2.0-only
// Finds the sweeps of a study and turns each into panels.
#include "user/report/draw/sweep.hh"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "user/report/document/format.hh"

namespace tlblab::report {
namespace {

/// Fewer numbers of responders make no curve.
constexpr std::size_t kWorthALine = 3;

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

bool same_line(const CellPlan& x, const CellPlan& y) {
  return x.a == y.a && x.b == y.b && x.shape.pages_per_vma == y.shape.pages_per_vma &&
         x.shape.gap_pages == y.shape.gap_pages;
}

/// A study that shows times draws only cells that do; one that shows none draws counts of all.
/// Cells with bystanders are controls of single cells and make no line.
bool is_drawn(const StudyResult& study, const CellResult& cell) {
  return cell.plan.nr_bystanders == 0 && (shows_time(study, cell) || !shows_time(study));
}

double place(const CellResult& cell, const Sweep& sweep) {
  switch (sweep.along) {
    case Along::kVmas:
      return cell.plan.shape.nr_vmas;
    case Along::kResponders:
      return cell.plan.nr_responders;
    case Along::kCells:
      break;
  }
  const auto at = std::find(sweep.cells.begin(), sweep.cells.end(), &cell);
  return static_cast<double>(at - sweep.cells.begin());
}

void sort_along(std::vector<const CellResult*>& cells, const Sweep& sweep) {
  std::sort(cells.begin(), cells.end(), [&](const CellResult* x, const CellResult* y) {
    return place(*x, sweep) < place(*y, sweep);
  });
}

/// VMAs at which all of them, gaps included, span just the ceiling: past that one flush over all is
/// a full one. 0 where nothing passes it.
double ceiling_in_vmas(const StudyResult& study, const CellPlan& plan) {
  const unsigned ceiling = study.flush_ceiling_pages;
  const Shape& shape = plan.shape;
  if (ceiling == 0 || plan.role == CellRole::kSame) return 0;
  return static_cast<double>(ceiling + shape.gap_pages) / (shape.pages_per_vma + shape.gap_pages);
}

/// One number of VMAs makes no curve: the cells side by side then, with and without responders.
Sweep without_curve(const StudyResult& study, const CellResult& model) {
  Sweep sweep;
  sweep.along = Along::kCells;
  for (const CellResult& cell : study.cells) {
    const bool drawn = shows_time(study, cell) || !shows_time(study);
    if (drawn && cell.plan.role == model.plan.role && same_line(cell.plan, model.plan)) {
      sweep.cells.push_back(&cell);
    }
  }
  std::stable_sort(sweep.cells.begin(), sweep.cells.end(),
                   [](const CellResult* x, const CellResult* y) {
                     return std::pair(x->plan.nr_responders, x->plan.nr_bystanders) >
                            std::pair(y->plan.nr_responders, y->plan.nr_bystanders);
                   });
  return sweep;
}

Sweep sweep_like(const StudyResult& study, const CellResult& model, unsigned wanted_responders) {
  unsigned responders = 0;
  bool found = false;
  for (const CellResult& cell : study.cells) {
    if (cell.plan.role != model.plan.role || !same_line(cell.plan, model.plan)) continue;
    if (!is_drawn(study, cell)) continue;
    if (!found) responders = std::max(responders, cell.plan.nr_responders);
    if (cell.plan.nr_responders == wanted_responders) {
      responders = wanted_responders;
      found = true;
    }
  }
  Sweep sweep;
  for (const CellResult& cell : study.cells) {
    if (cell.plan.role != model.plan.role || !same_line(cell.plan, model.plan)) continue;
    if (!is_drawn(study, cell)) continue;
    if (cell.plan.nr_responders == responders) {
      sweep.cells.push_back(&cell);
    } else if (cell.plan.nr_responders == 0) {
      sweep.controls.push_back(&cell);
    }
  }
  const bool curve = std::any_of(sweep.cells.begin(), sweep.cells.end(), [&](const auto* cell) {
    return cell->plan.shape.nr_vmas != sweep.cells.front()->plan.shape.nr_vmas;
  });
  if (!curve) return without_curve(study, model);
  sort_along(sweep.cells, sweep);
  sort_along(sweep.controls, sweep);
  sweep.ceiling_at = ceiling_in_vmas(study, model.plan);
  return sweep;
}

Axis x_axis(const Sweep& sweep) {
  std::vector<double> values;
  for (const auto* cells : {&sweep.cells, &sweep.controls}) {
    for (const CellResult* cell : *cells) values.push_back(place(*cell, sweep));
  }
  switch (sweep.along) {
    case Along::kVmas:
      return doubling_axis(std::move(values));
    case Along::kResponders:
      return number_axis(std::move(values));
    case Along::kCells:
      break;
  }
  std::vector<std::string> names;
  for (const CellResult* cell : sweep.cells) names.push_back(Labels::cell(cell->plan));
  return name_axis(names);
}

std::string x_label(const Sweep& sweep) {
  switch (sweep.along) {
    case Along::kVmas:
      return "number of VMAs";
    case Along::kResponders:
      return "number of responders";
    case Along::kCells:
      break;
  }
  return "cell";
}

/// A panel along the sweep, with the flush ceiling where there is one.
Panel panel_along(const Sweep& sweep) {
  Panel panel;
  panel.x_label = x_label(sweep);
  panel.x = x_axis(sweep);
  if (sweep.ceiling_at > panel.x.low && sweep.ceiling_at < panel.x.high) {
    panel.separators = {sweep.ceiling_at};
  }
  return panel;
}

/// "munmap:merged, 1 responder"; over responders the scheme alone.
std::string line_name(const Sweep& sweep, const CellResult& cell, const ArmResult& arm,
                      const Labels& labels) {
  std::string scheme = clean(labels.scheme(arm.scheme));
  if (sweep.along != Along::kVmas) return scheme;
  return fmt::format("{}, {}", scheme,
                     cell.plan.nr_responders == 0 ? std::string("no responder")
                                                  : plural(cell.plan.nr_responders, "responder"));
}

/// A series per arm for the cells and for the controls; `at` gives a point's y and interval.
template <typename At>
std::vector<Series> arm_series(const Sweep& sweep, const Labels& labels, At&& at) {
  std::vector<Series> all;
  for (const auto* cells : {&sweep.cells, &sweep.controls}) {
    if (cells->empty()) continue;
    for (const bool is_b : {false, true}) {
      const CellResult& first = *cells->front();
      if (is_b && first.plan.role == CellRole::kSame) continue;  // the same line again
      Series series;
      series.name = line_name(sweep, first, is_b ? first.b : first.a, labels);
      series.ink = is_b ? Ink::kArmB : Ink::kArmA;
      series.square = is_b;
      series.control = cells == &sweep.controls;
      series.bars = true;
      if (sweep.along == Along::kCells) series.stroke = Stroke::kPoints;
      for (const CellResult* cell : *cells) {
        Point point = at(*cell, is_b ? cell->b : cell->a);
        point.x = place(*cell, sweep);
        series.points.push_back(point);
      }
      all.push_back(std::move(series));
    }
  }
  return all;
}

std::vector<double> values_of(const std::vector<Series>& all) {
  std::vector<double> values;
  for (const Series& series : all) {
    for (const Point& point : series.points) {
      values.push_back(point.y);
      if (series.bars && std::isfinite(point.low) && std::isfinite(point.high)) {
        values.push_back(point.low);
        values.push_back(point.high);
      }
    }
  }
  return values;
}

Series ratio_series(const std::vector<const CellResult*>& cells, const Sweep& sweep, bool control) {
  Series series;
  if (!control && cells.front()->sessions.size() > 1) series.size = 0.5;  // the dots are drawn over
  series.name = control ? "A/B without responder" : "A/B";
  series.ink = control ? Ink::kInk : Ink::kAccent;
  series.control = control;
  series.bars = true;
  for (const CellResult* cell : cells) {
    const Interval& ratio = cell->ratio;
    series.points.push_back({place(*cell, sweep), ratio.estimate, ratio.low, ratio.high});
  }
  if (sweep.along == Along::kCells) series.stroke = Stroke::kPoints;
  return series;
}

Series session_dots(const std::vector<const CellResult*>& cells, const Sweep& sweep) {
  Series dots;
  dots.name = "one session";
  dots.ink = Ink::kAccent;
  dots.stroke = Stroke::kPoints;
  dots.control = true;
  dots.size = 0.9;
  for (const CellResult* cell : cells) {
    if (cell->sessions.size() < 2) continue;
    for (const SessionResult& session : cell->sessions) {
      dots.points.push_back({place(*cell, sweep), session.ratio.estimate, kUnknown, kUnknown});
    }
  }
  return dots;
}

}  // namespace

std::vector<Sweep> vma_sweeps(const StudyResult& study) {
  std::vector<Sweep> sweeps;
  const CellResult* first = headline(study);
  if (first == nullptr) return sweeps;
  sweeps.push_back(sweep_like(study, *first, first->plan.nr_responders));
  for (const CellResult& cell : study.cells) {
    const bool seen = std::any_of(sweeps.begin(), sweeps.end(), [&](const Sweep& sweep) {
      return same_line(sweep.cells.front()->plan, cell.plan);
    });
    if (seen || cell.plan.role != CellRole::kCompare || !is_drawn(study, cell)) continue;
    sweeps.push_back(sweep_like(study, cell, first->plan.nr_responders));
  }
  return sweeps;
}

Sweep responder_sweep(const StudyResult& study) {
  Sweep sweep;
  sweep.along = Along::kResponders;
  const CellResult* first = headline(study);
  if (first == nullptr) return sweep;
  for (const CellResult& cell : study.cells) {
    if (cell.plan.role == first->plan.role && same_line(cell.plan, first->plan) &&
        cell.plan.shape == first->plan.shape && is_drawn(study, cell)) {
      sweep.cells.push_back(&cell);
    }
  }
  sort_along(sweep.cells, sweep);
  std::set<unsigned> numbers;
  for (const CellResult* cell : sweep.cells) numbers.insert(cell->plan.nr_responders);
  if (numbers.size() < kWorthALine) sweep.cells.clear();
  return sweep;
}

Panel latency_panel(const Sweep& sweep, const Labels& labels) {
  Panel panel = panel_along(sweep);
  panel.series = arm_series(sweep, labels, [](const CellResult&, const ArmResult& arm) {
    return Point{0, arm.latency_ns.estimate, arm.latency_ns.low, arm.latency_ns.high};
  });
  panel.y = sweep.along == Along::kCells ? time_axis_from_zero(values_of(panel.series))
                                         : log_time_axis(values_of(panel.series));
  return panel;
}

Panel ratio_panel(const Sweep& sweep, const Criteria& criteria) {
  Panel panel = panel_along(sweep);
  panel.series = {ratio_series(sweep.cells, sweep, false), session_dots(sweep.cells, sweep),
                  ratio_series(sweep.controls, sweep, true)};
  std::vector<double> values = values_of(panel.series);
  const double bound = 1 + criteria.equivalence;
  for (double value : {1 / bound, 1.0, bound}) values.push_back(value);
  panel.y = ratio_axis(values);
  panel.levels = {1};
  panel.bands = {{1 / bound, bound, Ink::kInk}};
  return panel;
}

InterruptPanel interrupt_panel(const Sweep& sweep, const Labels& labels, bool counts_only) {
  InterruptPanel out;
  Sweep loaded = sweep;
  loaded.controls.clear();
  const auto counted =
      std::find_if(loaded.cells.begin(), loaded.cells.end(), [](const CellResult* cell) {
        return interrupts_of(*cell, cell->a) || interrupts_of(*cell, cell->b);
      });
  const bool is_counted = counted != loaded.cells.end();
  const bool has_responders =
      std::any_of(loaded.cells.begin(), loaded.cells.end(),
                  [](const CellResult* cell) { return cell->plan.nr_responders > 0; });
  if (!has_responders || (!is_counted && counts_only)) return out;
  out.what = is_counted ? fmt::format("Interrupts on responders per operation (event {})",
                                      clean((*counted)->interrupts_source))
                        : "Interruptions per operation that responders saw by their own clocks";
  Panel& panel = out.panel;
  panel =
      panel_along(sweep);  // the controls too: beside the latency the same x stands at one place
  panel.series = arm_series(loaded, labels, [&](const CellResult& cell, const ArmResult& arm) {
    const double none = cell.plan.nr_responders == 0 ? 0 : kUnknown;
    const double mean = is_counted ? interrupts_of(cell, arm).value_or(none) : arm.interrupts_seen;
    return Point{0, mean, kUnknown, kUnknown};
  });
  panel.y = count_axis(values_of(panel.series));
  return out;
}

std::vector<KeyEntry> key_of(const Panel& panel) {
  std::vector<KeyEntry> key;
  for (const Series& series : panel.series) {
    const bool line = series.stroke != Stroke::kPoints;
    const bool mark = series.stroke == Stroke::kPoints || series.stroke == Stroke::kLineAndPoints;
    key.push_back({series.name, series.ink, series.square, series.control, line, mark});
  }
  return key;
}

}  // namespace tlblab::report
