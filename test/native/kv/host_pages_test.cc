#include "kv/host_pages.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace medinfer::testing {
namespace {

PagePath Path(CellKey key, const std::string& salt = "") { return PathBelow(RootPath(salt), std::vector{key}); }

HostPages::Bytes Bytes(std::size_t n) { return HostPages::Bytes(n, 7); }

TEST(HostPages, APathIsSaltAndAllKeysInOrder) {
  const std::vector<CellKey> keys{1, 2, 3, 4};
  const PagePath root = RootPath("a");
  EXPECT_NE(root, RootPath("b"));
  EXPECT_NE(RootPath(""), RootPath("a"));
  EXPECT_EQ(PathBelow(root, keys), PathBelow(root, keys));
  EXPECT_NE(PathBelow(root, keys), PathBelow(RootPath("b"), keys));
  EXPECT_NE(PathBelow(root, keys), PathBelow(PathBelow(root, keys), keys));
  EXPECT_NE(PathBelow(root, std::vector<CellKey>{2, 1, 3, 4}), PathBelow(root, keys));
}

TEST(HostPages, GivesUpWhatWasUsedLeastRecently) {
  HostPages pages(30);
  for (CellKey key = 0; key < 3; ++key) pages.Keep(Path(key), "", Bytes(10));
  EXPECT_TRUE(pages.Touch(Path(0)));
  ASSERT_NE(pages.Find(Path(2)), nullptr);
  EXPECT_EQ(*pages.Find(Path(2)), Bytes(10));
  pages.Keep(Path(3), "", Bytes(10));
  EXPECT_FALSE(pages.Touch(Path(1)));
  EXPECT_TRUE(pages.Touch(Path(0)));
  EXPECT_EQ(pages.bytes(), 30U);
  pages.Keep(Path(4), "", Bytes(25));
  EXPECT_EQ(pages.pages(), 1U);
  EXPECT_EQ(pages.bytes(), 25U);
  pages.Keep(Path(5), "", Bytes(31));
  EXPECT_FALSE(pages.Touch(Path(5)));
  EXPECT_TRUE(pages.Touch(Path(4))) << "given up for a page that has no room";
}

TEST(HostPages, KeepsNothingWithoutABudget) {
  HostPages pages(0);
  EXPECT_FALSE(pages.has_room());
  pages.Keep(Path(1), "", Bytes(1));
  EXPECT_EQ(pages.pages(), 0U);
}

TEST(HostPages, ForgetsBySalt) {
  HostPages pages(100);
  pages.Keep(Path(1, "a"), "a", Bytes(10));
  pages.Keep(Path(1, "b"), "b", Bytes(10));
  pages.Keep(Path(2, "a"), "a", Bytes(10));
  pages.Forget([](std::string_view salt) { return salt == "a"; });
  EXPECT_EQ(pages.pages(), 1U);
  EXPECT_EQ(pages.bytes(), 10U);
  EXPECT_TRUE(pages.Touch(Path(1, "b")));
  EXPECT_FALSE(pages.Touch(Path(1, "a")));
}

}  // namespace
}  // namespace medinfer::testing
