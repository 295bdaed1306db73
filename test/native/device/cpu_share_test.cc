#include "device/cpu_share.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

namespace medinfer {
namespace {

TEST(CpuShare, GivesAllToWhomeverIsAlone) {
  CpuShare share(6);
  EXPECT_EQ(share.ForDecoding(6), 6U);
  EXPECT_EQ(share.ForEncoding(), 6U);
  share.EndEncoding();
  share.SetDecoding(true);
  EXPECT_EQ(share.ForDecoding(6), 6U);
}

TEST(CpuShare, GivesEachHalfBesideTheOther) {
  for (const auto& [cores, decoder, encoder] : {std::array{1U, 1U, 1U}, {2U, 1U, 1U}, {3U, 2U, 1U}, {8U, 4U, 4U}}) {
    CpuShare share(cores);
    share.SetDecoding(true);
    EXPECT_EQ(share.ForEncoding(), encoder) << cores;
    EXPECT_EQ(share.ForDecoding(cores), decoder) << cores;
    EXPECT_EQ(share.ForDecoding(1), 1U) << cores;
    share.EndEncoding();
    EXPECT_EQ(share.ForDecoding(cores), cores);
  }
}

// A pass that began with all cores keeps them to the end of its piece; the decoder takes its half.
TEST(CpuShare, TellsAPassOfWhatBeganAfterIt) {
  CpuShare share(4);
  EXPECT_EQ(share.ForEncoding(), 4U);
  share.SetDecoding(true);
  EXPECT_EQ(share.ForDecoding(4), 2U);
  EXPECT_EQ(share.ForEncoding(), 2U);
  share.SetDecoding(false);
  EXPECT_EQ(share.ForEncoding(), 4U);
}

TEST(CpuShare, IsAskedByTwoThreads) {
  CpuShare share(2);
  std::atomic<bool> stop{false};
  std::thread encoder([&] {
    while (!stop) {
      const std::uint32_t n = share.ForEncoding();
      EXPECT_TRUE(n == 1 || n == 2);
      share.EndEncoding();
    }
  });
  for (int i = 0; i < 10'000; ++i) {
    share.SetDecoding(i % 2 == 0);
    const std::uint32_t n = share.ForDecoding(2);
    EXPECT_TRUE(n == 1 || n == 2);
  }
  stop = true;
  encoder.join();
}

}  // namespace
}  // namespace medinfer
