// SPDX-License-Identifier: GPL-2.0-only
// Kills, full disks and second runs in the middle of a study: nothing measured is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <tuple>

#include "tests/cli/process.hh"
#include "tests/cli/result_lines.hh"

namespace tlblab::cli {
namespace {

using testing::HasSubstr;

constexpr const char* kStudy =
    "name = 'small'\nquestion = 'Is it whole?'\ncompare = ['munmap:per-vma', 'munmap:merged']\n"
    "sessions = 2\ncount_trials = 8\nmin_seconds = 0.4\nmax_seconds = 0.8\n"
    "[[cells]]\nvmas = [2, 4]\npages = 1\nresponders = 0\n";

std::vector<std::string> study_command(const Folder& folder, const std::string& output) {
  return {tlblab(), "study", folder.write("small.toml", kStudy), "--output", output};
}

/// Waits until `count` blocks are in the file; false after a minute.
bool wait_for_blocks(const std::string& path, std::size_t count) {
  for (int i = 0; i < 6000; ++i) {
    const std::string text = read_result(path);
    std::size_t found = 0;
    for (auto at = text.find("\"record\":\"block\""); at != std::string::npos;
         at = text.find("\"record\":\"block\"", at + 1)) {
      ++found;
    }
    if (found >= count) return true;
    usleep(10'000);
  }
  return false;
}

/// Every cell of every session ended once, and its blocks are numbered without a gap or a repeat.
void expect_whole(const std::string& path) {
  const ResultLines lines(read_result(path));
  EXPECT_EQ(lines.records.at("cell_end").size(), 4);
  std::map<std::pair<int, int>, int> next;
  for (const json& block : lines.records.at("block")) {
    EXPECT_EQ(block.at("block"), (next[{block.at("cell"), block.at("session")}]++));
  }
  EXPECT_EQ(next.size(), 4);
}

bool measuring_process_alive(const std::string& result_path) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::error_code error;
    for (const auto& fd : std::filesystem::directory_iterator(entry.path() / "fd", error)) {
      if (std::filesystem::read_symlink(fd.path(), error) == result_path) return true;
    }
  }
  return false;
}

class Killed : public testing::TestWithParam<int> {};

TEST_P(Killed, GoesOnWithNothingLost) {
  const Folder folder;
  const std::string file = folder.path("out.jsonl.zst");
  std::string before;
  {
    Process study(study_command(folder, file), folder);
    ASSERT_TRUE(wait_for_blocks(file, 5));
    study.signal(GetParam());
    const Outcome outcome = study.wait();
    if (GetParam() == SIGKILL) {
      EXPECT_EQ(outcome.status, 1000 + SIGKILL);
    } else {
      EXPECT_EQ(outcome.status, 130) << outcome.err;
      EXPECT_THAT(outcome.err, HasSubstr("goes on from there"));
    }
    // The measuring process ends with its parent, however that ended.
    for (int i = 0; i < 500 && measuring_process_alive(file); ++i) usleep(10'000);
    EXPECT_FALSE(measuring_process_alive(file));
    before = read_result(file);
  }
  const Outcome resumed = run(study_command(folder, file), folder);
  EXPECT_EQ(resumed.status, 0) << resumed.err;
  const std::string after = read_result(file);
  EXPECT_EQ(after.substr(0, before.rfind('\n') + 1), before.substr(0, before.rfind('\n') + 1));
  const ResultLines lines(after);
  const auto later_runs = lines.records.at("run");
  ASSERT_EQ(later_runs.size(), 1U);
  EXPECT_FALSE(later_runs.at(0).at("findings").empty());
  EXPECT_EQ(later_runs.at(0).at("boot_id"), lines.header.at("boot_id"));
  EXPECT_EQ(later_runs.at(0).at("version"), lines.header.at("version"));
  expect_whole(file);

  // A third run finds nothing left to do and says the same.
  const Outcome again = run(study_command(folder, file), folder);
  EXPECT_EQ(again.status, 0);
  EXPECT_EQ(read_result(file), after);
}
INSTANTIATE_TEST_SUITE_P(Signals, Killed, testing::Values(SIGINT, SIGTERM, SIGHUP, SIGKILL));

TEST(Resume, MendsATornLastLine) {
  const Folder folder;
  const std::string file = folder.path("out.jsonl.zst");
  ASSERT_EQ(run(study_command(folder, file), folder).status, 0);
  // Cut inside the last record, as a crash of the machine might.
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 9);

  const Outcome report = run_tlblab({"report", "--json", file}, folder);
  EXPECT_EQ(report.status, 0) << report.err;
  EXPECT_THAT(report.err, HasSubstr("unfinished"));

  EXPECT_EQ(run(study_command(folder, file), folder).status, 0);
  expect_whole(file);
}

TEST(Resume, RefusesAnotherPlanAndDamage) {
  const Folder folder;
  const std::string file = folder.path("out.jsonl.zst");
  ASSERT_EQ(run(study_command(folder, file), folder).status, 0);
  auto other = study_command(folder, file);
  other.insert(other.end(), {"--seed", "99"});
  const Outcome refused = run(other, folder);
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("another plan"));

  std::string text = read_result(file);
  text[text.find("latency_ns", text.size() / 2) - 1] = '{';
  const Outcome damaged = run_tlblab({"report", folder.write("damaged.jsonl", text)}, folder);
  EXPECT_EQ(damaged.status, 2);
  EXPECT_THAT(damaged.err, HasSubstr("damaged at line"));
}

/// Drawn anew for each run, but a run that goes on keeps its file's.
TEST(Resume, KeepsTheSeedThatWasDrawn) {
  const Folder folder;
  const auto seed_in = [&](const std::string& file) {
    return ResultLines(read_result(file)).header.at("plan").at("seed").get<std::uint64_t>();
  };
  const auto dry = [&](std::vector<std::string> command) {
    command.emplace_back("--dry-run");
    return run(command, folder).out;
  };
  const std::string first = folder.path("first.jsonl.zst");
  const std::string second = folder.path("second.jsonl.zst");
  ASSERT_EQ(run(study_command(folder, first), folder).status, 0);
  ASSERT_EQ(run(study_command(folder, second), folder).status, 0);
  EXPECT_NE(seed_in(first), seed_in(second));
  std::filesystem::resize_file(first, std::filesystem::file_size(first) - 9);
  const Outcome resumed = run(study_command(folder, first), folder);
  EXPECT_EQ(resumed.status, 0) << resumed.err;
  expect_whole(first);
  EXPECT_THAT(resumed.out, HasSubstr("seed:   " + std::to_string(seed_in(first))));
  auto command = study_command(folder, first);
  EXPECT_THAT(dry(command), HasSubstr("seed to be drawn"));
  command.insert(command.end(), {"--seed", "7"});
  EXPECT_THAT(dry(command), HasSubstr("seed 7,"));
}

TEST(Resume, FindsAnUnfinishedFileByItself) {
  const Folder folder;
  const std::vector<std::string> command = {tlblab(), "study", folder.write("small.toml", kStudy)};
  {
    Process study(command, folder);
    for (int i = 0; i < 3000; ++i) {
      std::error_code error;
      bool blocks = false;
      for (const auto& entry :
           std::filesystem::directory_iterator(folder.path("results/local"), error)) {
        blocks = read_result(entry.path()).find("\"record\":\"block\"") != std::string::npos;
      }
      if (blocks) break;
      usleep(10'000);
    }
    study.signal(SIGTERM);
    EXPECT_EQ(study.wait().status, 130);
  }
  const Outcome resumed = run(command, folder);
  EXPECT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("going on in results/local/small-"));
}

/// A limit on the file's size stands for the full disk: write() fails in the same place.
TEST(DiskFull, SaysSoAndGoesOnLater) {
  const Folder folder;
  const std::string file = folder.path("out.jsonl.zst");
  std::string line = "ulimit -f 20; exec";
  for (const std::string& word : study_command(folder, file)) line += " '" + word + "'";
  const Outcome full = run({"bash", "-c", line}, folder);
  EXPECT_EQ(full.status, 6) << full.err;
  EXPECT_THAT(full.err, HasSubstr("Free some space"));
  const std::string text = read_result(file);
  ASSERT_FALSE(text.empty());
  EXPECT_EQ(text.back(), '\n') << "a torn line was left";
  EXPECT_NO_THROW(ResultLines{text});
  EXPECT_EQ(run({"zstd", "--test", file}, folder).status, 0) << "a frame was left open";

  EXPECT_EQ(run(study_command(folder, file), folder).status, 0);
  expect_whole(file);
}

TEST(DiskFull, LeavesNoHalfReport) {
  const Folder folder;
  const std::string file = folder.path("out.jsonl.zst");
  ASSERT_EQ(run(study_command(folder, file), folder).status, 0);
  const Outcome full = run(
      {"bash", "-c", "ulimit -f 4; exec '" + tlblab() + "' report --output page '" + file + "'"},
      folder);
  EXPECT_EQ(full.status, 6) << full.err;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path("page"))) {
    EXPECT_NE(entry.path().extension(), ".new");
    EXPECT_NE(entry.path().extension(), ".html");
  }
}

/// Who holds a CPU is named, and a kill of it takes the hold away.
TEST(SecondRun, OnTheSameCpuIsRefused) {
  const Folder folder, second_folder;
  const std::string file = folder.path("out.jsonl.zst");
  Process first(study_command(folder, file), folder);
  ASSERT_TRUE(wait_for_blocks(file, 1));
  const auto second = study_command(second_folder, second_folder.path("out.jsonl.zst"));
  const Outcome refused = run(second, second_folder);
  EXPECT_EQ(refused.status, 6) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("is taken by another run: process " +
                                     std::to_string(first.pid()) + " (" + tlblab()));
  EXPECT_THAT(refused.err, HasSubstr("--cpus"));
  EXPECT_FALSE(std::filesystem::exists(second_folder.path("out.jsonl.zst")));
  first.signal(SIGKILL);
  first.wait();
  EXPECT_EQ(run(second, second_folder).status, 0);
  expect_whole(second_folder.path("out.jsonl.zst"));
}

TEST(Output, ThatCannotBeWrittenIsRefusedAtOnce) {
  const Folder folder;
  auto command = study_command(folder, "/proc/nowhere/out.jsonl.zst");
  const Outcome outcome = run(command, folder);
  EXPECT_EQ(outcome.status, 6);
  EXPECT_THAT(outcome.err, HasSubstr("--output"));
}

TEST(DryRun, ShowsThePlanAndWritesNothing) {
  const Folder folder;
  auto command = study_command(folder, folder.path("out.jsonl.zst"));
  command.emplace_back("--dry-run");
  const Outcome outcome = run(command, folder);
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, HasSubstr("syscall/munmap:per-vma~syscall/munmap:merged/4x1+1/R0"));
  EXPECT_FALSE(std::filesystem::exists(folder.path("out.jsonl.zst")));
}

TEST(DryRun, SaysHowFarRespondersAre) {
  const Folder folder;
  std::vector<std::string> command = {"run", "munmap:merged", "--place", "far", "--dry-run"};
  const Outcome outcome = run_tlblab(command, folder);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  if (outcome.out.find("/R0") == std::string::npos) {
    EXPECT_THAT(outcome.out, HasSubstr(" respond: "));
  }
  command[3] = "sideways";
  EXPECT_EQ(run_tlblab(command, folder).status, 2);
  command[3] = "near";
  command.insert(command.end(), {"--cpus", "0"});
  EXPECT_EQ(run_tlblab(command, folder).status, 2) << "named CPUs are where they are";
}

/// For tools that look from outside: on until a signal, and nothing left behind.
TEST(Hold, PerformsUntilItIsInterrupted) {
  const Folder folder;
  Process held({tlblab(), "run", "munmap:merged", "--shape", "2x1", "--responders", "0", "--hold"},
               folder);
  for (int i = 0; i < 3000 && read_file(folder.path("stderr")).empty(); ++i) usleep(10'000);
  usleep(200'000);
  held.signal(SIGINT);
  const Outcome outcome = held.wait();
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("until Ctrl-C"));
  EXPECT_THAT(outcome.out, HasSubstr("nothing recorded"));
  EXPECT_FALSE(std::filesystem::exists(folder.path("results")));
}

TEST(DryRun, OfAPairShowsWhatItsOptionsChange) {
  const Folder folder;
  const Outcome outcome =
      run_tlblab({"ab", "munmap:per-vma", "munmap:merged", "--shape", "3x2", "--responders", "0",
                  "--width", "1.5", "--equivalence", "2", "--seed", "5", "--dry-run"},
                 folder);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("3x2+1/R0"));
  EXPECT_THAT(outcome.out, HasSubstr("seed 5,"));
  EXPECT_THAT(outcome.out, HasSubstr("within +-1.5 %, equivalent within +-2 %"));
  EXPECT_FALSE(std::filesystem::exists(folder.path("results")));
  EXPECT_EQ(run_tlblab({"ab", "munmap:per-vma", "munmap:merged", "--width", "0"}, folder).status,
            2);
}

}  // namespace
}  // namespace tlblab::cli
