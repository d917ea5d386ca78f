// SPDX-License-Identifier: GPL-2.0-only
// vm_tests [NAME...]: the tests that need the module, in a guest or on a machine that has it
// loaded.
#include "tests/vm/ktap.hh"
#include "tests/vm/lab.hh"
#include "tests/vm/reach.hh"

int main(int argc, char** argv) {
  tlblab::vm::handle_bus_errors();
  // The initiator's place; responders have CPUs 1, 2, ...
  tlblab::vm::pin_to_cpu(0);
  return tlblab::vm::run_tests(argc, argv);
}
