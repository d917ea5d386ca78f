// SPDX-License-Identifier: GPL-2.0-only
// `tlblab export`: what other people's programs read of a result file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/cli/process.hh"
#include "tests/cli/result_lines.hh"

namespace tlblab::cli {
namespace {

using testing::HasSubstr;

/// What Python's csv module makes of `tlblab export` with `arguments`: JSON, a list for each row.
json exported(const std::vector<std::string>& arguments, const Folder& folder) {
  std::string command = tlblab() + " export";
  for (const std::string& argument : arguments) command += " '" + argument + "'";
  command +=
      " | python3 -c 'import csv, json, sys; json.dump(list(csv.reader(sys.stdin)), sys.stdout)'";
  const Outcome outcome = run({"bash", "-o", "pipefail", "-c", command}, folder);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  return json::parse(outcome.out);
}

/// The first column of that name.
std::size_t column(const json& table, const std::string& name) {
  const auto& names = table.at(0);
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

TEST(Export, HasEveryTrialAsItStandsInTheFile) {
  const Folder folder;
  const std::string file = folder.path("out.jsonl.zst");
  run_tlblab({"ab", "munmap:per-vma", "munmap:merged", "--shape", "2x1", "--min-seconds", "0.2",
              "--max-seconds", "0.2", "--output", file},
             folder);
  const ResultLines lines(read_result(file));
  const json table = exported({file}, folder);
  ASSERT_EQ(table.size(), lines.trials.size() + 1);
  for (std::size_t i = 0; i < lines.trials.size(); ++i) {
    const json& row = table.at(i + 1);
    const json& trial = lines.trials[i];
    EXPECT_EQ(row.size(), table.at(0).size());
    EXPECT_EQ(row.at(column(table, "arm")), trial.at(5));
    EXPECT_EQ(row.at(column(table, "latency_ns")), trial.at(6).dump());
    EXPECT_EQ(row.at(column(table, "state")), trial.at(7));
    EXPECT_EQ(row.at(column(table, "order")), trial.at(3).dump());
  }
  const json counts = exported({"--table", "counts", file}, folder);
  for (const json& row : counts) EXPECT_EQ(row.size(), counts.at(0).size());
  const json probes = exported({"--table", "probes", file}, folder);
  std::size_t walks = 0;
  for (const json& probe : lines.records.at("probe")) walks += 1 + probe["responders_ns"].size();
  EXPECT_EQ(probes.size(), walks + 1);
  const json responders = exported({"--table", "responders", file}, folder);
  std::size_t samples = 0;
  for (const json& block : lines.records.at("block")) samples += 80 * block["responders"].size();
  EXPECT_EQ(responders.size(), samples + 1);
}

/// A scheme's parameters are set off by commas, and a cell's name holds its schemes.
TEST(Export, QuotesWhatHoldsACommaOrAQuote) {
  const Folder folder;
  const std::string file = folder.path("out.jsonl.zst");
  run_tlblab({"run", "munmap:merged", "--shape", "1x1", "--responders", "0", "--min-seconds", "0",
              "--max-seconds", "0.01", "--output", file},
             folder);
  std::string text = read_result(file);
  const std::string plain = "syscall/munmap:merged";
  for (auto at = text.find(plain); at != std::string::npos; at = text.find(plain, at + 1)) {
    text.replace(at, plain.size(), "lab/unmap:merged,exact,\\\"x\\\"");
  }
  const json table = exported({folder.write("commas.jsonl", text)}, folder);
  ASSERT_GT(table.size(), 1U);
  EXPECT_EQ(table.at(1).at(column(table, "scheme")), "lab/unmap:merged,exact,\"x\"");
  EXPECT_EQ(table.at(1).size(), table.at(0).size());
}

TEST(Export, RefusesInWords) {
  const Folder folder;
  const Outcome missing = run_tlblab({"export", "missing.jsonl.zst"}, folder);
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.err, HasSubstr("missing.jsonl.zst"));
  const Outcome table = run_tlblab({"export", "--table", "chairs", "x"}, folder);
  EXPECT_EQ(table.status, 2);
  EXPECT_THAT(table.err, HasSubstr("chairs"));
  const Outcome name = run_tlblab({"run", "munmap:merged", "--output", "x.jsonl"}, folder);
  EXPECT_EQ(name.status, 2);
  EXPECT_THAT(name.err, HasSubstr("ends in .jsonl.zst"));
  // What can't be written is no damage of the file.
  const std::string file = folder.path("out.jsonl.zst");
  run_tlblab({"run", "munmap:merged", "--shape", "1x1", "--responders", "0", "--min-seconds", "0.3",
              "--max-seconds", "0.3", "--output", file},
             folder);
  const Outcome full =
      run({"bash", "-c", "exec '" + tlblab() + "' export '" + file + "' >/dev/full"}, folder);
  EXPECT_EQ(full.status, 6) << full.err;
  EXPECT_THAT(full.err, HasSubstr("cannot write the table"));
}

}  // namespace
}  // namespace tlblab::cli
