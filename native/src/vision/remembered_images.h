// Sizes of the images that were encoded lately, by the content of their files: what is needed to lay out a prompt with
// one, long after its embeddings have left their cache. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>

#include "vision/embedding_cache.h"

namespace medinfer {

struct ImageSize {
  std::uint32_t width = 0;  // pixels
  std::uint32_t height = 0;
};

class RememberedImages {
 public:
  static constexpr std::size_t kMost = 16384;  // some 2 MB

  // `most`: the ones used least recently are forgotten beyond it; not 0.
  explicit RememberedImages(std::size_t most = kMost) : most_(most) {}

  void Insert(const ContentHash& hash, ImageSize size);
  // Nothing: it is not remembered. Otherwise it counts as used now.
  std::optional<ImageSize> Find(const ContentHash& hash);

 private:
  using Entries = std::list<std::pair<ContentHash, ImageSize>>;

  const std::size_t most_;
  Entries entries_;  // least recently used first
  std::unordered_map<ContentHash, Entries::iterator, ContentHashHasher> by_hash_;
};

}  // namespace medinfer
