// Admission, growth, forks and swapping, over a store that knows what every cell was computed on.
#include "scheduling/kv_cache.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "scheduling/kv_world.h"

namespace medinfer::testing {
namespace {

TEST(KvCache, AdmitsWithAnIdCellsForThePromptAndTheStoreAttached) {
  KvWorld world({});
  ScheduledSequence a = world.Sequence(1, Counting(0, 9));
  ASSERT_TRUE(world.Admit(a));
  EXPECT_EQ(a.slot, 0);
  EXPECT_EQ(a.cached_cells, 0U);
  EXPECT_EQ(world.pool.table(a.slot).size(), 9U);
  EXPECT_EQ(world.store.attached().at(a.slot).position, -1);
  EXPECT_EQ(world.used(), 3U);
  EXPECT_EQ(world.cache.cells_held(), 9U);
  EXPECT_EQ(world.cache.pages_available(), 7U);
  world.ComputeAll(a);
  world.ExpectRight(a);
  EXPECT_EQ(world.cache.stats().prefix_hits, 0U);
}

TEST(KvCache, ReleaseFreesTheIdTheCellsAndTheStoreInOneCall) {
  KvWorld world({.ids = 1});
  ScheduledSequence a = world.Sequence(1, Counting(0, 9));
  ASSERT_TRUE(world.Admit(a));
  EXPECT_FALSE(world.cache.has_free_id());
  world.ComputeAll(a);
  world.cache.Release(a);
  EXPECT_TRUE(world.cache.has_free_id());
  EXPECT_TRUE(world.store.attached().empty());
  EXPECT_EQ(world.cache.cells_held(), 0U);
  EXPECT_EQ(world.cache.stats().pages_free, 10U);
  EXPECT_EQ(world.cache.ReadState(1).cells, 0U);
}

TEST(KvCache, FindsWholePagesThatWereCommittedAndNeverAllOfThePrompt) {
  KvWorld world({});
  ScheduledSequence a = world.Sequence(1, Counting(0, 10));
  ASSERT_TRUE(world.Admit(a));
  world.Compute(a, 7);
  EXPECT_TRUE(world.cache.Find(world.Sequence(9, Counting(0, 10))).empty());
  world.cache.Commit(a);
  EXPECT_EQ(a.committed, 4U);
  EXPECT_EQ(world.cache.Find(world.Sequence(9, Counting(0, 10))).size(), 4U);
  world.Compute(a, 3);
  world.cache.Commit(a);
  EXPECT_EQ(a.committed, 8U);
  world.cache.Release(a);
  EXPECT_EQ(world.cached(), 2U);
  EXPECT_EQ(world.cache.Find(world.Sequence(9, Counting(0, 30))).size(), 8U);
  EXPECT_EQ(world.cache.Find(world.Sequence(9, Counting(0, 9))).size(), 8U);
  EXPECT_EQ(world.cache.Find(world.Sequence(9, Counting(0, 8))).size(), 4U);
  EXPECT_TRUE(world.cache.Find(world.Sequence(9, Counting(0, 4))).empty());
  EXPECT_TRUE(world.cache.Find(world.Sequence(9, Counting(1, 10))).empty());
  EXPECT_TRUE(world.cache.Find(world.Sequence(9, Counting(0, 10), "other")).empty());
}

TEST(KvCache, CommitsWhatWasDrawnBehindThePrompt) {
  KvWorld world({});
  ScheduledSequence a = world.Sequence(1, Counting(0, 6));
  ASSERT_TRUE(world.Admit(a));
  world.ComputeAll(a);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(world.Decode(a, 50 + i));
    world.cache.Commit(a);
  }
  EXPECT_EQ(a.committed, 8U);
  world.cache.Release(a);
  ScheduledSequence b = world.Sequence(2, Joined(Counting(0, 6), {50, 51, 52}));
  ASSERT_TRUE(world.Admit(b));
  EXPECT_EQ(b.cursor.done(), 8U);
  world.ExpectRight(b);
}

TEST(KvCache, AdmitsWithWhatWasFoundAndCountsIt) {
  KvWorld world({});
  ScheduledSequence a = world.Sequence(1, Counting(0, 10));
  ASSERT_TRUE(world.Admit(a));
  world.ComputeAll(a);
  world.cache.Commit(a);
  ScheduledSequence b = world.Sequence(2, Joined(Counting(0, 9), {77, 78, 79, 80}));
  ASSERT_TRUE(world.Admit(b));
  EXPECT_EQ(b.cursor.done(), 8U);
  EXPECT_EQ(b.committed, 8U);
  EXPECT_EQ(b.cached_cells, 8U);
  EXPECT_EQ(world.used(), 5U);
  world.ExpectRight(b);
  world.ComputeAll(b);
  world.ExpectRight(b);
  world.ExpectRight(a);
  const KvStats kv = world.cache.stats();
  EXPECT_EQ(kv.prefix_hits, 1U);
  EXPECT_EQ(kv.tokens_saved, 8U);
  // What it finds of its own after a preemption was not cached before it.
  world.cache.Commit(b);
  world.Preempt(b);
  ASSERT_TRUE(world.Admit(b));
  EXPECT_EQ(b.cursor.done(), 12U);
  EXPECT_EQ(b.cached_cells, 8U);
}

TEST(KvCache, RefusesWithoutAnIdAndLeavesStatesAndWhatWasFound) {
  KvWorld world({.ids = 1});
  world.MakeState(1, Counting(0, 8), "", /*commit=*/true);
  ScheduledSequence a = world.Sequence(2, Counting(100, 4));
  ASSERT_TRUE(world.Admit(a));
  ScheduledSequence b = world.Sequence(3, Counting(0, 12));
  PageTable found = world.cache.Find(b);
  EXPECT_FALSE(world.cache.Admit(b, found, 0));
  EXPECT_EQ(found.size(), 8U);
  EXPECT_EQ(b.slot, -1);
  EXPECT_FALSE(b.cached_cells);
  EXPECT_EQ(world.store.attached().size(), 1U);
  found.Clear();
  EXPECT_EQ(world.used(), 3U) << "the state has lost its cells for nothing";
  world.cache.Release(a);
  EXPECT_TRUE(world.Admit(b));
}

TEST(KvCache, KeepsHeadroomWhenItAdmits) {
  KvWorld world({.pages = 4});
  ScheduledSequence a = world.Sequence(1, Counting(0, 9));
  PageTable found = world.cache.Find(a);
  EXPECT_FALSE(world.cache.Admit(a, found, 2));
  EXPECT_EQ(world.used(), 0U);
  EXPECT_TRUE(world.cache.has_free_id());
  EXPECT_TRUE(world.cache.Admit(a, found, 1));
  ScheduledSequence b = world.Sequence(2, Counting(50, 5));
  EXPECT_FALSE(world.Admit(b));
}

TEST(KvCache, AdmissionGivesUpTheStatesThatWereUsedLeastLatelyAndNoMore) {
  KvWorld world({.pages = 6, .prefix_cache = false});
  world.MakeState(1, Counting(0, 8));
  world.MakeState(2, Counting(20, 8));
  EXPECT_EQ(world.cache.ReadState(1).cells, 8U);  // it is used
  ScheduledSequence a = world.Sequence(3, Counting(40, 16));
  ASSERT_TRUE(world.Admit(a));
  world.ExpectState(1, Counting(0, 8), 8);
  world.ExpectState(2, Counting(20, 8), 0);
  ScheduledSequence b = world.Sequence(4, Counting(60, 4));
  ASSERT_TRUE(world.Admit(b));
  world.ExpectState(1, Counting(0, 8), 0);
}

TEST(KvCache, DoesNotGiveUpTheStateThatItGoesOnFromUnderItself) {
  KvWorld world({.pages = 4, .prefix_cache = false});
  world.MakeState(1, Counting(0, 10));
  ScheduledSequence a = world.Sequence(2, Counting(0, 16), "", /*base=*/1);
  ASSERT_TRUE(world.Admit(a));
  EXPECT_EQ(a.cursor.done(), 10U);
  world.ExpectRight(a);
  world.ComputeAll(a);
  world.ExpectRight(a);
}

TEST(KvCache, GrowsByGivingUpStatesAndRefusesWithNoChange) {
  KvWorld world({.pages = 4, .prefix_cache = false});
  world.MakeState(1, Counting(0, 8));
  ScheduledSequence a = world.Sequence(2, Counting(20, 8));
  ASSERT_TRUE(world.Admit(a));
  world.ComputeAll(a);
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(world.Decode(a, i));
  EXPECT_EQ(world.cache.ReadState(1).cells, 0U);
  EXPECT_FALSE(world.cache.Grow(a));
  EXPECT_EQ(world.pool.table(a.slot).size(), 16U);
  EXPECT_EQ(world.cache.cells_held(), 16U);
  world.ExpectRight(a);
}

// Computes a prompt, offers its pages to the prefix cache, and ends.
void ReadOnce(KvWorld& world, RequestId id, const Tokens& tokens, const std::string& salt = "") {
  ScheduledSequence sequence = world.Sequence(id, tokens, salt);
  ASSERT_TRUE(world.Admit(sequence));
  if (sequence.cursor.reading()) world.ComputeAll(sequence);
  world.ExpectRight(sequence);
  world.cache.Commit(sequence);
  world.cache.Release(sequence);
}

TEST(KvCache, WhatLeavesThePoolComesBackFromHostMemory) {
  KvWorld world({.pages = 4, .host_pages = 100});
  ReadOnce(world, 1, Counting(0, 14));
  ReadOnce(world, 2, Counting(100, 14));  // takes its pages
  EXPECT_GT(world.cache.stats().host_pages, 0U);
  ScheduledSequence again = world.Sequence(3, Counting(0, 14));
  ASSERT_TRUE(world.Admit(again));
  EXPECT_EQ(again.cursor.done(), 13U);  // three pages, and of the rest behind them all but the last token
  EXPECT_EQ(again.cached_cells, 13U);
  EXPECT_EQ(world.cache.stats().tokens_restored, 13U);
  world.ExpectRight(again);
  world.ComputeAll(again);
  world.ExpectRight(again);
  world.cache.Commit(again);
  world.cache.Release(again);
  // They are of the pool again, and their copies are still there.
  EXPECT_EQ(world.cached(), 3U);
  EXPECT_EQ(world.cache.stats().host_pages, 8U);
}

// What has been read of 14 tokens in pages of 4, and is read again as `tokens`: how many are not computed again.
std::uint32_t CachedOf(const Tokens& first, const Tokens& tokens, std::uint64_t host_pages = 100) {
  KvWorld world({.pages = 10, .host_pages = host_pages});
  ReadOnce(world, 1, first);
  ScheduledSequence again = world.Sequence(2, tokens);
  EXPECT_TRUE(world.Admit(again));
  world.ExpectRight(again);
  const std::uint32_t cached = again.cursor.done();
  world.ComputeAll(again);
  world.ExpectRight(again);
  return cached;
}

TEST(KvCache, WhatStandsBehindTheLastWholePageIsNotComputedAgain) {
  EXPECT_EQ(CachedOf(Counting(0, 14), Counting(0, 14)), 13U);
  EXPECT_EQ(CachedOf(Counting(0, 14), Counting(0, 20)), 14U);
  EXPECT_EQ(CachedOf(Counting(0, 15), Joined(Counting(0, 14), Counting(100, 6))), 14U);
  EXPECT_EQ(CachedOf(Counting(0, 14), Joined(Counting(0, 12), Counting(100, 6))), 12U);
  EXPECT_EQ(CachedOf(Counting(0, 16), Counting(0, 16)), 15U);  // ends with its page
  EXPECT_EQ(CachedOf(Counting(0, 3), Counting(0, 3)), 2U);     // has no whole page
  EXPECT_EQ(CachedOf(Counting(0, 14), Counting(0, 14), /*host_pages=*/0), 12U);
}

TEST(KvCache, LeavesNoRestWhereNothingIsCached) {
  KvWorld world({.pages = 10, .host_pages = 100, .prefix_cache = false});
  ReadOnce(world, 1, Counting(0, 7));
  EXPECT_EQ(world.cache.stats().host_pages, 0U);
}

TEST(KvCache, AnAnswersRestIsLeftForWhatGoesOnFromIt) {
  KvWorld world({.pages = 10, .host_pages = 100});
  ScheduledSequence first = world.Sequence(1, Counting(0, 5));
  ASSERT_TRUE(world.Admit(first));
  world.ComputeAll(first);
  world.cache.Commit(first);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(world.Decode(first, 50 + i));
  world.cache.Commit(first);
  world.cache.LeaveRest(first);
  world.cache.Release(first);
  ScheduledSequence next = world.Sequence(2, Joined(Joined(Counting(0, 5), Counting(50, 5)), Counting(80, 7)));
  ASSERT_TRUE(world.Admit(next));
  EXPECT_EQ(next.cursor.done(), 10U);
  world.ExpectRight(next);
  world.cache.Release(next);
  // The prompt's own is still there.
  ScheduledSequence same = world.Sequence(3, Joined(Counting(0, 5), Counting(70, 7)));
  ASSERT_TRUE(world.Admit(same));
  EXPECT_EQ(same.cursor.done(), 5U);
  world.ExpectRight(same);
}

TEST(KvCache, ARestIsOfOneSalt) {
  KvWorld world({.pages = 10, .host_pages = 100});
  ReadOnce(world, 1, Counting(0, 7), "a");
  ScheduledSequence other = world.Sequence(2, Counting(0, 7), "b");
  ASSERT_TRUE(world.Admit(other));
  EXPECT_EQ(other.cursor.done(), 0U);
  world.cache.Release(other);
  world.cache.Forget([](std::string_view salt) { return salt == "a"; });
  ScheduledSequence own = world.Sequence(3, Counting(0, 7), "a");
  ASSERT_TRUE(world.Admit(own));
  EXPECT_EQ(own.cursor.done(), 0U);
}

TEST(KvCache, GoesOnInHostMemoryBehindWhatThePoolHas) {
  KvWorld world({.pages = 5, .host_pages = 100});
  ReadOnce(world, 1, Counting(0, 17));
  ReadOnce(world, 2, Counting(100, 9));  // takes its last pages
  ScheduledSequence again = world.Sequence(3, Counting(0, 17));
  PageTable found = world.cache.Find(again);
  EXPECT_GT(found.size(), 0U);
  EXPECT_LT(found.size(), 16U);
  ASSERT_TRUE(world.cache.Admit(again, found, 0));
  EXPECT_EQ(again.cursor.done(), 16U);
  world.ExpectRight(again);
}

TEST(KvCache, WhatHostMemoryHasNoRoomForComesBackFromTheDisk) {
  for (const std::uint64_t host_pages : {0U, 2U}) {
    KvWorld world({.pages = 4, .host_pages = host_pages, .disk_pages = 30});
    for (RequestId id = 1; id <= 4; ++id) ReadOnce(world, id, Counting(static_cast<std::int32_t>(100 * id), 14));
    if (host_pages == 0) world.disk->Flush();
    EXPECT_GT(world.cache.stats().disk_pages, 0U);
    ScheduledSequence again = world.Sequence(9, Counting(100, 14));
    world.cache.ReadAhead(again);
    ASSERT_TRUE(world.Admit(again));
    EXPECT_EQ(again.cursor.done(), 12U);
    world.ExpectRight(again);
    world.cache.Release(again);
    world.cache.Forget([](std::string_view) { return true; });
    EXPECT_EQ(world.cache.stats().disk_pages, 0U);
  }
}

TEST(KvCache, WhatTheDiskHasDamagedIsComputedAgain) {
  auto file = SpillFile::Create(std::filesystem::temp_directory_path().string());
  ASSERT_TRUE(file.ok());
  SpillFile* const raw = file.value().get();
  KvWorld world({.pages = 4});
  DiskPages disk(std::move(file.value()), 1U << 20U);
  KvCache cache(world.pool, world.store, 0, 0, &disk);
  const auto read = [&](RequestId id, std::int32_t first) {
    ScheduledSequence sequence = world.Sequence(id, Counting(first, 13));
    PageTable found = cache.Find(sequence);
    EXPECT_TRUE(cache.Admit(sequence, found, 0));
    world.ExpectRight(sequence);
    const std::uint32_t done = sequence.cursor.done();
    world.ComputeAll(sequence);
    world.ExpectRight(sequence);
    cache.Commit(sequence);
    cache.Release(sequence);
    return done;
  };
  read(1, 0);
  read(2, 100);
  disk.Flush();
  const std::vector<std::uint8_t> garbage(kPage * sizeof(CellValue), 1);
  for (std::uint32_t block = 0; block < 8; ++block) ASSERT_TRUE(raw->Write(block, garbage));
  EXPECT_EQ(read(3, 0), 0U);
  EXPECT_GT(cache.stats().disk_lost, 0U);
}

TEST(KvCache, HostMemoryIsOfOneSalt) {
  KvWorld world({.pages = 4, .host_pages = 100});
  ReadOnce(world, 1, Counting(0, 14), "a");
  ReadOnce(world, 2, Counting(100, 14));
  ScheduledSequence other = world.Sequence(3, Counting(0, 14), "b");
  ASSERT_TRUE(world.Admit(other));
  EXPECT_EQ(other.cursor.done(), 0U);
  world.cache.Release(other);
  world.cache.Forget([](std::string_view salt) { return salt == "a"; });
  ScheduledSequence own = world.Sequence(4, Counting(0, 14), "a");
  ASSERT_TRUE(world.Admit(own));
  EXPECT_EQ(own.cursor.done(), 0U);
}

TEST(KvCache, WhatHostMemoryCannotTakeIsComputedAgain) {
  KvWorld world({.pages = 4, .host_pages = 100});
  ReadOnce(world, 1, Counting(0, 14));
  world.store.out_of_memory = true;
  ReadOnce(world, 2, Counting(100, 14));
  world.store.out_of_memory = false;
  EXPECT_EQ(world.cache.stats().host_pages, 1U);  // the rest of the first, which was left before
  ReadOnce(world, 3, Counting(0, 14));
}

TEST(KvCache, AForkSharesAllCellsAndGoesItsOwnWay) {
  KvWorld world({.pages = 4});
  ScheduledSequence a = world.Sequence(1, Counting(0, 6));
  ASSERT_TRUE(world.Admit(a));
  world.ComputeAll(a);
  ScheduledSequence b = world.Sequence(2, Counting(0, 6));
  b.TakePrompt(a);
  ASSERT_TRUE(world.cache.Fork(a, b, 1));
  EXPECT_NE(a.slot, b.slot);
  EXPECT_EQ(b.cached_cells, 6U);
  EXPECT_EQ(world.used(), 2U);
  world.ExpectRight(b);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(world.Decode(a, 10 + i));
    ASSERT_TRUE(world.Decode(b, 20 + i));
  }
  world.ExpectRight(a);
  world.ExpectRight(b);
  EXPECT_EQ(world.used(), 3U);
  world.cache.Release(a);
  world.ExpectRight(b);
  EXPECT_EQ(world.used(), 3U);
}

TEST(KvCache, ForksOnlyWithAnIdAndMoreThanTheHeadroom) {
  KvWorld world({.pages = 4, .ids = 2});
  ScheduledSequence a = world.Sequence(1, Counting(0, 6));
  ASSERT_TRUE(world.Admit(a));
  world.ComputeAll(a);
  ScheduledSequence b = world.Sequence(2, Counting(0, 6));
  b.TakePrompt(a);
  EXPECT_FALSE(world.cache.Fork(a, b, 2));
  EXPECT_EQ(world.store.attached().size(), 1U);
  EXPECT_TRUE(world.cache.Fork(a, b, 1));
  ScheduledSequence c = world.Sequence(3, Counting(0, 6));
  c.TakePrompt(a);
  EXPECT_FALSE(world.cache.Fork(a, c, 0));
  EXPECT_EQ(c.slot, -1);
  EXPECT_EQ(world.store.attached().size(), 2U);
}

TEST(KvCache, SwappedCellsComeBackAtTheNextAdmission) {
  KvWorld world({.swap_cells = 9, .prefix_cache = false});
  ScheduledSequence a = world.Sequence(1, Counting(0, 7));
  ASSERT_TRUE(world.Admit(a));
  world.ComputeAll(a);
  ASSERT_TRUE(world.Decode(a, 50));
  ASSERT_TRUE(world.Decode(a, 51));
  world.Preempt(a);
  EXPECT_TRUE(world.store.attached().empty());
  EXPECT_EQ(world.cache.stats().pages_free, 10U);
  EXPECT_EQ(world.cache.stats().swap_bytes, 9 * sizeof(CellValue));
  // Others write over its cells meanwhile.
  ScheduledSequence b = world.Sequence(2, Counting(100, 40));
  ASSERT_TRUE(world.Admit(b));
  world.ComputeAll(b);
  world.cache.Release(b);
  ASSERT_TRUE(world.Admit(a));
  EXPECT_EQ(a.cursor.done(), 8U) << "the last token of the prompt has to be computed";
  EXPECT_EQ(world.store.attached().at(a.slot).position, 7);
  world.ExpectRight(a);
  EXPECT_EQ(world.cache.stats().tokens_swapped, 8U);
  EXPECT_EQ(world.cache.stats().tokens_saved, 0U);
  EXPECT_EQ(world.cache.stats().swap_bytes, 0U);
  world.ComputeAll(a);
  world.ExpectRight(a);
  // They are used once.
  world.cache.Release(a);
  a.Rewind();
  ASSERT_TRUE(world.Admit(a));
  EXPECT_EQ(a.cursor.done(), 0U);
}

TEST(KvCache, WhatWasSwappedInIsOfferedToThePrefixCache) {
  KvWorld world({.swap_cells = 100});
  ScheduledSequence a = world.Sequence(1, Counting(0, 11));
  ASSERT_TRUE(world.Admit(a));
  world.Compute(a, 10);
  world.Preempt(a);
  ASSERT_TRUE(world.Admit(a));
  EXPECT_EQ(a.cursor.done(), 10U);
  EXPECT_EQ(a.committed, 8U);
  EXPECT_EQ(world.cache.Find(world.Sequence(9, Counting(0, 11))).size(), 8U);
}

TEST(KvCache, SwapsInOnlyWhatThePrefixCacheHasNot) {
  KvWorld world({.swap_cells = 100});
  ScheduledSequence a = world.Sequence(1, Counting(0, 11));
  ASSERT_TRUE(world.Admit(a));
  world.Compute(a, 10);
  world.cache.Commit(a);
  world.Preempt(a);
  ASSERT_TRUE(world.Admit(a));
  EXPECT_EQ(a.cursor.done(), 10U);
  EXPECT_EQ(world.cache.stats().tokens_saved, 8U);
  EXPECT_EQ(world.cache.stats().tokens_swapped, 2U);
  world.ExpectRight(a);
  // Where the cache has all of it, nothing is copied.
  KvWorld whole({.swap_cells = 100});
  ScheduledSequence b = whole.Sequence(1, Counting(0, 11));
  ASSERT_TRUE(whole.Admit(b));
  whole.Compute(b, 8);
  whole.cache.Commit(b);
  whole.Preempt(b);
  ASSERT_TRUE(whole.Admit(b));
  EXPECT_EQ(b.cursor.done(), 8U);
  EXPECT_EQ(whole.cache.stats().tokens_swapped, 0U);
  EXPECT_EQ(whole.cache.stats().swap_bytes, 0U);
}

TEST(KvCache, ASequenceWithoutRoomInHostMemoryIsComputedAgain) {
  KvWorld world({.swap_cells = 6, .prefix_cache = false});
  ScheduledSequence a = world.Sequence(1, Counting(0, 7));
  ScheduledSequence b = world.Sequence(2, Counting(20, 7));
  ASSERT_TRUE(world.Admit(a));
  ASSERT_TRUE(world.Admit(b));
  world.Compute(a, 5);
  world.Compute(b, 2);
  world.Preempt(a);
  world.Preempt(b);  // 7 cells in all
  EXPECT_EQ(world.cache.stats().swap_bytes, 5 * sizeof(CellValue));
  EXPECT_TRUE(world.store.attached().empty());
  ASSERT_TRUE(world.Admit(b));
  EXPECT_EQ(b.cursor.done(), 0U);
  ASSERT_TRUE(world.Admit(a));
  EXPECT_EQ(a.cursor.done(), 5U);
  // The room is free again.
  world.Compute(b, 6);
  world.Preempt(b);
  ASSERT_TRUE(world.Admit(b));
  EXPECT_EQ(b.cursor.done(), 6U);
  world.ExpectRight(a);
  world.ExpectRight(b);
}

TEST(KvCache, SwappingOutWithoutMemoryOrCellsIsARelease) {
  KvWorld world({.swap_cells = 100, .prefix_cache = false});
  ScheduledSequence a = world.Sequence(1, Counting(0, 7));
  ASSERT_TRUE(world.Admit(a));
  world.Preempt(a);  // nothing is written
  EXPECT_EQ(world.cache.stats().swap_bytes, 0U);
  ASSERT_TRUE(world.Admit(a));
  world.Compute(a, 5);
  world.store.out_of_memory = true;
  world.Preempt(a);
  world.store.out_of_memory = false;
  EXPECT_TRUE(world.store.attached().empty());
  EXPECT_EQ(world.cache.stats().pages_free, 10U);
  EXPECT_EQ(world.cache.stats().swap_bytes, 0U);
  ASSERT_TRUE(world.Admit(a));
  EXPECT_EQ(a.cursor.done(), 0U);
}

TEST(KvCache, DropSwappedFreesHostMemory) {
  KvWorld world({.swap_cells = 100, .prefix_cache = false});
  ScheduledSequence a = world.Sequence(1, Counting(0, 7));
  ASSERT_TRUE(world.Admit(a));
  world.Compute(a, 5);
  world.Preempt(a);
  world.cache.DropSwapped(2);
  EXPECT_EQ(world.cache.stats().swap_bytes, 5 * sizeof(CellValue));
  world.cache.DropSwapped(1);
  EXPECT_EQ(world.cache.stats().swap_bytes, 0U);
  world.cache.DropSwapped(1);
  ASSERT_TRUE(world.Admit(a));
  EXPECT_EQ(a.cursor.done(), 0U);
}

TEST(KvCache, OverAStoreThatIsNotPagedNothingIsSharedKeptInMemoryOrSwapped) {
  KvWorld world({.swap_cells = 100, .paged = false});
  world.pool.DisableCache();
  EXPECT_FALSE(world.cache.shares());
  EXPECT_FALSE(world.cache.stats().paged);
  ScheduledSequence a = world.Sequence(1, Counting(0, 9));
  ASSERT_TRUE(world.Admit(a));
  world.ComputeAll(a);
  world.cache.Commit(a);
  ScheduledSequence b = world.Sequence(2, Counting(0, 9));
  EXPECT_TRUE(world.cache.Find(b).empty());
  b.TakePrompt(a);
  EXPECT_FALSE(world.cache.Fork(a, b, 0));
  EXPECT_EQ(world.store.attached().size(), 1U);
  world.Preempt(a);
  EXPECT_TRUE(world.store.attached().empty());
  EXPECT_EQ(world.cache.stats().swap_bytes, 0U);
  ASSERT_TRUE(world.Admit(a));
  EXPECT_EQ(a.cursor.done(), 0U);
  // A state without cells is all that a file can bring.
  EXPECT_EQ(world.cache.WriteState(5, {"", b.keys, 0, {}}, 0), 0U);
  EXPECT_TRUE(world.cache.Find(world.Sequence(3, Counting(0, 12), "", 5)).empty());
  world.cache.Release(a);
  EXPECT_EQ(world.cache.stats().pages_free, 10U);
}

TEST(KvCache, SaysWhatThePoolHas) {
  KvWorld world({.pages = 5, .ids = 3, .swap_cells = 100});
  EXPECT_TRUE(world.cache.shares());
  EXPECT_EQ(world.cache.page_size(), kPage);
  EXPECT_EQ(world.cache.pages(), 5U);
  EXPECT_EQ(world.cache.cells(), 20U);
  EXPECT_EQ(world.cache.BytesPerCell(), sizeof(CellValue));
  ScheduledSequence a = world.Sequence(1, Counting(0, 6));
  ASSERT_TRUE(world.Admit(a));
  world.ComputeAll(a);
  world.cache.Commit(a);
  KvStats kv = world.cache.stats();
  EXPECT_EQ(kv.page_size, kPage);
  EXPECT_EQ(kv.pages, 5U);
  EXPECT_EQ(kv.pages_used, 2U);
  EXPECT_EQ(kv.pages_free, 3U);
  EXPECT_EQ(kv.pages_cached, 0U);
  EXPECT_DOUBLE_EQ(kv.fragmentation, 0.25);
  world.cache.Release(a);
  kv = world.cache.stats();
  EXPECT_EQ(kv.pages_used, 0U);
  EXPECT_EQ(kv.pages_cached, 1U);
  EXPECT_EQ(kv.pages_free, 4U);
  ScheduledSequence b = world.Sequence(2, Counting(50, 20));
  ASSERT_TRUE(world.Admit(b));
  EXPECT_EQ(world.cache.stats().pages_evicted, 1U);
}

}  // namespace
}  // namespace medinfer::testing
