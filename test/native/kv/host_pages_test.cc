#include "kv/host_pages.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace medinfer::testing {
namespace {

PagePath Path(CellKey key, const std::string& salt = "") { return PathBelow(RootPath(salt), std::vector{key}); }

PageCopy::Bytes Bytes(std::size_t n) { return PageCopy::Bytes(n, 7); }

PageCopy Page(CellKey key, std::size_t n, const std::string& salt = "") { return {Path(key, salt), salt, Bytes(n)}; }

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
  for (CellKey key = 0; key < 3; ++key) pages.Keep(Page(key, 10));
  EXPECT_TRUE(pages.Touch(Path(0)));
  ASSERT_NE(pages.Find(Path(2)), nullptr);
  EXPECT_EQ(pages.Find(Path(2))->bytes, Bytes(10));
  pages.Keep(Page(3, 10));
  EXPECT_FALSE(pages.Touch(Path(1)));
  EXPECT_TRUE(pages.Touch(Path(0)));
  EXPECT_EQ(pages.bytes(), 30U);
  pages.Keep(Page(4, 25));
  EXPECT_EQ(pages.pages(), 1U);
  EXPECT_EQ(pages.bytes(), 25U);
  pages.Keep(Page(5, 31));
  EXPECT_FALSE(pages.Touch(Path(5)));
  EXPECT_TRUE(pages.Touch(Path(4))) << "given up for a page that has no room";
}

TEST(HostPages, KeepsNothingWithoutABudget) {
  HostPages pages(0);
  EXPECT_FALSE(pages.has_room());
  pages.Keep(Page(1, 1));
  EXPECT_EQ(pages.pages(), 0U);
}

TEST(HostPages, GivesAwayWhatItHasNoRoomForAndNotWhatIsForgotten) {
  HostPages pages(20);
  std::vector<PagePath> lost;
  pages.SetOverflow([&](const PageCopy& page) {
    EXPECT_FALSE(page.bytes.empty());
    lost.push_back(page.path);
  });
  for (CellKey key = 0; key < 3; ++key) pages.Keep(Page(key, 10));
  EXPECT_EQ(lost, std::vector{Path(0)});
  pages.Keep(Page(3, 21));
  EXPECT_EQ(lost.back(), Path(3));
  pages.Forget([](std::string_view) { return true; });
  EXPECT_EQ(lost.size(), 2U);
}

TEST(HostPages, APageTakesThePlaceOfWhatHasItsPath) {
  HostPages pages(100);
  pages.Keep(Page(1, 10));
  pages.Keep({Path(1), "", Bytes(12), {1, 2}});
  EXPECT_EQ(pages.pages(), 1U);
  EXPECT_EQ(pages.bytes(), 12 + 2 * sizeof(CellKey));
  EXPECT_EQ(pages.Find(Path(1))->keys, (std::vector<CellKey>{1, 2}));
}

TEST(HostPages, ForgetsBySalt) {
  HostPages pages(100);
  pages.Keep(Page(1, 10, "a"));
  pages.Keep(Page(1, 10, "b"));
  pages.Keep(Page(2, 10, "a"));
  pages.Forget([](std::string_view salt) { return salt == "a"; });
  EXPECT_EQ(pages.pages(), 1U);
  EXPECT_EQ(pages.bytes(), 10U);
  EXPECT_TRUE(pages.Touch(Path(1, "b")));
  EXPECT_FALSE(pages.Touch(Path(1, "a")));
}

}  // namespace
}  // namespace medinfer::testing
