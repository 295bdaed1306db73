#include "device/placement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace medinfer {
namespace {

// Devices that take `fixed` bytes for the first layer and `per_layer` for each.
struct Gpu {
  std::uint64_t free = 0;
  std::uint64_t fixed = 0;
  std::uint64_t per_layer = 0;

  std::uint64_t Needs(std::int32_t layers) const { return fixed + per_layer * static_cast<std::uint64_t>(layers); }
  bool Holds(std::int32_t layers) const { return Needs(layers) + kMarginBytes <= free; }
};

std::vector<std::uint64_t> FreeOf(const std::vector<Gpu>& devices) {
  std::vector<std::uint64_t> free;
  for (const Gpu& device : devices) free.push_back(device.free);
  return free;
}

TEST(FitLayers, FindsTheMostThatFit) {
  std::mt19937_64 random(1);
  const auto draw = [&](std::uint64_t low, std::uint64_t high) {
    return std::uniform_int_distribution<std::uint64_t>(low, high)(random);
  };
  for (int round = 0; round < 2000; ++round) {
    const auto n_layers = static_cast<std::int32_t>(draw(1, 100));
    std::vector<Gpu> devices(draw(1, 4));
    for (Gpu& device : devices) {
      device = {.free = draw(0, 64ULL << 30U), .fixed = draw(0, 4ULL << 30U), .per_layer = draw(0, 1ULL << 30U)};
    }
    int measured = 0;
    const auto found = FitLayers(n_layers, FreeOf(devices), [&](std::int32_t layers) {
      ++measured;
      EXPECT_GE(layers, 1);
      EXPECT_LE(layers, n_layers + 1);
      std::vector<DeviceMemory> memory;
      for (const Gpu& device : devices) memory.push_back({.device = "GPU", .weights = device.Needs(layers)});
      memory.push_back({.device = "CPU", .weights = 1ULL << 60U});
      return Result<std::vector<DeviceMemory>>(std::move(memory));
    });
    std::int32_t wanted = n_layers + 1;
    const auto all_hold = [&](std::int32_t layers) {
      return std::ranges::all_of(devices, [&](const Gpu& device) { return device.Holds(layers); });
    };
    while (wanted > 0 && !all_hold(wanted)) --wanted;
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(found.value(), wanted);
    EXPECT_LE(measured, 8);  // 1 + log2(101)
  }
}

TEST(FitLayers, EndsWithWhatTheMeasurementFailsWith) {
  const auto found = FitLayers(10, {1ULL << 40U}, [](std::int32_t) {
    return Result<std::vector<DeviceMemory>>(Status(Code::kAborted, "enough"));
  });
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.status().code(), Code::kAborted);
}

TEST(ChooseDevices, TakesTheCpuWhereNothingElseIsInstalled) {
  LoadOptions options;
  auto placement = ChooseDevices(options);
  ASSERT_TRUE(placement.ok());
  EXPECT_TRUE(placement.value().devices.empty());
  EXPECT_EQ(placement.value().warning, "");
}

// No GPU's kernel takes an F32 cache.
TEST(ChooseDevices, KeepsAnF32CacheOnTheCpu) {
  LoadOptions options;
  options.kv_type = KvType::kF32;
  options.cuda_backend = "nowhere.so";
  auto placement = ChooseDevices(options);
  ASSERT_TRUE(placement.ok());
  EXPECT_TRUE(placement.value().devices.empty());
  EXPECT_NE(placement.value().warning.find("kv.type \"f32\""), std::string::npos);
  options.device = Device::kCuda;
  EXPECT_EQ(ChooseDevices(options).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace medinfer
