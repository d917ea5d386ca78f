// SPDX-License-Identifier: GPL-2.0-only
// Shapes: parsing, limits, names.
#include "user/model/shape.hh"

#include <fmt/format.h>

#include <charconv>

#include "user/support/error.hh"

namespace tlblab {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw Error(
      ExitStatus::kUsage, what,
      fmt::format("Write a shape as VMAsxPAGES or VMAsxPAGES+GAP, e.g. 16x4 or 16x4+1: up to "
                  "{} VMAs, {} pages each, {} pages of gap, {} pages in all.",
                  kMaxVmas, kMaxPagesPerVma, kMaxGapPages, kMaxPages));
}

unsigned parse_count(std::string_view part, std::string_view whole) {
  unsigned value = 0;
  const char* end = part.data() + part.size();
  auto [stop, error] = std::from_chars(part.data(), end, value);
  if (part.empty() || error != std::errc{} || stop != end) {
    refuse(fmt::format("\"{}\" is not a shape: \"{}\" is not a count", whole, part));
  }
  return value;
}

}  // namespace

std::string Shape::name() const {
  return fmt::format("{}x{}+{}", nr_vmas, pages_per_vma, gap_pages);
}

Shape parse_shape(std::string_view text) {
  const auto cross = text.find('x');
  if (cross == std::string_view::npos) refuse(fmt::format("\"{}\" is not a shape", text));
  std::string_view pages = text.substr(cross + 1);
  Shape shape;
  const auto plus = pages.find('+');
  if (plus != std::string_view::npos) {
    shape.gap_pages = parse_count(pages.substr(plus + 1), text);
    pages = pages.substr(0, plus);
  }
  shape.nr_vmas = parse_count(text.substr(0, cross), text);
  shape.pages_per_vma = parse_count(pages, text);
  validate(shape);
  return shape;
}

void validate(const Shape& shape) {
  if (shape.nr_vmas == 0 || shape.pages_per_vma == 0) {
    refuse(fmt::format("shape {} has no page to unmap", shape.name()));
  }
  if (shape.gap_pages == 0 && shape.nr_vmas > 1) {
    refuse(
        fmt::format("shape {} has no gap: the kernel would merge its VMAs into one", shape.name()));
  }
  if (shape.nr_vmas > kMaxVmas || shape.pages_per_vma > kMaxPagesPerVma ||
      shape.gap_pages > kMaxGapPages || shape.nr_pages() > kMaxPages) {
    refuse(fmt::format("shape {} is too large", shape.name()));
  }
}

}  // namespace tlblab
