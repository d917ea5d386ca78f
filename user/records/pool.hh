// SPDX-License-Identifier: GPL-2.0-only
// Several files of one plan, as one.
#pragma once

#include "user/records/header.hh"

namespace tlblab::records {

/// Whether both were made by the same release, with the same plan but for the seed and the number
/// of sessions, on the same machine and kernel, where flushes do the same: then their sessions are
/// sessions of one thing.
bool can_pool(const StudyHeader& one, const StudyHeader& other);

/// What flushes do otherwise, where that alone keeps both from being pooled.
std::vector<FactDifference> kept_apart_by(const StudyHeader& one, const StudyHeader& other);

/// Adds to `to` the sessions that `more` asks for. can_pool() holds of their headers.
void pool(StudyPlan& to, const StudyPlan& more);

}  // namespace tlblab::records
