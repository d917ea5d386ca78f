// SPDX-License-Identifier: GPL-2.0-only
// Probe trials as JSON.
#include "user/records/probe.hh"

#include <nlohmann/json.hpp>

#include "user/records/cell.hh"

namespace tlblab::records {

using nlohmann::json;

std::string encode(const TrialPlace& place, const ProbeTrial& trial) {
  json record = {{"record", "probe"},
                 {"pages", trial.nr_pages},
                 {"block", trial.block},
                 {"arm", name(trial.arm)},
                 {"operated", trial.operated},
                 {"state", tlblab::name(trial.state)},
                 {"initiator_ns", trial.initiator_ns},
                 {"responders_ns", trial.responders_ns}};
  if (!trial.bystanders_ns.empty()) record["bystanders_ns"] = trial.bystanders_ns;
  if (!trial.counts.empty()) record["counts"] = trial.counts;
  put_place(record, place);
  return record.dump();
}

ProbeTrial decode_probe(const json& record) {
  ProbeTrial trial;
  record.at("pages").get_to(trial.nr_pages);
  record.at("block").get_to(trial.block);
  trial.arm = arm_of(record.at("arm").get<std::string>());
  record.at("operated").get_to(trial.operated);
  trial.state = state_of(record.at("state").get<std::string>());
  record.at("initiator_ns").get_to(trial.initiator_ns);
  record.at("responders_ns").get_to(trial.responders_ns);
  trial.bystanders_ns = record.value("bystanders_ns", trial.bystanders_ns);
  trial.counts = record.value("counts", trial.counts);
  return trial;
}

}  // namespace tlblab::records
