#include "vision/remembered_images.h"

#include <gtest/gtest.h>

namespace medinfer {
namespace {

ContentHash Hash(std::uint8_t first) {
  ContentHash hash;
  hash.digest[0] = first;
  return hash;
}

TEST(RememberedImages, ForgetsWhatWasUsedLeastRecently) {
  RememberedImages images(2);
  images.Insert(Hash(1), {10, 20});
  images.Insert(Hash(2), {30, 40});
  EXPECT_EQ(images.Find(Hash(1))->width, 10U);
  images.Insert(Hash(3), {50, 60});
  EXPECT_FALSE(images.Find(Hash(2)));
  EXPECT_EQ(images.Find(Hash(1))->height, 20U);
  images.Insert(Hash(3), {50, 60});
  images.Insert(Hash(4), {70, 80});
  EXPECT_FALSE(images.Find(Hash(1)));
  EXPECT_EQ(images.Find(Hash(3))->width, 50U);
  EXPECT_FALSE(images.Find(Hash(9)));
}

}  // namespace
}  // namespace medinfer
