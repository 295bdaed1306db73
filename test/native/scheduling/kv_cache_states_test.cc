// What ended requests leave for others, over a store that knows what every cell was computed on.
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "scheduling/kv_cache.h"
#include "scheduling/kv_world.h"
#include "support/fake_engine.h"

namespace medinfer::testing {
namespace {

TEST(KvCacheStates, KeepLeavesTheWrittenCellsAsAStateAndFreesTheId) {
  KvWorld world({.ids = 1, .prefix_cache = false});
  ScheduledSequence a = world.Sequence(7, Counting(0, 7), "salt");
  ASSERT_TRUE(world.Admit(a));
  world.ComputeAll(a);
  ASSERT_TRUE(world.Decode(a, 50));
  ASSERT_TRUE(world.cache.Grow(a));  // reserved, and not written
  EXPECT_EQ(world.used(), 3U);
  world.cache.Keep(a);
  EXPECT_TRUE(world.store.attached().empty());
  EXPECT_TRUE(world.cache.has_free_id());
  EXPECT_EQ(world.cache.cells_held(), 0U);
  EXPECT_TRUE(a.keys.empty());
  EXPECT_EQ(world.used(), 2U) << "a page for nothing";
  world.ExpectState(7, Joined(Counting(0, 7), {50}), 8, "salt");
  world.cache.DropState(8);
  EXPECT_EQ(world.used(), 2U);
  world.cache.DropState(7);
  EXPECT_EQ(world.used(), 0U);
  world.cache.DropState(7);
  EXPECT_EQ(world.cache.ReadState(7).cells, 0U);
  EXPECT_TRUE(world.cache.ReadState(7).keys.empty());
}

TEST(KvCacheStates, AForkOfAStateOutlivesIt) {
  KvWorld world({.prefix_cache = false});
  world.MakeState(1, Counting(0, 7));
  world.cache.ForkState(1, 2);
  world.cache.ForkState(1, 3);
  world.cache.ForkState(99, 4);
  EXPECT_EQ(world.used(), 2U);
  EXPECT_EQ(world.cache.stats().pages_shared, 2U);
  EXPECT_TRUE(world.cache.ReadState(4).keys.empty());
  world.cache.DropState(1);
  world.cache.DropState(3);
  world.ExpectState(2, Counting(0, 7), 7);
  // Both the fork and what goes on from it have a last page of their own.
  ScheduledSequence a = world.Sequence(5, Joined(Counting(0, 7), {90, 91}), "", 2);
  ASSERT_TRUE(world.Admit(a));
  EXPECT_EQ(a.cursor.done(), 7U);
  world.ComputeAll(a);
  ScheduledSequence b = world.Sequence(6, Joined(Counting(0, 7), {80, 81}), "", 2);
  ASSERT_TRUE(world.Admit(b));
  EXPECT_EQ(b.cursor.done(), 7U);
  world.ComputeAll(b);
  world.ExpectRight(a);
  world.ExpectRight(b);
  world.ExpectState(2, Counting(0, 7), 7);
}

TEST(KvCacheStates, FindsThePartOfAStateThatThePromptGoesOnFrom) {
  KvWorld world({.prefix_cache = false});
  world.MakeState(1, Counting(0, 7), "salt");
  const auto found = [&](const Tokens& tokens, StateId base, const std::string& salt = "salt") {
    return world.cache.Find(world.Sequence(9, tokens, salt, base)).size();
  };
  EXPECT_EQ(found(Counting(0, 12), 1), 7U);
  EXPECT_EQ(found(Counting(0, 8), 1), 7U);
  // What does not go on from all of it shares whole pages, and leaves a token to compute.
  EXPECT_EQ(found(Counting(0, 7), 1), 4U);
  EXPECT_EQ(found(Joined(Counting(0, 6), {70, 71, 72}), 1), 4U);
  EXPECT_EQ(found(Joined(Counting(0, 3), {70, 71, 72}), 1), 0U);
  EXPECT_EQ(found(Counting(0, 4), 1), 0U);
  EXPECT_EQ(found(Counting(0, 12), 0), 0U);
  EXPECT_EQ(found(Counting(0, 12), 2), 0U);
  EXPECT_EQ(found(Counting(0, 12), 1, "other"), 0U);
  EXPECT_EQ(world.used(), 2U) << "what was looked at stays held";
}

TEST(KvCacheStates, FindsTheLongerOfStateAndPrefixCache) {
  KvWorld world({});
  world.MakeState(1, Counting(0, 7), "", /*commit=*/true);
  ScheduledSequence a = world.Sequence(2, Counting(0, 13));
  ASSERT_TRUE(world.Admit(a));
  world.ComputeAll(a);
  EXPECT_EQ(world.cache.Find(world.Sequence(9, Counting(0, 13), "", 1)).size(), 7U);
  world.cache.Commit(a);
  EXPECT_EQ(world.cache.Find(world.Sequence(9, Counting(0, 13), "", 1)).size(), 12U);
  EXPECT_EQ(world.cache.Find(world.Sequence(9, Counting(0, 8), "", 1)).size(), 7U);
}

TEST(KvCacheStates, NeverEndsAMatchInsideAPicture) {
  KvWorld world({.prefix_cache = false});
  const auto pictured = [](std::uint32_t text, std::uint32_t picture, bool named) {
    PreparedPrompt prompt;
    prompt.chunks.emplace_back(Counting(0, text));
    prompt.chunks.emplace_back(FakeMedia(picture, 6, 2, named, /*whole=*/false));
    prompt.chunks.emplace_back(Counting(40, 4));
    prompt.n_tokens = text + 10;
    return prompt;
  };
  ScheduledSequence a = world.Sequence(1, pictured(5, 1, true));
  ASSERT_TRUE(world.Admit(a));
  a.cursor.Skip(15);
  world.cache.Keep(a);
  PreparedPrompt longer = pictured(5, 1, true);
  std::get<TextChunk>(longer.chunks.back()).push_back(99);
  ++longer.n_tokens;
  EXPECT_EQ(world.cache.Find(world.Sequence(2, longer, "", 1)).size(), 15U);
  // All but the last token is a match of 14, so whole pages: 12, which is in the text behind the picture.
  EXPECT_EQ(world.cache.Find(world.Sequence(2, pictured(5, 1, true), "", 1)).size(), 12U);
  // Another picture, or one that has no name: what is before it, in whole pages.
  EXPECT_EQ(world.cache.Find(world.Sequence(2, pictured(5, 2, true), "", 1)).size(), 4U);
  EXPECT_EQ(world.cache.Find(world.Sequence(2, pictured(5, 1, false), "", 1)).size(), 4U);
  // Positions may be fewer than cells: the store learns the position.
  ScheduledSequence b = world.Sequence(2, longer, "", 1);
  ASSERT_TRUE(world.Admit(b));
  EXPECT_EQ(world.store.attached().at(b.slot).cells, 15U);
  EXPECT_EQ(world.store.attached().at(b.slot).position, 10);
}

TEST(KvCacheStates, ReadsOfAStateWhosePagesWereGivenUpWhatThePrefixCacheStillHas) {
  KvWorld world({.pages = 4});
  world.MakeState(1, Counting(0, 7), "", /*commit=*/true);
  ScheduledSequence a = world.Sequence(2, Counting(50, 9));
  ASSERT_TRUE(world.Admit(a));
  world.ExpectState(1, Counting(0, 7), 4);
  EXPECT_EQ(world.cache.Find(world.Sequence(9, Counting(0, 8), "", 1)).size(), 4U);
  world.ComputeAll(a);
  while (world.cache.pages_available() > 0) ASSERT_TRUE(world.Decode(a, 1));
  world.ExpectState(1, Counting(0, 7), 0);
}

TEST(KvCacheStates, ReadsOfAStateWhosePagesLeftThePoolWhatOtherMemoryHas) {
  for (const bool disk : {false, true}) {
    KvWorld world({.pages = 4, .host_pages = disk ? 0U : 80U, .disk_pages = disk ? 80U : 0U});
    world.MakeState(1, Counting(0, 11), "", /*commit=*/true);
    ScheduledSequence a = world.Sequence(2, Counting(50, 16));
    ASSERT_TRUE(world.Admit(a));
    world.ComputeAll(a);
    world.ExpectState(1, Counting(0, 11), 0);  // a page of which there is no room for
    world.cache.Release(a);
    // What was behind its last whole page is in host memory alone.
    world.ExpectState(1, Counting(0, 11), disk ? 8 : 11);
    EXPECT_EQ(world.used(), 0U);
  }
}

TEST(KvCacheStates, AStateThatGaveUpItsPagesIsGoneOnFromAsIfItHadThem) {
  KvWorld world({.pages = 4, .host_pages = 80});
  world.MakeState(1, Counting(0, 11), "", /*commit=*/true);
  ScheduledSequence a = world.Sequence(2, Counting(50, 16));
  ASSERT_TRUE(world.Admit(a));
  world.cache.Release(a);
  ScheduledSequence b = world.Sequence(3, Counting(0, 14), "", 1);
  ASSERT_TRUE(world.Admit(b));
  EXPECT_EQ(b.cached_cells, 11U);
  world.ComputeAll(b);
  world.ExpectRight(b);
}

TEST(KvCacheStates, AStateThatWasReadIsTheSameInAnotherCache) {
  for (const bool prefix_cache : {false, true}) {
    KvWorld from({.prefix_cache = prefix_cache});
    from.MakeState(1, Counting(0, 11), "salt");
    KvWorld to({.pages = 5, .prefix_cache = prefix_cache});
    EXPECT_EQ(to.cache.WriteState(8, from.cache.ReadState(1), 0), 11U);
    EXPECT_EQ(to.used(), 3U);
    EXPECT_EQ(to.cache.cells_held(), 0U);
    to.ExpectState(8, Counting(0, 11), 11, "salt");
    ScheduledSequence a = to.Sequence(2, Counting(0, 14), "salt", 8);
    ASSERT_TRUE(to.Admit(a));
    EXPECT_EQ(a.cursor.done(), 11U);
    to.ComputeAll(a);
    to.ExpectRight(a);
    // Its whole pages are for all, its last one is not.
    EXPECT_EQ(to.cache.Find(to.Sequence(3, Counting(0, 14), "salt")).size(), prefix_cache ? 8U : 0U);
  }
}

TEST(KvCacheStates, DoesNotWriteWhatThePrefixCacheHas) {
  KvWorld world({});
  ScheduledSequence a = world.Sequence(1, Counting(0, 9));
  ASSERT_TRUE(world.Admit(a));
  world.ComputeAll(a);
  world.cache.Commit(a);
  const std::vector<CellKey> keys = world.Sequence(2, Counting(0, 11)).keys;
  std::vector<CellValue> values = ValuesOf(keys, "");
  std::fill_n(values.begin(), 8, CellValue{0});  // what is there is in use, and stays
  EXPECT_EQ(world.cache.WriteState(2, {"", keys, 11, Packed(values)}, 0), 11U);
  EXPECT_EQ(world.used(), 4U);
  world.ExpectRight(a);
  world.ExpectState(2, Counting(0, 11), 11);
}

TEST(KvCacheStates, WritesAsManyCellsOfAStateAsThereIsRoomFor) {
  const std::vector<CellKey> keys = KvWorld({}).Sequence(1, Counting(0, 14)).keys;
  const KvCache::StateCells state{"", keys, 14, Packed(ValuesOf(keys, ""))};
  for (std::uint32_t beside = 0; beside <= 4; ++beside) {
    KvWorld world({.pages = 4, .prefix_cache = beside % 2 == 0});
    ScheduledSequence a = world.Sequence(2, Counting(90, 4));
    ASSERT_TRUE(world.Admit(a));
    world.ComputeAll(a);
    const std::uint32_t room = beside < 3 ? (3 - beside) * kPage : 0;
    EXPECT_EQ(world.cache.WriteState(1, state, beside), room);
    world.ExpectState(1, Counting(0, 14), room);
    EXPECT_GE(world.cache.pages_available(), std::min(beside, 3U));
    world.ExpectRight(a);
  }
}

TEST(KvCacheStates, WritingAStateGivesUpOlderOnesWhereRoomIsShort) {
  KvWorld world({.pages = 4, .prefix_cache = false});
  world.MakeState(1, Counting(0, 4));
  world.MakeState(2, Counting(20, 4));
  const std::vector<CellKey> keys = world.Sequence(3, Counting(40, 12)).keys;
  const std::vector<std::uint8_t> bytes = Packed(ValuesOf(keys, ""));
  EXPECT_EQ(world.cache.WriteState(3, {"", keys, 12, bytes}, 0), 12U);
  world.ExpectState(1, Counting(0, 4), 0);
  world.ExpectState(2, Counting(20, 4), 4);
  world.ExpectState(3, Counting(40, 12), 12);
}

TEST(KvCacheStates, AStateWithFewerCellsThanKeysKeepsItsKeys) {
  KvWorld world({});
  const std::vector<CellKey> keys = world.Sequence(1, Counting(0, 14)).keys;
  std::vector<CellValue> values = ValuesOf(keys, "");
  values.resize(6);
  EXPECT_EQ(world.cache.WriteState(1, {"", keys, 6, Packed(values)}, 0), 6U);
  world.ExpectState(1, Counting(0, 14), 6);
  // A file without cells is good for what the prefix cache has of its keys.
  EXPECT_EQ(world.cache.WriteState(1, {"", keys, 0, {}}, 0), 0U);
  world.ExpectState(1, Counting(0, 14), 4);
}

}  // namespace
}  // namespace medinfer::testing
