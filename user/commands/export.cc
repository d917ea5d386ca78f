// SPDX-License-Identifier: GPL-2.0-only
// Rows as they are read, so that a file larger than memory can be exported. RFC 4180, but for its
// ends of lines.
#include "user/commands/export.hh"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "user/records/study_file.hh"
#include "user/support/error.hh"

namespace tlblab {
namespace {

using records::TrialPlace;

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

/// Hands text on to standard output in large pieces.
class Output {
 public:
  template <typename... Values>
  void put(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
    if (text_.size() > kPieceBytes) flush();
  }

  void flush() {
    if (std::fwrite(text_.data(), 1, text_.size(), stdout) != text_.size() ||
        std::fflush(stdout) != 0) {
      throw Error(ExitStatus::kMachine,
                  fmt::format("cannot write the table: {}", std::strerror(errno)),
                  "Free some space, or send standard output to another place.");
    }
    text_.clear();
  }

 private:
  static constexpr std::size_t kPieceBytes = std::size_t{1} << 16;
  fmt::memory_buffer text_;
};

/// What every row begins with: whose trial it is.
class Table : public records::StudyVisitor {
 public:
  void header(records::StudyHeader&& header) override {
    for (const CellPlan& cell : header.plan.cells) {
      begins_.push_back({csv_field(cell.id) + ',' + csv_field(cell.a) + ",A",
                         csv_field(cell.id) + ',' + csv_field(cell.b) + ",B"});
    }
    out().put("cell,scheme,arm,session,{}\n", columns());
  }

  Output& out() { return out_; }

 protected:
  [[nodiscard]] virtual std::string_view columns() const = 0;

  void begin_row(const TrialPlace& place, Arm arm) {
    out_.put("{},{},", begins_[place.cell][static_cast<std::size_t>(arm)], place.session);
  }

 private:
  std::vector<std::array<std::string, 2>> begins_;  ///< by cell and arm
  Output out_;
};

class Trials : public Table {
 public:
  void block(const TrialPlace& place, const records::Block& block) override {
    const std::uint64_t first_ns = block.trials.front().start_ns;
    std::uint64_t end_ns = first_ns;
    for (const Trial& trial : block.trials) {
      begin_row(place, trial.arm);
      out().put("{},{},{:.6f},{},{},{}", block.index, trial.order,
                block.time_s + static_cast<double>(trial.start_ns - first_ns) / 1e9,
                static_cast<std::int64_t>(trial.start_ns - end_ns), trial.latency_ns,
                name(trial.state));
      end_ns = trial.start_ns + trial.latency_ns;
      if (trial.responders.empty()) {  // nobody could lose anything: that is not 0
        out().put(",,\n");
        continue;
      }
      std::uint64_t stolen_ns = 0;
      std::uint64_t interrupts = 0;
      for (const ResponderSample& responder : trial.responders) {
        stolen_ns += responder.stolen_ns;
        interrupts += responder.interrupts;
      }
      out().put(",{},{}\n", stolen_ns, interrupts);
    }
  }

 protected:
  [[nodiscard]] std::string_view columns() const override {
    return "block,order,start_s,outside_ns,latency_ns,state,stolen_ns,interrupts";
  }
};

class Responders : public Table {
 public:
  void header(records::StudyHeader&& header) override {
    cpus_ = header.plan.cpus;
    Table::header(std::move(header));
  }

  void block(const TrialPlace& place, const records::Block& block) override {
    for (const Trial& trial : block.trials) {
      for (std::size_t i = 0; i < trial.responders.size(); ++i) {
        const ResponderSample& responder = trial.responders[i];
        begin_row(place, trial.arm);
        out().put("{},{},{},{},{},{},{}\n", block.index, trial.order, name(trial.state),
                  cpus_.at(i + 1), responder.stolen_ns, responder.interrupts, responder.heartbeats);
      }
    }
  }

 protected:
  [[nodiscard]] std::string_view columns() const override {
    return "block,order,state,cpu,stolen_ns,interrupts,heartbeats";
  }

 private:
  std::vector<int> cpus_;  ///< the initiator's first
};

class CountsTable : public Table {
 public:
  void count(const TrialPlace& place, records::CountTrial&& trial) override {
    const std::size_t number = nr_trials_++;
    const auto put = [&](std::string_view where, const auto& counts) {
      for (const auto& [event, count] : counts) {
        begin_row(place, trial.arm);
        out().put("{},{},{},{},{}\n", number, name(trial.state), where, csv_field(event), count);
      }
    };
    for (std::size_t i = 0; i < trial.counts.size(); ++i) {
      put(i == 0 ? "initiator" : fmt::format("responder {}", i), trial.counts[i]);
    }
    put("inside", trial.engine_account);
  }

 protected:
  [[nodiscard]] std::string_view columns() const override {
    return "trial,state,where,event,count";
  }

 private:
  std::size_t nr_trials_ = 0;
};

class Probes : public Table {
 public:
  void probe(const TrialPlace& place, records::ProbeTrial&& trial) override {
    const auto put = [&](std::string_view victim, std::uint64_t walk_ns) {
      begin_row(place, trial.arm);
      out().put("{},{},{},{},{},{},{}\n", trial.block, trial.nr_pages, trial.operated ? 1 : 0,
                trial.counts.empty() ? 0 : 1, name(trial.state), victim, walk_ns);
    };
    put("initiator", trial.initiator_ns);
    for (std::size_t i = 0; i < trial.responders_ns.size(); ++i) {
      put(fmt::format("responder {}", i + 1), trial.responders_ns[i]);
    }
  }

 protected:
  [[nodiscard]] std::string_view columns() const override {
    return "block,pages,operated,counted,state,victim,walk_ns";
  }
};

std::unique_ptr<Table> make_table(ExportTable table) {
  switch (table) {
    case ExportTable::kTrials:
      return std::make_unique<Trials>();
    case ExportTable::kResponders:
      return std::make_unique<Responders>();
    case ExportTable::kCounts:
      return std::make_unique<CountsTable>();
    case ExportTable::kProbes:
      return std::make_unique<Probes>();
  }
  return nullptr;
}

}  // namespace

int run_export(const ExportOptions& options) {
  const std::unique_ptr<Table> table = make_table(options.table);
  for (const std::string& warning : records::read_study_file(options.file, *table)) {
    fmt::print(stderr, "warning: {}: {}\n", options.file, warning);
  }
  table->out().flush();
  return static_cast<int>(ExitStatus::kOk);
}

}  // namespace tlblab
