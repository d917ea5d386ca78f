// SPDX-License-Identifier: GPL-2.0-only
// Reports from a real recording: the files a user gets, and other people's tools reading them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "tests/cli/process.hh"

namespace tlblab::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

/// An A/A recording made by this tool on a real machine; see tests/data/README.md.
std::string recording() {
  return (std::filesystem::path(tlblab()).parent_path().parent_path() / "tests" / "data" /
          "recording.jsonl.gz")
      .string();
}

TEST(Report, IsOnePageThatNeedsNoNetwork) {
  const Folder folder;
  const Outcome outcome = run_tlblab({"report", "--output", "page", recording()}, folder);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::string page = read_file(folder.path("page/recording.html"));
  EXPECT_THAT(page, HasSubstr("<svg"));
  EXPECT_THAT(page, HasSubstr("viewport"));
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme"));
  EXPECT_FALSE(std::regex_search(page, std::regex("(src|href)=[\"'](https?:)?//|@import|<script")));
  for (const char* name : {"recording.md", "recording.svg", "recording.benchmark.json"}) {
    EXPECT_FALSE(read_file(folder.path(std::string("page/") + name)).empty()) << name;
  }
}

TEST(Report, IsTheSameEachTime) {
  const Folder folder;
  ASSERT_EQ(run_tlblab({"report", "--output", "first", recording()}, folder).status, 0);
  ASSERT_EQ(run_tlblab({"report", "--output", "second", recording()}, folder).status, 0);
  for (const auto& entry : std::filesystem::directory_iterator(folder.path("first"))) {
    const std::string name = entry.path().filename();
    EXPECT_EQ(read_file(entry.path()), read_file(folder.path("second/" + name))) << name;
  }
}

TEST(Report, MailFitsSeventyTwoColumns) {
  const Folder folder;
  const Outcome outcome = run_tlblab({"report", "--mail", recording()}, folder);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  std::istringstream lines(outcome.out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 72U) << line;
}

TEST(Report, MarkdownGoesToStandardOutput) {
  const Folder folder;
  const Outcome outcome = run(
      {"/usr/bin/env", "PATH=/nonexistent", tlblab(), "report", "--markdown", recording()}, folder);
  ASSERT_EQ(outcome.status, 0) << outcome.err << " (it needs no gnuplot)";
  ASSERT_EQ(run_tlblab({"report", "--output", "page", recording()}, folder).status, 0);
  const std::string line = "\n## Who pays\n";
  EXPECT_THAT(outcome.out, HasSubstr(line));
  EXPECT_THAT(read_file(folder.path("page/recording.md")), HasSubstr(line));
  EXPECT_THAT(outcome.out, Not(HasSubstr(".svg")));
}

TEST(Report, OpenMetricsGoToStandardOutput) {
  const Folder folder;
  const Outcome outcome =
      run({"/usr/bin/env", "PATH=/nonexistent", tlblab(), "report", "--openmetrics", recording()},
          folder);
  ASSERT_EQ(outcome.status, 0) << outcome.err << " (it needs no gnuplot)";
  EXPECT_THAT(outcome.out, HasSubstr("# UNIT tlblab_latency_seconds seconds\n"));
  EXPECT_THAT(outcome.out, HasSubstr("distance=\"unknown\"")) << "an early file";
  EXPECT_THAT(outcome.out, testing::EndsWith("\n# EOF\n"));
}

TEST(Report, OneFormAtATime) {
  const Folder folder;
  const std::vector<std::string> forms = {"--mail", "--markdown", "--openmetrics", "--json"};
  for (const std::string& one : forms) {
    for (const std::string& other : forms) {
      if (one == other) continue;
      const Outcome outcome = run_tlblab({"report", one, other, recording()}, folder);
      EXPECT_EQ(outcome.status, 2) << one << " " << other;
      EXPECT_THAT(outcome.err, HasSubstr("excludes")) << one << " " << other;
      EXPECT_EQ(outcome.out, "") << one << " " << other;
    }
  }
}

TEST(Report, SummaryIsJsonWithEveryCell) {
  const Folder folder;
  const Outcome outcome = run_tlblab({"report", "--json", recording()}, folder);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const json summary = json::parse(outcome.out);
  EXPECT_TRUE(summary.at("complete"));
  EXPECT_EQ(summary.at("cells").size(), 1U);
  EXPECT_NE(summary.at("cells").at(0).at("verdict"), "different") << "A/A";
  EXPECT_EQ(summary.at("cells").at(0).at("distances"),
            json::parse(R"([{"responders":1,"distance":"unknown"}])"))
      << "an early file";
}

TEST(Report, SummaryOfSeveralFilesIsOneDocument) {
  const Folder folder;
  const std::string other = std::regex_replace(run({"zcat", recording()}, folder).out,
                                               std::regex("\"question\": *\""), "$&Another: ");
  const Outcome outcome =
      run_tlblab({"report", "--json", recording(), folder.write("other.jsonl", other)}, folder);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const json summaries = json::parse(outcome.out);
  ASSERT_EQ(summaries.size(), 2U);
  for (const json& summary : summaries) EXPECT_TRUE(summary.contains("answer"));
}

TEST(Report, PoolsFilesOfOnePlanButNoFileWithItself) {
  const Folder folder;
  const std::string other =  // a later run of the plan
      std::regex_replace(run({"zcat", recording()}, folder).out, std::regex("\"seed\": *"), "$&9");
  const Outcome pooled =
      run_tlblab({"report", "--json", recording(), folder.write("other.jsonl", other)}, folder);
  ASSERT_EQ(pooled.status, 0) << pooled.err;
  EXPECT_THAT(pooled.err, HasSubstr("pooled: 2 files of one plan"));
  EXPECT_EQ(json::parse(pooled.out).at("cells").at(0).at("sessions").size(), 2U);

  const Outcome twice = run_tlblab({"report", "--json", recording(), recording()}, folder);
  EXPECT_EQ(twice.status, 2);
  EXPECT_THAT(twice.err, HasSubstr("Name each of them once"));
}

TEST(ManPage, HasEveryCommandWithItsOptions) {
  const Folder folder;
  const Outcome outcome = run_tlblab({"man"}, folder);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, testing::StartsWith(".TH TLBLAB 1"));
  EXPECT_THAT(outcome.out, HasSubstr("\n.SH ab\n"));
  EXPECT_THAT(outcome.out, HasSubstr("Usage: tlblab ab [OPTIONS] A B\n"));
  EXPECT_THAT(outcome.out, HasSubstr("\\-\\-equivalence"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("measure\\-cell"))) << "not for people";
}

/// As bash asks: the words so far, and which of them is being typed.
TEST(Completion, KnowsCommandsAndTheirOptions) {
  const Folder folder;
  const auto completed = [&](const std::string& words, int at) {
    const std::string script = "source <('" + tlblab() + "' completion); COMP_WORDS=(" + words +
                               "); COMP_CWORD=" + std::to_string(at) +
                               "; _tlblab; echo \"${COMPREPLY[*]}\"";
    const Outcome outcome = run({"bash", "-c", script}, folder);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return outcome.out;
  };
  EXPECT_EQ(completed("tlblab re", 1), "report\n");
  EXPECT_EQ(completed("tlblab report --ma", 2), "--mail --markdown\n");
  EXPECT_EQ(completed("tlblab ab --du", 2), "\n");
  EXPECT_EQ(completed("tlblab ab --wid", 2), "--width\n");
}

TEST(Report, GoogleBenchmarksCompareReadsTheSummary) {
  const Folder folder;
  ASSERT_EQ(run_tlblab({"report", "--output", "page", recording()}, folder).status, 0);
  const char* compare = "/usr/share/benchmark/compare.py";
  if (!std::filesystem::exists(compare)) GTEST_SKIP() << "libbenchmark-tools is not installed";
  const std::string file = "page/recording.benchmark.json";
  const Outcome outcome = run({"/usr/bin/python3", compare, "benchmarks", file, file}, folder);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("munmap:per-vma"));
}

TEST(Report, SaysWhatToInstallWithoutGnuplot) {
  const Folder folder;
  const Outcome outcome = run(
      {"/usr/bin/env", "PATH=/nonexistent", tlblab(), "report", "--output", "page", recording()},
      folder);
  EXPECT_EQ(outcome.status, 6);
  EXPECT_THAT(outcome.err, HasSubstr("gnuplot-nox"));
  // What needs no figure was written all the same.
  EXPECT_THAT(read_file(folder.path("page/recording.md")), HasSubstr("munmap:per-vma"));
  EXPECT_FALSE(read_file(folder.path("page/recording.benchmark.json")).empty());
  EXPECT_FALSE(std::filesystem::exists(folder.path("page/recording.html")));
}

}  // namespace
}  // namespace tlblab::cli
