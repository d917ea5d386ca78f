// SPDX-License-Identifier: GPL-2.0-only
// Builds a study's structure record by record.
#include "user/records/study_file.hh"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

#include "user/records/block.hh"
#include "user/records/cell.hh"
#include "user/records/early_files.hh"
#include "user/records/lines.hh"
#include "user/support/error.hh"

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
    try {
      trials_.emplace(file_.header.trial_columns, file_.header.responder_columns);
    } catch (const std::exception& error) {
      throw Error(ExitStatus::kUsage, fmt::format("{}: {}", path, error.what()),
                  "Read it with the tlblab version that its header names.");
    }
  }

  void line(const std::string& text) {
    const json record = json::parse(text);
    if (record.is_array()) {
      auto [place, trial] = trials_->decode(record);
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
      ++nr_unknown_[kind];
    }
  }

  void end() {
    drop_pending();
    for (const auto& [kind, number] : nr_unknown_) {
      file_.warnings.push_back(
          fmt::format("{} \"{}\" record{} skipped: this tlblab does not know them", number, kind,
                      number == 1 ? "" : "s"));
    }
  }

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
  std::optional<TrialReader> trials_;
  std::map<std::string, std::size_t> nr_unknown_;  ///< records, by kind
  std::vector<Trial> pending_;
  TrialPlace pending_place_;
  double origin_s_ = 0;
};

}  // namespace

StudyFile read_study_file(const std::string& path) {
  StudyFile file;
  Builder builder(file);
  const std::vector<std::string> of_lines = read_lines(
      path, [&](const std::string& line) { builder.header(line, path); },
      [&](const std::string& line) { builder.line(line); });
  builder.end();
  file.warnings.insert(file.warnings.end(), of_lines.begin(), of_lines.end());
  return file;
}

}  // namespace tlblab::records
