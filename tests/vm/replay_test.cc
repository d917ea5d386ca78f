// SPDX-License-Identifier: GPL-2.0-only
// Replays what the explorer found on its model: each schedule of /root/schedules is followed step
// by step, with paced operations, and at its end a CPU reaches what it must not. The same without
// the faults shows nothing.
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

#include "tests/vm/ktap.hh"
#include "tests/vm/lab.hh"
#include "tests/vm/paced_thread.hh"
#include "tests/vm/schedule.hh"

namespace tlblab::vm {
namespace {

const char* const kFile = "/root/schedules";

/// Schedules' addresses lie in so much space of the model.
const std::uint64_t kSpaceBytes = 2 * kTableBytes;

/// Rounds after which a schedule has failed to show its violation. An emulated TLB may lose
/// entries: on arm64, on a busy host, up to every third round shows nothing.
constexpr unsigned kRounds = 100;

/// A call that has not reached its first step after this time waits for another call's claim.
constexpr std::uint64_t kClaimNs = 30'000'000;

using PacedThreads = std::array<PacedThread, kControllerCpu>;

/// Thrown when a schedule can't be followed. Its text says where.
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

const char* step_name(std::uint32_t step) {
  const catalogue::Value* row = catalogue::find(catalogue::kSteps, step);
  return row == nullptr ? "?" : row->name;
}

/// A schedule's arena: its VMAs, populated, and the calls that are to be made on it.
class ScheduleArena {
 public:
  ScheduleArena(const Schedule& schedule, bool sound) : base_(reserve(kSpaceBytes)) {
    std::map<unsigned, tlblab_range> vmas;
    for (const auto& [letter, page] : schedule.pages) {
      addresses_[letter] = base_ + page.table * kTableBytes + page.entry * kPage;
    }
    for (const auto& [cpu, call] : schedule.calls) {
      for (const ScheduleRange& range : call.ranges) {
        const tlblab_range pages = range_of(range);
        ranges_[cpu].push_back(pages);
        const auto [vma, is_new] = vmas.try_emplace(range.vma, pages);
        if (!is_new) vma->second = hull(vma->second, pages);
      }
      requests_[cpu] = unmap_request(call.gather);
      requests_[cpu].flags = TLBLAB_ORACLE;
      requests_[cpu].extent = call.extent;
      requests_[cpu].batch_pages = call.batch_pages;
      requests_[cpu].fault = sound ? 0 : call.fault;
    }
    std::vector<tlblab_range> all;
    for (const auto& [number, vma] : vmas) {
      arena_.map(vma.start, vma.len_bytes, vma.start - base_);
      all.push_back(vma);
      nr_pages_ += vma.len_bytes / kPage;
    }
    REQUIRE_EQ(arena_.populate(all, nullptr, TLBLAB_TAG), 0);
    for (const tlblab_range& vma : all) {
      for (std::uint64_t at = vma.start; at < vma.start + vma.len_bytes; at += kPage) {
        frames_[at] = reinterpret_cast<const volatile tlblab_tag*>(at)->frame;
      }
    }
  }
  ~ScheduleArena() { munmap(reinterpret_cast<void*>(base_), kSpaceBytes); }
  ScheduleArena(const ScheduleArena&) = delete;
  ScheduleArena& operator=(const ScheduleArena&) = delete;

  [[nodiscard]] std::uint64_t address(char page) const { return addresses_.at(page); }
  [[nodiscard]] std::uint64_t frame(char page) const { return frames_.at(address(page)); }
  [[nodiscard]] std::uint64_t nr_pages() const { return nr_pages_; }
  void begin_call(PacedThread& thread, unsigned cpu) const {
    thread.begin_call(arena_, requests_.at(cpu), ranges_.at(cpu));
  }

 private:
  [[nodiscard]] tlblab_range range_of(const ScheduleRange& range) const {
    return {address(range.first), address(range.last) + kPage - address(range.first)};
  }
  static tlblab_range hull(const tlblab_range& a, const tlblab_range& b) {
    const std::uint64_t start = std::min(a.start, b.start);
    return {start, std::max(a.start + a.len_bytes, b.start + b.len_bytes) - start};
  }

  Arena arena_;
  std::uint64_t base_;
  std::uint64_t nr_pages_ = 0;
  std::map<char, std::uint64_t> addresses_;
  std::map<std::uint64_t, std::uint64_t> frames_;  ///< by address
  std::map<unsigned, std::vector<tlblab_range>> ranges_;
  std::map<unsigned, tlblab_request> requests_;
};

/// Takes the threads through one schedule. While calls are under way it must not allocate: they
/// hold mmap_lock.
class Controller {
 public:
  Controller(const Schedule& schedule, PacedThreads& threads, bool sound)
      : schedule_(schedule), threads_(threads), sound_(sound), arena_(schedule, sound) {}
  ~Controller() {
    for (PacedThread& thread : threads_) thread.rest();
  }
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  /// Whether the last CPU reaches what it must not. Throws Refused.
  bool replay() {
    for (now_ = 0; now_ < schedule_.steps.size(); ++now_) {
      const ScheduleStep& step = schedule_.steps[now_];
      if (step.what == "read") {
        if (read(step.cpu, step.page) != Reached::kLive)
          refuse(step.cpu, "does not reach the page");
      } else {
        take(step);
      }
    }
    const Reached last = read(schedule_.last_cpu, schedule_.last_page);
    const bool shown = last == (schedule_.last_is_released ? Reached::kReleased : Reached::kLive);
    if (!shown && last != Reached::kGone) refuse(schedule_.last_cpu, "reads something else");
    finish();
    return shown;
  }

  /// The same calls in their own order of steps, with the reads at the same entries; the last CPU
  /// reads after each step, too. Whether it ever sees a released frame, or reaches the page after a
  /// call that unmaps it has returned.
  bool follow() {
    bool shown = false;
    for (now_ = 0; now_ < schedule_.steps.size(); ++now_) {
      const ScheduleStep& step = schedule_.steps[now_];
      if (step.what == "read") {
        if (read(step.cpu, step.page) != Reached::kLive)
          refuse(step.cpu, "does not reach the page");
      } else if (step.what == "clear") {
        while (!stands_before(step)) shown |= advance(step.cpu);
        shown |= advance(step.cpu);
      } else if (step.what == "return") {
        shown |= complete(step.cpu);
      }
    }
    for (const auto& [cpu, call] : schedule_.calls) shown |= complete(cpu);
    finish();
    return shown;
  }

 private:
  /// Refuses the schedule at the present step: `what` is wrong with that CPU.
  [[noreturn]] void refuse(unsigned cpu, const std::string& what) {
    // They hold mmap_lock, which allocating the text may need.
    for (const auto& [caller, call] : schedule_.calls) threads_[caller].finish_call();
    std::ostringstream text;
    text << schedule_.name << ", ";
    if (now_ < schedule_.steps.size()) {
      text << "step " << now_ + 1 << " (" << schedule_.steps[now_].text() << ")";
    } else {
      text << "at the end";
    }
    text << ": CPU " << cpu << " " << what;
    throw Refused(text.str());
  }

  Reached read(unsigned cpu, char page) {
    if ((begun_ >> cpu & 1) != 0 && !threads_[cpu].returned()) refuse(cpu, "is not in user space");
    const Reached reached = threads_[cpu].read(arena_.address(page));
    if (reached == Reached::kNoAnswer) refuse(cpu, "does not answer");
    return reached;
  }

  /// Makes sure that the call has begun, and stands before a step or has returned.
  void wait(unsigned cpu) {
    if ((begun_ >> cpu & 1) == 0) arena_.begin_call(threads_[cpu], cpu);
    begun_ |= 1U << cpu;
    if (sound_) make_way(cpu);
    if (!threads_[cpu].wait()) refuse(cpu, "does not come to a step");
  }

  /// Calls on the same range wait for each other: lets the others finish.
  void make_way(unsigned cpu) {
    if (threads_[cpu].wait(kClaimNs)) return;
    for (const auto& [other, call] : schedule_.calls) {
      if (other != cpu && (begun_ >> other & 1) != 0) threads_[other].finish_call();
    }
  }

  bool has_returned(unsigned cpu) {
    wait(cpu);
    return threads_[cpu].returned();
  }

  /// `subject` of the step as struct tlblab_pace has it; flushes: whatever it is.
  [[nodiscard]] bool is_step(const ScheduleStep& step, std::uint32_t kind,
                             std::uint64_t subject) const {
    if (step.what != step_name(kind)) return false;
    if (kind == TLBLAB_STEP_CLEAR) return subject == arena_.address(step.page);
    if (kind == TLBLAB_STEP_RELEASE) return subject == arena_.frame(step.page);
    return true;
  }

  bool stands_before(const ScheduleStep& step) {
    if (has_returned(step.cpu)) refuse(step.cpu, "has returned");
    return is_step(step, threads_[step.cpu].step(), threads_[step.cpu].subject());
  }

  /// The schedule's next step, which must be the call's.
  void take(const ScheduleStep& step) {
    if (!stands_before(step)) {
      const std::uint32_t kind = threads_[step.cpu].step();
      refuse(step.cpu, std::string("stands before another step: ") + step_name(kind));
    }
    threads_[step.cpu].allow_step();
    // It is complete when the call stands before the next one.
    wait(step.cpu);
    if (step.what == "return" && !threads_[step.cpu].returned()) refuse(step.cpu, "goes on");
  }

  /// The call's next step. Whether the last CPU then sees a released frame.
  bool advance(unsigned cpu) {
    threads_[cpu].allow_step();
    wait(cpu);
    const unsigned reader = schedule_.last_cpu;
    return schedule_.calls.count(reader) == 0 &&
           read(reader, schedule_.last_page) == Reached::kReleased;
  }

  /// The call up to its return. Whether the last CPU sees a released frame, or, if this call unmaps
  /// the last page, then reaches it.
  bool complete(unsigned cpu) {
    bool shown = false;
    while (!has_returned(cpu)) shown |= advance(cpu);
    for (const ScheduleRange& range : schedule_.calls.at(cpu).ranges) {
      if (schedule_.last_page < range.first || range.last < schedule_.last_page) continue;
      shown |= read(schedule_.last_cpu, schedule_.last_page) != Reached::kGone;
    }
    return shown;
  }

  /// Lets all calls finish. Every frame was released, once.
  void finish() {
    std::uint64_t nr_released = 0;
    for (const auto& [cpu, call] : schedule_.calls) {
      if ((begun_ >> cpu & 1) == 0) continue;
      EXPECT_EQ(threads_[cpu].finish_call(), 0);
      nr_released += threads_[cpu].account().released;
    }
    EXPECT_EQ(nr_released, arena_.nr_pages());
  }

  const Schedule& schedule_;
  PacedThreads& threads_;
  bool sound_;
  ScheduleArena arena_;
  std::size_t now_ = 0;
  unsigned begun_ = 0;  ///< CPUs whose call was begun
};

/// Pins the controller to its CPU while there are threads; then back to the initiator's.
struct OnControllerCpu {
  OnControllerCpu() { pin_to_cpu(kControllerCpu); }
  ~OnControllerCpu() { pin_to_cpu(0); }
  OnControllerCpu(const OnControllerCpu&) = delete;
  OnControllerCpu& operator=(const OnControllerCpu&) = delete;
};

std::vector<Schedule> schedules() {
  std::ifstream file(kFile);
  if (!file) throw std::runtime_error(std::string(kFile) + " is missing: explore --schedules");
  return read_schedules(file);
}

Schedule schedule_named(const std::string& name) {
  for (const Schedule& schedule : schedules()) {
    if (schedule.name == name) return schedule;
  }
  throw std::runtime_error("no schedule " + name);
}

/// What a schedule is refused with; empty if it is followed.
std::string refusal(const Schedule& schedule) {
  const OnControllerCpu place;
  PacedThreads threads{PacedThread(0), PacedThread(1), PacedThread(2)};
  try {
    Controller(schedule, threads, false).replay();
  } catch (const Refused& refused) {
    return refused.what();
  }
  return "";
}

}  // namespace

TEST(replay_shows_what_the_explorer_found) {
  const tlblab_totals before = totals();
  const OnControllerCpu place;
  PacedThreads threads{PacedThread(0), PacedThread(1), PacedThread(2)};
  std::set<std::uint32_t> faults;
  for (const Schedule& schedule : schedules()) {
    unsigned round = 1;
    try {
      while (round <= kRounds && !Controller(schedule, threads, false).replay()) ++round;
    } catch (const Refused& refused) {
      fail(__FILE__, __LINE__, refused.what());
      continue;
    }
    if (round > kRounds) {
      fail(__FILE__, __LINE__,
           schedule.name + ": not seen in " + std::to_string(kRounds) + " rounds");
    } else {
      std::printf("# %s: seen in round %u\n", schedule.name.c_str(), round);
    }
    for (const auto& [cpu, call] : schedule.calls) faults.insert(call.fault);
  }
  // No fault of the module is without a schedule.
  for (const catalogue::Fault& fault : catalogue::kFaults) {
    if (!catalogue::has(catalogue::faults_anywhere(), fault.value)) continue;
    EXPECT_TRUE(faults.contains(fault.value));
  }
  EXPECT_EQ(totals().frames_in_use, before.frames_in_use);
  EXPECT_TRUE(books_balance(totals()));
}

TEST(replay_without_the_faults_shows_nothing) {
  const OnControllerCpu place;
  PacedThreads threads{PacedThread(0), PacedThread(1), PacedThread(2)};
  for (const Schedule& schedule : schedules()) {
    try {
      if (Controller(schedule, threads, true).follow()) {
        fail(__FILE__, __LINE__, schedule.name + ": seen without its fault");
      }
      // With the fault the same calls do show it.
      if (!schedule.name.starts_with("fault:")) continue;
      unsigned round = 1;
      while (round <= kRounds && !Controller(schedule, threads, false).follow()) ++round;
      if (round > kRounds) fail(__FILE__, __LINE__, schedule.name + ": not seen with its fault");
    } catch (const Refused& refused) {
      fail(__FILE__, __LINE__, refused.what());
    }
  }
}

TEST(replay_refuses_a_schedule_that_cannot_be) {
  const auto says = [](const Schedule& schedule, const std::string& what) {
    const std::string text = refusal(schedule);
    if (text.find(what) == std::string::npos) {
      fail(__FILE__, __LINE__, "'" + text + "' does not say: " + what);
    }
  };
  const Schedule sound = schedule_named("fault:release-before-flush");
  REQUIRE_EQ(sound.steps.size(), 5u);

  Schedule schedule = sound;
  std::swap(schedule.steps[2], schedule.steps[3]);
  says(schedule, "step 3 (0 release A): CPU 0 stands before another step: clear");
  schedule = sound;
  std::swap(schedule.steps[3], schedule.steps[4]);
  says(schedule, "step 4 (0 release B): CPU 0 stands before another step: release");
  schedule = sound;
  std::swap(schedule.steps[1], schedule.steps[2]);
  says(schedule, "step 3 (1 read B): CPU 1 does not reach the page");
  schedule = sound;
  schedule.steps[3].what = "return";
  says(schedule, "step 4 (0 return A): CPU 0 stands before another step: release");
  schedule = sound;
  schedule.steps[1].cpu = 0;
  says(schedule, "step 2 (0 read B): CPU 0 is not in user space");
  schedule = sound;
  schedule.last_page = 'A';
  // A page that nobody has read before it was emptied: nothing to reach, but nothing wrong either.
  EXPECT_EQ(refusal(schedule), std::string());
}

TEST(replay_refuses_lines_that_are_none) {
  const auto refuses = [](const std::string& line) {
    std::istringstream file("schedule x\npage A 0x0\ncall 0 4 1 0 1\nrange 0 0 A A\n" + line +
                            "\nlast 1 A released\nend\n");
    try {
      return read_schedules(file).size() != 1;
    } catch (const std::runtime_error&) {
      return true;
    }
  };
  EXPECT_TRUE(!refuses("step 0 clear A"));
  EXPECT_TRUE(refuses("step 0 clear B"));
  EXPECT_TRUE(refuses("step 0 sleep A"));
  EXPECT_TRUE(refuses("step 0 flush A"));
  EXPECT_TRUE(refuses("step 1 clear A"));
  EXPECT_TRUE(refuses("step 3 read A"));
  EXPECT_TRUE(refuses("call 3 4 1 0 1"));
  EXPECT_TRUE(refuses("range 0 0 A B"));
  EXPECT_TRUE(refuses("end"));
  EXPECT_TRUE(refuses("nonsense"));
}

}  // namespace tlblab::vm
