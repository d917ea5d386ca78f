// SPDX-License-Identifier: GPL-2.0-only
// Tables about cells: every cell, the controls, the counts.
#include "user/report/document/tables.hh"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <tuple>

#include "user/analysis/account_check.hh"
#include "user/report/document/account.hh"
#include "user/report/document/format.hh"

namespace tlblab::report {
namespace {

std::string engine_of(const std::string& scheme) {
  const std::size_t slash = scheme.find('/');
  return slash == std::string::npos ? "" : scheme.substr(0, slash + 1);
}

using Cells = std::vector<const CellResult*>;

/// Which cells a table is of.
enum class Which { kTimed, kAll };

/// Cells of one role by pair of schemes, pairs in plan order, each by pages, gap, R and V: the
/// order in which a column of numbers can be read down as a curve.
std::vector<Cells> by_pair(const StudyResult& study, CellRole role, Which which) {
  std::vector<Cells> pairs;
  for (const CellResult& cell : study.cells) {
    if (cell.plan.role != role) continue;
    if (which == Which::kTimed && !cell.untimed.empty()) continue;
    const auto same = std::find_if(pairs.begin(), pairs.end(), [&](const Cells& pair) {
      return pair.front()->plan.a == cell.plan.a && pair.front()->plan.b == cell.plan.b;
    });
    if (same == pairs.end()) {
      pairs.push_back({&cell});
    } else {
      same->push_back(&cell);
    }
  }
  for (Cells& pair : pairs) {
    std::stable_sort(pair.begin(), pair.end(), [](const CellResult* x, const CellResult* y) {
      const auto key = [](const CellPlan& plan) {
        return std::tuple(plan.shape.pages_per_vma, plan.shape.gap_pages, plan.nr_responders,
                          plan.nr_bystanders, plan.shape.nr_vmas);
      };
      return key(x->plan) < key(y->plan);
    });
  }
  return pairs;
}

bool same_group(const CellPlan& x, const CellPlan& y) {
  return x.shape.pages_per_vma == y.shape.pages_per_vma && x.shape.gap_pages == y.shape.gap_pages &&
         x.nr_responders == y.nr_responders && x.nr_bystanders == y.nr_bystanders;
}

/// A row per cell, made by `make`, with a rule wherever pages, gap or R change.
template <typename Make>
void add_rows(Table& table, const StudyResult& study, const Cells& cells, Make&& make) {
  const CellResult* before = nullptr;
  for (const CellResult* cell : cells) {
    Row row{make(*cell)};
    row.begins_group = before != nullptr && !same_group(before->plan, cell->plan);
    row.strong = cell == headline(study);
    table.rows.push_back(std::move(row));
    before = cell;
  }
}

std::string per_interrupt(const CellResult& cell) {
  if (cell.per_interrupt_ns) return price_text(cell);
  if (cell.plan.nr_responders == 0) return "no responder";
  if (cell.interrupts_source.empty()) return "unknown";
  return std::isfinite(cell.difference_ns.estimate) ? "none avoided" : std::string(kNotAvailable);
}

std::string pages(const std::optional<std::uint64_t>& extent) {
  return extent ? count(*extent) : "unknown";
}

std::string either(const std::optional<double>& mean) {
  return mean ? significant(*mean) : "unknown";
}

std::string expected(const ArmResult& arm) {
  return arm.expected_requests ? count(*arm.expected_requests) : "unknown";
}

std::string both(const std::string& a, const std::string& b) { return a + " / " + b; }

/// "syscall/munmap:per-vma against syscall/munmap:merged", of the cell's twin.
std::string twin_name(const StudyResult& study, const CellResult& cell, const Labels& labels) {
  const CellPlan& twin = study.cells.at(*cell.twin).plan;
  return fmt::format("{} against {}", labels.scheme(twin.a), labels.scheme(twin.b));
}

/// `cell` has a twin.
void add_twin_columns(Table& table, const StudyResult& study, const Cells& cells,
                      const Labels& labels) {
  const auto one = std::find_if(cells.begin(), cells.end(),
                                [](const CellResult* cell) { return cell->twin.has_value(); });
  table.caption += fmt::format(", beside the stock kernel: {}", twin_name(study, **one, labels));
  table.columns.push_back({"stock A/B [95 %]", true, true});
  table.columns.push_back({"stock verdict", false, false});
  table.columns.push_back({"agree?", false, true});
}

void add_twin_cells(std::vector<TextCell>& row, const StudyResult& study, const CellResult& cell) {
  if (!cell.twin) {  // of the same pair, so measured on other terms
    row.insert(row.end(), {{"none"}, {"none"}, {"nothing beside it", Tone::kAlarm}});
    return;
  }
  const CellResult& twin = study.cells.at(*cell.twin);
  row.push_back({ratio_interval(twin.ratio)});
  row.push_back(verdict_cell(twin));
  row.push_back({std::string(name(cell.agreement)), cell.agreement == Agreement::kNo ? Tone::kAlarm
                                                    : cell.agreement == Agreement::kOpen
                                                        ? Tone::kMuted
                                                        : Tone::kPlain});
}

/// "16", "15 to 16", or unknown.
std::string range(const CountMeans& counts, const char* term) {
  const auto found = counts.find(term);
  if (found == counts.end()) return "unknown";
  const CountMean& seen = found->second;
  return seen.min == seen.max ? count(seen.min) : fmt::format("{} to {}", seen.min, seen.max);
}

std::uint64_t most(const CountMeans& counts, const char* term) {
  const auto found = counts.find(term);
  return found == counts.end() ? 0 : found->second.max;
}

/// Flush functions run on the responders, of the most that requests x responders allow; where the
/// hardware broadcasts, the barriers that waited for it.
std::string delivered(const CellResult& cell, const ArmResult& arm) {
  if (arm.engine_account.contains("dsb_ish")) return range(arm.engine_account, "dsb_ish") + " DSB";
  if (cell.plan.nr_responders == 0) return "no target";
  return fmt::format("{} of {}", range(arm.responder_counts, "TLB"),
                     count(most(arm.engine_account, "requests") * cell.plan.nr_responders));
}

std::string seen_outside(const ArmResult& arm) {
  const char* const event = requests_event(arm);
  return event == nullptr ? "unknown" : range(arm.initiator_counts, event);
}

/// The terms of account(), in the order in which they first appear.
std::vector<std::string> account_terms(const Cells& cells) {
  std::vector<std::string> terms;
  for (const CellResult* cell : cells) {
    for (const AccountLine& line : account(*cell)) {
      if (std::find(terms.begin(), terms.end(), line.term) == terms.end()) {
        terms.push_back(line.term);
      }
    }
  }
  return terms;
}

TextCell term_cell(const CellResult& cell, const std::string& term) {
  for (const AccountLine& line : account(cell)) {
    if (line.term == term) {
      return {both(line.a, line.b), line.agrees ? Tone::kPlain : Tone::kAlarm};
    }
  }
  return {"unknown", Tone::kMuted};
}

/// All states but those that set no trial apart.
std::vector<TrialState> reasons_apart() {
  std::vector<TrialState> reasons;
  for (std::size_t i = 0; i < kTrialStates; ++i) {
    const auto state = static_cast<TrialState>(i);
    if (state != TrialState::kOk && state != TrialState::kLeadIn) reasons.push_back(state);
  }
  return reasons;
}

}  // namespace

Labels::Labels(const StudyResult& study) {
  for (const CellResult& cell : study.cells) {
    for (const std::string& scheme : {cell.plan.a, cell.plan.b}) {
      const std::string engine = engine_of(scheme);
      if (engine_.empty()) engine_ = engine;
      if (engine != engine_) {
        engine_.clear();
        return;
      }
    }
  }
}

std::string Labels::scheme(const std::string& full_name) const {
  return full_name.compare(0, engine_.size(), engine_) == 0 ? full_name.substr(engine_.size())
                                                            : full_name;
}

std::string Labels::pair(const CellResult& cell) const {
  if (cell.plan.role == CellRole::kSame) return scheme(cell.plan.a) + " against itself";
  return fmt::format("{} (A) against {} (B)", scheme(cell.plan.a), scheme(cell.plan.b));
}

std::string Labels::cell(const CellPlan& plan) {
  return fmt::format("{} {}", plan.shape.name(), crew_name(plan.nr_responders, plan.nr_bystanders));
}

std::size_t nr_apart(const ArmResult& arm) {
  return std::accumulate(arm.nr_apart.begin(), arm.nr_apart.end(), std::size_t{0});
}

TextCell verdict_cell(const CellResult& cell) {
  const std::string word(statistics::name(cell.verdict));
  switch (cell.verdict) {
    case statistics::Verdict::kDifferent:
      return cell.ratio.estimate > 1 ? TextCell{word + ": B faster", Tone::kArmB}
                                     : TextCell{word + ": A faster", Tone::kArmA};
    case statistics::Verdict::kVoid:
      return {word, Tone::kAlarm};
    case statistics::Verdict::kEquivalent:
    case statistics::Verdict::kInconclusive:
      break;
  }
  return {word, Tone::kMuted};
}

std::optional<double> interrupts_of(const CellResult& cell, const ArmResult& arm) {
  const auto found = arm.responder_counts.find(cell.interrupts_source);
  if (found == arm.responder_counts.end()) return std::nullopt;
  return found->second.mean;
}

TextCell account_verdict(const CellResult& cell) {
  bool known = false;
  for (const AccountLine& line : account(cell)) {
    if (!line.agrees) return {"contradiction: " + line.term, Tone::kAlarm};
    known = known || line.a != "unknown" || line.b != "unknown";
  }
  return known ? TextCell{"adds up"} : TextCell{"unknown", Tone::kMuted};
}

std::string price_text(const CellResult& cell) {
  const std::string price = duration_interval_signed(*cell.per_interrupt_ns);
  return cell.price_basis == PriceBasis::kBusyControl ? price : "at most " + price;
}

std::string basis_text(const CellResult& cell) {
  switch (cell.price_basis) {
    case PriceBasis::kBusyControl:
      return "less what remains with as many CPUs busy in another process";
    case PriceBasis::kIdleControl:
      return "less what remains with the other CPUs idle, which is not the same machine";
    case PriceBasis::kNoControl:
      return "with all that would remain without responders in it";
  }
  return "";
}

/// What A pays outside its window, more than B; and its bounds.
std::string outside_text(const CellResult& cell) {
  return duration_signed(cell.outside_ns.estimate);
}
std::string outside_range(const CellResult& cell) {
  const Interval& outside = cell.outside_ns;
  if (!std::isfinite(outside.low) || !std::isfinite(outside.high)) return "(no interval)";
  return fmt::format("{} to {}", duration(outside.low), duration(outside.high));
}

std::string extent_note(const StudyResult& study, const CellResult& cell) {
  const std::optional<std::uint64_t>& a = cell.a.extent_pages;
  const std::optional<std::uint64_t>& b = cell.b.extent_pages;
  std::string note = both(pages(a), pages(b));
  if (a && b && *a != *b) note += ", differ";
  const unsigned ceiling = study.flush_ceiling_pages;
  const bool a_past = ceiling > 0 && a && *a > ceiling;
  const bool b_past = ceiling > 0 && b && *b > ceiling;
  if (a_past || b_past) {
    note += fmt::format(", {} past the ceiling of {}",
                        a_past && b_past ? "both" : (a_past ? "A" : "B"), ceiling);
  }
  return note;
}

std::vector<Table> cells_tables(const StudyResult& study, const Labels& labels) {
  std::vector<Table> tables;
  for (const Cells& pair : by_pair(study, CellRole::kCompare, Which::kTimed)) {
    const bool twins = std::any_of(pair.begin(), pair.end(),
                                   [](const CellResult* cell) { return cell->twin.has_value(); });
    Table table;
    table.caption = labels.pair(*pair.front());
    table.columns = {{"cell", false, true}, {"verdict", false, true}, {"A/B [95 %]", true, true}};
    if (twins) add_twin_columns(table, study, pair, labels);
    const std::vector<Column> more = {{"distance", false, false},
                                      {"state", false, false},
                                      {"outside A − B", true, !twins},
                                      {"outside [95 %]", true, false},
                                      {"pages per request A / B", false, false},
                                      {"set apart", true, false},
                                      {"A", true, false},
                                      {"B", true, false},
                                      {"A − B [95 %]", true, false},
                                      {"per interrupt avoided", true, false},
                                      {"means A/B [95 %]", true, false},
                                      {"99 % A/B [95 %]", true, false},
                                      {"detectable", true, false},
                                      {"adjusted p", true, false},
                                      {"trials", true, false},
                                      {"why", false, false}};
    table.columns.insert(table.columns.end(), more.begin(), more.end());
    add_rows(table, study, pair, [&](const CellResult& cell) {
      std::vector<TextCell> row{
          {Labels::cell(cell.plan)}, verdict_cell(cell), {ratio_interval(cell.ratio)}};
      if (twins) add_twin_cells(row, study, cell);
      for (TextCell& text : std::vector<TextCell>{{distance_words(cell.distances)},
                                                  {std::string(statistics::name(cell.state))},
                                                  {outside_text(cell)},
                                                  {outside_range(cell)},
                                                  {extent_note(study, cell)},
                                                  {count(nr_apart(cell.a) + nr_apart(cell.b))},
                                                  {duration(cell.a.latency_ns.estimate)},
                                                  {duration(cell.b.latency_ns.estimate)},
                                                  {duration_interval_signed(cell.difference_ns)},
                                                  {per_interrupt(cell)},
                                                  {ratio_interval(cell.mean_ratio)},
                                                  {ratio_interval(cell.tail_ratio)},
                                                  {percent(cell.smallest_detectable)},
                                                  {p_value(cell.adjusted_p)},
                                                  {count(cell.a.nr_trials + cell.b.nr_trials)},
                                                  {cell.verdict_reason, Tone::kMuted}}) {
        row.push_back(std::move(text));
      }
      return row;
    });
    tables.push_back(std::move(table));
  }
  return tables;
}

Table controls_table(const StudyResult& study, const Labels& labels) {
  Table table;
  table.columns = {{"cell", false, true},      {"scheme, against itself", false, true},
                   {"A/A [95 %]", true, true}, {"verdict", false, true},
                   {"distance", false, false}, {"detectable", true, false},
                   {"adjusted p", true, false}};
  for (const Cells& pair : by_pair(study, CellRole::kSame, Which::kTimed)) {
    add_rows(table, study, pair, [&](const CellResult& cell) {
      const bool failed = cell.verdict == statistics::Verdict::kDifferent;
      TextCell verdict =
          failed ? TextCell{"different: the arms are one", Tone::kAlarm} : verdict_cell(cell);
      return std::vector<TextCell>{
          {Labels::cell(cell.plan)},        {labels.scheme(cell.plan.a)},
          {ratio_interval(cell.ratio)},     std::move(verdict),
          {distance_words(cell.distances)}, {percent(cell.smallest_detectable)},
          {p_value(cell.adjusted_p)}};
    });
  }
  return table;
}

Table inside_table(const StudyResult& study, const Labels& labels) {
  Table table;
  table.columns = {{"scheme", false, true},   {"cell", false, true},
                   {"due", true, true},       {"inside", true, true},
                   {"outside", true, true},   {"delivered", true, true},
                   {"whole mm", true, false}, {"pages in the others", true, false},
                   {"TLBIs", true, false},    {"operations", true, false},
                   {"", false, false}};
  std::set<std::string> shown;
  for (const CellResult& cell : study.cells) {
    for (const ArmResult* arm : {&cell.a, &cell.b}) {
      if (arm->engine_account.empty()) continue;
      if (!shown.insert(arm->scheme + " " + Labels::cell(cell.plan)).second) continue;
      const bool wrong = !cell.miscount.empty();
      table.rows.push_back(
          {{{labels.scheme(arm->scheme)},
            {Labels::cell(cell.plan)},
            {expected(*arm)},
            {range(arm->engine_account, "requests")},
            {seen_outside(*arm)},
            {delivered(cell, *arm)},
            {range(arm->engine_account, "full")},
            {range(arm->engine_account, "flushed_pages")},
            {arm->engine_account.contains("tlbi") ? range(arm->engine_account, "tlbi") : "none"},
            {count(arm->engine_account.begin()->second.nr_trials)},
            wrong ? TextCell{"contradicts", Tone::kAlarm} : TextCell{}}});
    }
  }
  std::stable_sort(table.rows.begin(), table.rows.end(), [](const Row& x, const Row& y) {
    return x.cells.front().text < y.cells.front().text;
  });
  for (std::size_t i = 1; i < table.rows.size(); ++i) {
    table.rows[i].begins_group =
        table.rows[i].cells.front().text != table.rows[i - 1].cells.front().text;
  }
  return table;
}

std::vector<Table> counts_tables(const StudyResult& study, const Labels& labels) {
  std::vector<Table> tables;
  for (const Cells& pair : by_pair(study, CellRole::kCompare, Which::kAll)) {
    const std::vector<std::string> terms = account_terms(pair);
    Table table;
    table.caption = labels.pair(*pair.front());
    table.columns = {{"cell", false, true},
                     {"requests expected A / B", true, true},
                     {"interrupts A / B", true, true},
                     {"account", false, true},
                     {"distance", false, false}};
    for (const std::string& term : terms) table.columns.push_back({term + " A / B", true, false});
    table.columns.push_back({"pages per request A / B", false, false});
    add_rows(table, study, pair, [&](const CellResult& cell) {
      std::vector<TextCell> cells{
          {Labels::cell(cell.plan)},
          {both(expected(cell.a), expected(cell.b))},
          {cell.plan.nr_responders == 0
               ? "no responder"
               : both(either(interrupts_of(cell, cell.a)), either(interrupts_of(cell, cell.b)))},
          account_verdict(cell),
          {distance_words(cell.distances)}};
      for (const std::string& term : terms) cells.push_back(term_cell(cell, term));
      cells.push_back({extent_note(study, cell)});
      return cells;
    });
    tables.push_back(std::move(table));
  }
  return tables;
}

Table perturbation_table(const StudyResult& study, const Labels& labels) {
  Table table;
  table.columns = {{"cell", false, true},
                   {"scheme", false, true},
                   {"timing pass", true, true},
                   {"counting pass", true, true},
                   {"counting adds", true, true}};
  for (const Cells& pair : by_pair(study, CellRole::kCompare, Which::kTimed)) {
    for (const CellResult* cell : pair) {
      bool first = true;
      for (const ArmResult* arm : {&cell->a, &cell->b}) {
        const bool counted = arm->counting_latency_ns > 0;
        table.rows.push_back({{{Labels::cell(cell->plan)},
                               {labels.scheme(arm->scheme)},
                               {duration(arm->quantiles.p50)},
                               {counted ? duration(arm->counting_latency_ns) : "not counted"},
                               {counted ? change(arm->counting_latency_ns / arm->quantiles.p50)
                                        : std::string(kNotAvailable)}},
                              first,
                              cell == headline(study)});
        first = false;
      }
    }
  }
  return table;
}

Table apart_table(const StudyResult& study, const Labels& labels) {
  Table table;
  table.columns = {{"cell", false, true}, {"scheme", false, true}, {"used", true, true}};
  const std::vector<TrialState> reasons = reasons_apart();
  for (const TrialState reason : reasons) {
    table.columns.push_back({std::string(name(reason)), true, true});
  }
  table.columns.push_back({"trials of unfinished blocks", true, false});
  table.columns.push_back({"blocks dropped", true, false});
  for (const CellResult& cell : study.cells) {
    bool first = true;
    for (const ArmResult* arm : {&cell.a, &cell.b}) {
      Row row{{{Labels::cell(cell.plan)}, {labels.scheme(arm->scheme)}, {count(arm->nr_trials)}}};
      for (const TrialState reason : reasons) {
        const std::size_t number = arm->nr_apart.at(static_cast<std::size_t>(reason));
        row.cells.push_back({count(number), number == 0 ? Tone::kMuted : Tone::kPlain});
      }
      row.cells.push_back({first ? count(cell.nr_interrupted_trials) : ""});
      row.cells.push_back({first ? count(cell.nr_dropped_blocks) : ""});
      row.begins_group = first;
      row.strong = &cell == headline(study);
      table.rows.push_back(std::move(row));
      first = false;
    }
  }
  return table;
}

}  // namespace tlblab::report
