// SPDX-License-Identifier: GPL-2.0-only
// The harness: registration, filter, KTAP lines.
#include "tests/vm/ktap.hh"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <mutex>
#include <vector>

namespace tlblab::vm {
namespace {

struct Test {
  const char* name;
  TestFunction function;
};

std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

std::mutex output_lock;
std::atomic<int> failures{0};
std::string skip_reason;

bool wanted(const Test& test, int argc, char** argv) {
  bool all = true;
  for (int i = 1; i < argc; ++i) {
    const bool leave_out = argv[i][0] == '-';
    if (std::strstr(test.name, argv[i] + (leave_out ? 1 : 0)) != nullptr) return !leave_out;
    all = all && leave_out;
  }
  return all;
}

}  // namespace

bool register_test(const char* name, TestFunction function) {
  tests().push_back({name, function});
  return true;
}

void fail(const char* file, int line, const std::string& what) {
  const std::lock_guard guard(output_lock);
  std::printf("# %s:%d: %s\n", file, line, what.c_str());
  ++failures;
}

void skip(const std::string& why) { skip_reason = why; }

int run_tests(int argc, char** argv) {
  std::vector<Test> chosen;
  for (const Test& test : tests()) {
    if (wanted(test, argc, argv)) chosen.push_back(test);
  }
  std::printf("KTAP version 1\n1..%zu\n", chosen.size());
  int nr_failed = 0;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    failures = 0;
    skip_reason.clear();
    const auto began = std::chrono::steady_clock::now();
    try {
      chosen[i].function();
    } catch (const TestAborted&) {
    } catch (const std::exception& error) {
      fail(chosen[i].name, 0, error.what());
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    if (took.count() >= 2) std::printf("# %.1f s for %s\n", took.count(), chosen[i].name);
    const bool failed = failures != 0;
    nr_failed += failed ? 1 : 0;
    std::printf("%sok %zu %s%s%s\n", failed ? "not " : "", i + 1, chosen[i].name,
                skip_reason.empty() ? "" : " # SKIP ", skip_reason.c_str());
    std::fflush(stdout);
  }
  if (chosen.empty()) std::printf("# no test has such a name\n");
  return nr_failed != 0 || chosen.empty() ? 1 : 0;
}

}  // namespace tlblab::vm
