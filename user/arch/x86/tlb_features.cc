// SPDX-License-Identifier: GPL-2.0-only
// Facts about TLBs and flushes of this machine, where they are x86's.
#include <cpuid.h>
#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "user/topology/flush_facts.hh"
#include "user/topology/private_mount.hh"

namespace tlblab {
namespace {

CpuidRegisters cpuid(std::uint32_t leaf, std::uint32_t subleaf) {
  CpuidRegisters r;
  __cpuid_count(leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx);
  return r;
}

}  // namespace

std::vector<Fact> read_tlb_facts() { return x86_tlb_facts(cpuid); }

std::vector<FlushFact> read_flush_facts(FlushSources known) {
  FlushSources sources = std::move(known);
  read_common_sources(sources);
  sources.functions = read_kernel_functions({kTrimmedFunction, kUntrimmedFunction});
  if (sources.functions.addresses.empty()) {
    sources.flush_event =
        read_files_of("tracefs", "/sys/kernel/tracing", {"events/tlb/tlb_flush/format"}).front();
  }
  std::vector<FlushFact> facts = x86_flush_facts(sources, cpuid);
  for (FlushFact& fact : common_flush_facts(sources)) facts.push_back(std::move(fact));
  return facts;
}

std::pair<unsigned, std::string> flush_ceiling_pages() {
  constexpr unsigned kernel_default = 33;  // arch/x86/mm/tlb.c, since 3.17
  const FileText ceiling =
      read_files_of("debugfs", "/sys/kernel/debug", {"x86/tlb_single_page_flush_ceiling"}).front();
  unsigned pages = 0;
  const char* const end = ceiling.text.data() + ceiling.text.size();
  if (ceiling.ok() && std::from_chars(ceiling.text.data(), end, pages).ptr == end) {
    return {pages, "debugfs"};
  }
  return {kernel_default, fmt::format("kernel default, debugfs unreadable: {}",
                                      ceiling.ok() ? "not a number" : ceiling.problem)};
}

}  // namespace tlblab
