// SPDX-License-Identifier: GPL-2.0-only
// Makes the catalogue's events from what is known of the kernel, each with its reason if it lacks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "user/counters/events.hh"

namespace tlblab::counters {

class EventMaker {
 public:
  /// `sources` must outlive it.
  explicit EventMaker(const Sources& sources) : sources_(sources) {}

  /// A tracepoint's event without a condition, for the caller to complete; unavailable where
  /// tracefs lacks it.
  [[nodiscard]] Event tracepoint(std::string name, const std::string& tracepoint,
                                 std::string meaning, Scope scope) const;

  /// The format of `tracepoint`; empty where it is not known.
  [[nodiscard]] std::string_view format(const std::string& tracepoint) const;

  /// Adds the condition that the tracepoint shows `function`: by name, which newer kernels look up
  /// themselves, else by address. Unavailable where the kernel has no such function.
  void of_function(Event& event, const std::string& function) const;

  /// A row of /proc/interrupts, found by its description: labels differ between architectures.
  [[nodiscard]] Event row(std::string name, std::string_view description, std::string meaning,
                          OwnReads own_reads) const;

  [[nodiscard]] static Event software(std::string name, std::uint64_t config, std::string meaning,
                                      bool in_kernel);

  [[nodiscard]] static Event unavailable(std::string name, std::string source, std::string meaning,
                                         Scope scope, std::string why);

 private:
  const Sources& sources_;
};

}  // namespace tlblab::counters
