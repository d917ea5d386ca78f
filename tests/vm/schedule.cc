// SPDX-License-Identifier: GPL-2.0-only
// The explorer's schedules, line by line. A line that names what does not exist is refused.
#include "tests/vm/schedule.hh"

#include <istream>
#include <sstream>
#include <stdexcept>

namespace tlblab::vm {
namespace {

/// The model's page and the entries of its tables, whatever this machine's are.
constexpr std::uint64_t kModelPage = 4096;
constexpr std::uint64_t kModelEntries = 512;

class Parser {
 public:
  explicit Parser(const std::string& line) : line_(line), words_(line) { words_ >> kind_; }

  [[nodiscard]] const std::string& kind() const { return kind_; }
  [[noreturn]] void refuse(const std::string& why) const {
    throw std::runtime_error("schedule line '" + line_ + "': " + why);
  }

  template <class T>
  T next() {
    T value{};
    if (!(words_ >> value)) refuse("a word is missing or is no number");
    return value;
  }
  std::uint64_t next_address() {
    std::uint64_t value = 0;
    if (!(words_ >> std::hex >> value)) refuse("no address");
    return value;
  }
  unsigned next_cpu() {
    const auto cpu = next<unsigned>();
    if (cpu >= kControllerCpu) refuse("no such CPU");
    return cpu;
  }
  char next_page(const Schedule& schedule) {
    const char page = next<char>();
    if (!schedule.pages.contains(page)) refuse("no such page");
    return page;
  }
  ScheduledCall& next_call(Schedule& schedule) {
    const auto call = schedule.calls.find(next_cpu());
    if (call == schedule.calls.end()) refuse("no call on that CPU");
    return call->second;
  }

 private:
  std::string line_;
  std::istringstream words_;
  std::string kind_;
};

ScheduleStep parse_step(Parser& parser, Schedule& schedule) {
  ScheduleStep step{.cpu = parser.next_cpu(), .what = parser.next<std::string>(), .page = '-'};
  const bool reads = step.what == "read";
  const bool has_page = reads || step.what == "clear" || step.what == "release";
  if (!has_page && step.what != "flush" && step.what != "return") parser.refuse("no such step");
  if (!reads && !schedule.calls.contains(step.cpu)) parser.refuse("no call on that CPU");
  if (has_page) {
    step.page = parser.next_page(schedule);
  } else if (parser.next<char>() != '-') {
    parser.refuse("a page where there is none");
  }
  return step;
}

void parse_line(Parser& parser, Schedule& schedule) {
  if (parser.kind() == "schedule") {
    schedule = {};
    schedule.name = parser.next<std::string>();
  } else if (parser.kind() == "page") {
    const char page = parser.next<char>();
    const std::uint64_t number = parser.next_address() / kModelPage;
    schedule.pages[page] = {number / kModelEntries, number % kModelEntries};
  } else if (parser.kind() == "call") {
    ScheduledCall& call = schedule.calls[parser.next_cpu()];
    call.gather = parser.next<std::uint32_t>();
    call.extent = parser.next<std::uint32_t>();
    call.batch_pages = parser.next<std::uint64_t>();
    call.fault = parser.next<std::uint32_t>();
  } else if (parser.kind() == "range") {
    ScheduledCall& call = parser.next_call(schedule);
    const auto vma = parser.next<unsigned>();
    const char first = parser.next_page(schedule);
    call.ranges.push_back({vma, first, parser.next_page(schedule)});
  } else if (parser.kind() == "step") {
    schedule.steps.push_back(parse_step(parser, schedule));
  } else if (parser.kind() == "last") {
    schedule.last_cpu = parser.next_cpu();
    schedule.last_page = parser.next_page(schedule);
    const auto why = parser.next<std::string>();
    if (why != "released" && why != "returned") parser.refuse("no such end");
    schedule.last_is_released = why == "released";
  } else {
    parser.refuse("no such line");
  }
}

}  // namespace

std::vector<Schedule> read_schedules(std::istream& file) {
  std::vector<Schedule> schedules;
  Schedule schedule;
  for (std::string line; std::getline(file, line);) {
    Parser parser(line);
    if (parser.kind() != "end") {
      parse_line(parser, schedule);
      continue;
    }
    if (schedule.name.empty() || schedule.last_page == '-') parser.refuse("too early");
    schedules.push_back(std::move(schedule));
    schedule = {};
  }
  if (!schedule.name.empty()) throw std::runtime_error("schedule " + schedule.name + " has no end");
  return schedules;
}

}  // namespace tlblab::vm
