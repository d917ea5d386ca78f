// SPDX-License-Identifier: GPL-2.0-only
// CPU lists, the order of CPUs, and pinning.
#include "user/topology/placement.hh"

#include <fmt/format.h>
#include <numa.h>
#include <numaif.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <sstream>
#include <string>

#include "user/model/cpu_list.hh"
#include "user/support/error.hh"
#include "user/topology/cpu_topology.hh"
#include "user/topology/kernel_files.hh"

namespace tlblab {
namespace {

/// A CPU set of any size: cpu_set_t alone ends at 1024 CPUs.
class CpuMask {
 public:
  explicit CpuMask(int nr_cpus) : nr_cpus_(nr_cpus), set_(CPU_ALLOC(nr_cpus)) {
    CPU_ZERO_S(nr_bytes(), set_.get());
  }
  [[nodiscard]] std::size_t nr_bytes() const { return CPU_ALLOC_SIZE(nr_cpus_); }
  [[nodiscard]] cpu_set_t* get() { return set_.get(); }
  void add(int cpu) { CPU_SET_S(cpu, nr_bytes(), set_.get()); }
  [[nodiscard]] bool has(int cpu) const { return CPU_ISSET_S(cpu, nr_bytes(), set_.get()) != 0; }
  [[nodiscard]] int nr_cpus() const { return nr_cpus_; }

 private:
  struct Free {
    void operator()(cpu_set_t* set) const { CPU_FREE(set); }
  };
  int nr_cpus_;
  std::unique_ptr<cpu_set_t, Free> set_;
};

constexpr int kMostCpus = 1 << 16;  // far beyond any kernel's NR_CPUS

[[noreturn]] void refuse_list(std::string_view whole) {
  throw Error(ExitStatus::kUsage, fmt::format("\"{}\" is not a list of CPUs", whole),
              "Write CPU numbers and ranges separated by commas, like 0-3,8.");
}

/// Parses one CPU number at the front of `text` and takes it off.
int take_cpu(std::string_view& text, std::string_view whole) {
  int cpu = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), cpu);
  if (parsed.ec != std::errc{} || cpu < 0 || cpu >= kMostCpus) refuse_list(whole);
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
  return cpu;
}

/// The numbers as written, not yet checked against the machine.
std::vector<int> parse_numbers(std::string_view text) {
  std::vector<int> cpus;
  std::string_view rest = text;
  while (true) {
    const int first = take_cpu(rest, text);
    int last = first;
    if (!rest.empty() && rest.front() == '-') {
      rest.remove_prefix(1);
      last = take_cpu(rest, text);
    }
    if (last < first) {
      throw Error(ExitStatus::kUsage,
                  fmt::format("the CPU range {}-{} runs backwards", first, last),
                  fmt::format("Write {}-{}; to choose another order, list the CPUs one by one.",
                              last, first));
    }
    for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    if (rest.empty()) return cpus;
    if (rest.front() != ',') refuse_list(text);
    rest.remove_prefix(1);
  }
}

std::vector<int> without(std::vector<int> cpus, const std::vector<int>& allowed) {
  std::erase_if(cpus, [&allowed](int cpu) {
    return std::binary_search(allowed.begin(), allowed.end(), cpu);
  });
  return cpus;
}

bool run_on(const std::vector<int>& cpus) {
  CpuMask mask(std::max(CPU_SETSIZE, *std::max_element(cpus.begin(), cpus.end()) + 1));
  for (const int cpu : cpus) mask.add(cpu);
  return ::sched_setaffinity(0, mask.nr_bytes(), mask.get()) == 0;
}

/// Those that the kernel does not let this thread go to. The affinity is put back.
std::vector<int> really_refused(std::vector<int> cpus, const std::vector<int>& allowed) {
  if (cpus.empty()) return cpus;
  std::erase_if(cpus, [](int cpu) { return run_on({cpu}); });
  run_on(allowed);
  return cpus;
}

}  // namespace

std::vector<int> allowed_cpus() {
  for (int nr_cpus = CPU_SETSIZE; nr_cpus <= kMostCpus; nr_cpus *= 2) {
    CpuMask mask(nr_cpus);
    if (::sched_getaffinity(0, mask.nr_bytes(), mask.get()) == 0) {
      std::vector<int> cpus;
      for (int cpu = 0; cpu < mask.nr_cpus(); ++cpu) {
        if (mask.has(cpu)) cpus.push_back(cpu);
      }
      return cpus;
    }
    if (errno != EINVAL) break;  // EINVAL: the kernel's masks are larger
  }
  throw Error(ExitStatus::kMachine,
              fmt::format("this process's CPUs can't be read: {}", std::strerror(errno)),
              "A sandbox may forbid sched_getaffinity; run outside of it.");
}

std::vector<int> parse_cpu_list(std::string_view text) {
  std::vector<int> cpus = parse_numbers(text);
  std::vector<int> sorted = cpus;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) {
    throw Error(ExitStatus::kUsage, fmt::format("CPU {} stands twice in \"{}\"", *twice, text),
                "Name every CPU once: each runs one thread.");
  }
  const std::vector<int> allowed = allowed_cpus();
  const std::vector<int> refused = really_refused(without(sorted, allowed), allowed);
  if (refused.empty()) return cpus;
  std::vector<int> online =
      parse_kernel_cpu_list(read_kernel_file("/sys/devices/system/cpu/online").text);
  std::sort(online.begin(), online.end());
  const std::vector<int> offline = online.empty() ? std::vector<int>{} : without(refused, online);
  const std::string why =
      offline.empty()
          ? fmt::format("CPU {} may not be used by this process", format_cpu_list(refused))
          : fmt::format("CPU {} is offline or does not exist", format_cpu_list(offline));
  throw Error(ExitStatus::kUsage, why,
              fmt::format("This process may use CPUs {}; its cgroup's cpuset decides.",
                          format_cpu_list(allowed)));
}

std::map<int, std::uint64_t> device_interrupts(std::string_view text) {
  std::istringstream lines{std::string(text)};
  std::string line;
  std::getline(lines, line);
  std::istringstream heads(line);
  std::vector<int> cpus;
  for (std::string head; heads >> head;) {
    if (head.starts_with("CPU")) cpus.push_back(std::atoi(head.c_str() + 3));
  }
  std::map<int, std::uint64_t> found;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    if (name.empty() || name.find_first_not_of("0123456789") != name.size() - 1) continue;
    for (const int cpu : cpus) {
      std::uint64_t count = 0;
      if (!(words >> count)) break;
      found[cpu] += count;
    }
  }
  return found;
}

int choose_initiator(const std::vector<int>& cpus, const std::map<int, std::uint64_t>& interrupts) {
  const auto count = [&](int cpu) {
    const auto at = interrupts.find(cpu);
    return at == interrupts.end() ? 0 : at->second;
  };
  std::uint64_t most = 0;
  for (std::size_t i = 1; i < cpus.size(); ++i) most = std::max(most, count(cpus[i]));
  constexpr std::uint64_t plainly = 2;
  return cpus.size() > 1 && count(cpus[0]) > plainly * most ? cpus[1] : cpus[0];
}

std::vector<int> placement_order(const Placement& wish) {
  const bool numa = ::numa_available() >= 0;
  const auto distance = [numa](int a, int b) {
    if (!numa) return 0;
    const int node_a = ::numa_node_of_cpu(a);
    const int node_b = ::numa_node_of_cpu(b);
    return node_a < 0 || node_b < 0 ? 0 : ::numa_distance(node_a, node_b);
  };
  const CpuTopology topology = CpuTopology::of_this_machine();
  std::vector<int> cpus = allowed_cpus();
  // One thread of each core; another thread of the initiator's own would not be elsewhere.
  std::vector<int> cores = topology.most_capable(cpus);
  std::erase_if(cores, [&](int cpu) {
    const std::vector<int> siblings = topology.core_siblings(cpu);
    return std::any_of(siblings.begin(), siblings.end(), [&](int other) {
      return other < cpu && std::binary_search(cpus.begin(), cpus.end(), other);
    });
  });
  const int initiator =
      choose_initiator(cores, device_interrupts(read_kernel_file("/proc/interrupts").text));
  const auto at = std::find(cpus.begin(), cpus.end(), initiator);
  std::rotate(cpus.begin(), at, at + 1);
  return topology.order(cpus, wish, distance);
}

std::vector<CpuDistance> distances(const CpuTopology& topology, const std::vector<int>& cpus) {
  std::vector<CpuDistance> found;
  for (std::size_t i = 1; i < cpus.size(); ++i) {
    found.push_back({cpus[i], topology.distance(cpus[0], cpus[i])});
  }
  return found;
}

void pin_to_cpu(int cpu) {
  CpuMask mask(std::max(CPU_SETSIZE, std::min(cpu, kMostCpus - 1) + 1));
  if (cpu >= 0 && cpu < kMostCpus) mask.add(cpu);  // else it stays empty and is refused below
  if (::sched_setaffinity(0, mask.nr_bytes(), mask.get()) != 0) {
    throw Error(ExitStatus::kMachine,
                fmt::format("can't run on CPU {}: {}", cpu, std::strerror(errno)),
                fmt::format("This process may use CPUs {}; choose among them with --cpus.",
                            format_cpu_list(allowed_cpus())));
  }
  // "Preferred, no node named" is the node of the CPU that asks: it undoes what numactl may have
  // set for us. A sandbox that refuses leaves the default, which is the same.
  if (::numa_available() >= 0) ::set_mempolicy(MPOL_PREFERRED, nullptr, 0);
}

}  // namespace tlblab
