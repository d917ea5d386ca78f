// SPDX-License-Identifier: GPL-2.0-only
// Blocks as JSON.
#include "user/records/block.hh"

#include <nlohmann/json.hpp>

#include "user/records/cell.hh"

namespace tlblab::records {

using nlohmann::json;

std::string encode(const BlockEnd& block) {
  json record = {{"record", "block"},
                 {"block", block.index},
                 {"seconds", block.seconds},
                 {"calibrator_ns", block.calibrator_ns}};
  put_place(record, block.place);
  const auto& [a, b] = block.engine_accounts;
  if (!a.empty() || !b.empty()) record["inside"] = {{"A", a}, {"B", b}};
  return record.dump();
}

BlockEnd decode_block(const json& record) {
  BlockEnd block;
  block.place = place_of(record);
  record.at("block").get_to(block.index);
  record.at("seconds").get_to(block.seconds);
  record.at("calibrator_ns").get_to(block.calibrator_ns);
  if (record.contains("inside")) {
    const json& accounts = record.at("inside");
    block.engine_accounts = {accounts.at("A").get<Account>(), accounts.at("B").get<Account>()};
  }
  return block;
}

}  // namespace tlblab::records
