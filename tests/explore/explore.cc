// SPDX-License-Identifier: GPL-2.0-only
// The explorer's command line. Ends with one line: explore: N passed, N failed. Exit status 0 if
// nothing failed, 1 if something did, 2 on bad arguments.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iostream>
#include <string>
#include <vector>

#include "tests/explore/checks.hh"

namespace tlblab::explore {

namespace {

constexpr const char* kUsage =
    "usage: explore [--all | --mutants | --list | --schedules | --speed | NAME...]\n"
    "               [--bound N|all] [--jobs N] [--traces] [--no-times]\n"
    "\n"
    "Explores every interleaving of the core on a modelled machine. NAME selects every check\n"
    "whose name begins with it; the traces of violations are then printed.\n"
    "\n"
    "  --all       every check\n"
    "  --mutants   only those in which something is taken away from the core\n"
    "  --list      names, and what they are\n"
    "  --schedules the steps of each counterexample that a guest can replay, for tests/vm\n"
    "  --speed     steps per second of CPU, in random orders and without a memory of states\n"
    "  --bound N   at least N preemptions in scenarios too large for all; all: no limit\n"
    "  --jobs N    processes, 2 by default\n"
    "  --traces    print the trace of each violation, one column for each CPU\n"
    "  --no-times  print nothing that differs from run to run\n";

struct Options {
  bool list = false;
  bool all = false;
  bool mutants = false;
  bool schedules = false;
  bool speed = false;
  bool traces = false;
  bool times = true;
  u32 jobs = 2;
  CheckOptions check;
  std::vector<std::string> names;
};

bool parse_number(const char* text, u32& number) {
  char* end = nullptr;
  const unsigned long value = std::strtoul(text, &end, 10);
  if (end == text || *end != '\0' || value > 1000) return false;
  number = static_cast<u32>(value);
  return true;
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const char* const value = i + 1 < argc ? argv[i + 1] : "";
    if (word == "--list") {
      options.list = true;
    } else if (word == "--all") {
      options.all = true;
    } else if (word == "--mutants") {
      options.mutants = true;
    } else if (word == "--schedules") {
      options.schedules = true;
    } else if (word == "--speed") {
      options.speed = true;
    } else if (word == "--traces") {
      options.traces = true;
    } else if (word == "--no-times") {
      options.times = false;
    } else if (word == "--bound") {
      if (std::strcmp(value, "all") == 0) {
        options.check.bound = kAllPreemptions;
      } else if (!parse_number(value, options.check.bound)) {
        return false;
      }
      ++i;
    } else if (word == "--jobs") {
      if (!parse_number(value, options.jobs) || options.jobs == 0) return false;
      ++i;
    } else if (word.starts_with("-")) {
      return false;
    } else {
      options.names.push_back(word);
      options.traces = true;
    }
  }
  return options.list || options.schedules || options.speed || options.all || options.mutants ||
         !options.names.empty();
}

bool is_chosen(const Options& options, const Check& check) {
  if (options.all || (options.mutants && check.is_mutant)) return true;
  for (const std::string& name : options.names) {
    if (check.name.starts_with(name)) return true;
  }
  return false;
}

// What a worker sends for an outcome: this, then the verdict and the counterexample.
struct Header {
  bool passed;
  double states;
  double steps;
  double seconds;
  std::size_t verdict_bytes;
  std::size_t counterexample_bytes;
};

bool put(int fd, const void* data, std::size_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes != 0) {
    const ssize_t done = write(fd, at, bytes);
    if (done <= 0) return false;
    at += done;
    bytes -= static_cast<std::size_t>(done);
  }
  return true;
}

bool get(int fd, void* data, std::size_t bytes) {
  char* at = static_cast<char*>(data);
  while (bytes != 0) {
    const ssize_t done = read(fd, at, bytes);
    if (done <= 0) return false;
    at += done;
    bytes -= static_cast<std::size_t>(done);
  }
  return true;
}

/// Of this process: others on the machine don't count.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// Every jobs-th check, from `first` on.
void work(const std::vector<Check>& checks, const Options& options, u32 first, int fd) {
  for (std::size_t i = first; i < checks.size(); i += options.jobs) {
    const double begin = cpu_seconds();
    const Outcome outcome = checks[i].run(options.check);
    const Header header = {outcome.passed,         outcome.states,
                           outcome.steps,          cpu_seconds() - begin,
                           outcome.verdict.size(), outcome.counterexample.size()};
    if (!put(fd, &header, sizeof(header)) ||
        !put(fd, outcome.verdict.data(), outcome.verdict.size()) ||
        !put(fd, outcome.counterexample.data(), outcome.counterexample.size())) {
      return;
    }
  }
}

/// For a second of CPU.
void print_speed() {
  const Scenario scenario = gather_scenarios().front();
  Machine machine(scenario.config, scenario.bodies);
  double steps = 0;
  const double begin = cpu_seconds();
  double now = begin;
  for (u64 seed = 1; now < begin + 1; now = cpu_seconds()) {
    for (u32 walk = 0; walk < 1000; ++walk) {
      steps += static_cast<double>(random_walk(machine, seed));
    }
  }
  std::printf("%s: %.2e steps per second of CPU\n", scenario.name.c_str(), steps / (now - begin));
}

int run(const std::vector<Check>& checks, const Options& options) {
  std::vector<int> results;
  std::vector<pid_t> workers;
  for (u32 job = 0; job < options.jobs; ++job) {
    int ends[2];
    if (pipe(ends) != 0) return 1;
    const pid_t worker = fork();
    if (worker < 0) return 1;
    if (worker == 0) {
      close(ends[0]);
      work(checks, options, job, ends[1]);
      _exit(0);
    }
    close(ends[1]);
    results.push_back(ends[0]);
    workers.push_back(worker);
  }
  u32 passed = 0;
  u32 failed = 0;
  double states = 0;
  double steps = 0;
  double seconds = 0;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    const int fd = results[i % options.jobs];
    Header header{};
    std::string verdict = "died";
    std::string counterexample;
    if (get(fd, &header, sizeof(header))) {
      verdict.resize(header.verdict_bytes);
      counterexample.resize(header.counterexample_bytes);
      if (!get(fd, verdict.data(), verdict.size()) ||
          !get(fd, counterexample.data(), counterexample.size())) {
        header.passed = false;
      }
    }
    ++(header.passed ? passed : failed);
    states += header.states;
    steps += header.steps;
    seconds += header.states == 0 ? 0 : header.seconds;
    std::printf("%s %-52s %s", header.passed ? "ok    " : "not ok", checks[i].name.c_str(),
                verdict.c_str());
    if (options.times) std::printf("; %.0f ms", header.seconds * 1e3);
    std::printf("\n");
    if (!counterexample.empty() && (options.traces || !header.passed)) {
      std::printf("\n%s\n\n%s\n", checks[i].about.c_str(), counterexample.c_str());
    }
    std::fflush(stdout);
  }
  for (const int fd : results) close(fd);
  for (const pid_t worker : workers) waitpid(worker, nullptr, 0);
  if (options.times && seconds > 0) {
    std::printf("%.2e states, %.2e steps; per second of CPU %.2e states, %.2e steps\n", states,
                steps, states / seconds, steps / seconds);
  }
  std::printf(
      "Of the order in which arm64's CPUs see memory, the model has store buffers only: a load or "
      "a\n"
      "store that overtakes another is not explored (docs/explorer.md).\n"
      "explore: %u passed, %u failed\n",
      passed, failed);
  return failed == 0 && passed != 0 ? 0 : 1;
}

}  // namespace

}  // namespace tlblab::explore

int main(int argc, char** argv) {
  using namespace tlblab::explore;
  Options options;
  if (!parse(argc, argv, options)) {
    std::cerr << kUsage;
    return 2;
  }
  if (options.speed) {
    print_speed();
    return 0;
  }
  if (options.schedules) {
    const std::string schedules = all_schedules();
    std::printf("%s", schedules.c_str());
    return schedules.empty() ? 1 : 0;
  }
  std::vector<Check> chosen;
  for (Check& check : all_checks()) {
    if (options.list) {
      std::printf("%-52s %s\n", check.name.c_str(), check.about.c_str());
    } else if (is_chosen(options, check)) {
      chosen.push_back(std::move(check));
    }
  }
  if (options.list) return 0;
  if (chosen.empty()) {
    std::cerr << "explore: no check has such a name; --list shows them\n";
    return 2;
  }
  return run(chosen, options);
}
