// SPDX-License-Identifier: GPL-2.0-only
// Names of cells.
#include "user/model/plan.hh"

#include <fmt/format.h>

namespace tlblab {

std::string_view name(CellRole role) { return role == CellRole::kSame ? "same" : "compare"; }

std::string cell_id(const std::string& a, const std::string& b, const Shape& shape,
                    unsigned nr_responders) {
  return fmt::format("{}~{}/{}/R{}", a, b, shape.name(), nr_responders);
}

}  // namespace tlblab
