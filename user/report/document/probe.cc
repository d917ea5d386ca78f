// SPDX-License-Identifier: GPL-2.0-only
// The probe pass in words and rows.
#include "user/report/document/probe.hh"

#include <fmt/format.h>

#include <utility>

#include "user/report/document/format.hh"

namespace tlblab::report {
namespace {

constexpr std::size_t kTypicalPages = 512;

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

std::string probe_paragraph(const CellResult& cell) {
  if (cell.probe.empty()) {
    return "This is in-interrupt time only. What they lose afterwards, when translations that were "
           "flushed have to be looked up again, was not measured.";
  }
  std::string text =
      "The interrupt is not all. A flush can take translations of other memory along, and the next "
      "access to each looks it up again. So each victim walks a working set of its own right after "
      "the window: dependent loads, one a page, less the same walk after an empty operation.";
  text += cell.plan.nr_responders > 0
              ? " The caller's own loss holds what the system calls pushed out of its caches, too."
              : " The loss holds what the system calls pushed out of the caches, too.";
  return text;
}

TextCell lost_afterwards(const CellResult& cell, Arm arm) {
  const ProbePoint* point = typical_probe(cell);
  if (point == nullptr) return {"unknown", Tone::kMuted};
  const ProbeLoss& loss = point->losses[static_cast<std::size_t>(arm)];
  return {fmt::format("{}, {}", duration(loss.responders_ns.estimate),
                      plural(point->nr_pages, "page"))};
}

Table probe_table(const CellResult& cell, const Labels& labels) {
  const bool responders = cell.plan.nr_responders > 0;
  Table table;
  table.caption = "After the window, per operation";
  table.columns = {{"working set", false, true}, {"scheme", false, true}};
  if (responders) {
    table.columns.push_back({"responders lose [95 %]", true, true});
    table.columns.push_back({"and in interrupts", true, false});
    table.columns.push_back({"together", true, false});
  }
  table.columns.push_back({"caller loses [95 %]", true, true});
  table.columns.push_back({"blocks", true, false});
  for (const ProbePoint& point : cell.probe) {
    bool first = true;
    for (const auto& [arm, loss] :
         {std::pair{&cell.a, &point.losses[0]}, {&cell.b, &point.losses[1]}}) {
      Row row{{{plural(point.nr_pages, "page")}, {labels.scheme(arm->scheme)}}};
      if (responders) {
        row.cells.push_back({duration_interval_signed(loss->responders_ns)});
        row.cells.push_back({duration(arm->stolen_ns.estimate)});
        row.cells.push_back({total(*arm, *loss)});
      }
      row.cells.push_back({duration_interval_signed(loss->initiator_ns)});
      row.cells.push_back({first ? count(point.nr_blocks) : ""});
      row.begins_group = first;
      table.rows.push_back(std::move(row));
      first = false;
    }
  }
  return table;
}

}  // namespace tlblab::report
