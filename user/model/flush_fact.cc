// SPDX-License-Identifier: GPL-2.0-only
// The table of facts about flushes, and how two lists of them differ.
#include "user/model/flush_fact.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tlblab {
namespace {

struct Row {
  std::string_view name;
  std::string_view meaning;
  std::string_view unusual;  ///< how a value begins that changes_flushes(); empty: none does
};

constexpr std::array kRows = {
    // x86
    Row{"PCID", "without it each switch of address spaces flushes the whole TLB", "no"},
    Row{"INVPCID",
        "with page-table isolation, user entries are flushed at once and not at the exit", ""},
    Row{"page-table isolation",
        "a process has two address spaces: on x86 each flush is one of both, on arm64 two TLBI",
        "on"},
    Row{"LAM", "tags in addresses: bits of CR3, written at each switch; flushes stay the same", ""},
    Row{"5-level page tables", "a walk after a flush has one level more", ""},
    Row{kInvlpgb,
        "the CPU broadcasts a flush: no interrupt, no event tlb:tlb_flush, nobody knows who "
        "listened",
        "possible"},
    Row{"pages per INVLPGB", "a longer range takes several", ""},
    Row{"TLBSYNC repeated", "each wait for broadcast flushes is made twice", "yes"},
    Row{kHypervisorFlush,
        "a flush of a CPU that does not run sends no interrupt: the hypervisor makes it up", "yes"},
    Row{"lazy mask trimming",
        "CPUs stay in the mask after a switch; once a second a flush interrupts them all", ""},
    Row{"flush ceiling", "a longer range becomes a flush of the whole address space", ""},
    // arm64
    Row{"remote flush", "no interrupt, and no list of CPUs in the kernel", ""},
    Row{"ranged TLBI", "one instruction for a range; without it one for each page", ""},
    Row{"TLBI completion repeated", "each flush waits twice, with a TLBI in between", "yes"},
    Row{"SME DVMSync workaround", "a flush also interrupts the CPUs that use SME", "yes"},
    Row{"break-before-make level", "with a level named, contpte folds without a flush in between",
        ""},
    Row{"contpte", "runs of entries are folded and unfolded, which flushes", ""},
    Row{"broadcast in a guest", "a TLBI may go to more CPUs than the guest's, or be trapped", ""},
    // both
    Row{"preemption model", "whether a caller can be preempted between its flushes", ""},
    Row{"page-table reclaim",
        "MADV_DONTNEED frees empty tables: that flush goes to lazy CPUs and walk caches, too", ""},
    Row{"page tables freed", "how lockless walkers are waited for: it may send other interrupts",
        ""},
    Row{"gather across VMAs", "whether one munmap over several VMAs can be one flush", ""},
};

const Row* row_of(std::string_view name) {
  const auto* const found =
      std::find_if(kRows.begin(), kRows.end(), [name](const Row& row) { return row.name == name; });
  return found == kRows.end() ? nullptr : found;
}

}  // namespace

bool FlushFact::known() const { return !value.starts_with("unknown"); }

std::string_view meaning_of_flush_fact(std::string_view name) {
  const Row* const row = row_of(name);
  return row == nullptr ? "" : row->meaning;
}

bool changes_flushes(const FlushFact& fact) {
  const Row* const row = row_of(fact.name);
  return row != nullptr && !row->unusual.empty() && fact.value.starts_with(row->unusual);
}

std::vector<FactDifference> differing_facts(const std::vector<FlushFact>& one,
                                            const std::vector<FlushFact>& other) {
  std::vector<FactDifference> differences;
  for (const FlushFact& fact : one) {
    const auto twin = std::find_if(other.begin(), other.end(), [&fact](const FlushFact& candidate) {
      return candidate.name == fact.name;
    });
    if (twin == other.end() || !fact.known() || !twin->known()) continue;
    if (fact.value != twin->value) differences.push_back({fact.name, fact.value, twin->value});
  }
  return differences;
}

std::string in_words(const std::vector<FactDifference>& differences) {
  std::string text;
  for (const FactDifference& difference : differences) {
    text += fmt::format("{}{}: {}, {}", text.empty() ? "" : "; ", difference.name, difference.one,
                        difference.other);
  }
  return text;
}

}  // namespace tlblab
