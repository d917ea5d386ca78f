// SPDX-License-Identifier: GPL-2.0-only
// Runs the unit tests; or is what a test's bystanders exec, which is the running program.
#include <gtest/gtest.h>

#include <string_view>

#include "user/experiment/bystanders.hh"

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == tlblab::kBystandersCommand) {
    return tlblab::run_bystanders();
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
