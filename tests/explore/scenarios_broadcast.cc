// SPDX-License-Identifier: GPL-2.0-only
// arm64's flush protocol (kmod/core/flush/broadcast.hh) in its hard cases: an ASID that changes
// meanwhile, and cores that report completion too early. Each beside its wrong form.
#include "tests/explore/scenario.hh"
#include "tests/explore/unmap_body.hh"

namespace tlblab::explore {

namespace {

constexpr Mechanism kOnce = Mechanism::kDsbOnce;
constexpr u32 kNewAsid = 2;

/// After a rollover the mm gets a new ASID on the first CPU that schedules it, which by then has
/// flushed its own TLB, and waited for that.
Machine::Body rollover_body() {
  return [](Machine& machine) {
    machine.perform(OpKind::kStore, kAsidCell, 0, kNewAsid);
    machine.perform(OpKind::kFence);
    machine.perform(OpKind::kMm, 1, kNewAsid);
  };
}

/// Reads the ASID first, as the module's object code once did.
template <Mechanism kMechanism>
class EarlyAsid : public ModelPlatform<kMechanism> {
 public:
  using Base = ModelPlatform<kMechanism>;
  using Base::Base;

  void publish() {
    asid_ = Base::read_asid();
    Base::publish();
  }
  u64 read_asid() { return asid_; }
  lab_flush_cost flush(const lab_flush& request) {
    return core::broadcast_flush(*this, request, {});
  }

 private:
  u64 asid_ = 0;
};

template <class P>
Machine::Body flushing_body(u32 gather) {
  return [gather](Machine& machine) {
    P platform(machine);
    const Unmap unmap = {.gather = gather, .ranges = {{0, 0, 0}}};
    perform_unmap(platform, unmap);
    machine.perform(OpKind::kReturn, unmap.pages());
  };
}

void add_rollover(std::vector<Scenario>& list, const catalogue::Gather& gather) {
  const std::string name = gather.name;
  // The initiator was preempted, and its CPU runs something else: an mm that is in use keeps its
  // ASID through a rollover.
  const Config config = {.arch = Arch::kArm64, .nr_pages = 1, .loaded = 0};
  list.push_back({.name = "asid-rollover," + name,
                  .config = config,
                  .bodies = {flushing_body<ModelPlatform<kOnce>>(gather.value), rollover_body()},
                  .about = "the mm gets a new ASID in the middle of a flush"});
  list.push_back({.name = "fault:asid-read-early," + name,
                  .kind = Kind::kFault,
                  .config = config,
                  .bodies = {flushing_body<EarlyAsid<kOnce>>(gather.value), rollover_body()},
                  .expected = Violation::kLeak,
                  .about = "the ASID is read before the empty entry is visible (asm/mmu.h)"});
}

template <Mechanism kMechanism>
void add_completion(std::vector<Scenario>& list, const catalogue::Gather& gather) {
  const std::string name = std::string(gather.name) + "," + mechanism_name(kMechanism);
  const Config config = {.arch = Arch::kArm64, .nr_pages = 2, .broken_completion = true};
  const Unmap unmap = {.gather = gather.value, .ranges = {{0, 0, 1}}};
  list.push_back({.name = "broken-completion," + name,
                  .config = config,
                  .bodies = {unmap_body<kMechanism>(unmap)},
                  .about = "cores with erratum 4118414, with the repetition"});
  list.push_back({.name = "fault:no-repeat," + name,
                  .kind = Kind::kFault,
                  .config = config,
                  .bodies = {unmap_body<kMechanism>(unmap, kOmitRepeat)},
                  .expected = Violation::kLeak,
                  .about = "the same, not asked once more (TLBLAB_NO_REPEAT)"});
}

}  // namespace

std::vector<Scenario> broadcast_scenarios() {
  std::vector<Scenario> list;
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    add_rollover(list, gather);
    add_completion<kOnce>(list, gather);
    add_completion<Mechanism::kDsbEach>(list, gather);
  }
  return list;
}

}  // namespace tlblab::explore
