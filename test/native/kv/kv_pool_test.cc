#include "kv/kv_pool.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace medinfer {
namespace {

std::vector<CellKey> Keys(std::uint32_t count, CellKey first = 0) {
  std::vector<CellKey> keys(count);
  std::iota(keys.begin(), keys.end(), first);
  return keys;
}

KvPool::Options Small() { return {.cells = 10 * 4, .page_size = 4, .max_sequences = 3, .prefix_cache = true}; }

// Takes a sequence for a prompt, with what the cache has of it.
std::optional<SequenceId> Begin(KvPool& pool, const std::vector<CellKey>& keys, std::uint32_t headroom = 0) {
  PageTable prefix = pool.FindPrefix(keys, "");
  return pool.Acquire(prefix, static_cast<std::uint32_t>(keys.size()) - prefix.size(), headroom);
}

TEST(KvPool, RoundsUpToWholePages) {
  KvPool pool({.cells = 33, .page_size = 16, .max_sequences = 1, .prefix_cache = true});
  EXPECT_EQ(pool.cells(), 48U);
}

TEST(KvPool, RefusesWhatDoesNotFitAndChangesNothing) {
  KvPool pool(Small());
  const auto a = Begin(pool, Keys(24));
  ASSERT_TRUE(a);
  EXPECT_FALSE(Begin(pool, Keys(20, 100)));
  EXPECT_FALSE(Begin(pool, Keys(16, 100), /*headroom=*/1));
  EXPECT_FALSE(pool.Grow(*a, 17));
  EXPECT_EQ(pool.pages().used(), 6U);
  EXPECT_TRUE(pool.Grow(*a, 16));
  EXPECT_EQ(pool.available(), 0U);
  EXPECT_EQ(pool.cells_held(), 40U);
  pool.Release(*a);
  EXPECT_EQ(pool.pages().free(), 10U);
  EXPECT_EQ(pool.cells_held(), 0U);
}

TEST(KvPool, GivesTheLowestFreeIdAndRefusesOneTooMany) {
  KvPool pool(Small());
  EXPECT_EQ(Begin(pool, Keys(1, 10)), 0);
  EXPECT_EQ(Begin(pool, Keys(1, 20)), 1);
  EXPECT_EQ(Begin(pool, Keys(1, 30)), 2);
  EXPECT_FALSE(Begin(pool, Keys(1, 40)));
  pool.Release(1);
  EXPECT_EQ(Begin(pool, Keys(1, 40)), 1);
}

TEST(KvPool, KeepsWhatWasCommittedUntilRoomIsNeeded) {
  KvPool pool(Small());
  const auto keys = Keys(10);
  const auto a = Begin(pool, keys);
  pool.Commit(*a, keys, "");
  pool.Release(*a);
  EXPECT_EQ(pool.cache().evictable(), 2U);
  EXPECT_EQ(pool.available(), 10U);

  PageTable found = pool.FindPrefix(keys, "");
  EXPECT_EQ(found.size(), 8U);
  EXPECT_EQ(pool.available(), 8U);  // what was found is held
  found.Clear();

  const auto all = Begin(pool, Keys(40, 100));
  ASSERT_TRUE(all);
  EXPECT_EQ(pool.cache().cached(), 0U);
  EXPECT_EQ(pool.cache().stats().evicted, 2U);
}

TEST(KvPool, SequencesSharePagesOfACommonBeginning) {
  KvPool pool(Small());
  const auto keys = Keys(8);
  const auto a = Begin(pool, keys);
  pool.Commit(*a, keys, "");
  auto longer = keys;
  longer.push_back(99);
  const auto b = Begin(pool, longer);
  ASSERT_TRUE(b);
  EXPECT_EQ(pool.pages().used(), 3U);
  EXPECT_EQ(pool.table(*b).Cell(0), pool.table(*a).Cell(0));
  EXPECT_NE(pool.table(*b).Cell(8), pool.table(*a).Cell(7));
}

TEST(KvPool, FindsNothingWithoutTheCache) {
  KvPool pool(Small());
  pool.DisableCache();
  const auto keys = Keys(8);
  const auto a = Begin(pool, keys);
  pool.Commit(*a, keys, "");
  pool.Release(*a);
  EXPECT_TRUE(pool.FindPrefix(keys, "").empty());
  EXPECT_EQ(pool.pages().free(), 10U);
}

TEST(KvPool, CountsUnheldCellsOfUsedPagesAsFragmentation) {
  KvPool pool(Small());
  EXPECT_EQ(pool.Fragmentation(), 0.0);
  ASSERT_TRUE(Begin(pool, Keys(6, 10)));
  EXPECT_DOUBLE_EQ(pool.Fragmentation(), 0.25);
}

}  // namespace
}  // namespace medinfer
