// SPDX-License-Identifier: GPL-2.0-only
// The context switch of a fibre: callee-saved registers are pushed to the stack that is left and
// popped from the stack that is entered. Floating-point control words are not switched: no fibre
// changes them.
#include "tests/explore/fibre.hh"

#include <cstdlib>

namespace tlblab::explore {

extern "C" {
// Pushes callee-saved registers to the current stack, stores the stack pointer to *save, and
// continues at load.
void tlblab_explore_switch(void** save, void* load);
// Where a new fibre begins: hands the saved Fibre* to the saved function.
void tlblab_explore_entry();
}

#if defined(__x86_64__)
asm(R"(
  .text
  .globl tlblab_explore_switch
  .type tlblab_explore_switch, @function
tlblab_explore_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size tlblab_explore_switch, .-tlblab_explore_switch
  .globl tlblab_explore_entry
  .type tlblab_explore_entry, @function
tlblab_explore_entry:
  movq %r12, %rdi
  callq *%r13
  ud2
  .size tlblab_explore_entry, .-tlblab_explore_entry
)");
// Words that a switch pops, then the return address, then two that keep the stack aligned.
constexpr std::size_t kFrameWords = 9;
constexpr std::size_t kArgumentWord = 3;
constexpr std::size_t kFunctionWord = 2;
constexpr std::size_t kReturnWord = 6;
#elif defined(__aarch64__)
asm(R"(
  .text
  .globl tlblab_explore_switch
  .type tlblab_explore_switch, %function
tlblab_explore_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
  .size tlblab_explore_switch, .-tlblab_explore_switch
  .globl tlblab_explore_entry
  .type tlblab_explore_entry, %function
tlblab_explore_entry:
  mov x0, x19
  blr x20
  brk #1
  .size tlblab_explore_entry, .-tlblab_explore_entry
)");
constexpr std::size_t kFrameWords = 20;
constexpr std::size_t kArgumentWord = 0;
constexpr std::size_t kFunctionWord = 1;
constexpr std::size_t kReturnWord = 11;
#else
#error "fibres need a context switch for this machine"
#endif

Fibre::Fibre() : memory_(new std::byte[kStackBytes]) {
  const auto end = reinterpret_cast<std::uintptr_t>(memory_.get()) + kStackBytes;
  top_ = reinterpret_cast<std::byte*>(end & ~std::uintptr_t{15});
}

void Fibre::start(const std::function<void()>* body) {
  body_ = body;
  auto* frame = reinterpret_cast<std::uintptr_t*>(top_) - kFrameWords;
  for (std::size_t i = 0; i < kFrameWords; ++i) frame[i] = 0;
  frame[kArgumentWord] = reinterpret_cast<std::uintptr_t>(this);
  frame[kFunctionWord] = reinterpret_cast<std::uintptr_t>(&Fibre::enter);
  frame[kReturnWord] = reinterpret_cast<std::uintptr_t>(&tlblab_explore_entry);
  sp_ = frame;
}

void Fibre::resume() { tlblab_explore_switch(&resumer_sp_, sp_); }
void Fibre::leave() { tlblab_explore_switch(&sp_, resumer_sp_); }

void Fibre::enter(Fibre* self) {
  (*self->body_)();
  for (;;) self->leave();  // a body that returned has nothing left to do
}

}  // namespace tlblab::explore
