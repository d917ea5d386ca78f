// SPDX-License-Identifier: GPL-2.0-only
// Real measurements through the command line: what is counted, recorded and restored. No test here
// checks a time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include "tests/cli/process.hh"
#include "tests/cli/result_lines.hh"

namespace tlblab::cli {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

int nr_cpus() {
  cpu_set_t set;
  sched_getaffinity(0, sizeof set, &set);
  return CPU_COUNT(&set);
}

/// A short `ab` with its outcome as JSON; fails the test when it did not measure. Any verdict will
/// do, void included, which is the right one on a busy machine.
json measure(std::vector<std::string> arguments, const Folder& folder) {
  for (const char* word : {"--min-seconds", "0.3", "--max-seconds", "0.6", "--json"}) {
    arguments.emplace_back(word);
  }
  const Outcome outcome = run_tlblab(arguments, folder);
  EXPECT_THAT(outcome.status, AnyOf(0, 1, 3, 5)) << outcome.err;
  return json::parse(outcome.out);
}

/// {min, max} of an event's count per operation; {-1, -1} where it can't be counted.
std::pair<int, int> count(const json& arm, const char* side, const char* event) {
  const json& counts = arm.at(side);
  if (!counts.contains(event)) return {-1, -1};
  return {counts.at(event).at("min"), counts.at(event).at("max")};
}

class Requests : public testing::TestWithParam<std::pair<const char*, const char*>> {};

/// docs/methods.md: requests are exact. V for a call per VMA, one for a call over all.
TEST_P(Requests, AreExactlyOnePerCallThatGathers) {
  const Folder folder;
  const auto [a, b] = GetParam();
  for (const char* responders : {"0", "all"}) {
    const json outcome =
        measure({"ab", a, b, "--shape", "8x2", "--responders", responders}, folder);
    const json& cell = outcome.at("cells").at(0);
    const auto seen_a = count(cell.at("a"), "initiator_counts", "tlb_flush.local_mm");
    const auto seen_b = count(cell.at("b"), "initiator_counts", "tlb_flush.local_mm");
    if (seen_a.first < 0) GTEST_SKIP() << "tlb:tlb_flush can't be counted here";
    EXPECT_EQ(seen_a, std::pair(8, 8)) << a << " R " << responders;
    EXPECT_EQ(seen_b, std::pair(1, 1)) << b << " R " << responders;
  }
}
INSTANTIATE_TEST_SUITE_P(Munmap, Requests,
                         testing::Values(std::pair("munmap:per-vma", "munmap:merged")));

/// Bystanders spin in a process of their own, which ends with the cell.
TEST(Bystanders, KeepOtherCpusBusyForACellWithoutResponders) {
  if (nr_cpus() < 2) GTEST_SKIP() << "there is no other CPU to keep busy";
  const Folder folder;
  const std::string study = folder.write(
      "busy.toml",
      "name = 'busy'\nquestion = 'How long?'\ncompare = ['munmap:per-vma', 'munmap:merged']\n"
      "min_seconds = 0.3\nmax_seconds = 0.3\ncount_trials = 5\n"
      "[[cells]]\nvmas = 4\npages = 1\nresponders = 0\nbystanders = 1\n");
  const Outcome outcome = run_tlblab({"study", study, "--output", "busy.jsonl.zst"}, folder);
  EXPECT_THAT(outcome.status, AnyOf(0, 5)) << outcome.err;
  const ResultLines lines(read_result(folder.path("busy.jsonl.zst")));
  EXPECT_FALSE(lines.trials.empty());
  EXPECT_EQ(lines.header.at("plan").at("cells").at(0).at("id"),
            "syscall/munmap:per-vma~syscall/munmap:merged/4x1+1/R0+1");
  EXPECT_EQ(lines.records.at("cell_end").size(), 1U);
  for (const json& walks : lines.records.at("probe")) {
    EXPECT_EQ(walks.at("bystanders_ns").size(), 1U) << walks;
    EXPECT_GT(walks.at("bystanders_ns").at(0), 0) << walks;
  }
}

TEST(Bystanders, AreNotForCellsWithResponders) {
  const Folder folder;
  const std::string study = folder.write(
      "both.toml",
      "name = 'both'\nquestion = 'How long?'\ncompare = ['munmap:per-vma', 'munmap:merged']\n"
      "[[cells]]\nvmas = 4\npages = 1\nresponders = 1\nbystanders = 1\n");
  const Outcome outcome = run_tlblab({"study", study, "--dry-run"}, folder);
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("bystanders are for cells with responders = 0"));
}

std::string autogroup() {
  std::ifstream file("/proc/self/autogroup");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

bool holds_in_child(bool (*claim)()) {
  const pid_t child = fork();
  if (child == 0) _exit(claim() ? 0 : 1);
  int status = 1;
  waitpid(child, &status, 0);
  return status == 0;
}

/// What it got is recorded; the session of whoever started it keeps its own.
TEST(Priority, IsTheHighestThatTheUserMayHave) {
  const Folder folder;
  const bool may = holds_in_child([] { return setpriority(PRIO_PROCESS, 0, -20) == 0; });
  // A session of one's own has a group even where the one above, begun by init, has none.
  const bool has_group = holds_in_child([] { return setsid() > 0 && !autogroup().empty(); });
  const std::string before = autogroup();
  const Outcome outcome =
      run_tlblab({"run", "munmap:merged", "--shape", "2x1", "--responders", "0", "--min-seconds",
                  "0.1", "--max-seconds", "0.1", "--output", "nice.jsonl.zst"},
                 folder);
  const ResultLines lines(read_result(folder.path("nice.jsonl.zst")));
  const json& cell = lines.records.at("cell").at(0);
  EXPECT_EQ(cell.at("nice"), may ? -20 : getpriority(PRIO_PROCESS, 0)) << outcome.err;
  EXPECT_EQ(cell.contains("autogroup_nice"), has_group);
  EXPECT_EQ(cell.value("autogroup_nice", -20) == -20, may || !has_group);
  EXPECT_EQ(autogroup(), before);
}

/// The counting pass alone: no block, every count, and a report without a time.
TEST(CountsOnly, MeasuresCountsAndShowsNoTime) {
  const Folder folder;
  const std::string study = folder.write(
      "counts.toml",
      "name = 'counts'\nquestion = 'How many?'\ncompare = ['munmap:per-vma', 'munmap:merged']\n"
      "passes = ['counts']\ncount_trials = 5\n"
      "[[cells]]\nvmas = 4\npages = 1\nresponders = 0\n");
  const Outcome outcome = run_tlblab({"study", study, "--output", "counts.jsonl.zst"}, folder);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("No time is claimed"));
  const ResultLines lines(read_result(folder.path("counts.jsonl.zst")));
  EXPECT_TRUE(lines.trials.empty());
  EXPECT_EQ(lines.records.at("count").size(), 10U);
  EXPECT_EQ(lines.records.at("cell_end").at(0).at("reason"), "counts");
  EXPECT_EQ(lines.records.at("cell").at(0).at("expected").at("A").at("requests"), 4);
  const json summary =
      json::parse(run_tlblab({"report", "--json", "counts.jsonl.zst"}, folder).out);
  EXPECT_TRUE(summary.at("complete"));
  EXPECT_FALSE(summary.at("cells").at(0).contains("ratio"));
}

/// The measurements are on disk: a page that cannot be drawn here can be drawn elsewhere.
TEST(Study, WithoutGnuplotSaysWhereToMakeThePage) {
  const Folder folder;
  const std::string study = folder.write(
      "short.toml",
      "name = 'short'\nquestion = 'How long?'\ncompare = ['munmap:per-vma', 'munmap:merged']\n"
      "count_trials = 2\nmin_seconds = 0\nmax_seconds = 0.1\n"
      "[[cells]]\nvmas = 2\npages = 1\nresponders = 0\n");
  const Outcome outcome = run({"/usr/bin/env", "PATH=/nonexistent", tlblab(), "study", study,
                               "--output", folder.path("short.jsonl.zst")},
                              folder);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("gnuplot is not installed"));
  EXPECT_THAT(outcome.out, HasSubstr("elsewhere: tlblab report"));
  EXPECT_THAT(outcome.out, HasSubstr("report: " + folder.path("short.md")));
}

/// Without the module: what to do, in words, and the status of a machine that can't.
TEST(Lab, SaysWhatItNeedsWhereItCannotRun) {
  const Folder folder;
  const json list = json::parse(run_tlblab({"list", "--json"}, folder).out);
  std::string reason;
  for (const json& scheme : list.at("schemes")) {
    if (scheme.at("name") == "unmap:merged") reason = scheme.at("unavailable");
  }
  if (reason.empty()) GTEST_SKIP() << "the module is loaded";
  EXPECT_THAT(reason, HasSubstr("tlblab"));
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"run", "lab/unmap:merged"},
        {"ab", "munmap:merged", "unmap:merged,exact"},
        {"study", "lab-counts"}}) {
    const Outcome outcome = run_tlblab(command, folder);
    EXPECT_EQ(outcome.status, 6) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(reason));
    EXPECT_FALSE(std::filesystem::exists(folder.path("results")));
  }
  EXPECT_THAT(run_tlblab({"info"}, folder).out, HasSubstr("\nlab\n"));
  const Outcome look = run_tlblab({"study", "lab-counts", "--dry-run"}, folder);
  EXPECT_EQ(look.status, 0) << "a study may be looked at anywhere";
  EXPECT_THAT(look.err, HasSubstr("can't be measured"));
}

/// docs/methods.md: never more than requests x responders; and with R = 0 no CPU is interrupted.
TEST(Deliveries, StayWithinRequestsTimesResponders) {
  const Folder folder;
  if (nr_cpus() < 2) GTEST_SKIP() << "one CPU: nobody to interrupt";
  const json outcome = measure(
      {"ab", "munmap:per-vma", "munmap:merged", "--shape", "8x2", "--responders", "1"}, folder);
  const json& cell = outcome.at("cells").at(0);
  const auto a = count(cell.at("a"), "responder_counts", "TLB");
  const auto b = count(cell.at("b"), "responder_counts", "TLB");
  if (a.first < 0) GTEST_SKIP() << "no TLB row in /proc/interrupts";
  EXPECT_LE(a.second, 8);
  EXPECT_LE(b.second, 1);
  EXPECT_GE(a.second, 1) << "no trial interrupted the responder at all";
}

TEST(Deliveries, AreNoneWithoutResponders) {
  const Folder folder;
  const json outcome = measure(
      {"ab", "munmap:per-vma", "munmap:merged", "--shape", "8x2", "--responders", "0"}, folder);
  const auto sent =
      count(outcome.at("cells").at(0).at("a"), "initiator_counts", "tlb_flush.remote_send");
  if (sent.first < 0) GTEST_SKIP() << "tlb:tlb_flush can't be counted here";
  EXPECT_EQ(sent, std::pair(0, 0));
}

/// Two commands that begin in one second get a file each.
TEST(Records, OfTwoRunsAtOnceAreApart) {
  const Folder folder;
  if (nr_cpus() < 2) GTEST_SKIP() << "one CPU: one run at a time";
  const std::string command = "'" + tlblab() +
                              "' run munmap:merged --shape 2x1 --responders 0 --min-seconds 0 "
                              "--max-seconds 0.01 --cpus ";
  const Outcome outcome = run({"bash", "-c", command + "0 & " + command + "1; wait"}, folder);
  const std::filesystem::directory_iterator files(folder.path("results/local"));
  EXPECT_EQ(std::distance(begin(files), end(files)), 2) << outcome.err;
}

/// A file's name may hold any byte; JSON may not.
TEST(Records, HoldArgumentsThatAreNotUtf8) {
  const Folder folder;
  const std::string file = folder.path("caf\xe9.jsonl.zst");
  measure({"run", "munmap:merged", "--shape", "2x1", "--responders", "0", "--output", file},
          folder);
  const ResultLines lines(read_result(file));
  EXPECT_THAT(lines.header.at("argv").dump(), HasSubstr("caf\xef\xbf\xbd.jsonl.zst"));
}

TEST(Records, HoldEveryTrialInTheOrderOfItsSchedule) {
  const Folder folder;
  const std::string file = folder.path("out.jsonl.zst");
  measure({"ab", "munmap:per-vma", "munmap:merged", "--shape", "2x1", "--output", file}, folder);
  const ResultLines lines(read_result(file));
  EXPECT_EQ(lines.header.at("schema"), 2);
  EXPECT_FALSE(lines.header.at("machine").at("kernel").get<std::string>().empty());
  EXPECT_EQ(lines.trials.size(), 80 * lines.records.at("block").size());
  EXPECT_EQ(lines.records.at("cell_end").size(), 3);  // the pair, and the A/A controls of both
  EXPECT_EQ(lines.records.at("count").size(), 384U);  // three cells, two arms, 64 trials each
  // Runs of five of one arm, the first of them a lead-in; each quad of runs is ABBA or BAAB, both
  // occur, and time goes forward within a cell.
  std::set<std::string> quads;
  std::string quad;
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < lines.trials.size(); ++i) {
    const json& trial = lines.trials[i];
    if (i % 80 == 0 && trial.at(2) == 0) last = 0;
    EXPECT_GT(trial.at(4).get<std::uint64_t>(), last);
    last = trial.at(4);
    EXPECT_EQ(trial.at(7) == "lead-in", i % 5 == 0) << i;
    if (i % 5 == 0) quad += trial.at(5).get<std::string>();
    EXPECT_EQ(trial.at(5).get<std::string>(), quad.substr(quad.size() - 1)) << i;
    if (i % 20 == 19) quads.insert(std::exchange(quad, ""));
  }
  EXPECT_EQ(quads, (std::set<std::string>{"ABBA", "BAAB"}));
}

TEST(Records, TheSameSeedGivesTheSameOrder) {
  const Folder folder;
  const auto order = [&](const char* seed, const char* name) {
    const std::string file = folder.path(std::string(name) + ".jsonl.zst");
    measure({"run", "munmap:merged", "--shape", "1x1", "--seed", seed, "--output", file}, folder);
    std::string arms;
    const ResultLines lines(read_result(file));
    for (std::size_t i = 0; i < 80 * 8; ++i) arms += lines.trials.at(i).at(5).get<std::string>();
    return arms;
  };
  const std::string first = order("7", "a");
  EXPECT_EQ(first, order("7", "b"));
  EXPECT_NE(first, order("8", "c"));
}

/// A planted fault for the proof of presence: with its CPU shared, a responder is switched out now
/// and then, and exactly those trials must be set apart, for that reason.
TEST(SetApart, TrialsWhoseResponderLostItsCpu) {
  const Folder folder;
  if (nr_cpus() < 2) GTEST_SKIP() << "one CPU: no responder";
  const Folder hog_folder;
  Process hog({"taskset", "-c", "1", "sh", "-c", "while :; do :; done"}, hog_folder);
  const std::string file = folder.path("out.jsonl.zst");
  const Outcome outcome =
      run_tlblab({"ab", "munmap:per-vma", "munmap:merged", "--cpus", "0,1", "--min-seconds", "1",
                  "--max-seconds", "2", "--json", "--output", file},
                 folder);
  EXPECT_THAT(outcome.status, AnyOf(0, 1, 3, 5)) << outcome.err;
  std::size_t switched = 0;
  const ResultLines lines(read_result(file));
  for (const json& trial : lines.trials) switched += trial.at(7) == "switched" ? 1 : 0;
  EXPECT_GT(switched, 0U);
}

TEST(Privilege, NoRootIsNeeded) {
  const Folder folder;
  if (getuid() != 0) GTEST_SKIP() << "already not root: every other test shows it";
  // Other users may not be able to read the build folder.
  std::filesystem::copy_file(tlblab(), folder.path("tlblab"));
  const auto as_nobody = [&](std::vector<std::string> arguments) {
    std::vector<std::string> argv = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                     folder.path("tlblab")};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return run(argv, folder);
  };
  const Outcome info = as_nobody({"info", "--json"});
  EXPECT_EQ(info.status, 0) << info.err;
  const Outcome ab = as_nobody({"ab", "munmap:per-vma", "munmap:merged", "--shape", "2x1",
                                "--min-seconds", "0.3", "--max-seconds", "0.6", "--json"});
  EXPECT_THAT(ab.status, AnyOf(0, 1, 3, 5)) << ab.err;
  EXPECT_GT(json::parse(ab.out).at("cells").at(0).at("a").at("trials"), 0);
}

TEST(Alone, IsNoTroubleWhenAskedFor) {
  const Folder folder;
  if (nr_cpus() < 2) GTEST_SKIP() << "one CPU: nobody could respond";
  const std::string file = folder.path("alone.jsonl.zst");
  measure({"run", "munmap:merged", "--shape", "2x1", "--responders", "0", "--output", file},
          folder);
  for (const json& finding : ResultLines(read_result(file)).header.at("findings")) {
    if (finding.at("check") != "CPUs") continue;
    EXPECT_EQ(finding.at("severity"), "ok") << finding;
  }
}

TEST(OneCpu, StillMeasuresWithoutResponders) {
  const Folder folder;
  const Outcome outcome =
      run({"taskset", "-c", "0", tlblab(), "ab", "munmap:per-vma", "munmap:merged", "--shape",
           "2x1", "--min-seconds", "0.3", "--max-seconds", "0.6"},
          folder);
  EXPECT_THAT(outcome.status, AnyOf(0, 1, 3, 5)) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("no other CPU"));
  EXPECT_THAT(outcome.out, HasSubstr("found unfit for a run: CPUs")) << "trouble is no secret";
  const Outcome doctor = run({"taskset", "-c", "0", tlblab(), "doctor"}, folder);
  EXPECT_EQ(doctor.status, 6) << doctor.out;
}

TEST(Machine, IsLeftAsItWas) {
  const Folder folder;
  const auto state = [] {
    std::string all;
    for (const char* file :
         {"/proc/self/mounts", "/proc/sys/kernel/perf_event_paranoid",
          "/sys/kernel/mm/transparent_hugepage/enabled", "/proc/sys/kernel/numa_balancing"}) {
      all += read_file(file);
    }
    return all;
  };
  const std::string before = state();
  measure({"ab", "munmap:per-vma", "munmap:merged", "--shape", "2x1"}, folder);
  run_tlblab({"info"}, folder);
  run_tlblab({"doctor", "--seconds", "0.2"}, folder);
  EXPECT_EQ(state(), before);
}

}  // namespace
}  // namespace tlblab::cli
