#include "kv/joined_cells.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "support/fake_store.h"

namespace medinfer::testing {
namespace {

constexpr std::uint32_t kPage = 16;

class JoinedCellsTest : public ::testing::Test {
 protected:
  // A sequence of so many cells, which each of the stores has read as text of its own.
  SequenceId Read(std::uint32_t cells, std::uint64_t text) {
    const SequenceId slot = Empty(cells);
    joined_.Attach(slot, 0, -1);
    for (std::uint32_t i = 0; i < cells; ++i) {
      first_.Read(slot, "", text + i, static_cast<std::int32_t>(i));
      second_.Read(slot, "", 1000 + text + i, static_cast<std::int32_t>(i));
    }
    return slot;
  }

  SequenceId Empty(std::uint32_t cells) {
    PageTable none = pool_.FindPrefix({}, "");
    return pool_.Acquire(none, cells, 0).value();
  }

  void ExpectSame(SequenceId a, SequenceId b, std::uint32_t begin, std::uint32_t end) const {
    for (const FakeStore* store : {&first_, &second_}) {
      for (std::uint32_t cell = begin; cell < end; ++cell) {
        EXPECT_EQ(store->At(pool_.table(a), cell), store->At(pool_.table(b), cell)) << cell;
      }
    }
  }

  KvPool pool_{KvPool::Options{.cells = 256, .page_size = kPage, .max_sequences = 4}};
  FakeStore first_{pool_, true};
  FakeStore second_{pool_, true};
  JoinedCells joined_{first_, second_, kPage};
};

TEST_F(JoinedCellsTest, MovesTheCellsOfBoth) {
  const SequenceId from = Read(40, 5);
  const std::vector<std::uint8_t> bytes = joined_.ReadCells(pool_.table(from), 40);
  EXPECT_EQ(bytes.size(), joined_.BytesPerCell() * 40);
  const SequenceId to = Empty(40);
  joined_.WriteCells(pool_.table(to), 3, 37, 40, bytes);
  ExpectSame(from, to, 3, 37);
}

TEST_F(JoinedCellsTest, MovesThePagesOfBoth) {
  const SequenceId from = Read(32, 7);
  const SequenceId to = Empty(32);
  for (const std::uint32_t cell : {0U, kPage}) {
    joined_.WritePage(pool_.table(to).Cell(cell) / kPage, joined_.ReadPage(pool_.table(from).Cell(cell) / kPage));
  }
  ExpectSame(from, to, 0, 32);
}

TEST_F(JoinedCellsTest, TellsBothOfSequences) {
  const SequenceId slot = Read(20, 9);
  joined_.Shrink(slot, 12, 11);
  for (const FakeStore* store : {&first_, &second_}) EXPECT_EQ(store->attached().at(slot).cells, 12U);
  joined_.Forget(slot);
  for (const FakeStore* store : {&first_, &second_}) EXPECT_FALSE(store->attached().contains(slot));
}

}  // namespace
}  // namespace medinfer::testing
