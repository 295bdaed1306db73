#include "vision/remembered_images.h"

#include <iterator>

namespace medinfer {

void RememberedImages::Insert(const ContentHash& hash, ImageSize size) {
  if (Find(hash)) return;
  if (entries_.size() == most_) {
    by_hash_.erase(entries_.front().first);
    entries_.pop_front();
  }
  entries_.emplace_back(hash, size);
  by_hash_.emplace(hash, std::prev(entries_.end()));
}

std::optional<ImageSize> RememberedImages::Find(const ContentHash& hash) {
  const auto found = by_hash_.find(hash);
  if (found == by_hash_.end()) return std::nullopt;
  entries_.splice(entries_.end(), entries_, found->second);
  return found->second->second;
}

}  // namespace medinfer
