// SPDX-License-Identifier: GPL-2.0-only
// `tlblab check` where there is no module, and with bad options.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/cli/process.hh"

namespace tlblab::cli {
namespace {

using testing::HasSubstr;

TEST(Check, WithoutTheModuleSaysWhatIsMissing) {
  if (std::filesystem::exists("/dev/tlblab")) GTEST_SKIP() << "the module is loaded";
  const Folder folder;
  const Outcome outcome = run_tlblab({"check", "--quick"}, folder);
  EXPECT_EQ(outcome.status, 6) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("the module tlblab is not loaded"));
  EXPECT_THAT(outcome.err, HasSubstr("`tlblab check` works on the module's own memory"));
  EXPECT_EQ(outcome.out, "");
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
  for (const char* option : {"--quick", "--schemes", "--rounds", "--write"}) {
    EXPECT_THAT(help.out, HasSubstr(option));
  }
}

}  // namespace
}  // namespace tlblab::cli
