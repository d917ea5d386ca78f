// SPDX-License-Identifier: GPL-2.0-only
// Asking hwloc.
#include "user/topology/cpu_topology.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>
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

CpuTopology CpuTopology::synthetic(const std::string& description,
                                   const std::vector<std::vector<int>>& kinds,
                                   const std::vector<int>& absent) {
  auto impl = std::make_unique<Impl>();
  if (hwloc_topology_init(&impl->topology) != 0 ||
      hwloc_topology_set_synthetic(impl->topology, description.c_str()) != 0 ||
      hwloc_topology_load(impl->topology) != 0) {
    throw std::invalid_argument("no such synthetic topology: " + description);
  }
  const hwloc_bitmap_t set = hwloc_bitmap_dup(hwloc_topology_get_topology_cpuset(impl->topology));
  for (const int cpu : absent) hwloc_bitmap_clr(set, static_cast<unsigned>(cpu));
  int error = hwloc_topology_restrict(impl->topology, set, 0);
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    hwloc_bitmap_zero(set);
    for (const int cpu : kinds[kind]) hwloc_bitmap_set(set, static_cast<unsigned>(cpu));
    error |= hwloc_cpukinds_register(impl->topology, set, static_cast<int>(kind), 0, nullptr, 0);
  }
  hwloc_bitmap_free(set);
  if (error != 0) throw std::invalid_argument("no such CPUs in " + description);
  return CpuTopology(std::move(impl));
}

namespace {

hwloc_obj_t pu_of(hwloc_topology_t topology, int cpu) {
  return topology == nullptr ? nullptr
                             : hwloc_get_pu_obj_by_os_index(topology, static_cast<unsigned>(cpu));
}

hwloc_obj_t package_of(hwloc_topology_t topology, hwloc_obj_t pu) {
  return hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_PACKAGE, pu);
}

/// Whether two CPUs have a NUMA node in common.
enum class Sharing { kYes, kNo, kUnknown };

Sharing sharing(hwloc_const_nodeset_t a, hwloc_const_nodeset_t b) {
  if (a == nullptr || b == nullptr || hwloc_bitmap_iszero(a) != 0 || hwloc_bitmap_iszero(b) != 0) {
    return Sharing::kUnknown;  // a CPU without memory of its own
  }
  return hwloc_bitmap_intersects(a, b) != 0 ? Sharing::kYes : Sharing::kNo;
}

/// Of the nearest object that two CPUs have in common: "same L3 cache".
std::string what_it_is(hwloc_obj_t both) {
  switch (both->type) {
    case HWLOC_OBJ_CORE:
      return "same core";
    case HWLOC_OBJ_PACKAGE:
      return "same package";
    default:
      return hwloc_obj_type_is_cache(both->type) != 0
                 ? fmt::format("same L{} cache", both->attr->cache.depth)
                 : fmt::format("same {}", hwloc_obj_type_string(both->type));
  }
}

/// Larger: the two share more. The tree first, then the nodes' distance.
using Nearness = std::pair<int, int>;
constexpr int kUnknownDepth = -1;

class Nearby {
 public:
  Nearby(hwloc_topology_t topology, const std::function<int(int, int)>& distance)
      : topology_(topology), distance_(distance) {}

  [[nodiscard]] Nearness of(int a, int b) const {
    const hwloc_obj_t left = pu_of(topology_, a);
    const hwloc_obj_t right = pu_of(topology_, b);
    const int depth = left == nullptr || right == nullptr
                          ? kUnknownDepth
                          : hwloc_get_common_ancestor_obj(topology_, left, right)->depth;
    return {depth, -distance_(a, b)};
  }

 private:
  hwloc_topology_t topology_;
  const std::function<int(int, int)>& distance_;
};

/// Each next one as far as can be from the initiator and all before it; the lowest of equals.
void spread(std::vector<int>& cpus, int initiator, const Nearby& nearby) {
  std::sort(cpus.begin(), cpus.end());
  std::vector<Nearness> nearest(cpus.size());  // to any that is placed
  for (std::size_t i = 0; i < cpus.size(); ++i) nearest[i] = nearby.of(initiator, cpus[i]);
  for (std::size_t at = 0; at < cpus.size(); ++at) {
    const auto begin = nearest.begin() + static_cast<std::ptrdiff_t>(at);
    const auto best = std::min_element(begin, nearest.end()) - nearest.begin();
    // Rotated, so that the others stay ascending.
    const auto offset = static_cast<std::ptrdiff_t>(at);
    std::rotate(cpus.begin() + offset, cpus.begin() + best, cpus.begin() + best + 1);
    std::rotate(begin, nearest.begin() + best, nearest.begin() + best + 1);
    for (std::size_t i = at + 1; i < cpus.size(); ++i) {
      nearest[i] = std::max(nearest[i], nearby.of(cpus[at], cpus[i]));
    }
  }
}

}  // namespace

std::vector<int> CpuTopology::order(const std::vector<int>& cpus, const Placement& wish,
                                    const std::function<int(int, int)>& distance) const {
  const int initiator = cpus.front();
  if (pu_of(impl_->topology, initiator) == nullptr) return cpus;
  std::map<int, unsigned> threads_taken;            // core (its first CPU) -> threads so far
  std::map<unsigned, std::vector<int>> responders;  // by which thread of its core
  for (const int cpu : cpus) {
    const unsigned rank = threads_taken[core_siblings(cpu).front()]++;
    if (cpu != initiator) responders[rank].push_back(cpu);
  }
  const Nearby nearby(impl_->topology, distance);
  std::vector<int> order{initiator};
  for (auto& [rank, list] : responders) {
    // Where all CPUs are of one core there is nobody else to respond.
    if (rank > 0 && !wish.smt && threads_taken.size() > 1) break;
    const auto key = [&](int cpu) {
      const Nearness nearness = nearby.of(initiator, cpu);
      const bool far = wish.place == Place::kFar;
      return std::tuple{!far && kind(cpu) != kind(initiator),
                        far ? nearness.first : -nearness.first,
                        far ? nearness.second : -nearness.second, cpu};
    };
    if (wish.place == Place::kSpread) {
      spread(list, initiator, nearby);
    } else {
      std::sort(list.begin(), list.end(), [&](int a, int b) { return key(a) < key(b); });
    }
    order.insert(order.end(), list.begin(), list.end());
  }
  return order;
}

int CpuTopology::kind(int cpu) const {
  if (impl_->topology == nullptr || hwloc_cpukinds_get_nr(impl_->topology, 0) < 2) return -1;
  const hwloc_bitmap_t set = hwloc_bitmap_alloc();
  hwloc_bitmap_only(set, static_cast<unsigned>(cpu));
  const int found = hwloc_cpukinds_get_by_cpuset(impl_->topology, set, 0);
  hwloc_bitmap_free(set);
  return found;
}

std::vector<int> CpuTopology::most_capable(const std::vector<int>& cpus) const {
  int best = -1;
  for (const int cpu : cpus) best = std::max(best, kind(cpu));
  std::vector<int> found;
  for (const int cpu : cpus) {
    if (kind(cpu) == best) found.push_back(cpu);
  }
  return found;
}

std::string CpuTopology::distance(int a, int b) const {
  const hwloc_obj_t left = pu_of(impl_->topology, a);
  const hwloc_obj_t right = pu_of(impl_->topology, b);
  if (left == nullptr || right == nullptr) return "unknown";
  const Sharing node = sharing(left->nodeset, right->nodeset);
  const bool packages = package_of(impl_->topology, left) != package_of(impl_->topology, right);
  const hwloc_obj_t both = hwloc_get_common_ancestor_obj(impl_->topology, left, right);
  std::vector<std::string_view> besides;
  std::string words;
  if (packages || both->type == HWLOC_OBJ_MACHINE) {
    words = node == Sharing::kNo    ? "other node"
            : packages              ? "other package"
            : node == Sharing::kYes ? "same node"
                                    : "same machine";
  } else {
    words = what_it_is(both);
    if (node == Sharing::kNo) besides.emplace_back("other node");
  }
  if (kind(a) != kind(b)) besides.emplace_back("other kind of core");
  return besides.empty() ? words : fmt::format("{} ({})", words, fmt::join(besides, ", "));
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
