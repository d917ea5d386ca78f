// SPDX-License-Identifier: GPL-2.0-only
// Parts a shape among initiators.
#include "user/oracle/load.hh"

namespace tlblab::oracle {
namespace {

std::vector<AddressRange> pages_of(const AddressRange& range, std::size_t page_bytes) {
  std::vector<AddressRange> pages;
  for (std::uintptr_t at = range.begin; at < range.end; at += page_bytes) {
    pages.push_back({at, at + page_bytes});
  }
  return pages;
}

}  // namespace

std::vector<AddressRange> share_of(const std::vector<AddressRange>& ranges, Load load,
                                   unsigned which, std::size_t page_bytes) {
  if (load != Load::kTwoDisjoint) return ranges;
  const std::vector<AddressRange> parts =
      ranges.size() > 1 ? ranges : pages_of(ranges.front(), page_bytes);
  std::vector<AddressRange> share;
  for (std::size_t i = which; i < parts.size(); i += 2) share.push_back(parts[i]);
  return share;
}

std::vector<WitnessedPage> witnessed_pages(const std::vector<AddressRange>& ranges, Load load,
                                           std::size_t page_bytes) {
  std::vector<WitnessedPage> pages;
  for (const AddressRange& range : ranges) {
    for (const AddressRange& page : pages_of(range, page_bytes)) pages.push_back({page.begin, 0});
  }
  for (unsigned which = 0; which < nr_initiators(load); ++which) {
    for (const AddressRange& part : share_of(ranges, load, which, page_bytes)) {
      for (WitnessedPage& page : pages) {
        if (page.address >= part.begin && page.address < part.end) {
          page.covered_by |= std::uint32_t{1} << which;
        }
      }
    }
  }
  return pages;
}

}  // namespace tlblab::oracle
