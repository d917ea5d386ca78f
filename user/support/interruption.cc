// SPDX-License-Identifier: GPL-2.0-only
// The signal flag.
#include "user/support/interruption.hh"

#include <csignal>
#include <initializer_list>

namespace tlblab {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;

void note_signal(int) { g_interrupted = 1; }

}  // namespace

void catch_interruptions() {
  struct sigaction action {};
  action.sa_handler = note_signal;  // no SA_RESTART: a blocked read must return
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
  // A file size limit must be an error from write(), not kill the process.
  std::signal(SIGXFSZ, SIG_IGN);
}

bool interrupted() { return g_interrupted != 0; }

}  // namespace tlblab
