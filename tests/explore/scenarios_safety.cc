// SPDX-License-Identifier: GPL-2.0-only
// The safety rules, which keep wrong schemes from doing harm: every planted fault, with the
// quarantine between the release and the frame's next owner (kmod/core/safety/quarantine.hh), and
// with the address space flushed before its addresses are used again
// (kmod/core/safety/leftovers.hh). The whole is sound, although the schemes are not. Also both
// rules with a part taken out.
#include "kmod/core/operation/populate.hh"
#include "kmod/core/safety/leftovers.hh"
#include "kmod/core/safety/quarantine.hh"
#include "tests/explore/scenario.hh"
#include "tests/explore/unmap_body.hh"

namespace tlblab::explore {

namespace {

/// What is taken out of a rule.
enum class Without : u8 {
  kNothing,
  kGlobalFlush,  ///< frames are given back at once
  kTakingFirst,  ///< they are taken out after the flush
  kOtherCpus,    ///< only the CPU that drains flushes
  kForgetting,   ///< what was left behind is not flushed
  kPatience,     ///< one bit, cleared before the flush: a second caller does not wait for it
  kSecondMark,   ///< an operation is marked only before it begins
};

/// Released frames go to the quarantine, one bit each in a word.
template <Mechanism kMechanism>
class Quarantining : public ModelPlatform<kMechanism> {
 public:
  using Base = ModelPlatform<kMechanism>;
  explicit Quarantining(Machine& machine, Without without = Without::kNothing)
      : Base(machine), without_(without) {}

  u64 release(void* const* frames, u32 nr) {
    u8 word = kWordCell;
    for (u32 i = 0; i < nr; ++i) {
      Base::set_bits(word, u64{1} << Base::from_handle(frames[i]), core::Order::kFull);
    }
    return nr;
  }

  // --- core::Quarantine

  u64 take() {
    if (without_ == Without::kTakingFirst) flush_all();
    u8 word = kWordCell;
    do {
      taken_ = Base::load(word, core::Order::kAcquire);
    } while (taken_ != 0 && !Base::exchange_if(word, taken_, 0, core::Order::kFull));
    return taken_;
  }
  void flush_everything() {
    if (without_ != Without::kGlobalFlush && without_ != Without::kTakingFirst) flush_all();
  }
  void give_back() {
    for (u32 page = 0; page < kMaxPages; ++page) {
      if ((taken_ >> page & 1) != 0) Base::machine().perform(OpKind::kRelease, page);
    }
  }

 private:
  void flush_all() {
    Machine& machine = Base::machine();
    const u32 cpus = without_ == Without::kOtherCpus ? 0 : machine.all_cpus();
    machine.perform(OpKind::kPost, machine.all_pages(), kEverything, cpus);
    machine.perform(OpKind::kWait);
  }

  u64 taken_ = 0;
  Without without_;
};

template <Mechanism kMechanism>
Machine::Body quarantining_body(u32 fault) {
  return [fault](Machine& machine) {
    Quarantining<kMechanism> platform(machine);
    perform_unmap(platform, {.fault = fault, .ranges = {{0, 0, 1}}});
  };
}

/// Another CPU wants frames, twice: the second time drains what came into quarantine meanwhile.
template <Mechanism kMechanism>
Machine::Body draining_body(Without without) {
  return [without](Machine& machine) {
    Quarantining<kMechanism> platform(machine, without);
    core::drain(platform);
    core::drain(platform);
  };
}

template <Mechanism kMechanism>
Scenario quarantine_scenario(const std::string& name, u32 fault, Without without) {
  const bool sound = without == Without::kNothing;
  // The third CPU reads. With the others it would be too much for every interleaving.
  const Config config = {.arch = ModelPlatform<kMechanism>::kArch,
                         .nr_cpus = 3,
                         .nr_pages = 2,
                         .loaded = 0x5,
                         .speculating = 0x4};
  return {.name = name,
          .kind = sound ? Kind::kSound : Kind::kMutant,
          .config = config,
          .bodies = {quarantining_body<kMechanism>(fault), draining_body<kMechanism>(without)},
          .expected = sound ? Violation::kNone : Violation::kLeak,
          .about = "",
          .words = {"the quarantine"}};
}

/// One bit for "something was performed", cleared before the flush.
template <core::Words W>
class TakenAway {
 public:
  TakenAway(W& words, typename W::Word& word, typename W::Word&) : words_(words), word_(word) {}

  void mark() { words_.store(word_, 1, core::Order::kRelaxed); }
  template <class Flush>
  void forget(Flush flush) {
    if (words_.exchange_if(word_, 1, 0, core::Order::kFull)) flush();
  }

 private:
  W& words_;
  typename W::Word& word_;
};

inline constexpr u8 kMarkedCell = kWordCell + 1;
inline constexpr u8 kFlushedCell = kWordCell + 2;

/// The address space's words, and the rule over them.
template <class P, template <class> class Rule>
struct Marks {
  explicit Marks(P& platform) : leftovers(platform, marked, flushed) {}

  u8 marked = kMarkedCell;
  u8 flushed = kFlushedCell;
  Rule<P> leftovers;
};

/// Performs on a page, with the marks that the rule asks for.
template <class P, class Leftovers>
void perform_marked(P& platform, Leftovers& leftovers, u32 page, u32 fault, Without without) {
  leftovers.mark();
  perform_unmap(platform, {.fault = fault, .ranges = {{page, page, page}}});
  if (without != Without::kSecondMark) leftovers.mark();
}

/// Performs on a page of its own, then unmaps it: the next user of the address must not find stale
/// translations.
template <Mechanism kMechanism, template <class> class Rule>
Machine::Body closing_body(u32 page, u32 fault, Without without) {
  return [page, fault, without](Machine& machine) {
    Quarantining<kMechanism> platform(machine);
    Marks<Quarantining<kMechanism>, Rule> marks(platform);
    perform_marked(platform, marks.leftovers, page, fault, without);
    if (without != Without::kForgetting) core::close(platform, marks.leftovers, nullptr);
    machine.perform(OpKind::kReturn, 1U << page);
  };
}

/// Performs on a page, then populates it again: whoever reads there must meet what is new.
template <Mechanism kMechanism, template <class> class Rule>
Machine::Body repopulating_body(u32 page, u32 fault, Without without) {
  return [page, fault, without](Machine& machine) {
    Quarantining<kMechanism> platform(machine);
    Marks<Quarantining<kMechanism>, Rule> marks(platform);
    perform_marked(platform, marks.leftovers, page, fault, without);
    const u64 address = machine.config().page_address[page];
    const lab_piece piece = {.start = address, .end = address + kPageBytes, .vma = nullptr};
    u64 populated = 0;
    if (without != Without::kForgetting) {
      core::populate(platform, marks.leftovers, &piece, 1, kPageShift, populated);
    } else {
      platform.set_span(nullptr, address, 1, 1);
    }
  };
}

/// Populates elsewhere in the address space meanwhile.
template <Mechanism kMechanism, template <class> class Rule>
Machine::Body populating_body() {
  return [](Machine& machine) {
    ModelPlatform<kMechanism> platform(machine);
    Marks<ModelPlatform<kMechanism>, Rule> marks(platform);
    u64 populated = 0;
    core::populate(platform, marks.leftovers, nullptr, 0, kPageShift, populated);
  };
}

/// How the address is used again.
enum class Reuse : u8 { kMunmap, kPopulate };

template <Mechanism kMechanism, template <class> class Rule = core::Leftovers>
Scenario leftovers_scenario(const std::string& name, u32 fault, Without without,
                            Reuse reuse = Reuse::kMunmap) {
  const bool sound = without == Without::kNothing;
  const Config config = {.arch = ModelPlatform<kMechanism>::kArch,
                         .nr_cpus = 3,
                         .nr_pages = 1,
                         .loaded = 0x7,
                         .speculating = 0x4};
  return {
      .name = name,
      .kind = sound ? Kind::kSound : Kind::kMutant,
      .config = config,
      .bodies = {reuse == Reuse::kMunmap ? closing_body<kMechanism, Rule>(0, fault, without)
                                         : repopulating_body<kMechanism, Rule>(0, fault, without),
                 populating_body<kMechanism, Rule>()},
      .expected = sound ? Violation::kNone : Violation::kAfterReturn,
      .about = "",
      .words = {"the quarantine", "marked", "flushed"}};
}

template <Mechanism kMechanism>
void add_safety(std::vector<Scenario>& list, const std::string& mechanism) {
  const auto add = [&](Scenario scenario, const char* about) {
    scenario.name += "," + mechanism;
    scenario.about = about;
    list.push_back(std::move(scenario));
  };
  const auto add_both = [&](const std::string& name, u32 fault) {
    add(quarantine_scenario<kMechanism>("quarantine," + name, fault, Without::kNothing),
        "whatever the scheme did, the frame's next owner is alone with it");
    add(leftovers_scenario<kMechanism>("leftovers," + name, fault, Without::kNothing),
        "whatever the scheme did, the next mapping at its addresses is not shadowed");
    add(leftovers_scenario<kMechanism>("populate," + name, fault, Without::kNothing,
                                       Reuse::kPopulate),
        "whatever the scheme did, what is populated at its addresses is not shadowed");
  };
  add_both("sound", 0);
  for (const catalogue::Fault& fault : catalogue::kFaults) {
    if (fault.breaks == catalogue::Breaks::kOrder) add_both(fault.name, fault.value);
  }
  const u32 fault = TLBLAB_NO_FLUSH;
  add(quarantine_scenario<kMechanism>("mutant:quarantine,no-flush", fault, Without::kGlobalFlush),
      "frames are given back without a flush");
  add(quarantine_scenario<kMechanism>("mutant:quarantine,taken-late", fault, Without::kTakingFirst),
      "a frame that came after the flush is given back with the others");
  add(quarantine_scenario<kMechanism>("mutant:quarantine,here-only", fault, Without::kOtherCpus),
      "only the CPU that drains has flushed");
  add(leftovers_scenario<kMechanism>("mutant:leftovers,not-flushed", fault, Without::kForgetting),
      "munmap() finds the entries empty and does not flush");
  add(leftovers_scenario<kMechanism>("mutant:populate,not-flushed", fault, Without::kForgetting,
                                     Reuse::kPopulate),
      "entries are set while CPUs still have the old translations");
  add(leftovers_scenario<kMechanism, TakenAway>("mutant:leftovers,taken-away", fault,
                                                Without::kPatience),
      "a second caller finds the mark gone while the first one's flush is under way");
  add(leftovers_scenario<kMechanism>("mutant:leftovers,marked-once", fault, Without::kSecondMark),
      "a populate elsewhere flushes in the middle and clears the mark");
}

}  // namespace

std::vector<Scenario> safety_scenarios() {
  std::vector<Scenario> list;
  add_safety<Mechanism::kIpi>(list, "ipi");
  add_safety<Mechanism::kDsbOnce>(list, "dsb-once");
  return list;
}

}  // namespace tlblab::explore
