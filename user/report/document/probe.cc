// SPDX-License-Identifier: GPL-2.0-only
// The probe pass in words and rows.
#include "user/report/document/probe.hh"

#include <fmt/format.h>

#include <algorithm>

#include "user/report/document/format.hh"

namespace tlblab::report {
namespace {

constexpr std::size_t kTypicalPages = 512;

bool has_bystanders(const CellResult& cell) {
  return std::any_of(cell.probe.begin(), cell.probe.end(),
                     [](const ProbePoint& point) { return point.bystanders_walk_ns.has_value(); });
}

/// Whose victims in another process stand beside `cell`'s own: itself, else a cell of the same arms
/// and shape that has some, best with as many of them as there are responders. Null: none walked.
const CellResult* cell_with_bystanders(const StudyResult& study, const CellResult& cell) {
  if (has_bystanders(cell)) return &cell;
  const CellResult* found = nullptr;
  for (const CellResult& other : study.cells) {
    if (other.plan.a != cell.plan.a || other.plan.b != cell.plan.b ||
        other.plan.shape != cell.plan.shape || !shows_time(study, other) ||
        !has_bystanders(other)) {
      continue;
    }
    if (found == nullptr || other.plan.nr_bystanders == cell.plan.nr_responders) found = &other;
  }
  return found;
}

/// In the interrupts and afterwards, per operation, all responders together.
std::string total(const ArmResult& arm, const ProbeLoss& loss) {
  return duration(arm.stolen_ns.estimate + loss.responders_ns.estimate);
}

}  // namespace

const ProbePoint* typical_probe(const CellResult& cell) {
  const ProbePoint* best = nullptr;
  for (const ProbePoint& point : cell.probe) {
    if (best == nullptr || point.nr_pages <= kTypicalPages) best = &point;
  }
  return best;
}

std::string loss_addendum(const CellResult& cell) {
  const ProbePoint* point = typical_probe(cell);
  if (point == nullptr) return " (in-interrupt time only)";
  return fmt::format(
      " in interrupts, {} against {} with what looking up {} of their own then costs",
      total(cell.a, point->losses[0]), total(cell.b, point->losses[1]),
      plural(point->nr_pages, "page"));
}

std::string probe_paragraph(const StudyResult& study, const CellResult& cell) {
  if (cell.probe.empty()) {
    return "This is in-interrupt time only. What they lose afterwards, when translations that were "
           "flushed have to be looked up again, was not measured.";
  }
  const bool responders = cell.plan.nr_responders > 0;
  const CellResult* bystanders = cell_with_bystanders(study, cell);
  std::string text =
      "The interrupt is not all. A flush can take translations of other memory along, and the next "
      "access to each looks it up again. So each victim walks a working set of its own right after "
      "the window: dependent loads, one a page, less the same walk after an empty operation. "
      "Victims are on the same CPU (the caller)";
  if (responders) {
    text += fmt::format("{} on other CPUs of the process (the responders, together)",
                        bystanders != nullptr ? "," : " and");
  }
  if (bystanders != nullptr) {
    text += " and in another process (on other CPUs, together";
    if (bystanders != &cell) {
      text += fmt::format("; those of {}, where none responds", Labels::cell(bystanders->plan));
    }
    text += "). A flush asked for one process should cost another nothing";
  }
  return text +
         ". The loss on the same CPU holds what the system calls pushed out of its caches, "
         "too.";
}

TextCell lost_afterwards(const CellResult& cell, Arm arm) {
  const ProbePoint* point = typical_probe(cell);
  if (point == nullptr) return {"unknown", Tone::kMuted};
  const ProbeLoss& loss = point->losses[static_cast<std::size_t>(arm)];
  return {fmt::format("{}, {}", duration(loss.responders_ns.estimate),
                      plural(point->nr_pages, "page"))};
}

Table probe_table(const StudyResult& study, const CellResult& cell) {
  const CellResult* bystanders = cell_with_bystanders(study, cell);
  Table table;
  table.caption = "After the window, per operation: what the walk over a working set takes longer";
  table.columns = {{"pages", true, true},           {"victims", false, true},
                   {"A [95 %]", true, true},        {"B [95 %]", true, true},
                   {"the walk alone", true, false}, {"blocks", true, false}};
  if (cell.plan.nr_responders > 0) {
    table.columns.push_back({"A with interrupts", true, false});
    table.columns.push_back({"B with interrupts", true, false});
  }
  const auto add = [&](const ProbePoint& point, const char* victims, const Interval& a,
                       const Interval& b, double walk_ns) {
    table.rows.push_back({{{count(point.nr_pages)},
                           {victims},
                           {duration_interval_signed(a)},
                           {duration_interval_signed(b)},
                           {duration(walk_ns)},
                           {count(point.nr_blocks)}}});
  };
  for (const ProbePoint& point : cell.probe) {
    const ProbeLoss& a = point.losses[0];
    const ProbeLoss& b = point.losses[1];
    const std::size_t first = table.rows.size();
    add(point, "same CPU", a.initiator_ns, b.initiator_ns, point.initiator_walk_ns);
    table.rows[first].begins_group = true;
    if (cell.plan.nr_responders > 0) {
      add(point, "other CPUs", a.responders_ns, b.responders_ns, point.responders_walk_ns);
      table.rows.back().cells.push_back({total(cell.a, a)});
      table.rows.back().cells.push_back({total(cell.b, b)});
    }
    if (bystanders == nullptr) continue;
    for (const ProbePoint& theirs : bystanders->probe) {
      if (theirs.nr_pages != point.nr_pages || !theirs.bystanders_walk_ns) continue;
      add(theirs, "another process", *theirs.losses[0].bystanders_ns,
          *theirs.losses[1].bystanders_ns, *theirs.bystanders_walk_ns);
    }
  }
  for (Row& row : table.rows) row.cells.resize(table.columns.size());
  return table;
}

}  // namespace tlblab::report
