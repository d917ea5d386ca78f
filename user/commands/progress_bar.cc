// SPDX-License-Identifier: GPL-2.0-only
// Draws progress.
#include "user/commands/progress_bar.hh"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "user/commands/layout.hh"

namespace tlblab {
namespace {

constexpr std::size_t kBarWidth = 24;
constexpr std::size_t kLeastBarWidth = 8;

/// Empty for steps without a planned duration: passes that only count.
std::string time_left(double seconds) {
  const auto whole = static_cast<long>(std::lround(seconds));
  if (seconds <= 0) return "";
  return whole < 60 ? fmt::format(", {} s left", whole)
                    : fmt::format(", {} min {:02} s left", whole / 60, whole % 60);
}

/// Short enough for a line: schemes without their engine.
std::string brief(const CellPlan& cell) {
  const auto bare = [](const std::string& scheme) { return scheme.substr(scheme.find('/') + 1); };
  return fmt::format("{} | {}  {} {}", bare(cell.a), bare(cell.b), cell.shape.name(),
                     crew_name(cell.nr_responders, cell.nr_bystanders));
}

}  // namespace

std::string progress_line(double part, std::string_view text, std::size_t width) {
  const std::size_t columns = width > 0 ? width - 1 : 0;
  constexpr std::size_t brackets = 3;  // and a blank
  const std::size_t taken = std::min(columns, text.size() + brackets);
  const std::size_t bar = std::min(kBarWidth, columns - taken);
  if (bar < kLeastBarWidth) return std::string(text.substr(0, columns));
  const auto filled = static_cast<std::size_t>(static_cast<double>(bar) * part);
  return fmt::format("[{:=<{}}{:{}}] {}", "", filled, "", bar - filled, text);
}

ProgressBar::ProgressBar() : terminal_(isatty(STDERR_FILENO) != 0) {}

ProgressBar::~ProgressBar() {
  if (terminal_ && width_ > 0) fmt::print(stderr, "\r{:{}}\r", "", width_);
}

void ProgressBar::show(const StudyProgress& progress) {
  if (progress.waits_s > 0) return show_wait(progress);
  const std::string what = fmt::format("session {}: {}", progress.session, brief(*progress.cell));
  if (!terminal_) {
    if (told_ == progress.cell && told_session_ == progress.session) return;
    told_ = progress.cell;
    told_session_ = progress.session;
    fmt::print(stderr, "[{}/{}] {}{}\n", progress.done + 1, progress.total, what,
               time_left(progress.left_s));
    return;
  }
  const double part =
      progress.left_s > 0
          ? progress.elapsed_s / (progress.elapsed_s + progress.left_s)
          : static_cast<double>(progress.done) / static_cast<double>(progress.total);
  draw(part, fmt::format("{}/{}{}  {}  {} blocks", progress.done + 1, progress.total,
                         time_left(progress.left_s), what, progress.in_cell.nr_blocks));
}

/// Sessions that follow each other at once meet the same regime of the machine.
void ProgressBar::show_wait(const StudyProgress& progress) {
  const std::string text =
      fmt::format("session {} starts in {:.0f} s, to be apart from the one before",
                  progress.session, progress.waits_s);
  if (terminal_) {
    draw(static_cast<double>(progress.done) / static_cast<double>(progress.total), text);
  } else if (told_wait_ != progress.session) {
    told_wait_ = progress.session;
    fmt::print(stderr, "[{}/{}] {}\n", progress.done + 1, progress.total, text);
  }
}

void ProgressBar::show(const StepProgress& progress) {
  const double part = static_cast<double>(progress.done) / static_cast<double>(progress.total);
  const std::string left =
      progress.done == 0 ? "" : time_left(progress.elapsed_s / part - progress.elapsed_s);
  const std::string text =
      fmt::format("{}/{}{}  {}", progress.done + 1, progress.total, left, progress.what);
  if (terminal_) {
    draw(part, text);
  } else if (told_steps_ != progress.done + 1) {
    told_steps_ = progress.done + 1;
    fmt::print(stderr, "[{}/{}] {}{}\n", progress.done + 1, progress.total, progress.what, left);
  }
}

void ProgressBar::draw(double part, const std::string& text) {
  const std::size_t columns = columns_of(STDERR_FILENO).value_or(80);
  const std::string line = progress_line(part, text, columns);
  // Over the last line, unless the window was narrowed since.
  fmt::print(stderr, "\r{:<{}}", line, std::min(width_, columns - 1));
  std::fflush(stderr);
  width_ = line.size();
}

}  // namespace tlblab
