// SPDX-License-Identifier: GPL-2.0-only
// The responders' loop and the hand-shake with the initiator.
#include "user/workload/responders.hh"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>

#include "user/statistics/blocks.hh"
#include "user/support/clock.hh"
#include "user/support/page_size.hh"
#include "user/topology/placement.hh"
#include "user/workload/patience.hh"
#include "user/workload/presence.hh"
#include "user/workload/probe.hh"

namespace tlblab {
namespace {

enum class Order : std::uint64_t { kSpin, kLoad, kSettle, kOpenProbe, kArrangeProbe, kWalk, kQuit };

/// The median turn of the loop below, less its stores: what a gap is judged against.
std::uint64_t measured_gap_threshold_ns() {
  std::array<double, 1001> turns{};
  std::uint64_t last = now_ns();
  for (double& turn : turns) {
    const std::uint64_t now = now_ns();
    turn = static_cast<double>(now - last);
    last = now;
  }
  const double median = statistics::median_in_place(turns);
  return std::max<std::uint64_t>(300, static_cast<std::uint64_t>(8 * median));
}

}  // namespace

/// Each cache line is written by one side only, so that a heartbeat slows the initiator's polling
/// of nothing but itself.
struct ResponderCrew::Slot {
  // Written by the initiator. `order` is published by `sequence`.
  alignas(64) std::atomic<std::uint64_t> sequence{0};
  Order order = Order::kSpin;
  std::span<const AddressRange> ranges;
  std::uint64_t tag = 0;
  TimeSpan window;
  std::size_t probe_pages = 0;
  std::uint64_t probe_seed = 0;

  // Written by the responder. The plain fields are published by `done`.
  alignas(64) std::atomic<std::uint64_t> done{0};
  bool tags_right = false;
  std::uint64_t most_away_ns = 0;
  bool migrated = false;
  ResponderSample sample;
  std::uint64_t walk_ns = 0;
  std::exception_ptr failure;

  alignas(64) std::atomic<std::uint64_t> heartbeats{0};

  // Initiator's own.
  alignas(64) std::uint64_t beats_at_open = 0;
  std::uint64_t beats_at_close = 0;

  // Responder's own.
  std::unique_ptr<ProbeWalk> walk;

  int cpu = 0;
  pid_t tid = 0;
  std::uint64_t gap_threshold_ns = 0;
  std::thread thread;

  void run();
  void send(std::uint64_t to_sequence, Order to_order) {
    order = to_order;
    sequence.store(to_sequence, std::memory_order_release);
  }
};

void ResponderCrew::Slot::run() {
  const std::size_t page = page_bytes();
  try {
    pin_to_cpu(cpu);
    tid = gettid();
    gap_threshold_ns = measured_gap_threshold_ns();
  } catch (...) {
    failure = std::current_exception();
    done.store(1, std::memory_order_release);
    return;
  }
  std::uint64_t seen = 1;
  done.store(seen, std::memory_order_release);

  Presence at_load;
  std::uint64_t last = now_ns();
  std::uint64_t beats = 0;
  GapLog gaps;
  gaps.begin(last);
  const auto look_for_gap = [&] {
    const std::uint64_t now = now_ns();
    if (now - last > gap_threshold_ns) gaps.add(last, now);
    last = now;
  };
  while (true) {
    look_for_gap();
    heartbeats.store(++beats, std::memory_order_relaxed);

    const std::uint64_t wanted = sequence.load(std::memory_order_acquire);
    if (wanted == seen) continue;
    seen = wanted;
    look_for_gap();  // it may have been away since, and found the order on its return
    switch (order) {
      case Order::kSpin:
        break;
      case Order::kLoad: {
        bool right = true;
        for (const AddressRange& range : ranges) {
          for (std::uintptr_t at = range.begin; at < range.end; at += page) {
            right &= *reinterpret_cast<const volatile std::uint64_t*>(at) == tag;
          }
        }
        tags_right = right;
        if (walk) walk->warm_up();
        at_load = presence_now();
        last = now_ns();
        gaps.begin(last);
        break;
      }
      case Order::kSettle: {
        const Presence at_end = presence_now();
        const GapLog::Loss loss = gaps.loss_in(window);
        sample.stolen_ns = static_cast<std::uint32_t>(loss.stolen_ns);
        sample.interrupts = static_cast<std::uint32_t>(loss.interrupts);
        most_away_ns = gaps.most_away_ns(
            at_end.preempted + at_end.waited - at_load.preempted - at_load.waited, window);
        migrated = at_end.cpu != cpu;
        break;
      }
      case Order::kOpenProbe:
        try {
          walk = std::make_unique<ProbeWalk>(probe_pages);
        } catch (...) {
          failure = std::current_exception();
        }
        break;
      case Order::kArrangeProbe:
        walk->arrange(probe_pages, probe_seed);
        break;
      case Order::kWalk:
        walk_ns = walk->time_ns();
        last = now_ns();  // no gap: it was not in the loop
        break;
      case Order::kQuit:
        done.store(seen, std::memory_order_release);
        return;
    }
    done.store(seen, std::memory_order_release);
  }
}

ResponderCrew::ResponderCrew(const std::vector<int>& cpus) : sequence_(1) {
  try {
    for (const int cpu : cpus) {
      Slot& slot = *slots_.emplace_back(std::make_unique<Slot>());
      slot.cpu = cpu;
      slot.sequence.store(sequence_, std::memory_order_relaxed);
      slot.thread = std::thread([&slot] { slot.run(); });
    }
    for (const auto& slot : slots_) {
      // It begins on this CPU, and with real-time priority (chrt --fifo) gets it only if we yield.
      spin_until("responder", slot->cpu, "started", [&] {
        sched_yield();
        return slot->done.load(std::memory_order_acquire) >= sequence_;
      });
    }
    rethrow_failure();
  } catch (...) {
    stop();
    throw;
  }
  report_.samples.resize(slots_.size());
}

ResponderCrew::~ResponderCrew() { stop(); }

void ResponderCrew::stop() noexcept {
  ++sequence_;
  for (const auto& slot : slots_) slot->send(sequence_, Order::kQuit);
  for (const auto& slot : slots_) {
    if (slot->thread.joinable()) slot->thread.join();
  }
}

void ResponderCrew::wait_until_done(const char* what) const {
  for (const auto& slot : slots_) {
    spin_until("responder", slot->cpu, what,
               [&] { return slot->done.load(std::memory_order_acquire) >= sequence_; });
  }
}

void ResponderCrew::rethrow_failure() const {
  for (const auto& slot : slots_) {
    if (slot->failure) std::rethrow_exception(slot->failure);
  }
}

void ResponderCrew::wait_for_beats() const {
  for (const auto& slot : slots_) {
    const std::uint64_t before = slot->heartbeats.load(std::memory_order_relaxed);
    spin_until("responder", slot->cpu, "beaten",
               [&] { return slot->heartbeats.load(std::memory_order_relaxed) >= before + 2; });
  }
}

void ResponderCrew::load(std::span<const AddressRange> ranges, std::uint64_t tag) {
  if (slots_.empty()) return;
  ++sequence_;
  for (const auto& slot : slots_) {
    slot->ranges = ranges;
    slot->tag = tag;
    slot->send(sequence_, Order::kLoad);
  }
  wait_until_done("loaded the trial's pages");
  wait_for_beats();
}

void ResponderCrew::open_window() {
  for (const auto& slot : slots_) {
    slot->beats_at_open = slot->heartbeats.load(std::memory_order_relaxed);
  }
}

void ResponderCrew::close_window() {
  for (const auto& slot : slots_) {
    slot->beats_at_close = slot->heartbeats.load(std::memory_order_relaxed);
  }
}

const CrewReport& ResponderCrew::settle(const TimeSpan& window) {
  report_.state = TrialState::kOk;
  if (slots_.empty()) return report_;
  ++sequence_;
  for (const auto& slot : slots_) {
    slot->window = window;
    slot->send(sequence_, Order::kSettle);
  }
  wait_until_done("settled the trial");
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = *slots_[i];
    ResponderSample& sample = report_.samples[i];
    sample = slot.sample;
    sample.heartbeats = static_cast<std::uint32_t>(slot.beats_at_close - slot.beats_at_open);
    if (report_.state != TrialState::kOk) continue;
    if (!slot.tags_right) {
      report_.state = TrialState::kNotLoaded;
    } else if (is_away_too_long(slot.most_away_ns, window)) {
      report_.state = TrialState::kSwitched;
    } else if (slot.migrated) {
      report_.state = TrialState::kMigrated;
    } else if (sample.heartbeats == 0) {
      report_.state = TrialState::kStalled;
    }
  }
  return report_;
}

void ResponderCrew::open_probe(std::size_t most_pages) {
  ++sequence_;
  for (const auto& slot : slots_) {
    slot->probe_pages = most_pages;
    slot->send(sequence_, Order::kOpenProbe);
  }
  wait_until_done("mapped its working set");
  rethrow_failure();
}

void ResponderCrew::arrange_probe(std::size_t nr_pages, std::uint64_t seed) {
  ++sequence_;
  for (const auto& slot : slots_) {
    slot->probe_pages = nr_pages;
    slot->probe_seed = seed;
    slot->send(sequence_, Order::kArrangeProbe);
  }
  wait_until_done("arranged its working set");
}

void ResponderCrew::start_walks() {
  ++sequence_;
  for (const auto& slot : slots_) slot->send(sequence_, Order::kWalk);
}

std::vector<std::uint64_t> ResponderCrew::finish_walks() {
  wait_until_done("walked its working set");
  std::vector<std::uint64_t> walks;
  for (const auto& slot : slots_) walks.push_back(slot->walk_ns);
  return walks;
}

std::vector<pid_t> ResponderCrew::thread_ids() const {
  std::vector<pid_t> ids;
  for (const auto& slot : slots_) ids.push_back(slot->tid);
  return ids;
}

std::vector<std::uint64_t> ResponderCrew::gap_thresholds_ns() const {
  std::vector<std::uint64_t> thresholds;
  for (const auto& slot : slots_) thresholds.push_back(slot->gap_threshold_ns);
  return thresholds;
}

}  // namespace tlblab
