// SPDX-License-Identifier: GPL-2.0-only
// What victims lose after the interrupt: the table, and the words where it was not measured.
#pragma once

#include <string>

#include "user/report/document/tables.hh"

namespace tlblab::report {

/// The point that one sentence may speak of: the largest working set up to 512 pages, which fits
/// any second-level TLB. Null when nothing was measured.
const ProbePoint* typical_probe(const CellResult& cell);

/// ", in interrupt time only", or what the responders lose with the lookups afterwards: the end of
/// a sentence that says what they lose. Of a cell with responders.
std::string loss_addendum(const CellResult& cell);

/// What the table below it shows, or that it was not measured.
std::string probe_paragraph(const StudyResult& study, const CellResult& cell);

/// "7.2 µs, 512 pages": what typical_probe() says of the responders together; or "unknown".
TextCell lost_afterwards(const CellResult& cell, Arm arm);

/// A row for each working set and kind of victim: on the same CPU, on other CPUs of the process, in
/// another process (from the control of the same shape with bystanders). None for a kind of which
/// nothing was measured.
Table probe_table(const StudyResult& study, const CellResult& cell);

}  // namespace tlblab::report
