#include "kv/disk_pages.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <list>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/temp_folder.h"

namespace medinfer {
namespace {

constexpr std::size_t kBytes = 100;  // of a page

class DiskPagesTest : public ::testing::Test {
 protected:
  std::unique_ptr<SpillFile> File() {
    auto file = SpillFile::Create(folder_.path().string());
    EXPECT_TRUE(file.ok());
    file_ = file.value().get();
    return std::move(file.value());
  }

  static PagePath Path(CellKey key, const std::string& salt = "") {
    return PathBelow(RootPath(salt), std::vector<CellKey>{key});
  }
  static PageCopy::Bytes Bytes(CellKey key) { return PageCopy::Bytes(kBytes, static_cast<std::uint8_t>(key)); }
  static PageCopy Page(CellKey key, const std::string& salt = "") { return {Path(key, salt), salt, Bytes(key), {key}}; }

  testing::TempFolder folder_;
  SpillFile* file_ = nullptr;  // that of the latest File()
};

TEST_F(DiskPagesTest, AFileHasNoNameAndIsForItsOwner) {
  const auto file = File();
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
  const std::vector<std::uint8_t> bytes{1, 2, 3};
  ASSERT_TRUE(file->Write(5, bytes));
  std::vector<std::uint8_t> read(3);
  ASSERT_TRUE(file->Read(5, read));
  EXPECT_EQ(read, bytes);
  EXPECT_FALSE(file->Read(6, read));
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(DiskPagesTest, AFolderThatCannotTakeAFileIsRefused) {
  const auto why = [](const std::filesystem::path& folder) {
    const auto file = SpillFile::Create(folder.string());
    EXPECT_FALSE(file.ok());
    EXPECT_EQ(file.status().code(), Code::kInvalidArgument);
    return file.ok() ? "" : file.status().message();
  };
  EXPECT_EQ(why(folder_.path() / "none"), "there is no such folder");
  EXPECT_EQ(why("/dev/null"), "is no folder");
}

TEST_F(DiskPagesTest, APageComesBackBeforeAndAfterItIsWritten) {
  DiskPages pages(File(), 1000);
  for (CellKey key = 0; key < 5; ++key) pages.Keep(Page(key));
  for (int round = 0; round < 2; ++round) {
    for (CellKey key = 0; key < 5; ++key) {
      pages.ReadAhead(Path(key));
      const PageCopy* found = pages.Find(Path(key));
      ASSERT_NE(found, nullptr);
      EXPECT_EQ(found->bytes, Bytes(key));
      EXPECT_EQ(found->keys, std::vector<CellKey>{key});
    }
    pages.Flush();
  }
  EXPECT_EQ(pages.Find(Path(5)), nullptr);
  EXPECT_EQ(pages.bytes(), 500U);
  EXPECT_EQ(pages.lost(), 0U);
}

TEST_F(DiskPagesTest, WhatTheDiskHasDamagedIsNotBelieved) {
  DiskPages pages(File(), 1000);
  pages.Keep(Page(1));
  pages.Keep(Page(2));
  pages.Flush();
  ASSERT_TRUE(file_->Write(0, Bytes(9)));
  EXPECT_EQ(pages.Find(Path(1)), nullptr);
  EXPECT_FALSE(pages.Touch(Path(1)));
  EXPECT_NE(pages.Find(Path(2)), nullptr);
  EXPECT_EQ(pages.lost(), 1U);
  pages.Keep(Page(1));
  pages.Flush();
  EXPECT_NE(pages.Find(Path(1)), nullptr);
}

// A full disk.
TEST_F(DiskPagesTest, WhatTheDiskDoesNotTakeIsLostAlone) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{kBytes, before.rlim_max};
  DiskPages pages(File(), 1000);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  pages.Keep(Page(1));
  pages.Keep(Page(2));
  pages.Flush();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  // Known without having been asked for.
  EXPECT_EQ(pages.pages(), 1U);
  EXPECT_EQ(pages.bytes(), kBytes);
  EXPECT_EQ(pages.lost(), 1U);
  EXPECT_NE(pages.Find(Path(1)), nullptr);
  EXPECT_EQ(pages.Find(Path(2)), nullptr);
  EXPECT_EQ(pages.lost(), 1U);
  EXPECT_EQ(pages.pages(), 1U);
  // There is room again, in the same place.
  pages.Keep(Page(2));
  pages.Flush();
  EXPECT_NE(pages.Find(Path(2)), nullptr);
  EXPECT_EQ(pages.lost(), 1U);
}

TEST_F(DiskPagesTest, TakesNoPageOfAnotherSizeAndNoneBeyondItsBudget) {
  DiskPages pages(File(), 250);
  pages.Keep(Page(1));
  pages.Keep({Path(2), "", PageCopy::Bytes(kBytes + 1)});
  EXPECT_FALSE(pages.Touch(Path(2)));
  DiskPages small(File(), kBytes - 1);
  small.Keep(Page(1));
  EXPECT_EQ(small.pages(), 0U);
}

TEST_F(DiskPagesTest, EndsWhilePagesWait) {
  for (int round = 0; round < 20; ++round) {
    DiskPages pages(File(), 100'000);
    for (CellKey key = 0; key < 200; ++key) pages.Keep(Page(key));
  }
}

// Against a list that is kept the slow way.
TEST_F(DiskPagesTest, IsAListInOrderOfUse) {
  std::mt19937 random(1);
  const auto pick = [&](unsigned n) { return static_cast<CellKey>(random() % n); };
  for (int round = 0; round < 30; ++round) {
    const std::size_t room = 1 + pick(6);
    DiskPages pages(File(), room * kBytes + pick(kBytes));
    std::list<std::pair<CellKey, std::string>> expected;  // least recently used first
    for (int step = 0; step < 300; ++step) {
      const CellKey key = pick(10);
      const std::string salt = pick(2) == 0 ? "a" : "b";
      const auto known = std::ranges::find(expected, std::pair(key, salt));
      switch (pick(12)) {
        case 0:
          pages.Flush();
          break;
        case 1:
          pages.Forget([&](std::string_view each) { return each == salt; });
          expected.remove_if([&](const auto& each) { return each.second == salt; });
          break;
        case 2:
        case 3:
        case 4:
        case 5: {
          const PageCopy* found = pages.Find(Path(key, salt));
          ASSERT_EQ(found != nullptr, known != expected.end());
          if (found == nullptr) break;
          EXPECT_EQ(found->bytes, Bytes(key));
          expected.splice(expected.end(), expected, known);
          break;
        }
        default:
          pages.Keep(Page(key, salt));
          if (known != expected.end()) expected.erase(known);
          if (expected.size() == room) expected.pop_front();
          expected.emplace_back(key, salt);
      }
      ASSERT_EQ(pages.pages(), expected.size());
    }
    EXPECT_EQ(pages.lost(), 0U);
  }
}

}  // namespace
}  // namespace medinfer
