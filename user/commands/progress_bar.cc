// SPDX-License-Identifier: GPL-2.0-only
// Draws progress.
#include "user/commands/progress_bar.hh"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

namespace tlblab {
namespace {

constexpr int kBarWidth = 24;

std::string time_left(double seconds) {
  const auto whole = static_cast<long>(std::lround(seconds));
  return whole < 60 ? fmt::format("{} s", whole)
                    : fmt::format("{} min {:02} s", whole / 60, whole % 60);
}

/// Short enough for a line: schemes without their engine.
std::string brief(const CellPlan& cell) {
  const auto bare = [](const std::string& scheme) { return scheme.substr(scheme.find('/') + 1); };
  return fmt::format("{} | {}  {} R{}", bare(cell.a), bare(cell.b), cell.shape.name(),
                     cell.nr_responders);
}

}  // namespace

ProgressBar::ProgressBar() : terminal_(isatty(STDERR_FILENO) != 0) {}

ProgressBar::~ProgressBar() {
  if (terminal_ && width_ > 0) fmt::print(stderr, "\r{:{}}\r", "", width_);
}

void ProgressBar::show(const StudyProgress& progress) {
  const std::string what = fmt::format("session {}: {}", progress.session, brief(*progress.cell));
  if (!terminal_) {
    if (told_ == progress.cell && told_session_ == progress.session) return;
    told_ = progress.cell;
    told_session_ = progress.session;
    fmt::print(stderr, "[{}/{}] {}, {} left\n", progress.done + 1, progress.total, what,
               time_left(progress.left_s));
    return;
  }
  const double all = progress.elapsed_s + progress.left_s;
  const int filled = all > 0 ? static_cast<int>(kBarWidth * progress.elapsed_s / all) : 0;
  const std::string line =
      fmt::format("[{:=<{}}{:{}}] {}/{}  {} left  {}  {} blocks", "", filled, "",
                  kBarWidth - filled, progress.done + 1, progress.total, time_left(progress.left_s),
                  what, progress.in_cell.nr_blocks);
  fmt::print(stderr, "\r{:<{}}", line, std::max(width_, line.size()));
  std::fflush(stderr);
  width_ = line.size();
}

}  // namespace tlblab
