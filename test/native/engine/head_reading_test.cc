#include "engine/head_reading.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace medinfer::testing {
namespace {

constexpr std::size_t kWidth = 2;

// A text, and what a model makes of each of its tokens.
std::int32_t TokenAt(std::uint32_t cell) { return static_cast<std::int32_t>(cell) * 3 + 1; }
float RowAt(std::uint32_t cell) { return static_cast<float>(cell) + 0.5F; }

void Note(HeadReading& reading, std::uint32_t begin, std::uint32_t end) {
  std::vector<std::int32_t> tokens;
  std::vector<float> rows;
  for (std::uint32_t cell = begin; cell < end; ++cell) {
    tokens.push_back(TokenAt(cell));
    rows.insert(rows.end(), kWidth, RowAt(cell));
  }
  reading.Note(static_cast<std::int32_t>(begin), tokens, rows);
}

// Whether each of its tokens stands beside the row of the one before it, zeros before that of cell `unknown`.
void ExpectPaired(const HeadReading& reading, std::uint32_t unknown) {
  const auto n = static_cast<std::uint32_t>(reading.tokens().size());
  for (std::uint32_t i = 0; i < n; ++i) EXPECT_EQ(reading.tokens()[i], TokenAt(reading.read() + i));
  const std::size_t rows = reading.rows().size() / kWidth;
  ASSERT_TRUE(rows == n + 1 || (rows == 0 && n == 0));
  for (std::uint32_t i = 0; i < rows; ++i) {
    const std::uint32_t cell = reading.read() + i;
    EXPECT_EQ(reading.rows()[i * kWidth], cell == unknown ? 0 : RowAt(cell - 1)) << cell;
  }
}

TEST(HeadReading, PairsTokensWithTheRowsBeforeThem) {
  HeadReading reading;
  EXPECT_FALSE(reading.CanFollow(0));
  reading.Begin(0, kWidth);
  EXPECT_TRUE(reading.CanFollow(0));
  Note(reading, 0, 5);
  ExpectPaired(reading, 0);
  EXPECT_TRUE(reading.CanFollow(5));
  EXPECT_FALSE(reading.CanFollow(4));
  reading.Took(2);
  EXPECT_EQ(reading.read(), 2U);
  ExpectPaired(reading, 0);
}

TEST(HeadReading, GoesOnBehindATokenThatItHasReadAhead) {
  HeadReading reading;
  reading.Begin(7, kWidth);
  reading.TookFollowing();
  EXPECT_EQ(reading.read(), 8U);
  EXPECT_FALSE(reading.CanFollow(7)) << "its row is used up";
  Note(reading, 7, 11);
  EXPECT_EQ(reading.tokens().size(), 3U);
  ExpectPaired(reading, 7);
  EXPECT_TRUE(reading.CanFollow(11));
}

TEST(HeadReading, GivesUpWhatWasRefused) {
  HeadReading reading;
  reading.Begin(4, kWidth);
  Note(reading, 4, 10);
  reading.Shrink(6);
  EXPECT_TRUE(reading.CanFollow(6));
  ExpectPaired(reading, 4);
  reading.Took(2);
  reading.Shrink(3);
  EXPECT_EQ(reading.read(), 3U);
  ExpectPaired(reading, 3);
}

TEST(HeadReading, LosesWhatHasAGap) {
  HeadReading reading;
  reading.Begin(4, kWidth);
  Note(reading, 5, 7);
  EXPECT_FALSE(reading.CanFollow(7));
  EXPECT_TRUE(reading.tokens().empty());
  Note(reading, 4, 7);
  EXPECT_FALSE(reading.CanFollow(7)) << "until it begins anew";
  reading.Begin(7, kWidth);
  EXPECT_TRUE(reading.CanFollow(7));
}

// As an engine does: what is drafted is noted, taken back in part, read ahead or in between.
TEST(HeadReading, StaysPairedOverAnyOrder) {
  std::mt19937 random(1);
  const auto pick = [&](std::uint32_t most) { return std::uniform_int_distribution<std::uint32_t>(0, most)(random); };
  for (int round = 0; round < 200; ++round) {
    HeadReading reading;
    std::uint32_t cells = pick(3);
    const std::uint32_t unknown = cells;
    reading.Begin(cells, kWidth);
    for (int step = 0; step < 40; ++step) {
      if (pick(1) == 0) {
        ASSERT_TRUE(reading.CanFollow(cells));
        reading.TookFollowing();
      }
      const std::uint32_t drafted = pick(4);
      Note(reading, cells, cells + 1 + drafted);
      cells += 1 + pick(drafted);
      reading.Shrink(cells);
      ExpectPaired(reading, unknown);
      ASSERT_TRUE(reading.CanFollow(cells));
      if (pick(3) == 0) reading.Took(pick(static_cast<std::uint32_t>(reading.tokens().size())));
    }
  }
}

}  // namespace
}  // namespace medinfer::testing
