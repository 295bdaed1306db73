#include "vision/embedding_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace medinfer {
namespace {

std::uint32_t Draw(std::mt19937& random, std::uint32_t below) {
  return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(random);
}

ContentHash HashOf(std::uint32_t key) {
  ContentHash hash;
  for (std::size_t i = 0; i < 4; ++i) hash.digest[i] = static_cast<std::uint8_t>(key >> (8 * i));
  return hash;
}

std::shared_ptr<const EncodedImage> MakeImage(std::size_t n_floats, std::uint32_t tag) {
  auto image = std::make_shared<EncodedImage>();
  image->width = tag;
  image->chunks.push_back({std::make_shared<const std::vector<float>>(n_floats, 0.0F), 1});
  return image;
}

// The cache in its plainest form: a list, searched from the front.
class NaiveCache {
 public:
  explicit NaiveCache(std::uint64_t capacity) : capacity_(capacity) {}

  std::shared_ptr<const EncodedImage> Find(std::uint32_t key) {
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (entry->first != key) continue;
      const auto image = entry->second;
      entries_.erase(entry);
      entries_.emplace_front(key, image);
      return image;
    }
    return nullptr;
  }

  void Insert(std::uint32_t key, const std::shared_ptr<const EncodedImage>& image) {
    entries_.remove_if([&](const auto& entry) { return entry.first == key; });
    if (image->bytes() > capacity_) return;
    entries_.emplace_front(key, image);
    while (bytes() > capacity_) entries_.pop_back();
  }

  std::uint64_t bytes() const {
    std::uint64_t total = 0;
    for (const auto& entry : entries_) total += entry.second->bytes();
    return total;
  }
  std::size_t size() const { return entries_.size(); }

 private:
  const std::uint64_t capacity_;
  std::list<std::pair<std::uint32_t, std::shared_ptr<const EncodedImage>>> entries_;
};

TEST(EmbeddingCacheTest, BehavesLikeAListSearchedFromTheFront) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    const std::uint64_t capacity = 2000 + Draw(random, 20000);
    EmbeddingCache cache(capacity);
    NaiveCache naive(capacity);
    for (int step = 0; step < 3000; ++step) {
      const std::uint32_t key = Draw(random, 40);
      if (Draw(random, 3) == 0) {
        const auto image = MakeImage(Draw(random, 1500), static_cast<std::uint32_t>(step));
        cache.Insert(HashOf(key), image);
        naive.Insert(key, image);
      } else {
        ASSERT_EQ(cache.Find(HashOf(key)), naive.Find(key)) << "seed " << seed << " step " << step;
      }
      ASSERT_EQ(cache.bytes(), naive.bytes());
      ASSERT_EQ(cache.size(), naive.size());
      ASSERT_LE(cache.bytes(), capacity);
    }
  }
}

TEST(EmbeddingCacheTest, WithoutCapacityKeepsNothing) {
  EmbeddingCache cache(0);
  cache.Insert(HashOf(1), MakeImage(10, 1));
  EXPECT_EQ(cache.Find(HashOf(1)), nullptr);
  EXPECT_EQ(cache.bytes(), 0U);
}

TEST(EmbeddingCacheTest, AnImageThatCanNotBeKeptEvictsNothing) {
  EmbeddingCache cache(1000);
  cache.Insert(HashOf(1), MakeImage(10, 1));
  cache.Insert(HashOf(2), MakeImage(10000, 2));
  EXPECT_NE(cache.Find(HashOf(1)), nullptr);
  EXPECT_EQ(cache.Find(HashOf(2)), nullptr);
}

TEST(EmbeddingCacheTest, EvictedImagesLiveAsLongAsTheyAreUsed) {
  EmbeddingCache cache(1000);
  cache.Insert(HashOf(1), MakeImage(150, 1));
  const auto used = cache.Find(HashOf(1));
  cache.Insert(HashOf(2), MakeImage(150, 2));
  EXPECT_EQ(cache.Find(HashOf(1)), nullptr);
  EXPECT_EQ(used->chunks.front().embedding->size(), 150U);
}

TEST(EmbeddingCacheTest, ServesSeveralThreads) {
  EmbeddingCache cache(20000);
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 2000; ++i) {
        const std::uint32_t key = Draw(random, 30);
        if (const auto found = cache.Find(HashOf(key)); found != nullptr) {
          ASSERT_EQ(found->width, key);
        } else {
          cache.Insert(HashOf(key), MakeImage(Draw(random, 500), key));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(cache.bytes(), 20000U);
}

TEST(ContentHashTest, IsSha256) {
  const std::string text = "abc";
  const ContentHash hash = ContentHash::Of({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  EXPECT_EQ(hash.digest[0], 0xBA);
  EXPECT_EQ(hash.digest[1], 0x78);
  EXPECT_EQ(hash.digest[31], 0xAD);
  const ContentHash empty = ContentHash::Of({});
  EXPECT_EQ(empty.digest[0], 0xE3);
}

}  // namespace
}  // namespace medinfer
