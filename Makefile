# SPDX-License-Identifier: GPL-2.0-only
# The door for people. `make run` answers the question on this machine, `make test` checks
# everything; both install what they need first; `make help` names the rest. The kernel's door is
# Kbuild.
#
# A goal for people is declared on a line of its own, with ## and what it does, under a heading
# (##@): `make help` prints just these lines. What is set for it stands before a |.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --output-sync=target

BUILD := build
CXX := g++
CXXFLAGS ?= -O2 -g1
# -Wno-restrict: gcc 12 warns falsely at std::string + (its bug 105651).
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wno-restrict -Werror
# Whose code the compiler makes, by the name of its folder: a second make, with another compiler,
# builds the driver for the other architecture.
CODE_ARCH := $(if $(filter x86_64-%,$(shell $(CXX) -dumpmachine 2>/dev/null)),x86,arm64)
# The last: that architecture's part of the core's platform, for the test that links the module's
# own unit.
CPPFLAGS += -I. -Iinclude -Iuser/arch/$(CODE_ARCH) -Ikmod/arch/$(CODE_ARCH)
COMPILE = $(CXX) -std=c++20 $(CPPFLAGS) $(CXXFLAGS) $(WARNINGS) -pthread -MMD -MP
LDLIBS = -lhwloc -lnuma -lpfm -lfmt -lsimdjson -lzstd -lz -pthread

# What each goal needs from Debian 12 or 13, or Ubuntu 24.04. Kept apart so that `make run`
# downloads no more than it uses.
PACKAGES_RUN = g++ make git libhwloc-dev libnuma-dev libpfm4-dev libcli11-dev libfmt-dev \
  nlohmann-json3-dev libsimdjson-dev libtomlplusplus-dev libboost-math-dev libzstd-dev zlib1g-dev \
  zstd gnuplot-nox $(PACKAGES_GUEST)
PACKAGES_TEST = $(PACKAGES_RUN) libgtest-dev libgmock-dev libbenchmark-dev libbenchmark-tools \
  python3-numpy python3-scipy clang-format clang-tidy bison flex bc libelf-dev libssl-dev \
  editorconfig perl shellcheck shfmt sparse
# To build the module for Debian's kernels and to run it in guests: what kbuild's host tools need
# (their libraries come with kmod and pahole, whatever this release calls them), the compiler for
# the other architecture, QEMU.
PACKAGES_GUEST = debian-archive-keyring binutils cpio kmod pahole \
  qemu-system-arm qemu-system-x86 util-linux xz-utils \
  g++-$(if $(filter amd64,$(HOST_ARCH)),aarch64,x86-64)-linux-gnu

JOBS := $(shell nproc)
USER_SOURCES := $(shell find user -path user/arch -prune -o -name '*.cc' -print | sort) \
  $(sort $(wildcard user/arch/$(CODE_ARCH)/*.cc))
# LEFT_OUT= rooms of user/ that a test does without.
LEFT_OUT_SOURCES := user/main.cc $(patsubst %,user/%,$(addsuffix /%,$(LEFT_OUT)))
LIB_OBJECTS := $(patsubst %.cc,$(BUILD)/%.o,$(filter-out $(LEFT_OUT_SOURCES),$(USER_SOURCES)))
BENCH_OBJECTS := $(patsubst %.cc,$(BUILD)/%.o,$(sort $(wildcard bench/*.cc)))

##@ Build
.PHONY: all ## the driver, build/tlblab; what make does without a goal
all: $(BUILD)/tlblab

$(BUILD)/%.o: %.cc
	@mkdir -p $(@D)
	@echo '  CXX     $<'
	@$(COMPILE) -c $< -o $@

# The revision is compiled into one object, rebuilt only when the revision changes.
GIT_REVISION := $(shell git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)
$(BUILD)/git_revision: FORCE
	@mkdir -p $(@D)
	@echo '$(GIT_REVISION)' | cmp -s - $@ || echo '$(GIT_REVISION)' >$@
$(BUILD)/user/experiment/header.o: $(BUILD)/git_revision
$(BUILD)/user/experiment/header.o: CPPFLAGS += -DTLBLAB_GIT_REVISION='"$(GIT_REVISION)"'
.PHONY: FORCE
FORCE:

$(BUILD)/libtlblab.a: $(LIB_OBJECTS)
	@rm -f $@
	@ar rcs $@ $^

$(BUILD)/tlblab: $(BUILD)/user/main.o $(BUILD)/libtlblab.a
	@echo '  LINK    $@'
	@$(CXX) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/bench/tlblab_bench: $(BENCH_OBJECTS) $(BUILD)/libtlblab.a
	@echo '  LINK    $@'
	@$(CXX) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lbenchmark -lbenchmark_main

-include $(shell find $(addprefix $(BUILD)/,user tests bench) -name '*.d' 2>/dev/null)

include kmod/module.mk
# Whoever builds and runs the tool needs nothing of tests/.
-include tests/tests.mk

# Installs what is missing, as root or through sudo; otherwise says what to type. Where there is no
# apt, whoever has them already goes on: the driver needs no more than these.
PACKAGES_FEDORA = gcc-c++ make git hwloc-devel numactl-devel libpfm-devel cli11-devel fmt-devel \
  json-devel simdjson-devel tomlplusplus-devel boost-devel libzstd-devel zlib-devel zstd gnuplot
define install_packages
	@if ! command -v apt-get >/dev/null; then \
	  echo "There is no apt here, so nothing is installed. The driver is built with, by"; \
	  echo "their names in Debian and Ubuntu 24.04:"; \
	  echo "  $(filter-out $(PACKAGES_GUEST),$(PACKAGES_RUN))"; \
	  echo "in Fedora:"; \
	  echo "  $(PACKAGES_FEDORA)"; \
	  echo "Guests and the tests need Debian or Ubuntu."; \
	  exit 0; \
	fi; \
	missing=$$(for package in $(1); do \
	  dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' \
	    || echo $$package; done); \
	if [ -n "$$missing" ]; then \
	  install="apt-get install -y --no-install-recommends $$(echo $$missing)"; \
	  if [ "$$(id -u)" = 0 ]; then run=env; \
	  elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then \
	    run=sudo; \
	  else echo "Packages are missing and this is not root. As root, run:"; \
	    echo "  apt-get update && $$install"; exit 1; fi; \
	  echo "installing: $$(echo $$missing)"; \
	  $$run apt-get update -qq; \
	  $$run DEBIAN_FRONTEND=noninteractive $$install -qq >/dev/null; \
	fi
endef

.PHONY: setup-run setup-test
setup-run:
	$(call install_packages,$(PACKAGES_RUN))
setup-test:
	$(call install_packages,$(PACKAGES_TEST))

# The timed studies first and alone; then the module, here or in guests. YES=yes: don't ask.
##@ Use
.PHONY: run ## YES=yes | answers the question on this machine; yes: loads the module unasked
run: setup-run
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@$(BUILD)/tlblab study batching
	@kmod/run_lab.sh $(if $(YES),--yes)

.PHONY: bench ## what the tool itself costs
bench: setup-test
	@$(MAKE) --no-print-directory -j$(JOBS) $(BUILD)/bench/tlblab_bench
	@$(BUILD)/bench/tlblab_bench

.PHONY: help ## this
help:
	@awk '/^##@ / { title = substr($$0, 5); if (!(title in text)) titles[++nr] = title } \
	  /^\.PHONY: [^ ]* ## / { \
	    goal = $$2; sub(/^[^#]*## /, ""); \
	    if (split($$0, half, " \\| ") == 2) { goal = goal " " half[1]; $$0 = half[2] } \
	    text[title] = text[title] sprintf("  make %-34s %s\n", goal, $$0) } \
	  END { for (i = 1; i <= nr; i++) print titles[i] "\n" text[titles[i]] }' \
	  Makefile kmod/module.mk $(wildcard tests/tests.mk)

##@ Build
# The module's C is left out: its flags are kbuild's.
.PHONY: compile_commands.json ## all C++ and how it is compiled, for clangd and the like
compile_commands.json:
	@between='['; \
	for source in $(USER_SOURCES) $(shell find bench tests -name '*.cc' | sort) \
	  kmod/core/core.cc; do \
	  printf '%s\n{"directory": "%s", "file": "%s", "command": "%s -c %s"}' \
	    "$$between" "$$PWD" $$source \
	    '$(CXX) -std=c++20 $(CPPFLAGS) -DTLBLAB_GIT_REVISION=\\\"\\\" -pthread' $$source; \
	  between=,; \
	done >$@; printf '\n]\n' >>$@
.PHONY: clean ## remove the build folder, kernels and all
clean:
	rm -rf $(BUILD)
