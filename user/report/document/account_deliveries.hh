// SPDX-License-Identifier: GPL-2.0-only
// The account's part after a request: who was told, and what came of it.
#pragma once

#include "user/report/document/account_lines.hh"

namespace tlblab::report {

/// Each term once, by the best source that the cell has: functions by target, else interrupts and
/// flushes of which some terms can't be told apart.
void add_deliveries(AccountLines& lines);

}  // namespace tlblab::report
