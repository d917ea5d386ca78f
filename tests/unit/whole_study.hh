// SPDX-License-Identifier: GPL-2.0-only
// A study's result file in memory, for tests that ask what is in it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "user/records/study_file.hh"

namespace tlblab::records {

struct WholeSession {
  unsigned session = 0;
  std::vector<Block> blocks;
  std::vector<CountTrial> counts;
  std::vector<ProbeTrial> probes;
  std::array<Expectation, 2> expected;
  std::string boot_id;
  std::string stop_reason;
  std::size_t nr_interrupted_trials = 0;
};

class WholeStudy : public StudyVisitor {
 public:
  explicit WholeStudy(const std::string& path) { warnings = read_study_file(path, *this); }

  void header(StudyHeader&& read) override {
    header_ = std::move(read);
    cells.resize(header_.plan.cells.size());
  }
  void later_run(RunHeader&& run) override { later_runs.push_back(std::move(run)); }
  void session(const TrialPlace& place, SessionBegin&& begin) override {
    WholeSession& begun = at(place);
    begun.expected = std::move(begin.expected);
    begun.boot_id = std::move(begin.boot_id);
  }
  void block(const TrialPlace& place, const Block& block) override {
    at(place).blocks.push_back(block);
  }
  void interrupted(const TrialPlace& place, std::size_t nr_trials) override {
    at(place).nr_interrupted_trials += nr_trials;
  }
  void count(const TrialPlace& place, CountTrial&& trial) override {
    at(place).counts.push_back(std::move(trial));
  }
  void probe(const TrialPlace& place, ProbeTrial&& trial) override {
    at(place).probes.push_back(std::move(trial));
  }
  void end(const TrialPlace& place, const std::string& reason) override {
    at(place).stop_reason = reason;
  }

  StudyHeader header_;
  std::vector<RunHeader> later_runs;
  std::vector<std::vector<WholeSession>> cells;  ///< sessions, by cell
  std::vector<std::string> warnings;

 private:
  WholeSession& at(const TrialPlace& place) {
    auto& sessions = cells.at(place.cell);
    const auto found =
        std::find_if(sessions.begin(), sessions.end(),
                     [&](const WholeSession& session) { return session.session == place.session; });
    if (found != sessions.end()) return *found;
    sessions.emplace_back().session = place.session;
    return sessions.back();
  }
};

}  // namespace tlblab::records
