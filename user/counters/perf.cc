// SPDX-License-Identifier: GPL-2.0-only
// Opening and reading perf counters.
#include "user/counters/perf.hh"

#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <functional>
#include <utility>

#include "user/topology/kernel_files.hh"

namespace tlblab::counters {
namespace {

constexpr std::size_t kGroupHeader = 3;  // number, time enabled, time running

bool is_refusal(int error) { return error == EACCES || error == EPERM; }

std::string paranoid_text(const PerfContext& context) {
  return context.paranoid ? fmt::format("kernel.perf_event_paranoid is {}", *context.paranoid)
                          : "a sandbox seems to forbid perf_event_open";
}

/// Returns 0, or the errno of the refusal.
int set_filter(int fd, const Event& event) {
  const auto refused = [fd](const std::string& filter) {
    return ::ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter.c_str()) == 0 ? 0 : errno;
  };
  if (event.filter.empty()) return 0;
  const int error = refused(event.filter);
  return error == 0 || event.second_filter.empty() ? error : refused(event.second_filter);
}

constexpr const char* kHowToBeAllowed =
    "run as root or give the program CAP_PERFMON (on tracepoints also access to tracefs)";

}  // namespace

int open_counter(const Event& event, Reach reach, const Subject& subject, int group_fd) {
  perf_event_attr attr{};
  attr.size = sizeof attr;
  attr.type = event.perf_type;
  attr.config = event.perf_config;
  if (event.kind == EventKind::kProbe) {
    attr.config1 = reinterpret_cast<std::uintptr_t>(event.probed.c_str());  // at its entry
  }
  attr.read_format =
      PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  attr.disabled = event.kind == EventKind::kHardware && group_fd == -1 ? 1 : 0;
  attr.exclude_kernel = reach == Reach::kThreadUser ? 1 : 0;
  attr.exclude_hv = attr.exclude_kernel;
  const pid_t tid = reach == Reach::kCpu ? -1 : subject.tid;
  const int cpu = reach == Reach::kCpu ? subject.cpu : -1;
  const int fd = static_cast<int>(
      ::syscall(SYS_perf_event_open, &attr, tid, cpu, group_fd, PERF_FLAG_FD_CLOEXEC));
  if (fd < 0) return -errno;
  const int error = set_filter(fd, event);
  if (error == 0) return fd;
  ::close(fd);
  return -error;
}

PerfContext probe_perf() {
  PerfContext context;
  const FileText paranoid = read_kernel_file("/proc/sys/kernel/perf_event_paranoid");
  int level = 0;
  const char* const end = paranoid.text.data() + paranoid.text.size();
  if (paranoid.ok() && std::from_chars(paranoid.text.data(), end, level).ec == std::errc{}) {
    context.paranoid = level;
  }
  Event nothing;  // counts nothing, needs nothing: only the permission is asked for
  nothing.perf_type = PERF_TYPE_SOFTWARE;
  nothing.perf_config = PERF_COUNT_SW_DUMMY;
  const Subject here{.tid = static_cast<pid_t>(::syscall(SYS_gettid)), .cpu = ::sched_getcpu()};
  for (const Reach reach : {Reach::kCpu, Reach::kThread, Reach::kThreadUser}) {
    const int fd = open_counter(nothing, reach, here, -1);
    if (fd >= 0) {
      ::close(fd);
      context.reach = reach;
      return context;
    }
    context.error = -fd;
  }
  return context;
}

std::string refusal(const Event& event, const PerfContext& context) {
  if (event.kind == EventKind::kInterruptRow) return {};
  if (context.reach == Reach::kNone) return explain_open_error(event, context, context.error);
  if (context.reach == Reach::kThreadUser && event.in_kernel) {
    return fmt::format("it happens in the kernel, which this user may not count ({}): {}",
                       paranoid_text(context), kHowToBeAllowed);
  }
  if (event.whole_cpu && context.reach != Reach::kCpu) {
    return fmt::format(
        "it happens in the name of whatever thread is interrupted, so a CPU has to be counted as a "
        "whole, which this user may not ({}): {}",
        paranoid_text(context), kHowToBeAllowed);
  }
  return {};
}

std::string explain_open_error(const Event& event, const PerfContext& context, int error) {
  if (error == ENOSYS) return "this kernel is built without perf events";
  if (is_refusal(error) && event.kind == EventKind::kProbe) {
    return fmt::format(
        "a probe on {} was refused ({}): {}; a kernel that is locked down (Secure Boot) refuses it "
        "to everyone",
        event.probed, paranoid_text(context), kHowToBeAllowed);
  }
  if (is_refusal(error)) {
    return fmt::format("refused ({}): {}", paranoid_text(context), kHowToBeAllowed);
  }
  if (error == EMFILE) return "too many open files: raise the limit (ulimit -n)";
  const bool unsupported = error == ENOENT || error == EOPNOTSUPP || error == ENODEV;
  if (event.kind == EventKind::kHardware && (unsupported || error == EINVAL)) {
    return "this CPU's PMU, or the kernel's driver of it, has no such event";
  }
  if (event.kind == EventKind::kTracepoint && unsupported) {
    return "tracefs shows it, but perf can't count tracepoints in this kernel";
  }
  if (event.kind == EventKind::kProbe) {
    return fmt::format("this kernel lets no probe be put on {}: {}", event.probed,
                       std::strerror(error));
  }
  if (!event.filter.empty() && error == EINVAL) {
    std::string text = fmt::format("this kernel does not take the filter \"{}\"", event.filter);
    if (!event.second_filter.empty()) text += fmt::format(" or \"{}\"", event.second_filter);
    if (!event.no_second_filter.empty()) {
      text += fmt::format(", and the function's address is not known: {}", event.no_second_filter);
    }
    return text;
  }
  return fmt::format("perf_event_open failed: {}", std::strerror(error));
}

Group::~Group() {
  for (const int fd : fds_) ::close(fd);
}

Group::Group(Group&& other) noexcept
    : fds_(std::exchange(other.fds_, {})),
      events_(std::move(other.events_)),
      begin_(std::move(other.begin_)),
      end_(std::move(other.end_)) {}

int Group::add(const Event& event, Reach reach, const Subject& subject) {
  const int fd = open_counter(event, reach, subject, fds_.empty() ? -1 : fds_.front());
  if (fd < 0) return -fd;
  fds_.push_back(fd);
  events_.push_back(&event);
  begin_.assign(kGroupHeader + fds_.size(), 0);
  end_ = begin_;
  return 0;
}

void Group::enable(bool on) const {
  ::ioctl(fds_.front(), on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
}

void Group::read_into(std::vector<std::uint64_t>& values) {
  const std::size_t nr_bytes = values.size() * sizeof values[0];
  const ssize_t got = ::read(fds_.front(), values.data(), nr_bytes);
  if (got != static_cast<ssize_t>(nr_bytes)) values[0] = 0;  // a group of none: see below
}

std::optional<std::vector<std::uint64_t>> Group::difference() const {
  return group_difference(begin_, end_);
}

std::optional<std::vector<std::uint64_t>> group_difference(const std::vector<std::uint64_t>& begin,
                                                           const std::vector<std::uint64_t>& end) {
  const std::size_t nr_values = begin.size() < kGroupHeader ? 0 : begin.size() - kGroupHeader;
  if (nr_values == 0 || begin.size() != end.size()) return std::nullopt;
  if (begin[0] != nr_values || end[0] != nr_values) return std::nullopt;
  if (end[1] - begin[1] != end[2] - begin[2]) return std::nullopt;
  std::vector<std::uint64_t> difference(nr_values);
  std::transform(end.begin() + kGroupHeader, end.end(), begin.begin() + kGroupHeader,
                 difference.begin(), std::minus<>());
  return difference;
}

}  // namespace tlblab::counters
