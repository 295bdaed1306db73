#include "device/tensor_split.h"

#include <gtest/gtest.h>

namespace medinfer {
namespace {

TEST(LargestPart, IsTheShareWhereItIsWholeUnits) {
  EXPECT_EQ(LargestPart({1, 1}, 0, 8), 0.5);
  EXPECT_EQ(LargestPart({1, 1}, 1, 8), 0.5);
  EXPECT_EQ(LargestPart({3, 1}, 0, 8), 0.75);
  EXPECT_EQ(LargestPart({3, 1}, 1, 8), 0.25);
  EXPECT_EQ(LargestPart({0, 5}, 0, 8), 0.0);
  EXPECT_EQ(LargestPart({0, 5}, 1, 8), 1.0);
}

TEST(LargestPart, IsRoundedAsInTheLayerThatIsWorst) {
  // 3 : 1 of two heads: one each, or, where the second device comes first and gets none, two for the first.
  EXPECT_EQ(LargestPart({3, 1}, 0, 2), 1.0);
  EXPECT_EQ(LargestPart({3, 1}, 1, 2), 0.5);
  // A third of eight heads is two or three.
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(LargestPart({1, 1, 1}, i, 8), 3.0 / 8) << i;
}

}  // namespace
}  // namespace medinfer
