// SPDX-License-Identifier: GPL-2.0-only
// Targets of the module's memory.
#include "user/oracle/target.hh"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "user/lab/lab_device.hh"
#include "user/lab/lab_request.hh"
#include "user/support/error.hh"
#include "user/support/page_size.hh"
#include "user/workload/vma_layout.hh"

namespace tlblab::oracle {
namespace {

constexpr const char* kRebuild = "Rebuild the module and tlblab, and load it again.";

/// Entries of the long way, which are looked at one by one: some milliseconds under emulation, a
/// fraction of one elsewhere. Fewer tables hold as many where pages are larger.
constexpr std::size_t kWayEntries = 262'144;

std::vector<tlblab_range> to_abi(const std::vector<AddressRange>& ranges) {
  std::vector<tlblab_range> list;
  list.reserve(ranges.size());
  for (const AddressRange& range : ranges) list.push_back({range.begin, range.end - range.begin});
  return list;
}

void point_at(tlblab_request& request, const std::vector<tlblab_range>& ranges) {
  request.ranges = reinterpret_cast<std::uintptr_t>(ranges.data());
  request.nr_ranges = ranges.size();
}

class LabTarget final : public Target {
 public:
  LabTarget(const Shape& shape, const CheckCell& cell)
      : layout_(shape, cell.load == Load::kTwoSame ? kWayEntries / pages_per_table() : 0),
        spare_({1, 1, 1}),
        spare_ranges_(to_abi(spare_.ranges())) {
    map(layout_.ranges());
    map(spare_.ranges());
    all_ = to_abi(layout_.ranges());
    for (unsigned i = 0; i < nr_initiators(cell.load); ++i) {
      shares_[i] = to_abi(share_of(layout_.ranges(), cell.load, i, page_bytes()));
      requests_[i] = lab_request(cell.scheme, device_.capabilities());
      if (cell.load == Load::kTwoSame && i == 0) shares_[i].push_back(make_long_way());
      requests_[i].flags = TLBLAB_ORACLE;
      requests_[i].fault = cell.defused ? 0 : cell.fault;
      point_at(requests_[i], shares_[i]);
    }
  }

  [[nodiscard]] const std::vector<AddressRange>& ranges() const override {
    return layout_.ranges();
  }

  void populate() override { device_.populate(all_, TLBLAB_TAG); }

  int perform(unsigned initiator) noexcept override {
    tlblab_request& request = requests_[initiator];
    request.account = {};
    return device_.perform(request);
  }

  void scrub() override {
    device_.populate(spare_ranges_);
    flush_everything(spare_ranges_);
  }

 private:
  /// Unmaps ranges with the whole address space flushed.
  void flush_everything(const std::vector<tlblab_range>& ranges) const {
    LabComposition everything;
    everything.gather = TLBLAB_FULL_MM;
    tlblab_request request = lab_request(everything, device_.capabilities());
    point_at(request, ranges);
    if (const int error = device_.perform(request); error != 0) {
      throw Error(ExitStatus::kMachine,
                  fmt::format("the lab can't flush the address space: {}", std::strerror(error)),
                  kRebuild);
    }
  }

  /// Every VMA has its own part of the arena.
  void map(const std::vector<AddressRange>& vmas) {
    for (const AddressRange& vma : vmas) {
      device_.map(vma, next_offset_);
      next_offset_ += vma.end - vma.begin;
    }
  }

  /// A VMA above the shape's, with tables and no entry in them.
  tlblab_range make_long_way() {
    const AddressRange way = layout_.above();
    map({way});
    std::vector<tlblab_range> one_of_each_table;
    for (std::uint64_t at = way.begin; at < way.end; at += pages_per_table() * page_bytes()) {
      one_of_each_table.push_back({at, page_bytes()});
    }
    device_.populate(one_of_each_table);
    const std::vector<tlblab_range> whole = to_abi({way});
    flush_everything(whole);
    return whole.front();
  }

  LabDevice device_;
  std::uint64_t next_offset_ = 0;
  Layout layout_;  // unmaps whole lab VMAs, before the device closes
  Layout spare_;   // a page for scrub()
  std::vector<tlblab_range> all_;
  std::vector<tlblab_range> spare_ranges_;
  std::array<std::vector<tlblab_range>, kMostInitiators> shares_;
  std::array<tlblab_request, kMostInitiators> requests_{};
};

}  // namespace

LabTargets::LabTargets(const Shape& shape) : shape_(shape) {
  try {
    can_ = LabDevice().capabilities();
  } catch (const Error& error) {
    throw Error(error.status(), error.what(),
                "`tlblab check` works on the module's own memory; nothing else shows whether a "
                "freed page can still be reached.");
  }
  if ((can_.flags & TLBLAB_ORACLE) == 0) {
    throw Error(ExitStatus::kMachine, "the loaded module has no oracle", kRebuild);
  }
}

std::unique_ptr<Target> LabTargets::open(const CheckCell& cell) const {
  return std::make_unique<LabTarget>(shape_, cell);
}

std::uint64_t LabTargets::stale_writes() const {
  // The last target has closed its arena, and with it the quarantine was emptied and looked at.
  return LabDevice().totals().stale_writes;
}

}  // namespace tlblab::oracle
