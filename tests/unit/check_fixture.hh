// SPDX-License-Identifier: GPL-2.0-only
// Checks for tests: every figure in them is invented.
#pragma once

#include <string>

#include "user/records/check_file.hh"

namespace tlblab::fixture {

inline CheckedCell sound_cell(const std::string& scheme, Load load) {
  CheckedCell cell;
  cell.scheme = scheme;
  cell.load = load;
  cell.counts.rounds = 400;
  cell.counts.witnessed = 390;
  cell.counts.eligible_reads = 81'230;
  cell.counts.witnesses = {{2, 4, 6}, {3, 0, 0}};
  return cell;
}

inline CheckedCell faulty_cell(const std::string& fault, Load load, std::uint64_t caught) {
  CheckedCell cell = sound_cell("unmap:merged", load);
  cell.fault = fault;
  cell.fault_meaning = "what " + fault + " leaves out";
  cell.sought = Observation::kReleased;
  cell.counts.rounds_seen = {caught, 0, 0};
  cell.counts.reads = {3 * caught, 0, 0};
  cell.first_catch = caught > 0 ? 1 : 0;
  cell.first_catch_seconds = 0.25;
  return cell;
}

/// One fault that is caught, under one load, and one scheme that is clean under all.
inline records::CheckFile clean_check() {
  records::CheckFile file;
  records::CheckHeader& header = file.header;
  header.version = "0.0-fixture";
  header.argv = {"tlblab", "check", "--quick"};
  header.started_utc = "2001-02-03T04:05:06Z";
  header.machine.virtualization.kind = MachineKind::kVirtual;
  header.machine.cpu_model = "Invented CPU 9000";
  header.machine.kernel = "9.9.9-fixture";
  header.setting = {Shape{6, 2, 1}, {0, 1, 2, 3}, 0.2, 0, true, "unmap:merged", 4};
  file.cells.push_back(faulty_cell("no-flush", Load::kOneInitiator, 100));
  for (const Load load : kLoads) file.cells.push_back(sound_cell("unmap:per-vma,exact", load));
  return file;
}

/// The first sound cell let a witness read a frame that was given away.
inline records::CheckFile leaking_check() {
  records::CheckFile file = clean_check();
  CheckedCell& cell = file.cells.at(1);
  cell.counts.rounds_seen = {2, 0, 0};
  cell.counts.reads = {5, 0, 0};
  cell.bad_reads = {
      {Observation::kReleased, 3, 17, 0x7f0000001000, 10'000, 9'000, 0x1a2b, 77, 7'000, 8'000}};
  return file;
}

}  // namespace tlblab::fixture
