// SPDX-License-Identifier: GPL-2.0-only
// Bad input: each gets status 2 and a message that says what to do instead; nothing is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/process.hh"

namespace tlblab::cli {
namespace {

using testing::HasSubstr;

constexpr int kUsage = 2;

/// Status 2, the message, and advice on a second line.
void expect_refused(const Outcome& outcome, const std::string& words) {
  EXPECT_EQ(outcome.status, kUsage) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr(words));
  EXPECT_THAT(outcome.err, HasSubstr("\n        ")) << "no advice";
}

TEST(BadInput, UnknownCommandsAndOptions) {
  const Folder folder;
  expect_refused(run_tlblab({}, folder), "subcommand is required");
  expect_refused(run_tlblab({"frobnicate"}, folder), "frobnicate");
  expect_refused(run_tlblab({"info", "--frobnicate"}, folder), "frobnicate");
  expect_refused(run_tlblab({"run"}, folder), "SCHEME");
  expect_refused(run_tlblab({"run", "munmap:merged", "--sessions", "0"}, folder), "sessions");
}

/// Help and the check name the same least number.
TEST(BadInput, TooFewReplays) {
  const Folder folder;
  expect_refused(run_tlblab({"selftest", "--replays", "399", "missing.jsonl"}, folder), "400 to");
  expect_refused(run_tlblab({"selftest", "--replays", "400", "missing.jsonl"}, folder), "missing");
  EXPECT_THAT(run_tlblab({"selftest", "--help"}, folder).out, HasSubstr("[400 -"));
}

TEST(BadInput, NonsenseShapes) {
  const Folder folder;
  for (const char* shape : {"", "x", "4", "16x", "x4", "-1x4", "16x4+", "16x4+-1", "0x4", "4x0",
                            "16x4+0", "99999999999x1", "16384x4096", "1x5000", "16x4 ", "2x2x2"}) {
    const Outcome outcome =
        run_tlblab({"run", "munmap:merged", std::string("--shape=") + shape}, folder);
    EXPECT_EQ(outcome.status, kUsage) << shape << ": " << outcome.err;
    EXPECT_FALSE(std::filesystem::exists(folder.path("results"))) << shape;
  }
}

TEST(BadInput, UnknownSchemesAndCpus) {
  const Folder folder;
  expect_refused(run_tlblab({"run", "munmap:sideways"}, folder), "munmap:sideways");
  expect_refused(run_tlblab({"ab", "munmap:merged", "lab/unmap:sideways"}, folder), "lab/unmap");
  expect_refused(run_tlblab({"run", "munmap:merged", "--cpus", "0-"}, folder), "0-");
  expect_refused(run_tlblab({"run", "munmap:merged", "--cpus", "100000"}, folder), "100000");
  expect_refused(run_tlblab({"run", "munmap:merged", "--cpus", ""}, folder), "\"\" is not a list");
  expect_refused(run_tlblab({"doctor", "--cpus", ""}, folder), "\"\" is not a list");
  expect_refused(run_tlblab({"check", "--cpus", ""}, folder), "\"\" is not a list");
  expect_refused(run_tlblab({"run", "munmap:merged", "--responders", "many"}, folder), "many");
  expect_refused(run_tlblab({"run", "munmap:merged", "--responders", "100000"}, folder), "100000");
}

/// Refused as bad input whether or not the module is loaded.
TEST(BadInput, ParametersOfTheLab) {
  const Folder folder;
  expect_refused(run_tlblab({"run", "lab/unmap:merged,eager"}, folder), "\"eager\"");
  expect_refused(run_tlblab({"run", "unmap:merged,batch=0"}, folder), "batch=0");
  expect_refused(run_tlblab({"run", "unmap:full-mm,exact"}, folder), "exact");
  expect_refused(run_tlblab({"run", "munmap:merged,exact"}, folder), "munmap:merged,exact");
  EXPECT_THAT(run_tlblab({"run", "unmap:merged,eager"}, folder).err,
              HasSubstr("exact, batch=N, ceiling=N, dsb-each"));
}

TEST(BadInput, StudyFiles) {
  const Folder folder;
  const std::string good =
      "name = 'x'\nquestion = 'y?'\ncompare = ['munmap:per-vma', 'munmap:merged']\n";
  const std::string cell = "[[cells]]\nvmas = 2\npages = 1\nresponders = 0\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"name = ", ":1:"},
      {"question = 'y?'\n" + cell, "name is missing"},
      {good, "no [[cells]]"},
      {good + "flavour = 'mild'\n" + cell, "unknown key \"flavour\""},
      {good + cell + "colour = 1\n", "unknown key \"colour\""},
      {good + "[[cells]]\nvmas = 'two'\npages = 1\nresponders = 0\n", "vmas takes counts"},
      {good + "[[cells]]\nvmas = 0\npages = 1\nresponders = 0\n", "vmas takes counts"},
      {good + "[[cells]]\nvmas = []\npages = 1\nresponders = 0\n", "empty list"},
      {good + "[[cells]]\nvmas = 2\npages = 1\nresponders = 'some'\n", "responders takes"},
      {good + "[[cells]]\nvmas = 2\npages = 1\ngap = 0\nresponders = 0\n", "no gap"},
      {good + "compare = ['a']\n" + cell, ":"},
      {"name = 'x'\nquestion = 'y?'\ncompare = ['munmap:merged']\n" + cell, "two schemes"},
      {"name = 'x'\nquestion = 'y?'\ncompare = ['no:such', 'munmap:merged']\n" + cell, "no:such"},
      {good + "width_percent = -1\n" + cell, "width_percent must be"},
      {good + "passes = ['time']\n" + cell, "passes takes"},
      {good + cell + "passes = 'naps'\n", "passes takes"},
      {good + "sessions = 1.5\n" + cell, "sessions must be"},
      {good + "headline = { vmas = 3, pages = 1, responders = 0 }\n" + cell,
       "headline is not among"},
  };
  for (const auto& [text, words] : cases) {
    const std::string file = folder.write("study.toml", text);
    const Outcome outcome = run_tlblab({"study", file}, folder);
    expect_refused(outcome, words);
    EXPECT_FALSE(std::filesystem::exists(folder.path("results"))) << text;
  }
  expect_refused(run_tlblab({"study", "no-such-study"}, folder), "no-such-study");
}

TEST(BadInput, ResultFiles) {
  const Folder folder;
  expect_refused(run_tlblab({"report", "missing.jsonl"}, folder), "missing.jsonl");
  expect_refused(run_tlblab({"report", folder.path()}, folder), "cannot");
  expect_refused(run_tlblab({"report", folder.write("empty", "")}, folder), "is empty");
  expect_refused(run_tlblab({"report", folder.write("foreign", "hello\nworld\n")}, folder),
                 "not a tlblab result file");
  expect_refused(run_tlblab({"report", folder.write("other", "{\"a\":1}\n")}, folder),
                 "not a tlblab result file");
  expect_refused(run_tlblab({"report", folder.write("newer",
                                                    "{\"record\":\"header\",\"schema\":99,"
                                                    "\"plan\":{\"cells\":[]}}\n")},
                            folder),
                 "schema 99");
  expect_refused(run_tlblab({"report", folder.write("bare",
                                                    "{\"record\":\"header\",\"schema\":1,"
                                                    "\"plan\":{\"cells\":[]}}\n")},
                            folder),
                 "bad header");
  expect_refused(run_tlblab({"selftest", "missing.jsonl"}, folder), "missing.jsonl");
  expect_refused(run_tlblab({"report", "--mail", "--json", "missing.jsonl"}, folder), "excludes");
  expect_refused(run_tlblab({"report", "--mail", "--markdown", "x.jsonl"}, folder), "excludes");
}

}  // namespace
}  // namespace tlblab::cli
