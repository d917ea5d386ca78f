// SPDX-License-Identifier: GPL-2.0-only
// Beginnings and ends of cells as JSON.
#include "user/records/cell.hh"

#include <nlohmann/json.hpp>

namespace tlblab::records {
namespace {

using nlohmann::json;

json to_json_value(const Expectation& expected) {
  json to = {{"note", expected.note}};
  if (expected.requests) to["requests"] = *expected.requests;
  if (expected.extent_pages) to["extent_pages"] = *expected.extent_pages;
  if (!expected.account.empty()) to["inside"] = expected.account;
  return to;
}

Expectation expectation_of(const json& from) {
  Expectation expected;
  from.at("note").get_to(expected.note);
  if (from.contains("requests")) expected.requests = from.at("requests").get<std::uint64_t>();
  if (from.contains("extent_pages")) {
    expected.extent_pages = from.at("extent_pages").get<std::uint64_t>();
  }
  expected.account = from.value("inside", Account{});
  return expected;
}

}  // namespace

void put_place(json& record, const TrialPlace& place) {
  record["cell"] = place.cell;
  record["session"] = place.session;
}

TrialPlace place_of(const json& record) {
  return {record.at("cell").get<std::uint32_t>(), record.at("session").get<unsigned>()};
}

std::string encode(const CellBegin& begin) {
  json record = {{"record", "cell"},
                 {"pid", begin.pid},
                 {"first_block", begin.first_block},
                 {"realtime_ns", begin.realtime_ns},
                 {"clock_overhead_ns", begin.clock_overhead_ns},
                 {"gap_thresholds_ns", begin.gap_thresholds_ns},
                 {"warm_up_trials", begin.warm_up_trials},
                 {"nice", begin.nice}};
  put_place(record, begin.place);
  if (begin.autogroup_nice) record["autogroup_nice"] = *begin.autogroup_nice;
  if (begin.expected) {
    record["expected"] = {{"A", to_json_value(begin.expected->front())},
                          {"B", to_json_value(begin.expected->back())}};
  }
  return record.dump();
}

CellBegin decode_cell_begin(const json& record) {
  CellBegin begin;
  begin.place = place_of(record);
  record.at("realtime_ns").get_to(begin.realtime_ns);
  if (record.contains("expected")) {
    const json& of = record.at("expected");
    begin.expected = {expectation_of(of.at("A")), expectation_of(of.at("B"))};
  }
  return begin;
}

std::string encode(const CellEnd& end) {
  json record = {{"record", "cell_end"}, {"reason", end.reason}};
  put_place(record, end.place);
  return record.dump();
}

CellEnd decode_cell_end(const json& record) {
  return {place_of(record), record.at("reason").get<std::string>()};
}

}  // namespace tlblab::records
