// SPDX-License-Identifier: GPL-2.0-only
// Engine `lab`: one TLBLAB_PERFORM per operation.
#include "user/engine/lab/lab_engine.hh"

#include <fmt/format.h>

#include <cerrno>
#include <lab_mechanisms.hh>

#include "user/lab/lab_account.hh"
#include "user/lab/lab_device.hh"
#include "user/lab/lab_request.hh"
#include "user/support/error.hh"
#include "user/support/page_size.hh"
#include "user/workload/vma_layout.hh"

namespace tlblab {
namespace {

class LabWorkspace final : public Workspace {
 public:
  LabWorkspace(const Shape& shape, const std::vector<LabComposition>& compositions)
      : layout_(shape) {
    std::uint64_t offset = 0;  // every VMA has its own part of the arena
    for (const AddressRange& range : layout_.ranges()) {
      device_.map(range, offset);
      offset += range.end - range.begin;
      ranges_.push_back({range.begin, range.end - range.begin});
    }
    counts_barriers_ = lab_machine(device_.capabilities()).counts_barriers;
    for (const LabComposition& composition : compositions) {
      tlblab_request& request =
          requests_.emplace_back(lab_request(composition, device_.capabilities()));
      request.ranges = reinterpret_cast<std::uintptr_t>(ranges_.data());
      request.nr_ranges = ranges_.size();
    }
  }

  void prepare(std::uint64_t tag) override {
    device_.populate(ranges_);
    for (const AddressRange& range : layout_.ranges()) {
      for (std::uintptr_t page = range.begin; page < range.end; page += page_bytes()) {
        *reinterpret_cast<volatile std::uint64_t*>(page) = tag;
      }
    }
    for (tlblab_request& request : requests_) request.account = {};
  }

  void time_phases(bool on) override {
    const std::uint64_t flag = device_.capabilities().flags & TLBLAB_TIME_PHASES;
    for (tlblab_request& request : requests_) {
      request.flags &= ~TLBLAB_TIME_PHASES;
      if (on) request.flags |= static_cast<std::uint32_t>(flag);
    }
  }

  int perform(std::size_t which) noexcept override {
    last_ = which;
    return device_.perform(requests_[which]);
  }

  [[nodiscard]] Account account() const override {
    const tlblab_request& request = requests_.at(last_);
    return account_of(request.account, counts_barriers_, request.flags);
  }

  [[nodiscard]] std::string advice(int error) const override {
    switch (error) {
      case EBUSY:
        return "The module refuses address spaces with MMU notifiers (KVM, RDMA, a debugger of "
               "GPUs) and memory registered with userfaultfd: run tlblab without such a library "
               "preloaded.";
      case EUCLEAN:
        return "Something else has written to the page tables of the lab's memory; the kernel log "
               "says what. Nothing of it was touched.";
      case EPERM:
        return "Leaving the repetition out is a planted fault: that takes root.";
      case EOPNOTSUPP:
        return "The loaded module can't do that on this machine; `tlblab info` shows what it can.";
      case ENOMEM:
        return "Choose a smaller shape, or free memory; the module changed nothing.";
      default:
        return Workspace::advice(error);
    }
  }

  [[nodiscard]] std::span<const AddressRange> ranges() const override { return layout_.ranges(); }

 private:
  LabDevice device_;
  Layout layout_;  // unmaps whole lab VMAs, before the device closes
  std::vector<tlblab_range> ranges_;
  std::vector<tlblab_request> requests_;
  std::size_t last_ = 0;
  bool counts_barriers_ = false;
};

}  // namespace

LabEngine::LabEngine() {
  try {
    can_ = LabDevice().capabilities();
  } catch (const Error& error) {
    unavailable_ = error.what();
    // For what its schemes would cause here.
    can_.features = kLabFeatures;
    can_.mechanisms = kLabMechanisms;
  }
  schemes_ = lab_schemes(unavailable_);
}

std::span<const ParameterInfo> LabEngine::parameters() const { return lab_parameters(); }

std::shared_ptr<const Scheme> LabEngine::parse(std::string_view name) const {
  const auto composition = parse_lab_scheme(name);
  if (!composition) return nullptr;
  return std::make_shared<LabScheme>(
      *composition, lab_machine(can_),
      unavailable_.empty() ? lab_refusal(*composition, can_) : unavailable_);
}

std::unique_ptr<Workspace> LabEngine::open(const Shape& shape,
                                           std::span<const Scheme* const> schemes) const {
  validate(shape);
  std::vector<LabComposition> compositions;
  for (const Scheme* scheme : schemes) {
    compositions.push_back(static_cast<const LabScheme*>(scheme)->composition());
  }
  return std::make_unique<LabWorkspace>(shape, compositions);
}

}  // namespace tlblab
