// SPDX-License-Identifier: GPL-2.0-only
// A CPU that enters and leaves the mm, by the core's CPU mask and generation, and keeps its TLB
// while it is away, as x86 with PCID does.
#pragma once

#include "tests/explore/platform.hh"
#include "tests/explore/protocols/generation.hh"

namespace tlblab::explore {

/// When it reads the generation that it takes to be the one it has flushed for.
enum class Seen : u8 { kWhenEntering, kWhenLeaving };

/// Enters, leaves, and enters again; at first it is away, and was there at generation 1.
inline Machine::Body switching_cpu(u32 omissions, Seen when) {
  return [omissions, when](Machine& machine) {
    using Platform = ModelPlatform<Mechanism::kIpi>;
    Platform platform(machine, omissions);
    u8 generation_word = kGenerationCell;
    u8 cpus_word = kCpusCell;
    core::Generation<Platform> generation(platform, generation_word, cpus_word);
    const u32 cpu = machine.cpu();
    u64 seen = 1;
    for (u32 stay = 0; stay < 2; ++stay) {
      machine.perform(OpKind::kInterrupts, 0);
      const u64 now = generation.enter(cpu);
      if (now != seen) machine.perform(OpKind::kFlushHere);
      seen = now;
      machine.perform(OpKind::kMm, 1);
      machine.perform(OpKind::kInterrupts, 1);
      if (stay == 1) break;
      machine.perform(OpKind::kInterrupts, 0);
      if (when == Seen::kWhenLeaving) seen = platform.load(generation_word, core::Order::kRelaxed);
      machine.perform(OpKind::kMm, 0);
      generation.leave(cpu);
      machine.perform(OpKind::kInterrupts, 1);
    }
  };
}

}  // namespace tlblab::explore
