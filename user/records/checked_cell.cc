// SPDX-License-Identifier: GPL-2.0-only
// Checked cells as JSON.
#include "user/records/checked_cell.hh"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace tlblab::records {
namespace {

using nlohmann::json;
using Sums = std::array<std::uint64_t, kObservations.size()>;

json by_name(const Sums& sums) {
  json to;
  for (const Observation observation : kObservations) {
    to[std::string(name(observation))] = sums[static_cast<std::size_t>(observation)];
  }
  return to;
}

Sums sums_of(const json& from) {
  Sums sums{};
  for (const Observation observation : kObservations) {
    sums[static_cast<std::size_t>(observation)] =
        from.at(std::string(name(observation))).get<std::uint64_t>();
  }
  return sums;
}

template <typename Value>
Value parsed(std::optional<Value> (*parse)(std::string_view), const json& from) {
  const auto text = from.get<std::string>();
  const std::optional<Value> value = parse(text);
  if (!value) throw std::runtime_error(fmt::format("unknown name \"{}\"", text));
  return *value;
}

json to_json_value(const BadRead& read) {
  return {{"observation", name(read.observation)},
          {"cpu", read.cpu},
          {"round", read.round},
          {"address", read.address},
          {"seen_ns", read.seen_ns},
          {"returned_ns", read.returned_ns},
          {"frame", read.frame},
          {"generation", read.generation},
          {"cleared_ns", read.cleared_ns},
          {"released_ns", read.released_ns}};
}

BadRead bad_read_of(const json& from) {
  BadRead read;
  read.observation = parsed(parse_observation, from.at("observation"));
  from.at("cpu").get_to(read.cpu);
  from.at("round").get_to(read.round);
  from.at("address").get_to(read.address);
  from.at("seen_ns").get_to(read.seen_ns);
  from.at("returned_ns").get_to(read.returned_ns);
  from.at("frame").get_to(read.frame);
  from.at("generation").get_to(read.generation);
  from.at("cleared_ns").get_to(read.cleared_ns);
  from.at("released_ns").get_to(read.released_ns);
  return read;
}

}  // namespace

std::string encode(const CheckedCell& cell) {
  const CheckCounts& counts = cell.counts;
  json witnesses = json::array();
  for (const WitnessCounts& witness : counts.witnesses) {
    witnesses.push_back({{"cpu", witness.cpu},
                         {"not_loaded", witness.not_loaded},
                         {"not_running", witness.not_running}});
  }
  json bad_reads = json::array();
  for (const BadRead& read : cell.bad_reads) bad_reads.push_back(to_json_value(read));
  json record = {{"record", "checked"},
                 {"scheme", cell.scheme},
                 {"load", name(cell.load)},
                 {"rounds", counts.rounds},
                 {"witnessed_rounds", counts.witnessed},
                 {"eligible_reads", counts.eligible_reads},
                 {"reads", by_name(counts.reads)},
                 {"rounds_seen", by_name(counts.rounds_seen)},
                 {"stale_writes", counts.stale_writes},
                 {"witnesses", witnesses},
                 {"not_run", counts.not_run},
                 {"bad_reads", bad_reads}};
  if (cell.sought) {
    record["fault"] = {{"name", cell.fault},
                       {"meaning", cell.fault_meaning},
                       {"sought", name(*cell.sought)},
                       {"first_catch", cell.first_catch},
                       {"first_catch_seconds", cell.first_catch_seconds}};
  }
  return record.dump();
}

CheckedCell decode_checked_cell(const json& record) {
  CheckedCell cell;
  record.at("scheme").get_to(cell.scheme);
  cell.load = parsed(parse_load, record.at("load"));
  CheckCounts& counts = cell.counts;
  record.at("rounds").get_to(counts.rounds);
  record.at("witnessed_rounds").get_to(counts.witnessed);
  record.at("eligible_reads").get_to(counts.eligible_reads);
  counts.reads = sums_of(record.at("reads"));
  counts.rounds_seen = sums_of(record.at("rounds_seen"));
  record.at("stale_writes").get_to(counts.stale_writes);
  for (const json& witness : record.at("witnesses")) {
    counts.witnesses.push_back({witness.at("cpu").get<int>(),
                                witness.at("not_loaded").get<std::uint64_t>(),
                                witness.at("not_running").get<std::uint64_t>()});
  }
  record.at("not_run").get_to(counts.not_run);
  for (const json& read : record.at("bad_reads")) cell.bad_reads.push_back(bad_read_of(read));
  if (record.contains("fault")) {
    const json& fault = record.at("fault");
    fault.at("name").get_to(cell.fault);
    fault.at("meaning").get_to(cell.fault_meaning);
    cell.sought = parsed(parse_observation, fault.at("sought"));
    fault.at("first_catch").get_to(cell.first_catch);
    fault.at("first_catch_seconds").get_to(cell.first_catch_seconds);
  }
  return cell;
}

}  // namespace tlblab::records
