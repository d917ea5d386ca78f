// SPDX-License-Identifier: GPL-2.0-only
// Asking hwloc.
#include "user/topology/cpu_topology.hh"

#include <fmt/format.h>
#include <hwloc.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <tuple>

#include "user/model/cpu_list.hh"
#include "user/topology/placement.hh"

namespace tlblab {

struct CpuTopology::Impl {
  hwloc_topology_t topology = nullptr;

  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (topology != nullptr) hwloc_topology_destroy(topology);
  }
};

namespace {

std::vector<int> cpus_of(hwloc_const_cpuset_t set) {
  std::vector<int> cpus;
  if (set == nullptr) return cpus;
  for (int cpu = hwloc_bitmap_first(set); cpu >= 0; cpu = hwloc_bitmap_next(set, cpu)) {
    cpus.push_back(cpu);
  }
  return cpus;
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::uint64_t kib = 1024;
  if (bytes >= 10 * kib * kib * kib) return fmt::format("{} GiB", bytes / (kib * kib * kib));
  if (bytes >= kib * kib)
    return fmt::format("{:.4g} MiB", static_cast<double>(bytes) / (kib * kib));
  return fmt::format("{} KiB", bytes / kib);
}

/// "2" or, when they differ, "1 to 2": how many of `inner` lie in each object of type `outer`.
std::string per_object(hwloc_topology_t topology, hwloc_obj_type_t outer, hwloc_obj_type_t inner) {
  int least = -1;
  int most = -1;
  for (hwloc_obj_t at = nullptr;
       (at = hwloc_get_next_obj_by_type(topology, outer, at)) != nullptr;) {
    const int nr = hwloc_get_nbobjs_inside_cpuset_by_type(topology, at->cpuset, inner);
    least = least < 0 ? nr : std::min(least, nr);
    most = std::max(most, nr);
  }
  if (most < 0) return "unknown";
  return least == most ? fmt::format("{}", most) : fmt::format("{} to {}", least, most);
}

void add_cache(hwloc_topology_t topology, hwloc_obj_type_t type, const char* name,
               std::vector<Fact>& facts) {
  const int nr = hwloc_get_nbobjs_by_type(topology, type);
  if (nr <= 0) return;
  const hwloc_obj_t first = hwloc_get_obj_by_type(topology, type, 0);
  const int sharers = hwloc_bitmap_weight(first->cpuset);
  facts.emplace_back(
      name, fmt::format("{} x {}, {}", nr, bytes_text(first->attr->cache.size),
                        sharers == 1 ? "one per CPU" : fmt::format("shared by {} CPUs", sharers)));
}

}  // namespace

CpuTopology::CpuTopology(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CpuTopology::CpuTopology(CpuTopology&&) noexcept = default;
CpuTopology& CpuTopology::operator=(CpuTopology&&) noexcept = default;
CpuTopology::~CpuTopology() = default;

CpuTopology CpuTopology::of_this_machine() {
  auto impl = std::make_unique<Impl>();
  if (hwloc_topology_init(&impl->topology) == 0) {
    // hwloc's x86 component runs CPUID on every CPU: it would move this thread about and disturb
    // isolated CPUs, and /sys has the same facts.
    hwloc_topology_set_components(impl->topology, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
    if (hwloc_topology_load(impl->topology) != 0) {
      hwloc_topology_destroy(impl->topology);
      impl->topology = nullptr;
    }
  }
  return CpuTopology(std::move(impl));
}

CpuTopology CpuTopology::synthetic(const std::string& description) {
  auto impl = std::make_unique<Impl>();
  if (hwloc_topology_init(&impl->topology) != 0 ||
      hwloc_topology_set_synthetic(impl->topology, description.c_str()) != 0 ||
      hwloc_topology_load(impl->topology) != 0) {
    throw std::invalid_argument("no such synthetic topology: " + description);
  }
  return CpuTopology(std::move(impl));
}

std::vector<int> CpuTopology::order_by_nearness(
    const std::vector<int>& cpus, const std::function<int(int, int)>& distance) const {
  if (impl_->topology == nullptr || cpus.size() < 2) return cpus;
  const int initiator = cpus.front();
  const hwloc_obj_t origin =
      hwloc_get_pu_obj_by_os_index(impl_->topology, static_cast<unsigned>(initiator));
  if (origin == nullptr) return cpus;

  // Sorts by: which thread of its core, how deep in the tree the two meet, the nodes' distance.
  using Key = std::tuple<unsigned, int, int, int>;
  std::vector<Key> keys;
  std::map<int, unsigned> threads_taken;  // core (its first CPU) -> threads already placed
  constexpr int unknown_depth = 1;        // sorts after every known one, whose key is <= 0
  for (const int cpu : cpus) {
    const unsigned rank = threads_taken[core_siblings(cpu).front()]++;
    if (cpu == initiator) continue;
    const hwloc_obj_t pu =
        hwloc_get_pu_obj_by_os_index(impl_->topology, static_cast<unsigned>(cpu));
    const int depth = pu == nullptr
                          ? unknown_depth
                          : -hwloc_get_common_ancestor_obj(impl_->topology, origin, pu)->depth;
    keys.emplace_back(rank, depth, distance(initiator, cpu), cpu);
  }
  std::sort(keys.begin(), keys.end());
  std::vector<int> order{initiator};
  for (const Key& key : keys) order.push_back(std::get<3>(key));
  return order;
}

std::vector<int> CpuTopology::core_siblings(int cpu) const {
  if (impl_->topology != nullptr) {
    const hwloc_obj_t pu =
        hwloc_get_pu_obj_by_os_index(impl_->topology, static_cast<unsigned>(cpu));
    const hwloc_obj_t core =
        pu == nullptr ? nullptr
                      : hwloc_get_ancestor_obj_by_type(impl_->topology, HWLOC_OBJ_CORE, pu);
    if (core != nullptr) return cpus_of(core->cpuset);
  }
  return {cpu};
}

std::vector<Fact> CpuTopology::facts() const {
  if (impl_->topology == nullptr) return {{"topology", "unknown: hwloc can't read it here"}};
  const hwloc_topology_t topology = impl_->topology;
  std::vector<Fact> facts;
  facts.emplace_back("packages",
                     fmt::format("{}", hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PACKAGE)));
  facts.emplace_back("cores", fmt::format("{}, {} per package, threads per core: {}",
                                          hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE),
                                          per_object(topology, HWLOC_OBJ_PACKAGE, HWLOC_OBJ_CORE),
                                          per_object(topology, HWLOC_OBJ_CORE, HWLOC_OBJ_PU)));
  add_cache(topology, HWLOC_OBJ_L1CACHE, "L1 data cache", facts);
  add_cache(topology, HWLOC_OBJ_L2CACHE, "L2 cache", facts);
  add_cache(topology, HWLOC_OBJ_L3CACHE, "L3 cache", facts);
  for (hwloc_obj_t node = nullptr;
       (node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node)) != nullptr;) {
    facts.emplace_back(fmt::format("NUMA node {}", node->os_index),
                       fmt::format("CPUs {}, {} of memory", format_cpu_list(cpus_of(node->cpuset)),
                                   bytes_text(node->attr->numanode.local_memory)));
  }
  return facts;
}

unsigned CpuTopology::nr_nodes() const {
  if (impl_->topology == nullptr) return 1;
  return static_cast<unsigned>(
      std::max(1, hwloc_get_nbobjs_by_type(impl_->topology, HWLOC_OBJ_NUMANODE)));
}

}  // namespace tlblab
