// SPDX-License-Identifier: GPL-2.0-only
// The list of engines, and schemes found by name.
#include "user/engine/registry.hh"

#include <fmt/format.h>

#include <array>

#include "user/engine/lab/lab_engine.hh"
#include "user/engine/syscall/syscall_engine.hh"
#include "user/support/error.hh"

namespace tlblab {
namespace {

std::string known_schemes() {
  std::string known;
  for (const Engine* engine : engines()) {
    for (const SchemeInfo& scheme : engine->schemes()) {
      known += (known.empty() ? "" : ", ") + scheme.name;
    }
  }
  return known;
}

}  // namespace

std::span<const Engine* const> engines() {
  static const SyscallEngine syscall;
  static const LabEngine lab;
  static const std::array<const Engine*, 2> all = {&syscall, &lab};
  return all;
}

std::string SchemeRef::full_name() const {
  return fmt::format("{}/{}", engine->name(), info().name);
}

SchemeRef parse_scheme(std::string_view name) {
  for (const Engine* engine : engines()) {
    std::string_view own = name;
    const std::string prefix = fmt::format("{}/", engine->name());
    if (own.starts_with(prefix)) own.remove_prefix(prefix.size());
    if (auto scheme = engine->parse(own)) return {engine, std::move(scheme)};
  }
  throw Error(ExitStatus::kUsage, fmt::format("there is no scheme \"{}\"", name),
              fmt::format("Schemes are: {}. `tlblab list` explains them.", known_schemes()));
}

SchemeRef find_scheme(std::string_view name) {
  SchemeRef ref = parse_scheme(name);
  if (!ref.info().unavailable.empty()) {
    throw Error(ExitStatus::kMachine,
                fmt::format("scheme {} can't run here: {}", name, ref.info().unavailable),
                "Choose another scheme (`tlblab list` shows which can run), or do what that asks.");
  }
  return ref;
}

}  // namespace tlblab
