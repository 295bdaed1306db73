// Under which salt a request's cells are shared: equal exactly where adapters, scales and the caller's salt are.
#include "adapters/adapter_set.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/adapter_file.h"
#include "support/engine_parts.h"

namespace medinfer::testing {
namespace {

// Adapters of the tiny model, each of another seed.
class AdapterSetTest : public ::testing::Test {
 protected:
  std::shared_ptr<const Adapter> Load(int seed) {
    auto loaded = Adapter::Load(RandomAdapterFile(parts_.model(), seed), parts_.model(), [] { return true; });
    EXPECT_TRUE(loaded.ok()) << loaded.status().message();
    return loaded.value();
  }

  EngineParts parts_;
};

TEST_F(AdapterSetTest, TheSaltIsOneOfAdaptersScalesAndTheCallersSalt) {
  const std::array adapters = {Load(1), Load(2), Load(3)};
  const std::array<std::string, 5> callers = {"", "ward", std::string("\x01\x00", 2), std::string("\x01\x01", 2),
                                              AdapterSet().Salt("x")};
  std::vector<std::string> salts(callers.begin(), callers.end());
  // A caller's salt that is, byte by byte, one of a set.
  AdapterSet forged;
  forged.Add(adapters[0], 1);
  salts.push_back(forged.Salt(""));
  std::mt19937 random(1);
  using What = std::pair<std::map<std::size_t, float>, std::string>;
  std::map<std::string, What> seen;
  for (int i = 0; i < 3000; ++i) {
    What what;
    what.second = salts[random() % salts.size()];
    AdapterSet set;
    std::array<std::size_t, 3> order = {0, 1, 2};
    std::shuffle(order.begin(), order.end(), random);
    for (const std::size_t each : order) {
      const float scale = static_cast<float>(random() % 3) - 1;
      set.Add(adapters.at(each), scale);
      if (scale != 0) what.first.emplace(each, scale);
    }
    const std::string salt = set.Salt(what.second);
    const auto [at, is_new] = seen.emplace(salt, what);
    EXPECT_EQ(at->second, what) << "two of one salt";
    for (std::size_t each = 0; each < adapters.size(); ++each) {
      EXPECT_EQ(AdapterSet::SaltHas(salt, adapters.at(each)->digest()), what.first.contains(each));
    }
    EXPECT_EQ(set.shares().size(), what.first.size());
  }
  std::map<What, int> different;
  for (const auto& [salt, what] : seen) ++different[what];
  EXPECT_EQ(different.size(), seen.size()) << "two salts of one";
  EXPECT_GT(seen.size(), 100U);
}

TEST_F(AdapterSetTest, WithoutAdaptersTheSaltIsTheCallersOwn) {
  EXPECT_EQ(AdapterSet().Salt(""), "");
  EXPECT_EQ(AdapterSet().Salt("ward a"), "ward a");
  AdapterSet set;
  set.Add(Load(1), 0);
  EXPECT_EQ(set.Salt("ward a"), "ward a");
  EXPECT_TRUE(set.shares().empty());
}

TEST_F(AdapterSetTest, TheOrderIsThatOfWhatTheAdaptersAre) {
  const auto one = Load(1);
  const auto two = Load(2);
  AdapterSet forth;
  forth.Add(one, 1);
  forth.Add(two, 2);
  AdapterSet back;
  back.Add(two, 2);
  back.Add(one, 1);
  ASSERT_EQ(forth.shares().size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(forth.shares()[i].adapter, back.shares()[i].adapter);
  EXPECT_LE(forth.shares()[0].order, forth.shares()[1].order);
}

TEST_F(AdapterSetTest, TheSameFileTwiceHasOneDigest) {
  EXPECT_EQ(Load(1)->digest(), Load(1)->digest());
  EXPECT_NE(Load(1)->digest(), Load(2)->digest());
}

TEST_F(AdapterSetTest, ALoadIsGivenUpWhenItIsNotWanted) {
  const auto loaded = Adapter::Load(RandomAdapterFile(parts_.model(), 1), parts_.model(), [] { return false; });
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.status().code(), Code::kAborted);
}

}  // namespace
}  // namespace medinfer::testing
