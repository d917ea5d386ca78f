// SPDX-License-Identifier: GPL-2.0-only
// Writes OpenMetrics text, family by family.
#include "user/report/openmetrics.hh"

#include <fmt/format.h>

#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "user/report/document/format.hh"
#include "user/report/document/tables.hh"

namespace tlblab::report {
namespace {

using LabelSet = std::vector<std::pair<std::string_view, std::string>>;

/// As label values and help want it. clean() leaves no line feed that would need a backslash, too.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : clean(text)) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

LabelSet operator+(LabelSet labels, const LabelSet& more) {
  labels.insert(labels.end(), more.begin(), more.end());
  return labels;
}

/// A metric family, whose samples must stand together.
class Family {
 public:
  /// `unit` is the name's last word, or empty.
  Family(std::string_view name, std::string_view type, std::string_view unit, std::string_view help)
      : name_(name), suffix_(type == "info" ? "_info" : "") {
    head_ = fmt::format("# TYPE {} {}\n", name, type);
    if (!unit.empty()) head_ += fmt::format("# UNIT {} {}\n", name, unit);
    head_ += fmt::format("# HELP {} {}\n", name, escaped(help));
  }

  /// A value that is not finite is unknown: no sample. An empty label is as good as none.
  void add(const LabelSet& labels, double value) {
    if (!std::isfinite(value)) return;
    std::string text;
    for (const auto& [name, of] : labels) {
      if (of.empty()) continue;
      text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", name, escaped(of));
    }
    samples_ += fmt::format("{}{}{{{}}} {:.12g}\n", name_, suffix_, text, value);
  }

  /// `unit` is what the interval's unit is worth in the family's.
  void add(const LabelSet& labels, const Interval& of, double unit) {
    add(labels + LabelSet{{"bound", "estimate"}}, of.estimate * unit);
    add(labels + LabelSet{{"bound", "low"}}, of.low * unit);
    add(labels + LabelSet{{"bound", "high"}}, of.high * unit);
  }

  /// Nothing where there is no sample.
  [[nodiscard]] std::string text() const { return samples_.empty() ? "" : head_ + samples_; }

 private:
  std::string_view name_;
  std::string_view suffix_;
  std::string head_;
  std::string samples_;
};

constexpr double kSecondsPerNs = 1e-9;

std::string_view yes_or_no(bool is) { return is ? "yes" : "no"; }

/// All families, in the order in which they are written.
class Families {
 public:
  void add(const StudyOfFile& of) {
    const StudyResult& study = *of.study;
    const LabelSet file{{"file", of.file}};
    study_.add(file + LabelSet{{"study", study.plan.name},
                               {"question", study.plan.question},
                               {"started", study.started_utc},
                               {"complete", std::string(yes_or_no(study.complete))},
                               {"version", study.tool_version},
                               {"revision", study.git_revision}},
               1);
    machine_.add(file + LabelSet{{"kind", study.machine_kind}, {"description", study.machine_line}},
                 1);
    for (const CellResult& cell : study.cells) add(study, cell, file);
  }

  [[nodiscard]] std::string text() const {
    std::string text;
    for (const Family* family : {&study_, &machine_, &cell_, &verdict_, &ratio_, &difference_,
                                 &latency_, &stolen_, &interrupts_, &trials_, &apart_}) {
      text += family->text();
    }
    return text + "# EOF\n";
  }

 private:
  void add(const StudyResult& study, const CellResult& cell, const LabelSet& file) {
    const CellPlan& plan = cell.plan;
    const LabelSet labels = file + LabelSet{{"cell", plan.id}};
    const bool timed = shows_time(study, cell);
    cell_.add(labels + LabelSet{{"role", std::string(name(plan.role))},
                                {"a", plan.a},
                                {"b", plan.b},
                                {"vmas", fmt::to_string(plan.shape.nr_vmas)},
                                {"pages_per_vma", fmt::to_string(plan.shape.pages_per_vma)},
                                {"gap_pages", fmt::to_string(plan.shape.gap_pages)},
                                {"responders", fmt::to_string(plan.nr_responders)},
                                {"bystanders", fmt::to_string(plan.nr_bystanders)},
                                {"distance", distance_words(cell.distances)},
                                {"headline", std::string(yes_or_no(plan.headline))},
                                {"timed", std::string(yes_or_no(timed))}},
              1);
    add(cell, cell.a, labels + LabelSet{{"arm", "A"}, {"scheme", cell.a.scheme}}, timed);
    add(cell, cell.b, labels + LabelSet{{"arm", "B"}, {"scheme", cell.b.scheme}}, timed);
    // A contradiction between counts is known without any time.
    if (timed || !cell.miscount.empty()) add_verdict(cell.verdict, labels);
    if (!timed) return;
    ratio_.add(labels, cell.ratio, 1);
    difference_.add(labels, cell.difference_ns, kSecondsPerNs);
  }

  void add(const CellResult& cell, const ArmResult& arm, const LabelSet& labels, bool timed) {
    if (const std::optional<double> mean = interrupts_of(cell, arm)) {
      interrupts_.add(labels + LabelSet{{"source", cell.interrupts_source}}, *mean);
    }
    trials_.add(labels, static_cast<double>(arm.nr_trials));
    for (std::size_t i = 0; i < kTrialStates; ++i) {
      const auto state = static_cast<TrialState>(i);
      if (state == TrialState::kOk || state == TrialState::kLeadIn) continue;
      apart_.add(labels + LabelSet{{"reason", std::string(name(state))}},
                 static_cast<double>(arm.nr_apart.at(i)));
    }
    if (!timed) return;
    latency_.add(labels, arm.latency_ns, kSecondsPerNs);
    if (cell.plan.nr_responders > 0) stolen_.add(labels, arm.stolen_ns, kSecondsPerNs);
  }

  void add_verdict(statistics::Verdict verdict, const LabelSet& labels) {
    using statistics::Verdict;
    for (const Verdict each :
         {Verdict::kDifferent, Verdict::kEquivalent, Verdict::kInconclusive, Verdict::kVoid}) {
      verdict_.add(labels + LabelSet{{"tlblab_verdict", std::string(statistics::name(each))}},
                   each == verdict ? 1 : 0);
    }
  }

  Family study_{"tlblab_study", "info", "", "What was asked, when and with which tlblab."};
  Family machine_{"tlblab_machine", "info", "", "Where it was measured."};
  Family cell_{"tlblab_cell", "info", "", "Schemes, shape and responders of a cell."};
  Family verdict_{"tlblab_verdict", "stateset", "",
                  "What was found of a cell's ratio, adjusted for the number of cells."};
  Family ratio_{"tlblab_ab_ratio", "gauge", "ratio",
                "Latency of A over that of B, of typical calls; bounds of 95 %."};
  Family difference_{"tlblab_difference_seconds", "gauge", "seconds",
                     "Latency of A less that of B, per operation; bounds of 95 %."};
  Family latency_{"tlblab_latency_seconds", "gauge", "seconds",
                  "What the caller waits for one operation; bounds of 95 %."};
  Family stolen_{"tlblab_stolen_seconds", "gauge", "seconds",
                 "What interrupts take from all responders together, per operation; bounds of 95 "
                 "%."};
  Family interrupts_{"tlblab_interrupts", "gauge", "",
                     "Mean interrupts handled on responders, per operation."};
  Family trials_{"tlblab_trials", "gauge", "", "Trials that were used."};
  Family apart_{"tlblab_trials_set_apart", "gauge", "", "Trials that were set apart, by reason."};
};

}  // namespace

std::string render_openmetrics(std::span<const StudyOfFile> studies) {
  Families families;
  for (const StudyOfFile& study : studies) families.add(study);
  return families.text();
}

}  // namespace tlblab::report
