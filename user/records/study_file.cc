// SPDX-License-Identifier: GPL-2.0-only
// Tells records by their kind, and hands each on.
#include "user/records/study_file.hh"

#include <fmt/format.h>
#include <simdjson.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "user/records/block.hh"
#include "user/records/cell.hh"
#include "user/records/early_files.hh"
#include "user/records/early_trials.hh"
#include "user/records/lines.hh"
#include "user/support/error.hh"

namespace tlblab::records {
namespace {

using nlohmann::json;
using simdjson::dom::element;

static_assert(kLinePadding >= simdjson::SIMDJSON_PADDING);

/// Trials of an early file wait in `early_` until their block record comes.
class Reader {
 public:
  explicit Reader(StudyVisitor& visitor) : visitor_(visitor) {}

  void header(const std::string& line, const std::string& path) {
    StudyHeader header = decode_study_header(line, path);
    try {
      if (header.schema == kFirstSchema) {
        trials_.emplace(header.trial_columns, header.responder_columns);
      }
      blocks_.emplace(header.trial_states);
    } catch (const std::exception& error) {
      throw Error(ExitStatus::kUsage, fmt::format("{}: {}", path, error.what()),
                  "Read it with the tlblab version that its header names.");
    }
    boot_id_ = header.boot_id;
    plan_ = header.plan;
    machine_ = header.machine;
    visitor_.header(std::move(header));
  }

  void line(std::string_view text) {
    const element record = parser_.parse(text.data(), text.size(), false);
    if (trials_ && record.is_array()) {
      auto [place, trial] = trials_->decode(record);
      early_place_ = place;
      early_.push_back(std::move(trial));
      return;
    }
    const std::string_view kind(record["record"]);
    if (kind == "block") {
      block(record);
    } else if (kind == "interrupted_block") {
      blocks_->decode(record, record_);
      visitor_.interrupted(in_plan(record_.place), record_.trials.size());
    } else {
      other(kind, text);
    }
  }

  std::vector<std::string> end() {
    drop_early();
    std::vector<std::string> warnings;
    for (const auto& [kind, number] : nr_unknown_) {
      warnings.push_back(fmt::format("{} \"{}\" record{} skipped: this tlblab does not know them",
                                     number, kind, number == 1 ? "" : "s"));
    }
    return warnings;
  }

 private:
  /// Throws a std::exception when the plan has no such cell.
  const TrialPlace& in_plan(const TrialPlace& place) const {
    static_cast<void>(plan_.cells.at(place.cell));
    return place;
  }

  void other(std::string_view kind, std::string_view text) {
    if (kind != "run" && kind != "cell" && kind != "count" && kind != "probe" &&
        kind != "cell_end") {
      ++nr_unknown_[std::string(kind)];
      return;
    }
    const json record = json::parse(text);
    if (kind == "run") {
      drop_early();
      RunHeader run = decode_later_run(record);
      boot_id_ = run.boot_id;
      visitor_.later_run(std::move(run));
      return;
    }
    const TrialPlace place = in_plan(place_of(record));
    if (kind == "cell") {
      drop_early();
      begin(place, decode_cell_begin(record));
    } else if (kind == "count") {
      visitor_.count(place, decode_count(record));
    } else if (kind == "probe") {
      visitor_.probe(place, decode_probe(record));
    } else {
      drop_early();
      visitor_.end(place, decode_cell_end(record).reason);
    }
  }

  void begin(const TrialPlace& place, CellBegin&& begin) {
    origin_s_ = static_cast<double>(begin.realtime_ns) / 1e9;
    visitor_.session(place, {begin.expected ? std::move(*begin.expected)
                                            : early_expectations(plan_.cells[place.cell], machine_),
                             boot_id_});
  }

  void block(const element& record) {
    blocks_->decode(record, record_);
    if (trials_) record_.trials = std::exchange(early_, {});
    const std::size_t nr_trials = record_.trials.size();
    block_.alternated = trials_ && nr_trials == kTrialsPerEarlyBlock;
    if (nr_trials != kTrialsPerBlock && !block_.alternated) {
      throw std::runtime_error(fmt::format("a block of {} trials", nr_trials));
    }
    if (block_.alternated) mark_lead_ins(record_.trials);
    block_.index = record_.index;
    block_.seconds = record_.seconds;
    block_.calibrator_ns = record_.calibrator_ns;
    block_.time_s = origin_s_ + static_cast<double>(record_.trials.front().start_ns) / 1e9;
    std::swap(block_.engine_accounts, record_.engine_accounts);
    std::swap(block_.trials, record_.trials);
    visitor_.block(in_plan(record_.place), block_);
  }

  void drop_early() {
    if (early_.empty()) return;
    visitor_.interrupted(early_place_, early_.size());
    early_.clear();
  }

  StudyVisitor& visitor_;
  simdjson::dom::parser parser_;
  std::optional<EarlyTrialReader> trials_;  ///< of schema 1 only
  std::optional<BlockReader> blocks_;
  StudyPlan plan_;
  Machine machine_;
  std::string boot_id_;
  double origin_s_ = 0;
  BlockRecord record_;  ///< kept, and the next too, for the memory in them
  Block block_;
  std::vector<Trial> early_;
  TrialPlace early_place_;
  std::map<std::string, std::size_t> nr_unknown_;  ///< records, by kind
};

}  // namespace

std::vector<std::string> read_study_file(const std::string& path, StudyVisitor& visitor) {
  Reader reader(visitor);
  const std::vector<std::string> of_lines = read_lines(
      path, [&](const std::string& line) { reader.header(line, path); },
      [&](std::string_view line) { reader.line(line); });
  std::vector<std::string> warnings = reader.end();
  warnings.insert(warnings.end(), of_lines.begin(), of_lines.end());
  return warnings;
}

}  // namespace tlblab::records
