# SPDX-License-Identifier: GPL-2.0-only
# The goals that test: the programs of tests/, what they need, and the static checks. Included by
# the Makefile. tests/run.sh says in which order `make test` runs it all.

UNIT_OBJECTS := $(patsubst %.cc,$(BUILD)/%.o,$(sort $(wildcard tests/unit/*.cc)))
CLI_OBJECTS := $(patsubst %.cc,$(BUILD)/%.o,$(sort $(wildcard tests/cli/*.cc)))
EXPLORE_OBJECTS := $(patsubst %.cc,$(BUILD)/%.o,$(sort $(wildcard tests/explore/*.cc)))
LITMUS_OBJECTS := $(patsubst %.cc,$(BUILD)/%.o,$(sort $(wildcard tests/litmus/*.cc)))

$(BUILD)/tests/unit_tests: $(UNIT_OBJECTS) $(BUILD)/libtlblab.a
	@echo '  LINK    $@'
	@$(CXX) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lgtest -lgtest_main -lgmock

$(BUILD)/tests/cli_tests: $(CLI_OBJECTS)
	@echo '  LINK    $@'
	@$(CXX) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lgtest -lgtest_main -lgmock

$(BUILD)/tests/explore/explore: $(EXPLORE_OBJECTS)
	@echo '  LINK    $@'
	@$(CXX) $(LDFLAGS) -o $@ $^

$(BUILD)/tests/litmus/litmus: $(LITMUS_OBJECTS)
	@echo '  LINK    $@'
	@$(CXX) $(LDFLAGS) -o $@ $^

# Programs that test the module in a guest: static, so that they need nothing there.
VM_PROGRAMS := $(BUILD)/vm/programs
VM_SOURCES := $(sort $(wildcard tests/vm/*.cc))
VM_HEADERS := $(wildcard tests/vm/*.hh) include/tlblab/abi.h
VM_COMPILE = $(if $(filter arm64,$*),aarch64,x86_64)-linux-gnu-g++ -std=c++20 -I. -Iinclude -O1 \
  $(WARNINGS) -static -pthread
.PHONY: vm-tests
vm-tests: $(foreach arch,amd64 arm64,$(addprefix $(VM_PROGRAMS)/$(arch)/,vm_tests instructions)) \
  $(VM_PROGRAMS)/amd64/caller32 $(VM_PROGRAMS)/schedules
# What the explorer found, for the guests to replay.
$(VM_PROGRAMS)/schedules: $(BUILD)/tests/explore/explore
	@mkdir -p $(@D)
	@$< --schedules >$@
$(VM_PROGRAMS)/%/vm_tests: $(VM_SOURCES) $(VM_HEADERS)
	@mkdir -p $(@D)
	@echo '  CXX     $@'
	@$(VM_COMPILE) $(VM_SOURCES) -o $@
$(VM_PROGRAMS)/%/instructions: tests/vm/instructions/instructions.cc tests/vm/lab.cc $(VM_HEADERS)
	@mkdir -p $(@D)
	@echo '  CXX     $@'
	@$(VM_COMPILE) $(filter %.cc,$^) -o $@
# Debian's cross compiler for amd64 makes 32-bit code too, given kernel headers of the other width.
$(VM_PROGRAMS)/amd64/caller32: tests/vm/caller32.c include/tlblab/abi.h
	@mkdir -p $(@D)
	@echo '  CC      $@'
	@x86_64-linux-gnu-gcc -m32 -O1 -Wall -Wextra -Werror -ffreestanding -nostdlib -static \
	  -fno-pic -no-pie -fno-stack-protector -fno-asynchronous-unwind-tables \
	  -idirafter /usr/include/x86_64-linux-gnu -Iinclude $< -o $@

.PHONY: test
test: setup-test
	@$(MAKE) --no-print-directory -j$(JOBS) tests-built
	@tests/run.sh $(BUILD)

.PHONY: tests-built
tests-built: all $(BUILD)/tests/unit_tests $(BUILD)/tests/cli_tests $(BUILD)/bench/tlblab_bench \
  $(BUILD)/tests/explore/explore $(BUILD)/tests/litmus/litmus herd modules vm-tests \
  $(BUILD)/linux-source.tar.xz

# The module's tests once more under kernels that check whatever they can; the kernel is built
# first, which takes eight minutes on two cores, once: test-debug looks at memory and locks (KASAN,
# lockdep and more) and belongs to `make test`, test-kcsan looks for data races.
.PHONY: test-debug test-kcsan
test-debug test-kcsan: test-%: setup-test
	@$(MAKE) --no-print-directory -j$(JOBS) $(BUILD)/kernels/amd64-$*/release vm-tests
	@$(MAKE) --no-print-directory module ARCH=amd64 KERNEL=$*
	@tests/vm/test_debug.sh $*

# Linux's own source, for these kernels and for the checkers of style that come with it.
$(BUILD)/linux-source.tar.xz:
	+@tests/vm/linux_source.sh
$(BUILD)/kernels/amd64-debug/release: tests/vm/debug-kernel.config | $(BUILD)/linux-source.tar.xz
	+@tests/vm/debug_kernel.sh debug
$(BUILD)/kernels/amd64-kcsan/release: tests/vm/debug-kernel.config tests/vm/kcsan-kernel.config \
  | $(BUILD)/linux-source.tar.xz
	+@tests/vm/debug_kernel.sh kcsan

# Arm's own memory model on the flush's orderings. No failure if sid has no herd7 today: its tests
# are skipped then.
.PHONY: litmus herd
litmus: setup-test
	@$(MAKE) --no-print-directory -j$(JOBS) $(BUILD)/tests/litmus/litmus herd \
	  $(BUILD)/kmod/arm64-6.12/tlblab.ko
	@BUILD=$(BUILD) tests/litmus/run.sh
	@BUILD=$(BUILD) tests/litmus/check_mapping.sh $(addprefix $(BUILD)/kmod/arm64-6.12/kmod/, \
	  core/core.o arch/arm64/flush.o linux/platform.o)
herd:
	+@BUILD=$(BUILD) tests/litmus/herd.sh || [ $$? -eq 77 ]

# clang-tidy, each file once per change. It leaves the tests out: they are half of all the code, and
# it is slow.
TIDY_STAMPS := $(patsubst %.cc,$(BUILD)/%.tidy,$(USER_SOURCES) $(sort $(wildcard bench/*.cc)))
$(BUILD)/%.tidy: %.cc .clang-tidy
	@mkdir -p $(@D)
	@echo '  TIDY    $<'
	@clang-tidy --quiet $< -- -std=c++20 -I. -Iinclude -DTLBLAB_GIT_REVISION='""' 2>/dev/null
	@touch $@

.PHONY: tidy format format-check
tidy: $(TIDY_STAMPS)
format:
	@tests/style/format.sh --fix
format-check:
	@tests/style/format.sh
