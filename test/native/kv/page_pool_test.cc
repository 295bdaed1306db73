#include "kv/page_pool.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <utility>
#include <vector>

namespace medinfer {
namespace {

TEST(PagePool, GivesTheLowestFreePage) {
  PagePool pool(3, 4);
  EXPECT_EQ(pool.Allocate(), 0U);
  EXPECT_EQ(pool.Allocate(), 1U);
  EXPECT_EQ(pool.Allocate(), 2U);
  EXPECT_FALSE(pool.Allocate());
  pool.Unref(1);
  EXPECT_EQ(pool.end(), 3U);
  pool.Unref(2);
  EXPECT_EQ(pool.end(), 1U);
  EXPECT_EQ(pool.Allocate(), 1U);
  EXPECT_EQ(pool.peak_used(), 3U);
}

TEST(PagePool, APageIsFreeWhenItsLastHolderLetsGo) {
  PagePool pool(2, 4);
  const PageId page = *pool.Allocate();
  pool.SetFilled(page, 3);
  pool.Ref(page);
  EXPECT_EQ(pool.shared(), 1U);
  pool.Unref(page);
  EXPECT_EQ(pool.shared(), 0U);
  EXPECT_EQ(pool.filled(page), 3U);
  pool.Unref(page);
  EXPECT_EQ(pool.free(), 2U);
  EXPECT_EQ(pool.Allocate(), page);
  EXPECT_EQ(pool.filled(page), 0U) << "what an earlier holder wrote is not the next one's";
}

TEST(PagePool, MisuseChangesNothing) {
  PagePool pool(2, 4);
  for (const PageId page : {PageId{0}, PageId{2}, PageId{1} << 31}) {
    pool.Ref(page);
    pool.Unref(page);
    pool.SetFilled(page, 1);
    EXPECT_EQ(pool.refs(page), 0U);
    EXPECT_EQ(pool.filled(page), 0U);
  }
  EXPECT_EQ(pool.used(), 0U);
  EXPECT_EQ(pool.end(), 0U);
  const PageId page = *pool.Allocate();
  pool.SetFilled(page, 99);
  EXPECT_EQ(pool.filled(page), 4U);
}

TEST(PagePool, AnEmptyPoolHasNothingToGive) {
  PagePool pool(0, 32);
  EXPECT_FALSE(pool.Allocate());
  EXPECT_EQ(pool.total(), 0U);
}

class SharingLog final : public PagePool::Observer {
 public:
  void OnSharing(PageId page, bool shared) override { calls.emplace_back(page, shared); }

  std::vector<std::pair<PageId, bool>> calls;
};

TEST(PagePool, TellsItsObserverOfTheSecondHolderOnly) {
  PagePool pool(2, 4);
  SharingLog log;
  pool.SetObserver(&log);
  const PageId page = *pool.Allocate();
  EXPECT_TRUE(log.calls.empty());
  for (int i = 0; i < 2; ++i) pool.Ref(page);
  EXPECT_EQ(log.calls, (std::vector<std::pair<PageId, bool>>{{page, true}}));
  for (int i = 0; i < 3; ++i) pool.Unref(page);
  EXPECT_EQ(log.calls, (std::vector<std::pair<PageId, bool>>{{page, true}, {page, false}}));
  pool.SetObserver(nullptr);
}

TEST(PagePool, AgreesWithANaiveModelUnderRandomUse) {
  std::mt19937 random(11);
  const auto pick = [&](std::uint32_t low, std::uint32_t high) {
    return std::uniform_int_distribution<std::uint32_t>(low, high)(random);
  };
  constexpr std::uint32_t kPages = 150;  // more than two words of the bitmap
  PagePool pool(kPages, 8);
  std::map<PageId, std::uint32_t> model;  // page -> refs
  std::size_t peak = 0;
  for (int step = 0; step < 50000; ++step) {
    // In waves: for a while more is allocated, then more is freed.
    const bool grow = pick(0, 9) < (step / 1000 % 2 == 0 ? 7U : 3U);
    if (grow) {
      PageId lowest = 0;
      while (model.contains(lowest)) ++lowest;
      const auto page = pool.Allocate();
      ASSERT_EQ(page.has_value(), model.size() < kPages);
      if (page) {
        ASSERT_EQ(*page, lowest);
        ASSERT_EQ(pool.filled(*page), 0U);
        model[*page] = 1;
        pool.SetFilled(*page, pick(1, 8));
      }
    } else if (!model.empty()) {
      const auto held = std::next(model.begin(), pick(0, static_cast<std::uint32_t>(model.size()) - 1));
      if (pick(0, 3) == 0) {
        pool.Ref(held->first);
        ++held->second;
      } else {
        pool.Unref(held->first);
        if (--held->second == 0) model.erase(held);
      }
    }
    peak = std::max(peak, model.size());
    std::uint32_t shared = 0;
    for (const auto& [page, refs] : model) {
      ASSERT_EQ(pool.refs(page), refs);
      shared += refs > 1 ? 1 : 0;
    }
    ASSERT_EQ(pool.used(), model.size());
    ASSERT_EQ(pool.free(), kPages - model.size());
    ASSERT_EQ(pool.shared(), shared);
    ASSERT_EQ(pool.peak_used(), peak);
    ASSERT_EQ(pool.end(), model.empty() ? 0 : model.rbegin()->first + 1);
  }
}

}  // namespace
}  // namespace medinfer
