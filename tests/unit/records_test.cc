// SPDX-License-Identifier: GPL-2.0-only
// Result files: what is written is what is read, and what is damaged is refused.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "user/records/early_files.hh"
#include "user/records/study_file.hh"
#include "user/records/trial.hh"
#include "user/records/writer.hh"
#include "user/support/error.hh"

namespace tlblab::records {
namespace {

/// A record written over several lines, as the one line that it is in a file.
std::string operator""_one_line(const char* text, std::size_t length) {
  std::string line(text, length);
  std::erase(line, '\n');
  return line;
}

class Records : public testing::Test {
 protected:
  Records() {
    std::string name = std::filesystem::temp_directory_path() / "tlblab-unit-XXXXXX";
    close(mkstemp(name.data()));
    path_ = name;
    std::filesystem::remove(path_);
  }
  ~Records() override { std::filesystem::remove(path_); }

  /// Of a plan with two cells.
  static StudyHeader header() {
    StudyHeader made;
    made.version = "9.9";
    made.argv = {"tlblab", "study"};
    made.machine.virtualization.kind = MachineKind::kVirtual;
    made.machine.arch = "x86_64";
    made.machine.kernel = "6.12.0";
    made.machine.tlb = {{"PCID", "yes"}};
    made.findings = {{Severity::kWarning, "steal time", "3 %", "advice is not kept"}};
    made.counters_missing = {{"dtlb_walks", "no PMU"}};
    made.counters = {{"page-faults", "software"}};
    made.summaries = {{"syscall/munmap:merged", "one munmap over all VMAs"}};
    CellPlan cell;
    cell.a = "syscall/munmap:per-vma";
    cell.b = "syscall/munmap:merged";
    made.plan.name = "made up";
    made.plan.cells = {cell, cell};
    return made;
  }

  static Trial trial(std::uint32_t block, std::uint8_t order) {
    Trial made;
    made.block = block;
    made.order = order;
    made.arm = order % 2 == 0 ? Arm::kA : Arm::kB;
    made.state = order == 3 ? TrialState::kSwitched : TrialState::kOk;
    made.start_ns = 1'000'000 + order;
    made.latency_ns = 100U + order;
    made.responders = {{7, 1, 1000}, {9, 2, 2000}};
    return made;
  }

  /// A file with one cell begun and `nr_trials` of block 0.
  void write_trials(int nr_trials, bool with_block,
                    const std::string& header_line = encode(header())) {
    Writer::create(path_, header_line);
    Writer writer(path_);
    writer.add_line(R"({"record":"cell","cell":1,"session":2,"realtime_ns":5000000000})");
    for (int i = 0; i < nr_trials; ++i) {
      writer.add_line(encode_trial({1, 2}, 1'000'000, trial(0, static_cast<std::uint8_t>(i))));
    }
    if (with_block) {
      writer.add_line(
          R"({"record":"block","cell":1,"session":2,"block":0,"seconds":0.5,"calibrator_ns":42})");
    }
    writer.commit();
  }

  std::string path_;
};

TEST_F(Records, RoundTrip) {
  write_trials(kTrialsPerBlock, true);
  const StudyFile file = read_study_file(path_);
  ASSERT_EQ(file.cells.size(), 2U);
  EXPECT_TRUE(file.cells[0].sessions.empty());
  const SessionRecord& session = file.cells[1].sessions.at(0);
  EXPECT_EQ(session.session, 2U);
  const Block& block = session.blocks.at(0);
  EXPECT_EQ(block.calibrator_ns, 42U);
  EXPECT_DOUBLE_EQ(block.time_s, 5.0);
  ASSERT_EQ(block.trials.size(), kTrialsPerBlock);
  EXPECT_FALSE(session.alternated);
  EXPECT_EQ(block.trials[3].state, TrialState::kSwitched);
  EXPECT_EQ(block.trials[5].latency_ns, 105U);
  EXPECT_EQ(block.trials[5].arm, Arm::kB);
  EXPECT_EQ(block.trials[5].responders.at(1).interrupts, 2U);
  EXPECT_TRUE(file.warnings.empty());
}

// A later release may order columns otherwise, add some, and write records of its own.
TEST_F(Records, ColumnsAreFoundByNameAndUnknownRecordsSkipped) {
  write_trials(kTrialsPerBlock, true);
  std::ifstream whole(path_);
  std::ofstream later(path_ + ".later");
  for (std::string line; std::getline(whole, line);) {
    auto json = nlohmann::json::parse(line);
    if (json.is_array()) {
      std::reverse(json.begin(), json.end());
      json.push_back("a new column");
      for (auto& responder : json.at(0)) std::reverse(responder.begin(), responder.end());
    } else if (json.at("record") == "header") {
      json["schema_minor"] = 99;
      for (const char* columns : {"trial_columns", "responder_columns"}) {
        std::reverse(json[columns].begin(), json[columns].end());
      }
      json["trial_columns"].push_back("new");
      later << json.dump() << "\n"
            << R"({"record":"weather","rain":true})"
            << "\n";
      continue;
    }
    later << json.dump() << "\n";
  }
  later.close();
  const StudyFile file = read_study_file(path_ + ".later");
  std::filesystem::remove(path_ + ".later");
  const Block& block = file.cells[1].sessions.at(0).blocks.at(0);
  EXPECT_EQ(block.trials[3].state, TrialState::kSwitched);
  EXPECT_EQ(block.trials[5].latency_ns, 105U);
  EXPECT_EQ(block.trials[5].responders.at(1).heartbeats, 2000U);
  ASSERT_EQ(file.warnings.size(), 1U);
  EXPECT_NE(file.warnings[0].find("1 \"weather\" record skipped"), std::string::npos);
}

TEST_F(Records, AFileWithoutANeededColumnIsRefused) {
  auto json = nlohmann::json::parse(encode(header()));
  json["trial_columns"].erase(6);
  write_trials(kTrialsPerBlock, true, json.dump());
  try {
    read_study_file(path_);
    ADD_FAILURE() << "it was read";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("no column \"latency_ns\""), std::string::npos);
  }
}

TEST_F(Records, AHeaderIsReadAsItWasWritten) {
  const StudyHeader read = decode_study_header(encode(header()), path_);
  EXPECT_EQ(read.version, "9.9");
  EXPECT_EQ(read.argv.size(), 2U);
  EXPECT_EQ(read.machine.virtualization.kind, MachineKind::kVirtual);
  EXPECT_EQ(read.machine.tlb, header().machine.tlb);
  EXPECT_EQ(read.findings.at(0).severity, Severity::kWarning);
  EXPECT_EQ(read.findings.at(0).seen, "3 %");
  EXPECT_EQ(read.counters_missing, header().counters_missing);
  EXPECT_EQ(read.counters, header().counters);
  EXPECT_EQ(read.summaries, header().summaries);
  EXPECT_EQ(read.plan.cells.size(), 2U);
}

TEST_F(Records, AHeaderWithAWrongValueIsRefused) {
  for (const auto& [key, value] :
       {std::pair{"machine", "{}"}, {"findings", "3"}, {"plan", "{\"cells\":3}"}}) {
    auto json = nlohmann::json::parse(encode(header()));
    json[key] = nlohmann::json::parse(value);
    EXPECT_THROW(decode_study_header(json.dump(), path_), Error) << key;
  }
}

TEST_F(Records, TheAccountFromInsideIsReadWhereThereIsOne) {
  Writer::create(path_, encode(header()));
  {
    Writer writer(path_);
    writer.add_line(R"({"record":"cell","cell":0,"session":1,"realtime_ns":1,"expected":{
      "A":{"note":"a","requests":16,"inside":{"requests":16}},"B":{"note":"b"}}})"_one_line);
    for (int i = 0; i < 64; ++i)
      writer.add_line(encode_trial({0, 1}, 0, trial(0, static_cast<std::uint8_t>(i))));
    writer.add_line(R"({"record":"block","cell":0,"session":1,"block":0,"seconds":0.5,
      "calibrator_ns":0,"inside":{"A":{"requests":512},"B":{}}})"_one_line);
    writer.add_line(R"({"record":"count","cell":0,"session":1,"arm":"A","state":"ok",
      "latency_ns":1,"counts":[{}],"inside":{"requests":16}})"_one_line);
    writer.add_line(R"({"record":"count","cell":0,"session":1,"arm":"B","state":"ok",
      "latency_ns":1,"counts":[{}]})"_one_line);
    writer.commit();
  }
  const SessionRecord session = read_study_file(path_).cells.at(0).sessions.at(0);
  EXPECT_EQ(session.expected.front().requests, 16U);
  EXPECT_EQ(session.expected.front().account.at("requests"), 16U);
  EXPECT_FALSE(session.expected.back().requests.has_value());
  EXPECT_EQ(session.blocks.at(0).engine_accounts[0].at("requests"), 512U);
  EXPECT_EQ(session.counts.at(0).engine_account.at("requests"), 16U);
  EXPECT_TRUE(session.counts.at(1).engine_account.empty());
}

TEST_F(Records, AProbeTrialIsReadAsItWasWritten) {
  Writer::create(path_, encode(header()));
  {
    Writer writer(path_);
    writer.add_line(encode({1, 2}, ProbeTrial{512,
                                              7,
                                              Arm::kB,
                                              true,
                                              TrialState::kInitiatorFaulted,
                                              90,
                                              {1, 2},
                                              {{{"dtlb_walks", 3}}, {}}}));
    writer.commit();
  }
  const SessionRecord session = read_study_file(path_).cells.at(1).sessions.at(0);
  EXPECT_EQ(session.session, 2U);
  const ProbeTrial& probe = session.probes.at(0);
  EXPECT_EQ(probe.nr_pages, 512U);
  EXPECT_EQ(probe.block, 7U);
  EXPECT_EQ(probe.arm, Arm::kB);
  EXPECT_TRUE(probe.operated);
  EXPECT_EQ(probe.state, TrialState::kInitiatorFaulted);
  EXPECT_EQ(probe.initiator_ns, 90U);
  EXPECT_EQ(probe.responders_ns, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(probe.counts, (std::vector<Counts>{{{"dtlb_walks", 3}}, {}}));
}

/// Files of 0.1.0 have neither summaries nor, without the lab, expectations; nor any account.
TEST_F(Records, FilesOfTheFirstVersionAreReadAsBefore) {
  auto early = nlohmann::json::parse(encode(header()));
  early.erase("summaries");
  write_trials(64, true, early.dump());
  const StudyFile file = read_study_file(path_);
  EXPECT_EQ(file.header.summaries.at("syscall/munmap:merged"), "one munmap over all VMAs");
  const SessionRecord& session = file.cells.at(1).sessions.at(0);
  EXPECT_EQ(session.expected.front().requests, 16U) << "munmap:per-vma, the default shape";
  EXPECT_EQ(session.expected.back().requests, 1U) << "munmap:merged on x86";
  EXPECT_TRUE(session.blocks.at(0).engine_accounts[0].empty());
}

TEST(EarlyFiles, ExpectWhatTheirMachineDoes) {
  CellPlan cell;
  cell.a = "syscall/madvise:merged";
  cell.b = "syscall/munmap:merged";
  Machine machine;
  machine.arch = "x86_64";
  machine.kernel = "6.12.1";
  EXPECT_EQ(early_expectations(cell, machine)[0].requests, 16U) << "a gather per VMA before 6.16";
  machine.kernel = "6.18.44-fc";
  EXPECT_EQ(early_expectations(cell, machine)[0].requests, 1U);
  machine.arch = "aarch64";
  EXPECT_EQ(early_expectations(cell, machine)[1].requests, 16U) << "a flush at each tlb_end_vma";
  cell.b = "other/unmap:merged";
  EXPECT_FALSE(early_expectations(cell, machine)[1].requests.has_value());
  cell.a = "lab/unmap:merged,exact";
  StudyPlan plan;
  plan.cells = {cell};
  const auto summaries = early_summaries(plan);
  EXPECT_EQ(summaries.at("lab/unmap:merged,exact"), "one flush at the end, over all VMAs,exact");
  EXPECT_FALSE(summaries.contains("other/unmap:merged"));
}

TEST_F(Records, GzipReadsTheSame) {
  write_trials(64, true);
  std::ifstream plain(path_);
  const std::string text{std::istreambuf_iterator<char>(plain), {}};
  gzFile packed = gzopen(path_.c_str(), "wb");
  gzwrite(packed, text.data(), static_cast<unsigned>(text.size()));
  gzclose(packed);
  EXPECT_EQ(read_study_file(path_).cells.at(1).sessions.at(0).blocks.size(), 1U);
}

TEST_F(Records, TrialsOfAnUnfinishedBlockAreCountedNotUsed) {
  write_trials(10, false);
  const SessionRecord session = read_study_file(path_).cells.at(1).sessions.at(0);
  EXPECT_TRUE(session.blocks.empty());
  EXPECT_EQ(session.nr_interrupted_trials, 10U);
}

TEST_F(Records, ABlockOfTooFewTrialsIsDamage) {
  write_trials(63, true);
  EXPECT_THROW(read_study_file(path_), Error);
}

TEST_F(Records, MendCutsTheTornLineOnly) {
  write_trials(64, true);
  const auto whole = std::filesystem::file_size(path_);
  std::ofstream(path_, std::ios::app) << "[1,2,1,0,55";
  EXPECT_EQ(read_study_file(path_).warnings.size(), 1U);
  EXPECT_EQ(Writer::mend(path_), 11U);
  EXPECT_EQ(std::filesystem::file_size(path_), whole);
  EXPECT_EQ(Writer::mend(path_), 0U);
}

TEST_F(Records, CreateRefusesAnExistingFile) {
  Writer::create(path_, encode(header()));
  EXPECT_THROW(Writer::create(path_, encode(header())), Error);
}

TEST(FailedCommit, IsAnErrorAndDropsWhatWasPending) {
  Writer writer("/dev/full");
  writer.add_line("{}");
  EXPECT_THROW(writer.commit(), Error);
  EXPECT_NO_THROW(writer.commit());
}

TEST_F(Records, TwoWritersCannotBothHoldAFile) {
  Writer::create(path_, encode(header()));
  Writer first(path_);
  first.lock();
  Writer second(path_);
  EXPECT_THROW(second.lock(), Error);
}

TEST(TrialStates, HaveNamesThatParse) {
  for (std::size_t i = 0; i < kTrialStates; ++i) {
    const auto state = static_cast<TrialState>(i);
    EXPECT_EQ(parse_trial_state(name(state)), state);
  }
  EXPECT_FALSE(parse_trial_state("asleep").has_value());
}

}  // namespace
}  // namespace tlblab::records
