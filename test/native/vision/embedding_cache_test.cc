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

// Digests by Python's hashlib, of lengths around every boundary of a block and of its padding.
TEST(ContentHashTest, IsSha256) {
  const std::vector<std::pair<std::size_t, std::string>> known{
      {0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
      {55, "576a1bf8d4478657e6dc4af9398544765c2a92cde28478b019235cfed315fc09"},
      {56, "9b20501dfd1d99161c257950f3444f3e49230c351c5c8e0943ef369f85f5205d"},
      {63, "30b345906b493f06f69444b6521113511c242f30e29840462950035043682f1e"},
      {64, "d8bc63b4fc1156e5e7d95a418b9bf54cd3174bedbc2db40f74895349b229b3c0"},
      {65, "1ee23b0fbcaecc1aff4a9e8f1645f35ab2c8e13609cd73b68df8b5e3f63ce073"},
      {119, "7a6589821178918ca8d9edaba5abfc1e9b2669564f4469b66885379c1530b2c8"},
      {120, "655250427d56b1b0eeb8497d21428704273458a01772d6881b65c0abac0f8a98"},
      {127, "67d79933e3c9aa8e89f481e071cfca1e9a16c09d7263b5efa3bb01f1a9f8d065"},
      {128, "54c9eb041badfd7064645067b107661fed6113197ce2dd066ba69618abd3732f"},
      {129, "5b55715b51c54661ed0cbd75ba5b00cf1ffee3b7c113a636eca613d9425116a6"},
      {1000, "1d9d471927b6f0cbc77aed8969dfc6ef43ff35fdcdd8aa0032630c0063ff95a5"},
      {70001, "177ee863eae7334c07d783032aedb91f0daaf0967f5a18ffbbb5cf85691e993d"},
  };
  for (const auto& [length, digest] : known) {
    std::vector<std::uint8_t> bytes(length);
    for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
    std::string hex;
    for (const std::uint8_t byte : ContentHash::Of(*ImageData::Copy(bytes)).digest) {
      hex += "0123456789abcdef"[byte >> 4U];
      hex += "0123456789abcdef"[byte & 15U];
    }
    EXPECT_EQ(hex, digest) << length;
  }
}

}  // namespace
}  // namespace medinfer
