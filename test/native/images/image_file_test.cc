#include "medinfer/image_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "support/temp_folder.h"

namespace medinfer {
namespace {

constexpr std::uint64_t kNoLimit = 1U << 30U;

class ImageFileTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return (folder_.path() / name).string(); }

  std::string Write(const std::string& name, const std::vector<std::uint8_t>& bytes) const {
    std::ofstream file(Path(name), std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return Path(name);
  }

  Status Refusal(const std::string& name, std::uint64_t max_bytes = kNoLimit) const {
    const auto read = ImageData::Read(Path(name), max_bytes);
    return read.ok() ? Status() : read.status();
  }

  testing::TempFolder folder_;
};

TEST_F(ImageFileTest, HasTheBytesAndTheirDigest) {
  std::vector<std::uint8_t> bytes(3'000'001);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  const auto read = ImageData::Read(Write("a", bytes), kNoLimit);
  ASSERT_TRUE(read.ok());
  const ImageFile copy = ImageData::Copy(bytes);
  EXPECT_TRUE(std::ranges::equal(read.value()->bytes(), bytes));
  EXPECT_EQ(read.value()->digest(), copy->digest());
  bytes[1] ^= 1U;
  EXPECT_NE(ImageData::Copy(bytes)->digest(), copy->digest());
}

TEST_F(ImageFileTest, IsDigestedOnceForAllThreads) {
  const ImageFile image = ImageData::Copy(std::vector<std::uint8_t>(1'000'000, 7));
  std::vector<ImageData::Digest> seen(4);
  {
    std::vector<std::jthread> threads;
    for (auto& digest : seen) threads.emplace_back([&] { digest = image->digest(); });
  }
  for (const auto& digest : seen) EXPECT_EQ(digest, image->digest());
}

TEST_F(ImageFileTest, MayBeAsLargeAsTheLimit) {
  Write("a", std::vector<std::uint8_t>(1000));
  EXPECT_TRUE(ImageData::Read(Path("a"), 1000).ok());
  const Status refusal = Refusal("a", 999);
  EXPECT_EQ(refusal.code(), Code::kImageTooLarge);
  EXPECT_NE(refusal.message().find("1000 bytes, more than the 999"), std::string::npos);
}

TEST_F(ImageFileTest, WhatCannotBeReadIsRefusedByWhatItIs) {
  Write("empty", {});
  EXPECT_EQ(Refusal("empty").code(), Code::kImageDecode);
  const auto expect_not_found = [&](const std::string& name, const std::string& why) {
    const Status refusal = Refusal(name);
    EXPECT_EQ(refusal.code(), Code::kImageNotFound) << name;
    EXPECT_NE(refusal.message().find(why), std::string::npos) << refusal.message();
  };
  expect_not_found("missing", "there is no such file");
  expect_not_found(".", "it is a folder");
  expect_not_found("empty/x", "it cannot be read (");
  // Without a writer, to open it would never end.
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), S_IRUSR | S_IWUSR), 0);
  expect_not_found("pipe", "it is no regular file");
  const auto endless = ImageData::Read("/dev/zero", kNoLimit);
  ASSERT_FALSE(endless.ok());
  EXPECT_EQ(endless.status().code(), Code::kImageNotFound);
}

TEST_F(ImageFileTest, LeavesNoDescriptorOpen) {
  const std::string path = Write("a", std::vector<std::uint8_t>(10));
  const auto next = [] {
    const int descriptor = open("/dev/null", O_RDONLY);
    close(descriptor);
    return descriptor;
  };
  const int before = next();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(ImageData::Read(path, kNoLimit).ok());
    EXPECT_FALSE(ImageData::Read(path, 1).ok());
    EXPECT_FALSE(ImageData::Read(Path("."), kNoLimit).ok());
  }
  EXPECT_EQ(next(), before);
}

}  // namespace
}  // namespace medinfer
