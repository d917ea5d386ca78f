// SPDX-License-Identifier: GPL-2.0-only
// Counted trials as JSON.
#include "user/records/count.hh"

#include <nlohmann/json.hpp>

#include "user/records/cell.hh"

namespace tlblab::records {

using nlohmann::json;

std::string encode(const TrialPlace& place, const CountTrial& trial) {
  json record = {{"record", "count"},
                 {"arm", name(trial.arm)},
                 {"state", tlblab::name(trial.state)},
                 {"latency_ns", trial.latency_ns},
                 {"counts", trial.counts}};
  put_place(record, place);
  if (!trial.engine_account.empty()) record["inside"] = trial.engine_account;
  return record.dump();
}

CountTrial decode_count(const json& record) {
  CountTrial trial;
  trial.arm = arm_of(record.at("arm").get<std::string>());
  trial.state = state_of(record.at("state").get<std::string>());
  record.at("latency_ns").get_to(trial.latency_ns);
  record.at("counts").get_to(trial.counts);
  trial.engine_account = record.value("inside", Account{});
  return trial;
}

}  // namespace tlblab::records
