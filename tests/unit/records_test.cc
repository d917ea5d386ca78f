// SPDX-License-Identifier: GPL-2.0-only
// Result files: what is written is what is read, and what is damaged is refused.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/unit/whole_study.hh"
#include "user/records/block.hh"
#include "user/records/early_files.hh"
#include "user/records/frames.hh"
#include "user/records/source.hh"
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
    made.machine.tlb = {{"L1 dTLB", "4K: 64 entries"}};
    made.machine.flushing = {{"PCID", "yes", "CPUID"}};
    made.findings = {{Severity::kWarning, "steal time", "3 %", "advice is not kept"}};
    made.distances = {{1, "same core"}, {5, "other node"}};
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
    made.responders = {{7, 1, 1000}, {9U + order, 2, 2000}};
    return made;
  }

  static BlockRecord block(std::size_t nr_trials = kTrialsPerBlock) {
    BlockRecord made{{1, 2}, 0, 0.5, 42};
    for (std::size_t i = 0; i < nr_trials; ++i) {
      made.trials.push_back(trial(0, static_cast<std::uint8_t>(i)));
    }
    return made;
  }

  static constexpr const char* kCell =
      R"({"record":"cell","cell":1,"session":2,"realtime_ns":5000000000})";

  void write(const std::vector<std::string>& lines,
             const std::string& header_line = encode(header())) {
    Writer::create(path_, header_line);
    Writer writer(path_);
    for (const std::string& line : lines) writer.add_line(line);
    writer.commit();
  }

  std::string path_;
};

TEST_F(Records, RoundTrip) {
  write({kCell, encode(block(), 1'000'000)});
  const WholeStudy file(path_);
  ASSERT_EQ(file.cells.size(), 2U);
  EXPECT_TRUE(file.cells[0].empty());
  const WholeSession& session = file.cells[1].at(0);
  EXPECT_EQ(session.session, 2U);
  const Block& read = session.blocks.at(0);
  EXPECT_EQ(read.calibrator_ns, 42U);
  EXPECT_DOUBLE_EQ(read.time_s, 5.0);
  EXPECT_DOUBLE_EQ(read.seconds, 0.5);
  ASSERT_EQ(read.trials.size(), kTrialsPerBlock);
  EXPECT_FALSE(read.alternated);
  for (std::size_t i = 0; i < read.trials.size(); ++i) {
    const Trial written = trial(0, static_cast<std::uint8_t>(i));
    EXPECT_EQ(read.trials[i].start_ns + 1'000'000, written.start_ns) << i << ", next ones too";
    EXPECT_EQ(read.trials[i].latency_ns, written.latency_ns);
    EXPECT_EQ(read.trials[i].state, written.state);
    EXPECT_EQ(read.trials[i].arm, written.arm);
    EXPECT_EQ(read.trials[i].order, i);
    ASSERT_EQ(read.trials[i].responders.size(), 2U);
    EXPECT_EQ(read.trials[i].responders[1].stolen_ns, 9U + i);
    EXPECT_EQ(read.trials[i].responders[1].interrupts, 2U);
    EXPECT_EQ(read.trials[i].responders[1].heartbeats, 2000U);
  }
  EXPECT_TRUE(file.warnings.empty());
}

// A later release may order columns otherwise, add some, number states in its own way, and write
// records of its own.
TEST_F(Records, ColumnsAreFoundByNameAndUnknownRecordsSkipped) {
  auto head = nlohmann::json::parse(encode(header()));
  head["schema_minor"] = 99;
  auto& states = head["trial_states"];
  std::reverse(states.begin(), states.end());
  auto parsed = nlohmann::json::parse(encode(block(), 1'000'000));
  for (auto& state : parsed["state"]) state = states.size() - 1 - state.get<std::size_t>();
  parsed["a new column"] = nlohmann::json::array();
  nlohmann::ordered_json turned;
  for (auto column = parsed.rbegin(); column != parsed.rend(); ++column) {
    turned[column.key()] = column.value();
  }
  write({R"({"record":"weather","rain":true})", kCell, turned.dump()}, head.dump());
  const WholeStudy file(path_);
  const Block& read = file.cells[1].at(0).blocks.at(0);
  EXPECT_EQ(read.trials[3].state, TrialState::kSwitched);
  EXPECT_EQ(read.trials[5].latency_ns, 105U);
  EXPECT_EQ(read.trials[5].responders.at(1).heartbeats, 2000U);
  ASSERT_EQ(file.warnings.size(), 1U);
  EXPECT_NE(file.warnings[0].find("1 \"weather\" record skipped"), std::string::npos);
}

TEST_F(Records, ABlockWithoutAColumnOrWithOneTooShortIsDamage) {
  for (const char* column : {"arm", "state", "outside_ns", "latency_ns", "responders"}) {
    auto record = nlohmann::json::parse(encode(block(), 0));
    record.erase(column);
    write({kCell, record.dump()});
    EXPECT_THROW(WholeStudy{path_}, Error) << column;
    std::filesystem::remove(path_);
  }
  auto record = nlohmann::json::parse(encode(block(), 0));
  record["latency_ns"].erase(7);
  write({kCell, record.dump()});
  EXPECT_THROW(WholeStudy{path_}, Error);
}

TEST_F(Records, AStateThatIsNotKnownIsRefused) {
  auto head = nlohmann::json::parse(encode(header()));
  head["trial_states"][2] = "asleep";
  write({}, head.dump());
  EXPECT_THROW(WholeStudy{path_}, Error);
}

TEST_F(Records, AHeaderIsReadAsItWasWritten) {
  const StudyHeader read = decode_study_header(encode(header()), path_);
  EXPECT_EQ(read.version, "9.9");
  EXPECT_EQ(read.argv.size(), 2U);
  EXPECT_EQ(read.machine.virtualization.kind, MachineKind::kVirtual);
  EXPECT_EQ(read.machine.tlb, header().machine.tlb);
  EXPECT_EQ(read.machine.flushing, header().machine.flushing);
  EXPECT_EQ(read.findings.at(0).severity, Severity::kWarning);
  EXPECT_EQ(read.findings.at(0).seen, "3 %");
  EXPECT_EQ(read.distances, header().distances);
  EXPECT_EQ(read.counters_missing, header().counters_missing);
  EXPECT_EQ(read.counters, header().counters);
  EXPECT_EQ(read.summaries, header().summaries);
  EXPECT_EQ(read.plan.cells.size(), 2U);
}

TEST_F(Records, AHeaderFromBeforeDistancesWereRecordedIsRead) {
  auto json = nlohmann::json::parse(encode(header()));
  EXPECT_EQ(json.erase("distances"), 1U);
  EXPECT_TRUE(decode_study_header(json.dump(), path_).distances.empty());
}

TEST_F(Records, AHeaderFromBeforeFactsAboutFlushesIsRead) {
  auto json = nlohmann::json::parse(encode(header()));
  EXPECT_EQ(json["machine"].erase("flushing"), 1U);
  EXPECT_TRUE(decode_study_header(json.dump(), path_).machine.flushing.empty());
  json["machine"]["flushing"] = {{"PCID", "yes"}};  // without a source
  EXPECT_THROW(decode_study_header(json.dump(), path_), Error);
}

TEST_F(Records, AHeaderWithAWrongValueIsRefused) {
  for (const auto& [key, value] : {std::pair{"machine", "{}"},
                                   {"findings", "3"},
                                   {"distances", "[[\"1\",2]]"},
                                   {"plan", "{\"cells\":3}"}}) {
    auto json = nlohmann::json::parse(encode(header()));
    json[key] = nlohmann::json::parse(value);
    EXPECT_THROW(decode_study_header(json.dump(), path_), Error) << key;
  }
}

TEST_F(Records, TheAccountFromInsideIsReadWhereThereIsOne) {
  BlockRecord record = block();
  record.place = {0, 1};
  record.engine_accounts[0] = {{"requests", 640}};
  write({R"({"record":"cell","cell":0,"session":1,"realtime_ns":1,"expected":{
      "A":{"note":"a","requests":16,"inside":{"requests":16}},"B":{"note":"b"}}})"_one_line,
         encode(record, 0), R"({"record":"count","cell":0,"session":1,"arm":"A","state":"ok",
      "latency_ns":1,"counts":[{}],"inside":{"requests":16}})"_one_line,
         R"({"record":"count","cell":0,"session":1,"arm":"B","state":"ok",
      "latency_ns":1,"counts":[{}]})"_one_line});
  const WholeSession session = WholeStudy(path_).cells.at(0).at(0);
  EXPECT_EQ(session.expected.front().requests, 16U);
  EXPECT_EQ(session.expected.front().account.at("requests"), 16U);
  EXPECT_FALSE(session.expected.back().requests.has_value());
  EXPECT_EQ(session.blocks.at(0).engine_accounts[0].at("requests"), 640U);
  EXPECT_EQ(session.counts.at(0).engine_account.at("requests"), 16U);
  EXPECT_TRUE(session.counts.at(1).engine_account.empty());
}

TEST_F(Records, AProbeTrialIsReadAsItWasWritten) {
  ProbeTrial without;
  without.responders_ns = {1};
  write({encode({1, 2}, ProbeTrial{512,
                                   7,
                                   Arm::kB,
                                   true,
                                   TrialState::kInitiatorFaulted,
                                   90,
                                   {1, 2},
                                   {40},
                                   {{{"dtlb_walks", 3}}, {}}}),
         encode({1, 2}, without)});
  const WholeSession session = WholeStudy(path_).cells.at(1).at(0);
  EXPECT_EQ(session.session, 2U);
  const ProbeTrial& probe = session.probes.at(0);
  EXPECT_EQ(probe.nr_pages, 512U);
  EXPECT_EQ(probe.block, 7U);
  EXPECT_EQ(probe.arm, Arm::kB);
  EXPECT_TRUE(probe.operated);
  EXPECT_EQ(probe.state, TrialState::kInitiatorFaulted);
  EXPECT_EQ(probe.initiator_ns, 90U);
  EXPECT_EQ(probe.responders_ns, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(probe.bystanders_ns, std::vector<std::uint64_t>{40});
  EXPECT_EQ(probe.counts, (std::vector<Counts>{{{"dtlb_walks", 3}}, {}}));
  EXPECT_TRUE(session.probes.at(1).bystanders_ns.empty());
}

/// A file in which no bystander walked, as early ones, has no such field: unknown is not 0.
TEST(ProbeRecord, HasBystandersOnlyWhereTheyWalked) {
  ProbeTrial trial;
  EXPECT_FALSE(nlohmann::json::parse(encode({1, 2}, trial)).contains("bystanders_ns"));
  trial.bystanders_ns = {5, 6};
  auto record = nlohmann::json::parse(encode({1, 2}, trial));
  EXPECT_EQ(decode_probe(record).bystanders_ns, trial.bystanders_ns);
  record.erase("bystanders_ns");
  EXPECT_TRUE(decode_probe(record).bystanders_ns.empty());
}

/// A file of schema 1: plain text, a line for each trial, columns in an order of its own.
class EarlyRecords : public Records {
 protected:
  static nlohmann::json early_header() {
    auto made = nlohmann::json::parse(encode(header()));
    made["schema"] = 1;
    made.erase("trial_states");
    made.erase("summaries");
    made["trial_columns"] = {"new",      "responders", "state", "latency_ns", "arm",
                             "start_ns", "order",      "block", "session",    "cell"};
    made["responder_columns"] = {"heartbeats", "interrupts", "stolen_ns"};
    return made;
  }

  static std::string text(int nr_trials, bool with_block) {
    std::string lines = std::string(kCell) + "\n";
    for (int i = 0; i < nr_trials; ++i) {
      lines +=
          fmt::format("[0,[[10,2,7]],\"{}\",{},\"{}\",{},{},0,2,1]\n", i == 3 ? "switched" : "ok",
                      100 + i, i % 2 == 0 ? "A" : "B", 1000 * i, i);
    }
    if (with_block) {
      lines +=
          R"({"record":"block","cell":1,"session":2,"block":0,"seconds":0.5,"calibrator_ns":42})"
          "\n";
    }
    return lines;
  }

  void write_early(int nr_trials, bool with_block, const nlohmann::json& head = early_header()) {
    std::ofstream(path_) << head.dump() << "\n" << text(nr_trials, with_block);
  }
};

/// Nor have files of 0.1.0 summaries or, without the lab, expectations.
TEST_F(EarlyRecords, AreReadAsBefore) {
  write_early(64, true);
  const WholeStudy file(path_);
  EXPECT_EQ(file.header_.summaries.at("syscall/munmap:merged"), "one munmap over all VMAs");
  const WholeSession& session = file.cells.at(1).at(0);
  EXPECT_EQ(session.expected.front().requests, 16U) << "munmap:per-vma, the default shape";
  EXPECT_EQ(session.expected.back().requests, 1U) << "munmap:merged on x86";
  const Block& read = session.blocks.at(0);
  EXPECT_TRUE(read.alternated);
  EXPECT_TRUE(read.engine_accounts[0].empty());
  EXPECT_EQ(read.trials[2].state, TrialState::kLeadIn) << "it follows one of the other arm";
  EXPECT_EQ(read.trials[5].latency_ns, 105U);
  EXPECT_EQ(read.trials[5].start_ns, 5000U);
  EXPECT_EQ(read.trials[5].responders.at(0).heartbeats, 10U);
  EXPECT_EQ(read.trials[5].responders.at(0).stolen_ns, 7U);
}

TEST_F(EarlyRecords, WithoutANeededColumnAreRefused) {
  auto head = early_header();
  head["trial_columns"].erase(3);
  write_early(64, true, head);
  try {
    WholeStudy{path_};
    ADD_FAILURE() << "it was read";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("no column \"latency_ns\""), std::string::npos);
  }
}

TEST_F(EarlyRecords, PackedByGzipReadTheSame) {
  const std::string plain = early_header().dump() + "\n" + text(64, true);
  gzFile packed = gzopen(path_.c_str(), "wb");
  gzwrite(packed, plain.data(), static_cast<unsigned>(plain.size()));
  gzclose(packed);
  EXPECT_EQ(WholeStudy(path_).cells.at(1).at(0).blocks.size(), 1U);
}

TEST_F(EarlyRecords, OfAnUnfinishedBlockAreCountedNotUsed) {
  write_early(10, false);
  const WholeSession session = WholeStudy(path_).cells.at(1).at(0);
  EXPECT_TRUE(session.blocks.empty());
  EXPECT_EQ(session.nr_interrupted_trials, 10U);
}

TEST_F(EarlyRecords, AreDamagedByABlockOfTooFewTrials) {
  write_early(63, true);
  EXPECT_THROW(WholeStudy{path_}, Error);
}

TEST_F(EarlyRecords, WithATornLastLineAreReadUpToIt) {
  write_early(64, true);
  std::ofstream(path_, std::ios::app) << "[1,2,1,0,55";
  EXPECT_EQ(WholeStudy(path_).warnings.size(), 1U);
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

TEST_F(Records, TrialsOfAnUnfinishedBlockAreCountedNotUsed) {
  write({kCell, encode_interrupted(block(10), 0)});
  const WholeSession session = WholeStudy(path_).cells.at(1).at(0);
  EXPECT_TRUE(session.blocks.empty());
  EXPECT_EQ(session.nr_interrupted_trials, 10U);
}

TEST_F(Records, ABlockOfTooFewTrialsIsDamage) {
  write({kCell, encode(block(63), 0)});
  EXPECT_THROW(WholeStudy{path_}, Error);
}

/// Wherever a kill or a crash cuts a file, what was committed before is kept, the file can be
/// written on, and any zstd reads it: no frame stays open.
TEST_F(Records, MendKeepsAllCommitsBeforeACut) {
  std::vector<std::uintmax_t> committed;  // sizes after each
  Writer::create(path_, encode(header()));
  {
    Writer writer(path_);
    for (std::uint32_t i = 0; i < 6; ++i) {
      writer.add_line(i == 0 ? kCell : encode(block(), 0));
      writer.commit();
      committed.push_back(std::filesystem::file_size(path_));
    }
  }
  std::ifstream file(path_, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  std::set<std::size_t> cuts;
  for (std::size_t cut = committed.front(); cut < whole.size(); cut += 13) cuts.insert(cut);
  for (const std::uintmax_t size : committed) cuts.insert({size - 1, size, size + 1, size + 3});
  cuts.erase(committed.front() - 1);
  for (const std::size_t cut : cuts) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << whole.substr(0, cut);
    const auto nr_kept = static_cast<std::size_t>(
        std::count_if(committed.begin(), committed.end(), [&](auto size) { return size <= cut; }));
    EXPECT_EQ(Writer::mend(path_), cut == whole.size() ? 0 : cut - committed[nr_kept - 1]) << cut;
    EXPECT_EQ(Writer::mend(path_), 0U) << cut << ": once is enough";
    {
      Writer writer(path_);
      writer.add_line(R"({"record":"cell_end","cell":1,"session":2,"reason":"time"})");
      writer.commit();
    }
    const WholeStudy study(path_);
    ASSERT_EQ(study.cells.at(1).size(), 1U) << cut;
    EXPECT_EQ(study.cells[1][0].blocks.size(), nr_kept - 1) << cut;
    EXPECT_EQ(study.cells[1][0].stop_reason, "time") << cut;
    EXPECT_TRUE(study.warnings.empty());
    EXPECT_EQ(Writer::last_line(path_).find(R"({"record":"cell_end")"), 0U);
  }
}

/// A frame that nobody has ended is read to its last byte, in pieces however small.
TEST_F(Records, ASourceIsReadInSmallPieces) {
  Writer::create(path_, encode(header()));
  Writer writer(path_);
  const std::string line = encode(block(), 0);
  writer.add_line(line);
  writer.commit();
  const auto source = open_source(path_);
  std::string text;
  std::array<char, 100> piece{};
  while (const std::size_t got = source->read(piece)) text.append(piece.data(), got);
  EXPECT_EQ(text, encode(header()) + "\n" + line + "\n");
}

/// One that was killed in mid-write is read up to its last whole record.
TEST_F(Records, AnOpenFrameIsReadAndALineThatIsTornIsNot) {
  write({kCell});
  const std::string begun = Frame().add(encode(block(), 0) + "\n{\"record\":\"blo");
  std::ofstream(path_, std::ios::app | std::ios::binary) << begun;
  const WholeStudy study(path_);
  EXPECT_EQ(study.cells.at(1).at(0).blocks.size(), 1U);
  EXPECT_EQ(study.warnings.size(), 1U);
}

TEST_F(Records, MendRefusesWhatIsNotOurs) {
  std::ofstream(path_) << "{\"record\":\"header\"}\n";
  EXPECT_THROW(Writer::mend(path_), Error);
}

TEST_F(Records, AFileIsDamagedWhereItsFramesAre) {
  write({kCell, encode(block(), 0)});
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path_) / 2));
  file.write("\xff\xff\xff\xff\xff\xff\xff\xff", 8);
  file.close();
  EXPECT_THROW(WholeStudy{path_}, Error);
}

/// At most 12 bytes a trial with one responder, of trials as a real machine gives them.
TEST_F(Records, ATrialTakesTwelveBytesAtMost) {
  const WholeStudy real("tests/data/recording.jsonl.gz");
  std::vector<std::string> lines;
  std::size_t nr_trials = 0;
  BlockRecord record{{1, 2}, 0, 0, 0};
  for (const Block& read : real.cells.at(0).at(0).blocks) {
    record.index = read.index;
    record.seconds = read.seconds;
    record.calibrator_ns = read.calibrator_ns;
    record.trials = read.trials;
    ASSERT_EQ(record.trials.front().responders.size(), 1U);
    lines.push_back(encode(record, 0));
    nr_trials += record.trials.size();
  }
  ASSERT_GT(nr_trials, 10'000U);
  Writer::create(path_, encode(header()));
  const auto header_bytes = std::filesystem::file_size(path_);
  {
    Writer writer(path_);
    for (const std::string& line : lines) {
      writer.add_line(line);
      writer.commit();
    }
  }
  EXPECT_LE(static_cast<double>(std::filesystem::file_size(path_) - header_bytes) /
                static_cast<double>(nr_trials),
            12.0);
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
