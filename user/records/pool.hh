// SPDX-License-Identifier: GPL-2.0-only
// Several files of one plan, as one.
#pragma once

#include "user/records/study_file.hh"

namespace tlblab::records {

/// Whether both were made by the same release, with the same plan but for the seed and the number
/// of sessions, on the same machine and kernel: then their sessions are sessions of one thing.
bool can_pool(const StudyHeader& one, const StudyHeader& other);

/// Adds the sessions of `more`, numbered on after those of `to`, and its runs. can_pool() holds.
void pool(StudyFile& to, StudyFile&& more);

}  // namespace tlblab::records
