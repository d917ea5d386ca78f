// SPDX-License-Identifier: GPL-2.0-only
// What a study will do, fully expanded: the list of cells and what is asked of each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "user/model/criteria.hh"
#include "user/model/shape.hh"

namespace tlblab {

/// Why a cell is in the study.
enum class CellRole {
  kCompare,  ///< A against B
  kSame,     ///< A against itself: must not come out different
};
std::string_view name(CellRole role);

/// One cell: two schemes on one shape with R responders. R = 0 cells are the control that splits
/// what responders cost from what remains without any; as many bystanders make it a fair one.
struct CellPlan {
  std::string id;  ///< "munmap:per-vma~munmap:merged/16x4+1/R1", unique in the study
  std::string a;   ///< full scheme names
  std::string b;
  Shape shape;
  unsigned nr_responders = 0;
  /// CPUs, after the responders', that spin in another process: without responders they would idle,
  /// which is another machine than one that works.
  unsigned nr_bystanders = 0;
  CellRole role = CellRole::kCompare;
  bool headline = false;
  unsigned min_sessions = 1;  ///< even if the study has fewer
  bool timed = true;          ///< else only the counting pass is run
  bool needs_twin = false;    ///< its times mean nothing alone (Engine::times_stand_alone)
  std::string twin;           ///< id of the cell beside which its times may be shown, or empty
  StoppingRule stopping;
};

/// What a study asks, after expansion on this machine.
struct StudyPlan {
  std::string name;
  std::string question;        ///< one sentence, ends with a question mark
  std::uint64_t seed = 1;      ///< of every random order
  bool seed_is_drawn = false;  ///< nobody asked for it: whoever goes on in a file takes the file's
  unsigned nr_sessions = 1;
  unsigned count_trials = 64;  ///< trials per arm in each cell's counting pass
  double session_gap_s = 0;    ///< least time from one session's start to the next's
  Criteria criteria;
  std::vector<int> cpus;  ///< initiator first, then responders in order of use
  std::vector<CellPlan> cells;
};

/// "R1"; "R0+1" with a bystander.
std::string crew_name(unsigned nr_responders, unsigned nr_bystanders);

std::string cell_id(const std::string& a, const std::string& b, const Shape& shape,
                    unsigned nr_responders, unsigned nr_bystanders = 0);

}  // namespace tlblab
