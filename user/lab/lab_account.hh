// SPDX-License-Identifier: GPL-2.0-only
// The module's account by the names of its terms, as records hold it.
#pragma once

#include <cstdint>

#include "include/tlblab/abi.h"
#include "user/model/account.hh"

namespace tlblab {

/// What was counted: terms that this machine (LabMachine::counts_barriers) or those `flags` of
/// tlblab_request don't count are left out, and so is what the module does not know.
Account account_of(const tlblab_account& account, bool counts_barriers, std::uint32_t flags);

/// Of an account worked out beforehand, the terms that every operation must show just so: those
/// that the catalogue calls due. TLBLAB_UNKNOWN in `expected`: nothing is claimed of that term.
Account due_of(const tlblab_account& expected, bool counts_barriers);

}  // namespace tlblab
