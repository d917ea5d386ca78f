// SPDX-License-Identifier: GPL-2.0-only
// Blocks as JSON: written by hand, parsed by simdjson.
#include "user/records/block.hh"

#include <fmt/format.h>
#include <simdjson.h>

#include <iterator>
#include <stdexcept>
#include <string_view>

namespace tlblab::records {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

/// A list of what `of` gives for each trial.
template <typename Of>
void put_column(std::string& line, std::string_view name, const std::vector<Trial>& trials,
                const Of& of) {
  auto out = std::back_inserter(line);
  fmt::format_to(out, "\"{}\":[", name);
  const char* separator = "";
  for (const Trial& trial : trials) {
    fmt::format_to(out, "{}{}", separator, of(trial));
    separator = ",";
  }
  line += ']';
}

void put_account(std::string& line, const Account& account) {
  auto out = std::back_inserter(line);
  const char* separator = "{";
  for (const auto& [term, count] : account) {
    fmt::format_to(out, "{}\"{}\":{}", separator, term, count);
    separator = ",";
  }
  line += account.empty() ? "{}" : "}";
}

std::string encode_as(std::string_view kind, const BlockRecord& block, std::uint64_t origin_ns) {
  const std::vector<Trial>& trials = block.trials;
  std::string line = fmt::format(
      "{{\"record\":\"{}\",\"cell\":{},\"session\":{},\"block\":{},\"seconds\":{:.6f},"
      "\"calibrator_ns\":{},\"start_ns\":{},\"arm\":\"",
      kind, block.place.cell, block.place.session, block.index, block.seconds, block.calibrator_ns,
      trials.front().start_ns - origin_ns);
  for (const Trial& trial : trials) line += name(trial.arm);
  line += "\",";
  put_column(line, "state", trials,
             [](const Trial& trial) { return static_cast<unsigned>(trial.state); });
  line += ',';
  std::uint64_t end_ns = trials.front().start_ns;
  put_column(line, "outside_ns", trials, [&](const Trial& trial) {
    const auto outside_ns = static_cast<std::int64_t>(trial.start_ns - end_ns);
    end_ns = trial.start_ns + trial.latency_ns;
    return outside_ns;
  });
  line += ',';
  put_column(line, "latency_ns", trials, [](const Trial& trial) { return trial.latency_ns; });
  line += ",\"responders\":[";
  for (std::size_t i = 0; i < trials.front().responders.size(); ++i) {
    line += i == 0 ? "{" : ",{";
    put_column(line, "stolen_ns", trials,
               [i](const Trial& trial) { return trial.responders[i].stolen_ns; });
    line += ',';
    put_column(line, "interrupts", trials,
               [i](const Trial& trial) { return trial.responders[i].interrupts; });
    line += ',';
    put_column(line, "heartbeats", trials,
               [i](const Trial& trial) { return trial.responders[i].heartbeats; });
    line += '}';
  }
  line += ']';
  const auto& [a, b] = block.engine_accounts;
  if (!a.empty() || !b.empty()) {
    line += ",\"inside\":{\"A\":";
    put_account(line, a);
    line += ",\"B\":";
    put_account(line, b);
    line += '}';
  }
  return line + '}';
}

void read_account(const element& from, Account& account) {
  account.clear();
  for (const auto& [term, count] : object(from)) {
    account[std::string(term)] = std::uint64_t{count};
  }
}

/// Gives each number of a column and its trial to `set`.
template <typename Number, typename Set>
void read_column(const element& column, std::vector<Trial>& trials, const Set& set) {
  std::size_t i = 0;
  for (const element& value : array(column)) {
    if (i == trials.size()) break;
    set(trials[i++], Number(value));
  }
  if (i != trials.size() || array(column).size() != i) {
    throw std::runtime_error("columns of different lengths");
  }
}

void read_responders(const array& responders, std::vector<Trial>& trials) {
  for (Trial& trial : trials) trial.responders.resize(responders.size());
  const auto narrow = [](std::uint64_t number) { return static_cast<std::uint32_t>(number); };
  std::size_t i = 0;
  for (const element& columns : responders) {
    read_column<std::uint64_t>(
        columns["stolen_ns"], trials,
        [&](Trial& trial, std::uint64_t value) { trial.responders[i].stolen_ns = narrow(value); });
    read_column<std::uint64_t>(
        columns["interrupts"], trials,
        [&](Trial& trial, std::uint64_t value) { trial.responders[i].interrupts = narrow(value); });
    read_column<std::uint64_t>(
        columns["heartbeats"], trials,
        [&](Trial& trial, std::uint64_t value) { trial.responders[i].heartbeats = narrow(value); });
    ++i;
  }
}

}  // namespace

std::string encode(const BlockRecord& block, std::uint64_t origin_ns) {
  return encode_as("block", block, origin_ns);
}

std::string encode_interrupted(const BlockRecord& block, std::uint64_t origin_ns) {
  return encode_as("interrupted_block", block, origin_ns);
}

std::vector<std::string> state_names() {
  std::vector<std::string> names(kTrialStates);
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = name(static_cast<TrialState>(i));
  return names;
}

BlockReader::BlockReader(const std::vector<std::string>& names) {
  states_.reserve(names.size());
  for (const std::string& name : names) {
    const auto state = parse_trial_state(name);
    if (!state) throw std::runtime_error(fmt::format("unknown trial state \"{}\"", name));
    states_.push_back(*state);
  }
}

void BlockReader::decode(const element& record, BlockRecord& block) const {
  block.place = {static_cast<std::uint32_t>(std::uint64_t{record["cell"]}),
                 static_cast<unsigned>(std::uint64_t{record["session"]})};
  block.index = static_cast<std::uint32_t>(std::uint64_t{record["block"]});
  block.seconds = double{record["seconds"]};
  block.calibrator_ns = std::uint64_t{record["calibrator_ns"]};
  element inside;
  for (Account& account : block.engine_accounts) account.clear();
  if (record["inside"].get(inside) == simdjson::SUCCESS) {
    read_account(inside["A"], block.engine_accounts[0]);
    read_account(inside["B"], block.engine_accounts[1]);
  }
  element arms;
  if (record["arm"].get(arms) != simdjson::SUCCESS) {
    block.trials.clear();
    return;
  }
  const std::string_view letters(arms);
  block.trials.resize(letters.size());
  for (std::size_t i = 0; i < letters.size(); ++i) {
    Trial& trial = block.trials[i];
    trial.block = block.index;
    trial.order = static_cast<std::uint8_t>(i);
    trial.arm = arm_of(letters.substr(i, 1));
  }
  read_column<std::uint64_t>(record["state"], block.trials, [&](Trial& trial, std::uint64_t code) {
    trial.state = states_.at(code);
  });
  read_column<std::uint64_t>(record["latency_ns"], block.trials,
                             [](Trial& trial, std::uint64_t value) { trial.latency_ns = value; });
  std::uint64_t end_ns = std::uint64_t{record["start_ns"]};
  read_column<std::int64_t>(record["outside_ns"], block.trials,
                            [&](Trial& trial, std::int64_t outside_ns) {
                              trial.start_ns = end_ns + static_cast<std::uint64_t>(outside_ns);
                              end_ns = trial.start_ns + trial.latency_ns;
                            });
  read_responders(array(record["responders"]), block.trials);
}

}  // namespace tlblab::records
