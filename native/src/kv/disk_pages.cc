#include "kv/disk_pages.h"

#include <iterator>
#include <span>
#include <utility>

extern "C" {
#include "hash/sha256/sha256.h"
}

namespace medinfer {
namespace {

PagePath DigestOf(std::span<const std::uint8_t> bytes) {
  PagePath digest;
  sha256_hash(digest.data(), bytes.data(), bytes.size());
  return digest;
}

}  // namespace

DiskPages::DiskPages(std::unique_ptr<SpillFile> file, std::uint64_t budget)
    : file_(std::move(file)), budget_(budget), thread_([this] { Run(); }) {}

DiskPages::~DiskPages() {
  {
    const MutexLock lock(mutex_);
    stop_ = true;
  }
  more_.NotifyOne();
  thread_.join();
}

void DiskPages::Run() {
  for (;;) {
    std::shared_ptr<Writing> writing;
    std::shared_ptr<const PageCopy::Bytes> bytes;
    {
      const MutexLock lock(mutex_);
      while (!stop_ && waiting_.empty()) more_.Wait(mutex_);
      if (stop_) return;
      writing = std::move(waiting_.front());
      waiting_.pop_front();
      if (!writing->dropped) bytes = writing->bytes;
    }
    const bool written = bytes != nullptr && file_->Write(writing->block, *bytes);
    const PagePath digest = written ? DigestOf(*bytes) : PagePath{};
    {
      const MutexLock lock(mutex_);
      waiting_bytes_ -= writing->bytes->size();
      writing->bytes.reset();
      writing->failed = !written;
      writing->digest = digest;
      if (waiting_bytes_ == 0) idle_.NotifyOne();
    }
  }
}

void DiskPages::Keep(PageCopy page) {
  if (const auto known = by_path_.find(page.path); known != by_path_.end()) Drop(known->second);
  if (page_bytes_ == 0) page_bytes_ = page.bytes.size();
  if (page.bytes.size() != page_bytes_ || page_bytes_ == 0 || page_bytes_ > budget_) return;
  {
    const MutexLock lock(mutex_);
    if (waiting_bytes_ + page_bytes_ > kMostWaiting) {
      ++lost_;
      return;
    }
  }
  if (bytes() + page_bytes_ > budget_) Drop(entries_.begin());
  if (free_.empty()) free_.push_back(blocks_++);
  auto writing = std::make_shared<Writing>();
  writing->block = free_.back();
  writing->bytes = std::make_shared<const PageCopy::Bytes>(std::exchange(page.bytes, {}));
  entries_.push_back({std::move(page), writing});
  free_.pop_back();
  by_path_.emplace(entries_.back().page.path, std::prev(entries_.end()));
  {
    const MutexLock lock(mutex_);
    waiting_bytes_ += page_bytes_;
    waiting_.push_back(std::move(writing));
  }
  more_.NotifyOne();
}

bool DiskPages::Touch(const PagePath& path) {
  const auto found = by_path_.find(path);
  if (found == by_path_.end()) return false;
  entries_.splice(entries_.end(), entries_, found->second);
  return true;
}

const PageCopy* DiskPages::Find(const PagePath& path) {
  if (!Touch(path)) return nullptr;
  const auto entry = std::prev(entries_.end());
  std::shared_ptr<const PageCopy::Bytes> bytes;
  PagePath digest{};
  bool good = true;
  {
    const MutexLock lock(mutex_);
    bytes = entry->writing->bytes;
    digest = entry->writing->digest;
    good = !entry->writing->failed;
  }
  found_ = entry->page;
  if (bytes != nullptr) {
    found_.bytes = *bytes;
  } else if (good) {
    found_.bytes.resize(page_bytes_);
    good = file_->Read(entry->writing->block, found_.bytes) && DigestOf(found_.bytes) == digest;
  }
  if (good) return &found_;
  ++lost_;
  Drop(entry);
  return nullptr;
}

void DiskPages::ReadAhead(const PagePath& path) const {
  const auto found = by_path_.find(path);
  if (found != by_path_.end()) file_->ReadAhead(found->second->writing->block, page_bytes_);
}

void DiskPages::Forget(const std::function<bool(std::string_view salt)>& drops) {
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (drops(entry->page.salt)) Drop(entry);
    entry = next;
  }
}

void DiskPages::Flush() {
  const MutexLock lock(mutex_);
  while (waiting_bytes_ > 0) idle_.Wait(mutex_);
}

void DiskPages::Drop(Entries::iterator entry) {
  {
    const MutexLock lock(mutex_);
    entry->writing->dropped = true;
  }
  free_.push_back(entry->writing->block);
  by_path_.erase(entry->page.path);
  entries_.erase(entry);
}

}  // namespace medinfer
