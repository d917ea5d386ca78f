// SPDX-License-Identifier: GPL-2.0-only
// Schedules as the explorer writes them (`explore --schedules`, tests/explore/schedule.cc): what to
// ask of the module on which CPU, and the order of the steps.
//
//   schedule NAME
//   page LETTER ADDRESS                        ADDRESS: in the model, where the arena begins at
//                                              0, pages are of 4 KiB, and a table maps 512
//   call CPU GATHER EXTENT BATCH FAULT         numbers of abi.h; at most one on a CPU
//   range CPU VMA FIRST LAST                   pages of that call, ascending; VMAs by number
//   step CPU clear|flush|release|return|read PAGE    PAGE: - where there is none
//   last CPU PAGE released|returned            this CPU then reaches this page, and must not,
//   because
//                                              the frame was released or the unmap has returned
//   end
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tlblab::vm {

/// Where a page lies: here tables may hold more than in the model.
struct SchedulePage {
  std::uint64_t table;
  std::uint64_t entry;
};

struct ScheduleRange {
  unsigned vma;
  char first;
  char last;
};

struct ScheduledCall {
  std::uint32_t gather;
  std::uint32_t extent;
  std::uint64_t batch_pages;
  std::uint32_t fault;
  std::vector<ScheduleRange> ranges;
};

struct ScheduleStep {
  unsigned cpu;
  std::string what;
  char page;  ///< '-': none

  [[nodiscard]] std::string text() const {
    return std::to_string(cpu) + " " + what + (page == '-' ? "" : std::string(" ") + page);
  }
};

struct Schedule {
  std::string name;
  std::map<char, SchedulePage> pages;
  std::map<unsigned, ScheduledCall> calls;  ///< by CPU
  std::vector<ScheduleStep> steps;
  unsigned last_cpu = 0;
  char last_page = '-';
  /// The page's frame was released; else: the call that unmaps it has returned.
  bool last_is_released = false;
};

/// The CPUs that a schedule may name are below this one, which is the controller's.
inline constexpr unsigned kControllerCpu = 3;

/// Throws std::runtime_error, with the line, if it isn't understood.
std::vector<Schedule> read_schedules(std::istream& file);

}  // namespace tlblab::vm
