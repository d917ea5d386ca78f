// SPDX-License-Identifier: GPL-2.0-only
// Facts about TLBs and flushes of this machine, where they are arm64's.
#include <utility>

#include "user/topology/flush_facts.hh"

namespace tlblab {

std::vector<Fact> read_tlb_facts() { return arm64_tlb_facts(); }

std::vector<FlushFact> read_flush_facts(FlushSources known) {
  FlushSources sources = std::move(known);
  read_common_sources(sources);
  std::vector<FlushFact> facts = arm64_flush_facts(sources);
  for (FlushFact& fact : common_flush_facts(sources)) facts.push_back(std::move(fact));
  return facts;
}

std::pair<unsigned, std::string> flush_ceiling_pages() {
  return {0, "none known: arm64 decides by its own limits, which depend on ranged TLBI"};
}

}  // namespace tlblab
