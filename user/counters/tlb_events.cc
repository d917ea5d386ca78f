// SPDX-License-Identifier: GPL-2.0-only
// The table of events by quantity, and their encodings on this machine.
#include "user/counters/tlb_events.hh"

#include <fmt/format.h>
#include <linux/perf_event.h>

#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "user/counters/pfm.hh"
#include "user/model/tlb_quantity.hh"

namespace tlblab::counters {
namespace {

/// The events that count one quantity. Only one of a model's can be meant: the first that it has.
struct Row {
  std::string_view quantity;
  std::array<const char*, 2> x86;  ///< libpfm4's names; null: none
  const char* arm64;               ///< the architecture's name, as the kernel spells it
};

constexpr Row kRows[] = {
    {"dtlb_l1_misses",
     {"L1_DTLB_MISS:TLB_RELOAD_1G_L2_MISS:TLB_RELOAD_2M_L2_MISS:TLB_RELOAD_COALESCED_PAGE_MISS"
      ":TLB_RELOAD_4K_L2_MISS:TLB_RELOAD_1G_L2_HIT:TLB_RELOAD_2M_L2_HIT"
      ":TLB_RELOAD_COALESCED_PAGE_HIT:TLB_RELOAD_4K_L2_HIT"},
     "l1d_tlb_refill"},
    {"dtlb_load_l2_hits", {"DTLB_LOAD_MISSES:STLB_HIT"}, nullptr},
    {"dtlb_store_l2_hits", {"DTLB_STORE_MISSES:STLB_HIT"}, nullptr},
    {"dtlb_l2_misses",
     {"L1_DTLB_MISS:TLB_RELOAD_1G_L2_MISS:TLB_RELOAD_2M_L2_MISS:TLB_RELOAD_COALESCED_PAGE_MISS"
      ":TLB_RELOAD_4K_L2_MISS"},
     "l2d_tlb_refill"},
    {"dtlb_walks", {}, "dtlb_walk"},
    {"dtlb_load_walks", {"DTLB_LOAD_MISSES:WALK_COMPLETED"}, nullptr},
    {"dtlb_store_walks", {"DTLB_STORE_MISSES:WALK_COMPLETED"}, nullptr},
    {"dtlb_walk_cycles", {}, "dtlb_walk_percyc"},
    {"dtlb_load_walk_cycles", {"DTLB_LOAD_MISSES:WALK_ACTIVE"}, nullptr},
    {"dtlb_store_walk_cycles", {"DTLB_STORE_MISSES:WALK_ACTIVE"}, nullptr},
    {"itlb_l1_misses", {}, "l1i_tlb_refill"},
    {"itlb_l2_hits", {"ITLB_MISSES:STLB_HIT", "L1_ITLB_MISS_L2_ITLB_HIT"}, nullptr},
    {"itlb_l2_misses",
     {"L1_ITLB_MISS_L2_ITLB_MISS:IF4K:IF2M:IF1G:COALESCED4K",
      "L1_ITLB_MISS_L2_ITLB_MISS:IF4K:IF2M:IF1G"},
     "l2i_tlb_refill"},
    {"itlb_walks", {"ITLB_MISSES:WALK_COMPLETED"}, "itlb_walk"},
    {"itlb_walk_cycles", {"ITLB_MISSES:WALK_ACTIVE"}, "itlb_walk_percyc"},
};

static_assert(std::size(kRows) == std::size(kTlbQuantities));
static_assert([] {
  for (std::size_t i = 0; i < std::size(kRows); ++i) {
    if (kRows[i].quantity != kTlbQuantities[i].name) return false;
  }
  return true;
}());

/// Those that are counted in the same trials: few enough for the smallest PMU, and of one kind, so
/// that cycles can be divided by walks.
unsigned set_of(std::string_view quantity) {
  if (quantity.starts_with("itlb")) return 2;
  return quantity.starts_with("dtlb_store") ? 1 : 0;
}

/// An event as one type of core has it, or why it does not.
struct Found {
  std::string source;
  std::uint64_t config = 0;
  std::string problem;
};

Found find_x86(const Row& row, const CorePmu& pmu, bool only_pmu,
               const std::vector<std::string>& models) {
  std::string known_as;
  for (const std::string& model : models) {
    for (const char* event : row.x86) {
      const auto encoding = event == nullptr ? std::nullopt : pfm_encode(model, event);
      if (!encoding || (!only_pmu && encoding->type != pmu.type)) continue;
      return {fmt::format("{}::{}, {:#x}", model, event, encoding->config), encoding->config, ""};
    }
    if (only_pmu) known_as += (known_as.empty() ? "" : ", ") + model;
  }
  if (models.empty()) {
    return {"libpfm4", 0, "libpfm4 does not know this processor's events"};
  }
  return {"libpfm4", 0,
          fmt::format("libpfm4 has no event that counts just this on {}",
                      known_as.empty() ? "these cores" : known_as)};
}

/// "event=0x34" -> 0x34.
std::optional<std::uint64_t> arm64_event(std::string_view text) {
  constexpr std::string_view before = "event=0x";
  if (!text.starts_with(before)) return std::nullopt;
  text.remove_prefix(before.size());
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number, 16);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return number;
}

Found find_arm64(const Row& row, const CorePmu& pmu) {
  if (row.arm64 == nullptr) return {"PMUv3", 0, "the architecture has no such event"};
  const auto named = pmu.events.find(row.arm64);
  if (named == pmu.events.end()) {
    return {fmt::format("PMUv3 {}", row.arm64), 0,
            fmt::format("the kernel names no {} among the events of these cores", row.arm64)};
  }
  const auto number = arm64_event(named->second);
  if (!number) {
    return {fmt::format("PMUv3 {}", row.arm64), 0,
            fmt::format("the kernel spells {} as \"{}\"", row.arm64, named->second)};
  }
  return {fmt::format("PMUv3 {}, {:#x}", row.arm64, *number), *number, ""};
}

}  // namespace

std::vector<Event> make_tlb_events(Architecture architecture, const std::vector<CorePmu>& pmus,
                                   const std::vector<std::string>& models) {
  std::vector<CorePmu> cores = pmus;
  if (pmus.empty())
    cores.push_back({.name = "cpu", .type = PERF_TYPE_RAW, .cpus = {}, .events = {}});
  std::vector<Event> events;
  for (const CorePmu& pmu : cores) {
    for (std::size_t i = 0; i < std::size(kRows); ++i) {
      const TlbQuantity& quantity = kTlbQuantities[i];
      Found found = architecture == Architecture::kX86
                        ? find_x86(kRows[i], pmu, cores.size() == 1, models)
                        : find_arm64(kRows[i], pmu);
      if (!found.problem.empty() && !quantity.common) continue;
      Event event;
      event.status.name = quantity.name;
      if (cores.size() > 1) event.status.name += "@" + pmu.name;
      event.status.source = std::move(found.source);
      event.status.meaning = quantity.meaning;
      event.status.unavailable = std::move(found.problem);
      if (pmus.empty()) {
        event.status.unavailable = fmt::format(
            "no PMU: the kernel has no cpu event source ({}/cpu is missing); usual in virtual "
            "machines without vPMU",
            kEventSources);
      }
      event.kind = EventKind::kHardware;
      event.perf_type = pmu.type;
      event.perf_config = found.config;
      event.in_kernel = false;
      event.own_reads = OwnReads::kMeasured;
      event.cpus = pmu.cpus;
      event.set = set_of(quantity.name);
      events.push_back(std::move(event));
    }
  }
  return events;
}

}  // namespace tlblab::counters
