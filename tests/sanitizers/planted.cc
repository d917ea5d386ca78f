// SPDX-License-Identifier: GPL-2.0-only
// Faults that the sanitizers must stop: `planted address|undefined|thread`. Exit status 0 if one
// does not.
#include <climits>
#include <string_view>
#include <thread>
#include <vector>

namespace {

/// Not known when this is compiled.
int argument_count = 0;
int shared = 0;

int past_the_end() {
  const std::vector<int> numbers(static_cast<std::size_t>(argument_count));
  return numbers.data()[argument_count];
}

int overflow() { return INT_MAX + argument_count; }

int race() {
  std::thread other([] { shared += argument_count; });
  shared += argument_count;
  other.join();
  return shared;
}

}  // namespace

int main(int argc, char** argv) {
  argument_count = argc;
  const std::string_view fault = argc > 1 ? argv[1] : "";
  volatile int used = 0;
  if (fault == "address") used = past_the_end();
  if (fault == "undefined") used = overflow();
  if (fault == "thread") used = race();
  static_cast<void>(used);
  return 0;
}
