// Images in the cache: a match never ends inside one, whatever memory its cells are in, and one whose cells are there
// need not be read.
#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "scheduling/kv_cache.h"
#include "scheduling/kv_world.h"
#include "support/fake_engine.h"

namespace medinfer::testing {
namespace {

// A picture of 6 tokens between texts.
PreparedPrompt Pictured(std::uint32_t before, std::uint32_t behind, bool left_out = false) {
  PreparedPrompt prompt;
  prompt.chunks.emplace_back(Counting(0, before));
  MediaChunk media = FakeMedia(/*picture=*/1, 6, 6, /*named=*/true, /*whole=*/false);
  if (left_out) {
    media.embedding.reset();
    prompt.source = std::make_shared<const std::vector<PromptPart>>();
  }
  prompt.chunks.emplace_back(std::move(media));
  prompt.chunks.emplace_back(Counting(40, behind));
  prompt.n_tokens = before + 6 + behind;
  return prompt;
}

// Reads all of a prompt, and ends.
void Read(KvWorld& world, RequestId id, const PreparedPrompt& prompt, const std::string& salt = "") {
  ScheduledSequence sequence = world.Sequence(id, prompt, salt);
  ASSERT_TRUE(world.Admit(sequence));
  sequence.cursor.Skip(prompt.n_tokens - sequence.cursor.done());
  world.cache.Commit(sequence);
  world.cache.Release(sequence);
}

// Cells that a sequence begins with.
std::uint32_t Cached(KvWorld& world, const PreparedPrompt& prompt) {
  ScheduledSequence sequence = world.Sequence(9, prompt);
  EXPECT_TRUE(world.Admit(sequence));
  const std::uint32_t cached = *sequence.cached_cells;
  EXPECT_EQ(sequence.cursor.done(), cached);
  world.cache.Release(sequence);
  return cached;
}

// Drives all that is cached out of the pool.
void FillPool(KvWorld& world, std::uint32_t pages) {
  ScheduledSequence other = world.Sequence(8, Counting(500, pages * kPage));
  ASSERT_TRUE(world.Admit(other));
  world.cache.Release(other);
}

TEST(KvCacheImages, AnImageThatEndsInTheLastPageIsFoundWithIt) {
  for (const bool disk : {false, true}) {
    KvWorld world({.host_pages = disk ? 0U : 80U, .disk_pages = disk ? 80U : 0U});
    Read(world, 1, Pictured(3, 2));
    EXPECT_EQ(Cached(world, Pictured(3, 2)), 10U) << disk;
    // What goes on from its end, too.
    EXPECT_EQ(Cached(world, Pictured(3, 7)), 11U) << disk;
    // And what says something else behind it.
    PreparedPrompt other = Pictured(3, 2);
    std::get<TextChunk>(other.chunks.back()).front() = 99;
    EXPECT_EQ(Cached(world, other), 9U) << disk;
    FillPool(world, 10);
    EXPECT_EQ(Cached(world, Pictured(3, 2)), 10U) << disk;
  }
}

TEST(KvCacheImages, NothingOfAnImageIsUsedWhoseEndIsNowhere) {
  KvWorld world({});  // no rest is kept
  Read(world, 1, Pictured(3, 2));
  EXPECT_EQ(Cached(world, Pictured(3, 2)), 0U);
  Read(world, 2, Pictured(5, 8));
  EXPECT_EQ(Cached(world, Pictured(5, 8)), 16U);
}

TEST(KvCacheImages, ARestThatIsGoneTakesTheImageWithIt) {
  KvWorld world({.host_pages = 80});
  Read(world, 1, Pictured(3, 2));
  ScheduledSequence again = world.Sequence(2, Pictured(3, 2));
  PageTable found = world.cache.Find(again);
  EXPECT_EQ(found.size(), 8U);
  world.cache.Forget([](std::string_view) { return true; });
  ASSERT_TRUE(world.cache.Admit(again, found, 0));
  EXPECT_EQ(again.cached_cells, 0U);
  EXPECT_EQ(again.cursor.done(), 0U);
  EXPECT_EQ(world.pool.table(again.slot).size(), 11U);
}

TEST(KvCacheImages, KnowsWhetherAnImageThatWasLeftOutHasItsCells) {
  KvWorld world({.host_pages = 80});
  const auto has = [&](const PreparedPrompt& prompt, const std::string& salt = "") {
    return world.cache.HasUnreadable(world.Sequence(7, prompt, salt));
  };
  EXPECT_TRUE(has(Pictured(3, 2)));
  EXPECT_FALSE(has(Pictured(3, 2, /*left_out=*/true)));
  Read(world, 1, Pictured(3, 2));
  EXPECT_TRUE(has(Pictured(3, 2, true)));
  EXPECT_TRUE(has(Pictured(3, 9, true)));
  EXPECT_FALSE(has(Pictured(4, 2, true)));
  EXPECT_FALSE(has(Pictured(3, 2, true), "other"));
  FillPool(world, 10);
  EXPECT_TRUE(has(Pictured(3, 2, true)));
  ScheduledSequence sequence = world.Sequence(2, Pictured(3, 2, true));
  ASSERT_TRUE(world.Admit(sequence));
  EXPECT_GE(sequence.written(), sequence.cursor.n_unreadable());
  world.cache.Release(sequence);
  world.cache.Forget([](std::string_view) { return true; });
  EXPECT_FALSE(has(Pictured(3, 2, true)));
}

TEST(KvCacheImages, ThoseThatAreDearToEncodeAreKeptLongerThanText) {
  for (const double cost : {0.0, 50.0}) {
    for (const bool disk : {false, true}) {
      KvWorld world({.pages = 5, .host_pages = disk ? 0U : 12U, .disk_pages = disk ? 12U : 0U});
      world.cache.SetImageCost(cost);
      Read(world, 1, Pictured(5, 8));
      for (int i = 0; i < 10; ++i) {
        ScheduledSequence text = world.Sequence(2, Counting(100 * (i + 1), 19));
        ASSERT_TRUE(world.Admit(text));
        world.ComputeAll(text);
        world.cache.Commit(text);
        world.cache.Release(text);
      }
      // The pages above the image, of text alone, stay with it; those behind it do not.
      EXPECT_GE(Cached(world, Pictured(5, 8)), cost > 0 ? 11U : 0U) << "on a disk: " << disk;
      if (cost == 0) {
        EXPECT_EQ(Cached(world, Pictured(5, 8)), 0U) << "on a disk: " << disk;
      }
    }
  }
}

}  // namespace
}  // namespace medinfer::testing
