#include "kv/cold_pages.h"

#include <utility>

namespace medinfer {

ColdPages::ColdPages(std::uint64_t host_bytes, DiskPages* disk) : disk_(disk), host_(host_bytes) {
  if (disk_ != nullptr) host_.SetOverflow([this](PageCopy page) { disk_->Keep(std::move(page)); });
}

const PageCopy* ColdPages::Find(const PagePath& path) {
  if (const PageCopy* page = host_.Find(path); page != nullptr) return page;
  return disk_ == nullptr ? nullptr : disk_->Find(path);
}

void ColdPages::Forget(const std::function<bool(std::string_view salt)>& drops) {
  host_.Forget(drops);
  if (disk_ != nullptr) disk_->Forget(drops);
}

}  // namespace medinfer
