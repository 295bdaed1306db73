#include "kv/kept_states.h"

#include <gtest/gtest.h>

#include <vector>

#include "kv/kv_pool.h"

namespace medinfer {
namespace {

std::vector<CellKey> Keys(std::uint32_t n) {
  std::vector<CellKey> keys(n);
  for (std::uint32_t i = 0; i < n; ++i) keys[i] = TokenKey(static_cast<std::int32_t>(i));
  return keys;
}

class KeptStatesTest : public testing::Test {
 protected:
  // A table of so many cells, as a sequence leaves it.
  PageTable Table(std::uint32_t cells) {
    PageTable none = pool_.FindPrefix({}, "");
    const auto id = pool_.Acquire(none, cells, 0);
    return pool_.Detach(*id);
  }

  KvPool pool_{{.cells = 160, .page_size = 16, .max_sequences = 2, .prefix_cache = true}};
  KeptStates states_;
};

TEST_F(KeptStatesTest, AForkTakesNoPage) {
  states_.Keep(1, Table(40), Keys(40), "");
  const std::uint32_t used = pool_.pages().used();
  states_.Fork(1, 2);
  states_.Fork(9, 3);
  EXPECT_EQ(pool_.pages().used(), used);
  ASSERT_NE(states_.Find(2), nullptr);
  EXPECT_EQ(states_.Find(2)->table.size(), 40U);
  EXPECT_EQ(states_.Find(2)->keys, states_.Find(1)->keys);
  EXPECT_EQ(states_.Find(3), nullptr);
  states_.Drop(1);
  EXPECT_EQ(pool_.pages().used(), used);
  states_.Drop(2);
  EXPECT_EQ(pool_.pages().used(), 0U);
}

TEST_F(KeptStatesTest, TheTableUsedLeastLatelyIsGivenUpFirst) {
  states_.Keep(1, Table(16), Keys(16), "");
  states_.Keep(2, Table(32), Keys(32), "");
  EXPECT_NE(states_.Find(1), nullptr);
  EXPECT_TRUE(states_.GiveUpOne([](const auto&) {}));
  EXPECT_EQ(pool_.pages().used(), 1U);
  EXPECT_TRUE(states_.Find(2)->table.empty());
  EXPECT_EQ(states_.Find(2)->keys->size(), 32U);
  EXPECT_TRUE(states_.GiveUpOne([](const auto&) {}));
  EXPECT_FALSE(states_.GiveUpOne([](const auto&) {}));
  EXPECT_EQ(pool_.pages().used(), 0U);
}

TEST_F(KeptStatesTest, TablesOfASaltAreGivenUpTogether) {
  states_.Keep(1, Table(16), Keys(16), "one");
  states_.Keep(2, Table(32), Keys(32), "two");
  states_.Fork(1, 3);
  states_.Forget([](std::string_view salt) { return salt == "one"; });
  EXPECT_TRUE(states_.Find(1)->table.empty());
  EXPECT_TRUE(states_.Find(3)->table.empty());
  EXPECT_EQ(states_.Find(1)->keys->size(), 16U) << "a state is still there to be computed again";
  EXPECT_EQ(states_.Find(2)->table.size(), 32U);
  EXPECT_EQ(pool_.pages().used(), 2U);
}

TEST_F(KeptStatesTest, SequencesForkAndDetachWithoutAPage) {
  PageTable none = pool_.FindPrefix({}, "");
  const auto first = pool_.Acquire(none, 20, 0);
  const auto fork = pool_.Fork(*first);
  ASSERT_TRUE(fork);
  EXPECT_FALSE(pool_.has_free_id());
  EXPECT_FALSE(pool_.Fork(*first));
  EXPECT_EQ(pool_.pages().used(), 2U);
  EXPECT_EQ(pool_.cells_held(), 40U);
  PageTable table = pool_.Detach(*fork);
  EXPECT_TRUE(pool_.has_free_id());
  EXPECT_EQ(pool_.cells_held(), 20U);
  EXPECT_TRUE(pool_.Extend(table, 12));  // the first to append goes on in the last page
  EXPECT_TRUE(pool_.Grow(*first, 1));    // the other takes one of its own
  EXPECT_EQ(pool_.pages().used(), 3U);
  EXPECT_FALSE(pool_.Extend(table, 1000));
  EXPECT_EQ(table.size(), 32U);
  pool_.Release(*first);
}

}  // namespace
}  // namespace medinfer
