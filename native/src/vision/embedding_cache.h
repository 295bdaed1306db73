// Embeddings of the images that were encoded lately, found by the content of the image file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <list>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "medinfer/mutex.h"
#include "medinfer/request.h"

namespace medinfer {

// SHA-256 of a file. Not a faster hash: a person who can make two files with one hash could have one patient's image
// answered with another's embedding.
struct ContentHash {
  std::array<std::uint8_t, 32> digest{};

  static ContentHash Of(const ImageData& file) { return {file.digest()}; }
  // That of the file read with these limits: another one where they are given.
  ContentHash With(const ImageTokenLimits& limits) const;
  friend bool operator==(const ContentHash&, const ContentHash&) = default;
};

struct ContentHashHasher {
  // The digest is uniform already.
  std::size_t operator()(const ContentHash& hash) const {
    std::size_t value = 0;
    std::memcpy(&value, hash.digest.data(), sizeof(value));
    return value;
  }
};

// What one encoder pass gave for one piece of an image. Models that tile have several per image.
struct EncodedChunk {
  std::shared_ptr<const std::vector<float>> embedding;  // row-major [n_tokens][width]
  std::uint32_t n_tokens = 0;
};

struct EncodedImage {
  std::uint32_t width = 0;  // of the bitmap: its layout in a prompt follows from these two
  std::uint32_t height = 0;
  std::vector<EncodedChunk> chunks;

  std::uint64_t bytes() const;
};

// Least recently used goes first. Entries are shared: dropping one frees its memory when its last user is done.
// Thread-safe.
class EmbeddingCache {
 public:
  // Zero: keeps nothing.
  explicit EmbeddingCache(std::uint64_t capacity_bytes) : capacity_(capacity_bytes) {}
  EmbeddingCache(const EmbeddingCache&) = delete;
  EmbeddingCache& operator=(const EmbeddingCache&) = delete;

  // Null where there is none; otherwise the entry becomes the most recently used one.
  std::shared_ptr<const EncodedImage> Find(const ContentHash& hash);

  // Replaces an entry of the same hash. An image larger than the whole capacity is not kept, and evicts nothing.
  void Insert(const ContentHash& hash, std::shared_ptr<const EncodedImage> image);

  std::uint64_t bytes() const;
  std::size_t size() const;

 private:
  struct Entry {
    ContentHash hash;
    std::shared_ptr<const EncodedImage> image;
    std::uint64_t bytes = 0;
  };

  void Erase(std::list<Entry>::iterator entry) MEDINFER_REQUIRES(mutex_);

  const std::uint64_t capacity_;
  mutable Mutex mutex_;
  std::list<Entry> entries_ MEDINFER_GUARDED_BY(mutex_);  // most recently used first
  std::unordered_map<ContentHash, std::list<Entry>::iterator, ContentHashHasher> by_hash_ MEDINFER_GUARDED_BY(mutex_);
  std::uint64_t bytes_ MEDINFER_GUARDED_BY(mutex_) = 0;  // invariant: sum over entries_, at most capacity_
};

}  // namespace medinfer
