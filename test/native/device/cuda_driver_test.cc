#include "device/cuda_driver.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "support/places.h"

namespace medinfer {
namespace {

// The driver answers as `answers` say, see fake_cuda_driver.cc.
Result<CudaDriver> OpenFake(const char* answers) {
  setenv("MEDINFER_FAKE_CUDA", answers, /*overwrite=*/1);
  return CudaDriver::Open(places::kFakeCudaDriver);
}

TEST(CudaDriver, IsMissing) {
  const auto driver = CudaDriver::Open("libcuda-that-nobody-has.so.1");
  ASSERT_FALSE(driver.ok());
  EXPECT_EQ(driver.status().code(), Code::kNoDevice);
  EXPECT_NE(driver.status().message().find("no NVIDIA driver"), std::string::npos);
}

TEST(CudaDriver, DoesNotStart) {
  const auto driver = OpenFake("init=803");
  ASSERT_FALSE(driver.ok());
  EXPECT_EQ(driver.status().code(), Code::kNoDevice);
  EXPECT_NE(driver.status().message().find("CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"), std::string::npos);
}

TEST(CudaDriver, NamesAnErrorItDoesNotKnowByItsNumber) {
  EXPECT_NE(OpenFake("init=12345").status().message().find("error 12345"), std::string::npos);
}

TEST(CudaDriver, FindsNoGpu) {
  for (const char* answers : {"count=0", "init=100"}) {
    const auto driver = OpenFake(answers);
    ASSERT_FALSE(driver.ok());
    EXPECT_EQ(driver.status().code(), Code::kNoDevice);
    EXPECT_NE(driver.status().message().find("CUDA_VISIBLE_DEVICES"), std::string::npos);
  }
}

TEST(CudaDriver, TellsOfItsDevices) {
  const auto driver = OpenFake("version=12040 count=2 capability=89");
  ASSERT_TRUE(driver.ok());
  EXPECT_EQ(driver.value().cuda_version(), 12040);
  ASSERT_EQ(driver.value().devices().size(), 2U);
  EXPECT_EQ(driver.value().devices()[1].pci_bus_id, "0000:c1:00.0");
  EXPECT_EQ(driver.value().devices()[1].capability, 89U);
  EXPECT_EQ(driver.value().devices()[1].memory_total, std::uint64_t{80} << 30U);
  EXPECT_TRUE(driver.value().Enter().ok());
}

TEST(CudaDriver, LetsNobodyIn) {
  const auto busy = OpenFake("count=2 enter=46");
  ASSERT_TRUE(busy.ok());
  EXPECT_EQ(busy.value().Enter().code(), Code::kDeviceBusy);
  EXPECT_TRUE(IsRetryable(Code::kDeviceBusy));
  EXPECT_EQ(OpenFake("enter=2").value().Enter().code(), Code::kOutOfMemory);
  EXPECT_EQ(OpenFake("enter=719").value().Enter().code(), Code::kNoDevice);
}

}  // namespace
}  // namespace medinfer
