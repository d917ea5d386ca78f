// SPDX-License-Identifier: GPL-2.0-only
// The list of engines, and schemes found by name.
#include <fmt/format.h>

#include <array>

#include "user/engine/engine.hh"
#include "user/engine/syscall_engine.hh"
#include "user/support/error.hh"

namespace tlblab {

std::span<const Engine* const> engines() {
  static const SyscallEngine syscall;
  static const std::array<const Engine*, 1> all = {&syscall};
  return all;
}

std::string SchemeRef::full_name() const {
  return fmt::format("{}/{}", engine->name(), info().name);
}

SchemeRef find_scheme(std::string_view name) {
  std::string known;
  for (const Engine* engine : engines()) {
    const auto schemes = engine->schemes();
    for (std::size_t index = 0; index < schemes.size(); ++index) {
      const SchemeRef ref{engine, index};
      const std::string full = ref.full_name();
      if (name == full || name == schemes[index].name) {
        if (!schemes[index].unavailable.empty()) {
          throw Error(
              ExitStatus::kMachine,
              fmt::format("scheme {} can't run here: {}", name, schemes[index].unavailable),
              "Choose another scheme (`tlblab list` shows which can run), or another kernel.");
        }
        return ref;
      }
      known += (known.empty() ? "" : ", ") + schemes[index].name;
    }
  }
  throw Error(ExitStatus::kUsage, fmt::format("there is no scheme \"{}\"", name),
              fmt::format("Schemes are: {}. `tlblab list` explains them.", known));
}

}  // namespace tlblab
