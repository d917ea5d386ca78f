// SPDX-License-Identifier: GPL-2.0-only
// Readers of /proc and /sys on made-up files: settings, quotas, CPU usage, configuration.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "tests/unit/topology_planted_files.hh"
#include "user/topology/cgroup_quota.hh"
#include "user/topology/cpu_model.hh"
#include "user/topology/cpu_usage.hh"
#include "user/topology/digest.hh"
#include "user/topology/kernel_config.hh"
#include "user/topology/kernel_files.hh"
#include "user/topology/private_mount.hh"
#include "user/topology/settings.hh"

namespace tlblab {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::StartsWith;

TEST(KernelFiles, MissingFileSaysWhichAndWhy) {
  const FileText file = read_kernel_file("/nowhere/at/all");
  EXPECT_FALSE(file.ok());
  EXPECT_EQ(file.problem, "/nowhere/at/all: no such file");
}

TEST(KernelFiles, ReadsLongFilesAndDropsTheirEnd) {
  const PlantedFiles files;
  files.plant("/long", std::string(10000, 'x') + "\n\n");
  EXPECT_EQ(read_kernel_file(files.root() + "/long").text, std::string(10000, 'x'));
}

TEST(KernelFiles, SmallParsers) {
  EXPECT_EQ(value_of_key("model\t: 17\nmodel name\t: EPYC\n", "model name"), "EPYC");
  EXPECT_EQ(value_of_key("a: 1", "b"), "");
  EXPECT_TRUE(has_word("fpu pcid invpcid", "pcid"));
  EXPECT_FALSE(has_word("fpu invpcid pcide", "pcid"));
  EXPECT_EQ(bracketed_choice("always [madvise] never"), "madvise");
  EXPECT_EQ(bracketed_choice("plain"), "plain");
  EXPECT_THAT(parse_kernel_cpu_list("0-2,5\n"), ElementsAre(0, 1, 2, 5));
  EXPECT_THAT(parse_kernel_cpu_list(""), ElementsAre());
}

TEST(PrivateMount, FindsMountsByType) {
  const std::string mountinfo =
      "20 1 0:18 / /proc rw,relatime shared:5 - proc proc rw\n"
      "33 21 0:12 / /sys/kernel/tracing rw,nosuid - tracefs tracefs rw\n";
  EXPECT_EQ(find_mount_point(mountinfo, "tracefs"), "/sys/kernel/tracing");
  EXPECT_EQ(find_mount_point(mountinfo, "trace"), "");
  EXPECT_EQ(find_mount_point(mountinfo, "debugfs"), "");
}

TEST(PrivateMount, MountedFileSystemIsReadInPlace) {
  const std::vector<FileText> files = read_files_of("proc", "/nowhere", {"version", "no-such"});
  ASSERT_THAT(files, SizeIs(2));
  EXPECT_EQ(files[0].text, read_kernel_file("/proc/version").text);
  EXPECT_THAT(files[1].problem, HasSubstr("no such file"));
}

TEST(PrivateMount, FailureReachesEveryPathAndChangesNothing) {
  const std::string before = read_kernel_file("/proc/self/mountinfo").text;
  const std::vector<FileText> files = read_files_of("no-such-type", "/proc", {"a", "b", "c"});
  ASSERT_THAT(files, SizeIs(3));
  for (const FileText& file : files) {
    EXPECT_FALSE(file.ok());
    EXPECT_THAT(file.problem, HasSubstr("no-such-type"));
  }
  EXPECT_EQ(read_kernel_file("/proc/self/mountinfo").text, before);
}

TEST(Digest, KnownAnswer) {
  const FileText digest = sha256("abc");  // FIPS 180-4's example
  ASSERT_TRUE(digest.ok()) << digest.problem;
  EXPECT_EQ(digest.text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(KernelConfig, CompressedPlainAndMissing) {
  const PlantedFiles files;
  const FileText missing = read_kernel_config("6.1.0", files.root());
  EXPECT_THAT(missing.problem, HasSubstr("config.gz"));
  EXPECT_THAT(missing.problem, HasSubstr("config-6.1.0"));
  files.plant("/boot/config-6.1.0", "CONFIG_B=y\n");
  EXPECT_EQ(read_kernel_config("6.1.0", files.root()).text, "CONFIG_B=y\n");
  files.plant("/proc/config.gz", "");
  gzFile packed = gzopen((files.root() + "/proc/config.gz").c_str(), "w");
  ASSERT_EQ(gzwrite(packed, "CONFIG_A=m\n", 11), 11);
  gzclose(packed);
  const FileText config = read_kernel_config("6.1.0", files.root());
  EXPECT_EQ(config.text, "CONFIG_A=m\n");
  EXPECT_TRUE(config_has(config.text, "A"));
  EXPECT_FALSE(config_has("CONFIG_XA=y\n# CONFIG_A is not set\n", "A"));
}

TEST(CpuModel, X86AndArm64AndNeither) {
  EXPECT_EQ(cpu_model("model name\t: Fast\ncpu family\t: 6\nmodel\t: 85\nstepping\t: 7\n"),
            "Fast, family 6 model 85 stepping 7");
  EXPECT_EQ(cpu_model("CPU implementer\t: 0x41\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\n"
                      "CPU revision\t: 1\n"),
            "Neoverse N1 r3p1 (implementer 0x41, part 0xd0c)");
  EXPECT_THAT(cpu_model(""), StartsWith("unknown"));
}

TEST(CommandLine, ShowsSettingsAndHidesIdentity) {
  EXPECT_EQ(
      publishable_command_line("BOOT_IMAGE=/vmlinuz root=UUID=12-34 ro quiet mitigations=off "
                               "isolcpus=2-3 ip=10.0.0.1 rd.luks.uuid=abc "
                               "cryptdevice=/dev/sda1 foo=LABEL=bar dyndbg=\"a b\" -- secret x"),
      "BOOT_IMAGE=/vmlinuz root=... ro quiet mitigations=off isolcpus=2-3 ip=... "
      "rd.luks.uuid=... cryptdevice=... foo=... dyndbg=\"a b\" -- ...");
  EXPECT_EQ(publishable_command_line(""), "");
}

TEST(CommandLine, LastValueWinsAndInitsArgumentsDoNot) {
  EXPECT_EQ(command_line_value("isolcpus=1 isolcpus=2 -- isolcpus=3", "isolcpus"), "2");
  EXPECT_EQ(command_line_value("xisolcpus=1", "isolcpus"), std::nullopt);
}

TEST(Settings, EverySettingIsRead) {
  const PlantedFiles files;
  const std::string thp = "/sys/kernel/mm/transparent_hugepage/";
  files.plant(thp + "enabled", "always [madvise] never\n");
  files.plant(thp + "hpage_pmd_size", "2097152\n");
  files.plant(thp + "hugepages-2048kB/enabled", "always [inherit] madvise never\n");
  files.plant(thp + "hugepages-64kB/enabled", "[always] inherit madvise never\n");
  files.plant(thp + "hugepages-32kB/enabled", "always inherit madvise [never]\n");
  files.plant("/proc/sys/kernel/numa_balancing", "1\n");
  files.plant("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
  files.plant("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n");
  files.plant("/sys/devices/system/cpu/intel_pstate/no_turbo", "1\n");
  files.plant("/sys/devices/system/cpu/smt/control", "on\n");
  files.plant("/proc/sys/vm/max_map_count", "65530\n");
  files.plant("/proc/sys/vm/overcommit_memory", "2\n");
  files.plant("/proc/sys/kernel/perf_event_paranoid", "3\n");
  files.plant("/proc/cmdline", "isolcpus=2-3 quiet\n");
  const std::vector<Fact> facts = read_settings({0, 1}, files.root());
  EXPECT_THAT(facts, Contains(Pair("transparent huge pages", "madvise")));
  EXPECT_THAT(facts, Contains(Pair("multi-size huge pages", "64kB always")));
  EXPECT_THAT(facts, Contains(Pair("NUMA balancing", "on (1)")));
  EXPECT_THAT(facts,
              Contains(Pair("frequency governor", "performance on CPUs 1; powersave on CPUs 0")));
  EXPECT_THAT(facts, Contains(Pair("turbo", "off")));
  EXPECT_THAT(facts, Contains(Pair("SMT control", "on")));
  EXPECT_THAT(facts, Contains(Pair("max_map_count", "65530")));
  EXPECT_THAT(facts, Contains(Pair("overcommit", "2 (strict)")));
  EXPECT_THAT(facts, Contains(Pair("perf_event_paranoid", "3")));
  EXPECT_THAT(facts, Contains(Pair("isolcpus", "2-3")));
  EXPECT_THAT(facts, Contains(Pair("nohz_full", "none")));
}

TEST(Settings, NothingToReadStillGivesEveryLine) {
  const PlantedFiles files;
  const std::size_t nr_settings = read_settings({0}).size();
  for (const auto& [name, value] : read_settings({0}, files.root())) EXPECT_NE(value, "") << name;
  EXPECT_THAT(read_settings({0}, files.root()), SizeIs(nr_settings));
  EXPECT_THAT(read_mitigations(files.root()),
              ElementsAre(Pair("mitigations", StartsWith("unknown"))));
}

TEST(Settings, MitigationsInOrder) {
  const PlantedFiles files;
  files.plant("/sys/devices/system/cpu/vulnerabilities/meltdown", "Mitigation: PTI\n");
  files.plant("/sys/devices/system/cpu/vulnerabilities/l1tf", "Not affected\n");
  EXPECT_THAT(read_mitigations(files.root()),
              ElementsAre(Pair("l1tf", "Not affected"), Pair("meltdown", "Mitigation: PTI")));
}

constexpr const char* kMountVersion2 =
    "30 25 0:26 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* kMountVersion1 =
    "31 25 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
    "32 25 0:28 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n";

TEST(CgroupQuota, NoneWhereNobodySetsOne) {
  const PlantedFiles files;
  EXPECT_EQ(read_cpu_quota(files.root()).cpus, std::nullopt);
  files.plant("/proc/self/mountinfo", kMountVersion2);
  files.plant("/proc/self/cgroup", "0::/user.slice\n");
  files.plant("/sys/fs/cgroup/user.slice/cpu.max", "max 100000\n");
  EXPECT_EQ(read_cpu_quota(files.root()).cpus, std::nullopt);
}

TEST(CgroupQuota, TheTightestAncestorCounts) {
  const PlantedFiles files;
  files.plant("/proc/self/mountinfo", kMountVersion2);
  files.plant("/proc/self/cgroup", "0::/a/b/c\n");
  files.plant("/sys/fs/cgroup/a/b/c/cpu.max", "300000 100000\n");
  files.plant("/sys/fs/cgroup/a/cpu.max", "150000 100000\n");
  files.plant("/sys/fs/cgroup/a/cpu.stat", "usage_usec 5\nnr_periods 9\nnr_throttled 4\n");
  const CpuQuota quota = read_cpu_quota(files.root());
  EXPECT_DOUBLE_EQ(quota.cpus.value_or(0), 1.5);
  EXPECT_EQ(quota.where, "/sys/fs/cgroup/a/cpu.max");
  EXPECT_EQ(quota.nr_throttled, 4u);
}

TEST(CgroupQuota, VersionOneAndAPathFromOutsideTheContainer) {
  const PlantedFiles files;
  files.plant("/proc/self/mountinfo", kMountVersion1);
  files.plant("/proc/self/cgroup", "5:cpuset:/x\n4:cpu,cpuacct:/docker/123\n");
  files.plant("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
  files.plant("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_DOUBLE_EQ(read_cpu_quota(files.root()).cpus.value_or(0), 0.5);
  files.plant("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(read_cpu_quota(files.root()).cpus, std::nullopt);
}

TEST(CpuUsage, TicksPerCpu) {
  const auto ticks = parse_cpu_ticks(
      "cpu  1 1 1 1 1 1 1 1 0 0\ncpu0 10 20 30 400 50 6 7 8 9 0\ncpu3 1 0 0 0 0 0 0 0 0 0\nintr "
      "5\n");
  ASSERT_THAT(ticks, SizeIs(2));
  EXPECT_EQ(ticks.at(0).busy, 73u);
  EXPECT_EQ(ticks.at(0).idle, 450u);
  EXPECT_EQ(ticks.at(0).steal, 8u);
  EXPECT_EQ(ticks.at(3).total(), 1u);
}

/// A line of /proc/PID/stat with the fields that matter.
std::string process_line(const std::string& name, int user, int system, int cpu) {
  std::string line = "12 (" + name + ") R 1 1 1 0 -1 0 0 0 0 0 " + std::to_string(user) + " " +
                     std::to_string(system);
  for (int field = 16; field < 39; ++field) line += " 0";
  return line + " " + std::to_string(cpu) + " 0 0 0";
}

TEST(CpuUsage, ProcessNamesMayHoldAnything) {
  ProcessTicks process;
  ASSERT_TRUE(parse_process_stat(process_line("a) R (b\x1b", 5, 6, 3), process));
  EXPECT_EQ(process.name, "a) R (b?");
  EXPECT_EQ(process.ticks, 11u);
  EXPECT_EQ(process.last_cpu, 3);
  EXPECT_FALSE(parse_process_stat("nonsense", process));
  EXPECT_FALSE(parse_process_stat("12 (cut) R 1 2", process));
}

TEST(CpuUsage, BusiestFirstAndRecycledNumbersFromZero) {
  const std::map<pid_t, ProcessTicks> before{{1, {"idle", 50, 0}}, {2, {"old", 900, 0}}};
  const std::map<pid_t, ProcessTicks> after{
      {1, {"idle", 50, 0}}, {2, {"new", 30, 1}}, {3, {"begun", 80, 0}}};
  const auto busy = busy_processes(before, after, 100, 0.02);
  ASSERT_THAT(busy, SizeIs(2));
  EXPECT_EQ(busy[0].name, "begun");
  EXPECT_DOUBLE_EQ(busy[0].share, 0.8);
  EXPECT_DOUBLE_EQ(busy[1].share, 0.3);
}

}  // namespace
}  // namespace tlblab
