#include "kv/prefix_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support/naive_prefix_tree.h"
#include "support/paged_world.h"

namespace medinfer {
namespace {

using testing::NaivePrefixTree;
using testing::PagedSequence;
using testing::PagedWorld;
using Keys = std::vector<CellKey>;
using Pages = std::vector<PageId>;

Keys Range(CellKey first, std::size_t n) {
  Keys keys(n);
  std::iota(keys.begin(), keys.end(), first);
  return keys;
}

Keys Joined(Keys a, const Keys& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Pages PagesOf(const PageTable& table) {
  Pages pages;
  for (const PageTable::Run& run : table.runs()) pages.push_back(run.page);
  return pages;
}

// Pages of two cells, so that the examples stay short.
class PrefixTreeTest : public ::testing::Test {
 protected:
  PageTable Written(const Keys& keys) {
    PageTable table(pool_);
    std::vector<std::uint32_t> cells;
    EXPECT_TRUE(table.Append(static_cast<std::uint32_t>(keys.size()), cells));
    return table;
  }
  // Cached, and used by nobody.
  Pages Cache(const Keys& keys, std::string_view salt = "") {
    const PageTable table = Written(keys);
    tree_.Commit(table, keys, salt);
    return PagesOf(table);
  }

  PagePool pool_{16, 2};
  PrefixTree tree_{pool_};
};

TEST_F(PrefixTreeTest, FindsTheLongestPrefixOfWholePages) {
  const Keys keys = Range(1, 7);
  PageTable writer = Written(keys);
  EXPECT_EQ(tree_.Commit(writer, keys, ""), 3U) << "the last page is not full";
  const Pages pages = {0, 1, 2};
  EXPECT_EQ(PagesOf(tree_.Find(keys, "")), pages);
  EXPECT_EQ(PagesOf(tree_.Find(Range(1, 5), "")), (Pages{0, 1}));
  EXPECT_EQ(PagesOf(tree_.Find(Joined(Range(1, 3), {99, 5, 6}), "")), (Pages{0}));
  EXPECT_TRUE(tree_.Find(Range(2, 6), "").empty());
  EXPECT_TRUE(tree_.Find({}, "").empty());
  EXPECT_EQ(tree_.stats().lookups, 5U);
  EXPECT_EQ(tree_.stats().hits, 3U);
  EXPECT_EQ(tree_.stats().matched_cells, 12U);
}

TEST_F(PrefixTreeTest, KeepsPagesThatTheirWriterLetGo) {
  Cache(Range(1, 4));
  EXPECT_EQ(pool_.used(), 2U);
  EXPECT_EQ(tree_.evictable(), 2U);
  PageTable reader = tree_.Find(Range(1, 4), "");
  EXPECT_EQ(tree_.evictable(), 0U) << "a match cannot be evicted while it is used";
  EXPECT_EQ(tree_.EvictLru(9), 0U);
  PageTable fork = reader.Fork();
  reader.Clear();
  EXPECT_EQ(tree_.evictable(), 0U);
  fork.Clear();
  EXPECT_EQ(tree_.EvictLru(9), 2U);
  EXPECT_EQ(pool_.used(), 0U);
  EXPECT_EQ(tree_.stats().evicted, 2U);
}

TEST_F(PrefixTreeTest, SaltsNeverShare) {
  const Keys keys = Range(1, 4);
  const Pages ward_a = Cache(keys, "ward a");
  EXPECT_TRUE(tree_.Find(keys, "ward b").empty());
  EXPECT_TRUE(tree_.Find(keys, "").empty());
  const Pages ward_b = Cache(keys, "ward b");
  EXPECT_EQ(PagesOf(tree_.Find(keys, "ward a")), ward_a);
  EXPECT_EQ(PagesOf(tree_.Find(keys, "ward b")), ward_b);
}

TEST_F(PrefixTreeTest, TheFirstOfTwoEqualPagesStays) {
  const Keys keys = Range(1, 4);
  const PageTable first = Written(keys);
  PageTable second = Written(keys);
  EXPECT_EQ(tree_.Commit(first, keys, ""), 2U);
  EXPECT_EQ(tree_.Commit(second, keys, ""), 0U);
  EXPECT_EQ(PagesOf(tree_.Find(keys, "")), PagesOf(first));
  EXPECT_EQ(PagesOf(second), (Pages{2, 3}));
  second.Clear();
  EXPECT_EQ(pool_.used(), 2U);
}

TEST_F(PrefixTreeTest, AGrowingSequenceIsCommittedAgain) {
  Keys keys = Range(1, 4);
  PageTable table = Written(keys);
  EXPECT_EQ(tree_.Commit(table, keys, ""), 2U);
  std::vector<std::uint32_t> cells;
  ASSERT_TRUE(table.Append(3, cells));
  keys = Range(1, 7);
  EXPECT_EQ(tree_.Commit(table, keys, ""), 1U);
  EXPECT_EQ(tree_.Commit(table, keys, ""), 0U);
  EXPECT_EQ(tree_.Find(keys, "").size(), 6U);
}

TEST_F(PrefixTreeTest, CommitStopsAtAPageThatIsNotWhole) {
  PageTable a = Written(Range(1, 3));
  PageTable b = a.Fork();
  std::vector<std::uint32_t> cells;
  ASSERT_TRUE(a.Append(1, cells));
  ASSERT_TRUE(b.Append(3, cells));
  // b goes on after a page of which it sees one cell: what follows does not start on a page boundary.
  EXPECT_EQ(tree_.Commit(b, Joined(Range(1, 3), Range(50, 3)), ""), 1U);
  EXPECT_EQ(tree_.Commit(a, Range(1, 4), ""), 1U);
  EXPECT_EQ(PagesOf(tree_.Find(Range(1, 4), "")), PagesOf(a));
}

TEST_F(PrefixTreeTest, CommitStopsWhereKeysEnd) {
  const PageTable table = Written(Range(1, 6));
  EXPECT_EQ(tree_.Commit(table, Range(1, 3), ""), 1U);
  EXPECT_EQ(tree_.Commit(table, {}, "unused"), 0U);
}

TEST_F(PrefixTreeTest, APageIsInTheTreeOnceAndNothingFollowsAWrongOne) {
  const Keys keys = Range(1, 6);
  const PageTable table = Written(keys);
  EXPECT_EQ(tree_.Commit(table, Range(1, 4), "a"), 2U);
  EXPECT_EQ(tree_.Commit(table, keys, "b"), 0U) << "its first page belongs to another salt";
  EXPECT_EQ(tree_.Commit(table, Joined(Range(91, 2), Range(3, 4)), "a"), 0U) << "its first page holds something else";
  const PageTable shifted = PageTable::Attach(pool_, Pages{1, 2});
  EXPECT_EQ(tree_.Commit(shifted, Range(3, 4), "a"), 0U) << "its first page has another before it";
  EXPECT_EQ(tree_.cached(), 2U);
  EXPECT_EQ(tree_.salts(), 1U);
  EXPECT_EQ(tree_.Find(keys, "a").size(), 4U);
}

TEST_F(PrefixTreeTest, ForgetsSaltsThatHaveNoPagesLeft) {
  Cache(Range(1, 4), "a");
  Cache(Range(1, 2), "b");
  Cache(Range(1, 1), "c");
  EXPECT_EQ(tree_.salts(), 2U);
  tree_.EvictLru(2);
  EXPECT_EQ(tree_.salts(), 1U);
  tree_.EvictLru(1);
  EXPECT_EQ(tree_.salts(), 0U);
}

TEST_F(PrefixTreeTest, EvictsTheLeastRecentlyUsedFirst) {
  const Pages a = Cache(Range(10, 2));
  const Pages b = Cache(Range(20, 2));
  const Pages c = Cache(Range(30, 2));
  EXPECT_FALSE(tree_.Find(Range(10, 2), "").empty());
  EXPECT_EQ(tree_.EvictLru(1), 1U);
  EXPECT_EQ(pool_.refs(b[0]), 0U);
  const PageTable again = Written(Range(30, 2));
  tree_.Commit(again, Range(30, 2), "");  // a use of c, whose page stays
  EXPECT_EQ(tree_.EvictLru(1), 1U);
  EXPECT_EQ(pool_.refs(a[0]), 0U);
  EXPECT_EQ(pool_.refs(c[0]), 1U);
}

TEST_F(PrefixTreeTest, EvictsLeavesBeforeTheirAncestors) {
  const Pages pages = Cache(Range(1, 6));
  for (std::size_t i = pages.size(); i-- > 0;) {
    EXPECT_EQ(tree_.EvictLru(1), 1U);
    EXPECT_EQ(pool_.refs(pages[i]), 0U);
    EXPECT_EQ(tree_.Find(Range(1, 6), "").size(), 2 * i);
  }
}

TEST_F(PrefixTreeTest, APageIsKeptWhileADescendantIsUsed) {
  const Keys prefix = Range(1, 2);
  const Keys keys = Range(1, 4);
  Cache(prefix);
  // Wrote the prefix itself; only its second page is the tree's.
  PageTable table = Written(keys);
  EXPECT_EQ(tree_.Commit(table, keys, ""), 1U);
  EXPECT_EQ(tree_.cached(), 2U);
  EXPECT_EQ(tree_.evictable(), 0U);
  EXPECT_EQ(tree_.EvictLru(1), 0U);
  table.Truncate(2);
  EXPECT_EQ(tree_.evictable(), 2U);
}

TEST_F(PrefixTreeTest, WhatATableCutIsNotTakenFromTheTree) {
  const Keys keys = Range(1, 4);
  const Pages pages = Cache(keys);
  PageTable table = tree_.Find(keys, "");
  table.Truncate(3);
  std::vector<std::uint32_t> cells;
  ASSERT_TRUE(table.Append(1, cells));
  EXPECT_EQ(cells, (std::vector<std::uint32_t>{4})) << "a cell of a new page";
  EXPECT_EQ(PagesOf(tree_.Find(keys, "")), pages);
}

TEST_F(PrefixTreeTest, ClearForgetsAllAndTakesNothingFromTables) {
  Cache(Range(10, 4));
  PageTable table = Written(Range(1, 4));
  tree_.Commit(table, Range(1, 4), "");
  tree_.Clear();
  EXPECT_EQ(tree_.cached(), 0U);
  EXPECT_EQ(pool_.used(), 2U);
  EXPECT_TRUE(tree_.Find(Range(1, 4), "").empty());
  EXPECT_EQ(tree_.Commit(table, Range(1, 4), ""), 2U);
}

TEST_F(PrefixTreeTest, ForgetDropsWholeSaltsAndTakesNothingFromTables) {
  Cache(Range(1, 4), "one");
  const Pages kept = Cache(Range(1, 4), "two");
  PageTable table = Written(Range(1, 6));
  tree_.Commit(table, Range(1, 6), "three");
  tree_.Forget([](std::string_view salt) { return salt != "two"; });
  EXPECT_EQ(tree_.cached(), 2U);
  EXPECT_EQ(tree_.salts(), 1U);
  EXPECT_EQ(pool_.used(), 5U);
  EXPECT_EQ(PagesOf(tree_.Find(Range(1, 4), "two")), kept);
  EXPECT_TRUE(tree_.Find(Range(1, 4), "three").empty());
  table.Clear();
  EXPECT_EQ(tree_.EvictLru(9), 2U);
  EXPECT_EQ(pool_.used(), 0U);
}

TEST_F(PrefixTreeTest, TablesOutliveTheTree) {
  PageTable table(pool_);
  {
    PrefixTree tree(pool_);
    const PageTable writer = Written(Range(1, 4));
    tree.Commit(writer, Range(1, 4), "");
    table = tree.Find(Range(1, 4), "");
  }
  EXPECT_EQ(pool_.used(), 2U);
  table.Clear();
  EXPECT_EQ(pool_.used(), 0U);
}

TEST(PrefixTreeKeys, TokensAndMediaNeverMeet) {
  std::array<std::uint8_t, 32> digest{};
  std::set<CellKey> keys;
  for (std::uint32_t offset = 0; offset < 1000; ++offset) keys.insert(MediaKey(digest, offset));
  for (const std::int32_t token : {0, 1, 31999, 0x7fffffff, -1}) keys.insert(TokenKey(token));
  EXPECT_EQ(keys.size(), 1005U);
}

TEST(PrefixTreeKeys, FourCellsOfMediaTellEveryBitOfTheirFile) {
  const std::array<std::uint8_t, 32> digest{1, 2, 3};
  const auto chunk = [](const std::array<std::uint8_t, 32>& of, std::uint32_t first) {
    Keys keys;
    for (std::uint32_t i = 0; i < 4; ++i) keys.push_back(MediaKey(of, first + i));
    return keys;
  };
  for (std::size_t bit = 0; bit < 256; ++bit) {
    auto other = digest;
    other[bit / 8] = static_cast<std::uint8_t>(other[bit / 8] ^ (1U << bit % 8));
    for (const std::uint32_t first : {0U, 3U, 570U}) EXPECT_NE(chunk(digest, first), chunk(other, first));
  }
}

// Everything an engine does to its tables and its tree, in random order, with the naive tree beside.
class RandomUse {
 public:
  RandomUse(std::uint32_t page_count, std::uint32_t page_size, std::uint32_t seed, PrefixTree::PageHash hash)
      : world_(page_count, page_size, seed), tree_(world_.pool, hash), model_(world_) {
    for (Keys& document : documents_) {
      document.resize(std::size_t{page_count} * page_size / 2);
      std::ranges::generate(document, [&] { return world_.Pick(0, 1); });
    }
  }

  void Run(int steps) {
    for (int step = 0; step < steps; ++step) {
      // In waves: a crowd holds nearly all pages, a few leave most of them to the cache.
      Step(step / 500 % 2 == 0 ? 7 : 2);
      model_.Sync();
      world_.Check(model_.CachedPages());
      model_.Check(tree_);
      if (::testing::Test::HasFailure()) FAIL() << "at step " << step;
    }
    EXPECT_GT(tree_.stats().hits, static_cast<std::uint64_t>(steps) / 50) << "too few matches to have tested anything";
    EXPECT_GT(tree_.stats().evicted, static_cast<std::uint64_t>(steps) / 50);
    world_.sequences.clear();
    EXPECT_EQ(tree_.evictable(), tree_.cached());
    tree_.EvictLru(tree_.evictable());
    EXPECT_EQ(tree_.cached(), 0U);
    EXPECT_EQ(world_.pool.free(), world_.pool.total());
    EXPECT_EQ(world_.pool.end(), 0U);
  }

 private:
  void Step(std::size_t most_sequences) {
    const std::uint32_t action = world_.Pick(0, 99);
    const bool erase = world_.sequences.size() > most_sequences;
    if (world_.sequences.empty() || (action < 20 && world_.sequences.size() < most_sequences)) {
      Start();
    } else if (erase || action < 25) {
      world_.Erase(world_.PickSequence());
    } else if (action < 35) {
      Find(Prompt(), Salt());  // and let go
    } else if (action < 40 && world_.sequences.size() < most_sequences) {
      const PagedSequence& from = world_.PickSequence();
      PagedSequence fork{.table = from.table.Fork(), .keys = from.keys, .salt = from.salt};
      world_.sequences.push_back(std::move(fork));
    } else if (action < 50) {
      PagedSequence& sequence = world_.PickSequence();
      world_.Truncate(sequence, world_.Pick(0, sequence.table.size()));
    } else if (action < 65) {
      Commit(world_.PickSequence());
    } else if (action < 70) {
      Evict(world_.Pick(0, 3));
    } else if (action == 70 && world_.Pick(0, 9) == 0) {
      tree_.Clear();
      model_.Clear();
    } else if (action == 71 && world_.Pick(0, 4) == 0) {
      // With tables that hold its pages, and the other salt's beside it.
      const std::string gone = Salt();
      tree_.Forget([&](std::string_view salt) { return salt == gone; });
      model_.Forget(gone);
    } else {
      Grow(world_.PickSequence());
    }
  }

  std::string Salt() { return world_.Pick(0, 3) == 0 ? "other" : ""; }

  // The start of a document, sometimes with an end of its own.
  Keys Prompt() {
    const Keys& document = documents_[world_.Pick(0, static_cast<std::uint32_t>(documents_.size()) - 1)];
    Keys keys(document.begin(), document.begin() + world_.Pick(0, static_cast<std::uint32_t>(document.size())));
    const std::uint32_t own = world_.Pick(0, 2) == 0 ? world_.Pick(0, 6) : 0;
    for (std::uint32_t i = 0; i < own; ++i) keys.push_back(world_.Pick(0, 1));
    return keys;
  }

  PageTable Find(const Keys& keys, const std::string& salt) {
    PageTable match = tree_.Find(keys, salt);
    const Pages expected = model_.Find(keys, salt);
    EXPECT_EQ(PagesOf(match), expected);
    EXPECT_EQ(match.size(), expected.size() * world_.pool.page_size());
    for (std::uint32_t i = 0; i < match.size(); ++i) EXPECT_EQ(world_.written(match.Cell(i)), keys[i]);
    model_.Use(keys, salt);
    return match;
  }

  // A request comes: match, cut, prefill.
  void Start() {
    const Keys prompt = Prompt();
    PagedSequence sequence{.table = PageTable(world_.pool), .keys = {}, .salt = Salt()};
    sequence.table = Find(prompt, sequence.salt);
    sequence.keys.assign(prompt.begin(), prompt.begin() + sequence.table.size());
    world_.sequences.push_back(std::move(sequence));
    PagedSequence& started = world_.sequences.back();
    if (world_.Pick(0, 3) == 0) world_.Truncate(started, world_.Pick(0, started.table.size()));
    const auto rest = std::span(prompt).subspan(started.table.size());
    if (!Append(started, rest)) world_.Erase(started);
  }

  void Grow(PagedSequence& sequence) {
    Keys keys(world_.Pick(0, 4));
    std::ranges::generate(keys, [&] { return world_.Pick(0, 1); });
    Append(sequence, keys);
  }

  // Evicts for it, as an engine would.
  bool Append(PagedSequence& sequence, std::span<const CellKey> keys) {
    const std::uint32_t needed = sequence.table.PagesNeeded(static_cast<std::uint32_t>(keys.size()));
    const std::uint32_t free = world_.pool.free();
    if (needed > free) {
      model_.Sync();  // the match of a request that starts is in use by now
      Evict(needed - free);
    }
    return world_.Append(sequence, keys, model_.CachedPages());
  }

  void Commit(const PagedSequence& sequence) {
    const std::uint32_t inserted = tree_.Commit(sequence.table, sequence.keys, sequence.salt);
    EXPECT_EQ(inserted, model_.Commit(sequence));
    std::size_t whole = 0;
    for (const PageTable::Run& run : sequence.table.runs()) {
      if (run.count < world_.pool.page_size()) break;
      whole += run.count;
    }
    model_.Use(Keys(sequence.keys.begin(), sequence.keys.begin() + static_cast<std::ptrdiff_t>(whole)), sequence.salt);
  }

  void Evict(std::uint32_t pages) {
    const std::uint32_t possible = std::min(pages, tree_.evictable());
    EXPECT_EQ(tree_.EvictLru(pages), possible);
    EXPECT_EQ(model_.Evict(pages), possible);
  }

  PagedWorld world_;
  PrefixTree tree_;
  NaivePrefixTree model_;
  std::array<Keys, 4> documents_;
};

TEST(PrefixTree, AgreesWithANaiveModelUnderRandomUse) { RandomUse(24, 4, 21, &PrefixTree::HashPage).Run(40000); }

TEST(PrefixTree, AgreesWithANaiveModelWherePagesAreCells) { RandomUse(40, 1, 22, &PrefixTree::HashPage).Run(20000); }

TEST(PrefixTree, AgreesWithANaiveModelWhereEveryHashCollides) {
  RandomUse(24, 4, 23, [](std::uint64_t, std::span<const CellKey>) { return std::uint64_t{0}; }).Run(40000);
}

}  // namespace
}  // namespace medinfer
