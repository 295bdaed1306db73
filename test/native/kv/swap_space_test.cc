#include "kv/swap_space.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <utility>
#include <vector>

namespace medinfer {
namespace {

SwapSpace::Cells Some(std::uint32_t count, std::uint8_t value) {
  return {count, std::vector<std::uint8_t>(std::size_t{count} * 4, value)};
}

TEST(SwapSpaceTest, WithoutABudgetNothingHasRoom) {
  const SwapSpace swap(0);
  EXPECT_FALSE(swap.HasRoom(1));
  EXPECT_TRUE(swap.HasRoom(0));
}

TEST(SwapSpaceTest, GivesBackOnce) {
  SwapSpace swap(100);
  swap.Keep(7, Some(3, 9));
  EXPECT_EQ(swap.used(), 12U);
  EXPECT_FALSE(swap.Take(8).has_value());
  const auto cells = swap.Take(7);
  ASSERT_TRUE(cells.has_value());
  EXPECT_EQ(cells->count, 3U);
  EXPECT_EQ(cells->bytes, std::vector<std::uint8_t>(12, 9));
  EXPECT_FALSE(swap.Take(7).has_value());
  EXPECT_EQ(swap.used(), 0U);
}

TEST(SwapSpaceTest, NeverExceedsItsBudgetAndKeepsWhatIsInIt) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    const std::uint64_t budget = random() % 4000;
    SwapSpace swap(budget);
    std::map<RequestId, std::pair<std::uint32_t, std::uint8_t>> naive;
    std::uint64_t used = 0;
    for (int step = 0; step < 300; ++step) {
      const RequestId id = random() % 12;
      if (random() % 2 == 0 && !naive.contains(id)) {
        const auto count = static_cast<std::uint32_t>(random() % 300);
        const auto value = static_cast<std::uint8_t>(random());
        ASSERT_EQ(swap.HasRoom(std::uint64_t{count} * 4), used + std::uint64_t{count} * 4 <= budget);
        if (!swap.HasRoom(std::uint64_t{count} * 4)) continue;
        swap.Keep(id, Some(count, value));
        naive[id] = {count, value};
        used += std::uint64_t{count} * 4;
      } else {
        const auto cells = swap.Take(id);
        ASSERT_EQ(cells.has_value(), naive.contains(id));
        if (!cells) continue;
        ASSERT_EQ(cells->bytes, Some(naive[id].first, naive[id].second).bytes);
        used -= cells->bytes.size();
        naive.erase(id);
      }
      ASSERT_EQ(swap.used(), used);
    }
  }
}

}  // namespace
}  // namespace medinfer
