# SPDX-License-Identifier: GPL-2.0-only
# The goals that test: the programs of tests/, what they need, and the static checks. Included by
# the Makefile. tests/run.sh says in which order `make test` runs it all.

# UNIT_ROOMS= only the tests of these rooms of the driver.
UNIT_OBJECTS := $(patsubst %.cc,$(BUILD)/%.o,$(sort $(wildcard tests/unit/main.cc \
  $(if $(UNIT_ROOMS),$(UNIT_ROOMS:%=tests/unit/%*_test.cc),tests/unit/*.cc))))
CLI_OBJECTS := $(patsubst %.cc,$(BUILD)/%.o,$(sort $(wildcard tests/cli/*.cc)))
# Most of what a test costs is its compilation; each runs once. Of what a test itself does wrong,
# addresses are worth that: looking for undefined behaviour takes half as long again.
$(UNIT_OBJECTS) $(CLI_OBJECTS): override CXXFLAGS := \
  $(patsubst -O%,-O0,$(patsubst -fsanitize=address%,-fsanitize=address,$(CXXFLAGS)))
EXPLORE_OBJECTS := $(patsubst %.cc,$(BUILD)/%.o,$(sort $(wildcard tests/explore/*.cc)))
LITMUS_OBJECTS := $(patsubst %.cc,$(BUILD)/%.o,$(sort $(wildcard tests/litmus/*.cc)))

$(BUILD)/tests/unit_tests: $(UNIT_OBJECTS) $(BUILD)/libtlblab.a
	@echo '  LINK    $@'
	@$(CXX) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lgtest -lgmock

$(BUILD)/tests/cli_tests: $(CLI_OBJECTS)
	@echo '  LINK    $@'
	@$(CXX) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lgtest -lgtest_main -lgmock

$(BUILD)/tests/explore/explore: $(EXPLORE_OBJECTS)
	@echo '  LINK    $@'
	@$(CXX) $(LDFLAGS) -o $@ $^

$(BUILD)/tests/litmus/litmus: $(LITMUS_OBJECTS)
	@echo '  LINK    $@'
	@$(CXX) $(LDFLAGS) -o $@ $^

# On its own: a witness has none of the tool's headers or code.
$(BUILD)/tests/probe/probe: tests/probe/probe.c
	@mkdir -p $(@D)
	@echo '  CC      $@'
	@gcc -std=gnu11 -O2 -Wall -Wextra -Werror -pthread $< -o $@ -lm

# Programs that test the module in a guest: static, so that they need nothing there.
VM_PROGRAMS := $(BUILD)/vm/programs
VM_SOURCES := $(sort $(wildcard tests/vm/*.cc))
VM_HEADERS := $(wildcard tests/vm/*.hh include/tlblab/*)
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

$(BUILD)/tests/planted: $(BUILD)/tests/sanitizers/planted.o
	@$(CXX) $(LDFLAGS) -o $@ $^ -pthread

# The driver's tests with checks compiled in: asan looks for bad addresses, leaks and undefined
# behaviour, tsan for data races, in the rooms that have threads. Not in the oracle's: its witnesses
# read what others write, on purpose, and jump out of a SIGBUS, which tsan's runtime doesn't
# survive. A second make builds them, with a folder of their own for the objects. gcc 12 warns
# falsely at std::regex under asan.
SANITIZERS_asan := address,undefined
SANITIZERS_tsan := thread
SANITIZED_FLAGS = -O0 -g1 -fsanitize=$(SANITIZERS_$1) -fno-sanitize-recover=all \
  -Wno-maybe-uninitialized
SANITIZED_ROOMS_tsan := counters engine experiment topology workload
SANITIZED_LEFT_OUT_tsan := analysis commands oracle report
# Simulations, a minute when optimized, ten otherwise; and loops that race against each other.
$(BUILD)/user/statistics/%.o $(BUILD)/user/workload/%.o: override CXXFLAGS := \
  $(patsubst -O0,-O2,$(CXXFLAGS))
SANITIZED := $(foreach kind,asan tsan,$(BUILD)/$(kind))
$(addsuffix /tests/unit_tests,$(SANITIZED)): $(BUILD)/%/tests/unit_tests: FORCE
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/$* LDFLAGS=-fsanitize=$(SANITIZERS_$*) \
	  CXXFLAGS='$(call SANITIZED_FLAGS,$*)' UNIT_ROOMS='$(SANITIZED_ROOMS_$*)' \
	  LEFT_OUT='$(SANITIZED_LEFT_OUT_$*)' \
	  $@ $(BUILD)/$*/tests/planted

##@ Test
.PHONY: quick ## two minutes: form, unit tests, explorer, one guest
quick: setup-test
	@tests/run.sh $(BUILD) format shell unit explore guest-short
.PHONY: test ## ONLY=NAME | everything is checked, or one part; ONLY=help names them
test: setup-test
	@tests/run.sh $(BUILD) $(ONLY)

# Kernels that check whatever they can: one takes eight minutes on two cores to build, once. Linux's
# own source is for them, and for the checkers of style that come with it.
$(BUILD)/linux-source.tar.xz:
	+@tests/vm/linux_source.sh
$(BUILD)/kernels/amd64-debug/release: tests/vm/debug-kernel.config | $(BUILD)/linux-source.tar.xz
	+@tests/vm/debug_kernel.sh debug
$(BUILD)/kernels/amd64-kcsan/release: tests/vm/debug-kernel.config tests/vm/kcsan-kernel.config \
  | $(BUILD)/linux-source.tar.xz
	+@tests/vm/debug_kernel.sh kcsan

# No failure if sid has no herd7 today: its tests are skipped then.
.PHONY: herd
herd:
	+@BUILD=$(BUILD) tests/litmus/herd.sh || [ $$? -eq 77 ]

# clang-tidy, each file once per change. It leaves the tests out: they are half of all the code, and
# it is slow.
TIDY_STAMPS := $(patsubst %.cc,$(BUILD)/%.tidy,$(USER_SOURCES) $(sort $(wildcard bench/*.cc)))
$(BUILD)/%.tidy: %.cc .clang-tidy
	@mkdir -p $(@D)
	@echo '  TIDY    $<'
	@clang-tidy --quiet $< -- -std=c++20 $(CPPFLAGS) -DTLBLAB_GIT_REVISION='""' 2>/dev/null
	@touch $@

##@ Style
.PHONY: format ## put C++ and shell into form
format:
	@tests/style/format.sh --fix
.PHONY: format-check ## is every file in form?
format-check:
	@tests/style/format.sh
.PHONY: tidy ## C++ under clang-tidy
tidy: $(TIDY_STAMPS)
