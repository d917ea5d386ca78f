// SPDX-License-Identifier: GPL-2.0-only
// OpenMetrics text is read by a strict little reader, which is shown to see each fault.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/openmetrics_checks.hh"
#include "tests/unit/report_fixture.hh"
#include "user/report/document/format.hh"
#include "user/report/openmetrics.hh"

namespace tlblab::report {
namespace {

using openmetrics::Sample;

std::string text_of(const StudyResult& study) {
  const StudyOfFile of{"some file.jsonl", &study};
  return render_openmetrics(std::span(&of, 1));
}

/// Fails the test where the text is not OpenMetrics.
std::vector<Sample> samples_of(const std::string& text) {
  const openmetrics::Text read = openmetrics::read(text);
  for (const std::string& fault : read.faults) ADD_FAILURE() << fault;
  return read.samples;
}

/// Values of the samples of that name which have all these labels.
std::vector<double> values(const std::vector<Sample>& samples, const std::string& name,
                           const std::map<std::string, std::string>& labels = {}) {
  std::vector<double> found;
  for (const Sample& sample : samples) {
    const bool matches =
        sample.name == name && std::all_of(labels.begin(), labels.end(), [&](const auto& label) {
          const auto at = sample.labels.find(label.first);
          return at != sample.labels.end() && at->second == label.second;
        });
    if (matches) found.push_back(sample.value);
  }
  return found;
}

TEST(ReportOpenmetrics, EveryCellsNumbersInBaseUnits) {
  const StudyResult study = fixture::single_cell();
  const CellResult& cell = study.cells.front();
  const std::vector<Sample> samples = samples_of(text_of(study));
  const auto only = [&](const std::string& name, std::map<std::string, std::string> labels) {
    labels["cell"] = cell.plan.id;
    labels["file"] = "some file.jsonl";
    const std::vector<double> found = values(samples, name, labels);
    EXPECT_EQ(found.size(), 1U) << name;
    return found.empty() ? std::nan("") : found.front();
  };
  const auto expect = [&](double value, double wanted) {
    EXPECT_NEAR(value, wanted, 1e-9 * std::abs(wanted));
  };
  expect(only("tlblab_ab_ratio", {{"bound", "estimate"}}), cell.ratio.estimate);
  expect(only("tlblab_ab_ratio", {{"bound", "low"}}), cell.ratio.low);
  expect(only("tlblab_ab_ratio", {{"bound", "high"}}), cell.ratio.high);
  expect(only("tlblab_difference_seconds", {{"bound", "low"}}), cell.difference_ns.low * 1e-9);
  expect(only("tlblab_latency_seconds", {{"arm", "A"}, {"bound", "estimate"}}),
         cell.a.latency_ns.estimate * 1e-9);
  expect(only("tlblab_latency_seconds", {{"arm", "B"}, {"bound", "high"}}),
         cell.b.latency_ns.high * 1e-9);
  expect(only("tlblab_stolen_seconds", {{"arm", "B"}, {"bound", "estimate"}}),
         cell.b.stolen_ns.estimate * 1e-9);
  expect(only("tlblab_interrupts", {{"arm", "A"}, {"source", "TLB"}}),
         cell.a.responder_counts.at("TLB").mean);
  EXPECT_EQ(only("tlblab_trials", {{"arm", "A"}, {"scheme", "syscall/munmap:per-vma"}}), 20480);
  EXPECT_EQ(only("tlblab_trials_set_apart", {{"arm", "A"}, {"reason", "stalled"}}), 7);
  EXPECT_EQ(only("tlblab_verdict", {{"tlblab_verdict", "different"}}), 1);
  EXPECT_EQ(only("tlblab_verdict", {{"tlblab_verdict", "void"}}), 0);
  only("tlblab_cell_info", {{"responders", "1"}, {"distance", "same L3 cache"}, {"timed", "yes"}});
  EXPECT_EQ(values(samples, "tlblab_machine_info", {{"kind", "virtual machine"}}).size(), 1U);
  EXPECT_EQ(values(samples, "tlblab_study_info", {{"study", "ab"}}).size(), 1U);
}

TEST(ReportOpenmetrics, EveryKindOfStudyIsWellFormed) {
  for (const StudyResult& study :
       {fixture::study(2), fixture::many_responders(), fixture::one_scheme(), fixture::emulated(),
        fixture::empty(), fixture::nothing_usable(), fixture::hostile()}) {
    EXPECT_FALSE(samples_of(text_of(study)).empty());
  }
}

TEST(ReportOpenmetrics, SeveralStudiesAreOneText) {
  const StudyResult study = fixture::study(2);
  const std::vector<StudyOfFile> both{{"one", &study}, {"other", &study}};
  const std::vector<Sample> samples = samples_of(render_openmetrics(both));
  EXPECT_EQ(values(samples, "tlblab_cell_info", {{"file", "one"}}).size(), study.cells.size());
  EXPECT_EQ(values(samples, "tlblab_cell_info", {{"file", "other"}}).size(), study.cells.size());
}

TEST(ReportOpenmetrics, WhatIsUnknownIsAbsentAndNeverZero) {
  const StudyResult unusable = fixture::nothing_usable();
  std::vector<Sample> samples = samples_of(text_of(unusable));
  for (const char* name : {"tlblab_ab_ratio", "tlblab_difference_seconds", "tlblab_latency_seconds",
                           "tlblab_stolen_seconds"}) {
    EXPECT_TRUE(values(samples, name).empty()) << name;
  }
  EXPECT_EQ(values(samples, "tlblab_trials"), (std::vector<double>{0, 0})) << "it is known";

  StudyResult uncounted = fixture::single_cell();
  CellResult& cell = uncounted.cells.front();
  cell.b.responder_counts.clear();
  cell.ratio.low = -fixture::kInfinity;
  cell.ratio.high = fixture::kInfinity;
  samples = samples_of(text_of(uncounted));
  EXPECT_EQ(values(samples, "tlblab_interrupts", {{"arm", "A"}}).size(), 1U);
  EXPECT_TRUE(values(samples, "tlblab_interrupts", {{"arm", "B"}}).empty());
  EXPECT_EQ(values(samples, "tlblab_ab_ratio").size(), 1U) << "no interval is claimed";

  cell.plan.nr_responders = 0;
  samples = samples_of(text_of(uncounted));
  EXPECT_TRUE(values(samples, "tlblab_stolen_seconds").empty()) << "there is nobody to steal from";
}

TEST(ReportOpenmetrics, ATimeThatMayNotBeShownIsAbsent) {
  for (const std::string name :
       {"tlblab_ab_ratio", "tlblab_difference_seconds", "tlblab_latency_seconds",
        "tlblab_stolen_seconds", "tlblab_verdict"}) {
    EXPECT_TRUE(values(samples_of(text_of(fixture::emulated())), name).empty()) << name;
    StudyResult study = fixture::study(2);
    study.cells.front().untimed = "it has no twin";
    const std::string hidden = study.cells.front().plan.id;
    const std::vector<Sample> samples = samples_of(text_of(study));
    EXPECT_TRUE(values(samples, name, {{"cell", hidden}}).empty()) << name;
    EXPECT_FALSE(values(samples, name).empty()) << name;
  }
  StudyResult wrong = fixture::emulated();
  CellResult& cell = wrong.cells.front();
  cell.miscount = "A made 17 requests of 16";
  cell.verdict = statistics::Verdict::kVoid;
  EXPECT_EQ(values(samples_of(text_of(wrong)), "tlblab_verdict", {{"tlblab_verdict", "void"}}),
            std::vector<double>{1});
}

TEST(ReportOpenmetrics, LabelsComeBackAsTheyWere) {
  StudyResult study = fixture::single_cell();
  study.machine_line = "a \"quoted\" back\\slash, \\n is no end of line, é";
  study.plan.question = "two\nlines";
  const std::vector<Sample> samples = samples_of(text_of(study));
  EXPECT_EQ(values(samples, "tlblab_machine_info", {{"description", study.machine_line}}).size(),
            1U);
  EXPECT_EQ(values(samples, "tlblab_study_info", {{"question", "two lines"}}).size(), 1U);
}

/// The planted faults: a good text, in which one thing is replaced.
TEST(ReportOpenmetrics, TheReaderSeesEachFault) {
  const std::string good =
      "# TYPE a_seconds gauge\n# UNIT a_seconds seconds\n# HELP a_seconds Some \\\"help\\\".\n"
      "a_seconds{x=\"1\",y=\"q\\\"\"} 1.5e-05\na_seconds{x=\"2\"} 2\n"
      "# TYPE b info\n# HELP b Words.\nb_info{x=\"1\"} 1\n"
      "# TYPE c stateset\n# HELP c States.\nc{c=\"on\"} 1\nc{c=\"off\"} 0\n# EOF\n";
  EXPECT_TRUE(openmetrics::read(good).faults.empty());
  struct Planted {
    const char* what;
    const char* instead;
    const char* rule;
  };
  for (const auto& [what, instead, rule] : {
           Planted{"# EOF\n", "", "no end"},
           {"# EOF\n", "# EOF", "no end"},
           {"# EOF\n", "# EOF\nb_info{x=\"9\"} 1\n", "after the end"},
           {"# TYPE b info\n# HELP b Words.\n", "", "not declared"},
           {"b_info", "a_seconds", "not declared"},  // among another family's
           {"b_info", "b", "suffix"},
           {"c{c=\"on\"}", "c_info{c=\"on\"}", "suffix"},
           {"# TYPE b info", "# TYPE b text", "type"},
           {"# TYPE b info", "# TYPE a_seconds gauge", "declared twice"},
           {"# UNIT a_seconds seconds", "# UNIT a_seconds ns", "unit"},
           {"# UNIT a_seconds seconds\n", "", "no unit"},
           {"# HELP b ", "# HELP c ", "belongs to another family"},
           {"Some \\\"", "Some \"", "help"},
           {"# HELP b Words.", "# HELP b Words.\n# HELP b More.", "help"},
           {"# HELP b Words.", "# a comment of b", "belongs to another family"},
           {"q\\\"", "q\"", "syntax"},
           {"q\\\"", "q\\", "syntax"},
           {"q\\\"", "q\\t", "syntax"},
           {"y=", "x=", "syntax"},
           {"y=", "1y=", "syntax"},
           {"1.5e-05", "1.5 us", "syntax"},
           {"1.5e-05", "", "syntax"},
           {"1.5e-05", "NaN", "no number"},
           {"1.5e-05", "+Inf", "no number"},
           {"b_info{x=\"1\"} 1", "b_info{x=\"1\"} 2", "info"},
           {"c{c=\"on\"} 1", "c{c=\"on\"} 3", "stateset"},
           {"c{c=\"on\"}", "c{d=\"on\"}", "stateset"},
           {"{x=\"2\"}", "{x=\"1\",y=\"q\\\"\"}", "twice"},
       }) {
    std::string text = good;
    const std::size_t at = text.find(what);
    ASSERT_NE(at, std::string::npos) << what;
    text.replace(at, std::string(what).size(), instead);
    const std::vector<std::string> faults = openmetrics::read(text).faults;
    ASSERT_FALSE(faults.empty()) << rule << ": " << instead;
    EXPECT_TRUE(std::any_of(faults.begin(), faults.end(),
                            [&](const std::string& fault) {
                              return fault.compare(0, std::string(rule).size() + 1,
                                                   std::string(rule) + ":") == 0;
                            }))
        << rule << ": " << instead << ": " << faults.front();
  }
}

}  // namespace
}  // namespace tlblab::report
