# SPDX-License-Identifier: GPL-2.0-only
# Goals for the module: building it for a kernel, installing it, and running it in a guest. Included
# by the Makefile. ARCH (amd64, arm64) and KERNEL (6.1, 6.12, newest, 6.12-16k, newest-rt, ...: see
# kmod/guest/kernels.sh) name one of Debian's kernels, which is downloaded under build/kernels; KDIR
# names any other kernel's build folder.

# Debian's names, also where there is no dpkg to ask.
HOST_ARCH := $(shell kmod/host_arch.sh)
# Kernel developers may have ARCH in their environment, which is not meant for this.
ifneq ($(origin ARCH),command line)
ARCH := $(HOST_ARCH)
endif
# A path is a kernel of one's own.
ifneq ($(findstring /,$(KERNEL)),)
OWN_KERNEL := $(KERNEL)
override KERNEL := own
endif
# Those that it is tested on.
GUESTS := amd64-6.1 amd64-6.12 amd64-newest amd64-newest-rt \
  arm64-6.1 arm64-6.12 arm64-6.12-16k arm64-newest arm64-newest-16k
RELEASE := $(shell uname -r)
KDIR ?= /lib/modules/$(RELEASE)/build
MODULE_SOURCES := Kbuild kmod/build.sh kmod/check_compiler.sh kmod/check_object.sh \
  $(shell find kmod include -name '*.[ch]' -o -name '*.cc' -o -name '*.hh')
ifeq ($(filter $(ARCH),amd64 arm64),)
$(error ARCH=$(ARCH): amd64 and arm64 are known)
endif
# A guest's name is ARCH-KERNEL, and the kernel's own may have a dash in it.
guest_arch = $(firstword $(subst -, ,$1))
guest_kernel = $(patsubst $(call guest_arch,$1)-%,%,$1)

##@ Build
.PHONY: module ## ARCH= KERNEL= KDIR= | the module, for the running kernel or another
.PHONY: modules ## the module for each kernel that it is tested on
.PHONY: driver ## ARCH= | the driver for a guest of another architecture
ifdef KERNEL
MODULE_FILE := $(BUILD)/kmod/$(ARCH)-$(KERNEL)/tlblab.ko
module: $(MODULE_FILE)
else
KDIR_RELEASE := $(KDIR)/include/config/kernel.release
MODULE_FILE := $(BUILD)/kmod/$(if $(wildcard $(KDIR_RELEASE)),$(file <$(KDIR_RELEASE)))/tlblab.ko
module:
	@test -e $(KDIR_RELEASE) || { \
	  echo "There are no headers of this kernel in $(KDIR)."; \
	  echo "Install them (Debian: apt-get install linux-headers-$(RELEASE)),"; \
	  echo "give another kernel's as KDIR=folder,"; \
	  echo "or build for Debian's: make module KERNEL=6.12"; \
	  exit 1; }
	@kmod/build.sh $(ARCH) $(KDIR) $(dir $(MODULE_FILE))
endif

modules: $(foreach guest,$(GUESTS),$(BUILD)/kmod/$(guest)/tlblab.ko)

# Without this make takes a downloaded tree for an intermediate file, and deletes its stamp.
# +: shows a step's output as it comes, not at its end; but `make -n` runs the step, too.
.PRECIOUS: $(BUILD)/kernels/%/release $(BUILD)/sysroot/%/whole
$(BUILD)/kernels/%/release:
	+@kmod/guest/kernels.sh $(call guest_arch,$*) $(call guest_kernel,$*)

$(BUILD)/kernels/$(ARCH)-own/release: FORCE
	+@kmod/guest/own_kernel.sh $(ARCH) $(OWN_KERNEL)

# Debian may have a kernel that is newer than those known to work: a guest is where to try it.
$(BUILD)/kmod/%/tlblab.ko: $(BUILD)/kernels/%/release $(MODULE_SOURCES)
	@ANY_KERNEL=yes kmod/build.sh $(call guest_arch,$*) $(BUILD)/kernels/$*/headers $(@D)
	@touch $@

# The driver for a guest of another architecture than this host's. A second make builds it, with
# another compiler and another folder for the objects.
ifeq ($(ARCH),$(HOST_ARCH))
driver: $(BUILD)/tlblab
else
GUEST_BUILD := $(BUILD)/$(ARCH)
TRIPLET := $(if $(filter arm64,$(ARCH)),aarch64,x86_64)-linux-gnu
SYSROOT := $(BUILD)/sysroot/$(ARCH)
driver: $(SYSROOT)/whole
	@$(MAKE) --no-print-directory BUILD=$(GUEST_BUILD) ARCH=$(HOST_ARCH) \
	  CXX='$(TRIPLET)-g++ -isystem $(SYSROOT)/usr/include \
	    -isystem $(SYSROOT)/usr/include/$(TRIPLET)' \
	  LDFLAGS='-L$(SYSROOT)/usr/lib/$(TRIPLET) -Wl,-rpath-link=$(SYSROOT)/usr/lib/$(TRIPLET)' \
	  $(GUEST_BUILD)/tlblab
endif

$(BUILD)/sysroot/%/whole: kmod/guest/sysroot.sh
	+@kmod/guest/sysroot.sh $*

##@ Use
# `make vm CMD='tlblab list'`; a $ meant for the guest's shell is written $$. The other settings
# (CPUS, MEM, FILES, TIMEOUT, ...) are described in kmod/guest/run_vm.sh. Make's own exit status is
# 2 whenever the command's is not 0: a caller that must know runs run_vm.sh.
# KERNEL=PATH is a folder in which a kernel was built, or an installed /boot/vmlinuz-RELEASE.
.PHONY: vm ## ARCH= KERNEL= CMD='tlblab list' | run a command in a guest with the module
VM_KERNEL := $(or $(KERNEL),6.12)
vm: $(BUILD)/kernels/$(ARCH)-$(VM_KERNEL)/release $(if $(filter no,$(DRIVER)),,driver) \
  $(if $(filter no,$(MODULE)),,$(BUILD)/kmod/$(ARCH)-$(VM_KERNEL)/tlblab.ko)
	@test -n "$${CMD:-}" || { \
	  echo "What shall the guest run? make vm CMD='tlblab list'"; exit 1; }
	+@BUILD=$(BUILD) ARCH=$(ARCH) KERNEL=$(VM_KERNEL) kmod/guest/run_vm.sh "$$CMD"

# Installs for the running kernel, or KDIR's: through DKMS where that is installed, so that the
# module follows the kernel's updates, else the module itself. DESTDIR puts all of it under another
# root, where no kernel runs: then DKMS is left to whoever owns that root.
PREFIX ?= /usr/local
VERSION := $(shell sed -n 's/^\#define TLBLAB_VERSION "\(.*\)"/\1/p' include/tlblab/version.h)
DKMS := $(shell command -v dkms || test ! -x /usr/sbin/dkms || echo /usr/sbin/dkms)
DKMS_SOURCE := $(DESTDIR)/usr/src/tlblab-$(VERSION)
.PHONY: install ## DESTDIR= PREFIX= | driver, udev rule and module, for this machine
install: all $(if $(DKMS),,module)
	@grep -q '^PACKAGE_VERSION="$(VERSION)"$$' dkms.conf || { \
	  echo "dkms.conf and include/tlblab/version.h name different versions"; exit 1; }
	install -D $(BUILD)/tlblab $(DESTDIR)$(PREFIX)/bin/tlblab
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	$(BUILD)/tlblab completion >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/tlblab
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	$(BUILD)/tlblab man >$(DESTDIR)$(PREFIX)/share/man/man1/tlblab.1
	install -D -m 644 kmod/99-tlblab.rules $(DESTDIR)/etc/udev/rules.d/99-tlblab.rules
ifneq ($(DKMS),)
	$(if $(DESTDIR),,! $(DKMS) status tlblab/$(VERSION) | grep -q . || \
	  $(DKMS) remove tlblab/$(VERSION) --all)
	rm -rf $(DKMS_SOURCE)
	mkdir -p $(DKMS_SOURCE)
	cp -r Kbuild dkms.conf kmod include $(DKMS_SOURCE)
	$(if $(DESTDIR),,$(DKMS) install --force tlblab/$(VERSION) -k $(RELEASE))
else
	export PATH=$$PATH:/usr/sbin:/sbin; \
	release=$$(modinfo -F vermagic $(MODULE_FILE) | cut -d' ' -f1); \
	install -D -m 644 $(MODULE_FILE) $(DESTDIR)/lib/modules/$$release/updates/tlblab.ko; \
	$(if $(DESTDIR),:,depmod $$release)
endif
	$(if $(DESTDIR),,! command -v udevadm >/dev/null || udevadm control --reload)
