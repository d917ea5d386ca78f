// SPDX-License-Identifier: GPL-2.0-only
// `tlblab check` where there is no module, and with bad options.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/cli/process.hh"

namespace tlblab::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(Check, WithoutTheModuleSaysWhatIsMissing) {
  if (std::filesystem::exists("/dev/tlblab")) GTEST_SKIP() << "the module is loaded";
  const Folder folder;
  const Outcome outcome = run_tlblab({"check", "--quick"}, folder);
  EXPECT_EQ(outcome.status, 6) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("the module tlblab is not loaded"));
  EXPECT_THAT(outcome.err, HasSubstr("`tlblab check` works on the module's own memory"));
  EXPECT_EQ(outcome.out, "");
  EXPECT_FALSE(std::filesystem::exists(folder.path("results"))) << "nothing was checked";
}

/// Status 2 before the module is looked for.
TEST(Check, RefusesBadOptions) {
  const Folder folder;
  const std::vector<std::pair<std::vector<std::string>, std::string>> bad = {
      {{"--shape", "4"}, "shape"},
      {{"--seconds", "0"}, "seconds"},
      {{"--rounds", "0"}, "rounds"},
      {{"--rounds", "3", "--seconds", "1"}, "--rounds"},
      {{"--quick", "--rounds", "3"}, "--quick"},
      {{"--schemes"}, "--schemes"},
      {{"--schemes", "munmap:merged"}, "munmap:merged"},
      {{"--schemes", "unmap:merged", "unmap:full-mm,exact"}, "exact"},
      {{"--cpus", "100000"}, "100000"},
      {{"--frobnicate"}, "frobnicate"},
  };
  for (const auto& [options, words] : bad) {
    std::vector<std::string> command = {"check"};
    command.insert(command.end(), options.begin(), options.end());
    const Outcome outcome = run_tlblab(command, folder);
    EXPECT_EQ(outcome.status, 2) << words << ": " << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(words));
    EXPECT_THAT(outcome.err, HasSubstr("\n        ")) << "no advice";
  }
}

TEST(Check, IsInTheHelp) {
  const Folder folder;
  EXPECT_THAT(run_tlblab({"--help"}, folder).out, HasSubstr("check"));
  const Outcome help = run_tlblab({"check", "--help"}, folder);
  EXPECT_EQ(help.status, 0);
  for (const char* option : {"--quick", "--schemes", "--rounds", "--write", "--output"}) {
    EXPECT_THAT(help.out, HasSubstr(option));
  }
}

/// A study's file of this machine, and a check's as the module would have left it: one fault that
/// is caught, and one scheme that is clean.
class CheckReport : public testing::Test {
 protected:
  CheckReport() {
    const Outcome measured =
        run_tlblab({"ab", "munmap:per-vma", "munmap:merged", "--shape", "2x2", "--responders", "0",
                    "--min-seconds", "0", "--max-seconds", "0.01", "--output", "study.jsonl.zst"},
                   folder_);
    EXPECT_TRUE(std::filesystem::exists(folder_.path("study.jsonl.zst"))) << measured.err;
    const std::string study = read_result(folder_.path("study.jsonl.zst"));
    header_ = json::parse(study.substr(0, study.find('\n')));
    header_.erase("plan");
    header_["check"] = {{"vmas", 6},      {"pages", 2},     {"gap", 1},
                        {"cpus", {0, 1}}, {"seconds", 0.2}, {"rounds", 0},
                        {"write", false}, {"cells", 2},     {"faulty_scheme", "unmap:merged"}};
    check_ = folder_.write("check.jsonl", header_.dump() + "\n" + cell(true).dump() + "\n" +
                                              cell(false).dump() + "\n");
  }

  static json cell(bool has_fault) {
    const json none = {{"released frame", 0}, {"foreign data", 0}, {"read after return", 0}};
    json record = {{"record", "checked"},
                   {"scheme", "unmap:merged"},
                   {"load", "1 initiator"},
                   {"rounds", 40},
                   {"witnessed_rounds", 39},
                   {"eligible_reads", 812},
                   {"reads", none},
                   {"rounds_seen", none},
                   {"stale_writes", 0},
                   {"witnesses", {{{"cpu", 1}, {"not_loaded", 1}, {"not_running", 0}}}},
                   {"not_run", ""},
                   {"bad_reads", json::array()}};
    if (!has_fault) return record;
    record["fault"] = {{"name", "no-flush"},
                       {"meaning", "no flush is made"},
                       {"sought", "released frame"},
                       {"first_catch", 1},
                       {"first_catch_seconds", 0.01}};
    record["rounds_seen"]["released frame"] = 12;
    return record;
  }

  Folder folder_;
  std::string check_;
  json header_;
};

TEST_F(CheckReport, OfACheckAlone) {
  const Outcome outcome = run_tlblab({"report", check_}, folder_);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("clean: every planted fault was caught"));
  EXPECT_THAT(read_file(folder_.path("check.html")), HasSubstr("Is it correct?"));
  EXPECT_THAT(read_file(folder_.path("check.md")), HasSubstr("caught in 12 of 40 rounds"));
  EXPECT_THAT(run_tlblab({"report", "--mail", check_}, folder_).out,
              HasSubstr("none seen in 812 eligible reads"));
  const json summary = json::parse(run_tlblab({"report", "--json", check_}, folder_).out);
  EXPECT_EQ(summary.at("status"), 0);
}

TEST_F(CheckReport, StandsInTheStudysReport) {
  const Outcome outcome = run_tlblab({"report", "study.jsonl.zst", check_}, folder_);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(read_file(folder_.path("study.html")), HasSubstr("Is it correct?"));
  EXPECT_FALSE(std::filesystem::exists(folder_.path("check.html")));
  EXPECT_THAT(run_tlblab({"report", "--mail", "study.jsonl.zst", check_}, folder_).out,
              HasSubstr("Is it correct?"));
}

TEST_F(CheckReport, HasNoMetrics) {
  const Outcome outcome =
      run_tlblab({"report", "--openmetrics", "study.jsonl.zst", check_}, folder_);
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("Leave it out"));
  EXPECT_EQ(outcome.out, "");
}

TEST_F(CheckReport, OfAnotherMachineIsRefused) {
  header_["machine"]["kernel"] = "9.9.9";
  const std::string other = folder_.write("other.jsonl", header_.dump() + "\n");
  const Outcome outcome = run_tlblab({"report", "study.jsonl.zst", other}, folder_);
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("another machine or kernel"));
}

}  // namespace
}  // namespace tlblab::cli
