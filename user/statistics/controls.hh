// SPDX-License-Identifier: GPL-2.0-only
// Controls: what an arm measured against itself says of the claims beside it.
#pragma once

#include <span>

#include "user/statistics/verdict.hh"

namespace tlblab::statistics {

/// How far the A/A controls of a study strayed from 1, in logs: the farthest that the interval of
/// any reaches. Infinite when one of them has no interval; 0 without a control.
double farthest_stray(std::span<const Claim> controls);

/// A control passes if all of its interval lies inside this share of the smallest effect claimed.
inline constexpr double kControlShare = 1.0 / 3;

/// The size of what a verdict claims, in logs: the ratio of "different", ln(1+d) of "equivalent";
/// infinite for the others, which claim nothing.
double claimed_effect(Verdict verdict, const Claim& claim, const Criteria& criteria);

/// Whether a claim stands beside controls that strayed by `stray`. Where the controls passed (stray
/// <= kControlShare of `smallest`, the smallest effect that the study claims), each does. Where
/// they did not, a claim must clear the stray: the bounds of "different" lie wholly beyond it,
/// those of "equivalent" inside the limits even when it is added.
bool stands(Verdict verdict, const Evidence& evidence, double stray, double smallest,
            const Criteria& criteria);

}  // namespace tlblab::statistics
