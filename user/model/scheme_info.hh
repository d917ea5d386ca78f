// SPDX-License-Identifier: GPL-2.0-only
// A scheme in words.
#pragma once

#include <string>

namespace tlblab {

/// A scheme as the user names it: "munmap:merged", or with its engine "syscall/munmap:merged".
/// Where the engine has parameters, they follow: "lab/unmap:merged,exact,batch=64".
struct SchemeInfo {
  std::string name;         ///< "<operation>:<gather>[,parameter...]", unique within the engine
  std::string summary;      ///< one line: what is called, how often
  std::string stands_for;   ///< where the idea comes from: thread, commit or kernel version
  std::string unavailable;  ///< empty, or why this machine can't do it and what would be needed
};

/// What may follow a scheme's name.
struct ParameterInfo {
  std::string form;     ///< "batch=N"
  std::string meaning;  ///< one line
};

}  // namespace tlblab
