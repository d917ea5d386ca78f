// SPDX-License-Identifier: GPL-2.0-only
// The words for a thread that doesn't answer.
#include "user/workload/patience.hh"

#include <fmt/format.h>

namespace tlblab {

Error no_answer(const char* who, int cpu, const char* what) {
  return {ExitStatus::kMachine,
          fmt::format("the {} on CPU {} has not {} within {} s", who, cpu, what,
                      kPatienceNs / 1'000'000'000),
          "That CPU is taken by something else. `tlblab doctor` names it; free the CPU or choose "
          "others with --cpus."};
}

}  // namespace tlblab
