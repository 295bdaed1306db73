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
      writing->digest = digest;
      if (!written && !writing->dropped) {
        failed_.push_back(writing);
        ++failures_;
      }
      if (waiting_bytes_ == 0) idle_.NotifyOne();
    }
  }
}

// A full disk takes none: what is not there is not counted, nor looked for.
void DiskPages::DropFailures() {
  if (failures_ == 0) return;
  std::vector<std::shared_ptr<Writing>> failed;
  {
    const MutexLock lock(mutex_);
    failed.swap(failed_);
    failures_ = 0;
  }
  for (const auto& writing : failed) {
    ++lost_;
    const auto found = entries_.find(writing->path);
    if (found != entries_.end() && found->second.writing == writing) Drop(found);
  }
}

void DiskPages::Keep(PageCopy page) {
  DropFailures();
  if (const auto known = entries_.find(page.path); known != entries_.end()) Drop(known);
  if (page_bytes_ == 0) page_bytes_ = page.bytes.size();
  if (page.bytes.size() != page_bytes_ || page_bytes_ == 0 || page_bytes_ > budget_) return;
  {
    const MutexLock lock(mutex_);
    if (waiting_bytes_ + page_bytes_ > kMostWaiting) {
      ++lost_;
      return;
    }
  }
  if ((entries_.size() + 1) * page_bytes_ > budget_) Release(entries_.find(order_.TakeFirst()));
  if (free_.empty()) free_.push_back(blocks_++);
  auto writing = std::make_shared<Writing>();
  writing->path = page.path;
  writing->block = free_.back();
  writing->bytes = std::make_shared<const PageCopy::Bytes>(std::exchange(page.bytes, {}));
  const EvictionQueue::Place place = order_.Enter(page.path, page.cost);
  const PagePath path = page.path;
  entries_.emplace(path, Entry{std::move(page), writing, place});
  free_.pop_back();
  {
    const MutexLock lock(mutex_);
    waiting_bytes_ += page_bytes_;
    waiting_.push_back(std::move(writing));
  }
  more_.NotifyOne();
}

bool DiskPages::Touch(const PagePath& path) {
  DropFailures();
  const auto found = entries_.find(path);
  if (found == entries_.end()) return false;
  found->second.place = order_.Use(found->second.place, found->second.page.cost);
  return true;
}

const PageCopy* DiskPages::Find(const PagePath& path) {
  if (!Touch(path)) return nullptr;
  const auto found = entries_.find(path);
  const Entry& entry = found->second;
  std::shared_ptr<const PageCopy::Bytes> bytes;
  PagePath digest{};
  bool good = true;
  {
    const MutexLock lock(mutex_);
    bytes = entry.writing->bytes;
    digest = entry.writing->digest;
  }
  found_ = entry.page;
  if (bytes != nullptr) {
    found_.bytes = *bytes;
  } else {
    // One whose writing has failed since has no digest, so nothing equals it.
    found_.bytes.resize(page_bytes_);
    good = file_->Read(entry.writing->block, found_.bytes) && DigestOf(found_.bytes) == digest;
  }
  if (good) return &found_;
  DropFailures();
  if (const auto still = entries_.find(path); still != entries_.end()) {
    ++lost_;
    Drop(still);
  }
  return nullptr;
}

void DiskPages::ReadAhead(const PagePath& path) const {
  const auto found = entries_.find(path);
  if (found != entries_.end()) file_->ReadAhead(found->second.writing->block, page_bytes_);
}

void DiskPages::Forget(const std::function<bool(std::string_view salt)>& drops) {
  DropFailures();
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (drops(entry->second.page.salt)) Drop(entry);
    entry = next;
  }
}

void DiskPages::Flush() {
  const MutexLock lock(mutex_);
  while (waiting_bytes_ > 0) idle_.Wait(mutex_);
}

void DiskPages::Drop(Entries::iterator entry) {
  order_.Leave(entry->second.place);
  Release(entry);
}

// REQUIRES: it has left the order.
void DiskPages::Release(Entries::iterator entry) {
  {
    const MutexLock lock(mutex_);
    entry->second.writing->dropped = true;
  }
  free_.push_back(entry->second.writing->block);
  entries_.erase(entry);
}

}  // namespace medinfer
