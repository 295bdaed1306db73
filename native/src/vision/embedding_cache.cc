#include "vision/embedding_cache.h"

#include <utility>

extern "C" {
#include "hash/sha256/sha256.h"
}

namespace medinfer {

ContentHash ContentHash::With(const ImageTokenLimits& limits) const {
  if (!limits.given()) return *this;
  std::vector<std::uint8_t> bytes(digest.begin(), digest.end());
  for (const std::uint32_t limit : {limits.min, limits.max}) {
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<std::uint8_t>(limit >> shift));
  }
  static_assert(SHA256_DIGEST_SIZE == sizeof(ContentHash::digest));
  ContentHash hash;
  sha256_hash(hash.digest.data(), bytes.data(), bytes.size());
  return hash;
}

std::uint64_t EncodedImage::bytes() const {
  std::uint64_t total = sizeof(EncodedImage);
  for (const EncodedChunk& chunk : chunks) {
    total += sizeof(EncodedChunk) + (chunk.embedding != nullptr ? chunk.embedding->size() * sizeof(float) : 0);
  }
  return total;
}

std::shared_ptr<const EncodedImage> EmbeddingCache::Find(const ContentHash& hash) {
  const MutexLock lock(mutex_);
  const auto found = by_hash_.find(hash);
  if (found == by_hash_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->image;
}

void EmbeddingCache::Insert(const ContentHash& hash, std::shared_ptr<const EncodedImage> image) {
  const std::uint64_t bytes = image->bytes();
  const MutexLock lock(mutex_);
  const auto found = by_hash_.find(hash);
  if (found != by_hash_.end()) Erase(found->second);
  if (bytes > capacity_) return;
  while (bytes_ > capacity_ - bytes) Erase(std::prev(entries_.end()));
  entries_.push_front({hash, std::move(image), bytes});
  by_hash_.emplace(hash, entries_.begin());
  bytes_ += bytes;
}

void EmbeddingCache::Erase(std::list<Entry>::iterator entry) {
  bytes_ -= entry->bytes;
  by_hash_.erase(entry->hash);
  entries_.erase(entry);
}

std::uint64_t EmbeddingCache::bytes() const {
  const MutexLock lock(mutex_);
  return bytes_;
}

std::size_t EmbeddingCache::size() const {
  const MutexLock lock(mutex_);
  return entries_.size();
}

}  // namespace medinfer
