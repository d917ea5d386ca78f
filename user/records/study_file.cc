// SPDX-License-Identifier: GPL-2.0-only
// Builds a study's structure record by record.
#include "user/records/study_file.hh"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "user/records/block.hh"
#include "user/records/cell.hh"
#include "user/records/early_files.hh"
#include "user/records/lines.hh"

namespace tlblab::records {
namespace {

using nlohmann::json;

/// Trials wait in `pending_` until their block record comes.
class Builder {
 public:
  explicit Builder(StudyFile& file) : file_(file) {}

  void header(const std::string& line, const std::string& path) {
    file_.header = decode_study_header(line, path);
    file_.cells.resize(file_.header.plan.cells.size());
  }

  void line(const std::string& text) {
    const json record = json::parse(text);
    if (record.is_array()) {
      auto [place, trial] = decode_trial(record);
      pending_place_ = place;
      pending_.push_back(std::move(trial));
      return;
    }
    const std::string kind = record.at("record").get<std::string>();
    if (kind == "run") {
      drop_pending();
      file_.later_runs.push_back(decode_later_run(record));
    } else if (kind == "cell") {
      drop_pending();
      begin(decode_cell_begin(record));
    } else if (kind == "block") {
      block(decode_block(record));
    } else if (kind == "count") {
      session(place_of(record)).counts.push_back(decode_count(record));
    } else if (kind == "probe") {
      session(place_of(record)).probes.push_back(decode_probe(record));
    } else if (kind == "cell_end") {
      drop_pending();
      const CellEnd end = decode_cell_end(record);
      session(end.place).stop_reason = end.reason;
    } else {
      throw std::runtime_error(fmt::format("unknown record \"{}\"", kind));
    }
  }

  void end() { drop_pending(); }

 private:
  SessionRecord& session(const TrialPlace& place) {
    auto& sessions = file_.cells.at(place.cell).sessions;
    auto at = std::lower_bound(
        sessions.begin(), sessions.end(), place.session,
        [](const SessionRecord& left, unsigned right) { return left.session < right; });
    if (at == sessions.end() || at->session != place.session) {
      at = sessions.insert(at, SessionRecord{});
      at->session = place.session;
    }
    return *at;
  }

  void begin(const CellBegin& begin) {
    origin_s_ = static_cast<double>(begin.realtime_ns) / 1e9;
    const CellPlan& plan = file_.header.plan.cells.at(begin.place.cell);
    SessionRecord& begun = session(begin.place);
    begun.expected =
        begin.expected ? *begin.expected : early_expectations(plan, file_.header.machine);
    begun.boot_id =
        file_.later_runs.empty() ? file_.header.boot_id : file_.later_runs.back().boot_id;
  }

  void block(BlockEnd&& end) {
    const bool alternated = pending_.size() == kTrialsPerEarlyBlock;
    if (pending_.size() != kTrialsPerBlock && !alternated) {
      throw std::runtime_error(fmt::format("a block of {} trials", pending_.size()));
    }
    if (alternated) mark_lead_ins(pending_);
    SessionRecord& measured = session(end.place);
    measured.alternated = measured.alternated || alternated;
    Block& block = measured.blocks.emplace_back();
    block.index = end.index;
    block.seconds = end.seconds;
    block.calibrator_ns = end.calibrator_ns;
    block.time_s = origin_s_ + static_cast<double>(pending_.front().start_ns) / 1e9;
    block.engine_accounts = std::move(end.engine_accounts);
    block.trials = std::exchange(pending_, {});
  }

  void drop_pending() {
    if (pending_.empty()) return;
    session(pending_place_).nr_interrupted_trials += pending_.size();
    pending_.clear();
  }

  StudyFile& file_;
  std::vector<Trial> pending_;
  TrialPlace pending_place_;
  double origin_s_ = 0;
};

}  // namespace

StudyFile read_study_file(const std::string& path) {
  StudyFile file;
  Builder builder(file);
  file.warnings = read_lines(
      path, [&](const std::string& line) { builder.header(line, path); },
      [&](const std::string& line) { builder.line(line); });
  builder.end();
  return file;
}

}  // namespace tlblab::records
