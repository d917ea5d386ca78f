// SPDX-License-Identifier: GPL-2.0-only
// What every engine may say of an error.
#include "user/engine/engine.hh"

namespace tlblab {

std::string Workspace::advice(int /*error*/) const {
  return "Choose a smaller shape or another scheme; if neither helps, please report it.";
}

}  // namespace tlblab
