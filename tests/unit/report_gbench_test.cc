// SPDX-License-Identifier: GPL-2.0-only
// The summary has what Google Benchmark's compare.py reads.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/unit/report_fixture.hh"
#include "user/report/gbench.hh"

namespace tlblab::report {
namespace {

using nlohmann::json;

TEST(ReportGbench, AnEntryPerCellSchemeAndSession) {
  const StudyResult study = fixture::study(2);
  const json file = json::parse(render_gbench(study));
  const json& entries = file.at("benchmarks");
  EXPECT_EQ(entries.size(), study.cells.size() * 2 * 2);
  for (const json& entry : entries) {
    EXPECT_EQ(entry.at("run_type"), "iteration");
    EXPECT_EQ(entry.at("time_unit"), "ns");
    EXPECT_GT(entry.at("real_time").get<double>(), 0);
    EXPECT_EQ(entry.at("cpu_time"), entry.at("real_time"));
    EXPECT_EQ(entry.at("repetitions"), 2);
    EXPECT_EQ(entry.at("iterations"), 64 * 32);
    EXPECT_EQ(entry.at("threads"), 1);
    EXPECT_EQ(entry.at("run_name"), entry.at("name"));
  }
}

TEST(ReportGbench, NamesLetTwoSchemesBeFiltered) {
  const StudyResult study = fixture::single_cell();
  const json file = json::parse(render_gbench(study));
  const json& entries = file.at("benchmarks");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].at("name"), "syscall/munmap:per-vma/16x4+1/R1");
  EXPECT_EQ(entries[1].at("name"), "syscall/munmap:merged/16x4+1/R1");
  const SessionResult& session = study.cells.front().sessions.front();
  EXPECT_DOUBLE_EQ(entries[0].at("real_time").get<double>(), session.level_a_ns);
  EXPECT_DOUBLE_EQ(entries[1].at("real_time").get<double>(), session.level_b_ns);
}

TEST(ReportGbench, RepetitionsOfANameAreNumberedOnce) {
  StudyResult study = fixture::study(2);
  study.cells.push_back(study.cells.front());  // one scheme in two pairs
  const json file = json::parse(render_gbench(study));
  std::map<std::string, std::set<int>> seen;
  for (const json& entry : file.at("benchmarks")) {
    const std::string name = entry.at("name");
    EXPECT_TRUE(seen[name].insert(entry.at("repetition_index").get<int>()).second) << name;
    EXPECT_LT(entry.at("repetition_index").get<int>(), entry.at("repetitions").get<int>());
  }
}

TEST(ReportGbench, TheTwoArmsOfAControlAreNotRepetitions) {
  const std::string text = render_gbench(fixture::study(2));
  EXPECT_NE(text.find("/same:A\""), std::string::npos);
  EXPECT_NE(text.find("/same:B\""), std::string::npos);
}

TEST(ReportGbench, AnEmulatedStudyHasNoTime) {
  const json file = json::parse(render_gbench(fixture::emulated()));
  EXPECT_TRUE(file.at("benchmarks").empty());
  EXPECT_NE(file.at("context").at("tlblab_note").get<std::string>().find("emulated"),
            std::string::npos);
}

TEST(ReportGbench, HostileTextIsStillJson) {
  EXPECT_NO_THROW(json::parse(render_gbench(fixture::hostile())).size());
}

}  // namespace
}  // namespace tlblab::report
