// SPDX-License-Identifier: GPL-2.0-only
// The schemes that early files may hold.
#include "user/records/early_files.hh"

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <utility>

namespace tlblab::records {
namespace {

struct EarlyScheme {
  std::string_view name;
  std::string_view summary;
};

constexpr std::array kEarlySchemes = {
    EarlyScheme{"syscall/munmap:per-vma", "one munmap per VMA"},
    EarlyScheme{"syscall/munmap:merged", "one munmap over all VMAs"},
    EarlyScheme{"syscall/madvise:per-vma", "one madvise(MADV_DONTNEED) per VMA"},
    EarlyScheme{"syscall/madvise:merged",
                "one madvise(MADV_DONTNEED) over all VMAs, holes included"},
    EarlyScheme{"syscall/process_madvise:merged",
                "one process_madvise(MADV_DONTNEED), a vector entry per VMA"},
    EarlyScheme{"lab/unmap:per-page", "one flush after each entry, under the page-table lock"},
    EarlyScheme{"lab/unmap:per-table", "one flush before each page table's lock is dropped"},
    EarlyScheme{"lab/unmap:per-vma", "one flush when each VMA is left"},
    EarlyScheme{"lab/unmap:merged", "one flush at the end, over all VMAs"},
    EarlyScheme{"lab/unmap:full-mm", "one flush at the end, of the whole address space"},
};

/// Pages that one mmu_gather holds before it must flush, with pages of 4 KiB.
constexpr std::size_t kGatherPages = 9698;

std::pair<int, int> release_of(const std::string& kernel) {
  std::pair<int, int> release;
  std::sscanf(kernel.c_str(), "%d.%d", &release.first, &release.second);
  return release;
}

Expectation expected_of(std::string_view scheme, const Shape& shape, const Machine& machine) {
  Expectation expected;
  if (!scheme.starts_with("syscall/")) {
    expected.note = "this tlblab does not know the scheme";
    return expected;
  }
  const bool merges_vmas = machine.arch == "x86_64";
  const bool one_gather =
      scheme == "syscall/munmap:merged" || release_of(machine.kernel) >= std::pair{6, 16};
  if (scheme.ends_with(":per-vma")) {
    expected.requests = shape.nr_vmas;
    expected.extent_pages = shape.pages_per_vma;
    expected.note = "one call, one gather, one flush per VMA";
  } else if (merges_vmas && one_gather) {
    expected.requests = 1;
    expected.extent_pages = shape.envelope_pages();
    expected.note = "one gather over all VMAs, flushed from the first page to the last";
  } else {
    expected.requests = shape.nr_vmas;
    expected.extent_pages = shape.pages_per_vma;
    expected.note = merges_vmas ? "this kernel makes a gather per VMA inside the one call"
                                : "stock arm64 flushes at each tlb_end_vma, also within one call";
  }
  if (shape.nr_pages() > kGatherPages) {
    expected.requests.reset();
    expected.note += "; more pages than one gather holds, so it flushes in between";
  }
  return expected;
}

}  // namespace

std::map<std::string, std::string> early_summaries(const StudyPlan& plan) {
  std::map<std::string, std::string> summaries;
  for (const CellPlan& cell : plan.cells) {
    for (const std::string& scheme : {cell.a, cell.b}) {
      const std::size_t parameters = std::min(scheme.find(','), scheme.size());
      const auto* known = std::find_if(
          kEarlySchemes.begin(), kEarlySchemes.end(),
          [&](const EarlyScheme& early) { return early.name == scheme.substr(0, parameters); });
      if (known == kEarlySchemes.end()) continue;
      summaries[scheme] = std::string(known->summary) + scheme.substr(parameters);
    }
  }
  return summaries;
}

std::array<Expectation, 2> early_expectations(const CellPlan& plan, const Machine& machine) {
  return {expected_of(plan.a, plan.shape, machine), expected_of(plan.b, plan.shape, machine)};
}

void mark_lead_ins(std::span<Trial> block) {
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (i == 0 || block[i].arm != block[i - 1].arm) block[i].state = TrialState::kLeadIn;
  }
}

}  // namespace tlblab::records
