// SPDX-License-Identifier: GPL-2.0-only
// Names of cells.
#include "user/model/plan.hh"

#include <fmt/format.h>

namespace tlblab {

std::string_view name(CellRole role) { return role == CellRole::kSame ? "same" : "compare"; }

std::string crew_name(unsigned nr_responders, unsigned nr_bystanders) {
  return nr_bystanders == 0 ? fmt::format("R{}", nr_responders)
                            : fmt::format("R{}+{}", nr_responders, nr_bystanders);
}

std::string cell_id(const std::string& a, const std::string& b, const Shape& shape,
                    unsigned nr_responders, unsigned nr_bystanders) {
  return fmt::format("{}~{}/{}/{}", a, b, shape.name(), crew_name(nr_responders, nr_bystanders));
}

}  // namespace tlblab
