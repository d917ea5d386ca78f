// SPDX-License-Identifier: GPL-2.0-only
// What the recorded facts about a machine say of its shootdown.
#include "user/analysis/shootdown.hh"

#include <string_view>

namespace tlblab {
namespace {

void learn(Shootdown& shootdown, std::string_view name, std::string_view value) {
  if (name == kHypervisorFlush && !value.starts_with("unknown")) {
    shootdown.by_hypervisor = !value.starts_with("no:");
  }
  if (name == kInvlpgb) {
    shootdown.by_broadcast = value != "no" && !value.starts_with("not possible");
  }
}

}  // namespace

Shootdown shootdown_of(const Machine& machine) {
  Shootdown shootdown;
  for (const auto& [name, value] : machine.tlb) learn(shootdown, name, value);
  for (const FlushFact& fact : machine.flushing) learn(shootdown, fact.name, fact.value);
  return shootdown;
}

}  // namespace tlblab
