#include "device/available_cpus.h"

#include <gtest/gtest.h>

#ifdef __linux__
#include <sched.h>
#endif

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>

namespace medinfer {
namespace {

namespace fs = std::filesystem;

// What a process finds under /proc and /sys, in a folder of its own.
class CgroupFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(::testing::TempDir()) / ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  void Write(const std::map<std::string, std::string>& files) const {
    for (const auto& [name, text] : files) {
      fs::create_directories((root_ / name).parent_path());
      std::ofstream(root_ / name) << text;
    }
  }

  fs::path root_;
};

constexpr const char* kMountV2 =
    "24 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n"
    "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

TEST_F(CgroupFiles, V2AsAContainerSeesItself) {
  Write({{"proc/self/cgroup", "0::/\n"},
         {"proc/self/mountinfo", kMountV2},
         {"sys/fs/cgroup/cpu.max", "150000 100000\n"}});
  EXPECT_EQ(CgroupCpuQuota(root_), 1.5);
}

TEST_F(CgroupFiles, V2TakesTheLeastOfAllThatStandAbove) {
  Write({{"proc/self/cgroup", "0::/user.slice/app.service/job\n"},
         {"proc/self/mountinfo", kMountV2},
         {"sys/fs/cgroup/user.slice/cpu.max", "200000 100000\n"},
         {"sys/fs/cgroup/user.slice/app.service/cpu.max", "50000 20000\n"},
         {"sys/fs/cgroup/user.slice/app.service/job/cpu.max", "max 100000\n"}});
  EXPECT_EQ(CgroupCpuQuota(root_), 2.0);
}

TEST_F(CgroupFiles, V2OfAGroupThatTheContainerIsToldByTheHostsName) {
  Write({{"proc/self/cgroup", "0::/docker/0123abc/inner\n"},
         {"proc/self/mountinfo", "30 23 0:26 /docker/0123abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n"},
         {"sys/fs/cgroup/cpu.max", "400000 100000\n"},
         {"sys/fs/cgroup/inner/cpu.max", "300000 100000\n"},
         {"sys/fs/cgroup/docker/0123abc/cpu.max", "100000 100000\n"}});
  EXPECT_EQ(CgroupCpuQuota(root_), 3.0);
}

TEST_F(CgroupFiles, V2OfAGroupThatIsNotSeenFromHere) {
  Write({{"proc/self/cgroup", "0::/../elsewhere\n"},
         {"proc/self/mountinfo", kMountV2},
         {"sys/fs/cgroup/cpu.max", "250000 100000\n"},
         {"sys/fs/elsewhere/cpu.max", "100000 100000\n"}});
  EXPECT_EQ(CgroupCpuQuota(root_), 2.5);
}

TEST_F(CgroupFiles, V1WithSeveralControllersInOneHierarchy) {
  Write({{"proc/self/cgroup", "11:memory:/docker/0123abc\n4:cpu,cpuacct:/docker/0123abc\n"},
         {"proc/self/mountinfo",
          "40 30 0:30 /docker/0123abc /sys/fs/cgroup/memory ro master:14 - cgroup cgroup rw,memory\n"
          "41 30 0:31 /docker/0123abc /sys/fs/cgroup/cpu,cpuacct ro master:15 - cgroup cgroup rw,cpu,cpuacct\n"},
         {"sys/fs/cgroup/memory/cpu.cfs_quota_us", "100000\n"},
         {"sys/fs/cgroup/memory/cpu.cfs_period_us", "100000\n"},
         {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "75000\n"},
         {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "50000\n"}});
  EXPECT_EQ(CgroupCpuQuota(root_), 1.5);
}

TEST_F(CgroupFiles, V1BesideV2WithoutTheController) {
  Write({{"proc/self/cgroup", "4:cpu,cpuacct:/job\n0::/job\n"},
         {"proc/self/mountinfo",
          "35 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
          "41 30 0:31 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"},
         {"sys/fs/cgroup/unified/job/cgroup.procs", "1\n"},
         {"sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "400000\n"},
         {"sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n"},
         {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"},
         {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"}});
  EXPECT_EQ(CgroupCpuQuota(root_), 4.0);
}

TEST_F(CgroupFiles, AMountPointWithABlank) {
  Write({{"proc/self/cgroup", "0::/\n"},
         {"proc/self/mountinfo", "30 23 0:26 / /mnt/my\\040groups rw - cgroup2 cgroup2 rw\n"},
         {"mnt/my groups/cpu.max", "50000 100000\n"}});
  EXPECT_EQ(CgroupCpuQuota(root_), 0.5);
}

TEST_F(CgroupFiles, NoQuota) {
  EXPECT_EQ(CgroupCpuQuota(root_), std::nullopt);  // no files
  for (const char* const text : {"max 100000\n", "", "x", "0 100000\n", "-1 100000\n", "100000 0\n", "100000"}) {
    Write({{"proc/self/cgroup", "0::/\n"}, {"proc/self/mountinfo", kMountV2}, {"sys/fs/cgroup/cpu.max", text}});
    EXPECT_EQ(CgroupCpuQuota(root_), std::nullopt) << text;
  }
  Write({{"proc/self/cgroup", "0\n:\n::\n"}, {"proc/self/mountinfo", "- - -\n\n30 23 0:26 / /sys - cgroup2\n"}});
  EXPECT_EQ(CgroupCpuQuota(root_), std::nullopt);
}

#ifdef __linux__
// In a thread of its own: the others keep their affinity.
TEST(AvailableCpus, AreThoseOfTheThreadsAffinity) {
  std::uint32_t found = 0;
  std::thread([&found] {
    cpu_set_t allowed;
    ASSERT_EQ(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
      if (CPU_ISSET(cpu, &allowed)) CPU_SET(cpu, &one);
    }
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    found = AvailableCpus();
  }).join();
  EXPECT_EQ(found, 1U);
  EXPECT_GE(AvailableCpus(), 1U);
  EXPECT_LE(AvailableCpus(), std::thread::hardware_concurrency());
}
#endif

}  // namespace
}  // namespace medinfer
