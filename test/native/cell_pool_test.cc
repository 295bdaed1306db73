#include "kv/cell_pool.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <random>

namespace medinfer {
namespace {

TEST(CellPool, RefusesWhatDoesNotFitAndChangesNothing) {
  CellPool pool(10, 2);
  const auto a = pool.Acquire(6);
  ASSERT_TRUE(a);
  EXPECT_FALSE(pool.Acquire(5));
  EXPECT_EQ(pool.used(), 6U);
  EXPECT_FALSE(pool.Grow(*a, 5));
  EXPECT_TRUE(pool.Grow(*a, 4));
  EXPECT_EQ(pool.free(), 0U);
  EXPECT_TRUE(pool.Acquire(0));
  EXPECT_FALSE(pool.has_free_sequence());
  EXPECT_FALSE(pool.Acquire(0));
  pool.Release(*a);
  EXPECT_EQ(pool.free(), 10U);
}

TEST(CellPool, AgreesWithANaiveModelUnderRandomUse) {
  std::mt19937 random(3);
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  constexpr std::uint32_t kCells = 50;
  constexpr std::size_t kSequences = 6;
  CellPool pool(kCells, kSequences);
  std::map<SequenceId, std::uint32_t> model;
  const auto used = [&] {
    return std::accumulate(model.begin(), model.end(), 0U, [](std::uint32_t n, const auto& e) { return n + e.second; });
  };
  for (int step = 0; step < 50000; ++step) {
    const auto cells = static_cast<std::uint32_t>(pick(0, 20));
    if (model.empty() || pick(0, 2) == 0) {
      const auto id = pool.Acquire(cells);
      ASSERT_EQ(id.has_value(), model.size() < kSequences && used() + cells <= kCells);
      if (id) {
        ASSERT_GE(*id, 0);
        ASSERT_LT(static_cast<std::size_t>(*id), kSequences);
        ASSERT_TRUE(model.emplace(*id, cells).second) << "an id was given out twice";
      }
    } else {
      const auto held = std::next(model.begin(), pick(0, static_cast<int>(model.size()) - 1));
      if (pick(0, 1) == 0) {
        const bool fits = used() + cells <= kCells;
        ASSERT_EQ(pool.Grow(held->first, cells), fits);
        if (fits) held->second += cells;
      } else {
        pool.Release(held->first);
        model.erase(held);
      }
    }
    ASSERT_EQ(pool.used(), used());
    ASSERT_EQ(pool.free(), kCells - used());
  }
}

}  // namespace
}  // namespace medinfer
