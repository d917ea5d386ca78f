// SPDX-License-Identifier: GPL-2.0-only
// TLB quantities as tables. A side that did not count one is unknown there.
#include "user/report/document/tlb_section.hh"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "user/model/tlb_quantity.hh"
#include "user/report/document/format.hh"
#include "user/report/document/probe.hh"

namespace tlblab::report {
namespace {

constexpr const char* kUnknown = "unknown";

/// A quantity on one type of core: "dtlb_walks", "dtlb_walks@cpu_atom".
struct Shown {
  std::string event;
  std::string label;
};

std::string_view quantity_of(std::string_view event) { return event.substr(0, event.find('@')); }

std::string label_of(const TlbQuantity& quantity, std::string_view event) {
  const std::size_t at = event.find('@');
  if (at == std::string_view::npos) return std::string(quantity.label);
  return fmt::format("{} ({})", quantity.label, event.substr(at + 1));
}

bool was_counted(const ArmResult& arm, const std::string& event) {
  return arm.initiator_counts.contains(event) || arm.responder_spread.contains(event);
}

/// Those of `events`, in the catalogue's order.
template <typename Events>
std::vector<Shown> quantities_among(const Events& events) {
  std::vector<Shown> shown;
  for (const TlbQuantity& quantity : kTlbQuantities) {
    for (const auto& [event, text] : events) {
      if (quantity_of(event) == quantity.name) shown.push_back({event, label_of(quantity, event)});
    }
  }
  return shown;
}

/// Everything that an arm of one of the cells counted.
std::vector<Shown> counted_in(const std::vector<const CellResult*>& cells) {
  std::map<std::string, bool> events;
  for (const CellResult* cell : cells) {
    for (const ArmResult* arm : {&cell->a, &cell->b}) {
      for (const auto& [event, count] : arm->initiator_counts) events[event] = true;
      for (const auto& [event, spread] : arm->responder_spread) events[event] = true;
    }
  }
  return quantities_among(events);
}

std::string on_initiator(const ArmResult& arm, const std::string& event) {
  const auto found = arm.initiator_counts.find(event);
  return found == arm.initiator_counts.end() ? kUnknown : significant(found->second.mean);
}

/// "12.3", of several responders "12.3 (10.1 to 40)": the median one, the least and the most.
std::string on_responders(const ArmResult& arm, const std::string& event) {
  const auto found = arm.responder_spread.find(event);
  if (found == arm.responder_spread.end()) return kUnknown;
  const ResponderSpread& spread = found->second;
  if (spread.nr_responders == 1) return significant(spread.median);
  return fmt::format("{} ({} to {})", significant(spread.median), significant(spread.least),
                     significant(spread.most));
}

TextCell value(std::string text) {
  const Tone tone = text == kUnknown ? Tone::kMuted : Tone::kPlain;
  return {std::move(text), tone};
}

std::string source_of(const StudyResult& study, const std::string& event) {
  const auto found = study.counters.find(event);
  return found == study.counters.end() ? "" : found->second;
}

Table cell_table(const StudyResult& study, const CellResult& cell) {
  Table table;
  table.columns = {{"per operation", false, true},
                   {"on", false, true},
                   {"A", true, true},
                   {"B", true, true},
                   {"event, encoding", false, false}};
  for (const Shown& shown : counted_in({&cell})) {
    const std::string source = source_of(study, shown.event);
    table.rows.push_back({{{shown.label},
                           {"initiator"},
                           value(on_initiator(cell.a, shown.event)),
                           value(on_initiator(cell.b, shown.event)),
                           {source, Tone::kMuted}}});
    if (cell.plan.nr_responders == 0) continue;
    table.rows.push_back({{{shown.label},
                           {"responder"},
                           value(on_responders(cell.a, shown.event)),
                           value(on_responders(cell.b, shown.event)),
                           {source, Tone::kMuted}}});
  }
  return table;
}

std::string difference(const std::optional<double>& operated, const std::optional<double>& empty) {
  if (!operated || !empty) return kUnknown;
  return (*operated > *empty ? "+" : "") + significant(*operated - *empty);
}

/// The victims' walks of the probe: what they count after the operation, less after the empty one.
Table probe_counts_table(const StudyResult& study, const CellResult& cell) {
  Table table;
  const ProbePoint* point = typical_probe(cell);
  if (point == nullptr) return table;
  table.caption = fmt::format(
      "After the window, when each walks {} of its own: more than after an empty operation",
      plural(point->nr_pages, "page"));
  table.columns = {{"per walk", false, true},
                   {"on", false, true},
                   {"A", true, true},
                   {"B", true, true},
                   {"event, encoding", false, false}};
  std::map<std::string, bool> events;
  for (const auto& arm : point->counts) {
    for (const SideCounts& side : arm) {
      for (const auto& [event, count] : side.initiator) events[event] = true;
      for (const auto& [event, spread] : side.spread) events[event] = true;
    }
  }
  const auto initiator = [](const SideCounts& side, const std::string& event) {
    const auto found = side.initiator.find(event);
    return found == side.initiator.end() ? std::nullopt : std::optional(found->second.mean);
  };
  const auto responder = [](const SideCounts& side, const std::string& event) {
    const auto found = side.spread.find(event);
    return found == side.spread.end() ? std::nullopt : std::optional(found->second.median);
  };
  const auto add = [&](const Shown& shown, const char* on, const auto& count_of) {
    Row row{{{shown.label}, {on}}};
    for (const auto& arm : point->counts) {
      row.cells.push_back(
          value(difference(count_of(arm[1], shown.event), count_of(arm[0], shown.event))));
    }
    row.cells.push_back({source_of(study, shown.event), Tone::kMuted});
    table.rows.push_back(std::move(row));
  };
  for (const Shown& shown : quantities_among(events)) {
    add(shown, "initiator", initiator);
    if (cell.plan.nr_responders > 0) add(shown, "responder", responder);
  }
  return table;
}

/// The last column has the sources.
std::string where_counted(const StudyResult& study, const Table& table) {
  const bool kernel_too = std::none_of(table.rows.begin(), table.rows.end(), [](const Row& row) {
    return row.cells.back().text.ends_with("in user mode");
  });
  if (study.counters.empty()) return "as far as the user might count";
  return kernel_too ? "in user mode and in the kernel"
                    : "in user mode only: more takes CAP_PERFMON or root";
}

Table every_cell_table(const StudyResult& study, const Labels& labels) {
  std::vector<const CellResult*> cells;
  for (const CellResult& cell : study.cells) {
    if (cell.plan.role == CellRole::kCompare) cells.push_back(&cell);
  }
  const std::vector<Shown> counted = counted_in(cells);
  Table table;
  table.caption = "Every cell";
  table.folded = true;
  table.in_mail = false;
  table.columns = {{"cell", false, true}, {"scheme", false, true}, {"on", false, true}};
  for (const Shown& shown : counted) table.columns.push_back({shown.label, true, true});
  for (const CellResult* cell : cells) {
    bool first = true;
    for (const ArmResult* arm : {&cell->a, &cell->b}) {
      for (const bool initiator : {true, false}) {
        if (!initiator && cell->plan.nr_responders == 0) continue;
        Row row{{{Labels::cell(cell->plan)},
                 {labels.scheme(arm->scheme)},
                 {initiator ? "initiator" : "responder"}}};
        for (const Shown& shown : counted) {
          row.cells.push_back(value(initiator ? on_initiator(*arm, shown.event)
                                              : on_responders(*arm, shown.event)));
        }
        row.begins_group = first;
        row.strong = cell == headline(study);
        table.rows.push_back(std::move(row));
        first = false;
      }
    }
  }
  return table;
}

/// What can be counted here and was not, in any cell: it may have been possible a moment before.
std::vector<std::pair<std::string, std::string>> missing(const StudyResult& study) {
  std::vector<std::pair<std::string, std::string>> events = study.counters_missing;
  for (const auto& [event, source] : study.counters) {
    const bool seen = std::any_of(study.cells.begin(), study.cells.end(),
                                  [&event = event](const CellResult& cell) {
                                    return was_counted(cell.a, event) || was_counted(cell.b, event);
                                  });
    if (seen) continue;
    events.emplace_back(event,
                        "it could be counted before the first cell and then never was on for a "
                        "whole window: something else holds or shares the counter");
  }
  return events;
}

/// "Not counted: dTLB walks, iTLB walks: no PMU ...", one sentence for each reason.
std::vector<std::string> missing_sentences(const StudyResult& study) {
  const auto events = missing(study);
  std::vector<std::pair<std::string, std::string>> labels_by_reason;
  for (const Shown& shown : quantities_among(events)) {
    const auto entry = std::find_if(events.begin(), events.end(),
                                    [&](const auto& event) { return event.first == shown.event; });
    const auto same =
        std::find_if(labels_by_reason.begin(), labels_by_reason.end(),
                     [&](const auto& reason) { return reason.first == entry->second; });
    if (same == labels_by_reason.end()) {
      labels_by_reason.emplace_back(entry->second, shown.label);
    } else {
      same->second += "; " + shown.label;
    }
  }
  std::vector<std::string> sentences;
  sentences.reserve(labels_by_reason.size());
  for (const auto& [reason, labels] : labels_by_reason) {
    sentences.push_back(fmt::format("Not counted: {}. Reason: {}.", labels, reason));
  }
  return sentences;
}

}  // namespace

Section tlb_section(const StudyResult& study, const Labels& labels) {
  const CellResult& cell = *headline(study);
  Section section;
  section.id = "tlbs";
  section.title = "What the TLBs did";
  section.in_mail = true;
  Table table = cell_table(study, cell);
  if (table.rows.empty()) {
    section.paragraphs.emplace_back(
        "No counter of a processor's TLB showed anything of this cell.");
  } else {
    section.paragraphs.push_back(fmt::format(
        "Inside the window, mean per operation of {}, {}. Of the responders the "
        "median one{}. A first-level miss may be answered by the second level; a walk is what "
        "neither had. Processors count different things (docs/counters.md), so rows of two "
        "machines "
        "compare only where the event does. What our own readings add is taken off.",
        Labels::cell(cell.plan), where_counted(study, table),
        cell.plan.nr_responders > 1 ? ", and in brackets the least and the most of them" : ""));
    section.tables.push_back(std::move(table));
    Table probe = probe_counts_table(study, cell);
    if (!probe.rows.empty()) section.tables.push_back(std::move(probe));
    if (study.cells.size() > 1) section.tables.push_back(every_cell_table(study, labels));
  }
  for (std::string& sentence : missing_sentences(study)) {
    section.paragraphs.push_back(std::move(sentence));
  }
  return section;
}

}  // namespace tlblab::report
