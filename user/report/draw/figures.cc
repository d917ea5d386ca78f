// SPDX-License-Identifier: GPL-2.0-only
// Composes the figures and has them drawn, all in one go.
#include "user/report/draw/figures.hh"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "user/report/document/format.hh"
#include "user/report/document/tables.hh"
#include "user/report/draw/panel.hh"
#include "user/report/draw/sweep.hh"
#include "user/statistics/blocks.hh"

namespace tlblab::report {
namespace {

// Drawn so that the text is about 16 px on a wide page and still 11 px at the width of a phone.
constexpr int kWidth = 500;
constexpr int kHeight = 400;
constexpr int kTallHeight = 520;
constexpr int kSmallWidth = 320;
constexpr int kSmallHeight = 260;
constexpr int kFileWidth = 1000;
constexpr int kFileHeight = 490;
/// As many characters of the machine's line as surely fit under the figure.
constexpr std::size_t kFooterColumns = 140;
/// Blocks of all sessions together that a time series shows; more are joined to medians.
constexpr std::size_t kMaxTimePoints = 900;

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// A picture on its way: drawn together with all others at the end.
struct Draft {
  Canvas canvas;
  Spoken spoken;
};

struct DraftFigure {
  Figure figure;
  std::vector<Draft> drafts;

  void add(const std::string& title, const std::string& description, int width, int height,
           std::string commands) {
    drafts.push_back({{width, height, std::move(commands)}, {clean(title), clean(description)}});
  }
};

std::string sweep_title(const Sweep& sweep, const Labels& labels) {
  const CellResult& cell = *sweep.cells.front();
  std::string title = fmt::format("{} per VMA", plural(cell.plan.shape.pages_per_vma, "page"));
  if (cell.plan.shape.gap_pages != 1) {
    title += fmt::format(", gap {}", plural(cell.plan.shape.gap_pages, "page"));
  }
  return clean(fmt::format("{}: {}", title, labels.pair(cell)));
}

std::string range_phrase(const Sweep& sweep) {
  const CellResult& first = *sweep.cells.front();
  const CellResult& last = *sweep.cells.back();
  return fmt::format("{}: A {}, B {}. {}: A {}, B {}.", Labels::cell(first.plan),
                     duration(first.a.latency_ns.estimate), duration(first.b.latency_ns.estimate),
                     Labels::cell(last.plan), duration(last.a.latency_ns.estimate),
                     duration(last.b.latency_ns.estimate));
}

void shrink_marks(Panel& panel) {
  for (Series& series : panel.series) series.size *= 0.6;
}

DraftFigure sweep_figure(const StudyResult& study, const Labels& labels, const Sweep& sweep,
                         bool small) {
  DraftFigure draft;
  draft.figure.slot = FigureSlot::kMain;
  draft.figure.small = small;
  draft.figure.title =
      sweep.along == Along::kResponders
          ? "Against number of responders: " + clean(sweep.cells.front()->plan.shape.name())
          : sweep_title(sweep, labels);
  // Small multiples stand under the large figure and share its key.
  const auto set_key = [&](const Panel& panel) {
    if (!small && draft.figure.key.empty()) draft.figure.key = key_of(panel);
  };
  const int width = small ? kSmallWidth : kWidth;
  const int height = small ? kSmallHeight : kHeight;
  const bool timed = shows_time(study);
  if (timed) {
    Panel latency = latency_panel(sweep, labels);
    set_key(latency);
    if (small) shrink_marks(latency);
    draft.add("Latency of one operation", range_phrase(sweep), width, height, script(latency));
  }
  InterruptPanel interrupts = interrupt_panel(sweep, labels, !timed);
  if (interrupts.what.empty()) {
    draft.figure.caption =
        "Interrupts are not shown: nothing counted them here, and unknown is not zero.";
  } else {
    set_key(interrupts.panel);
    if (small) shrink_marks(interrupts.panel);
    draft.add("Interrupts per operation", interrupts.what, width, height, script(interrupts.panel));
    if (!small) draft.figure.caption = interrupts.what + ".";
  }
  return draft;
}

/// Every session of the headline with its own interval; across them the interval of the estimate.
Panel session_panel(const CellResult& cell) {
  Panel panel;
  panel.x_label = "session";
  Series dots;
  dots.name = "session";
  dots.ink = Ink::kAccent;
  dots.stroke = Stroke::kPoints;
  dots.bars = true;
  dots.size = 1.2;
  std::vector<double> values;
  for (const SessionResult& session : cell.sessions) {
    const Interval& ratio = session.ratio;
    dots.points.push_back(
        {static_cast<double>(session.session), ratio.estimate, ratio.low, ratio.high});
    for (double value : {ratio.estimate, ratio.low, ratio.high}) values.push_back(value);
  }
  if (cell.sessions.size() > 1) {
    for (double value : {cell.ratio.low, cell.ratio.high}) values.push_back(value);
    if (std::isfinite(cell.ratio.low) && std::isfinite(cell.ratio.high)) {
      panel.bands = {{cell.ratio.low, cell.ratio.high, Ink::kAccent}};
    }
    panel.levels = {cell.ratio.estimate};
  }
  panel.y = ratio_axis(values);
  const double last = dots.points.empty() ? 1 : dots.points.back().x;
  panel.x.low = 0.4;
  panel.x.high = last + 0.6;
  const double step = std::ceil(last / 12);
  for (double number : multiples(1, last, step)) {
    panel.x.ticks.emplace_back(number, tick_number(number, 1));
  }
  panel.series = {std::move(dots)};
  return panel;
}

DraftFigure sessions_figure(const StudyResult& study, const Labels& labels,
                            const CellResult& cell) {
  DraftFigure draft;
  draft.figure.slot = FigureSlot::kSessions;
  draft.add("Ratio A/B, one dot per session", "The ratio is " + ratio_interval(cell.ratio), kWidth,
            kHeight, script(session_panel(cell)));
  const Sweep sweep = vma_sweeps(study).front();
  const Panel ratios = ratio_panel(sweep, study.plan.criteria);
  draft.add(
      sweep.along == Along::kCells ? "Ratio A/B, cell by cell" : "Ratio A/B against number of VMAs",
      sweep_title(sweep, labels), kWidth, kHeight, script(ratios));
  for (KeyEntry& entry : key_of(ratios)) {
    const bool dots = entry.name == "one session";
    if (dots && cell.sessions.size() < 2) continue;
    if (entry.name != "A/B without responder" || !sweep.controls.empty()) {
      draft.figure.key.push_back(std::move(entry));
    }
  }
  draft.figure.caption = fmt::format(
      "{}Above 1 A takes longer, below 1 B does. The grey stripe is ±{}, inside which a difference "
      "is called equivalent.",
      cell.sessions.size() > 1 ? "The coloured stripe is the interval across sessions. " : "",
      percent(study.plan.criteria.equivalence));
  return draft;
}

Series ecdf_series(const CellResult& cell, const Labels& labels, bool is_b) {
  const ArmResult& arm = is_b ? cell.b : cell.a;
  Series series;
  series.name = clean(labels.scheme(arm.scheme));
  series.ink = is_b ? Ink::kArmB : Ink::kArmA;
  series.square = is_b;
  series.stroke = Stroke::kSteps;
  for (const auto& [latency_ns, share] : cell.ecdf.at(is_b ? 1 : 0)) {
    series.points.push_back({latency_ns, share, kUnknown, kUnknown});
  }
  return series;
}

Panel ecdf_panel(const CellResult& cell, const Labels& labels) {
  Panel panel;
  panel.x_label = "latency of one operation";
  panel.series = {ecdf_series(cell, labels, false), ecdf_series(cell, labels, true)};
  std::vector<double> values;
  for (const Series& series : panel.series) {
    for (const Point& point : series.points) values.push_back(point.x);
  }
  panel.x = log_time_axis(values);
  panel.y.low = 0;
  panel.y.high = 1.02;
  for (double share : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    panel.y.ticks.emplace_back(share, percent(share));
  }
  return panel;
}

/// Where the blocks stand: sessions one after the other, the hours between them left out.
struct Timeline {
  std::vector<double> x;  ///< of each block, seconds of measuring
  std::vector<double> separators;
  Axis axis;
};

Timeline timeline_of(const CellResult& cell) {
  Timeline line;
  double total = 0;
  for (const SessionResult& session : cell.sessions) total += session.seconds;
  const double gap = cell.sessions.size() > 1 ? total * 0.01 : 0;
  double begin = 0;
  double offset = 0;
  for (std::size_t i = 0; i < cell.blocks.size(); ++i) {
    const BlockPoint& block = cell.blocks[i];
    const bool new_session = i == 0 || block.session != cell.blocks[i - 1].session;
    if (new_session) {
      if (i > 0) {
        line.separators.push_back(line.x.back() + gap);
        begin = line.x.back() + 2 * gap;
      }
      offset = begin - block.time_s;
    }
    line.x.push_back(block.time_s + offset);
    const bool last = i + 1 == cell.blocks.size() || cell.blocks[i + 1].session != block.session;
    if (last && cell.sessions.size() > 1) {
      line.axis.ticks.emplace_back((begin + line.x.back()) / 2, count(block.session));
    }
  }
  line.axis.low = 0;
  line.axis.high = line.x.empty() ? 1 : std::max(line.x.back(), 1e-3);
  if (cell.sessions.size() == 1) {
    for (double second : multiples(0, line.axis.high, std::ceil(line.axis.high / 8))) {
      line.axis.ticks.emplace_back(second, tick_number(second, 1));
    }
  }
  return line;
}

/// Medians of `join` neighbouring blocks of one session, with a break between sessions.
std::vector<Point> joined(const CellResult& cell, const Timeline& line, double BlockPoint::*value,
                          std::size_t join) {
  std::vector<Point> points;
  for (std::size_t i = 0; i < cell.blocks.size();) {
    std::vector<double> values;
    const std::size_t first = i;
    while (i < cell.blocks.size() && i < first + join &&
           cell.blocks[i].session == cell.blocks[first].session) {
      values.push_back(cell.blocks[i++].*value);
    }
    points.push_back({(line.x[first] + line.x[i - 1]) / 2, statistics::median_in_place(values),
                      kUnknown, kUnknown});
    const bool ends =
        i < cell.blocks.size() && cell.blocks[i].session != cell.blocks[i - 1].session;
    if (ends) points.push_back({0, kUnknown, kUnknown, kUnknown});
  }
  return points;
}

Panel time_panel(const CellResult& cell, const Timeline& line, double BlockPoint::*value,
                 std::string title, Ink ink) {
  const std::size_t join = cell.blocks.size() / kMaxTimePoints + 1;
  Panel panel;
  panel.title = std::move(title);
  panel.x = line.axis;
  panel.separators = line.separators;
  Series series;
  series.ink = ink;
  series.stroke = Stroke::kLine;
  series.points = joined(cell, line, value, join);
  std::vector<double> values;
  for (const Point& point : series.points) values.push_back(point.y);
  panel.y = time_axis(values);
  panel.series = {std::move(series)};
  return panel;
}

DraftFigure distribution_figure(const CellResult& cell, const Labels& labels) {
  DraftFigure draft;
  draft.figure.slot = FigureSlot::kDistribution;
  const Panel ecdf = ecdf_panel(cell, labels);
  draft.figure.key = key_of(ecdf);
  draft.add("Share of trials that took no longer",
            fmt::format("Medians: A {}, B {}", duration(cell.a.quantiles.p50),
                        duration(cell.b.quantiles.p50)),
            kWidth, kTallHeight, script(ecdf));
  const Timeline line = timeline_of(cell);
  std::vector<Panel> panels{time_panel(cell, line, &BlockPoint::a_ns, "A", Ink::kArmA),
                            time_panel(cell, line, &BlockPoint::b_ns, "B", Ink::kArmB)};
  if (cell.plan.nr_responders > 0) {
    panels.push_back(time_panel(cell, line, &BlockPoint::calibrator_ns,
                                "calibrator: one interrupt, there and back", Ink::kInk));
  }
  for (std::size_t i = 0; i + 1 < panels.size(); ++i) {
    for (auto& tick : panels[i].x.ticks) tick.second.clear();  // the lowest panel names them
  }
  panels.back().x_label = cell.sessions.size() > 1 ? "session" : "seconds";
  draft.add("Block medians in time",
            fmt::format("{} over {}", plural(cell.blocks.size(), "block"),
                        plural(cell.sessions.size(), "session")),
            kWidth, kTallHeight, stacked(panels));
  draft.figure.caption =
      "In time each panel has a scale of its own that need not begin at zero. Sessions stand side "
      "by side; the time between them is left out.";
  return draft;
}

/// The main figure for a file of its own. No commands when there is nothing to draw.
Draft standalone_draft(const StudyResult& study, const Labels& labels, const Sweep& sweep) {
  std::vector<Panel> panels;
  const bool timed = shows_time(study);
  if (timed) {
    panels.push_back(latency_panel(sweep, labels));
    panels.back().title = "latency of one operation";
  }
  InterruptPanel interrupts = interrupt_panel(sweep, labels, !timed);
  if (!interrupts.what.empty()) {
    panels.push_back(std::move(interrupts.panel));
    panels.back().title = "interrupts per operation";
  }
  if (panels.empty()) return {};
  panels.front().key = true;
  const std::string footer =
      split_at(clean(fmt::format("{}: {}", study.machine_kind, study.machine_line)), kFooterColumns)
          .first;
  const int width = panels.size() > 1 ? kFileWidth : kFileWidth / 2;
  return {{width, kFileHeight, side_by_side(panels, footer)},
          {sweep_title(sweep, labels), !timed ? clean(interrupts.what) : range_phrase(sweep)}};
}

Figures finish(std::vector<DraftFigure> drafts, const Draft& standalone) {
  std::vector<Canvas> canvases;
  for (const DraftFigure& draft : drafts) {
    for (const Draft& picture : draft.drafts) canvases.push_back(picture.canvas);
  }
  const bool has_standalone = !standalone.canvas.script.empty();
  if (has_standalone) canvases.push_back(standalone.canvas);
  const std::vector<std::string> raw = draw(canvases);
  Figures figures;
  std::size_t at = 0;
  for (DraftFigure& draft : drafts) {
    for (Draft& picture : draft.drafts) {
      const std::string id = fmt::format("fig{}", at + 1);
      std::string svg = inline_svg(raw.at(at++), id, picture.spoken);
      draft.figure.pictures.push_back({std::move(picture.spoken.title), std::move(svg)});
    }
    figures.on_page.push_back(std::move(draft.figure));
  }
  if (has_standalone) figures.standalone = standalone_svg_of(raw.at(at), standalone.spoken);
  return figures;
}

}  // namespace

Figures draw_figures(const StudyResult& study) {
  const CellResult* cell = headline(study);
  if (cell == nullptr) return {};
  const Labels labels(study);
  std::vector<DraftFigure> drafts;
  const std::vector<Sweep> sweeps = vma_sweeps(study);
  drafts.push_back(sweep_figure(study, labels, sweeps.front(), false));
  if (const Sweep sweep = responder_sweep(study); !sweep.cells.empty()) {
    drafts.push_back(sweep_figure(study, labels, sweep, false));
  }
  for (std::size_t i = 1; i < sweeps.size(); ++i) {
    drafts.push_back(sweep_figure(study, labels, sweeps[i], true));
  }
  if (shows_time(study) && !cell->sessions.empty()) {
    drafts.push_back(sessions_figure(study, labels, *cell));
    drafts.push_back(distribution_figure(*cell, labels));
  }
  return finish(std::move(drafts), standalone_draft(study, labels, sweeps.front()));
}

}  // namespace tlblab::report
