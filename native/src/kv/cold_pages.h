// Pages that left the pool, and where they are: in host memory, and what that has no room for on a disk. Belongs to the
// engine thread. Knows no llama.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "kv/disk_pages.h"
#include "kv/host_pages.h"

namespace medinfer {

class ColdPages {
 public:
  // What prompts and answers leave behind their last whole page is a copy from the start, two for each request: it
  // takes so much of host memory at most, and goes to a disk only where it holds a part of an image.
  static constexpr std::uint64_t kMostRestBytes = 256U << 20U;
  static constexpr std::uint64_t kRestShare = 8;  // and one part in so many

  // `host_bytes`: 0: none in host memory; `disk`, which outlives it: null: none there.
  ColdPages(std::uint64_t host_bytes, DiskPages* disk);
  ColdPages(const ColdPages&) = delete;
  ColdPages& operator=(const ColdPages&) = delete;

  bool keeps() const { return host_.has_room() || disk_ != nullptr; }
  // Whether it keeps what stands behind last whole pages, where that has a part of an image, or has none.
  bool keeps_rests(bool image) const { return rests_.has_room() || (image && disk_ != nullptr); }
  bool empty() const { return host_pages() == 0 && (disk_ == nullptr || disk_->pages() == 0); }

  // In place of what was there.
  void Keep(PageCopy page) { (page.keys.empty() ? host_ : rests_).Keep(std::move(page)); }
  // Whether the page is there: then it counts as used now.
  bool Touch(const PagePath& path) {
    return host_.Touch(path) || rests_.Touch(path) || (disk_ != nullptr && disk_->Touch(path));
  }
  // Null: it is not there, or damaged. Otherwise it counts as used now; until the next call.
  const PageCopy* Find(const PagePath& path);
  // It will be asked for soon.
  void ReadAhead(const PagePath& path) const {
    if (disk_ != nullptr) disk_->ReadAhead(path);
  }
  // Forgets all that these salts have.
  void Forget(const std::function<bool(std::string_view salt)>& drops);

  std::size_t host_pages() const { return host_.pages() + rests_.pages(); }
  std::uint64_t host_bytes() const { return host_.bytes() + rests_.bytes(); }
  // Null: there is none.
  const DiskPages* disk() const { return disk_; }

 private:
  DiskPages* const disk_;
  HostPages host_;
  HostPages rests_;
};

}  // namespace medinfer
