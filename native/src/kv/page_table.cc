#include "kv/page_table.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace medinfer {

PageTable::PageTable(PageTable&& other) noexcept
    : pool_(other.pool_), runs_(std::exchange(other.runs_, {})), size_(std::exchange(other.size_, 0)) {}

PageTable& PageTable::operator=(PageTable&& other) noexcept {
  if (this == &other) return *this;
  Clear();
  pool_ = other.pool_;
  runs_ = std::exchange(other.runs_, {});
  size_ = std::exchange(other.size_, 0);
  return *this;
}

PageTable PageTable::Attach(PagePool& pool, std::span<const PageId> pages) {
  PageTable table(pool);
  table.runs_.reserve(pages.size());
  for (const PageId page : pages) {
    pool.Ref(page);
    table.runs_.push_back({.page = page, .begin = table.size_, .count = pool.page_size()});
    table.size_ += pool.page_size();
  }
  return table;
}

PageTable PageTable::Fork() const {
  PageTable fork(*pool_);
  fork.runs_ = runs_;
  fork.size_ = size_;
  for (const Run& run : runs_) pool_->Ref(run.page);
  return fork;
}

std::uint32_t PageTable::RoomInLastPage() const {
  if (runs_.empty()) return 0;
  const Run& last = runs_.back();
  // What a sole holder does not see of its page, no table sees.
  const bool rest_is_nobodys = pool_->filled(last.page) == last.count || pool_->refs(last.page) == 1;
  return rest_is_nobodys ? pool_->page_size() - last.count : 0;
}

std::uint32_t PageTable::PagesNeeded(std::uint32_t n) const {
  const std::uint32_t room = RoomInLastPage();
  return n <= room ? 0 : (n - room - 1) / pool_->page_size() + 1;
}

bool PageTable::Append(std::uint32_t n, std::vector<std::uint32_t>& cells) {
  if (PagesNeeded(n) > pool_->free()) return false;
  std::uint32_t room = RoomInLastPage();
  while (n > 0) {
    if (room == 0) {
      runs_.push_back({.page = *pool_->Allocate(), .begin = size_, .count = 0});
      room = pool_->page_size();
    }
    Run& last = runs_.back();
    const std::uint32_t taken = std::min(n, room);
    const std::uint32_t first = last.page * pool_->page_size() + last.count;
    for (std::uint32_t i = 0; i < taken; ++i) cells.push_back(first + i);
    last.count += taken;
    pool_->SetFilled(last.page, last.count);
    size_ += taken;
    n -= taken;
    room = 0;
  }
  return true;
}

void PageTable::Truncate(std::uint32_t n) {
  if (n >= size_) return;
  while (!runs_.empty() && runs_.back().begin >= n) {
    pool_->Unref(runs_.back().page);
    runs_.pop_back();
  }
  if (!runs_.empty()) runs_.back().count = n - runs_.back().begin;
  size_ = n;
}

std::uint32_t PageTable::Cell(std::uint32_t i) const {
  const auto after = std::ranges::upper_bound(runs_, i, {}, &Run::begin);
  const Run& run = *std::prev(after);
  return run.page * pool_->page_size() + (i - run.begin);
}

}  // namespace medinfer
