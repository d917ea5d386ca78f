// SPDX-License-Identifier: GPL-2.0-only
// Which event counts which TLB quantity on which processor: against libpfm4's tables, whatever this
// machine is, and on made-up listings of the kernel's PMUs.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/perf_event.h>

#include <fstream>
#include <iterator>
#include <map>

#include "tests/unit/topology_planted_files.hh"
#include "user/counters/core_pmus.hh"
#include "user/counters/pfm.hh"
#include "user/counters/tlb_events.hh"
#include "user/model/tlb_quantity.hh"

namespace tlblab::counters {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const CorePmu kCpu{.name = "cpu", .type = PERF_TYPE_RAW, .cpus = {}, .events = {}};

using Configs = std::map<std::string, std::uint64_t>;

/// Encodings of those that can be counted, by quantity.
Configs countable(const std::vector<Event>& events) {
  Configs configs;
  for (const Event& event : events) {
    if (event.status.unavailable.empty()) configs[event.status.name] = event.perf_config;
  }
  return configs;
}

std::map<std::string, std::string> missing(const std::vector<Event>& events) {
  std::map<std::string, std::string> reasons;
  for (const Event& event : events) {
    if (!event.status.unavailable.empty()) reasons[event.status.name] = event.status.unavailable;
  }
  return reasons;
}

std::vector<Event> on_x86(const std::string& model) {
  return make_tlb_events(Architecture::kX86, {kCpu}, {model});
}

#define SKIP_WITHOUT(model) \
  if (!pfm_has_model(model)) GTEST_SKIP() << "libpfm4 here has no table of " << (model)

/// Intel's manual, by unit mask: 0x20 hits in the second level, 0x0e walks that completed, 0x10
/// with a threshold of one cycles with a walk under way.
Configs intel(std::uint64_t load, std::uint64_t store, std::uint64_t code) {
  return {{"dtlb_load_l2_hits", 0x2000 | load},
          {"dtlb_load_walks", 0xe00 | load},
          {"dtlb_load_walk_cycles", 0x1001000 | load},
          {"dtlb_store_l2_hits", 0x2000 | store},
          {"dtlb_store_walks", 0xe00 | store},
          {"dtlb_store_walk_cycles", 0x1001000 | store},
          {"itlb_l2_hits", 0x2000 | code},
          {"itlb_walks", 0xe00 | code},
          {"itlb_walk_cycles", 0x1001000 | code}};
}

TEST(TlbEvents, IntelCountsCompletedWalksAndTheirCycles) {
  SKIP_WITHOUT("skl");
  for (const char* model : {"skl", "skx", "clx", "icl", "icx"}) {
    EXPECT_EQ(countable(on_x86(model)), intel(0x08, 0x49, 0x85)) << model;
  }
  EXPECT_EQ(countable(on_x86("spr")), intel(0x12, 0x13, 0x11)) << "event codes moved";
}

// Event 0x45's masks: all bits are first-level misses, the upper half missed the second level too.
TEST(TlbEvents, AmdTellsTheLevelsByMask) {
  SKIP_WITHOUT("amd64_fam17h_zen2");
  for (const char* model : {"amd64_fam17h_zen1", "amd64_fam17h_zen2"}) {
    EXPECT_EQ(countable(on_x86(model)), (Configs{{"dtlb_l1_misses", 0xff45},
                                                 {"dtlb_l2_misses", 0xf045},
                                                 {"itlb_l2_hits", 0x84},
                                                 {"itlb_l2_misses", 0x785}}))
        << model;
  }
  for (const char* model : {"amd64_fam19h_zen3", "amd64_fam19h_zen4"}) {
    EXPECT_EQ(countable(on_x86(model)).at("dtlb_l2_misses"), 0xf045u) << model;
    EXPECT_EQ(countable(on_x86(model)).at("itlb_l2_misses"), 0xf85u) << "coalesced pages, too";
  }
  const auto reasons = missing(on_x86("amd64_fam19h_zen4"));
  EXPECT_THAT(reasons.at("dtlb_walk_cycles"), HasSubstr("amd64_fam19h_zen4"));
  EXPECT_EQ(reasons.count("dtlb_load_walks"), 0u) << "Intel's own: nobody misses it here";
}

TEST(TlbEvents, AnUnknownProcessorIsNotGuessed) {
  const auto events = make_tlb_events(Architecture::kX86, {kCpu}, {});
  EXPECT_THAT(countable(events), IsEmpty());
  std::size_t nr_common = 0;
  for (const TlbQuantity& quantity : kTlbQuantities) nr_common += quantity.common ? 1 : 0;
  EXPECT_EQ(events.size(), nr_common);
  EXPECT_THAT(missing(events).at("dtlb_walks"), HasSubstr("does not know this processor"));
  EXPECT_EQ(pfm_encode("no_such_model", "DTLB_LOAD_MISSES:WALK_ACTIVE"), std::nullopt);
  EXPECT_FALSE(pfm_has_model("no_such_model"));
}

TEST(TlbEvents, WithoutAPmuNothingCanBeCounted) {
  for (const Architecture architecture : {Architecture::kX86, Architecture::kArm64}) {
    const auto events = make_tlb_events(architecture, {}, pfm_models_here());
    EXPECT_THAT(countable(events), IsEmpty());
    EXPECT_THAT(missing(events).at("dtlb_walks"), HasSubstr("no PMU"));
  }
}

// libpfm4's type of an event is then that of one core's PMU; Debian 12's knows no such processor.
TEST(TlbEvents, OnAHybridEachCoreTypeHasItsOwn) {
  SKIP_WITHOUT("skl");
  const std::vector<CorePmu> hybrid = {
      {.name = "cpu_atom", .type = 10, .cpus = {4, 5}, .events = {}},
      {.name = "cpu_core", .type = PERF_TYPE_RAW, .cpus = {0, 1, 2, 3}, .events = {}}};
  const auto events = make_tlb_events(Architecture::kX86, hybrid, {"skl"});
  const Configs configs = countable(events);
  EXPECT_EQ(configs.at("dtlb_load_walks@cpu_core"), 0xe08u);
  EXPECT_EQ(configs.count("dtlb_load_walks@cpu_atom"), 0u) << "the other core's encoding";
  for (const Event& event : events) {
    const bool core = event.status.name.ends_with("@cpu_core");
    EXPECT_EQ(event.cpus, hybrid[core ? 1 : 0].cpus) << event.status.name;
    EXPECT_EQ(event.perf_type, hybrid[core ? 1 : 0].type) << event.status.name;
  }
}

const std::map<std::string, std::string> kArmEvents = {
    {"l1d_tlb_refill", "event=0x0005"}, {"l2d_tlb_refill", "event=0x002d"},
    {"dtlb_walk", "event=0x0034"},      {"l1i_tlb_refill", "event=0x0002"},
    {"itlb_walk", "event=0x0035"},      {"cpu_cycles", "event=0x0011"}};

TEST(TlbEvents, Arm64TellsRefillsFromWalks) {
  const CorePmu pmu{.name = "armv8_cortex_a76", .type = 8, .cpus = {0, 1}, .events = kArmEvents};
  const auto events = make_tlb_events(Architecture::kArm64, {pmu}, {});
  EXPECT_EQ(countable(events), (Configs{{"dtlb_l1_misses", 0x05},
                                        {"dtlb_l2_misses", 0x2d},
                                        {"dtlb_walks", 0x34},
                                        {"itlb_l1_misses", 0x02},
                                        {"itlb_walks", 0x35}}));
  EXPECT_THAT(missing(events).at("dtlb_walk_cycles"), HasSubstr("dtlb_walk_percyc"));
  EXPECT_EQ(events.front().perf_type, 8u);
}

TEST(TlbEvents, Arm64CoresMayLackSome) {
  const CorePmu little{.name = "armv8_cortex_a53",
                       .type = 8,
                       .cpus = {0, 1},
                       .events = {{"l1d_tlb_refill", "event=0x0005"}}};
  const CorePmu big{.name = "armv8_cortex_a72", .type = 9, .cpus = {2}, .events = kArmEvents};
  const auto events = make_tlb_events(Architecture::kArm64, {little, big}, {});
  const Configs configs = countable(events);
  EXPECT_EQ(configs.count("dtlb_walks@armv8_cortex_a53"), 0u);
  EXPECT_EQ(configs.at("dtlb_walks@armv8_cortex_a72"), 0x34u);
  EXPECT_THAT(missing(events).at("dtlb_walks@armv8_cortex_a53"), HasSubstr("dtlb_walk"));
}

TEST(TlbEvents, AnEventSpeltOtherwiseIsNotGuessed) {
  for (const char* text : {"event=0x34,inv=1", "event=", "config=0x34", ""}) {
    CorePmu pmu{.name = "armv8_x", .type = 8, .cpus = {}, .events = kArmEvents};
    pmu.events["dtlb_walk"] = text;
    const auto events = make_tlb_events(Architecture::kArm64, {pmu}, {});
    EXPECT_EQ(countable(events).count("dtlb_walks"), 0u) << text;
    EXPECT_THAT(missing(events).at("dtlb_walks"), HasSubstr("spells")) << text;
  }
}

// What the kernel calls these events on arm64 is what libpfm4's tables have for the models it
// knows; its tables of Arm's cores are compiled in on arm64 only.
TEST(TlbEvents, Arm64NumbersAreThoseOfLibpfm4) {
  SKIP_WITHOUT("arm_n1");
  for (const char* model : {"arm_n1", "arm_n2", "arm_v1"}) {
    for (const auto& [event, number] : Configs{{"L1D_TLB_REFILL", 0x05},
                                               {"L2D_TLB_REFILL", 0x2d},
                                               {"DTLB_WALK", 0x34},
                                               {"L1I_TLB_REFILL", 0x02},
                                               {"ITLB_WALK", 0x35}}) {
      const auto encoding = pfm_encode(model, event);
      ASSERT_TRUE(encoding.has_value()) << model << " " << event;
      EXPECT_EQ(encoding->config, number) << model << " " << event;
    }
  }
}

// What is divided by each other must come from the same trials, and fit the smallest PMU.
TEST(TlbEvents, SetsAreSmallAndOfOneKind) {
  SKIP_WITHOUT("skl");
  std::map<unsigned, std::vector<std::string>> sets;
  for (const Event& event : on_x86("skl")) {
    if (event.status.unavailable.empty()) sets[event.set].push_back(event.status.name);
  }
  EXPECT_THAT(sets[0],
              ElementsAre("dtlb_load_l2_hits", "dtlb_load_walks", "dtlb_load_walk_cycles"));
  for (const auto& [set, names] : sets) EXPECT_LE(names.size(), 4u) << set;
}

/// Run in the source tree.
TEST(TlbEvents, TheDocumentHasEveryQuantityAndEncoding) {
  std::ifstream file("docs/counters.md");
  const std::string document{std::istreambuf_iterator<char>(file), {}};
  for (const TlbQuantity& quantity : kTlbQuantities) {
    EXPECT_THAT(document, HasSubstr(fmt::format("| `{}` |", quantity.name)));
  }
  for (const char* model : {"skl", "icl", "spr", "amd64_fam17h_zen2", "amd64_fam19h_zen4"}) {
    for (const auto& [quantity, config] : countable(on_x86(model))) {
      EXPECT_THAT(document, HasSubstr(fmt::format("`{:#x}`", config))) << model << " " << quantity;
    }
  }
}

TEST(CorePmus, AreToldFromTheOthers) {
  const PlantedFiles files;
  for (const auto& [path, text] :
       std::map<std::string, std::string>{{"/cpu_core/type", "4\n"},
                                          {"/cpu_core/cpus", "0-3\n"},
                                          {"/cpu_atom/type", "10\n"},
                                          {"/cpu_atom/cpus", "4-5\n"},
                                          {"/armv8_cortex_a76/type", "8\n"},
                                          {"/armv8_cortex_a76/events/dtlb_walk", "event=0x0034\n"},
                                          {"/uncore_imc_0/type", "11\n"},
                                          {"/arm_spe_0/type", "12\n"},
                                          {"/cpum_cf/type", "14\n"},
                                          {"/cpu/type", "no number\n"}}) {
    files.plant(path, text);
  }
  const auto pmus = read_core_pmus(files.root());
  ASSERT_EQ(pmus.size(), 3u);
  EXPECT_EQ(pmus[0].name, "armv8_cortex_a76");
  EXPECT_EQ(pmus[0].events.at("dtlb_walk"), "event=0x0034");
  EXPECT_THAT(pmus[0].cpus, IsEmpty());
  EXPECT_EQ(pmus[1].name, "cpu_atom");
  EXPECT_EQ(pmus[1].type, 10u);
  EXPECT_THAT(pmus[1].cpus, ElementsAre(4, 5));
  EXPECT_THAT(read_core_pmus(files.root() + "/nowhere"), IsEmpty());
}

}  // namespace
}  // namespace tlblab::counters
