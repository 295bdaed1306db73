#include "kv/page_table.h"

#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <utility>
#include <vector>

#include "support/paged_world.h"

namespace medinfer {
namespace {

using testing::PagedSequence;
using testing::PagedWorld;
using Cells = std::vector<std::uint32_t>;

Cells Appended(PageTable& table, std::uint32_t n) {
  Cells cells;
  EXPECT_TRUE(table.Append(n, cells));
  return cells;
}

Cells AllCells(const PageTable& table) {
  Cells cells(table.size());
  for (std::uint32_t i = 0; i < table.size(); ++i) cells[i] = table.Cell(i);
  return cells;
}

TEST(PageTable, AppendsInPlaceThenTakesPages) {
  PagePool pool(4, 4);
  PageTable table(pool);
  EXPECT_EQ(table.PagesNeeded(0), 0U);
  EXPECT_EQ(table.PagesNeeded(6), 2U);
  EXPECT_EQ(Appended(table, 6), (Cells{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(table.PagesNeeded(2), 0U);
  EXPECT_EQ(table.PagesNeeded(3), 1U);
  EXPECT_EQ(Appended(table, 3), (Cells{6, 7, 8}));
  EXPECT_EQ(AllCells(table), (Cells{0, 1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST(PageTable, AppendsAllOrNothing) {
  PagePool pool(2, 4);
  PageTable table(pool);
  Appended(table, 3);
  Cells cells;
  EXPECT_FALSE(table.Append(6, cells));
  EXPECT_TRUE(cells.empty());
  EXPECT_EQ(table.size(), 3U);
  EXPECT_EQ(pool.used(), 1U);
  EXPECT_EQ(Appended(table, 5), (Cells{3, 4, 5, 6, 7}));
}

TEST(PageTable, TwoTablesNeverShareACellByAppending) {
  PagePool pool(4, 4);
  PageTable a(pool);
  PageTable b(pool);
  EXPECT_EQ(Appended(a, 2), (Cells{0, 1}));
  EXPECT_EQ(Appended(b, 2), (Cells{4, 5}));
  EXPECT_EQ(Appended(a, 3), (Cells{2, 3, 8}));
}

TEST(PageTable, AForkSharesEvenThePartlyWrittenPage) {
  PagePool pool(4, 4);
  PageTable a(pool);
  Appended(a, 6);
  PageTable b = a.Fork();
  EXPECT_EQ(pool.used(), 2U);
  EXPECT_EQ(AllCells(b), AllCells(a));

  // Whoever appends first goes on in the page; the other takes its own.
  EXPECT_EQ(b.PagesNeeded(1), 0U);
  EXPECT_EQ(Appended(b, 1), (Cells{6}));
  EXPECT_EQ(a.PagesNeeded(1), 1U);
  EXPECT_EQ(Appended(a, 1), (Cells{8}));
  EXPECT_EQ(AllCells(a), (Cells{0, 1, 2, 3, 4, 5, 8}));
  EXPECT_EQ(AllCells(b), (Cells{0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(a.runs()[1], (PageTable::Run{.page = 1, .begin = 4, .count = 2}));
  EXPECT_EQ(a.runs()[2], (PageTable::Run{.page = 2, .begin = 6, .count = 1}));

  b.Clear();
  EXPECT_EQ(pool.used(), 3U);
  a.Clear();
  EXPECT_EQ(pool.used(), 0U);
}

TEST(PageTable, AForkAtAPageBoundaryTakesAPageEach) {
  PagePool pool(3, 4);
  PageTable a(pool);
  Appended(a, 4);
  PageTable b = a.Fork();
  EXPECT_EQ(Appended(a, 1), (Cells{4}));
  EXPECT_EQ(Appended(b, 1), (Cells{8}));
}

TEST(PageTable, RollingBackWastesNothingInAPageOfItsOwn) {
  PagePool pool(2, 4);
  PageTable table(pool);
  Appended(table, 3);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Appended(table, 5), (Cells{3, 4, 5, 6, 7}));
    table.Truncate(3);
    EXPECT_EQ(pool.used(), 1U);
  }
}

TEST(PageTable, RollingBackDoesNotTakeWhatAForkSees) {
  PagePool pool(3, 4);
  PageTable a(pool);
  Appended(a, 3);
  PageTable b = a.Fork();
  a.Truncate(1);
  EXPECT_EQ(a.PagesNeeded(1), 1U);
  EXPECT_EQ(Appended(a, 1), (Cells{4}));
  EXPECT_EQ(AllCells(b), (Cells{0, 1, 2}));

  // Once the fork is gone, so is what it saw.
  a.Truncate(1);
  b.Clear();
  EXPECT_EQ(Appended(a, 1), (Cells{1}));
}

TEST(PageTable, TruncatingToMoreThanThereIsChangesNothing) {
  PagePool pool(2, 4);
  PageTable table(pool);
  Appended(table, 5);
  table.Truncate(6);
  table.Truncate(5);
  EXPECT_EQ(table.size(), 5U);
  table.Truncate(4);
  EXPECT_EQ(pool.used(), 1U);
}

TEST(PageTable, AttachesFullPages) {
  PagePool pool(4, 4);
  PageTable writer(pool);
  Appended(writer, 8);
  PageTable reader = PageTable::Attach(pool, std::array<PageId, 2>{0, 1});
  writer.Clear();
  EXPECT_EQ(pool.used(), 2U);
  EXPECT_EQ(AllCells(reader), (Cells{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(Appended(reader, 1), (Cells{8}));
}

TEST(PageTable, MovingHandsTheRefsOn) {
  PagePool pool(4, 4);
  PageTable a(pool);
  Appended(a, 4);
  PageTable b = std::move(a);
  EXPECT_EQ(b.size(), 4U);
  EXPECT_EQ(pool.refs(0), 1U);
  PageTable c(pool);
  Appended(c, 1);
  c = std::move(b);
  EXPECT_EQ(pool.used(), 1U) << "what c had is given back";
  PageTable& same = c;
  c = std::move(same);
  EXPECT_EQ(AllCells(c), (Cells{0, 1, 2, 3}));
}

void UseAtRandom(PagedWorld& world, int steps) {
  CellKey next_key = 1;  // every write is another content: whoever sees a wrong one is found out
  const auto keys = [&](std::uint32_t n) {
    std::vector<CellKey> fresh(n);
    std::iota(fresh.begin(), fresh.end(), next_key);
    next_key += n;
    return fresh;
  };
  for (int step = 0; step < steps; ++step) {
    const std::uint32_t action = world.Pick(0, 19);
    if (world.sequences.empty() || (action == 0 && world.sequences.size() < 8)) {
      world.sequences.push_back({.table = PageTable(world.pool), .keys = {}});
    } else if (action <= 2 && world.sequences.size() < 8) {
      const PagedSequence& from = world.PickSequence();
      const std::uint32_t used = world.pool.used();
      PagedSequence fork{.table = from.table.Fork(), .keys = from.keys};
      EXPECT_EQ(world.pool.used(), used);
      world.sequences.push_back(std::move(fork));
    } else if (action <= 4) {
      PagedSequence& sequence = world.PickSequence();
      const auto size = sequence.table.size();
      // Mostly a few cells, as speculation does.
      const std::uint32_t dropped = world.Pick(0, 3) == 0 ? world.Pick(0, size) : std::min(size, world.Pick(0, 3));
      world.Truncate(sequence, size - dropped);
    } else if (action == 5) {
      world.Erase(world.PickSequence());
    } else if (action == 6) {
      PagedSequence& sequence = world.PickSequence();
      sequence.table.Clear();
      sequence.keys.clear();
    } else {
      world.Append(world.PickSequence(), keys(world.Pick(0, 3) == 0 ? world.Pick(0, 25) : world.Pick(0, 2)));
    }
    world.Check();
    if (::testing::Test::HasFailure()) FAIL() << "at step " << step;
  }
  world.sequences.clear();
  world.Check();
  EXPECT_EQ(world.pool.free(), world.pool.total());
}

TEST(PageTable, AgreesWithANaiveModelUnderRandomUse) {
  PagedWorld world(20, 4, 5);
  UseAtRandom(world, 40000);
}

TEST(PageTable, AgreesWithANaiveModelWherePagesAreCells) {
  PagedWorld world(40, 1, 6);
  UseAtRandom(world, 10000);
}

TEST(PageTable, AgreesWithANaiveModelOnLargePages) {
  PagedWorld world(6, 32, 7);
  UseAtRandom(world, 10000);
}

}  // namespace
}  // namespace medinfer
