// SPDX-License-Identifier: GPL-2.0-only
// A result file, line by line. Strict: what isn't understood is refused with its line number.
#include "user/records/reader.hh"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "user/records/writer.hh"
#include "user/statistics/blocks.hh"
#include "user/support/error.hh"
#include "user/support/interruption.hh"

namespace tlblab::records {
namespace {

using nlohmann::json;

/// gzread passes plain files through, so one reader serves both.
class Lines {
 public:
  explicit Lines(const std::string& path) : path_(path), file_(gzopen(path.c_str(), "rb")) {
    if (file_ == nullptr) {
      throw Error(ExitStatus::kUsage, fmt::format("cannot open {}: {}", path, std::strerror(errno)),
                  "Name a result file (.jsonl or .jsonl.gz) that `tlblab study` or `ab` wrote.");
    }
    gzbuffer(file_, 1 << 18);
  }
  ~Lines() { gzclose(file_); }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  /// False at the end. `whole` tells whether the line ended in a newline.
  bool next(std::string& line, bool& whole) {
    line.clear();
    char part[4096];
    while (gzgets(file_, part, sizeof part) != nullptr) {
      line += part;
      if (line.back() == '\n') {
        line.pop_back();
        whole = true;
        return true;
      }
    }
    int error = Z_OK;
    const char* text = gzerror(file_, &error);
    if (error != Z_OK && error != Z_STREAM_END && error != Z_BUF_ERROR) {
      throw Error(ExitStatus::kUsage, fmt::format("cannot read {}: {}", path_, text),
                  "Name a result file (.jsonl or .jsonl.gz); this one is damaged or not a file.");
    }
    whole = false;
    return !line.empty();
  }

 private:
  std::string path_;
  gzFile file_;
};

/// Builds the structure record by record. Trials wait in `pending_` until their block record comes.
class Builder {
 public:
  explicit Builder(ResultFile& file) : file_(file) {}

  void header(const std::string& line, const std::string& path) {
    const json record = json::parse(line, nullptr, false);
    if (!record.is_object() || record.value("record", "") != "header" ||
        !record.contains("schema") || !record["schema"].is_number_integer() ||
        !record.contains("plan") || !record["plan"].contains("cells")) {
      throw Error(ExitStatus::kUsage, fmt::format("{} is not a tlblab result file", path),
                  "Name a file that `tlblab study` or `tlblab ab` wrote (docs/result-format.md).");
    }
    const int schema = record["schema"].get<int>();
    if (schema != kSchema) {
      throw Error(
          ExitStatus::kUsage,
          fmt::format("{} has schema {}, this tlblab reads schema {}", path, schema, kSchema),
          schema > kSchema ? "Read it with the newer tlblab that wrote it."
                           : "Read it with the tlblab version that its header names.");
    }
    file_.header = line;
    file_.cells.resize(record["plan"]["cells"].size());
  }

  void line(const std::string& text) {
    const json record = json::parse(text);
    if (record.is_array()) {
      trial(record);
      return;
    }
    const std::string kind = record.at("record").get<std::string>();
    if (kind == "cell") {
      drop_pending();
      origin_s_ = record.at("realtime_ns").get<double>() / 1e9;
      if (record.contains("expected")) {
        const json& of = record.at("expected");
        session(record).expected = {expected(of.at("A")), expected(of.at("B"))};
      }
    } else if (kind == "block") {
      block(record);
    } else if (kind == "count") {
      count(record);
    } else if (kind == "cell_end") {
      drop_pending();
      session(record).stop_reason = record.at("reason").get<std::string>();
    } else {
      throw std::runtime_error(fmt::format("unknown record \"{}\"", kind));
    }
  }

  void end() { drop_pending(); }

 private:
  static Arm arm(const json& value) {
    const auto text = value.get<std::string>();
    if (text == "A") return Arm::kA;
    if (text == "B") return Arm::kB;
    throw std::runtime_error("an arm that is neither A nor B");
  }

  static TrialState state(const json& value) {
    const auto parsed = parse_trial_state(value.get<std::string>());
    if (!parsed) throw std::runtime_error("unknown trial state");
    return *parsed;
  }

  static Expectation expected(const json& from) {
    Expectation of;
    of.note = from.at("note").get<std::string>();
    if (from.contains("requests")) of.requests = from.at("requests").get<std::uint64_t>();
    if (from.contains("extent_pages")) {
      of.extent_pages = from.at("extent_pages").get<std::uint64_t>();
    }
    of.account = from.value("inside", Account{});
    return of;
  }

  SessionRecord& session(std::size_t cell, unsigned number) {
    auto& sessions = file_.cells.at(cell).sessions;
    auto at = std::lower_bound(
        sessions.begin(), sessions.end(), number,
        [](const SessionRecord& left, unsigned right) { return left.session < right; });
    if (at == sessions.end() || at->session != number) {
      at = sessions.insert(at, SessionRecord{});
      at->session = number;
    }
    return *at;
  }
  SessionRecord& session(const json& record) {
    return session(record.at("cell").get<std::size_t>(), record.at("session").get<unsigned>());
  }

  void trial(const json& columns) {
    pending_cell_ = columns.at(0).get<std::size_t>();
    pending_session_ = columns.at(1).get<unsigned>();
    Trial& trial = pending_.emplace_back();
    trial.block = columns.at(2).get<std::uint32_t>();
    trial.order = columns.at(3).get<std::uint8_t>();
    trial.start_ns = columns.at(4).get<std::uint64_t>();
    trial.arm = arm(columns.at(5));
    trial.latency_ns = columns.at(6).get<std::uint64_t>();
    trial.state = state(columns.at(7));
    for (const json& sample : columns.at(8)) {
      trial.responders.push_back({sample.at(0).get<std::uint32_t>(),
                                  sample.at(1).get<std::uint32_t>(),
                                  sample.at(2).get<std::uint32_t>()});
    }
  }

  void block(const json& record) {
    if (pending_.size() != statistics::kTrialsPerBlock) {
      throw std::runtime_error(fmt::format("a block of {} trials", pending_.size()));
    }
    Block& block = session(record).blocks.emplace_back();
    block.index = record.at("block").get<std::uint32_t>();
    block.seconds = record.at("seconds").get<double>();
    block.calibrator_ns = record.at("calibrator_ns").get<std::uint64_t>();
    block.time_s = origin_s_ + static_cast<double>(pending_.front().start_ns) / 1e9;
    if (record.contains("inside")) {
      const json& inside = record.at("inside");
      block.engine_accounts = {inside.at("A").get<Account>(), inside.at("B").get<Account>()};
    }
    block.trials = std::exchange(pending_, {});
  }

  void count(const json& record) {
    CountTrial& trial = session(record).counts.emplace_back();
    trial.arm = arm(record.at("arm"));
    trial.state = state(record.at("state"));
    trial.latency_ns = record.at("latency_ns").get<std::uint64_t>();
    trial.counts = record.at("counts").get<std::vector<Counts>>();
    trial.engine_account = record.value("inside", Account{});
  }

  void drop_pending() {
    if (pending_.empty()) return;
    session(pending_cell_, pending_session_).nr_interrupted_trials += pending_.size();
    pending_.clear();
  }

  ResultFile& file_;
  std::vector<Trial> pending_;
  std::size_t pending_cell_ = 0;
  unsigned pending_session_ = 0;
  double origin_s_ = 0;
};

}  // namespace

ResultFile read_result_file(const std::string& path) {
  ResultFile file;
  Lines lines(path);
  Builder builder(file);
  std::string line;
  bool whole = false;
  for (std::size_t number = 1; lines.next(line, whole); ++number) {
    // A long study is a gigabyte; whoever presses Ctrl-C does not want to wait for all of it.
    if (interrupted()) {
      throw Error(ExitStatus::kInterrupted, fmt::format("interrupted while reading {}", path),
                  "Give the command again.");
    }
    if (number == 1) {
      builder.header(line, path);
      continue;
    }
    if (!whole) {
      file.warnings.push_back(
          fmt::format("line {} is torn (a kill or a full disk); it is left out", number));
      break;
    }
    try {
      builder.line(line);
    } catch (const std::exception& error) {
      throw Error(ExitStatus::kUsage,
                  fmt::format("{} is damaged at line {}: {}", path, number, error.what()),
                  fmt::format("The lines before it are whole: `head -n {} {} > mended.jsonl` keeps "
                              "them.",
                              number - 1, path));
    }
  }
  if (file.header.empty()) {
    throw Error(ExitStatus::kUsage, fmt::format("{} is empty", path),
                "Name a result file that `tlblab study` or `tlblab ab` wrote.");
  }
  builder.end();
  return file;
}

}  // namespace tlblab::records
