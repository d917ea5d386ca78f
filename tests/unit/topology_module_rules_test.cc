// SPDX-License-Identifier: GPL-2.0-only
// Lockdown, Secure Boot and signatures on made-up machines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/topology_planted_files.hh"
#include "user/topology/module_rules.hh"

namespace tlblab {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;

constexpr const char* kLockdown = "/sys/kernel/security/lockdown";
constexpr const char* kSignatures = "/sys/module/module/parameters/sig_enforce";
constexpr const char* kSecureBoot =
    "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
const std::string kOn("\x06\0\0\0\x01", 5);
const std::string kOff("\x06\0\0\0\0", 5);

TEST(ModuleRules, AnOpenKernel) {
  const PlantedFiles files;
  files.plant(kLockdown, "[none] integrity confidentiality\n");
  files.plant(kSignatures, "N\n");
  files.plant(kSecureBoot, kOff);
  files.plant("/proc/sys/kernel/modules_disabled", "0\n");
  const ModuleRules rules = read_module_rules(files.root());
  EXPECT_EQ(why_unsigned_is_refused(rules), "");
  EXPECT_THAT(module_facts(rules), Contains(Pair("kernel lockdown", "none")));
  EXPECT_THAT(module_facts(rules), Contains(Pair("Secure Boot", "off")));
  EXPECT_FALSE(closes_debugfs(rules));
}

TEST(ModuleRules, LockdownRefusesAndCloses) {
  const PlantedFiles files;
  files.plant(kLockdown, "none [integrity] confidentiality\n");
  files.plant(kSecureBoot, kOn);
  ModuleRules rules = read_module_rules(files.root());
  EXPECT_THAT(module_facts(rules), Contains(Pair("Secure Boot", "on")));
  EXPECT_THAT(why_unsigned_is_refused(rules), HasSubstr("locked down (integrity)"));
  EXPECT_THAT(how_to_be_taken(rules), HasSubstr("docs/secure-boot.md"));
  EXPECT_TRUE(closes_debugfs(rules));
  EXPECT_FALSE(closes_tracefs(rules));
  files.plant(kLockdown, "none integrity [confidentiality]\n");
  rules = read_module_rules(files.root());
  EXPECT_TRUE(closes_debugfs(rules));
  EXPECT_TRUE(closes_tracefs(rules));
}

TEST(ModuleRules, SignaturesAreEnforcedWithoutLockdown) {
  const PlantedFiles files;
  files.plant(kLockdown, "[none] integrity confidentiality\n");
  files.plant(kSignatures, "Y\n");
  const ModuleRules rules = read_module_rules(files.root());
  EXPECT_THAT(why_unsigned_is_refused(rules), HasSubstr("module.sig_enforce"));
  EXPECT_THAT(module_facts(rules), Contains(Pair("module signatures", "enforced")));
}

TEST(ModuleRules, NoModulesAtAllIsNoMatterOfSigning) {
  const PlantedFiles files;
  files.plant("/proc/sys/kernel/modules_disabled", "1\n");
  const ModuleRules rules = read_module_rules(files.root());
  EXPECT_THAT(why_unsigned_is_refused(rules), HasSubstr("no more modules"));
  EXPECT_THAT(how_to_be_taken(rules), HasSubstr("another boot"));
}

TEST(ModuleRules, SecureBootWithLockdownUnreadableIsAWarningAndNothingReadableIsNone) {
  const PlantedFiles files;
  ModuleRules rules = read_module_rules(files.root());
  EXPECT_EQ(why_unsigned_is_refused(rules), "");
  for (const auto& [name, value] : module_facts(rules)) EXPECT_NE(value, "") << name;
  EXPECT_THAT(module_facts(rules), Contains(Pair("Secure Boot", StartsWith("unknown"))));
  files.plant("/sys/firmware/memmap/0", "");
  rules = read_module_rules(files.root());
  EXPECT_THAT(module_facts(rules), Contains(Pair("Secure Boot", "off, not booted by EFI")));
  files.plant(kSecureBoot, kOn);
  rules = read_module_rules(files.root());
  EXPECT_THAT(why_unsigned_is_refused(rules), StartsWith("Secure Boot is on"));
}

}  // namespace
}  // namespace tlblab
