#include "kv/cold_pages.h"

#include <algorithm>
#include <utility>

namespace medinfer {

ColdPages::ColdPages(std::uint64_t host_bytes, DiskPages* disk)
    : disk_(disk), host_(host_bytes), rests_(std::min(kMostRestBytes, host_bytes / kRestShare)) {
  if (disk_ == nullptr) return;
  host_.SetOverflow([this](PageCopy page) { disk_->Keep(std::move(page)); });
  rests_.SetOverflow([this](PageCopy page) {
    if (page.holds_image()) disk_->Keep(std::move(page));
  });
}

const PageCopy* ColdPages::Find(const PagePath& path) {
  if (const PageCopy* page = host_.Find(path); page != nullptr) return page;
  if (const PageCopy* rest = rests_.Find(path); rest != nullptr) return rest;
  return disk_ == nullptr ? nullptr : disk_->Find(path);
}

void ColdPages::Forget(const std::function<bool(std::string_view salt)>& drops) {
  host_.Forget(drops);
  rests_.Forget(drops);
  if (disk_ != nullptr) disk_->Forget(drops);
}

}  // namespace medinfer
