#include "kv/eviction_queue.h"

#include <gtest/gtest.h>

namespace medinfer {
namespace {

PagePath Path(std::uint8_t first) {
  PagePath path{};
  path[0] = first;
  return path;
}

TEST(EvictionQueue, OfEqualWorthTheLeastRecentlyUsedGoesFirst) {
  EvictionQueue queue;
  const auto first = queue.Enter(Path(1), 2);
  queue.Enter(Path(2), 2);
  queue.Enter(Path(3), 2);
  queue.Use(first, 2);
  EXPECT_EQ(queue.TakeFirst(), Path(2));
  EXPECT_EQ(queue.TakeFirst(), Path(3));
  EXPECT_EQ(queue.TakeFirst(), Path(1));
}

TEST(EvictionQueue, WhatIsDearStaysLongerAndNotForEver) {
  EvictionQueue queue;
  queue.Enter(Path(100), 3.5);
  for (std::uint8_t i = 0; i < 3; ++i) {
    queue.Enter(Path(i), 1);
    EXPECT_EQ(queue.TakeFirst(), Path(i));
  }
  queue.Enter(Path(3), 1);
  EXPECT_EQ(queue.TakeFirst(), Path(100));
}

TEST(EvictionQueue, WhatLeftIsNotTaken) {
  EvictionQueue queue;
  queue.Leave(queue.Enter(Path(1), 1));
  queue.Enter(Path(2), 5);
  EXPECT_EQ(queue.TakeFirst(), Path(2));
}

}  // namespace
}  // namespace medinfer
