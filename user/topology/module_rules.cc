// SPDX-License-Identifier: GPL-2.0-only
// Lockdown, Secure Boot and module signatures.
//
// Sources: Linux kernel/module/signing.c, security/lockdown/lockdown.c and include/linux/security.h
// (what each level closes), of 6.12 and 7.3; UEFI specification 2.10, 3.3 (SecureBoot).
#include "user/topology/module_rules.hh"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "user/topology/private_mount.hh"

namespace tlblab {
namespace {

constexpr const char* kSecureBoot =
    "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

/// efivarfs shows four bytes of attributes, then the variable, a byte. NULs at a file's end are
/// cut.
FileText secure_boot(const std::string& root) {
  std::error_code ignored;
  if (!std::filesystem::exists(root + "/sys/firmware", ignored)) {
    return {.text = {}, .problem = "/sys/firmware is hidden here"};
  }
  if (!std::filesystem::exists(root + "/sys/firmware/efi", ignored)) {
    return {.text = "off, not booted by EFI", .problem = {}};
  }
  FileText variable = read_kernel_file(root + kSecureBoot);
  if (!variable.ok()) return variable;
  return {.text = variable.text.size() == 5 && variable.text[4] == 1 ? "on" : "off", .problem = {}};
}

FileText lockdown(const std::string& root) {
  FileText levels = root.empty()
                        ? read_files_of("securityfs", "/sys/kernel/security", {"lockdown"}).front()
                        : read_kernel_file(root + "/sys/kernel/security/lockdown");
  levels.text = bracketed_choice(levels.text);
  return levels;
}

bool locked_down(const ModuleRules& rules) {
  return rules.lockdown.text == "integrity" || rules.lockdown.text == "confidentiality";
}

}  // namespace

ModuleRules read_module_rules(const std::string& root) {
  return {.lockdown = lockdown(root),
          .secure_boot = secure_boot(root),
          .sig_enforce = read_kernel_file(root + "/sys/module/module/parameters/sig_enforce"),
          .disabled = read_kernel_file(root + "/proc/sys/kernel/modules_disabled")};
}

std::vector<Fact> module_facts(const ModuleRules& rules) {
  std::string signatures = "no switch shown (" + rules.sig_enforce.problem + ")";
  if (rules.sig_enforce.ok()) {
    signatures = rules.sig_enforce.text == "Y" ? "enforced" : "enforced by lockdown only";
  }
  return {{"kernel lockdown", text_or_problem(rules.lockdown)},
          {"Secure Boot", text_or_problem(rules.secure_boot)},
          {"module signatures", signatures}};
}

std::string why_unsigned_is_refused(const ModuleRules& rules) {
  if (rules.disabled.text == "1") {
    return "this kernel takes no more modules (kernel.modules_disabled)";
  }
  if (locked_down(rules)) {
    return fmt::format("this kernel is locked down ({}) and takes signed modules only",
                       rules.lockdown.text);
  }
  if (rules.sig_enforce.text == "Y") {
    return "this kernel takes signed modules only (module.sig_enforce)";
  }
  if (!rules.lockdown.ok() && rules.secure_boot.text == "on") {
    return fmt::format(
        "Secure Boot is on, under which most kernels take signed modules only; whether this one is "
        "locked down is unknown ({})",
        rules.lockdown.problem);
  }
  return "";
}

std::string how_to_be_taken(const ModuleRules& rules) {
  if (rules.disabled.text == "1") return "only another boot, without that setting, changes it";
  return "docs/secure-boot.md has the steps to sign tlblab.ko";
}

bool closes_tracefs(const ModuleRules& rules) { return rules.lockdown.text == "confidentiality"; }
bool closes_debugfs(const ModuleRules& rules) { return locked_down(rules); }

}  // namespace tlblab
