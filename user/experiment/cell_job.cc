// SPDX-License-Identifier: GPL-2.0-only
// The pipe language between a study and its measuring processes: one JSON object a line.
#include "user/experiment/cell_job.hh"

#include <nlohmann/json.hpp>

#include "user/records/plan.hh"

namespace tlblab {

using nlohmann::json;

std::string job_to_text(const CellJob& job) {
  json prior = json::array();
  for (const auto& block : job.prior_medians) prior.push_back({block.a, block.b});
  // As bytes: a path need not be UTF-8, and JSON's texts must be.
  const std::vector<std::uint8_t> path(job.results_path.begin(), job.results_path.end());
  return json{{"results", path},
              {"seed", job.seed},
              {"cell_index", job.cell_index},
              {"session", job.session},
              {"count_trials", job.count_trials},
              {"cpus", job.cpus},
              {"cell", job.cell},
              {"prior_medians", std::move(prior)},
              {"first_block", job.first_block},
              {"prior_seconds", job.prior_seconds},
              {"hold", job.hold}}
      .dump();
}

CellJob job_from_text(std::string_view text) {
  const json from = json::parse(text);
  CellJob job;
  const auto path = from.at("results").get<std::vector<std::uint8_t>>();
  job.results_path.assign(path.begin(), path.end());
  from.at("seed").get_to(job.seed);
  from.at("cell_index").get_to(job.cell_index);
  from.at("session").get_to(job.session);
  from.at("count_trials").get_to(job.count_trials);
  from.at("cpus").get_to(job.cpus);
  from.at("cell").get_to(job.cell);
  for (const json& block : from.at("prior_medians")) {
    job.prior_medians.push_back({block.at(0).get<double>(), block.at(1).get<double>()});
  }
  from.at("first_block").get_to(job.first_block);
  from.at("prior_seconds").get_to(job.prior_seconds);
  from.at("hold").get_to(job.hold);
  return job;
}

std::string progress_to_text(const CellProgress& progress) {
  return json{{"blocks", progress.nr_blocks}, {"seconds", progress.seconds}}.dump();
}

CellProgress progress_from_text(std::string_view text) {
  const json from = json::parse(text);
  return {from.at("blocks").get<std::size_t>(), from.at("seconds").get<double>()};
}

}  // namespace tlblab
